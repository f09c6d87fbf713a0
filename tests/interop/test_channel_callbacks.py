"""Who is told of what happens in channels, what happens when they don't listen, and the record of each try."""

import asyncio
import json
import time

import pytest

from harness.clients import SDKS
from harness.rtc_receiver import RtcReceiver
from harness.shape import NowInChina, assert_shape, seconds_of

STREAMER, VIEWER = 1, 2
NAMES = {"npm": "v3", "python": "old"}  # the server SDK that goes with a client


async def page_of_record(stage, app, sdk="v3", **ask):
    """Of the last minutes, unless asked otherwise."""
    now = int(stage.now())
    window = {"StartTime": now - 600, "EndTime": now + 60, "PageNo": 1, "PageSize": 100}
    came = await stage.control("ListEventSubEvent", sdk, AppId=app.id, **window | ask)
    assert came["Count"] == len(came["Logs"]), f"Count is that of the page: {came}"
    return came


async def record(stage, app, tries, sdk="v3", **ask):
    """All of it, once it holds so many tries: a try is written down when its answer is there."""
    deadline = time.monotonic() + 10
    while len(came := (await page_of_record(stage, app, sdk, **ask))["Logs"]) < tries:
        assert time.monotonic() < deadline, f"expected {tries} tries to be listed, came {came}"
        await asyncio.sleep(0.05)
    return came


def lesson(user="ann"):
    return (
        {"event": "join", "user": user, "role": STREAMER}, {"event": "publish", "user": user, "medias": ["video"]},
        {"event": "leave", "user": user},
    )


def told_of(user="ann"):
    return "Open", f"{user} Join 1", f"{user} PublishVideo", f"{user} UnpublishVideo", f"{user} Leave 1", "Close"


@pytest.mark.parametrize("sdk", SDKS)
async def test_a_refused_callback_comes_again_as_it_was_and_each_try_is_listed(stage, sdk):
    app = await stage.app()
    sub = await stage.subscribe(app, sdk=NAMES[sdk])
    stage.rtc.next_statuses.extend((503, 404))
    await stage.participant(sdk, app, "ann", "c1", STREAMER)
    await stage.rtc.told(sub, "c1", "Open", "ann Join 1")
    tries = stage.rtc.callbacks
    assert [one.answered for one in tries] == [503, 404, 200], f"came {stage.rtc.log}"
    for n, wait in enumerate((1, 2)):
        came = tries[n + 1].at - tries[n].at
        assert wait - 0.05 <= came < wait + 1, f"expected {wait} s before try {n + 2}, came {came:.2f} s"
    assert len({one.body for one in tries}) == len({one.delivery for one in tries}) == 1, f"came {stage.rtc.log}"
    assert len({one.stamp for one in tries}) == len({one.signature for one in tries}) == 3, f"came {stage.rtc.log}"

    listed = await record(stage, app, 3, NAMES[sdk], SubscribeId=sub)
    assert_shape(listed, [{
        "AppId": app.id, "Code": code, "Cost": int, "Data": tries[0].body.decode(), "MessageId": tries[0].delivery,
        "SubId": sub, "Time": NowInChina(digits=3), "Url": stage.rtc.url,
    } for code in (503, 404, 200)])
    times = [seconds_of(one["Time"]) for one in listed]
    assert times == sorted(times), f"oldest first, came {times}"
    for one in listed:
        assert 0 <= one["Cost"] < 2000, f"a cost in ms, came {one}"


async def test_a_failing_channel_holds_back_only_itself(stage):
    app = await stage.app()
    sub = await stage.subscribe(app)
    stage.rtc.failing_channels.add("c1")
    await stage.report(app, "c1", {"event": "join", "user": "ann"})
    await stage.report(app, "c1", {"event": "leave", "user": "ann"})
    await stage.rtc.log.until("a failed try", lambda seen: seen)
    await stage.report(app, "c2", *lesson())
    await stage.rtc.told(sub, "c2", *told_of())
    assert not stage.rtc.events_of(sub, "c1"), f"came {stage.rtc.log}"
    stage.rtc.failing_channels.clear()
    await stage.rtc.told(sub, "c1", "Open", "ann Join 1", "ann Leave 1", "Close")


@pytest.mark.parametrize("sdk", SDKS)
async def test_each_subscription_hears_what_it_asked_for_and_nothing_else(stage, sdk):
    app, other = await stage.app(), await stage.app()
    kind = NAMES[sdk]
    everything = await stage.subscribe(app, sdk=kind)
    first = await stage.subscribe(app, "c1", sdk=kind)
    ann = await stage.subscribe(app, "c1", users=["ann"], sdk=kind)
    anns_own = await stage.subscribe(app, "c1", users=["ann", "nobody"], events=["UserEvent"], sdk=kind)
    doors = await stage.subscribe(app, "c2", events=["ChannelEvent"], sdk=kind)
    users = await stage.subscribe(app, "c2", events=["UserEvent"], sdk=kind)
    elsewhere = await stage.subscribe(other, sdk=kind)

    client = await stage.participant(sdk, app, "ann", "c1", STREAMER)
    await client.publish("video")
    await stage.report(app, "c1", *lesson("bob"))
    await stage.report(app, "c2", *lesson("ann"))
    await client.leave()

    ann_in, bob, ann_out = told_of()[1:3], told_of("bob")[1:-1], told_of()[3:5]
    whole = ("Open", *ann_in, *bob, *ann_out, "Close")
    for sub, channel, expected in (
        (everything, "c1", whole), (everything, "c2", told_of()),
        (first, "c1", whole), (first, "c2", ()),
        (ann, "c1", told_of()), (anns_own, "c1", told_of()[1:-1]),
        (doors, "c2", ("Open", "Close")), (users, "c2", told_of()[1:-1]),
        (elsewhere, "c1", ()),
    ):
        await stage.rtc.told(sub, channel, *expected)
    # Two who heard the same event heard it with the same words.
    same = [[event.fields for event in stage.rtc.events_of(sub, "c1")] for sub in (everything, first)]
    assert same[0] == same[1], f"came {same}"


@pytest.mark.parametrize("sdk", ["v3", "old"])
async def test_a_changed_subscription_counts_for_what_happens_from_then_on(stage, sdk):
    app = await stage.app()
    sub = await stage.subscribe(app, "c1", sdk=sdk, whole=False)
    elsewhere = RtcReceiver()
    elsewhere.keys = stage.rtc.keys
    elsewhere.expect(sub, app.id, "c1", (), ("UserEvent",), whole=False)
    await elsewhere.start()
    change = {"AppId": app.id, "SubscribeId": sub, "CallbackUrl": elsewhere.url}

    await stage.report(app, "c1", *lesson()[:2])
    await stage.rtc.told(sub, "c1", "Open", "ann Join 1", "ann PublishVideo")
    await stage.control("UpdateEventSub", sdk, **change, ChannelId="c1", Events=["UserEvent"])
    await stage.report(app, "c1", lesson()[2])
    await elsewhere.told(sub, "c1", "ann UnpublishVideo", "ann Leave 1")
    await stage.control("UpdateEventSub", sdk, **change, ChannelId="c2", Users=["bob"], Events=["ChannelEvent", "UserEvent"])
    await stage.report(app, "c1", *lesson())
    await stage.report(app, "c2", *lesson()[:2])
    await stage.report(app, "c2", *lesson("bob"))
    await stage.report(app, "c2", lesson()[2])
    await elsewhere.told(sub, "c2", "Open", "bob Join 1", "bob PublishVideo", "bob UnpublishVideo", "bob Leave 1", "Close")
    await elsewhere.told(sub, "c1", "ann UnpublishVideo", "ann Leave 1")
    await stage.rtc.told(sub, "c1", "Open", "ann Join 1", "ann PublishVideo")
    elsewhere.check()
    elsewhere.stop()


async def test_waiting_callbacks_keep_their_body_and_go_to_the_new_url(stage):
    app = await stage.app()
    sub = await stage.subscribe(app, whole=False)
    stage.rtc.status = 503
    await stage.report(app, "c1", lesson()[0])
    await stage.rtc.log.until("a failed try", lambda seen: seen)
    elsewhere = RtcReceiver()
    elsewhere.keys = stage.rtc.keys
    elsewhere.expect(sub, app.id, "*", (), ("ChannelEvent", "UserEvent"))
    await elsewhere.start()
    await stage.control("UpdateEventSub", AppId=app.id, SubscribeId=sub, CallbackUrl=elsewhere.url, Events=["ChannelEvent"])
    await elsewhere.told(sub, "c1", "Open", "ann Join 1")
    assert elsewhere.callbacks[0].body == stage.rtc.callbacks[0].body, "it is the same delivery"
    elsewhere.check()
    elsewhere.stop()


@pytest.mark.parametrize("sdk", ["v3", "old"])
async def test_a_deleted_subscription_hears_no_more_and_its_record_stays(stage, sdk):
    app = await stage.app()
    kept = await stage.subscribe(app, sdk=sdk)
    sub = await stage.subscribe(app, "c1", sdk=sdk, whole=False)
    await stage.report(app, "c1", *lesson()[:2])
    await stage.rtc.told(sub, "c1", "Open", "ann Join 1", "ann PublishVideo")
    await stage.control("DeleteEventSub", sdk, AppId=app.id, SubscribeId=sub)
    await stage.report(app, "c1", lesson()[2])
    await stage.rtc.told(kept, "c1", *told_of())
    await stage.rtc.told(sub, "c1", "Open", "ann Join 1", "ann PublishVideo")
    sent = [one for one in stage.rtc.callbacks if sub.encode() in one.body]
    listed = await record(stage, app, len(sent), sdk, SubscribeId=sub)
    events = [content["Event"] for one in listed for content in json.loads(one["Data"])["Contents"]]
    assert events == ["ChannelEvent", "UserEvent", "UserEvent"], f"came {listed}"


@pytest.mark.parametrize("sdk", ["v3", "old"])
async def test_the_record_is_read_page_by_page_and_tells_of_tries_without_an_answer(stage, sdk):
    app = await stage.app()
    sub = await stage.subscribe(app, sdk=sdk)
    gone = RtcReceiver()
    await gone.start()
    gone.stop()
    nobody = await stage.subscribe(app, "c1", url=gone.url, sdk=sdk, whole=False)
    for n in range(3):
        await stage.report(app, f"d{n}", *lesson())
        await stage.rtc.told(sub, f"d{n}", *told_of())
    await stage.report(app, "c1", *lesson())
    await stage.rtc.told(sub, "c1", *told_of())

    sent = [(one.delivery, one.body.decode()) for one in stage.rtc.callbacks]
    whole = await record(stage, app, len(sent), sdk, SubscribeId=sub)
    assert sorted((one["MessageId"], one["Data"]) for one in whole) == sorted(sent), f"expected {sent}, came {whole}"
    times = [one["Time"] for one in whole]
    assert times == sorted(times), f"oldest first, came {times}"
    pages, number = [], 0
    while not number or page["HasMore"]:
        number += 1
        page = await page_of_record(stage, app, sdk, SubscribeId=sub, PageNo=number, PageSize=2)
        pages += page["Logs"]
    assert pages == whole and number == (len(whole) + 1) // 2, f"in {number} pages came {pages}"
    after = await page_of_record(stage, app, sdk, SubscribeId=sub, PageNo=number + 1, PageSize=2)
    assert (after["Count"], after["HasMore"]) == (0, False), f"came {after}"
    early = {"StartTime": int(time.time()) - 7200, "EndTime": int(time.time()) - 3600}
    assert await record(stage, app, 0, sdk, **early) == [], "nothing was sent an hour ago"

    failed = await record(stage, app, 1, sdk, SubscribeId=nobody)
    assert (failed[0]["Code"], failed[0]["Url"]) == (0, gone.url), f"came {failed[0]}"
    subs = {one["SubId"] for one in await record(stage, app, 0, sdk)}
    assert subs == {sub, nobody}, f"without a SubscribeId those of all, came {subs}"


@pytest.mark.settings(ROOMD_CALLBACKS_RTC_STRICT_IDS="true")
async def test_the_ids_are_spelled_one_way_when_the_operator_wants_so(stage):
    stage.rtc.strict_ids = True
    app = await stage.app()
    sub = await stage.subscribe(app)
    await stage.report(app, "c1", *lesson())
    await stage.rtc.told(sub, "c1", *told_of())
    [one, *_] = await record(stage, app, 1)
    assert one["Data"] == stage.rtc.callbacks[0].body.decode(), f"came {one}"


@pytest.mark.virtual_clock
async def test_a_callback_that_is_always_answered_503_is_tried_8_times_and_each_is_listed(stage):
    app = await stage.app()
    sub = await stage.subscribe(app, whole=False)
    stage.rtc.next_statuses.extend([503] * 8)
    await stage.report(app, "c1", {"event": "join", "user": "ann"})
    for wait in (1, 2, 5, 10, 60, 120, 300):
        await stage.advance(wait)
    # ann, of whom nothing was heard, left after 90 s: that waited until the first delivery was dead.
    await stage.rtc.told(sub, "c1", "ann Leave 4", "Close")
    *failed, last = stage.rtc.callbacks
    assert [one.answered for one in failed] == [503] * 8, f"came {stage.rtc.log}"
    assert {one.delivery for one in failed} == {failed[0].delivery} != {last.delivery}, f"came {stage.rtc.log}"
    listed = await record(stage, app, 9, SubscribeId=sub)
    start = seconds_of(listed[0]["Time"])
    came = sorted((round(seconds_of(one["Time"]) - start), one["MessageId"] == last.delivery, one["Code"]) for one in listed)
    ladder = [(after, False, 503) for after in (0, 1, 3, 8, 18, 78, 198, 498)]
    assert came == ladder + [(498, True, 200)], f"came {came}"
