"""A business server's callback URL for RTC channels. It checks every signature, and every sequence by the rules."""

import collections
import dataclasses
import hashlib
import json
import re

from .listener import STAMP_MAY_DIFFER, Listener, signature_faults
from .sequence import MEDIAS, Sequence

BODY = ["MsgId", "MsgTimestamp", "SubscribeId", "SubscribeID", "AppId", "ChannelId", "ChannelID", "Contents"]
STRICT_BODY = [name for name in BODY if name not in ("SubscribeID", "ChannelID")]
CHANNEL_EVENT = ["ChannelId", "EventTag", "Timestamp"]
USER_EVENT = ["UserId", "EventTag", "SessionId", "Timestamp", "Reason", "Role", "CurrentMedias"]
TAGS = {"Join", "Leave", "Roleupdate"} | {f"{verb}{media}" for verb in ("Publish", "Unpublish") for media in MEDIAS}
REASONS = {"Join": {1, 2, 3}, "Leave": {1, 3, 4, 5, 6, 7}}
MSG_ID = re.compile(r"[0-9a-f]{32}")
MOST_IN_ONE = 100


@dataclasses.dataclass
class Subscription:
    """What was asked for. One that was changed, or made for a channel with somebody in it, hears no whole sequence."""

    id: str
    app: str
    channel: str
    users: tuple
    events: tuple
    whole: bool

    def wants(self, event):
        return (
            event.app == self.app and self.channel in ("*", event.channel) and event.kind in self.events
            and (event.kind == "ChannelEvent" or not self.users or event.fields["UserId"] in self.users)
        )


@dataclasses.dataclass
class RtcEvent:
    sub: str
    app: str
    channel: str
    kind: str
    fields: dict
    delivery: str

    @property
    def tag(self):
        return self.fields["EventTag"]

    def __str__(self):
        """As tests write it: `Open`, `ann Join 1`, `ann PublishAudio`."""
        if self.kind == "ChannelEvent":
            return self.tag
        reason = f" {self.fields['Reason']}" if "Reason" in self.fields else ""
        return f"{self.fields['UserId']} {self.tag}{reason}"


class RtcReceiver(Listener):
    family, digest = "Ali-Rtc", hashlib.md5
    path = "/rtc?from=roomd"

    def __init__(self):
        super().__init__()
        self.strict_ids = False
        self.failing_channels = set()  # callbacks of these get 500
        self.subscriptions = {}  # by id

    def expect(self, sub, app, channel, users, events, whole=True):
        """Whoever subscribes this URL, says so here."""
        self.subscriptions[sub] = Subscription(sub, app, channel, tuple(users), tuple(events), whole)

    @property
    def events(self):
        """Every event that was accepted, once, in the order of arrival."""
        events = []
        for callback in self.accepted:
            body = json.loads(callback.body)
            for content in body["Contents"]:
                kind = content["Event"]
                ids = (body["SubscribeId"], body["AppId"], body["ChannelId"])
                events.append(RtcEvent(*ids, kind, content[kind], callback.delivery))
        return events

    def events_of(self, sub, channel):
        return [event for event in self.events if (event.sub, event.channel) == (sub, channel)]

    async def told(self, sub, channel, *expected, timeout=10.0):
        """All that this subscription was told of the channel so far, once it is as much as expected: the events."""
        __tracebackhide__ = True

        as_many = lambda _: len(self.events_of(sub, channel)) >= len(expected)
        await self.log.until(f"{len(expected)} events of {channel}: {expected}", as_many, timeout)
        came = self.events_of(sub, channel)
        assert [str(event) for event in came] == list(expected), f"of {channel} came {[str(event) for event in came]}"
        return came

    async def event(self, what, channel, nth=1, timeout=10.0):
        """The nth event that reads so, whoever was told of it."""
        __tracebackhide__ = True

        def found(_):
            fits = [event for event in self.events if event.channel == channel and str(event) == what]
            return fits[nth - 1] if len(fits) >= nth else None

        return await self.log.until(f"{what!r} {nth} of {channel}", found, timeout)

    def check(self):
        super().check()
        self.sequences()

    def sequences(self):
        """Where every whole sequence stands, by subscription and channel. Each event was asked for, and fits in."""
        __tracebackhide__ = True
        found, told = [], collections.defaultdict(list)
        sequences = {}
        for event in self.events:
            subscription = self.subscriptions.get(event.sub)
            if subscription is not None and not subscription.whole:
                continue
            if subscription is None or not subscription.wants(event):
                found.append(f"{event} of {event.channel}: nobody asked for it, subscribed is {subscription or 'nothing'}")
                continue
            key = (event.sub, event.channel)
            sequence = sequences.setdefault(key, Sequence(subscription.events))
            told[key].append(str(event))
            found += [f"{event}: {fault}; so far {told[key]}" for fault in sequence.take(event.tag, event.fields)]
        assert not found, "\n".join(found)
        return sequences

    def _status(self, body):
        if self.next_statuses:
            return self.next_statuses.popleft()
        return 500 if json.loads(body)["ChannelId"] in self.failing_channels else self.status

    def _faults(self, request_line, headers, body):
        faults = super()._faults(request_line, headers, body)
        try:
            told = json.loads(body)
            faults += signature_faults(headers, self.keys.get(told["AppId"]), self.family, self.digest, self.clock)
            return faults + self._body_faults(told, headers.get("roomd-delivery"))
        except (ValueError, KeyError, TypeError) as error:
            return faults + [f"the body is not as documented: {error!r}"]

    def _body_faults(self, told, delivery):
        faults = []
        if list(told) != (STRICT_BODY if self.strict_ids else BODY):
            faults.append(f"fields {list(told)}")
        for one, other in (("SubscribeId", "SubscribeID"), ("ChannelId", "ChannelID")):
            if told.get(other, told[one]) != told[one]:
                faults.append(f"{one} {told[one]!r}, but {other} {told[other]!r}")
        if told["MsgId"] != delivery or not MSG_ID.fullmatch(told["MsgId"]):
            faults.append(f"MsgId {told['MsgId']!r}, Roomd-Delivery {delivery!r}")
        if type(told["MsgTimestamp"]) is not int or told["MsgTimestamp"] > self.clock()[1] + STAMP_MAY_DIFFER:
            faults.append(f"MsgTimestamp {told['MsgTimestamp']!r} at {self.clock()[1]:.0f}")
        if not 1 <= len(told["Contents"]) <= MOST_IN_ONE:
            faults.append(f"{len(told['Contents'])} events")
        for content in told["Contents"]:
            faults += [f"{fault} in {content}" for fault in self._content_faults(told, content)]
        return faults

    @staticmethod
    def _content_faults(told, content):
        kind = content["Event"]
        if list(content) != ["Event", kind]:
            return [f"fields {list(content)}"]
        event, tag = content[kind], content[kind]["EventTag"]
        absent = {"Join": (), "Leave": ("CurrentMedias",)}.get(tag, ("Reason",))
        fields = {
            "ChannelEvent": CHANNEL_EVENT,
            "UserEvent": [name for name in USER_EVENT if name not in absent],
        }[kind]
        faults = [] if list(event) == fields else [f"fields {list(event)}"]
        if tag not in (TAGS if kind == "UserEvent" else {"Open", "Close"}):
            faults.append(f"EventTag {tag!r}")
        if "Reason" in event and event["Reason"] not in REASONS.get(tag, ()):
            faults.append(f"Reason {event['Reason']!r}")
        if kind == "ChannelEvent" and event["ChannelId"] != told["ChannelId"]:
            faults.append("another channel's event")
        for name, value in event.items():
            if type(value) is not (int if name in ("Timestamp", "Reason", "Role") else str):
                faults.append(f"{name} {value!r}")
        if event["Timestamp"] > told["MsgTimestamp"]:
            faults.append("an event later than its message")
        return faults
