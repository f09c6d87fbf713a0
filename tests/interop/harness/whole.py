"""At the end of a test: what each subscription was told of a channel adds up to what the server says of it now."""

import asyncio
import time

from .sequence import MEDIAS, STREAMER, Sequence

WITHIN = 10.0  # seconds for the last callbacks to come


async def assert_all_is_told(stage):
    for subscription in stage.rtc.subscriptions.values():
        if not subscription.whole:
            continue
        for app, channel in sorted(stage.channels):
            if app == subscription.app and subscription.channel in ("*", channel):
                await _assert_told(stage, subscription, channel)


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
