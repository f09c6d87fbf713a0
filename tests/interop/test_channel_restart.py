"""kill -9 with people in a channel: nothing that was told is told twice, and nothing is missing."""

import asyncio

import pytest

from harness.clients import OTHER, SDKS, Refused

STREAMER, VIEWER = 1, 2
MEDIAS = ("audio", "video", "screen")


@pytest.mark.parametrize("sdk", SDKS)
async def test_a_client_in_a_channel_comes_back_to_it_after_the_server_was_killed(stage, sdk):
    app = await stage.app()
    sub = await stage.subscribe(app)
    ann = await stage.participant(sdk, app, "ann", "c1", STREAMER)
    await ann.publish("audio", "video")
    await stage.report(app, "c1", {"event": "join", "user": "sfu"})
    bob = await stage.participant(OTHER[sdk], app, "bob", "c1")
    stage.rtc.status = 503
    await ann.unpublish("audio")
    before = await stage.rtc.log.until("a failed try", lambda seen: next((c for c in seen if c.answered == 503), None))
    await stage.server.kill()
    stage.rtc.status = 200
    await stage.server.start()

    for one, role, medias in ((ann, STREAMER, ["video"]), (bob, VIEWER, [])):
        back = await one.client.event("connected", nth=2, timeout=30)
        assert (back["data"]["resumed"], back["data"]["channels"]) == (True, ["c1"]), f"came {back}"
        again = (await one.joined(2, timeout=30))["data"]
        first = one.client.events("subscribed")[0]["data"]
        assert again == first | {"medias": medias, "rejoined": True, "users": 3}, f"came {again}"
        assert again["role"] == role, f"came {again}"
    await ann.unpublish("video")
    await stage.rtc.event("ann UnpublishVideo", "c1")
    told = [str(event) for event in stage.rtc.events_of(sub, "c1")]
    start = [
        "Open", "ann Join 1", "ann PublishAudio", "ann PublishVideo", "sfu Join 1", "bob Join 1", "ann UnpublishAudio",
    ]
    assert told[:7] == start and sorted(told[7:]) == ["ann Join 2", "ann UnpublishVideo", "bob Join 2"], f"came {told}"
    after = [c for c in stage.rtc.callbacks if c.delivery == before.delivery and c.answered == 200]
    assert after, f"the delivery that was under way comes again as it was: {stage.rtc.log}"


@pytest.mark.virtual_clock
async def test_who_does_not_come_back_after_the_server_was_killed_leaves_by_time_out(stage):
    app = await stage.app()
    sub = await stage.subscribe(app)
    ann = await stage.participant("npm", app, "ann", "c1", STREAMER)
    bob = await stage.participant("python", app, "bob", "c1", STREAMER)
    await bob.publish("screen")
    await stage.report(app, "c2", {"event": "join", "user": "sfu", "role": STREAMER})
    await stage.report(app, "c2", {"event": "publish", "user": "sfu", "medias": ["audio"]})
    await stage.server.kill()
    await bob.client.stop()
    await stage.server.start()
    await ann.joined(2, timeout=30)
    joined = ("Open", "ann Join 1", "bob Join 1", "bob PublishScreen", "ann Join 2")
    await stage.rtc.told(sub, "c1", *joined)
    await stage.advance(91)
    await stage.rtc.told(sub, "c1", *joined, "bob UnpublishScreen", "bob Leave 4")
    await stage.rtc.told(sub, "c2", "Open", "sfu Join 1", "sfu PublishAudio", "sfu UnpublishAudio", "sfu Leave 4", "Close")


async def test_nothing_is_lost_or_told_twice_while_the_server_is_killed_again_and_again(stage):
    app = await stage.app()
    everything, first = await stage.subscribe(app), await stage.subscribe(app, "c1")
    inside = [await stage.participant(SDKS[n % 2], app, f"user{n}", "c1", STREAMER) for n in range(4)]
    answered, over = [], asyncio.Event()

    async def keep_publishing(one):
        while not over.is_set():
            for change in (one.publish, one.unpublish):
                for media in MEDIAS:
                    try:
                        answered.append(await change(media))
                    except Refused:
                        await asyncio.sleep(0.05)  # the socket is gone; the SDK is busy with a new one
                await asyncio.sleep(0.02)

    publishing = [asyncio.create_task(keep_publishing(one)) for one in inside]
    for kill in range(3):
        for one in inside:
            await one.joined(kill + 1, timeout=30)
        before = len(answered)
        while len(answered) < before + 60:
            await asyncio.sleep(0.01)
        await stage.server.kill()
        await stage.server.start()
    for one in inside:
        await one.joined(4, timeout=30)
    over.set()
    await asyncio.gather(*publishing)
    await inside[0].leave()
    for one in inside:
        await stage.rtc.event(f"{one.user} Join 2", "c1", nth=6)  # three times, told to two
    await stage.rtc.event("user0 Leave 1", "c1", nth=2)
    heard = [[(str(e), e.fields) for e in stage.rtc.events_of(sub, "c1")] for sub in (everything, first)]
    assert heard[0] == heard[1], "both subscriptions were told the same"
    joins = [(text, fields["SessionId"]) for text, fields in heard[0] if " Join " in text]
    assert len(joins) == 16 and len({session for _, session in joins}) == 4, f"one session each all along, came {joins}"
