"""Groups of the chat as a manager program makes, describes, changes and ends them: five types, each with its rules."""

import asyncio
import re

import pytest

from harness.clients import SDKS
from harness.groups import (
    BAD, GONE, KEPT, NEW_NAMES, NOBODY, NONE, NOT_ALLOWED, TYPES, chat, described, group_id, imported, make, members,
    roster, say, text,
)
from harness.shape import Now, assert_shape

TOO_MANY, TAKEN, YOURS, NO_HISTORY, NO_RECALL = 10005, 10021, 10025, 10044, 10033
CLOSED, PUT_OUT = 2101, 2102
of_all_types = pytest.mark.parametrize("kind", TYPES)
of_kept_types = pytest.mark.parametrize("kind", KEPT)
MEMBER = {
    "Member_Account": str, "Role": str, "JoinTime": Now(), "MsgSeq": 0, "MsgFlag": "AcceptAndNotify", "LastSendMsgTime": 0,
    "MuteUntil": 0, "ShutUpUntil": 0, "AppMemberDefinedData": [],
}


def ids(listed):
    return [group["GroupId"] for group in listed["GroupIdList"]]


@of_all_types
async def test_a_group_is_what_was_asked_for(stage, kind):
    tencent = await chat(stage)
    data = [{"Key": "a_1", "Value": "名"}, {"Key": "B", "Value": "x" * 512}]
    group = await make(
        tencent, kind, "g 1~", Name="名" * 10, Introduction="名" * 80, Notification="n" * 300, FaceUrl="f" * 100, MaxMemberCount=77,
        ApplyJoinOption="DisableApply", AppDefinedData=data,
    )
    came = await described(tencent, group)
    inside = came.pop("MemberList")
    assert_shape(came, {
        "GroupId": group, "ErrorCode": 0, "ErrorInfo": "", "Type": kind, "Name": "名" * 10, "Appid": tencent.app.sdkappid,
        "Introduction": "名" * 80, "Notification": "n" * 300, "FaceUrl": "f" * 100, "Owner_Account": "olga", "CreateTime": Now(),
        "LastInfoTime": Now(), "LastMsgTime": 0, "NextMsgSeq": 1, "MemberNum": 0 if kind == "AVChatRoom" else 3, "MaxMemberNum": 77,
        "ApplyJoinOption": str, "MuteAllMember": "Off", "ShutUpAllMember": "Off",
        "AppDefinedData": sorted(data, key=lambda pair: pair["Key"]),
    })
    if kind == "AVChatRoom":
        assert inside == [], "of these nobody's data are kept"
        return
    roles = {one["Member_Account"]: one["Role"] for one in inside}
    assert roles == {"olga": "Owner", "ann": "Member", "bob": "Member"}, f"came {inside}"
    for one in (await roster(tencent, group)).values():
        assert_shape(one, MEMBER | {"NameCard": ""})
    if kind == "Public":
        assert came["ApplyJoinOption"] == "DisableApply", f"came {came}"


@of_all_types
async def test_both_generations_of_names_make_the_same_group(stage, kind):
    tencent = await chat(stage)
    await make(tencent, kind, "old", Type=kind)
    if kind in NEW_NAMES:
        await make(tencent, kind, "new", Type=NEW_NAMES[kind])
        assert (await described(tencent, group_id(kind, "new")))["Type"] == kind, "told with the old name"
    made = await tencent.do("create_group", Type=kind, Name="ours")
    shape = {"AVChatRoom": r"@TGS#a[0-9A-Za-z]+", "Community": r"@TGS#_[0-9A-Za-z]+"}.get(kind, r"@TGS#[0-9A-Z]+")
    assert re.fullmatch(shape, made["GroupId"]) and len(made["GroupId"]) < 48, f"came {made}"
    came = await described(tencent, made["GroupId"])
    assert (came["Name"], came["Owner_Account"], came["MemberNum"]) == ("ours", "", 0), f"came {came}"


async def test_a_group_with_a_bad_parameter_is_not_made(stage):
    tencent = await chat(stage)
    good = {"Type": "Public", "Name": "n", "GroupId": "g1"}
    for bad in [
        {"Type": None}, {"Type": "Chat"}, {"Type": "public"}, {"Type": 1}, {"Name": None}, {"Name": ""}, {"Name": 1}, {"Name": "x" * 31},
        {"Name": "名" * 11}, {"Introduction": "x" * 241}, {"Notification": "x" * 301}, {"FaceUrl": "x" * 101}, {"FaceUrl": 1},
        {"MaxMemberCount": -1}, {"MaxMemberCount": "9"}, {"ApplyJoinOption": "Free"}, {"GroupId": "x" * 48}, {"GroupId": "名"},
        {"GroupId": "a\nb"}, {"GroupId": "@TGS#mine"}, {"GroupId": 1}, {"Type": "Community"}, {"Type": "Community", "GroupId": "@TGS#g"},
        {"AppDefinedData": [{"Key": f"k{n}", "Value": "v"} for n in range(11)]}, {"AppDefinedData": [{"Key": "x" * 17, "Value": "v"}]},
        {"AppDefinedData": [{"Key": "a-b", "Value": "v"}]}, {"AppDefinedData": [{"Key": "k", "Value": "x" * 513}]},
        {"AppDefinedData": [{"Key": "k"}]}, {"AppDefinedData": {"k": "v"}}, {"MemberList": "ann"}, {"MemberList": [{"Role": "Admin"}]},
        {"MemberList": [{"Member_Account": "ann", "Role": "Owner"}]}, {"SupportTopic": 1},
        {"MemberList": [{"Member_Account": "ann", "AppMemberDefinedData": [{"Key": "k", "Value": "x" * 65}]}]},
    ]:
        body = {name: value for name, value in (good | bad).items() if value is not None}
        await tencent.refused(BAD, "create_group", **body)
    await tencent.refused(TOO_MANY, "create_group", **good, MemberList=members(*(f"u{n}" for n in range(101))))
    await tencent.refused(NOT_ALLOWED, "create_group", **good | {"Type": "AVChatRoom"}, MemberList=members("ann"))
    for unknown in ({"Owner_Account": "stranger"}, {"MemberList": members("ann", "stranger")}):
        message = await tencent.refused(NOBODY, "create_group", **good | unknown)
        assert "stranger" in message, f"who is unknown is named: {message}"
    assert (await described(tencent, "g1"))["ErrorCode"] == NONE, "none of them has made it"

    await make(tencent, owner="olga")
    await tencent.refused(YOURS, "create_group", **good, Owner_Account="olga")
    await tencent.refused(TAKEN, "create_group", **good, Owner_Account="ann")
    await tencent.do("destroy_group", GroupId="g1")
    await make(tencent, "Private", owner="ann")
    assert (await described(tencent, "g1"))["Owner_Account"] == "ann", "a name that is free again"


async def test_what_is_known_of_a_group_that_is_not_there_is_said(stage):
    tencent = await chat(stage)
    await make(tencent)
    await tencent.do("destroy_group", GroupId="g1")
    one = {"MemberList": members("ann")}
    for command, body in (
        ("destroy_group", {}), ("get_group_member_info", {}), ("modify_group_base_info", {"Name": "n"}),
        ("modify_group_member_info", {"Member_Account": "ann", "NameCard": "c"}), ("add_group_member", one),
        ("delete_group_member", {"MemberToDel_Account": ["ann"]}), ("get_role_in_group", {"User_Account": ["ann"]}),
        ("change_group_owner", {"NewOwner_Account": "ann"}), ("forbid_send_msg", {"Members_Account": ["ann"], "MuteTime": 60}),
        ("get_group_muted_account", {}), ("get_group_shutted_uin", {}),
        ("send_group_msg", {"Random": 1, "MsgBody": text("x")}), ("send_group_system_notification", {"Content": "c"}),
        ("group_msg_get_simple", {"ReqMsgNumber": 1}), ("group_msg_recall", {"MsgSeqList": [{"MsgSeq": 1}]}),
        ("ban_group_member", {"Members_Account": ["ann"], "Duration": 60}), ("unban_group_member", {"Members_Account": ["ann"]}),
        ("get_group_ban_member", {"Offset": 0}), ("get_online_member_num", {}),
    ):
        for code, group in ((GONE, "g1"), (NONE, "never"), (NONE, "x" * 49)):
            await tencent.refused(code, command, **body, GroupId=group)
        await tencent.refused((BAD, NONE), command, **body)
        await tencent.refused((BAD, NONE), command, **body, GroupId=1)


async def test_of_several_groups_each_has_its_own_code(stage):
    tencent = await chat(stage)
    for name in ("g1", "gone"):
        await make(tencent, name=name)
    await tencent.do("destroy_group", GroupId="gone")
    came = (await tencent.do("get_group_info", GroupIdList=["never", "g1", "gone", "x" * 49, ""]))["GroupInfo"]
    codes = [(one["GroupId"], one["ErrorCode"]) for one in came]
    assert codes == [("never", NONE), ("g1", 0), ("gone", GONE), ("x" * 49, NONE), ("", NONE)], f"came {codes}"
    assert all(bool(one["ErrorInfo"]) == bool(one["ErrorCode"]) for one in came), f"came {came}"
    assert all(one.keys() == {"GroupId", "ErrorCode", "ErrorInfo"} for one in came if one["ErrorCode"]), f"came {came}"


async def test_a_filter_says_what_is_told_of_a_group_and_of_its_members(stage):
    tencent = await chat(stage)
    data = [{"Key": "a", "Value": "1"}, {"Key": "b", "Value": "2"}]
    await make(tencent, inside=(), AppDefinedData=data, MemberList=[
        {"Member_Account": "ann", "Role": "Admin", "AppMemberDefinedData": [{"Key": "c", "Value": "3"}, {"Key": "d", "Value": "4"}]},
    ])
    common = {"GroupId", "ErrorCode", "ErrorInfo"}
    for filter, expected in (
        ({"GroupBaseInfoFilter": ["Name", "Type"]}, {"Name", "Type"}),
        ({"GroupBaseInfoFilter": ["MuteAllMember"]}, {"MuteAllMember", "ShutUpAllMember"}),
        ({"GroupBaseInfoFilter": ["ShutUpAllMember"]}, {"MuteAllMember", "ShutUpAllMember"}),
        ({"GroupBaseInfoFilter": ["NoSuchThing"]}, set()),
        ({"MemberInfoFilter": ["Role"]}, {"MemberList"}),
        ({"AppDefinedDataFilter_Group": ["b"]}, {"AppDefinedData"}),
    ):
        came = await described(tencent, "g1", **filter)
        assert came.keys() - common == expected, f"{filter}: came {came}"
    one_key = await described(tencent, "g1", AppDefinedDataFilter_Group=["b", "none"])
    assert one_key["AppDefinedData"] == data[1:], f"came {one_key}"

    for name in ("Account", "Member_Account"):
        came = await described(tencent, "g1", MemberInfoFilter=[name, "Role"], AppDefinedDataFilter_GroupMember=["d"])
        ann = next(one for one in came["MemberList"] if one["Member_Account"] == "ann")
        assert ann == {"Member_Account": "ann", "Role": "Admin", "AppMemberDefinedData": [{"Key": "d", "Value": "4"}]}, f"came {came}"
    for name in ("MuteUntil", "ShutUpUntil"):
        came = await tencent.do("get_group_member_info", GroupId="g1", MemberInfoFilter=[name])
        assert came["MemberList"][0].keys() == {"Member_Account", "MuteUntil", "ShutUpUntil"}, f"{name}: came {came}"
    only = await roster(tencent, "g1", MemberRoleFilter=["Admin", "Member"])
    assert list(only) == ["ann"], f"came {only}"
    for bad in ({"MemberRoleFilter": ["Boss"]}, {"MemberRoleFilter": "Admin"}, {"MemberInfoFilter": [1]}, {"Limit": -1}, {"Offset": "1"}):
        await tencent.refused(BAD, "get_group_member_info", GroupId="g1", **bad)


async def test_a_change_of_a_group_is_a_change_of_what_was_given(stage):
    tencent = await chat(stage)
    await make(tencent, inside=(), AppDefinedData=[{"Key": "a", "Value": "1"}, {"Key": "b", "Value": "2"}])
    now = await described(tencent, "g1")
    for change in (
        {"Name": "新"}, {"Introduction": "i"}, {"Notification": "n"}, {"FaceUrl": "f"}, {"MaxMemberNum": 9}, {"ApplyJoinOption": "FreeAccess"},
        {"MuteAllMember": "On"}, {"MuteAllMember": "Off"}, {"Introduction": "", "Notification": ""}, {},
    ):
        assert await tencent.do("modify_group_base_info", GroupId="g1", **change) == {}
        now |= change | ({"ShutUpAllMember": change["MuteAllMember"]} if "MuteAllMember" in change else {})
        came = await described(tencent, "g1")
        now["LastInfoTime"] = came["LastInfoTime"]
        assert_shape(came, now, f"after {change}")
    await tencent.do("modify_group_base_info", GroupId="g1", ShutUpAllMember="On", MaxMemberCount=8)
    came = await described(tencent, "g1")
    assert (came["MuteAllMember"], came["MaxMemberNum"]) == ("On", 8), f"the names of the one generation and of the other: {came}"
    await tencent.do("modify_group_base_info", GroupId="g1", AppDefinedData=[{"Key": "a", "Value": ""}, {"Key": "c", "Value": "3"}])
    assert (await described(tencent, "g1"))["AppDefinedData"] == [{"Key": "b", "Value": "2"}, {"Key": "c", "Value": "3"}]
    before = await described(tencent, "g1")
    for bad in (
        {"Name": ""}, {"Name": "x" * 31}, {"Introduction": "x" * 241}, {"Notification": "x" * 301}, {"FaceUrl": 1}, {"MaxMemberNum": "1"},
        {"ApplyJoinOption": "No"}, {"MuteAllMember": "on"}, {"MuteAllMember": True}, {"AppDefinedData": [{"Key": "", "Value": "v"}]},
        {"AppDefinedData": [{"Key": f"k{n}", "Value": "v"} for n in range(9)]},
    ):
        await tencent.refused(BAD, "modify_group_base_info", GroupId="g1", **{"Notification": "changed"} | bad)
        assert await described(tencent, "g1") == before, f"after {bad}"


@pytest.mark.settings(ROOMD_LIMITS_CONTROL_QPS="false")
async def test_the_groups_of_an_application(stage):
    tencent = await chat(stage)
    kinds = {"p1": "Public", "w1": "Private", "m1": "ChatRoom", "@TGS#_c1": "Community", "live": "AVChatRoom", "gone": "Public"}
    for group, kind in kinds.items():
        await make(tencent, kind, group.removeprefix("@TGS#_"))
    await tencent.do("destroy_group", GroupId=kinds and "gone")
    all_groups = sorted(kinds.keys() - {"gone"})
    whole = await tencent.do("get_appid_group_list")
    assert sorted(ids(whole)) == all_groups and (whole["TotalCount"], whole["Next"]) == (5, 0), f"came {whole}"
    found, next = [], 0
    for _ in range(5):
        page = await tencent.do("get_appid_group_list", Limit=2, Next=next)
        found, next = found + ids(page), page["Next"]
        assert page["TotalCount"] == 5, f"came {page}"
        if next == 0:
            break
    assert next == 0 and sorted(found) == all_groups and len(found) == 5, f"came {found}"
    for type_, expected in (
        ("", all_groups), ("Public", ["p1"]), ("Work", ["w1"]), ("Private", ["w1"]), ("Meeting", ["m1"]), ("ChatRoom", ["m1"]),
        ("AVChatRoom", ["live"]), ("Community", ["@TGS#_c1"]),
    ):
        came = await tencent.do("get_appid_group_list", GroupType=type_)
        assert sorted(ids(came)) == expected and came["TotalCount"] == len(expected), f"{type_!r}: came {came}"
    for bad in ({"Limit": 10_001}, {"Limit": -1}, {"Next": "x"}, {"GroupType": "Chat"}):
        await tencent.refused(BAD, "get_appid_group_list", **bad)


async def test_the_list_of_groups_may_be_asked_for_once_a_second(stage):
    tencent = await chat(stage)
    codes = [answer.code for answer in await asyncio.gather(*(tencent.call("get_appid_group_list") for _ in range(12)))]
    assert set(codes) == {0, 60007}, f"came {codes}"


@of_kept_types
async def test_what_is_of_live_groups_alone_is_refused_to_others(stage, kind):
    tencent = await chat(stage)
    group = await make(tencent, kind)
    for command, body in (
        ("ban_group_member", {"Members_Account": ["ann"], "Duration": 60}), ("unban_group_member", {"Members_Account": ["ann"]}),
        ("get_group_ban_member", {"Offset": 0}), ("get_online_member_num", {}),
    ):
        await tencent.refused(NOT_ALLOWED, command, GroupId=group, **body)
    for command in ("get_room_info", "destroy_room", "get_admin_list"):
        await tencent.refused(100004, command, RoomId=group)


async def test_what_a_live_group_does_not_have(stage):
    tencent = await chat(stage)
    await make(tencent, "AVChatRoom", "live")
    ann = await stage.viewer("npm", tencent.app, "ann", "live")
    sent = await say(tencent, "live", "hello")
    assert sent["MsgSeq"] == 1, f"it is numbered nevertheless: {sent}"
    for code, command, body in (
        (NOT_ALLOWED, "add_group_member", {"MemberList": members("bob")}),
        (BAD, "delete_group_member", {"MemberToDel_Account": ["ann"]}),
        (NO_HISTORY, "group_msg_get_simple", {"ReqMsgNumber": 1}),
        (NO_RECALL, "group_msg_recall", {"MsgSeqList": [{"MsgSeq": 1}]}),
        (NOT_ALLOWED, "send_group_msg", {"Random": 1, "MsgBody": text("x"), "To_Account": ["ann"]}),
    ):
        await tencent.refused(code, command, GroupId="live", **body)
    assert await tencent.do("get_online_member_num", GroupId="live") == {"OnlineMemberNum": 1}
    await stage.viewer("python", tencent.app, "bob", "live")
    assert await tencent.do("get_online_member_num", GroupId="live") == {"OnlineMemberNum": 2}
    await tencent.do("kick_user_out", RoomId="live", MemberList_Account=["ann"])
    assert (await ann.event("unsubscribed", channel="group:live"))["code"] == PUT_OUT
    assert await tencent.do("get_online_member_num", GroupId="live") == {"OnlineMemberNum": 1}


async def test_a_live_room_is_a_live_group_and_a_live_group_a_live_room(stage):
    tencent = await chat(stage)
    await tencent.do("create_room", RoomInfo={"RoomId": "r1", "RoomType": "Live", "RoomName": "room", "Owner_Account": "olga"})
    await make(tencent, "AVChatRoom", "live", Notification="note")
    came = await described(tencent, "r1")
    assert (came["Type"], came["Name"], came["Owner_Account"]) == ("AVChatRoom", "room", "olga"), f"came {came}"
    room = (await tencent.do("get_room_info", RoomId="live"))["RoomInfo"]
    assert (room["RoomName"], room["Owner_Account"], room["Notice"]) == ("live", "olga", "note"), f"came {room}"
    await make(tencent, "Public", "g1")
    listed = (await tencent.do("get_room_list", Next="", Count=20))["RoomList"]
    assert sorted(one["RoomId"] for one in listed) == ["live", "r1"], f"live rooms are of one type: {listed}"
    await tencent.do("destroy_group", GroupId="r1")
    await tencent.do("destroy_room", RoomId="live")
    assert [(await described(tencent, group))["ErrorCode"] for group in ("r1", "live")] == [GONE, GONE]


@pytest.mark.parametrize("sdk", SDKS)
@of_all_types
async def test_a_destroyed_group_puts_everybody_out(stage, kind, sdk):
    tencent = await chat(stage)
    group = await make(tencent, kind)
    ann = await stage.viewer(sdk, tencent.app, "ann", group)
    assert await tencent.do("destroy_group", GroupId=group) == {}
    assert (await ann.event("unsubscribed", channel=f"group:{group}"))["code"] == CLOSED
    assert await tencent.do("get_joined_group_list", Member_Account="ann", WithHugeGroups=1) == {"TotalCount": 0, "GroupIdList": []}
    await imported(tencent, "new")
    await make(tencent, kind, inside=("bob",))
    if kind != "AVChatRoom":
        assert list(await roster(tencent, group)) == ["olga", "bob"], "nothing of the old group is in the new one"
