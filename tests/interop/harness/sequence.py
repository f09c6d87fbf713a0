"""What one subscription was told of one channel, held against the rules: Open, for each session Join … Leave, Close."""

import dataclasses

MEDIAS = {"Audio": 1, "Video": 2, "Screen": 3}
STREAMER, VIEWER = 1, 2
REJOIN = 2  # the Reason of a Join that may follow a Join


@dataclasses.dataclass
class Inside:
    """A user in the channel, as far as it was told."""

    session: str
    role: int
    medias: set


class Sequence:
    def __init__(self, events):
        self._hears_channel = "ChannelEvent" in events
        self.open = False
        self.inside = {}  # user → Inside, in the order they joined
        self._sessions = set()  # every SessionId that was ever told
        self._stamp = 0

    def take(self, tag, fields):
        """Goes on by one event; what is wrong with it, as sentences."""
        found = []
        if fields["Timestamp"] < self._stamp:
            found.append(f"of {fields['Timestamp']}, after one of {self._stamp}")
        self._stamp = fields["Timestamp"]
        return found + (self._channel(tag) if tag in ("Open", "Close") else self._user(tag, fields))

    def _channel(self, tag):
        found = []
        if self.open == (tag == "Open"):
            found.append(f"but the channel is {'open' if self.open else 'closed'} already")
        if self.inside:
            found.append(f"but these are in: {list(self.inside)}")
        self.open = tag == "Open"
        return found

    def _user(self, tag, fields):
        user, session = fields["UserId"], fields["SessionId"]
        found = []
        if self._hears_channel and not self.open:
            found.append("but the channel is not open")
        if tag == "Join" and fields["Reason"] != REJOIN:
            if user in self.inside:
                found.append("but the user is in")
            if session in self._sessions:
                found.append("but its SessionId was there before")
            self._sessions.add(session)
            self.inside[user] = Inside(session, fields["Role"], set())
        here = self.inside.get(user)
        if here is None:
            return found + ["but the user is not in"]
        if session != here.session:
            found.append(f"but the SessionId was {here.session}")
        return found + self._state(tag, fields, here)

    def _state(self, tag, fields, here):
        found = []
        if tag.startswith(("Publish", "Unpublish")):
            verb, _, media = tag.partition("ublish")
            found += self._media(verb == "P", MEDIAS[media], here)
        if tag == "Roleupdate":
            if fields["Role"] == here.role:
                found.append("but it had this role")
            if fields["Role"] == VIEWER and here.medias:
                found.append(f"but it publishes {here.medias}")
            here.role = fields["Role"]
        if fields["Role"] != here.role:
            found.append(f"but its role was {here.role}")
        if tag == "Leave":
            if here.medias:
                found.append(f"but it publishes {here.medias}")
            del self.inside[fields["UserId"]]
        elif fields["CurrentMedias"] != ",".join(map(str, sorted(here.medias))):
            found.append(f"but it publishes {here.medias or 'nothing'}")
        return found

    @staticmethod
    def _media(begins, media, here):
        found = []
        if begins and here.role != STREAMER:
            found.append("but it is a viewer")
        if begins == (media in here.medias):
            found.append(f"but it publishes {here.medias or 'nothing'} before")
        here.medias ^= {media}
        return found
