"""Subscriptions to the events of channels, made, changed and listed with the cloud's own SDKs."""

import re
import time

import pytest

from harness.shape import REQUEST_ID, NowInChina, assert_shape, seconds_of

SUB_ID = re.compile(r"[0-9a-f]{32}")
NO_SUB = "0" * 32
BOTH = ["ChannelEvent", "UserEvent"]
URL = "http://127.0.0.1:9/rtc"
pytestmark = pytest.mark.parametrize("sdk", ["v3", "old"])


async def listed(stage, app, sdk):
    return (await stage.control("ListEventSub", sdk, AppId=app.id))["Subscribers"]


async def test_a_subscription_is_made_listed_changed_and_deleted(stage, sdk):
    app = await stage.app()
    one = await stage.control(
        "CreateEventSub", sdk, AppId=app.id, ChannelId="c1", Users=["ann", "bob"], Events=BOTH, CallbackUrl=f"{URL}?a=1&b=*~"
    )
    assert_shape(one, {"SubscribeId": SUB_ID, "RequestId": REQUEST_ID})
    all_ = await stage.control("CreateEventSub", sdk, AppId=app.id, Events=["UserEvent"], CallbackUrl=URL)
    stamps = {"CreateTime": NowInChina(), "ModifyTime": NowInChina()}
    item = {
        "SubId": one["SubscribeId"], "ChannelId": "c1", "Users": ["ann", "bob"], "Events": BOTH,
        "CallbackUrl": f"{URL}?a=1&b=*~", **stamps,
    }
    other = {"SubId": all_["SubscribeId"], "ChannelId": "*", "Users": [], "Events": ["UserEvent"], "CallbackUrl": URL, **stamps}
    came = await listed(stage, app, sdk)
    assert_shape(came, [item, other], "Subscribers")

    changed = await stage.control(
        "UpdateEventSub", sdk, AppId=app.id, SubscribeId=one["SubscribeId"], ChannelId="c2", Events=["ChannelEvent"],
        CallbackUrl=URL,
    )
    assert_shape(changed, {"RequestId": REQUEST_ID})
    # A replacement of the whole: the users that are not named any more are gone.
    item |= {"ChannelId": "c2", "Users": [], "Events": ["ChannelEvent"], "CallbackUrl": URL}
    now = await listed(stage, app, sdk)
    assert_shape(now, [item, other], "Subscribers")
    assert now[0]["CreateTime"] == came[0]["CreateTime"], f"made at {came[0]}, after its change {now[0]}"
    assert seconds_of(now[0]["ModifyTime"]) >= seconds_of(came[0]["ModifyTime"]), f"changed at {now[0]}"

    gone = await stage.control("DeleteEventSub", sdk, AppId=app.id, SubscribeId=one["SubscribeId"])
    assert_shape(gone, {"RequestId": REQUEST_ID})
    assert_shape(await listed(stage, app, sdk), [other], "Subscribers")
    await stage.refused(404, "ResourceNotExist", "DeleteEventSub", sdk, AppId=app.id, SubscribeId=one["SubscribeId"])


async def test_a_subscription_without_a_channel_is_for_all_of_them(stage, sdk):
    for asked in ({}, {"ChannelId": ""}, {"ChannelId": "*"}):
        app = await stage.app()
        await stage.control("CreateEventSub", sdk, AppId=app.id, Events=BOTH, CallbackUrl=URL, **asked)
        assert [one["ChannelId"] for one in await listed(stage, app, sdk)] == ["*"], f"asked with {asked}"


async def test_an_app_has_20_subscriptions_at_once_and_one_of_them_for_all_channels(stage, sdk):
    app, other = await stage.app(), await stage.app()
    make = {"AppId": app.id, "Events": BOTH, "CallbackUrl": URL}
    made = [(await stage.control("CreateEventSub", sdk, **make))["SubscribeId"]]
    quota = (400, "QuotaLimitError")
    await stage.refused(*quota, "CreateEventSub", sdk, **make)
    await stage.refused(*quota, "CreateEventSub", sdk, **make, ChannelId="*")
    for n in range(2, 21):
        made.append((await stage.control("CreateEventSub", sdk, **make, ChannelId=f"c{n}"))["SubscribeId"])
    await stage.refused(*quota, "CreateEventSub", sdk, **make, ChannelId="c21")
    await stage.refused(*quota, "UpdateEventSub", sdk, **make, SubscribeId=made[1])
    await stage.control("UpdateEventSub", sdk, **make, SubscribeId=made[0])  # it is the one for all channels
    assert [one["SubId"] for one in await listed(stage, app, sdk)] == made

    await stage.control("CreateEventSub", sdk, **make | {"AppId": other.id})  # each application has its own
    await stage.control("DeleteEventSub", sdk, AppId=app.id, SubscribeId=made[0])
    await stage.control("UpdateEventSub", sdk, **make, SubscribeId=made[1])
    await stage.control("CreateEventSub", sdk, **make, ChannelId="c21")
    await stage.refused(*quota, "CreateEventSub", sdk, **make, ChannelId="c22")


async def test_what_is_missing_or_wrong_is_refused_by_its_documented_code(stage, sdk):
    app = await stage.app()
    make = {"AppId": app.id, "ChannelId": "c1", "Events": BOTH, "CallbackUrl": URL}
    sub = (await stage.control("CreateEventSub", sdk, **make))["SubscribeId"]
    change = make | {"SubscribeId": sub}
    without = lambda params, name: {key: value for key, value in params.items() if key != name}
    bad_url, illegal, unknown = (400, "ErrorInvalidCallBackUrl"), (400, "InputInvalid"), (404, "ResourceNotExist")
    cases = [
        (*bad_url, {"CallbackUrl": "ftp://127.0.0.1/rtc"}),
        (*bad_url, {"CallbackUrl": "127.0.0.1/rtc"}),
        (*bad_url, {"CallbackUrl": "http://"}),
        (*bad_url, {"CallbackUrl": "not a url"}),
        (*illegal, {"Events": ["ChannelEvent", "RoomEvent"]}),
        (*illegal, {"ChannelId": "*", "Users": ["ann"]}),
        (*illegal, {"ChannelId": "c" * 65}),
        (*illegal, {"Users": [f"u{n}" for n in range(101)]}),
        (*illegal, {"Users": ["u" * 65]}),
        (*unknown, {"AppId": "nosuchapp"}),
    ]
    for status, code, wrong in cases:
        await stage.refused(status, code, "CreateEventSub", sdk, **make | wrong)
        await stage.refused(status, code, "UpdateEventSub", sdk, **change | wrong)
    await stage.refused(*illegal, "CreateEventSub", sdk, **without(make, "ChannelId"), Users=["ann"])
    for name in ("AppId", "Events", "CallbackUrl"):
        await stage.refused(400, f"Missing{name}", "CreateEventSub", sdk, **without(make, name))
    for name in ("AppId", "Events", "CallbackUrl", "SubscribeId"):
        await stage.refused(400, f"Missing{name}", "UpdateEventSub", sdk, **without(change, name))
    for name in ("AppId", "SubscribeId"):
        await stage.refused(400, f"Missing{name}", "DeleteEventSub", sdk, **without({"AppId": app.id, "SubscribeId": sub}, name))
    await stage.refused(*unknown, "UpdateEventSub", sdk, **make, SubscribeId=NO_SUB)
    await stage.refused(*unknown, "DeleteEventSub", sdk, AppId=app.id, SubscribeId=NO_SUB)
    await stage.refused(*unknown, "ListEventSub", sdk, AppId="nosuchapp")
    other = await stage.app()  # whose subscription it is not
    await stage.refused(*unknown, "UpdateEventSub", sdk, **change | {"AppId": other.id})
    await stage.refused(*unknown, "DeleteEventSub", sdk, AppId=other.id, SubscribeId=sub)

    [left] = await listed(stage, app, sdk)
    assert (left["ChannelId"], left["Events"], left["CallbackUrl"]) == ("c1", BOTH, URL), f"nothing changed it: {left}"


async def test_logs_are_asked_for_by_page_and_within_the_last_7_days(stage, sdk):
    app = await stage.app()
    now, day = int(time.time()), 24 * 3600
    ask = {"AppId": app.id, "StartTime": now - 60, "EndTime": now, "PageNo": 1, "PageSize": 10}
    nothing = {"Count": 0, "HasMore": False, "Logs": [], "RequestId": REQUEST_ID}
    for fits in ({}, {"PageSize": 1}, {"PageSize": 100}, {"PageNo": 7}, {"StartTime": now - 7 * day + 60}, {"StartTime": now}):
        assert_shape(await stage.control("ListEventSubEvent", sdk, **ask | fits), nothing, str(fits))
    for wrong in (
        {"PageNo": 0}, {"PageSize": 0}, {"PageSize": 101}, {"EndTime": now - 180}, {"StartTime": -1},
        {"StartTime": now - 8 * day, "EndTime": now - 7 * day}, {"StartTime": now - 6 * day, "EndTime": now + 2 * day},
    ):
        await stage.refused(400, "InputInvalid", "ListEventSubEvent", sdk, **ask | wrong)
    for name in ("AppId", "StartTime", "EndTime", "PageNo", "PageSize"):
        absent = {key: value for key, value in ask.items() if key != name}
        await stage.refused(400, f"Missing{name}", "ListEventSubEvent", sdk, **absent)
    await stage.refused(404, "ResourceNotExist", "ListEventSubEvent", sdk, **ask | {"AppId": "nosuchapp"})


async def test_channels_are_asked_for_by_what_is_documented(stage, sdk):
    app = await stage.app()
    ask = {"AppId": app.id, "ChannelId": "c1"}
    assert_shape(await stage.control("DescribeChannelUsers", sdk, **ask), {
        "InteractiveUserList": [], "InteractiveUserNumber": 0, "LiveUserList": [], "LiveUserNumber": 0, "IsChannelExists": False,
        "Timestamp": int, "RequestId": REQUEST_ID,
    })
    assert_shape(await stage.control("DescribeChannelParticipants", sdk, **ask), {
        "UserList": [], "TotalNum": 0, "TotalPage": 0, "Times": int, "RequestId": REQUEST_ID,
    })
    for wrong in ({"PageNum": 0}, {"PageSize": 0}, {"PageSize": 101}, {"Order": "up"}):
        await stage.refused(400, "InputInvalid", "DescribeChannelParticipants", sdk, **ask | wrong)
    for action in ("DescribeChannelUsers", "DescribeChannelParticipants"):
        for name in ask:
            absent = {key: value for key, value in ask.items() if key != name}
            await stage.refused(400, f"Missing{name}", action, sdk, **absent)
        await stage.refused(404, "ResourceNotExist", action, sdk, **ask | {"AppId": "nosuchapp"})
    for wrong in ({}, {"AppId": app.id}, {"ChannelId": "c1"}, ask | {"ChannelId": ""}, ask | {"AppId": ""}):
        await stage.refused(400, "InvalidInput", "DeleteChannel", sdk, **wrong)
    for unknown in (ask, ask | {"AppId": "nosuchapp"}):
        await stage.refused(404, "ResourceNotExist", "DeleteChannel", sdk, **unknown)

    await stage.control("ModifyLiveMessageAppDisable", AppId=app.id, Disable=True)
    for action, params in (
        ("CreateEventSub", {"Events": BOTH, "CallbackUrl": URL}), ("ListEventSub", {}),
        ("DescribeChannelUsers", {"ChannelId": "c1"}), ("DeleteChannel", {"ChannelId": "c1"}),
    ):
        await stage.refused(403, "NoAuth", action, sdk, AppId=app.id, **params)
