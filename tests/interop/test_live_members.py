"""Who rules over a live room, who may not speak in it, and who may not be in it: by the API, and as they feel it."""

import pytest

from harness.clients import OTHER, SDKS
from harness.rooms import (
    BAD, BANNED, MISSING, MUTED, MUTED_BY_API, NO_RIGHT, NOT_IN, ROOM, TOO_MANY_ADMINS, caller, described, everything, put_out,
)
from harness.shape import assert_shape


@pytest.mark.parametrize("sdk", SDKS)
async def test_administrators_and_owner_of_a_room_have_their_rights(stage, sdk):
    tencent = await caller(stage)
    await tencent.do("create_room", RoomInfo=ROOM | {"Owner_Account": "owner"})
    owner, bob = await stage.viewer(sdk, tencent.app, "owner", "r1"), await stage.viewer(OTHER[sdk], tencent.app, "bob", "r1")
    await tencent.do("update_room_info", RoomInfo={"RoomId": "r1", "IsMessageDisabled": True})
    assert await bob.publish_refused("r1", "no") == MUTED
    await owner.publish("r1", {"body": "the owner may"})
    assert await bob.rpc_refused("group.mute_all", group_id="r1") == 403

    assert await tencent.do("modify_admin", RoomId="r1", Admin_Account=["bob", "eve"], OpType="add") is None
    assert await tencent.do("modify_admin", RoomId="r1", Admin_Account=["bob"], OpType="add") is None
    admins = lambda: tencent.do("get_admin_list", RoomId="r1")
    assert await admins() == {"Admin_Account": ["bob", "eve"]}
    await bob.publish("r1", {"body": "an admin may"})
    await owner.heard("r1", "an admin may")
    await bob.rpc("group.mute", group_id="r1", users=["carl"])

    for users in (["c", "d", "e", "f"], ["1", "2", "3", "4"]):
        await tencent.refused(TOO_MANY_ADMINS, "modify_admin", RoomId="r1", Admin_Account=users, OpType="add")
    assert await admins() == {"Admin_Account": ["bob", "eve"]}
    await tencent.do("modify_admin", RoomId="r1", Admin_Account=["c", "d", "e"], OpType="add")
    await tencent.refused(TOO_MANY_ADMINS, "modify_admin", RoomId="r1", Admin_Account=["f"], OpType="add")
    before = await everything(tencent)
    for bad in (
        {}, {"Admin_Account": ["bob"]}, {"OpType": "add"}, {"Admin_Account": ["bob"], "OpType": "remove"}, {"Admin_Account": "bob", "OpType": "add"},
        {"Admin_Account": [1], "OpType": "add"}, {"Admin_Account": [""], "OpType": "add"}, {"Admin_Account": ["x" * 33], "OpType": "add"},
        {"Admin_Account": [], "OpType": "add"}, {"Admin_Account": ["bob"], "OpType": "Add"},
    ):
        await tencent.refused(BAD, "modify_admin", RoomId="r1", **bad)
    assert await everything(tencent) == before
    await tencent.do("modify_admin", RoomId="r1", Admin_Account=["bob", "nobody"], OpType="delete")
    assert await admins() == {"Admin_Account": ["eve", "c", "d", "e"]}
    assert await bob.publish_refused("r1", "no more") == MUTED

    await tencent.refused(NOT_IN, "change_room_owner", RoomId="r1", NewOwner_Account="carl")
    for bad in ({}, {"NewOwner_Account": ""}, {"NewOwner_Account": 1}, {"NewOwner_Account": None}):
        await tencent.refused(BAD, "change_room_owner", RoomId="r1", **bad)
    assert (await described(tencent))["Owner_Account"] == "owner"
    assert await tencent.do("change_room_owner", RoomId="r1", NewOwner_Account="bob") is None
    assert (await described(tencent))["Owner_Account"] == "bob"
    await bob.publish("r1", {"body": "the new owner may"})
    await owner.heard("r1", "the new owner may")
    assert await owner.publish_refused("r1", "he is not any more") == MUTED


@pytest.mark.virtual_clock
@pytest.mark.parametrize("sdk", SDKS)
async def test_a_mute_ends_by_itself(stage, sdk):
    tencent = await caller(stage, "r1")
    ann, bob = await stage.viewer(sdk, tencent.app, "ann", "r1"), await stage.viewer(OTHER[sdk], tencent.app, "bob", "r1")
    began = stage.now()
    assert await tencent.do("mute_member", RoomId="r1", MemberList_Account=["bob", "carl"], MuteTime=60) is None
    await tencent.do("mute_member", RoomId="r1", MemberList_Account=["carl"], MuteTime=30)
    await tencent.do("mute_member", RoomId="r1", MemberList_Account=["dora"], MuteTime=4294967295)
    muted = lambda: tencent.do("get_muted_member_list", RoomId="r1")
    came = (await muted())["MutedAccountList"]
    until = {one["Member_Account"]: one["MutedUntil"] for one in came}
    assert all(one.keys() == {"Member_Account", "MutedUntil"} for one in came) and until.keys() == {"bob", "carl", "dora"}, f"came {came}"
    assert abs(until["bob"] - began - 60) <= 1 and abs(until["carl"] - began - 30) <= 1, f"at {began} came {came}"

    await ann.log.until("that bob is muted", lambda _: any(
        "bob" in event["data"]["muted"] for event in ann.events("publication", tags={"event": "group.mute"})
    ))
    assert await bob.publish_refused("r1", "muted") == MUTED
    await tencent.refused(MUTED_BY_API, "send_text_msg", RoomId="r1", Sender_Account="bob", TextContent="muted")
    await tencent.refused(MUTED_BY_API, "send_custom_msg", RoomId="r1", Sender_Account="carl", BusinessId="b", Data="muted")
    await bob.leave("r1")
    await bob.ask_to_join("r1")
    await bob.event("subscribed", nth=2, channel="group:r1")
    assert await bob.publish_refused("r1", "it outlives leaving") == MUTED
    await stage.advance(58)
    assert await bob.publish_refused("r1", "muted") == MUTED
    assert {one["Member_Account"] for one in (await muted())["MutedAccountList"]} == {"bob", "dora"}
    await tencent.do("send_text_msg", RoomId="r1", Sender_Account="carl", TextContent="carl again")
    await stage.advance(3)
    await bob.publish("r1", {"body": "bob again"})
    await ann.heard("r1", "bob again")
    await tencent.do("send_text_msg", RoomId="r1", Sender_Account="bob", TextContent="and so")
    assert [one["Member_Account"] for one in (await muted())["MutedAccountList"]] == ["dora"]
    late = await stage.viewer(sdk, tencent.app, "late", "r1")
    assert late.events("subscribed")[0]["data"]["muted"] == ["dora"], "who comes now sees who is muted now"

    await tencent.do("mute_member", RoomId="r1", MemberList_Account=["bob"], MuteTime=60)
    assert await bob.publish_refused("r1", "muted") == MUTED
    await tencent.do("mute_member", RoomId="r1", MemberList_Account=["bob", "dora"], MuteTime=0)
    await bob.publish("r1", {"body": "bob at once"})
    assert await muted() == {"MutedAccountList": []}


async def test_a_bad_mute_or_ban_changes_nothing(stage):
    tencent = await caller(stage)
    await tencent.do("create_room", RoomInfo=ROOM | {"Owner_Account": "owner"})
    await tencent.do("ban_member", RoomId="r1", MemberList_Account=["eve"], Duration=600)
    before = await everything(tencent)
    users = {"MemberList_Account": ["ann"]}
    lists = [
        {}, {"MemberList_Account": None}, {"MemberList_Account": "ann"}, {"MemberList_Account": [1]}, {"MemberList_Account": []},
        {"MemberList_Account": ["ann", ""]}, {"MemberList_Account": ["ann", "x" * 33]},
    ]
    many = {"MemberList_Account": [f"u{n}" for n in range(21)]}
    for bad in [
        *({"MuteTime": 60} | wrong for wrong in lists), users, users | {"MuteTime": -1}, users | {"MuteTime": "60"},
        users | {"MuteTime": 1.5}, users | {"MuteTime": 1 << 32}, users | {"MuteTime": None},
    ]:
        await tencent.refused(BAD, "mute_member", RoomId="r1", **bad)
        assert await everything(tencent) == before, f"after {bad}"
    for bad in [
        *({"Duration": 60} | wrong for wrong in [*lists, many]), users, users | {"Duration": -1}, users | {"Duration": "60"},
        users | {"Duration": 1.5}, users | {"Duration": None}, users | {"Duration": 60, "Reason": "x" * 201},
        users | {"Duration": 60, "Reason": 1}, users | {"Duration": 1 << 32},
    ]:
        await tencent.refused(BAD, "ban_member", RoomId="r1", **bad)
        assert await everything(tencent) == before, f"after {bad}"
    await tencent.refused(NO_RIGHT, "ban_member", RoomId="r1", MemberList_Account=["ann", "owner"], Duration=60)
    not_new = [*lists[:-1], {"MemberList_Account": ["ann", "x" * 65]}, many]  # whom another cloud named may be longer
    for bad in not_new:
        await tencent.refused(BAD, "unban_member", RoomId="r1", **bad)
        await tencent.refused(BAD, "kick_user_out", RoomId="r1", **bad)
    for bad in ({"Offset": -1}, {"Offset": "0"}, {"Limit": 0}, {"Limit": 101}, {"Limit": "1"}):
        await tencent.refused(BAD, "get_banned_member_list", RoomId="r1", **bad)
    for command in ("get_room_info", "destroy_room", "get_admin_list", "get_muted_member_list", "get_banned_member_list"):
        for room in ({}, {"RoomId": None}, {"RoomId": 1}, {"RoomId": ""}):
            await tencent.refused((BAD, MISSING) if room == {"RoomId": ""} else BAD, command, **room)
    assert await everything(tencent) == before


async def refused_to_join(client, nth):
    """The code with which the SDK gives up."""
    await client.ask_to_join("r1")
    return (await client.event("unsubscribed", nth, channel="group:r1"))["code"]


@pytest.mark.virtual_clock
@pytest.mark.parametrize("sdk", SDKS)
async def test_who_is_banned_is_out_and_stays_out_until_the_ban_ends(stage, sdk):
    tencent = await caller(stage, "r1", "r2")
    ann, bob = await stage.viewer(sdk, tencent.app, "ann", "r1"), await stage.viewer(OTHER[sdk], tencent.app, "bob", "r1", "r2")
    began = stage.now()
    ban = {"RoomId": "r1", "MemberList_Account": ["bob", "carl"], "Duration": 60, "Reason": "名" * 66}
    assert await tencent.do("ban_member", **ban) is None
    await put_out(bob)
    left = await ann.event("leave", channel="group:r1")
    assert left["info"]["user"] == "bob", f"came {left}"
    await bob.publish("r2", {"body": "still in the other room"})
    came = await tencent.do("get_banned_member_list", RoomId="r1")
    assert_shape(came, {
        "BannedAccountList": [{"Member_Account": user, "BannedUntil": int} for user in ("bob", "carl")], "NextOffset": 0,
    })
    assert all(abs(one["BannedUntil"] - began - 60) <= 1 for one in came["BannedAccountList"]), f"at {began} came {came}"
    assert await refused_to_join(bob, nth=2) == 403
    await tencent.refused((BANNED, NOT_IN), "change_room_owner", RoomId="r1", NewOwner_Account="bob")
    carl = await stage.viewer(sdk, tencent.app, "carl")
    await carl.ask_to_join("r1")
    assert (await carl.event("unsubscribed", channel="group:r1"))["code"] == 403, "one who was not in when he was banned"
    await stage.advance(58)
    assert await refused_to_join(bob, nth=3) == 403
    await stage.advance(3)
    assert await tencent.do("get_banned_member_list", RoomId="r1") == {"BannedAccountList": [], "NextOffset": 0}
    await bob.ask_to_join("r1")
    await bob.event("subscribed", nth=2, channel="group:r1")
    await bob.publish("r1", {"body": "bob is back"})
    await ann.heard("r1", "bob is back")

    await tencent.do("ban_member", **ban)
    await put_out(bob, nth=4)
    assert await tencent.do("unban_member", RoomId="r1", MemberList_Account=["bob", "nobody"]) is None
    await bob.ask_to_join("r1")
    await bob.event("subscribed", nth=3, channel="group:r1")


async def test_the_banned_are_listed_page_by_page(stage):
    tencent = await caller(stage, "r1")
    users = [f"u{n:02}" for n in range(45)]
    for first in range(0, 45, 20):
        await tencent.do("ban_member", RoomId="r1", MemberList_Account=users[first:first + 20], Duration=3600)
    found, offset = [], 0
    for expected in (20, 20, 5):
        page = await tencent.do("get_banned_member_list", RoomId="r1", Offset=offset, Limit=20)
        assert len(page["BannedAccountList"]) == expected, f"came {page}"
        found, offset = found + [one["Member_Account"] for one in page["BannedAccountList"]], page["NextOffset"]
    assert offset == 0 and found == users, f"ended at {offset} with {found}"
    whole = await tencent.do("get_banned_member_list", RoomId="r1", Offset=0, Limit=45)
    assert (len(whole["BannedAccountList"]), whole["NextOffset"]) == (45, 0), "a full page may be the last"
    beyond = await tencent.do("get_banned_member_list", RoomId="r1", Offset=45, Limit=20)
    assert beyond == {"BannedAccountList": [], "NextOffset": 0}


@pytest.mark.parametrize("sdk", SDKS)
async def test_who_is_put_out_may_come_again(stage, sdk):
    tencent = await caller(stage, "r1")
    ann, bob = await stage.viewer(sdk, tencent.app, "ann", "r1"), await stage.viewer(OTHER[sdk], tencent.app, "bob", "r1")
    assert await tencent.do("kick_user_out", RoomId="r1", MemberList_Account=["bob", "nobody"], Reason="spam") is None
    await put_out(bob)
    await ann.event("leave", channel="group:r1")
    assert await bob.publish_refused("r1", "not in it") == 425
    await bob.ask_to_join("r1")
    await bob.event("subscribed", nth=2, channel="group:r1")
    await bob.publish("r1", {"body": "again"})
    await ann.heard("r1", "again")


@pytest.mark.parametrize("sdk", SDKS)
async def test_a_muted_room_hears_only_owner_and_admins(stage, sdk):
    tencent = await caller(stage)
    await tencent.do("create_room", RoomInfo=ROOM | {"Owner_Account": "owner", "IsMessageDisabled": True})
    await tencent.do("modify_admin", RoomId="r1", Admin_Account=["admin"], OpType="add")
    ann = await stage.viewer(sdk, tencent.app, "ann", "r1")
    assert ann.events("subscribed")[0]["data"]["muted_all"] is True
    assert await ann.publish_refused("r1", "no") == MUTED
    for sender in ("owner", "admin"):
        await tencent.do("send_text_msg", RoomId="r1", Sender_Account=sender, TextContent=f"{sender} may")
        await ann.heard("r1", f"{sender} may")
    await tencent.refused(MUTED_BY_API, "send_text_msg", RoomId="r1", Sender_Account="ann", TextContent="no")
    await tencent.do("update_room_info", RoomInfo={"RoomId": "r1", "IsMessageDisabled": False})
    await ann.publish("r1", {"body": "ann may"})


@pytest.mark.parametrize("sdk", SDKS)
async def test_a_full_room_takes_nobody_more(stage, sdk):
    tencent = await caller(stage)
    await tencent.do("create_room", RoomInfo=ROOM | {"MaxMemberCount": 1})
    ann = await stage.viewer(sdk, tencent.app, "ann", "r1")
    bob = await stage.viewer(OTHER[sdk], tencent.app, "bob")
    await bob.ask_to_join("r1")
    assert (await bob.event("unsubscribed", channel="group:r1"))["code"] == 443
    await ann.leave("r1")
    await stage.receiver.event("ann", e=4)  # the SDK does not wait for the server's answer
    await bob.ask_to_join("r1")
    await bob.event("subscribed", channel="group:r1")
