"""The cloud's flow control, as a business's server meets it that is in a hurry: so many calls a second of each operation."""

import asyncio
import time

import pytest

from harness import cloud

STANDARD, MUTES = 50, 10  # calls a second
TRIES = 5


async def within_a_second(stage, sdk, calls, action, **params):
    """So many calls at once: how many were served, and the errors of the others."""
    for _ in range(TRIES):
        sdks = [stage.sdk(sdk) for _ in range(calls)]
        began = time.monotonic()
        came = await asyncio.gather(*(stage.in_thread(one.call, action, **params) for one in sdks), return_exceptions=True)
        took = time.monotonic() - began
        refused = [outcome for outcome in came if isinstance(outcome, BaseException)]
        if took < 1:
            return calls - len(refused), refused
        await second_is_over([])  # the last of them may have begun another
    raise AssertionError(f"{calls} calls of {action} took {took:.2f} s; this machine is too slow to tell")


async def second_is_over(refused):
    """Waits as long as a refused caller is told to."""
    await asyncio.sleep(max((error.retry_after or 1000 for error in refused), default=1000) / 1000)


def assert_throttled(sdk, error):
    came = (type(error), getattr(error, "status", None), getattr(error, "code", None))
    assert came == (cloud.CloudError, 400, "Throttling.User"), f"came {error!r}"
    if sdk == "old":
        return  # it does not look at the header
    assert type(error.retry_after) is int and 0 < error.retry_after <= 1000, f"expected ms, came {error.retry_after!r}"


@pytest.mark.parametrize("sdk", cloud.SDKS)
async def test_sixty_messages_in_a_second_are_ten_too_many(stage, sdk):
    app = await stage.app("g1")
    ann = await stage.client("npm", app, "ann")
    await ann.join("g1")
    message = {"AppId": app.id, "GroupId": "g1", "SenderId": "shop"}
    served, refused = await within_a_second(stage, sdk, STANDARD + 10, "SendLiveMessageGroup", **message, Body="hurry")
    assert (served, len(refused)) == (STANDARD, 10), f"served {served}, refused {refused}"
    for error in refused:
        assert_throttled(sdk, error)
    await stage.control("DescribeLiveMessageGroup", sdk, AppId=app.id, GroupId="g1")  # counted apart

    await second_is_over(refused)
    await stage.control("SendLiveMessageGroup", sdk, **message, Body="at leisure")
    await ann.heard("g1", "at leisure")
    amounts = (await stage.control("DescribeLiveMessageGroup", AppId=app.id, GroupId="g1"))["MsgAmount"]
    heard = ann.bodies("g1")
    assert amounts == {"1": len(heard)}, f"what was refused reached nobody: {amounts}, but {len(heard)} heard"


async def test_mutes_are_changed_ten_times_a_second_and_read_fifty_times(stage):
    app = await stage.app("g1")
    group = {"AppId": app.id, "GroupId": "g1"}
    for action, params, limit in [
        ("BanLiveMessageGroup", {}, MUTES),
        ("UnbanLiveMessageGroup", {}, MUTES),
        ("AddLiveMessageGroupBand", {"BannedUsers": ["bob"]}, MUTES),
        ("RemoveLiveMessageGroupBand", {"UnbannedUsers": ["bob"]}, MUTES),
        ("ModifyLiveMessageGroupBand", {"BannedAll": True}, MUTES),
        ("DescribeLiveMessageGroupBand", {}, STANDARD),
    ]:
        served, refused = await within_a_second(stage, "v3", limit + 2, action, **group, **params)
        assert (served, len(refused)) == (limit, 2), f"{action}: served {served}, refused {refused}"
        for error in refused:
            assert_throttled("v3", error)


@pytest.mark.settings(ROOMD_LIMITS_CHANNEL_OPERATION_QPS="6", ROOMD_LIMITS_OPERATION_QPS="4")  # in the cloud 100 and 50
async def test_operations_on_channels_have_a_limit_of_their_own(stage):
    app = {"AppId": (await stage.app()).id}
    channel, sub = app | {"ChannelId": "c1"}, app | {"SubscribeId": "0" * 32}
    rule = {"CallbackUrl": "http://127.0.0.1:9/rtc", "Events": ["UserEvent"]}
    window = {"StartTime": int(time.time()) - 60, "EndTime": int(time.time()), "PageNo": 1, "PageSize": 1}
    for action, params, limit in [
        ("CreateEventSub", channel | rule, 6),
        ("DeleteEventSub", sub, 6),
        ("DescribeChannelUsers", channel, 6),
        ("DescribeChannelParticipants", channel, 6),
        ("DeleteChannel", channel, 6),
        ("UpdateEventSub", channel | sub | rule, 4),
        ("ListEventSub", app, 4),
        ("ListEventSubEvent", app | window, 4),
    ]:
        _, refused = await within_a_second(stage, "v3", limit + 2, action, **params)
        throttled = [error for error in refused if getattr(error, "code", None) != "ResourceNotExist"]
        assert len(throttled) == 2, f"{action}: expected 2 of {limit + 2} to be too many, came {throttled}"
        for error in throttled:
            assert_throttled("v3", error)
