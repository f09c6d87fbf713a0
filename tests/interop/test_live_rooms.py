"""Live rooms as a manager program makes, changes and moderates them, and as the people in them see it."""

import asyncio
import json
import re
import time

import pytest

from harness.clients import OTHER, SDKS
from harness.shape import Now, assert_shape
from harness.usersig import LIBRARIES

BAD, TAKEN, MISSING, NOT_IN, NO_RIGHT, BANNED, TOO_MANY_ADMINS = 100002, 100003, 100004, 100005, 100006, 100016, 100020
MUTED_BY_API, MUTED = 10017, 442
ROOM = {"RoomId": "r1", "RoomType": "Live"}
FULL = {
    "RoomId": "r 1~!", "RoomType": "Live", "RoomName": "名" * 33, "Owner_Account": "ann", "MaxMemberCount": 500,
    "CoverURL": "https://example.com/c.png", "IsMessageDisabled": True, "Category": [1, 20, 3], "IsPublicVisible": False,
    "IsSeatEnabled": True, "TakeSeatMode": "ApplyToTake", "MaxSeatCount": 8, "ActivityStatus": 2,
    "IsUnlimitedRoomEnabled": True, "SeatLayoutTemplateId": 200,
}
SHOWN = {
    "RoomId": "r1", "RoomName": "r1", "RoomType": "Live", "Owner_Account": "administrator", "CreateTime": Now(),
    "IsSeatEnabled": False, "TakeSeatMode": "FreeToTake", "MaxSeatCount": 0, "MaxMemberCount": 0, "IsMessageDisabled": False,
    "CoverURL": "", "Category": [], "ActivityStatus": 0, "ViewCount": 0, "IsPublicVisible": True, "Notice": "",
}


async def caller(stage, *rooms, library="PyPI"):
    """An application with these rooms, and a caller of its API."""
    tencent = await stage.tencent(await stage.live_app(), library)
    for room in rooms:
        await tencent.do("create_room", RoomInfo=ROOM | {"RoomId": room})
    return tencent


async def described(tencent, room="r1"):
    return (await tencent.do("get_room_info", RoomId=room))["RoomInfo"]


async def everything(tencent, room="r1"):
    """All that the API tells of a room."""
    of = {"RoomId": room}
    answers = [await tencent.do(command, **of) for command in ("get_room_info", "get_admin_list", "get_banned_member_list")]
    answers += [await tencent.do("get_muted_member_list", **of), await tencent.do("get_room_metadata", **of, Keys=[])]
    return json.dumps(answers, sort_keys=True)


async def put_out(client, nth=1, code=2102):
    out = await client.event("unsubscribed", nth, channel="group:r1")
    assert out["code"] == code and out["reason"], f"expected {code} with a reason, came {out}"


async def refused_to_join(client, nth):
    """The code with which the SDK gives up."""
    await client.ask_to_join("r1")
    return (await client.event("unsubscribed", nth, channel="group:r1"))["code"]


@pytest.mark.parametrize("library", LIBRARIES)
async def test_a_room_is_what_was_asked_for(stage, library):
    tencent = await caller(stage, library=library)
    made = await tencent.do("create_room", RoomInfo=ROOM)
    assert_shape(await described(tencent), SHOWN)
    assert made["RoomInfo"] == await described(tencent), f"came {made}"

    await tencent.do("create_room", RoomInfo=FULL)
    not_told = ("IsUnlimitedRoomEnabled", "SeatLayoutTemplateId")
    expected = SHOWN | {name: value for name, value in FULL.items() if name not in not_told}
    assert_shape(await described(tencent, "r 1~!"), expected)

    for again in (ROOM, ROOM | {"RoomName": "another"}):
        await tencent.refused(TAKEN, "create_room", RoomInfo=again)
    assert_shape(await described(tencent), SHOWN)


BAD_FIELDS = [
    {"RoomName": 1}, {"RoomName": "x" * 101}, {"RoomName": "名" * 34}, {"MaxMemberCount": -1}, {"MaxMemberCount": "1"}, {"MaxMemberCount": 1.5},
    {"CoverURL": "x" * 201}, {"CoverURL": 1}, {"IsMessageDisabled": "true"}, {"IsMessageDisabled": 1}, {"Category": [1, 2, 3, 4]},
    {"Category": 1}, {"Category": ["1"]}, {"IsPublicVisible": 0}, {"TakeSeatMode": "Take"}, {"TakeSeatMode": 1},
    {"ActivityStatus": "1"},
]


async def test_a_room_with_a_bad_field_is_not_made(stage):
    tencent = await caller(stage)
    await tencent.refused(BAD, "create_room")
    await tencent.refused(BAD, "create_room", **ROOM)
    for info in (1, [], None, {}, {"RoomId": "r1"}, {"RoomType": "Live"}):
        await tencent.refused(BAD, "create_room", RoomInfo=info)
    for bad in [
        {"RoomId": ""}, {"RoomId": "x" * 49}, {"RoomId": "名"}, {"RoomId": "a\nb"}, {"RoomId": "a\x7f"}, {"RoomId": 1},
        {"RoomType": "Conference"}, {"RoomType": "live"}, {"RoomType": 1}, {"Owner_Account": "x" * 33}, {"Owner_Account": 1},
        {"IsSeatEnabled": 1}, {"MaxSeatCount": "8"}, {"MaxSeatCount": -1}, {"IsUnlimitedRoomEnabled": "no"},
        {"SeatLayoutTemplateId": "x"}, *BAD_FIELDS,
    ]:
        await tencent.refused(BAD, "create_room", RoomInfo=ROOM | bad)
        await tencent.refused(MISSING, "get_room_info", RoomId="r1")
    assert await tencent.do("get_room_list", Next="", Count=20) == {"Next": "", "RoomList": []}
    for good in ("x" * 48, " ", "~", "a/b?c&d"):
        await tencent.do("create_room", RoomInfo=ROOM | {"RoomId": good})
        assert (await described(tencent, good))["RoomName"] == good


@pytest.mark.parametrize("sdk", SDKS)
async def test_a_change_is_a_change_of_what_was_given_and_is_seen_in_the_room(stage, sdk):
    tencent = await caller(stage, "r1")
    ann = await stage.viewer(sdk, tencent.app, "ann", "r1")
    now = SHOWN | {"ViewCount": 1}
    for change in (
        {"RoomName": "新"}, {"Notice": "名" * 33}, {"CoverURL": "https://example.com/2"}, {"Category": [7]}, {"Category": []},
        {"ActivityStatus": 9}, {"IsPublicVisible": False}, {"MaxMemberCount": 10}, {"TakeSeatMode": "ApplyToTake"},
        {"IsMessageDisabled": True}, {"Notice": "", "RoomName": "r1", "IsMessageDisabled": False}, {},
    ):
        assert await tencent.do("update_room_info", RoomInfo={"RoomId": "r1"} | change) is None
        now |= change
        assert_shape(await described(tencent), now, f"after {change}")
    await ann.told("r1", "group.mute", nth=2)
    muted = [event["data"]["muted_all"] for event in ann.events("publication", tags={"event": "group.mute"})]
    assert muted == [True, False], f"came {muted}"
    await ann.told("r1", "group.info")


async def test_a_bad_change_changes_nothing(stage):
    tencent = await caller(stage, "r1")
    before = await everything(tencent)
    for bad in [{"Notice": "x" * 101}, {"Notice": 1}, *BAD_FIELDS]:
        await tencent.refused(BAD, "update_room_info", RoomInfo={"RoomId": "r1", "RoomName": "new"} | bad)
        if "RoomName" not in bad:
            await tencent.refused(BAD, "update_room_info", RoomInfo={"RoomId": "r1"} | bad)
    for info in (None, {}, [], {"RoomName": "new"}):
        await tencent.refused(BAD, "update_room_info", RoomInfo=info)
    await tencent.refused(BAD, "update_room_info", RoomId="r1", RoomName="new")
    await tencent.refused(MISSING, "update_room_info", RoomInfo={"RoomId": "r2", "RoomName": "new"})
    assert await everything(tencent) == before


@pytest.mark.parametrize("sdk", SDKS)
async def test_a_destroyed_room_puts_everybody_out_and_its_name_may_be_used_again(stage, sdk):
    tencent = await caller(stage, "r1")
    await tencent.do("set_room_metadata", RoomId="r1", Metadata=[{"Key": "k", "Value": "v"}])
    await tencent.do("mute_member", RoomId="r1", MemberList_Account=["ann"], MuteTime=600)
    await tencent.do("ban_member", RoomId="r1", MemberList_Account=["eve"], Duration=600)
    await tencent.do("modify_admin", RoomId="r1", Admin_Account=["ann"], OpType="add")
    ann = await stage.viewer(sdk, tencent.app, "ann", "r1")
    assert await tencent.do("destroy_room", RoomId="r1") is None
    await put_out(ann, code=2101)
    for command, body in (
        ("get_room_info", {}), ("destroy_room", {}), ("update_room_info", None), ("get_room_metadata", {"Keys": []}),
        ("set_room_metadata", {"Metadata": [{"Key": "k", "Value": "v"}]}), ("del_room_metadata", {"Keys": ["k"]}),
        ("modify_admin", {"Admin_Account": ["ann"], "OpType": "add"}), ("get_admin_list", {}),
        ("change_room_owner", {"NewOwner_Account": "ann"}), ("ban_member", {"MemberList_Account": ["ann"], "Duration": 10}),
        ("unban_member", {"MemberList_Account": ["ann"]}), ("get_banned_member_list", {}),
        ("mute_member", {"MemberList_Account": ["ann"], "MuteTime": 10}), ("get_muted_member_list", {}),
        ("send_text_msg", {"Sender_Account": "ann", "TextContent": "x"}), ("kick_user_out", {"MemberList_Account": ["ann"]}),
        ("send_custom_msg", {"Sender_Account": "ann", "BusinessId": "b", "Data": "d"}),
    ):
        body = {"RoomInfo": {"RoomId": "r1", "RoomName": "x"}} if body is None else {"RoomId": "r1"} | body
        await tencent.refused(MISSING, command, **body)
        other = {"RoomInfo": body["RoomInfo"] | {"RoomId": "never"}} if "RoomInfo" in body else body | {"RoomId": "never"}
        await tencent.refused(MISSING, command, **other)
    assert (await tencent.do("get_room_list", Next="", Count=20))["RoomList"] == []

    await tencent.do("create_room", RoomInfo=ROOM)
    assert_shape(await described(tencent), SHOWN)
    assert await tencent.do("get_admin_list", RoomId="r1") == {"Admin_Account": []}
    assert await tencent.do("get_room_metadata", RoomId="r1", Keys=[]) == {"Metadata": []}
    assert await tencent.do("get_banned_member_list", RoomId="r1") == {"BannedAccountList": [], "NextOffset": 0}
    assert await tencent.do("get_muted_member_list", RoomId="r1") == {"MutedAccountList": []}
    await ann.ask_to_join("r1")
    again = await ann.event("subscribed", nth=2, channel="group:r1")
    assert again["offset"] == 0 and not again["recovered"], f"nothing of the old room is in the new one: {again}"
    await ann.publish("r1", {"body": "a new beginning"})


@pytest.mark.settings(ROOMD_LIMITS_CONTROL_QPS="false")
async def test_the_list_shows_public_rooms_most_views_first_page_by_page(stage):
    tencent = await caller(stage)
    names = [f"r{n}" for n in range(7)]
    for n, room in enumerate(names):
        await tencent.do("create_room", RoomInfo=ROOM | {
            "RoomId": room, "RoomName": f"name {n}", "Category": [n], "IsPublicVisible": n != 5, "ActivityStatus": n, "CoverURL": f"c{n}",
            "Owner_Account": f"owner{n}",
        })
    ann, bob = await stage.viewer("npm", tencent.app, "ann", "r2", "r4"), await stage.viewer("python", tencent.app, "bob", "r4", "r5")
    await ann.leave("r4")

    async def pages(count):
        found, cursor, pages = [], "", 0
        while True:
            page = await tencent.do("get_room_list", Next=cursor, Count=count)
            assert len(page["RoomList"]) <= count
            found, cursor, pages = found + page["RoomList"], page["Next"], pages + 1
            if not cursor:
                return found, pages
            assert re.fullmatch(r"\d+-\d+", cursor), f"came {page}"
            assert pages < 20, "the list ends"

    listed, _ = await pages(20)
    ids = [room["RoomId"] for room in listed]
    assert ids[:2] == ["r4", "r2"] and sorted(ids) == ["r0", "r1", "r2", "r3", "r4", "r6"], f"came {ids}"
    assert_shape(listed[0], {
        "RoomId": "r4", "RoomName": "name 4", "Owner_Account": "owner4", "CoverURL": "c4", "Category": [4], "CreateTime": Now(),
        "ActivityStatus": 4, "ViewCount": 2,
    })
    for count in (1, 2, 3):
        assert (await pages(count))[0] == listed, f"in pages of {count}"
    first = await tencent.do("get_room_list", Next="", Count=2)
    await tencent.do("destroy_room", RoomId="r2")
    rest = await tencent.do("get_room_list", Next=first["Next"], Count=20)
    assert rest["RoomList"] == listed[2:], "a page goes on where the last one ended, also if that room is gone"
    for bad in (
        {"Next": "x"}, {"Next": "1"}, {"Next": "-1-2"}, {"Next": 1}, {"Next": "1-2-3"}, {"Count": 0}, {"Count": 21}, {"Count": -1},
        {"Count": "1"}, {"Next": "99999999999999999999999-1"},
    ):
        await tencent.refused(BAD, "get_room_list", **({"Next": "", "Count": 20} | bad))


async def test_metadata_are_put_in_replaced_read_and_taken_out(stage):
    tencent = await caller(stage, "r1", "r2")

    async def metadata(*keys):
        came = await tencent.do("get_room_metadata", RoomId="r1", Keys=list(keys))
        assert came.keys() == {"Metadata"} and all(pair.keys() == {"Key", "Value"} for pair in came["Metadata"]), f"came {came}"
        return {pair["Key"]: pair["Value"] for pair in came["Metadata"]}

    assert await metadata() == {}
    pairs = lambda **of: [{"Key": key, "Value": value} for key, value in of.items()]
    assert await tencent.do("set_room_metadata", RoomId="r1", Metadata=pairs(a="1", b="2", 名="三")) is None
    await tencent.do("set_room_metadata", RoomId="r1", Metadata=pairs(b="", c="4"))
    assert await metadata() == {"a": "1", "b": "", "c": "4", "名": "三"}
    assert await metadata("c", "nothing", "a") == {"a": "1", "c": "4"}
    assert (await tencent.do("get_room_metadata", RoomId="r2", Keys=[]))["Metadata"] == []
    assert await tencent.do("del_room_metadata", RoomId="r1", Keys=["a", "nothing"]) is None
    assert await metadata() == {"b": "", "c": "4", "名": "三"}

    seven = pairs(**{f"k{n}": "x" for n in range(7)})
    await tencent.do("set_room_metadata", RoomId="r1", Metadata=seven)
    full = await metadata()
    for bad in (
        {"Metadata": pairs(onemore="x")}, {"Metadata": pairs(**{"x" * 51: "x"})}, {"Metadata": pairs(b="x" * 2049)},
        {"Metadata": pairs(**{"": "x"})}, {"Metadata": [{"Key": "b"}]}, {"Metadata": [{"Key": 1, "Value": "x"}]},
        {"Metadata": [{"Key": "b", "Value": 1}]}, {"Metadata": {"b": "x"}}, {"Metadata": None}, {}, {"Metadata": ["b"]},
        {"Metadata": pairs(b="changed", onemore="x")}, {"Metadata": pairs(**{f"n{n}": "x" for n in range(11)})},
        {"Metadata": pairs(**{f"k{n}": "x" * 2048 for n in range(7)}, b="x" * 2048, c="x")},
    ):
        await tencent.refused(BAD, "set_room_metadata", RoomId="r1", **bad)
        assert await metadata() == full, f"after {bad}"
    for bad in ({}, {"Keys": None}, {"Keys": "b"}, {"Keys": [1]}):
        await tencent.refused(BAD, "del_room_metadata", RoomId="r1", **bad)
    assert await metadata() == full
    await tencent.do("set_room_metadata", RoomId="r1", Metadata=pairs(**{f"k{n}": "x" * 2048 for n in range(7)}))
    long = {"x" * 50: "y" * 1500}
    await tencent.do("del_room_metadata", RoomId="r1", Keys=["b"])
    await tencent.do("set_room_metadata", RoomId="r1", Metadata=pairs(**long))
    assert (await metadata())["x" * 50] == "y" * 1500


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
async def test_messages_of_the_api_arrive_with_their_elements(stage, sdk):
    tencent = await caller(stage, "r1")
    ann = await stage.viewer(sdk, tencent.app, "ann", "r1")
    sent = await tencent.do("send_text_msg", RoomId="r1", Sender_Account="bob", TextContent="hello 名", ExtensionInfo='{"a":1}')
    assert_shape(sent, {"MsgTime": Now(), "MsgSeq": 1})
    heard = await ann.heard("r1", "hello 名")
    data = heard["data"]
    assert data["elems"] == [{"MsgType": "TIMTextElem", "MsgContent": {"Text": "hello 名"}}], f"came {heard}"
    assert (data["type"], data["sender"]["user"], data["total"], heard["offset"]) == (1, "bob", 1, 1), f"came {heard}"

    sent = await tencent.do("send_custom_msg", RoomId="r1", BusinessId="like", Data='{"n": 1}')
    assert_shape(sent, {"MsgTime": Now(), "MsgSeq": 2})
    heard = await ann.publication("r1", nth=2)
    [elem] = heard["data"]["elems"]
    assert elem["MsgType"] == "TIMCustomElem", f"came {heard}"
    assert json.loads(elem["MsgContent"]["Data"]) == {"BusinessId": "like", "Data": '{"n": 1}'}, f"came {heard}"
    assert json.loads(heard["data"]["body"]) == heard["data"]["elems"], f"the body is the array as text: {heard}"
    assert (heard["data"]["sender"]["user"], heard["offset"]) == ("administrator", 2), f"came {heard}"

    await ann.publish("r1", {"body": "mine"})
    mine = await ann.heard("r1", "mine")
    assert "elems" not in mine["data"] and mine["offset"] == 3, f"said with a body alone: {mine}"
    history = await ann.call("history", channel="group:r1", limit=10, since=None, reverse=False)
    assert [p["data"].get("elems", [{}])[0].get("MsgType") for p in history["publications"]] == [
        "TIMTextElem", "TIMCustomElem", None,
    ], f"came {history}"


@pytest.mark.parametrize("sdk", SDKS)
async def test_the_41st_message_of_a_second_is_dropped_and_reported_as_sent(stage, sdk):
    tencent = await caller(stage, "r1", "r2")
    ann = await stage.viewer(sdk, tencent.app, "ann", "r1")
    say = lambda n, room="r1": tencent.do("send_text_msg", RoomId=room, Sender_Account=f"u{n % 7}", TextContent=f"m{n}")
    began = time.monotonic()
    sent = await asyncio.gather(*(say(n) for n in range(120)))
    seconds = int(time.monotonic() - began) + 1  # that may have begun meanwhile
    assert "MsgDropReason" not in await say(0, "r2"), "another room is another matter"
    kept = {one["MsgSeq"]: n for n, one in enumerate(sent) if "MsgDropReason" not in one}
    dropped = [one["MsgDropReason"] for one in sent if "MsgDropReason" in one]
    assert 40 <= len(kept) <= 40 * seconds + 40 and set(dropped) == {"MsgFreqCtrl"}, f"within {seconds} s {len(kept)} kept, {dropped}"
    assert sorted(kept) == list(range(1, len(kept) + 1)), f"what was dropped took no number: {sorted(kept)}"
    await asyncio.sleep(1)
    after = await say(120)
    assert "MsgDropReason" not in after and after["MsgSeq"] == len(kept) + 1, f"a second later: {after}"
    await ann.heard("r1", "m120")
    assert ann.bodies("r1") == [f"m{kept[seq]}" for seq in sorted(kept)] + ["m120"]


@pytest.mark.settings(ROOMD_MODERATION_SERVER_MESSAGES="true")
async def test_where_servers_are_moderated_a_message_may_be_refused(stage):
    tencent = await caller(stage, "r1")
    moderator = await stage.moderator(tencent.app)
    moderator.verdicts["rude"] = {"pass": False, "reason": "mind your words"}
    message = await tencent.refused(80001, "send_text_msg", RoomId="r1", Sender_Account="bob", TextContent="rude")
    assert "mind your words" in message, f"came {message}"
    sent = await tencent.do("send_text_msg", RoomId="r1", Sender_Account="bob", TextContent="polite")
    assert sent["MsgSeq"] == 1, f"came {sent}"
    assert moderator.asked == ["rude", "polite"], f"came {moderator.asked}"


async def test_an_empty_room_takes_messages(stage):
    tencent = await caller(stage, "r1")
    for n in (1, 2):
        sent = await tencent.do("send_text_msg", RoomId="r1", Sender_Account="bob", TextContent="same words")
        assert_shape(sent, {"MsgTime": Now(), "MsgSeq": n})


async def test_a_bad_message_is_not_sent(stage):
    tencent = await caller(stage, "r1")
    text = {"Sender_Account": "bob", "TextContent": "x"}
    for bad in (
        {"TextContent": "x"}, {"Sender_Account": "bob"}, text | {"TextContent": 1}, text | {"Sender_Account": 1},
        text | {"Sender_Account": ""}, text | {"ExtensionInfo": {"a": 1}}, text | {"TextContent": None},
    ):
        await tencent.refused(BAD, "send_text_msg", RoomId="r1", **bad)
    await tencent.refused((80002, BAD), "send_text_msg", RoomId="r1", **text | {"TextContent": "x" * 12_300})
    custom = {"BusinessId": "b", "Data": "d"}
    for bad in ({}, {"BusinessId": "b"}, {"Data": "d"}, custom | {"Data": 1}, custom | {"BusinessId": 1}, custom | {"Sender_Account": 1}):
        await tencent.refused(BAD, "send_custom_msg", RoomId="r1", **bad)
    sent = await tencent.do("send_text_msg", RoomId="r1", **text)
    assert sent["MsgSeq"] == 1, f"none of the others took a number: {sent}"


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
    await bob.ask_to_join("r1")
    await bob.event("subscribed", channel="group:r1")


@pytest.mark.parametrize("sdk", SDKS)
async def test_a_room_is_a_group_of_the_chat_api(stage, sdk):
    tencent = await caller(stage)
    await tencent.do("create_room", RoomInfo=ROOM | {"RoomName": "name", "Owner_Account": "owner"})
    await tencent.do("update_room_info", RoomInfo={"RoomId": "r1", "Notice": "note", "IsMessageDisabled": True})
    await stage.viewer(sdk, tencent.app, "ann", "r1")
    await tencent.do("create_room", RoomInfo=ROOM | {"RoomId": "gone"})
    await tencent.do("destroy_room", RoomId="gone")
    came = (await tencent.do("get_group_info", GroupIdList=["r1", "gone", "never", "x" * 49]))["GroupInfo"]
    assert [(one["GroupId"], one["ErrorCode"]) for one in came] == [("r1", 0), ("gone", 10010), ("never", 10015), ("x" * 49, 10015)]
    assert all(one["ErrorInfo"] for one in came[1:]), f"came {came}"
    expected = {
        "Type": "AVChatRoom", "Name": "name", "Owner_Account": "owner", "Notification": "note", "MuteAllMember": "On",
        "CreateTime": Now(), "Introduction": "", "FaceUrl": "", "Appid": tencent.app.sdkappid, "ErrorInfo": "", "ErrorCode": 0,
    }
    assert_shape({name: came[0].get(name) for name in expected}, expected)
