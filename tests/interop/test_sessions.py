"""Session life as the SDKs live it: expired logins, a second device, a disabled application, a bad login."""

import asyncio

import pytest

from harness.clients import SDKS, OTHER
from harness.login import login_token

NO_LOOP = 3.0  # seconds in which both SDKs would have reconnected several times


async def stays_away(client):
    """The client does not try again: nothing more is heard of it."""
    before = len(client.log.seen)
    await asyncio.sleep(NO_LOOP)
    after = client.log.seen[before:]
    assert not after, f"{client.log.name} should have stayed away, but: {after}"


@pytest.mark.parametrize("sdk", SDKS)
async def test_an_expired_login_is_refreshed_through_get_token(stage, sdk):
    app = await stage.app("g1")
    client = await stage.client(
        sdk, app, "ann", token=login_token(app, "ann", ttl=-10), fresh_tokens=[login_token(app, "ann")], connect=False
    )
    await client.ask_to_join("g1")  # so that connect and subscribe go out together
    connected = await client.connect()
    assert connected["data"]["user_id"] == "ann", f"logged in as {connected}"
    errors = [(event["code"], bool(event["message"])) for event in client.events("error")]
    assert errors == [(109, True)], f"expected the one error 109, came {client.events('error')}"
    assert len(client.events("get_token")) == 1, "the application is asked for one fresh login"
    await client.event("subscribed", channel="group:g1")
    assert not client.events("subscription_error"), f"came {client.events('subscription_error')}"
    await stage.receiver.event("ann", e=3)
    told = [event.fields["e"] for event in stage.receiver.events_of("ann")]
    assert told == [1, 3], f"the expired login leaves no trace; expected logon and join, came {told}"


@pytest.mark.parametrize("sdk", SDKS)
async def test_a_login_that_is_not_signed_with_the_appkey_is_refused_for_good(stage, sdk):
    app = await stage.app()
    app_with_wrong_key = type(app)(app.id, "not-the-key", app.sign)
    client = await stage.client(sdk, app, "ann", token=login_token(app_with_wrong_key, "ann"), connect=False)
    await client.call("connect")
    refused = await client.event("disconnected")
    assert refused["code"] == 3500 and refused["reason"], f"expected 3500 with a reason, came {refused}"
    await stays_away(client)
    assert not stage.receiver.events, f"nobody logged on, but: {stage.receiver.log}"


@pytest.mark.parametrize("sdk", SDKS)
async def test_a_second_device_takes_over_and_the_first_stays_away(stage, sdk):
    app = await stage.app("g1")
    phone = await stage.client(sdk, app, "ann", device="phone")
    await phone.join("g1")
    desk = await stage.client(OTHER[sdk], app, "ann", device="desk")
    connected = desk.events("connected")[0]
    assert connected["data"]["resumed"] is False, f"another device does not resume: {connected}"
    await desk.join("g1")

    closed = await phone.event("disconnected")
    assert closed["code"] == 4501 and closed["reason"], f"expected 4501 with a reason, came {closed}"
    old, new = phone.events("connected")[0]["client"], connected["client"]
    assert old != new, "the new device has a session of its own"
    await stage.receiver.event("ann", nth=2, e=3)
    await stays_away(phone)
    await desk.publish("g1", {"body": "still here"})
    told = [(event.sid, event.fields) for event in stage.receiver.events_of("ann")]
    assert told == [
        (old, {"e": 1}), (old, {"e": 3, "g": "g1"}), (old, {"e": 2, "r": 4}), (new, {"e": 1}), (new, {"e": 3, "g": "g1"}),
    ], f"events of both devices: {told}"


@pytest.mark.parametrize("sdk", SDKS)
async def test_the_same_device_on_a_new_socket_resumes_and_the_old_socket_is_closed(stage, sdk):
    app = await stage.app("g1")
    before = await stage.client(sdk, app, "ann", device="phone")
    await before.join("g1")
    after = await stage.client(OTHER[sdk], app, "ann", device="phone")
    connected = after.events("connected")[0]
    assert (connected["data"]["resumed"], connected["data"]["groups"]) == (True, ["g1"]), f"came {connected}"
    closed = await before.event("disconnected")
    assert closed["code"] == 4501 and closed["reason"], f"expected 4501 with a reason, came {closed}"
    await after.join("g1")
    await stage.receiver.event("ann", e=5)
    told = [event.fields for event in stage.receiver.events_of("ann")]
    assert told == [{"e": 1}, {"e": 3, "g": "g1"}, {"e": 5, "gs": ["g1"]}], f"events of ann: {told}"


@pytest.mark.parametrize("sdk", SDKS)
async def test_the_sdks_disconnect_logs_off_after_a_moment(stage, sdk):
    app = await stage.app("g1")
    client = await stage.client(sdk, app, "ann")
    await client.join("g1")
    await client.disconnect()
    await stage.receiver.event("ann", e=2, timeout=6)
    sid = client.events("connected")[0]["client"]
    told = [(event.sid, event.fields) for event in stage.receiver.events_of("ann")]
    assert told == [(sid, {"e": 1}), (sid, {"e": 3, "g": "g1"}), (sid, {"e": 2, "r": 1})], f"events of ann: {told}"
    users = (await stage.control("CheckLiveMessageUsersOnline", AppId=app.id, UserIds=["ann"]))["UserList"]
    assert users == [{"UserId": "ann", "Online": False}], f"came {users}"


@pytest.mark.parametrize("sdk", SDKS)
async def test_a_client_that_asks_to_be_logged_off_is_so_at_once_and_stays_away(stage, sdk):
    app = await stage.app("g1")
    client = await stage.client(sdk, app, "ann")
    await client.join("g1")
    await client.call("rpc", method="session.logoff", data={})
    await stage.receiver.event("ann", e=2, timeout=1.5)
    told = [event.fields for event in stage.receiver.events_of("ann")]
    assert told == [{"e": 1}, {"e": 3, "g": "g1"}, {"e": 2, "r": 1}], f"events of ann: {told}"
    await client.event("disconnected")
    await stays_away(client)


@pytest.mark.parametrize("sdk", SDKS)
async def test_a_disabled_application_lets_nobody_stay_or_in(stage, sdk):
    app = await stage.app()
    client = await stage.client(sdk, app, "ann")
    await stage.control("ModifyLiveMessageAppDisable", AppId=app.id, Disable=True)
    closed = await client.event("disconnected")
    assert closed["code"] == 4503 and closed["reason"], f"expected 4503 with a reason, came {closed}"
    late = await stage.client(OTHER[sdk], app, "bob", connect=False)
    await late.call("connect")
    refused = await late.event("disconnected")
    assert refused["code"] == 4503 and refused["reason"], f"expected 4503 with a reason, came {refused}"
    await stays_away(client)

    await stage.control("ModifyLiveMessageAppDisable", AppId=app.id, Disable=False)
    await stage.receiver.event("ann", e=2)  # was parked while the application was disabled
    told = [event.fields for event in stage.receiver.events_of("ann")]
    assert told == [{"e": 1}, {"e": 2, "r": 1}], f"events of ann: {told}"
    await client.connect()
