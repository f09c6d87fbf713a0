"""At the end of a test: what was told of each channel, live room and group adds up to what the server says of it now."""

import asyncio
import time

from .chat_receiver import AFTER_WORDS
from .chat_sequence import LIVE
from .live_receiver import WORDS
from .sequence import MEDIAS, STREAMER, Sequence

WITHIN = 10.0  # seconds for the last callbacks to come


async def assert_all_is_told(stage):
    for subscription in stage.rtc.subscriptions.values():
        if not subscription.whole:
            continue
        for app, channel in sorted(stage.channels):
            if app == subscription.app and subscription.channel in ("*", channel):
                await _assert_told(stage, subscription, channel)
    if stage.live.whole and set(WORDS) <= set(stage.live.words):
        for (sdkappid, room), sequence in stage.live.sequences().items():
            if sequence.made:
                await _assert_room(stage, sdkappid, room)
    if stage.chat.whole and set(AFTER_WORDS) <= set(stage.chat.words):
        for sdkappid, sequence in stage.chat.sequences().items():
            for group in sequence.members:
                await _assert_group(stage, sdkappid, group)


async def _assert_group(stage, sdkappid, group):
    deadline = time.monotonic() + WITHIN
    while True:
        sequence = stage.chat.sequences()[sdkappid]
        if group not in sequence.members:
            return
        live = sequence.types[group] == LIVE
        inside = await (_in_room if live else _members)(stage, stage.apps[sdkappid].id, group)
        told = {user for user, is_in in sequence.members[group].items() if is_in}
        if inside == told:
            return
        assert time.monotonic() < deadline, f"in {group} are {inside}; told to be in it are {told}"
        await asyncio.sleep(0.1)


async def _members(stage, app, group):
    """None: there is no such group any more."""
    shown = await stage.operator("GET", f"apps/{app}")
    tencent = await stage.tencent(stage.apps[str(shown["sdkappid"])], identifier=shown["administrators"][0])
    answer = await tencent.call("get_group_member_info", {"GroupId": group, "Limit": 500})
    return None if answer.code else {member["Member_Account"] for member in answer.json["MemberList"]}


async def _assert_room(stage, sdkappid, room):
    deadline = time.monotonic() + WITHIN
    while True:
        inside = await _in_room(stage, stage.apps[sdkappid].id, room)
        sequence = stage.live.sequences()[sdkappid, room]
        online = {user for user, is_in in sequence.online.items() if is_in}
        if not sequence.made or inside is not None and inside - sequence.lost == online:
            return
        assert time.monotonic() < deadline, f"in {room} are {inside}; told to be in it are {online}, and lost {sequence.lost}"
        await asyncio.sleep(0.1)


async def _in_room(stage, app, room):
    """None: there is no such room any more."""
    ask = {"AppId": app, "GroupId": room}
    if (await stage.control("DescribeLiveMessageGroup", **ask))["Delete"]:
        return None
    listed = await stage.control("ListLiveMessageGroupUsers", **ask, SortType=1, PageSize=50)
    return {user["UserId"] for user in listed["UserList"]}


async def _assert_told(stage, subscription, channel):
    deadline = time.monotonic() + WITHIN
    while True:
        now = _as_heard(subscription, await _inside(stage, subscription.app, channel))
        sequence = stage.rtc.sequences().get((subscription.id, channel)) or Sequence(subscription.events)
        told = _as_told(subscription, sequence)
        if now == told:
            return
        if time.monotonic() > deadline:
            raise AssertionError(f"{subscription} was told of {channel}: {told}; but the server says: {now}")
        await asyncio.sleep(0.1)


async def _inside(stage, app, channel):
    """Those who are in, in the order of joining within each role: user, SessionId, role, medias."""
    described = await stage.control("DescribeChannelUsers", AppId=app, ChannelId=channel)
    users = described["InteractiveUserList"] + described["LiveUserList"]
    if not users:
        return []
    # Media servers are told where a user stands whenever they say that they heard of it.
    body = {"events": [{"event": "heartbeat", "user": user} for user in users]}
    status, answer = await stage.ask_operator("POST", f"channels/{app}/{channel}/events", body)
    if status != 200:
        return [status]  # somebody has just left
    return [(one["user"], one["session_id"], one["role"], set(one["medias"])) for one in answer["events"]]


def _as_heard(subscription, inside):
    """Of that, what is the subscription's business: whether somebody is in, and who."""
    open_, users = None, None
    if "ChannelEvent" in subscription.events:
        open_ = bool(inside)
    if "UserEvent" in subscription.events:
        users = [one for one in inside if not subscription.users or one[0] in subscription.users]
    return open_, users


def _as_told(subscription, sequence):
    open_, users = None, None
    names = {number: name.lower() for name, number in MEDIAS.items()}
    if "ChannelEvent" in subscription.events:
        open_ = sequence.open
    if "UserEvent" in subscription.events:
        users = [(u, i.session, i.role, {names[m] for m in i.medias}) for u, i in sequence.inside.items()]
        users.sort(key=lambda user: user[2] != STREAMER)
    return open_, users
