"""Live rooms as a manager program makes, changes, lists and ends them, and as the people in them see it."""

import re

import pytest

from harness.clients import SDKS
from harness.rooms import BAD, MISSING, ROOM, TAKEN, caller, described, everything, put_out
from harness.shape import Now, assert_shape
from harness.usersig import LIBRARIES

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
