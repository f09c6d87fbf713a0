"""What an application's URL was told of its chat, held against the rules: who joined exits, who came goes, messages are
numbered without gaps."""

import collections

LIVE = "AVChatRoom"  # the type whose members are only those who are there


class ChatSequence:
    """`whole`: nothing that happened was not told. Of the groups in `untold` not every message is."""

    def __init__(self, whole, untold):
        self._whole, self._untold = whole, untold
        self.members = {}  # of each group that is there: user → whether, for those of whom anything was told
        self.types = {}  # of each group
        self.online = {}  # user → whether
        self.seqs = collections.defaultdict(int)  # of each group, the last MsgSeq

    def take(self, word, body):
        """Goes on by one event; what is wrong with it, as sentences."""
        match word:
            case "StateChange":
                return self._state(body["Info"]["To_Account"], body["Info"]["Action"] == "Login", body)
            case "AfterCreateGroup":
                return self._created(body)
            case "AfterGroupDestroyed":
                return self._destroyed(body["GroupId"])
            case "AfterNewMemberJoin":
                return self._members(body, body["NewMemberList"], True)
            case "AfterMemberExit":
                return self._members(body, body["ExitMemberList"], False)
            case "AfterSendMsg":
                return self._numbered(body["GroupId"], body["MsgSeq"])
        return []

    def _state(self, user, comes, body):
        """Who logs in from elsewhere, is told as logged in again, and which device was put off."""
        was, again = self.online.get(user, not self._whole and not comes), "KickedDevice" in body
        self.online[user] = comes
        if comes and was != again:
            return [f"but {user} was {'here already' if was else 'not here'}"]
        return [] if comes or was else [f"but {user} was not here"]

    def _created(self, body):
        group = body["GroupId"]
        found = [f"but {group} is there"] if group in self.members and self._whole else []
        kept = [member["Member_Account"] for member in body["MemberList"]] + ([body["Owner_Account"]] if body["Owner_Account"] else [])
        self.types[group] = body["Type"]
        self.members[group] = {} if body["Type"] == LIVE else dict.fromkeys(kept, True)
        self.seqs.pop(group, None)
        return found

    def _destroyed(self, group):
        self.seqs.pop(group, None)
        return [] if self.members.pop(group, None) is not None or not self._whole else [f"but {group} is not there"]

    def _members(self, body, members, come):
        group, found = body["GroupId"], []
        if group not in self.members and self._whole:
            found.append(f"but {group} is not there")
        inside = self.members.setdefault(group, {})
        for user in (member["Member_Account"] for member in members):
            if inside.get(user, not self._whole and not come) == come:
                found.append(f"but {user} was {'in' if come else 'not in'} already")
            inside[user] = come
        return found

    def _numbered(self, group, seq):
        """0: it was not stored."""
        if seq == 0:
            return []
        last, self.seqs[group] = self.seqs[group], seq
        gaps = group in self._untold or (last == 0 and not self._whole)
        fits = seq > last if gaps else seq == last + 1
        return [] if fits else [f"but MsgSeq {seq} came after {last}"]
