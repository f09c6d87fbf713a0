"""Who is in a group of the chat, what is kept of each, who may come in, and who may not speak: by type of the group."""

import pytest

from harness.clients import OTHER, SDKS
from harness.groups import (
    BAD, EVERYBODY, FOR_EVER, KEPT, MUTED, NOBODY, NOT_ALLOWED, chat, described, history, make, members, roster, say, text,
)
from harness.shape import Now, assert_shape

TOO_MANY, FULL = 10005, 10014
FORBIDDEN, MUTED_CLIENT, PUT_OUT = 403, 442, 2102
of_kept_types = pytest.mark.parametrize("kind", KEPT)


def ids(listed):
    return [group["GroupId"] for group in listed["GroupIdList"]]


@pytest.mark.parametrize("kind", ["Public", "Community"])
async def test_members_are_told_page_by_page_in_the_order_they_joined(stage, kind):
    users = [f"u{n:02}" for n in range(25)]
    tencent = await chat(stage, "olga", *users)
    group = await make(tencent, kind, inside=users[:13])
    await tencent.do("add_group_member", GroupId=group, MemberList=members(*users[13:]))
    whole = await tencent.do("get_group_member_info", GroupId=group)
    names = [one["Member_Account"] for one in whole["MemberList"]]
    assert (whole["MemberNum"], names) == (26, ["olga", *users]), f"came {whole}"
    found, next = [], ""
    for offset in range(0, 100, 10):
        place = {"Next": next} if kind == "Community" else {"Offset": offset}
        page = await tencent.do("get_group_member_info", GroupId=group, Limit=10, **place)
        assert page["MemberNum"] == 26, f"came {page}"
        found += [one["Member_Account"] for one in page["MemberList"]]
        next = page.get("Next")
        if len(page["MemberList"]) < 10 or next == "":
            break
    assert found == names, f"in pages of ten: {found}"
    assert ("Next" in whole) == (kind == "Community"), f"came {whole}"


async def test_roles_and_what_is_kept_of_a_member(stage):
    tencent = await chat(stage)
    await make(tencent)
    of = lambda user, **change: {"GroupId": "g1", "Member_Account": user} | change
    for change, shown in (
        ({"Role": "Admin"}, {"Role": "Admin"}), ({"NameCard": "名" * 16}, {"NameCard": "名" * 16}), ({"MsgFlag": "Discard"}, {"MsgFlag": "Discard"}),
        ({"AppMemberDefinedData": [{"Key": "a", "Value": "1"}, {"Key": "b", "Value": "2"}]},
         {"AppMemberDefinedData": [{"Key": "a", "Value": "1"}, {"Key": "b", "Value": "2"}]}),
        ({"AppMemberDefinedData": [{"Key": "a", "Value": ""}], "NameCard": ""},
         {"AppMemberDefinedData": [{"Key": "b", "Value": "2"}], "NameCard": ""}),
        ({"Role": "Member", "MsgFlag": "AcceptNotNotify"}, {"Role": "Member", "MsgFlag": "AcceptNotNotify"}),
        ({"MuteTime": FOR_EVER}, {"MuteUntil": FOR_EVER}), ({"ShutUpTime": 0}, {"MuteUntil": 0}),
    ):
        assert await tencent.do("modify_group_member_info", **of("ann", **change)) == {}
        came = (await roster(tencent, "g1"))["ann"]
        assert {name: came[name] for name in shown} == shown, f"after {change}: {came}"
    before = await roster(tencent, "g1")
    for bad in (
        {"Role": "Owner"}, {"Role": 1}, {"NameCard": "x" * 51}, {"MsgFlag": "None"}, {"MuteTime": -1}, {"MuteTime": "60"},
        {"AppMemberDefinedData": [{"Key": "k", "Value": "x" * 65}]},
        {"AppMemberDefinedData": [{"Key": f"k{n}", "Value": "v"} for n in range(6)]},
    ):
        await tencent.refused(BAD, "modify_group_member_info", **of("ann", NameCard="changed") | bad)
        assert await roster(tencent, "g1") == before, f"after {bad}"
    await tencent.refused((BAD, NOT_ALLOWED), "modify_group_member_info", **of("olga", Role="Member"))
    await tencent.refused((BAD, NOT_ALLOWED, NOBODY), "modify_group_member_info", **of("carl", NameCard="no member"))

    await tencent.do("modify_group_member_info", **of("ann", Role="Admin"))
    asked = await tencent.do("get_role_in_group", GroupId="g1", User_Account=["bob", "carl", "olga", "ann", "stranger"])
    roles = [(one["Member_Account"], one["Role"]) for one in asked["UserIdList"]]
    expected = [("bob", "Member"), ("carl", "NotMember"), ("olga", "Owner"), ("ann", "Admin"), ("stranger", "NotMember")]
    assert roles == expected, f"came {asked}"
    await tencent.refused((BAD, NOT_ALLOWED), "change_group_owner", GroupId="g1", NewOwner_Account="carl")
    assert await tencent.do("change_group_owner", GroupId="g1", NewOwner_Account="ann") == {}
    assert (await described(tencent, "g1"))["Owner_Account"] == "ann"
    roles = {user: one["Role"] for user, one in (await roster(tencent, "g1")).items()}
    assert roles == {"olga": "Member", "ann": "Owner", "bob": "Member"}, f"came {roles}"


@of_kept_types
async def test_members_are_added_and_put_out(stage, kind):
    tencent = await chat(stage)
    group = await make(tencent, kind, inside=("ann",))
    carl = await stage.viewer("python", tencent.app, "carl")
    added = await tencent.do("add_group_member", GroupId=group, Silence=1, MemberList=members("bob", "ann", "stranger", "carl", "bob"))
    results = [(one["Member_Account"], one["Result"]) for one in added["MemberList"]]
    assert results[:4] == [("bob", 1), ("ann", 2), ("stranger", 0), ("carl", 1)], f"came {added}"
    assert list(await roster(tencent, group)) == ["olga", "ann", "bob", "carl"]
    await carl.join(group)
    assert await tencent.do("delete_group_member", GroupId=group, MemberToDel_Account=["carl", "stranger", "bob"], Reason="spam") == {}
    assert (await carl.event("unsubscribed", channel=f"group:{group}"))["code"] == PUT_OUT
    assert list(await roster(tencent, group)) == ["olga", "ann"]
    for command, list_, bad in (
        ("add_group_member", "MemberList", ([], None, "ann", [{}], [{"Member_Account": 1}])),
        ("delete_group_member", "MemberToDel_Account", ([], None, "ann", [1])),
    ):
        for one in bad:
            await tencent.refused(BAD, command, GroupId=group, **({} if one is None else {list_: one}))
    many = [f"u{n}" for n in range(501)]
    await tencent.refused(TOO_MANY, "add_group_member", GroupId=group, MemberList=members(*many[:301]))
    await tencent.refused(TOO_MANY, "delete_group_member", GroupId=group, MemberToDel_Account=many)
    assert await tencent.do("delete_group_member", GroupId=group, MemberToDel_Account=many[:500]) == {}


@pytest.mark.parametrize("sdk", SDKS)
@of_kept_types
async def test_who_may_come_in_by_itself_depends_on_the_type(stage, kind, sdk):
    tencent = await chat(stage)
    group = await make(tencent, kind)
    carl = await stage.viewer(sdk, tencent.app, "carl")
    free = kind in ("ChatRoom", "Community")
    await carl.ask_to_join(group)
    if not free:
        assert (await carl.event("unsubscribed", channel=f"group:{group}"))["code"] == FORBIDDEN
        assert "carl" not in await roster(tencent, group)
        if kind == "Public":
            await tencent.do("modify_group_base_info", GroupId=group, ApplyJoinOption="FreeAccess")
        else:
            await tencent.do("add_group_member", GroupId=group, MemberList=members("carl"))
        await carl.ask_to_join(group)
    await carl.event("subscribed", channel=f"group:{group}")
    assert "carl" in await roster(tencent, group)
    await carl.publish(group, {"body": "hello"})
    assert [one["From_Account"] for one in await history(tencent, group)] == ["carl"]

    await carl.leave(group)
    await stage.receiver.event("carl", e=1)
    assert "carl" in await roster(tencent, group), "who unsubscribes is away, and stays a member"
    await carl.ask_to_join(group)
    await carl.event("subscribed", 2, channel=f"group:{group}")
    await carl.rpc("group.quit", group_id=group)
    assert "carl" not in await roster(tencent, group), "who quits is no member any more"
    olga = await stage.viewer(OTHER[sdk], tencent.app, "olga", group)
    assert await olga.rpc_refused("group.quit", group_id=group) == FORBIDDEN
    assert "olga" in await roster(tencent, group)


@pytest.mark.parametrize("sdk", SDKS)
@of_kept_types
async def test_members_stay_while_they_are_offline_and_after_a_kill(stage, kind, sdk):
    tencent = await chat(stage)
    group = await make(tencent, kind, AppDefinedData=[{"Key": "k", "Value": "v"}])
    await tencent.do("modify_group_member_info", GroupId=group, Member_Account="ann", Role="Admin", NameCard="card")
    if kind != "Private":
        await tencent.do("forbid_send_msg", GroupId=group, Members_Account=["bob"], MuteTime=600)
    ann = await stage.viewer(sdk, tencent.app, "ann", group)
    await ann.publish(group, {"body": "first"})
    await say(tencent, group, "second")
    await ann.call("rpc", method="session.logoff", data={})
    before = await described(tencent, group), await roster(tencent, group), await history(tencent, group)
    assert before[1].keys() == {"olga", "ann", "bob"}
    await stage.restart()
    after = await described(tencent, group), await roster(tencent, group), await history(tencent, group)
    assert after == before
    assert (await say(tencent, group, "third"))["MsgSeq"] == 3
    again = await stage.viewer(OTHER[sdk], tencent.app, "ann", group)
    assert again.events("subscribed")[0]["data"]["group_id"] == group
    await again.publish(group, {"body": "fourth"})
    assert [one["MsgSeq"] for one in await history(tencent, group)] == [4, 3, 2, 1]


async def test_the_groups_of_a_user(stage):
    tencent = await chat(stage)
    for kind, name in (("Public", "p1"), ("Private", "w1"), ("ChatRoom", "m1"), ("Public", "p2"), ("Community", "c1"), ("AVChatRoom", "live")):
        await make(tencent, kind, name)
    await stage.viewer("npm", tencent.app, "ann", "live")
    of_ann = lambda **more: tencent.do("get_joined_group_list", Member_Account="ann", **more)
    listed = await of_ann()
    assert listed["TotalCount"] == 5 and sorted(ids(listed)) == ["@TGS#_c1", "m1", "p1", "p2", "w1"], f"came {listed}"
    assert all(one.keys() == {"GroupId"} for one in listed["GroupIdList"]), f"came {listed}"
    with_live = await of_ann(WithHugeGroups=1)
    assert with_live["TotalCount"] == 6 and "live" in ids(with_live), f"came {with_live}"
    pages = [await of_ann(Limit=2, Offset=offset) for offset in (0, 2, 4, 6)]
    assert [one["TotalCount"] for one in pages] == [5] * 4 and sum(map(ids, pages), []) == ids(listed), f"came {pages}"
    for type_, expected in (("Public", ["p1", "p2"]), ("Work", ["w1"]), ("Private", ["w1"]), ("Meeting", ["m1"]), ("", ids(listed))):
        came = await of_ann(GroupType=type_)
        assert sorted(ids(came)) == sorted(expected) and came["TotalCount"] == len(expected), f"{type_}: came {came}"
    came = await of_ann(GroupType="Private", ResponseFilter={
        "GroupBaseInfoFilter": ["Type", "Name"], "SelfInfoFilter": ["Role", "JoinTime", "MsgFlag", "MsgSeq"],
    })
    assert_shape(came["GroupIdList"], [{
        "GroupId": "w1", "Type": "Private", "Name": "w1",
        "SelfInfo": {"Role": "Member", "JoinTime": Now(), "MsgFlag": "AcceptAndNotify", "MsgSeq": 0},
    }])
    for user in ("carl",):
        assert await tencent.do("get_joined_group_list", Member_Account=user) == {"TotalCount": 0, "GroupIdList": []}
    for bad in ({}, {"Member_Account": 1}, {"Member_Account": "ann", "Limit": 5001}, {"Member_Account": "ann", "GroupType": "x"}):
        await tencent.refused(BAD, "get_joined_group_list", **bad)


@pytest.mark.virtual_clock
@pytest.mark.parametrize("sdk", SDKS)
async def test_a_mute_holds_for_its_time_and_outlives_leaving(stage, sdk):
    tencent = await chat(stage)
    group = await make(tencent, "ChatRoom")
    began = stage.now()
    ann = await stage.viewer(sdk, tencent.app, "ann", group)
    mute = {"GroupId": group, "Members_Account": ["ann", "carl"]}
    assert await tencent.do("forbid_send_msg", **mute, MuteTime=60) == {}
    muted = lambda: tencent.do("get_group_muted_account", GroupId=group)
    until = {one["Member_Account"]: one["MutedUntil"] for one in (await muted())["MutedAccountList"]}
    assert until.keys() == {"ann", "carl"} and abs(until["ann"] - began - 60) <= 1, f"at {began} came {until}"
    old = await tencent.do("get_group_shutted_uin", GroupId=group)
    assert {one["Member_Account"]: one["ShuttedUntil"] for one in old["ShuttedUinList"]} == until, f"came {old}"
    assert await ann.publish_refused(group, "no") == MUTED_CLIENT
    await tencent.refused(MUTED, "send_group_msg", GroupId=group, From_Account="ann", Random=1, MsgBody=text("no"))
    await ann.rpc("group.quit", group_id=group)
    await ann.ask_to_join(group)
    await ann.event("subscribed", 2, channel=f"group:{group}")
    assert await ann.publish_refused(group, "it outlives leaving") == MUTED_CLIENT
    await stage.advance(62)
    assert (await muted())["MutedAccountList"] == []
    await ann.publish(group, {"body": "again"})

    await tencent.do("forbid_send_msg", GroupId=group, Members_Account=["ann"], ShutUpTime=FOR_EVER)
    assert [one["MutedUntil"] for one in (await muted())["MutedAccountList"]] == [FOR_EVER]
    assert await ann.publish_refused(group, "no") == MUTED_CLIENT
    await tencent.do("forbid_send_msg", GroupId=group, Members_Account=["ann"], MuteTime=0)
    await ann.publish(group, {"body": "at once"})
    for bad in ({"MuteTime": -1}, {"MuteTime": "60"}, {"MuteTime": 1 << 32}, {}):
        await tencent.refused(BAD, "forbid_send_msg", **mute | bad)
    await tencent.refused((BAD, TOO_MANY), "forbid_send_msg", GroupId=group, Members_Account=[f"u{n}" for n in range(501)], MuteTime=1)

    await tencent.do("modify_group_base_info", GroupId=group, MuteAllMember="On")
    await tencent.do("modify_group_member_info", GroupId=group, Member_Account="bob", Role="Admin")
    assert await ann.publish_refused(group, "no") == MUTED_CLIENT
    for sender in ("olga", "bob", "administrator"):
        await say(tencent, group, f"{sender} may", sender)
    await tencent.refused(MUTED, "send_group_msg", GroupId=group, From_Account="ann", Random=2, MsgBody=text("no"))


async def test_in_a_work_group_nobody_is_muted(stage):
    tencent = await chat(stage)
    await make(tencent, "Private")
    for command, more in (
        ("forbid_send_msg", {"Members_Account": ["ann"], "MuteTime": 60}), ("get_group_muted_account", {}),
    ):
        answer = await tencent.call(command, {"GroupId": "g1"} | more)
        assert answer.code == NOT_ALLOWED or command.startswith("get") and answer.code == 0, f"{command}: came {answer.text}"


@pytest.mark.virtual_clock
@pytest.mark.parametrize("sdk", SDKS)
async def test_who_is_banned_from_a_live_group_is_out_until_the_ban_ends(stage, sdk):
    tencent = await chat(stage, *EVERYBODY, *(f"u{n}" for n in range(21)))
    await make(tencent, "AVChatRoom", "live")
    ann = await stage.viewer(sdk, tencent.app, "ann", "live")
    began = stage.now()
    ban = {"GroupId": "live", "Members_Account": ["ann", "bob"], "Duration": 60, "Description": "spam"}
    assert await tencent.do("ban_group_member", **ban) == {}
    assert (await ann.event("unsubscribed", channel="group:live"))["code"] == PUT_OUT
    await ann.ask_to_join("live")
    assert (await ann.event("unsubscribed", 2, channel="group:live"))["code"] == FORBIDDEN
    listed = await tencent.do("get_group_ban_member", GroupId="live", Offset=0, Limit=1)
    assert_shape(listed, {"BannedAccountList": [{"Member_Account": "ann", "BannedUntil": int}], "NextOffset": 1})
    assert abs(listed["BannedAccountList"][0]["BannedUntil"] - began - 60) <= 1, f"at {began} came {listed}"
    rest = await tencent.do("get_group_ban_member", GroupId="live", Offset=1)
    assert [one["Member_Account"] for one in rest["BannedAccountList"]] == ["bob"] and rest["NextOffset"] == 0, f"came {rest}"
    await stage.advance(61)
    await ann.ask_to_join("live")
    await ann.event("subscribed", 2, channel="group:live")
    assert (await tencent.do("get_group_ban_member", GroupId="live", Offset=0))["BannedAccountList"] == []
    await tencent.do("ban_group_member", **ban)
    assert await tencent.do("unban_group_member", GroupId="live", Members_Account=["ann", "carl"]) == {}
    await ann.event("unsubscribed", 3, channel="group:live")
    await ann.ask_to_join("live")
    await ann.event("subscribed", 3, channel="group:live")
    await tencent.refused(TOO_MANY, "ban_group_member", **ban | {"Members_Account": [f"u{n}" for n in range(21)]})
    for bad in ({"Duration": -1}, {"Duration": "60"}, {"Members_Account": []}, {"Description": "x" * 1001}):
        await tencent.refused(BAD, "ban_group_member", **ban | bad)


async def test_a_group_that_is_full_takes_nobody_more(stage):
    tencent = await chat(stage)
    group = await make(tencent, "ChatRoom", inside=("ann",), MaxMemberCount=2)
    answer = await tencent.call("add_group_member", {"GroupId": group, "MemberList": members("bob")})
    assert answer.code == FULL or answer.json["MemberList"] == [{"Member_Account": "bob", "Result": 0}], f"came {answer.text}"
    carl = await stage.viewer("npm", tencent.app, "carl")
    await carl.ask_to_join(group)
    assert (await carl.event("unsubscribed", channel=f"group:{group}"))["code"] == 443
    assert list(await roster(tencent, group)) == ["olga", "ann"]
    await tencent.do("modify_group_base_info", GroupId=group, MaxMemberNum=3)
    await carl.ask_to_join(group)
    await carl.event("subscribed", channel=f"group:{group}")
