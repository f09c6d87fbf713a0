"""A business server's URL for the chat's webhooks. It checks the query, the signature and the shape of every call, and
answers the questions among them, the Before hooks, as the test says."""

import collections
import dataclasses
import json
import re

from .chat_sequence import ChatSequence
from .listener import Listener
from .live_receiver import PLATFORMS, query_of, query_pairs, signature_faults
from .shape import differences

TEXT = str
TYPES = ("Private", "Public", "ChatRoom", "AVChatRoom", "Community")
MEMBERS = [{"Member_Account": TEXT}]
GROUP = {"GroupId": TEXT, "Type": TEXT}
BY = {"Operator_Account": TEXT}
MESSAGE = GROUP | BY | {"From_Account": TEXT, "Random": int, "OnlineOnlyFlag": int, "MsgBody": list, "MsgPriority": TEXT}
DIRECT = {
    "From_Account": TEXT, "To_Account": TEXT, "MsgSeq": int, "MsgRandom": int, "MsgTime": int, "MsgKey": TEXT,
    "OnlineOnlyFlag": int, "MsgBody": list,
}
MADE = BY | {"Owner_Account": TEXT, "Type": TEXT, "Name": TEXT, "MemberList": MEMBERS}
TIMED = {"EventTime": int}
BODIES = {  # beside CallbackCommand, which all have
    "State.StateChange": TIMED | {"Info": {"Action": TEXT, "To_Account": TEXT, "Reason": TEXT}},
    "Group.CallbackBeforeCreateGroup": TIMED | MADE | {"CreateGroupNum": int},
    "Group.CallbackAfterCreateGroup": TIMED | MADE | {"GroupId": TEXT},
    "Group.CallbackBeforeApplyJoinGroup": TIMED | GROUP | {"Requestor_Account": TEXT},
    "Group.CallbackBeforeInviteJoinGroup": TIMED | GROUP | BY | {"DestinationMembers": MEMBERS},
    "Group.CallbackAfterNewMemberJoin": TIMED | GROUP | BY | {"JoinType": TEXT, "NewMemberList": MEMBERS},
    "Group.CallbackAfterMemberExit": TIMED | GROUP | BY | {"ExitType": TEXT, "ExitMemberList": MEMBERS},
    "Group.CallbackAfterGroupDestroyed": TIMED | GROUP | {"Owner_Account": TEXT, "Name": TEXT},
    "Group.CallbackAfterGroupFull": TIMED | {"GroupId": TEXT},
    "Group.CallbackAfterGroupInfoChanged": TIMED | GROUP | BY,
    "Group.CallbackBeforeSendMsg": TIMED | MESSAGE,
    "Group.CallbackAfterSendMsg": TIMED | MESSAGE | {"MsgSeq": int, "MsgTime": int},
    "Group.CallbackSendMsgException": TIMED | MESSAGE | {"ErrorCode": int, "ErrorInfo": TEXT},
    "Group.CallbackAfterRecallMsg": TIMED | GROUP | BY | {"MsgSeqList": [{"MsgSeq": int}]},
    "Group.CallbackOnMemberStateChange": {"GroupId": TEXT, "EventType": TEXT, "MemberList": MEMBERS},
    "C2C.CallbackBeforeSendMsg": DIRECT,
    "C2C.CallbackAfterSendMsg": DIRECT | {"SendMsgResult": int, "ErrorInfo": TEXT, "UnreadMsgNum": int},
}
CHANGED = {name: TEXT for name in ("Name", "Introduction", "Notification", "FaceUrl")}
CUSTOM = {"CloudCustomData": TEXT}
MAY_HAVE = {
    "State.StateChange": {"KickedDevice": [{"Platform": TEXT}]},
    "Group.CallbackAfterCreateGroup": {"UserDefinedDataList": [{"Key": TEXT, "Value": TEXT}]},
    "Group.CallbackAfterGroupDestroyed": {"MemberList": MEMBERS},
    "Group.CallbackAfterGroupInfoChanged": CHANGED,
    **{word: CUSTOM for word in BODIES if "SendMsg" in word},
}
HAS_ONE_OF = {
    ("Info", "Action"): ("Login", "Logout", "Disconnect"), ("Info", "Reason"): ("Register", "Unregister", "LinkClose", "TimeOut"),
    ("Type",): TYPES, ("JoinType",): ("Apply", "Invited"), ("ExitType",): ("Kicked", "Quit"), ("EventType",): ("Online", "Offline"),
    ("OnlineOnlyFlag",): (0, 1), ("MsgPriority",): ("High", "Normal", "Low", "Lowest"),
}
WORDS = tuple(BODIES)
HOOKS = tuple(word for word in WORDS if "Before" in word)
AFTER_WORDS = tuple(word for word in WORDS if word not in HOOKS)
BEFORE, AFTER, EXCEPTION = "Group.CallbackBeforeSendMsg", "Group.CallbackAfterSendMsg", "Group.CallbackSendMsgException"
C2C_BEFORE, C2C_AFTER = "C2C.CallbackBeforeSendMsg", "C2C.CallbackAfterSendMsg"
CREATE, APPLY, INVITE = (f"Group.CallbackBefore{what}Group" for what in ("Create", "ApplyJoin", "InviteJoin"))
NOT_SAID_FROM_WHERE = ("Group.CallbackOnMemberStateChange",)
OK = {"ActionStatus": "OK", "ErrorInfo": "", "ErrorCode": 0}
HANG = None  # as an answer: none
STRING = re.compile(r'"(?:[^"\\]|\\.)*"')


@dataclasses.dataclass
class ChatEvent:
    word: str
    body: dict
    query: dict
    id: str  # RequestID
    faults: list

    @property
    def short(self):
        """`AfterCreateGroup`, `StateChange`; of a message to one user with `C2C.` before it."""
        family, _, name = self.word.partition(".")
        return ("C2C." if family == "C2C" else "") + name.removeprefix("Callback")

    @property
    def subject(self):
        """The group; of what is in none, the user or the two."""
        body = self.body
        if "Info" in body:
            return body["Info"]["To_Account"]
        return body["GroupId"] if "GroupId" in body else f"{body.get('From_Account')}>{body.get('To_Account')}"

    def __str__(self):
        """As tests write it: `ann,bob join Invited`, `ann exit Quit`, `ann Login Register`, `AfterSendMsg`."""
        body, of = self.body, lambda field: ",".join(member["Member_Account"] for member in body[field])
        match self.short:
            case "StateChange":
                return f"{body['Info']['To_Account']} {body['Info']['Action']} {body['Info']['Reason']}"
            case "AfterNewMemberJoin":
                return f"{of('NewMemberList')} join {body['JoinType']}"
            case "AfterMemberExit":
                return f"{of('ExitMemberList')} exit {body['ExitType']}"
            case "OnMemberStateChange":
                return f"{of('MemberList')} {body['EventType']}"
            case "SendMsgException":
                return f"SendMsgException {body['ErrorCode']}"
        return self.short


class ChatReceiver(Listener):
    """`answers` maps a hook's word, or a word and a group, to its answer: a number for ErrorCode, a dict for what is beside
    it, a status and bytes for those, a function of the body for one of these, `HANG` for silence. All else is let pass."""

    path = "/chat"

    def __init__(self):
        super().__init__()
        self.sdkappids = ()  # of the applications that may call, as text
        self.words = WORDS  # what was asked for
        self.token = None  # the text, while signing is on
        self.time_as_text = False  # how EventTime is told
        self.answers = {}
        self.whole = True  # False: it did not listen from the beginning, or not to all words
        self.untold = set()  # groups of whose messages not all are told

    @property
    def events(self):
        """What happened, each once, in the order of the first tries."""
        return [event for event in self._all() if event.word not in HOOKS]

    @property
    def asked(self):
        """The calls of Before hooks."""
        return [event for event in self._all() if event.word in HOOKS]

    def tries(self, id):
        return [callback for callback in self.callbacks if query_of(callback).get("RequestID") == id]

    def events_of(self, subject):
        return [event for event in self.events if event.subject == subject]

    def asked_of(self, subject):
        return [event for event in self.asked if event.subject == subject]

    async def told(self, subject, *expected, timeout=10.0):
        """All that was told of the group, or the user, so far, once it is as much as expected: the events."""
        __tracebackhide__ = True
        as_many = lambda _: len(self.events_of(subject)) >= len(expected)
        await self.log.until(f"{len(expected)} events of {subject}: {expected}", as_many, timeout)
        came = self.events_of(subject)
        assert [str(event) for event in came] == list(expected), f"of {subject} came {[str(event) for event in came]}"
        return came

    async def event(self, what, subject=None, nth=1, timeout=10.0):
        """The nth event that reads so."""
        __tracebackhide__ = True

        def found(_):
            fits = [one for one in self.events if subject in (None, one.subject) and what in (str(one), one.short)]
            return fits[nth - 1] if len(fits) >= nth else None

        return await self.log.until(f"{what!r} {nth} of {subject or 'any'}", found, timeout)

    async def question(self, word, nth=1, timeout=10.0):
        """The nth call of this hook, as `Group.CallbackBeforeSendMsg`."""
        __tracebackhide__ = True

        def found(_):
            fits = [one for one in self.asked if one.word == word]
            return fits[nth - 1] if len(fits) >= nth else None

        return await self.log.until(f"question {nth} of {word}", found, timeout)

    def check(self):
        __tracebackhide__ = True
        super().check()
        tries = collections.defaultdict(list)
        for callback in self.callbacks:
            query = query_of(callback)
            fixed = {name: value for name, value in query.items() if name not in ("Sign", "RequestTime")}
            tries[query.get("RequestID")].append((fixed, callback.body))
        for id, came in tries.items():
            assert all(one == came[0] for one in came), f"{id} was sent with other bytes: {came}"
            word = came[0][0].get("CallbackCommand")
            assert word not in HOOKS or len(came) == 1, f"a question is asked once, {word} came {len(came)} times: {came}"
        self.sequences()

    def sequences(self):
        """Where every group and user stands, by SDKAppID. Each event fits in."""
        __tracebackhide__ = True
        found, sequences = [], collections.defaultdict(lambda: ChatSequence(self.whole, self.untold))
        told = collections.defaultdict(list)
        for event in self.events:
            app = event.query.get("SdkAppid")
            told[app, event.subject].append(str(event))
            faults = sequences[app].take(event.short, event.body)
            found += [f"{event}: {fault}; so far of {event.subject} {told[app, event.subject]}" for fault in faults]
        assert not found, "\n".join(found)
        return sequences

    def _all(self):
        first = {}
        for callback in self.callbacks:
            query = query_of(callback)
            body = json.loads(callback.body)
            event = ChatEvent(body["CallbackCommand"], body, query, query.get("RequestID"), callback.faults)
            first.setdefault(event.id, event)
        return list(first.values())

    def _answer(self, body):
        told = json.loads(body)
        word = told["CallbackCommand"]
        answer = self.answers.get((word, told.get("GroupId")), self.answers.get(word, 0))
        answer = answer(told) if callable(answer) else answer
        if answer is HANG:
            return None
        if isinstance(answer, tuple):
            return answer
        given = {"ErrorCode": answer} if isinstance(answer, int) else answer
        status = {"ActionStatus": "FAIL"} if given.get("ErrorCode") else {}
        return self._status(body), json.dumps(OK | status | given).encode()

    def _faults(self, request_line, headers, body):
        hook = "CallbackCommand=Group.CallbackBefore" in request_line or "CallbackCommand=C2C.CallbackBefore" in request_line
        with_delivery = {"roomd-delivery": "hook"} | headers if hook else headers  # a question is no delivery
        faults = super()._faults(request_line.partition("?")[0] + " HTTP/1.1", with_delivery, body)
        try:
            text = body.decode()
            told = json.loads(text)
            faults += form_faults(text)
            word = told["CallbackCommand"]
            if word not in self.words:
                return faults + [f"{word} was not asked for"]
            faults += self._query_faults(query_pairs(request_line), word, told, headers.get("roomd-delivery"))
            return faults + self._body_faults(word, told)
        except (ValueError, KeyError, TypeError) as error:
            return faults + [f"not as documented: {error!r}"]

    def _query_faults(self, pairs, word, told, delivery):
        faults, query = [], dict(pairs)
        names = ["SdkAppid", "CallbackCommand", "contenttype"]
        if word not in NOT_SAID_FROM_WHERE:
            # What nobody did, as when a link is lost, comes from nowhere.
            names += (["ClientIP"] if "ClientIP" in query or not by_itself(told) else []) + ["OptPlatform"]
        names += ["RequestID"] + (["Sign", "RequestTime"] if self.token else [])
        if [name for name, _ in pairs] != names:
            faults.append(f"the query has {[name for name, _ in pairs]}, expected {names}")
        if query["SdkAppid"] not in self.sdkappids:
            faults.append(f"SdkAppid {query['SdkAppid']!r}, expected one of {self.sdkappids}")
        expected = {"CallbackCommand": word, "contenttype": "json", "ClientIP": "127.0.0.1"}
        for name, value in (expected | ({"RequestID": delivery} if delivery else {})).items():
            if query.get(name, value) != value:
                faults.append(f"{name} {query[name]!r}, expected {value!r}")
        spelled = ("IOS",) if word == "State.StateChange" else ()  # as this word alone has it
        if query.get("OptPlatform", "RESTAPI") not in PLATFORMS + spelled:
            faults.append(f"OptPlatform {query['OptPlatform']!r}")
        return faults + (signature_faults(query, self.token, self.clock) if self.token else [])

    def _body_faults(self, word, told):
        fields = {"CallbackCommand": TEXT} | BODIES[word]
        fields |= {name: shape for name, shape in MAY_HAVE.get(word, {}).items() if name in told}
        if "EventTime" in fields and self.time_as_text:
            fields["EventTime"] = TEXT
        lists = [name for name, shape in fields.items() if isinstance(shape, list) and isinstance(told.get(name), list)]
        faults = differences(told, fields | {name: fields[name] * len(told[name]) for name in lists}, "body")
        for path, values in HAS_ONE_OF.items():
            value = told
            for name in path:
                value = value.get(name, values[0]) if isinstance(value, dict) else values[0]
            if value not in values and not (path == ("Type",) and value == "" and word == "Group.CallbackSendMsgException"):
                faults.append(f"{'.'.join(path)} {value!r}, expected one of {values}")
        faults += [f"no element: {one}" for one in told.get("MsgBody", ()) if not is_element(one)]
        if "MsgKey" in told and told["MsgKey"] != f"{told['MsgSeq']}_{told['MsgRandom']}_{told['MsgTime']}":
            faults.append(f"MsgKey {told['MsgKey']!r} of {told}")
        return faults + self._time_faults(told)

    def _time_faults(self, told):
        latest = self.clock()[1] + 5
        faults = []
        if "EventTime" in told and not 1_600_000_000_000 < int(told["EventTime"]) <= latest * 1000:
            faults.append(f"EventTime {told['EventTime']} is no recent time in ms")
        if "MsgTime" in told and not 1_600_000_000 < told["MsgTime"] <= latest:
            faults.append(f"MsgTime {told['MsgTime']} is no recent time in s")
        return faults


def is_element(one):
    return isinstance(one, dict) and isinstance(one.get("MsgType"), str) and isinstance(one.get("MsgContent"), dict)


def by_itself(told):
    """Whether this may have happened without anybody's doing."""
    return told.get("Info", {}).get("Action") == "Disconnect" or told.get("ExitType") == "Quit"


def form_faults(text):
    """Keys are sorted at every depth; only elements are told as they were written. No blank stands between two parts."""
    faults = ["it is not compact"] if re.search(r"\s", STRING.sub("", text)) else []
    return faults + ([] if are_sorted(json.loads(text)) else ["its keys are not sorted"])


def are_sorted(value):
    if isinstance(value, list):
        return all(map(are_sorted, value))
    if not isinstance(value, dict):
        return True
    return list(value) == sorted(value) and all(are_sorted(one) for name, one in value.items() if name != "MsgBody")
