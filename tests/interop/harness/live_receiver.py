"""A business server's callback URL for live rooms. It checks the query, the signature and the shape of every call."""

import dataclasses
import hashlib
import json
from urllib.parse import unquote

from .listener import STAMP_MAY_DIFFER, Listener
from .room_sequence import RoomSequence
from .shape import differences

PREFIX = "Live.CallbackAfter"
TEXT, ROOM_TYPE = str, "Live"
MEMBER = {"Member_Account": TEXT}
CREATED = {
    "RoomId": TEXT, "RoomName": TEXT, "RoomType": ROOM_TYPE, "Owner_Account": TEXT, "MaxMemberCount": int,
    "IsMessageDisabled": bool, "CustomInfo": TEXT, "IsSeatEnabled": bool, "TakeSeatMode": TEXT, "MaxSeatCount": int,
    "CreateTime": int, "IsPublicVisible": bool, "CoverURL": TEXT, "Category": list,
}
DESTROYED = {
    "RoomName": TEXT, "RoomType": ROOM_TYPE, "Owner_Account": TEXT, "IsSeatEnabled": bool, "TakeSeatMode": TEXT,
    "MaxMemberCount": int, "MaxSeatCount": int, "Category": list, "CustomInfo": TEXT, "IsMessageDisabled": bool,
    "CoverURL": TEXT, "ActivityStatus": int, "IsPublicVisible": bool, "ViewCount": int, "BackgroundURL": TEXT,
    "IsUnlimitedRoomEnabled": bool,
}
UPDATED = {
    "RoomId": TEXT, "RoomName": TEXT, "MaxMemberCount": int, "IsMessageDisabled": bool, "CoverURL": TEXT,
    "Category": list, "ActivityStatus": int, "IsPublicVisible": bool, "TakeSeatMode": TEXT, "CustomInfo": TEXT,
}
STATISTIC = dict.fromkeys(
    ("TotalViewers", "TotalGiftsSent", "TotalGiftCoins", "TotalUniqueGiftSenders", "TotalLikesReceived"), int
)
BY, IN = {"Operator_Account": TEXT}, {"RoomId": TEXT}
BODIES = {  # beside CallbackCommand and EventTime, which all have
    "CreateRoom": BY | {"RoomInfo": CREATED},
    "DestroyRoom": BY | IN | {"EventType": TEXT, "RoomInfo": DESTROYED, "Statistic": STATISTIC},
    "UpdateRoomInfo": BY | {"RoomInfo": UPDATED},
    "SetMetadata": BY | IN | {"Metadata": list},
    "DelMetadata": BY | IN | {"Keys": list},
    "CreateRoomReachingThreshold": BY | {"CurRoomCount": int, "MaxRoomCount": int},
    "MemberStateChanged": IN | {"EventType": TEXT, "EventCause": TEXT, "MemberList": [MEMBER]},
    "ChangeOwner": BY | IN | {"CurrentOwner_Account": TEXT, "OriginalOwner_Account": TEXT},
    "ModifyAdmin": BY | IN | {"Admin_Account": list, "opType": TEXT},
}
WORDS = tuple(PREFIX + word for word in BODIES)
NOT_SAID_FROM_WHERE = ("ChangeOwner", "ModifyAdmin")
CAUSES = {"Online": ("Enter", "HeartbeatRecover"), "Offline": ("Leave", "HeartbeatInterrupt", "Kicked")}
PLATFORMS = ("RESTAPI", "Web", "Android", "iOS", "Windows", "Mac", "iPad", "Unknown")


@dataclasses.dataclass
class RoomEvent:
    word: str  # without what all words begin with
    body: dict
    query: dict
    delivery: str

    @property
    def room(self):
        return room_of(self.body)

    def __str__(self):
        """As tests write it: `CreateRoom`, `ann Online Enter`."""
        if self.word != "MemberStateChanged":
            return self.word
        who = ",".join(member["Member_Account"] for member in self.body["MemberList"])
        return f"{who} {self.body['EventType']} {self.body['EventCause']}"


class LiveReceiver(Listener):
    path = "/live"

    def __init__(self):
        super().__init__()
        self.sdkappids = ()  # of the applications that may call, as text
        self.words = WORDS  # what was asked for
        self.token = None  # the text, while signing is on
        self.failing_rooms = set()  # what is told of these gets 500
        self.whole = True  # False: it did not listen from the beginning, or not to all words

    def events_of(self, room):
        """What was told of a room, each once, in the order of the first tries: a failed one may be the only."""
        return [event for event in self.events if event.room == room]

    @property
    def events(self):
        first = {}
        for callback in self.callbacks:
            first.setdefault(callback.delivery, callback)
        return [event_of(callback) for callback in first.values()]

    def tries(self, delivery):
        return [callback for callback in self.callbacks if callback.delivery == delivery]

    async def told(self, room, *expected, timeout=10.0):
        """All that was told of the room so far, once it is as much as expected: the events."""
        __tracebackhide__ = True
        as_many = lambda _: len(self.events_of(room)) >= len(expected)
        await self.log.until(f"{len(expected)} events of {room}: {expected}", as_many, timeout)
        came = self.events_of(room)
        assert [str(event) for event in came] == list(expected), f"of {room} came {[str(event) for event in came]}"
        return came

    async def event(self, what, room, nth=1, timeout=10.0):
        """The nth event that reads so."""
        __tracebackhide__ = True

        def found(_):
            fits = [event for event in self.events_of(room) if str(event) == what]
            return fits[nth - 1] if len(fits) >= nth else None

        return await self.log.until(f"{what!r} {nth} of {room}", found, timeout)

    def _status(self, body):
        if not self.next_statuses and room_of(json.loads(body)) in self.failing_rooms:
            return 500
        return super()._status(body)

    def check(self):
        __tracebackhide__ = True
        super().check()
        for callback in self.callbacks:
            first, again = query_of(self.tries(callback.delivery)[0]), query_of(callback)
            for made_anew in ("Sign", "RequestTime"):
                first.pop(made_anew, None), again.pop(made_anew, None)
            assert first == again, f"delivery {callback.delivery} changed its query from {first} to {again}"
        self.sequences()

    def sequences(self):
        """Where every room stands, by SDKAppID and room. Each event fits in."""
        __tracebackhide__ = True
        found, sequences, told = [], {}, {}
        for event in self.events:
            if event.room is None:
                continue  # of the application
            key = (event.query["SdkAppid"], event.room)
            sequence = sequences.setdefault(key, RoomSequence(self.whole))
            told.setdefault(key, []).append(str(event))
            found += [f"{event}: {fault}; so far {told[key]}" for fault in sequence.take(event.word, event.body)]
        assert not found, "\n".join(found)
        return sequences

    def _faults(self, request_line, headers, body):
        faults = super()._faults(request_line.partition("?")[0] + " HTTP/1.1", headers, body)
        try:
            text = body.decode()
            told = json.loads(text)
            if json.dumps(told, sort_keys=True, separators=(",", ":"), ensure_ascii=False) != text:
                faults.append("the body is not compact, or its keys are not sorted")
            word = told["CallbackCommand"]
            faults += self._query_faults(query_pairs(request_line), word, told, headers.get("roomd-delivery"))
            return faults + self._body_faults(word, told)
        except (ValueError, KeyError, TypeError) as error:
            return faults + [f"not as documented: {error!r}"]

    def _query_faults(self, pairs, word, told, delivery):
        faults, query = [], dict(pairs)
        by_timer = told.get("EventCause") == "HeartbeatInterrupt" or told.get("EventType") == "DestroyBySystem"
        names = ["SdkAppid", "CallbackCommand", "contenttype"]
        if word.removeprefix(PREFIX) not in NOT_SAID_FROM_WHERE:
            names += (["ClientIP"] if "ClientIP" in query or not by_timer else []) + ["OptPlatform"]
        names += ["RequestID"] + (["Sign", "RequestTime"] if self.token else [])
        if [name for name, _ in pairs] != names:
            faults.append(f"the query has {[name for name, _ in pairs]}, expected {names}")
        if query["SdkAppid"] not in self.sdkappids:
            faults.append(f"SdkAppid {query['SdkAppid']!r}, expected one of {self.sdkappids}")
        for name, expected in (
            ("CallbackCommand", word), ("contenttype", "json"), ("RequestID", delivery), ("ClientIP", "127.0.0.1"),
        ):
            if query.get(name, expected) != expected:
                faults.append(f"{name} {query[name]!r}, expected {expected!r}")
        if query.get("OptPlatform", "RESTAPI") not in PLATFORMS:
            faults.append(f"OptPlatform {query['OptPlatform']!r}")
        return faults + (signature_faults(query, self.token, self.clock) if self.token else [])

    def _body_faults(self, word, told):
        if word not in self.words:
            return [f"{word} was not asked for"]
        fields = BODIES[word.removeprefix(PREFIX)] | {"CallbackCommand": TEXT, "EventTime": int}
        faults = differences(told, fields, "body")
        if told["EventTime"] > (self.clock()[1] + STAMP_MAY_DIFFER) * 1000 or told["EventTime"] < 1_600_000_000_000:
            faults.append(f"EventTime {told['EventTime']} is no recent time in ms")
        if "EventCause" in told and told["EventCause"] not in CAUSES[told["EventType"]]:
            faults.append(f"EventType {told['EventType']} by {told['EventCause']}")
        return faults


def signature_faults(query, token, clock):
    """What is wrong with the signature in a query, as sentences."""
    stamp, (earliest, latest) = query["RequestTime"], clock()
    expected = hashlib.sha256(f"{token}{stamp}".encode()).hexdigest()
    faults = [] if query["Sign"] == expected else [f"Sign {query['Sign']!r}, expected {expected!r}"]
    if not stamp.isdigit() or not earliest - STAMP_MAY_DIFFER <= int(stamp) <= latest + STAMP_MAY_DIFFER:
        faults.append(f"RequestTime {stamp!r} at {latest:.0f}")
    return faults


def room_of(body):
    return body["RoomId"] if "RoomId" in body else body.get("RoomInfo", {}).get("RoomId")


def query_pairs(request_line):
    query = request_line.split(" ")[1].partition("?")[2]
    return [(name, unquote(value)) for name, _, value in (pair.partition("=") for pair in query.split("&"))]


def query_of(callback):
    return dict(query_pairs(callback.line))


def event_of(callback):
    body = json.loads(callback.body)
    return RoomEvent(body["CallbackCommand"].removeprefix(PREFIX), body, query_of(callback), callback.delivery)
