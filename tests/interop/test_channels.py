"""Clients in RTC channels: who gets in, what they do there, and what each of them, and the subscriber, hears of it."""

import json
import re

import pytest

from harness.clients import OTHER, SDKS
from harness.login import channel_json, channel_token
from harness.shape import REQUEST_ID, Now, assert_shape

STREAMER, VIEWER = 1, 2
SESSION_ID = re.compile(r"\S{1,64}")
FORBIDDEN, NOT_IN, BAD, DENIED, EXPIRED, UNAVAILABLE, FULL = 403, 425, 107, 103, 109, 108, 443
UNAUTHORIZED = 1  # the SDKs' own
both_sdks = pytest.mark.parametrize("sdk", SDKS)


def described(streamers, viewers, exists=True):
    return {
        "InteractiveUserList": streamers, "InteractiveUserNumber": len(streamers), "LiveUserList": viewers,
        "LiveUserNumber": len(viewers), "IsChannelExists": exists, "Timestamp": Now(), "RequestId": REQUEST_ID,
    }


@both_sdks
async def test_a_lesson_from_the_first_in_to_the_last_out(stage, sdk):
    app = await stage.app()
    sub = await stage.subscribe(app)
    ann = stage.outside(await stage.client(sdk, app, "ann"), app, "c1")
    bob = stage.outside(await stage.client(OTHER[sdk], app, "bob"), app, "c1")
    joined = await ann.join(STREAMER)
    assert_shape(joined, {
        "channel_id": "c1", "user": "ann", "session_id": SESSION_ID, "role": STREAMER, "medias": [], "rejoined": False,
        "users": 1,
    })
    sid = ann.client.events("connected")[0]["client"]
    assert joined["session_id"] != sid, f"expected another id than the session's {sid}"
    watching = await bob.join()
    assert_shape(watching, joined | {"user": "bob", "session_id": SESSION_ID, "role": VIEWER, "users": 2})
    assert watching["session_id"] != joined["session_id"], "each has a SessionId of its own"

    state = lambda role, *medias: {
        "user": "ann", "session_id": joined["session_id"], "role": role, "medias": list(medias),
    }
    bobs = {"user": "bob", "session_id": watching["session_id"], "role": STREAMER, "medias": []}
    assert_shape(await ann.publish("audio", "video"), state(STREAMER, "audio", "video"))
    assert_shape(await ann.publish("screen", "audio"), state(STREAMER, "audio", "video", "screen"))
    asked = await stage.control("DescribeChannelUsers", AppId=app.id, ChannelId="c1")
    assert_shape(asked, described(["ann"], ["bob"]))
    assert_shape(await ann.unpublish("video"), state(STREAMER, "audio", "screen"))
    assert_shape(await ann.unpublish("video"), state(STREAMER, "audio", "screen"), "what is not published")
    assert_shape(await ann.change_role(VIEWER), state(VIEWER))
    assert_shape(await bob.change_role(STREAMER), bobs)
    assert_shape(await bob.change_role(STREAMER), bobs)
    await bob.publish("screen")
    asked = await stage.control("DescribeChannelUsers", AppId=app.id, ChannelId="c1")
    assert_shape(asked, described(["bob"], ["ann"]))
    await ann.leave()
    await stage.rtc.event("ann Leave 1", "c1")  # the SDK says that it has left before the server knows
    await bob.leave()
    await stage.rtc.event("Close", "c1")
    asked = await stage.control("DescribeChannelUsers", AppId=app.id, ChannelId="c1")
    assert_shape(asked, described([], []))  # a few seconds long

    told = await stage.rtc.told(
        sub, "c1", "Open", "ann Join 1", "bob Join 1", "ann PublishAudio", "ann PublishVideo", "ann PublishScreen",
        "ann UnpublishVideo", "ann UnpublishAudio", "ann UnpublishScreen", "ann Roleupdate", "bob Roleupdate",
        "bob PublishScreen", "ann Leave 1", "bob UnpublishScreen", "bob Leave 1", "Close",
    )
    sessions = {event.fields["UserId"]: event.fields["SessionId"] for event in told if event.kind == "UserEvent"}
    assert sessions == {"ann": joined["session_id"], "bob": watching["session_id"]}, f"came {sessions}"
    roles = [(event.fields["UserId"], event.fields["Role"]) for event in told if event.tag in ("Join", "Roleupdate")]
    assert roles == [("ann", 1), ("bob", 2), ("ann", 2), ("bob", 1)], f"came {roles}"


@both_sdks
async def test_those_inside_hear_of_each_other(stage, sdk):
    app = await stage.app()
    await stage.subscribe(app)
    ann = await stage.participant(sdk, app, "ann", "c1", STREAMER, info="Ann")
    await ann.publish("audio")
    bob = await stage.participant(OTHER[sdk], app, "bob", "c1", info="Bob")

    def person(of, role, *medias):
        sid, session = of.client.events("connected")[0]["client"], of.client.events("subscribed")[0]["data"]["session_id"]
        info = {"session_id": session, "role": role, "medias": list(medias)}
        return {"user": of.user, "client": sid, "conn_info": of.user.title(), "chan_info": info}

    assert_shape(await ann.saw("join", "bob"), person(bob, VIEWER))
    for one in (ann, bob):
        assert_shape(await one.presence(), {"ann": person(ann, STREAMER, "audio"), "bob": person(bob, VIEWER)})
        stats = await one.client.call("presence_stats", channel=one.name)
        assert stats == {"num_clients": 2, "num_users": 2}, f"came {stats}"

    session = person(ann, STREAMER)["chan_info"]["session_id"]
    for n, (does, event, role, medias) in enumerate((
        (ann.publish("video", "screen"), "rtc.publish", STREAMER, ["audio", "video", "screen"]),
        (ann.unpublish("audio"), "rtc.unpublish", STREAMER, ["video", "screen"]),
        (ann.change_role(VIEWER), "rtc.role", VIEWER, []),
    )):
        await does
        for one in (ann, bob):
            heard = await one.heard(event, nth=2 if one is ann and event == "rtc.publish" else 1)
            assert_shape(heard["data"], {"user": "ann", "session_id": session, "role": role, "medias": medias}, event)
            assert not heard.get("offset"), f"a signal has no place in a stream: {heard}"
    await bob.leave()
    assert_shape(await ann.saw("leave", "bob"), person(bob, VIEWER))
    assert (await ann.presence()).keys() == {"ann"}


@both_sdks
async def test_what_a_role_or_an_outsider_may_not_do_is_refused(stage, sdk):
    app = await stage.app()
    sub = await stage.subscribe(app)
    ann = await stage.participant(sdk, app, "ann", "c1", VIEWER)
    bob = await stage.client(OTHER[sdk], app, "bob")
    for method, params, code in [
        ("rtc.publish", {"medias": ["audio"]}, FORBIDDEN),
        ("rtc.publish", {"medias": ["music"]}, BAD),
        ("rtc.publish", {"medias": []}, BAD),
        ("rtc.publish", {"medias": "audio"}, BAD),
        ("rtc.unpublish", {}, BAD),
        ("rtc.role", {"role": 3}, BAD),
        ("rtc.role", {}, BAD),
        ("rtc.mute", {}, 104),
    ]:
        came = await ann.client.rpc_refused(method, **{"channel": "rtc:c1"} | params)
        assert came == code, f"{method} {params}: expected {code}, came {came}"
    audio = {"medias": ["audio"]}
    for method, params in (("rtc.publish", audio), ("rtc.unpublish", audio), ("rtc.role", {"role": 1})):
        for channel in ("rtc:c1", "c1", "rtc:elsewhere"):
            assert await bob.rpc_refused(method, channel=channel, **params) == NOT_IN, f"{method} {channel}"
    assert await ann.client.refused("publish", channel="rtc:c1", data={"body": "x"}) == UNAVAILABLE
    history = {"limit": 10, "since": None, "reverse": False}
    assert await ann.client.refused("history", channel="rtc:c1", **history) == UNAVAILABLE
    await ann.client.rpc("rtc.role", channel="c1", role=STREAMER)  # with or without its prefix
    await stage.rtc.told(sub, "c1", "Open", "ann Join 1", "ann Roleupdate")


@both_sdks
async def test_only_a_token_for_this_user_and_channel_lets_in(stage, sdk):
    app, other = await stage.app(), await stage.app()
    sub = await stage.subscribe(app)
    ann = stage.outside(await stage.client(sdk, app, "ann"), app, "c1")
    good = channel_json(app, "c1", "ann")
    for token in (
        channel_token(type(app)(app.id, "not-the-key", app.sign), "c1", "ann"),
        channel_token(app, "c2", "ann"),
        channel_token(app, "c1", "bob"),
        channel_token(other, "c1", "ann"),
        json.dumps(good | {"timestamp": good["timestamp"] + 1}),
        "nonsense",
    ):
        code = await ann.join_refused(STREAMER, token=token)
        assert code == DENIED, f"expected {DENIED} for {token}, came {code}"
    assert await ann.join_refused(3) == BAD, "a role that there is not"
    expired = await ann.join_refused(token=channel_token(app, "c1", "ann", ttl=-10))
    assert expired == UNAUTHORIZED, f"an SDK that has no getToken gives up by itself, came {expired}"
    joined = await ann.join(STREAMER, token=json.dumps(good))  # the JSON text itself
    assert joined["role"] == STREAMER, f"came {joined}"
    await stage.rtc.told(sub, "c1", "Open", "ann Join 1")


@both_sdks
async def test_an_expired_token_is_refreshed_through_get_token(stage, sdk):
    app = await stage.app()
    sub = await stage.subscribe(app)
    ann = stage.outside(await stage.client(sdk, app, "ann"), app, "c1")
    expired, fresh = channel_token(app, "c1", "ann", ttl=-10), channel_token(app, "c1", "ann")
    joined = await ann.join(STREAMER, token=expired, fresh_tokens=[fresh])
    assert joined["role"] == STREAMER, f"came {joined}"
    errors = [(event["code"], bool(event["message"])) for event in ann.client.events("subscription_error")]
    assert errors == [(EXPIRED, True)], f"expected the one error 109, came {ann.client.events('subscription_error')}"
    assert len(ann.client.events("get_channel_token")) == 1, "the application is asked for one fresh token"
    await stage.rtc.told(sub, "c1", "Open", "ann Join 1")


async def test_the_users_of_a_channel_are_listed_in_the_order_they_came(stage):
    app = await stage.app()
    await stage.subscribe(app)
    ann = await stage.client("npm", app, "ann")
    for n, channel in enumerate(("c1", "c2")):
        await stage.outside(ann, app, channel).join(1 + n)
    await stage.report(app, "c1", *({"event": "join", "user": f"u{n:02}", "role": 1 + n % 2} for n in range(12)))
    users = ["ann"] + [f"u{n:02}" for n in range(12)]
    streamers = ["ann"] + [f"u{n:02}" for n in range(0, 12, 2)]
    asked = await stage.control("DescribeChannelUsers", AppId=app.id, ChannelId="c1")
    assert_shape(asked, described(streamers, [user for user in users if user not in streamers]))
    assert_shape(await stage.control("DescribeChannelUsers", AppId=app.id, ChannelId="c2"), described([], ["ann"]))

    async def page(**ask):
        came = await stage.control("DescribeChannelParticipants", AppId=app.id, ChannelId="c1", **ask)
        rest = {"TotalNum": 13, "TotalPage": int, "Times": Now(), "RequestId": REQUEST_ID}
        assert_shape(came, {"UserList": came["UserList"], **rest})
        return came["UserList"], came["TotalPage"]

    newest = users[::-1]
    assert await page() == (newest[:10], 2), "newest first and 10 a page, unless it is said otherwise"
    assert await page(PageNum=2) == (newest[10:], 2)
    assert await page(Order="desc", PageSize=5, PageNum=3) == (newest[10:], 3)
    assert await page(Order="asc", PageSize=13) == (users, 1)
    assert await page(Order="asc", PageSize=100, PageNum=2) == ([], 1)


async def test_a_user_is_in_two_channels_and_each_tells_its_own(stage):
    app = await stage.app()
    sub = await stage.subscribe(app)
    one = await stage.participant("python", app, "ann", "c1", STREAMER)
    two = stage.outside(one.client, app, "c2")
    await two.join(STREAMER)
    await one.publish("audio")
    await two.publish("video")
    await one.leave()
    assert await one.client.rpc_refused("rtc.publish", channel="rtc:c1", medias=["video"]) == NOT_IN
    again = await one.join(STREAMER)
    first, second = (event.fields["SessionId"] for event in await told_joins(stage, sub, "c1", 2))
    assert (again["session_id"], again["rejoined"]) == (second, False) and first != second, f"came {again} after {first}"
    await stage.rtc.told(
        sub, "c1", "Open", "ann Join 1", "ann PublishAudio", "ann UnpublishAudio", "ann Leave 1", "Close", "Open", "ann Join 1",
    )
    await stage.rtc.told(sub, "c2", "Open", "ann Join 1", "ann PublishVideo")


@pytest.mark.settings(ROOMD_LIMITS_CHANNELS_PER_SESSION="2")
async def test_a_session_is_in_so_many_groups_and_channels_at_once(stage):
    app = await stage.app("g1")
    await stage.subscribe(app)
    one = await stage.participant("python", app, "ann", "c1")
    await one.client.join("g1")
    two = stage.outside(one.client, app, "c2")
    assert await two.join_refused() == FULL
    await one.leave()
    await two.join()


async def told_joins(stage, sub, channel, count):
    await stage.rtc.event("ann Join 1", channel, nth=count)
    return [event for event in stage.rtc.events_of(sub, channel) if event.tag == "Join"]
