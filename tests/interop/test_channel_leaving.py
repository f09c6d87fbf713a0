"""Ways out of a channel, each with its reason, and ways that only look like one.

There is a client of each SDK in every lesson; a test runs with them changed over only where it is about what the
first one's SDK does by itself.
"""

import pytest

from harness.clients import OTHER, SDKS
from harness.login import channel_token

STREAMER, VIEWER = 1, 2
both_ways = pytest.mark.parametrize("sdk", SDKS)


async def lesson(stage, sdk="npm", **options):
    """ann teaches and bob watches: the subscription, ann, bob."""
    app = await stage.app()
    sub = await stage.subscribe(app)
    ann = await stage.participant(sdk, app, "ann", "c1", STREAMER, **options)
    await ann.publish("audio", "screen")
    bob = await stage.participant(OTHER[sdk], app, "bob", "c1", VIEWER)
    return app, sub, ann, bob


LESSON = ("Open", "ann Join 1", "ann PublishAudio", "ann PublishScreen", "bob Join 1")
ANN_UNPUBLISHES = ("ann UnpublishAudio", "ann UnpublishScreen")


@pytest.mark.parametrize("sdk,way", [("npm", "session.logoff"), ("npm", "disconnect"), ("python", "disconnect")])
async def test_who_logs_off_has_left_normally(stage, sdk, way):
    app, sub, ann, bob = await lesson(stage, sdk)
    if way == "session.logoff":
        await ann.client.call("rpc", method="session.logoff", data={})
    else:
        await ann.client.disconnect()
    await stage.rtc.told(sub, "c1", *LESSON, *ANN_UNPUBLISHES, "ann Leave 1")
    assert (await bob.saw("leave", "ann"))["user"] == "ann"
    logoff = await stage.receiver.event("ann", e=2)
    assert logoff.fields == {"e": 2, "r": 1}, f"came {logoff}"
    told = [event.fields["e"] for event in stage.receiver.events]
    assert sorted(told) == [1, 1, 2], f"channels are no business of the messaging callbacks, came {stage.receiver.events}"


@both_ways
async def test_a_cut_connection_is_no_leave_and_its_return_a_join_again(stage, sdk):
    proxy = await stage.proxy()
    app, sub, ann, bob = await lesson(stage, sdk, through=proxy.address)
    await ann.change_role(VIEWER)
    before = ann.client.events("subscribed")[0]["data"]
    proxy.reset()
    back = await ann.client.event("connected", nth=2, timeout=30)
    assert (back["data"]["resumed"], back["data"]["channels"]) == (True, ["c1"]), f"came {back}"
    again = (await ann.joined(2))["data"]
    assert again == before | {"role": VIEWER, "rejoined": True, "users": 2}, f"not the role that was asked for first: {again}"
    told = await stage.rtc.told(sub, "c1", *LESSON, *ANN_UNPUBLISHES, "ann Roleupdate", "ann Join 2")
    assert told[-1].fields["SessionId"] == before["session_id"], f"came {told[-1]}"
    assert not bob.seen("leave", "ann") and not bob.seen("join", "ann"), "bob has noticed nothing"
    await ann.change_role(STREAMER)
    await bob.heard("rtc.role", nth=2)


async def test_a_cut_connection_keeps_what_is_published(stage):
    proxy = await stage.proxy()
    app, sub, ann, bob = await lesson(stage, "python", through=proxy.address)
    proxy.refuse()
    proxy.reset()
    present = await bob.presence()
    assert present["ann"]["chan_info"]["medias"] == ["audio", "screen"], f"ann is lost, and in: {present}"
    proxy.accept()
    again = (await ann.joined(2, timeout=30))["data"]
    assert (again["rejoined"], again["medias"]) == (True, ["audio", "screen"]), f"came {again}"
    await ann.publish("video")
    await stage.rtc.told(sub, "c1", *LESSON, "ann Join 2", "ann PublishVideo")


async def test_a_second_device_puts_the_first_out(stage):
    app, sub, ann, bob = await lesson(stage, device="phone")
    desk = stage.outside(await stage.client("python", app, "ann", device="desk"), app, "c1")
    closed = await ann.client.event("disconnected")
    assert closed["code"] == 4501, f"came {closed}"
    assert desk.client.events("connected")[0]["data"]["channels"] == [], "a takeover takes no channel over"
    assert await desk.client.rpc_refused("rtc.publish", channel="rtc:c1", medias=["audio"]) == 425
    joined = await desk.join(STREAMER)
    assert (joined["rejoined"], joined["medias"]) == (False, []), f"came {joined}"
    told = await stage.rtc.told(sub, "c1", *LESSON, *ANN_UNPUBLISHES, "ann Leave 5", "ann Join 1")
    assert told[-2].fields["SessionId"] != told[-1].fields["SessionId"] == joined["session_id"], f"came {joined}"


async def test_a_deleted_channel_puts_everyone_out(stage):
    app, sub, ann, bob = await lesson(stage)
    await stage.report(app, "c1", {"event": "join", "user": "relay", "relay": True})
    await stage.control("DeleteChannel", AppId=app.id, ChannelId="c1")
    for one in (ann, bob):
        out = await one.put_out()
        assert out["code"] == 2103 and out["reason"], f"expected 2103 with a reason, came {out}"
        assert await one.client.rpc_refused("rtc.unpublish", channel="rtc:c1", medias=["audio"]) == 425
    end = ("relay Join 3", *ANN_UNPUBLISHES, "ann Leave 7", "bob Leave 7", "relay Leave 7", "Close")
    await stage.rtc.told(sub, "c1", *LESSON, *end)
    await stage.refused(404, "ResourceNotExist", "DeleteChannel", AppId=app.id, ChannelId="c1")
    joined = await bob.join()
    assert (joined["users"], joined["rejoined"]) == (1, False), f"it may be opened anew: {joined}"
    await stage.rtc.told(sub, "c1", *LESSON, *end, "Open", "bob Join 1")


@pytest.mark.parametrize("sdk,what,reason", [("npm", "kick", 6), ("python", "leave", 1)])
async def test_the_operator_puts_somebody_out(stage, sdk, what, reason):
    app, sub, ann, bob = await lesson(stage, sdk)
    [gone] = await stage.report(app, "c1", {"event": what, "user": "ann"})
    session = ann.client.events("subscribed")[0]["data"]["session_id"]
    assert gone == {"event": what, "user": "ann", "session_id": session, "role": STREAMER, "medias": []}, f"came {gone}"
    out = await ann.put_out()
    assert out["code"] == 2102 and out["reason"], f"expected 2102 with a reason, came {out}"
    await bob.saw("leave", "ann")
    await stage.rtc.told(sub, "c1", *LESSON, *ANN_UNPUBLISHES, f"ann Leave {reason}")
    joined = await ann.join(STREAMER)
    assert joined["session_id"] != session and not joined["rejoined"], f"ann may come again, anew: {joined}"


async def test_a_session_that_is_forced_off_is_kicked_from_its_channels(stage):
    app, sub, ann, bob = await lesson(stage, "python")
    await stage.operator("DELETE", f"apps/{app.id}/sessions/ann")
    closed = await ann.client.event("disconnected")
    assert closed["code"] == 4502, f"came {closed}"
    await stage.rtc.told(sub, "c1", *LESSON, *ANN_UNPUBLISHES, "ann Leave 6")


async def test_a_disabled_application_closes_its_channels(stage):
    app, sub, ann, bob = await lesson(stage)
    await stage.rtc.told(sub, "c1", *LESSON)
    await stage.control("ModifyLiveMessageAppDisable", AppId=app.id, Disable=True)
    for one in (ann, bob):
        closed = await one.client.event("disconnected")
        assert closed["code"] == 4503, f"came {closed}"
    assert await stage.report_refused(app, "c1", {"event": "join", "user": "eve"}) == (403, "NoAuth")
    await stage.control("ModifyLiveMessageAppDisable", AppId=app.id, Disable=False)
    await stage.rtc.event("Close", "c1")  # was parked while the application was disabled
    told = [str(event) for event in stage.rtc.events_of(sub, "c1")]
    left = ("ann UnpublishAudio", "ann UnpublishScreen", "ann Leave 7"), ("bob Leave 7",)
    expected = [[*LESSON, *one, *other, "Close"] for one, other in (left, left[::-1])]
    assert told in expected, f"came {told}"


@pytest.mark.virtual_clock
async def test_90_seconds_of_silence_are_a_leave(stage):
    proxy = await stage.proxy()
    app, sub, ann, bob = await lesson(stage, through=proxy.address)
    proxy.refuse()
    proxy.black_hole()
    await stage.advance(10)
    await stage.report(app, "c1", {"event": "join", "user": "heard"}, {"event": "join", "user": "unheard"})
    await stage.advance(50)  # bob's SDK answers the pings meanwhile
    await stage.report(app, "c1", {"event": "heartbeat", "user": "heard"})
    reported = ("heard Join 1", "unheard Join 1")
    await stage.advance(29)
    await stage.rtc.told(sub, "c1", *LESSON, *reported)
    await stage.advance(12)
    told = await stage.rtc.told(sub, "c1", *LESSON, *reported, *ANN_UNPUBLISHES, "ann Leave 4", "unheard Leave 4")
    since = {str(event): event.fields["Timestamp"] - told[0].fields["Timestamp"] for event in told}
    assert 89 <= since["ann Leave 4"] <= 91 and 99 <= since["unheard Leave 4"] <= 101, f"seconds since the start: {since}"

    await bob.leave()
    await stage.report(app, "c1", {"event": "leave", "user": "heard"})
    for after, exists in ((4, True), (2, False)):  # 5 s after the last has left
        await stage.advance(after)
        asked = await stage.control("DescribeChannelUsers", AppId=app.id, ChannelId="c1")
        came = (asked["IsChannelExists"], asked["InteractiveUserNumber"], asked["LiveUserNumber"])
        assert came == (exists, 0, 0), f"{after} s later came {asked}"


@both_ways
@pytest.mark.virtual_clock
async def test_who_comes_back_is_not_asked_for_a_fresh_token(stage, sdk):
    app = await stage.app()
    sub = await stage.subscribe(app)
    proxy = await stage.proxy()
    ann = stage.outside(await stage.client(sdk, app, "ann", through=proxy.address), app, "c1")
    await ann.join(VIEWER, token=channel_token(app, "c1", "ann", ttl=60))
    await stage.advance(61)
    proxy.reset()
    assert (await ann.joined(2, timeout=30))["data"]["rejoined"] is True, "the token has expired, the stay has not"
    await stage.rtc.told(sub, "c1", "Open", "ann Join 1", "ann Join 2")


@pytest.mark.virtual_clock
async def test_a_channel_that_is_not_subscribed_again_after_a_resume_is_left(stage):
    proxy = await stage.proxy()
    app, sub, ann, bob = await lesson(stage, through=proxy.address)
    proxy.refuse()
    proxy.reset()
    await ann.client.stop()  # and nothing of it subscribes again
    back = await stage.client("python", app, "ann")
    data = back.events("connected")[0]["data"]
    assert (data["resumed"], data["channels"]) == (True, ["c1"]), f"came {data}"
    await stage.advance(89)
    await stage.rtc.told(sub, "c1", *LESSON)
    await stage.advance(2)
    await stage.rtc.told(sub, "c1", *LESSON, *ANN_UNPUBLISHES, "ann Leave 4")
    assert not back.events("disconnected"), "the session goes on"
