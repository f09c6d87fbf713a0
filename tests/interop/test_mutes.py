"""Muting as the members feel it: who may speak, what everybody is told, what somebody sees who comes later."""

import pytest

from harness.clients import OTHER, SDKS
from harness.shape import assert_shape

MUTED = 442


async def may_speak(client, group, text):
    await client.publish(group, {"body": text})
    await client.heard(group, text)


@pytest.mark.parametrize("sdk", SDKS)
async def test_one_muted_user_may_not_speak_until_he_is_unmuted_and_all_are_told(stage, sdk):
    app = await stage.app("g1")
    ann, bob = await stage.client(sdk, app, "ann"), await stage.client(OTHER[sdk], app, "bob")
    await ann.join("g1")
    await bob.join("g1")
    group = {"AppId": app.id, "GroupId": "g1"}
    await stage.control("AddLiveMessageGroupBand", **group, BannedUsers=["bob", "somebody-else"])
    for client in (ann, bob):
        told = await client.told("g1", "group.mute")
        told["data"]["muted"].sort()
        assert_shape(told["data"], {"muted_all": False, "muted": ["bob", "somebody-else"], "unmuted": []})
    assert await bob.publish_refused("g1", "muted") == MUTED
    await may_speak(ann, "g1", "ann may")

    await stage.control("UnbanLiveMessageGroup", **group)  # the group's mute is another matter
    assert await bob.publish_refused("g1", "still muted") == MUTED
    await stage.control("RemoveLiveMessageGroupBand", **group, UnbannedUsers=["bob"])
    await bob.log.until("that only the other is muted", lambda _: any(
        event["data"]["muted"] == ["somebody-else"] for event in bob.events("publication", tags={"event": "group.mute"})
    ))
    await may_speak(bob, "g1", "bob again")
    await ann.heard("g1", "bob again")
    said = [body for body in ann.bodies("g1") if body]
    assert said == ["ann may", "bob again"], f"what was refused reached nobody; ann heard {said}"


@pytest.mark.parametrize("sdk", SDKS)
async def test_a_muted_group_lets_speak_only_the_white_list_the_creator_and_the_admins(stage, sdk):
    app = await stage.app()
    await stage.group(app, "g1", CreatorId="creator", Administrators=["admin"])
    people = {}
    for n, user in enumerate(("creator", "admin", "guest", "bob", "muted")):
        people[user] = await stage.client((sdk, OTHER[sdk])[n % 2], app, user)
        await people[user].join("g1")
    group = {"AppId": app.id, "GroupId": "g1"}
    await stage.control("AddLiveMessageGroupBand", **group, BannedUsers=["admin", "muted"])
    await stage.control("BanLiveMessageGroup", **group, ExceptUsers=["guest", "muted"])
    for client in people.values():
        told = await client.told("g1", "group.mute", nth=2)
        told["data"]["muted"].sort()
        told["data"]["unmuted"].sort()
        assert_shape(told["data"], {"muted_all": True, "muted": ["admin", "muted"], "unmuted": ["guest", "muted"]})
    for user in ("creator", "admin", "guest"):
        await may_speak(people[user], "g1", f"{user} may")
    assert await people["bob"].publish_refused("g1", "no") == MUTED
    assert await people["muted"].publish_refused("g1", "no") == MUTED, "his own mute holds, white list or not"

    late = await stage.client(sdk, app, "late")
    [subscribed] = await late.join("g1")
    state = {name: subscribed["data"][name] for name in ("muted_all", "muted", "unmuted")}
    assert {name: sorted(v) if isinstance(v, list) else v for name, v in state.items()} == {
        "muted_all": True, "muted": ["admin", "muted"], "unmuted": ["guest", "muted"],
    }, f"who joins sees the state: {state}"
    assert await late.publish_refused("g1", "no") == MUTED

    await stage.control("SendLiveMessageGroup", **group, SenderId="bob", Body="the server speaks for bob")
    await late.heard("g1", "the server speaks for bob")

    await stage.control("UnbanLiveMessageGroup", **group)
    told = await late.told("g1", "group.mute")
    told["data"]["muted"].sort()
    assert_shape(told["data"], {"muted_all": False, "muted": ["admin", "muted"], "unmuted": []})
    await may_speak(people["bob"], "g1", "bob may again")
    assert await people["muted"].publish_refused("g1", "no") == MUTED, "the group's mute never lifts one user's"


async def test_what_is_given_is_replaced_and_what_is_not_given_stays(stage):
    app = await stage.app("g1")
    group = {"AppId": app.id, "GroupId": "g1"}
    steps = [
        ({"BannedAll": True, "BannnedUsers": ["a", "b"], "ExceptUsers": ["c"]}, (True, ["a", "b"], ["c"])),
        ({"BannnedUsers": ["d"]}, (True, ["d"], ["c"])),
        ({"ExceptUsers": ["e", "f"]}, (True, ["d"], ["e", "f"])),
        ({"BannedAll": True}, (True, ["d"], ["e", "f"])),
        ({}, (True, ["d"], ["e", "f"])),
        ({"BannnedUsers": []}, (True, [], ["e", "f"])),  # an empty list is there, and empties
        ({"BannnedUsers": ["d"], "ExceptUsers": []}, (True, ["d"], [])),
        ({"ExceptUsers": ["e", "f"]}, (True, ["d"], ["e", "f"])),
        ({"BannedAll": False}, (False, ["d"], [])),  # the white list ends with the mute of the group
        ({"BannedAll": True}, (True, ["d"], [])),
    ]
    for params, expected in steps:
        await stage.control("ModifyLiveMessageGroupBand", **group, **params)
        came = await stage.control("DescribeLiveMessageGroupBand", **group)
        came = (came["IsbannedAll"], sorted(came["BannedUserList"]), sorted(came["UnbannedUserList"]))
        assert came == expected, f"after {params} expected {expected}, came {came}"


async def test_a_mute_outlives_leaving_and_a_restart_of_the_server(stage):
    app = await stage.app("g1")
    bob = await stage.client("npm", app, "bob")
    await bob.join("g1")
    await stage.control("AddLiveMessageGroupBand", AppId=app.id, GroupId="g1", BannedUsers=["bob"])
    await bob.leave("g1")
    await bob.call("subscribe", channel="group:g1", join_leave=True)
    await bob.event("subscribed", nth=2, channel="group:g1")
    assert await bob.publish_refused("g1", "no") == MUTED
    await stage.server.kill()
    await stage.server.start()
    await bob.event("connected", nth=2)
    await bob.event("subscribed", nth=3, channel="group:g1")
    assert await bob.publish_refused("g1", "no") == MUTED
