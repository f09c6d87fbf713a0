"""The operator's door: a media server, or a script, states who is in a channel without a socket."""

import re

import pytest

from harness.clients import SDKS
from harness.shape import assert_shape

STREAMER, VIEWER = 1, 2
SESSION_ID = re.compile(r"\S{1,64}")
ALL = ["audio", "video", "screen"]


def entry(event, user, role=VIEWER, medias=(), session=SESSION_ID):
    return {"event": event, "user": user, "session_id": session, "role": role, "medias": list(medias)}


async def test_a_reported_user_does_all_that_a_client_does(stage):
    app = await stage.app()
    sub = await stage.subscribe(app)
    [joined] = await stage.report(app, "c1", {"event": "join", "user": "sfu-1", "role": STREAMER})
    assert_shape(joined, entry("join", "sfu-1", STREAMER))
    session = joined["session_id"]
    came = await stage.report(
        app, "c1",
        {"event": "publish", "user": "sfu-1", "medias": ["screen", "audio"]},
        {"event": "publish", "user": "sfu-1", "medias": ALL},
        {"event": "unpublish", "user": "sfu-1", "medias": ["audio"]},
        {"event": "heartbeat", "user": "sfu-1"},
        {"event": "heartbeat"},
        {"event": "role", "user": "sfu-1", "role": VIEWER},
        {"event": "join", "user": "sfu-1", "role": STREAMER},
        {"event": "join", "user": "sfu-2", "relay": True},
        {"event": "leave", "user": "sfu-2", "relay": True},
        {"event": "leave", "user": "sfu-1"},
    )
    own = lambda event, role, *medias: entry(event, "sfu-1", role, medias, session)
    assert_shape(came, [
        own("publish", STREAMER, "audio", "screen"), own("publish", STREAMER, *ALL),
        own("unpublish", STREAMER, "video", "screen"), own("heartbeat", STREAMER, "video", "screen"), {"event": "heartbeat"},
        own("role", VIEWER), own("join", VIEWER),
        entry("join", "sfu-2"), entry("leave", "sfu-2"), own("leave", VIEWER),
    ])
    await stage.rtc.told(
        sub, "c1", "Open", "sfu-1 Join 1", "sfu-1 PublishAudio", "sfu-1 PublishScreen", "sfu-1 PublishVideo",
        "sfu-1 UnpublishAudio", "sfu-1 UnpublishVideo", "sfu-1 UnpublishScreen", "sfu-1 Roleupdate", "sfu-1 Join 2",
        "sfu-2 Join 3", "sfu-2 Leave 3", "sfu-1 Leave 1", "Close",
    )


@pytest.mark.parametrize("sdk", SDKS)
async def test_clients_and_reported_users_see_each_other(stage, sdk):
    app = await stage.app()
    sub = await stage.subscribe(app)
    ann = await stage.participant(sdk, app, "ann", "c1", STREAMER)
    [joined] = await stage.report(app, "c1", {"event": "join", "user": "sfu", "role": STREAMER})
    info = {"session_id": joined["session_id"], "role": STREAMER, "medias": []}
    pushed = await ann.saw("join", "sfu")
    assert (pushed["client"], pushed["chan_info"]) == (joined["session_id"], info), f"came {pushed}"
    await stage.report(app, "c1", {"event": "publish", "user": "sfu", "medias": ["video"]})
    heard = await ann.heard("rtc.publish")
    assert_shape(heard["data"], {"user": "sfu", **info, "medias": ["video"]})
    present = (await ann.presence())["sfu"]
    assert (present["client"], present["chan_info"]) == (joined["session_id"], info | {"medias": ["video"]}), f"came {present}"

    # What a client does can be told by the media server as well: it is one state.
    [told] = await stage.report(app, "c1", {"event": "publish", "user": "ann", "medias": ["audio"]})
    assert told["medias"] == ["audio"], f"came {told}"
    assert (await ann.publish("video"))["medias"] == ["audio", "video"]
    await stage.report(app, "c1", {"event": "role", "user": "ann", "role": VIEWER})
    heard = await ann.heard("rtc.role")
    assert (heard["data"]["user"], heard["data"]["role"]) == ("ann", VIEWER), f"came {heard}"
    await stage.report(app, "c1", {"event": "leave", "user": "sfu"})
    await ann.saw("leave", "sfu")
    await stage.rtc.told(
        sub, "c1", "Open", "ann Join 1", "sfu Join 1", "sfu PublishVideo", "ann PublishAudio", "ann PublishVideo",
        "ann UnpublishAudio", "ann UnpublishVideo", "ann Roleupdate", "sfu UnpublishVideo", "sfu Leave 1",
    )


@pytest.mark.parametrize("sdk", SDKS)
async def test_a_client_takes_the_place_that_was_reported_for_it(stage, sdk):
    app = await stage.app()
    sub = await stage.subscribe(app)
    [reported] = await stage.report(app, "c1", {"event": "join", "user": "ann", "role": STREAMER})
    await stage.report(app, "c1", {"event": "publish", "user": "ann", "medias": ["audio"]})
    ann = await stage.participant(sdk, app, "ann", "c1", VIEWER)
    joined = ann.client.events("subscribed")[0]["data"]
    assert_shape(joined, {
        "channel_id": "c1", "user": "ann", "session_id": reported["session_id"], "role": STREAMER, "medias": ["audio"],
        "rejoined": True, "users": 1,
    })
    assert (await ann.presence()).keys() == {"ann"}, "one user is in once"
    await ann.leave()
    await stage.rtc.told(
        sub, "c1", "Open", "ann Join 1", "ann PublishAudio", "ann Join 2", "ann UnpublishAudio", "ann Leave 1", "Close",
    )


async def test_a_wrong_report_is_refused_as_a_whole(stage):
    app, off = await stage.app(), await stage.app()
    sub = await stage.subscribe(app)
    await stage.control("ModifyLiveMessageAppDisable", AppId=off.id, Disable=True)
    await stage.report(app, "c1", {"event": "join", "user": "ann"})
    join = {"event": "join", "user": "eve", "role": STREAMER}
    bad, absent, forbidden = (400, "BadRequest"), (404, "ResourceNotExist"), (403, "NoAuth")
    for expected, wrong in (
        (bad, {"event": "dance", "user": "eve"}),
        (bad, {"event": "join"}),
        (bad, {"event": "join", "user": ""}),
        (bad, {"event": "join", "user": "eve", "role": 3}),
        (bad, {"event": "join", "user": "eve", "color": "red"}),
        (bad, {"event": "publish", "user": "eve", "medias": []}),
        (bad, {"event": "publish", "user": "eve", "medias": ["music"]}),
        (bad, {"event": "publish", "user": "eve"}),
        (bad, {"event": "role", "user": "eve"}),
        (absent, {"event": "leave", "user": "nobody"}),
        (absent, {"event": "kick", "user": "nobody"}),
        (absent, {"event": "heartbeat", "user": "nobody"}),
        (forbidden, {"event": "publish", "user": "ann", "medias": ["audio"]}),
    ):
        came = await stage.report_refused(app, "c1", join, wrong)
        assert came == expected, f"{wrong}: expected {expected}, came {came}"
    for body in ({}, {"events": []}, {"events": [join] * 101}, {"events": [join], "event": "join", "user": "eve"}, [join]):
        came = await stage.report_refused(app, "c1", body=body)
        assert came == bad, f"{str(body)[:80]}: expected {bad}, came {came}"
    assert await stage.report_refused(type(app)("nosuchapp", "", ""), "c1", join) == absent
    assert await stage.report_refused(off, "c1", join) == forbidden
    status, _ = await stage.ask_operator("POST", f"channels/{app.id}/c1/events", join, token="not-the-token")
    assert status == 401, f"expected 401 without the operator's token, came {status}"
    status, _ = await stage.ask_operator("GET", f"channels/{app.id}/c1/events")
    assert status == 405, f"expected 405 for GET, came {status}"
    asked = await stage.control("DescribeChannelUsers", AppId=app.id, ChannelId="c1")
    assert (asked["InteractiveUserList"], asked["LiveUserList"]) == ([], ["ann"]), f"eve never came in: {asked}"
    await stage.rtc.told(sub, "c1", "Open", "ann Join 1")
