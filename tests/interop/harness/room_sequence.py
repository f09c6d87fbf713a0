"""What was told of one live room, held against the rules: made, then members come and go by turns, then nothing more."""


class RoomSequence:
    """`whole`: that the room is made and destroyed is told, too."""

    def __init__(self, whole):
        self._whole = whole
        self.made = None if whole else True  # None: not yet; False: destroyed
        self.online = {}  # user → whether, for those of whom anything was told
        self.lost = set()  # online before, their link is interrupted

    def take(self, word, body):
        """Goes on by one event; what is wrong with it, as sentences."""
        if word == "CreateRoom":
            found = ["but the room is there"] if self.made and self._whole else []
            self.made = True
            return found
        if not self.made:
            return [f"but the room {'is not made yet' if self.made is None else 'is destroyed'}"]
        if word == "DestroyRoom":
            self.made, self.online, self.lost = False, {}, set()
        if word == "MemberStateChanged":
            return [fault for member in body["MemberList"] for fault in self._member(member["Member_Account"], body)]
        return []

    def _member(self, user, body):
        found, comes, cause = [], body["EventType"] == "Online", body["EventCause"]
        if comes == self.online.get(user, False):
            found.append(f"but {user} was {body['EventType']} already")
        if cause == "HeartbeatRecover" and user not in self.lost:
            found.append(f"but the link of {user} was not interrupted")
        self.lost.discard(user)
        if cause == "HeartbeatInterrupt":
            self.lost.add(user)
        self.online[user] = comes
        return found
