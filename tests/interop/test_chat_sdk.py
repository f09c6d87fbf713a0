"""The unmodified PyPI client of the chat API at work, with the names of its time; the same with the names of today."""

import pathlib
import re

from harness.chat_sdk import ChatSdk, commands, tcim_client
from harness.groups import EVERYBODY, chat, text
from harness.shape import Now, assert_shape
from harness.tencent import ACCOUNTS, GROUPS, MESSAGES

README = (pathlib.Path(__file__).parents[2] / "README.md").read_text()
Text, File, Member = tcim_client.MessageText, tcim_client.MessageFile, tcim_client.GroupMemObj
Data, Group, Direct, Batch = (
    tcim_client.GroupAppDefinedData, tcim_client.GroupObj, tcim_client.MessageObj, tcim_client.BatchMessageObj
)
ELEM = lambda said: text(said)[0]


async def sdk_and_caller(stage):
    tencent = await chat(stage)
    return ChatSdk(stage, tencent.app), tencent


async def test_the_unmodified_client_goes_through_the_life_of_a_group(stage):
    """With the names that it knows: ShutUpTime, ShuttedUinList, Private, a MsgSeq as text."""
    sdk, tencent = await sdk_and_caller(stage)
    made = await sdk.do("create_group", Group(
        "olga", "Public", "Lesson", "about", "note", "http://face", 50, [Member("ann"), Member("bob", "Admin")], [Data("k", "v")], "g1",
    ))
    assert made == {"GroupId": "g1"}
    added = await sdk.do("add_group_member", "g1", [Member("carl"), Member("ann"), Member("stranger")])
    assert added == {"MemberList": [
        {"Member_Account": "carl", "Result": 1}, {"Member_Account": "ann", "Result": 2}, {"Member_Account": "stranger", "Result": 0},
    ]}
    assert await sdk.do("forbid_send_msg", "g1", ["ann"], 60) == {}
    muted = await sdk.do("get_group_shutup_list", "g1")
    assert_shape(muted, {"GroupId": "g1", "ShuttedUinList": [{"Member_Account": "ann", "ShuttedUntil": Now()}]})
    [info] = (await sdk.do("get_group_detail", ["g1"]))["GroupInfo"]
    assert (info["Type"], info["MaxMemberNum"], info["MemberNum"], info["ShutUpAllMember"]) == ("Public", 50, 4, "Off"), f"came {info}"
    until = {member["Member_Account"]: member["ShutUpUntil"] for member in info["MemberList"]}
    assert until["ann"] == Now() and until["bob"] == 0, f"came {info}"

    sent = await sdk.do("send_group_message", "g1", [Text("hello 名")], from_account="bob", msgPriority="High")
    assert_shape(sent, {"MsgTime": Now(), "MsgSeq": 1})
    await sdk.refused(10017, "send_group_message", "g1", [Text("muted")], from_account="ann")
    sent = await sdk.do("send_group_message", "g1", [Text("two")], [File("http://f", 5, "f.txt")])
    assert sent["MsgSeq"] == 2, f"came {sent}"

    told = await sdk.do("get_msg_in_group", "g1", 10)
    [second, first] = told.pop("RspMsgList")
    assert_shape(told, {"GroupId": "g1", "IsFinished": 1})
    assert_shape(first, {
        "From_Account": "bob", "IsPlaceMsg": 0, "MsgBody": [ELEM("hello 名")], "MsgPriority": 1, "MsgRandom": int, "MsgSeq": 1,
        "MsgTimeStamp": Now(),
    })
    file = {"MsgType": "TIMFileElem", "MsgContent": {"Url": "http://f", "FileSize": 5, "FileName": "f.txt", "Download_Flag": 2}}
    assert (second["From_Account"], second["MsgBody"]) == ("administrator", [ELEM("two"), file]), f"came {second}"

    recalled = await sdk.do("recall_group_message", "g1", ["1", "7"])
    assert recalled == {"RecallRetList": [{"MsgSeq": 1, "RetCode": 0}, {"MsgSeq": 7, "RetCode": 10030}]}
    seen = (await sdk.do("get_msg_in_group", "g1", 10))["RspMsgList"]
    assert [(one["MsgSeq"], one["IsPlaceMsg"]) for one in seen] == [(2, 0), (1, 2)], f"came {seen}"
    assert await sdk.do("delete_group", "g1") == {}
    await sdk.refused(10010, "delete_group", "g1")


async def test_the_same_life_with_the_names_of_today(stage):
    """MuteTime, MutedAccountList, Work and Meeting, a MsgSeq as number: by plain HTTP, as no client speaks them."""
    tencent = await chat(stage)
    for kind, emitted, group in (("Meeting", "ChatRoom", "g1"), ("Work", "Private", "g2")):
        made = await tencent.do(
            "create_group", Type=kind, Name="Lesson", GroupId=group, Owner_Account="olga", MaxMemberNum=50, MemberList=[
                {"Member_Account": "ann"}, {"Member_Account": "bob", "Role": "Admin"},
            ],
        )
        assert made == {"GroupId": group}
        [info] = (await tencent.do("get_group_info", GroupIdList=[group]))["GroupInfo"]
        assert (info["Type"], info["MaxMemberNum"], info["MuteAllMember"]) == (emitted, 50, "Off"), f"came {info}"
    added = await tencent.do("add_group_member", GroupId="g1", MemberList=[{"Member_Account": "carl"}, {"Member_Account": "ann"}])
    assert added == {"MemberList": [{"Member_Account": "carl", "Result": 1}, {"Member_Account": "ann", "Result": 2}]}

    assert await tencent.do("forbid_send_msg", GroupId="g1", Members_Account=["ann"], MuteTime=60) == {}
    muted = await tencent.do("get_group_muted_account", GroupId="g1")
    assert_shape(muted, {"GroupId": "g1", "MutedAccountList": [{"Member_Account": "ann", "MutedUntil": Now()}]})
    members = (await tencent.do("get_group_member_info", GroupId="g1"))["MemberList"]
    assert {one["Member_Account"]: one["MuteUntil"] == Now() for one in members} == {
        "olga": False, "ann": True, "bob": False, "carl": False,
    }, f"came {members}"
    await tencent.refused(10007, "forbid_send_msg", GroupId="g2", Members_Account=["ann"], MuteTime=60)

    sent = await tencent.do("send_group_msg", GroupId="g1", From_Account="bob", Random=8912345, MsgPriority="High", MsgBody=text("hello"))
    assert_shape(sent, {"MsgTime": Now(), "MsgSeq": 1})
    await tencent.refused(10017, "send_group_msg", GroupId="g1", From_Account="ann", Random=1, MsgBody=text("muted"))
    [said] = (await tencent.do("group_msg_get_simple", GroupId="g1", ReqMsgNumber=10))["RspMsgList"]
    assert_shape(said, {
        "From_Account": "bob", "IsPlaceMsg": 0, "MsgBody": text("hello"), "MsgPriority": 1, "MsgRandom": 8912345, "MsgSeq": 1,
        "MsgTimeStamp": Now(),
    })
    for nth, seq in enumerate((1, "1")):  # once more is no fault
        recalled = await tencent.do("group_msg_recall", GroupId="g1", MsgSeqList=[{"MsgSeq": seq}])
        assert recalled == {"RecallRetList": [{"MsgSeq": 1, "RetCode": 0}]}, f"recall {nth + 1}"
    assert await tencent.do("destroy_group", GroupId="g1") == {}
    await tencent.refused(10010, "destroy_group", GroupId="g1")


def table(name):
    """A generated table of the README: of each row the first cell, and the others."""
    match = re.search(rf"<!-- {name} -->\n(.*?)<!-- end -->", README, re.S)
    assert match, f"the README has no table {name!r}"
    rows = [[cell.strip() for cell in row.strip("|").split("|")] for row in match[1].splitlines()[2:]]
    return [(first, others) for first, *others in rows]


def served():
    """What the README says is served, as pairs of service and command."""
    return {(service, name.strip()) for service, [names] in table("tencent commands") for name in names.split(",")}


async def prepared(stage):
    """The client in an application where there is something for every method, and what to call each with, in this order."""
    sdk, tencent = await sdk_and_caller(stage)
    await sdk.do("create_group", Group("olga", "Public", "one", mem_list=[Member("ann"), Member("bob", "Admin")], group_id="g1"))
    await sdk.do("create_group", Group("olga", "AVChatRoom", "live", group_id="live"))
    await sdk.do("send_group_message", "g1", [Text("first")])
    sent = await sdk.do("send_message", Direct("ann", "bob", [Text("hi")]))
    friend = tcim_client.FriendObj("bob", "web")
    return sdk, {
        "add_single_user": ("dora", "Dora", "http://face"),
        "batch_add_users": (["eve", "fred"],),
        "search_user": (["dora", "nobody"],),
        "check_user_online": (["ann", "bob"],),
        "add_friend": ("ann", [friend]),
        "delete_friends": ("ann", ["bob"]),
        "update_friend": ("ann", [tcim_client.UpdateFriendObj("bob", [tcim_client.SnsItemObj("Tag_SNS_IM_Remark", "r")])]),
        "get_target_friends": ("ann", ["bob"], ["Tag_Profile_IM_Nick"]),
        "get_friends": ("ann",),
        "add_sns_group": ("ann", ["friends"], ["bob"]),
        "delete_sns_group": ("ann", ["friends"]),
        "get_sns_group": ("ann", ["friends"]),
        "send_message": (Direct("ann", "bob", [Text("hello")], [File("http://f", 1, "f")], extra_data="custom"),),
        "batch_send_message": (Batch("ann", ["bob", "carl"], [Text("hello all")]),),
        "import_message_to_im": (Direct("ann", "bob", [Text("old")]), 1_600_000_000),
        "get_message_list": ("ann", "bob", 10, 0, 4_000_000_000),
        "draw_message": ("ann", "bob", sent["MsgKey"]),
        "set_user_message_read": ("ann", "bob"),
        "get_unread_num": ("ann",),
        "get_group": (),
        "create_group": (Group("", "ChatRoom", "two", group_id="g2"),),
        "get_group_detail": (["g1", "g2"], ["Name"], ["Role"], ["k"], ["k"]),
        "get_group_mem_info_detail": ("g1", 10, 0, ["Role"], ["Admin"]),
        "update_group_baseinfo": ("g1", "name", "about", "note", "http://face", 60, "FreeAccess", "Off", [Data("k", "v")]),
        "add_group_member": ("g1", [Member("carl")]),
        "update_group_mem_info": ("g1", "ann", "Admin", "card", [Data("k", "v")], 60),
        "get_joined_groups": ("ann", 10, 0, "", ["Name"], ["Role"]),
        "get_mem_role_in_group": ("g1", ["ann", "nobody"]),
        "forbid_send_msg": ("g1", ["carl"], 60),
        "get_group_shutup_list": ("g1",),
        "send_group_message": ("g1", [Text("hello")], [File("http://f", 1, "f")], [], "ann", "Low"),
        "send_system_message_in_group": ("g1", "attention", ["ann"]),
        "change_group_owner": ("g1", "bob"),
        "recall_group_message": ("g1", ["1"]),
        "import_message_to_group": ("g1", 1, [tcim_client.GroupMessageObj("ann", 1_600_000_000, [Text("old")])]),
        "import_group_members": ("g1", [Member("dora")]),
        "set_group_unread_msg_num": ("g1", "ann", 0),
        "delete_group_msg_by_sender": ("g1", "ann"),
        "get_msg_in_group": ("g1", 10, 1, 5),
        "get_online_member_num": ("live",),
        "get_group_attr": ("live",),
        "update_group_attr": ("live", [tcim_client.GroupAttr("k", "v")]),
        "clean_group_attr": ("live",),
        "delete_group_mem": ("g1", ["carl"]),
        "delete_group": ("g1",),
        "abolition_user_sig": ("ann",),
        "del_user": (["ann", "nobody"],),
    }


async def test_each_method_of_the_client_works_or_is_told_to_be_unknown(stage):
    sdk, calls = await prepared(stage)
    by_method = {method: command for method, command in commands().items() if command}
    assert calls.keys() == by_method.keys(), "the methods that call something are these"
    there, unknown = served(), {}
    for method, args in calls.items():
        service, command = by_method[method]
        if (service, command) in there:
            await sdk.do(method, *args)
        else:
            expected = unknown[method] = 10003 if service.startswith("group_open") else 60009
            await sdk.refused(expected, method, *args)
    assert {by_method[method][0] for method in calls if method not in unknown} == {"im_open_login_svc", "openim", "group_open_http_svc"}
    assert len(calls) - len(unknown) >= 27, f"not served are {unknown}"


async def test_every_command_of_the_chat_that_the_contract_wants_is_there(stage):
    tencent = await chat(stage, *EVERYBODY)
    for command in (*ACCOUNTS, *GROUPS, *MESSAGES):
        answer = await tencent.call(command, {})
        assert answer.code not in (60009, 10003), f"{command}: came {answer.text}"


def test_the_readme_tells_of_each_method_of_the_client_what_is_so():
    calls = {method: "/".join(command) for method, command in commands().items() if command}
    assert dict(table("tencent python sdk")).keys() == calls.keys(), "each method that calls something, and no other"
    there = {"/".join(command) for command in served()}
    for method, cells in table("tencent python sdk"):
        expected = [calls[method], "yes" if calls[method] in there else "no"]
        assert cells == expected, f"{method}: expected {expected}, told is {cells}"
