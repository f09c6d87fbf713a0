"""What a business's URL hears of its chat: each word, its body to the last field. The receiver checks the rest."""

import json
import time

import pytest

from harness.chat_receiver import (
    AFTER, AFTER_WORDS, APPLY, BEFORE, C2C_AFTER, C2C_BEFORE, CREATE, INVITE, WORDS, ChatReceiver,
)
from harness.clients import OTHER, SDKS
from harness.groups import KEPT, TOKEN, make, members, say, telling, text
from harness.live_receiver import query_of
from harness.shape import Now, assert_shape

ADMIN = "administrator"
both_sdks = pytest.mark.parametrize("sdk", SDKS)


def told_of(word, **fields):
    """What is told, whole."""
    return {"CallbackCommand": word, "EventTime": Now(1000)} | fields


@pytest.mark.parametrize("kind", KEPT)
async def test_a_group_s_life_word_by_word_to_the_last_field(stage, kind):
    tencent = await telling(stage, token=TOKEN)
    group = await make(tencent, kind, inside=("ann",), MaxMemberCount=4, AppDefinedData=[{"Key": "k", "Value": "v"}])
    of, by = {"GroupId": group, "Type": kind}, {"Operator_Account": ADMIN}
    await tencent.do("add_group_member", GroupId=group, MemberList=members("ann", "bob", "stranger"))
    await tencent.do("modify_group_base_info", GroupId=group, Name="名", Notification="note", MaxMemberNum=5, ApplyJoinOption="FreeAccess")
    await tencent.do("modify_group_base_info", GroupId=group, MaxMemberNum=6)  # of which nothing is told
    sent = await say(tencent, group, "hello", "ann", random=7, CloudCustomData="custom", MsgPriority="Low")
    await tencent.do("group_msg_recall", GroupId=group, MsgSeqList=[{"MsgSeq": 1}])
    await tencent.do("delete_group_member", GroupId=group, MemberToDel_Account=["bob", "carl"])
    await tencent.do("destroy_group", GroupId=group)
    told = await stage.chat.told(
        group, "AfterCreateGroup", "bob join Invited", "AfterGroupInfoChanged", "AfterSendMsg", "AfterRecallMsg", "bob exit Kicked",
        "AfterGroupDestroyed",
    )
    message = of | {
        "From_Account": "ann", "Operator_Account": ADMIN, "Random": 7, "OnlineOnlyFlag": 0, "MsgBody": text("hello"),
        "CloudCustomData": "custom", "MsgPriority": "Low",
    }
    last = {} if kind == "Community" else {"MemberList": members("olga", "ann")}
    for event, expected in zip(told, (
        {"Owner_Account": "olga", "Name": "g1", "MemberList": members("ann"), "UserDefinedDataList": [{"Key": "k", "Value": "v"}]} | of | by,
        {"JoinType": "Invited", "NewMemberList": members("bob")} | of | by,
        {"Name": "名", "Notification": "note"} | of | by,
        message | {"MsgSeq": 1, "MsgTime": sent["MsgTime"]},
        {"MsgSeqList": [{"MsgSeq": 1}]} | of | by,
        {"ExitType": "Kicked", "ExitMemberList": members("bob")} | of | by,
        {"Owner_Account": "olga", "Name": "名"} | of | last,
    ), strict=True):
        assert_shape(event.body, told_of(event.word, **expected), event.short)
        assert event.query["OptPlatform"] == "RESTAPI", f"came {event}"
    [created, invited, said] = stage.chat.asked
    assert [created.word, invited.word, said.word] == [CREATE, INVITE, BEFORE]
    assert_shape(created.body, told_of(
        CREATE, **by, Owner_Account="olga", Type=kind, Name="g1", CreateGroupNum=int, MemberList=members("ann"),
    ))
    names = [one["Member_Account"] for one in invited.body["DestinationMembers"]]
    assert "bob" in names and set(names) <= {"ann", "bob", "stranger"}, f"came {invited}"
    assert_shape(said.body, told_of(BEFORE, **message))
    times = [event.body["EventTime"] for event in told]
    assert times == sorted(times), f"came {times}"


@both_sdks
async def test_who_comes_and_goes_by_itself_is_told_so(stage, sdk):
    tencent = await telling(stage, token=TOKEN)
    group = await make(tencent, "ChatRoom", inside=())
    await make(tencent, "AVChatRoom", "live")
    ann = await stage.viewer(sdk, tencent.app, "ann", group, "live", device="Android 14")
    await ann.publish(group, {"body": "hi"})
    await ann.leave("live")
    await ann.leave(group)
    await ann.ask_to_join(group)
    await ann.event("subscribed", 2, channel=f"group:{group}")
    await ann.rpc("group.quit", group_id=group)
    told = await stage.chat.told(group, "AfterCreateGroup", "ann join Apply", "AfterSendMsg", "ann exit Quit")
    for event in told[1:]:
        assert (event.body["Operator_Account"], event.query["OptPlatform"]) == ("ann", "Android"), f"came {event}"
    said = told[2].body
    assert (said["From_Account"], said["MsgBody"], said["MsgSeq"]) == ("ann", text("hi"), 1), f"came {said}"
    told = await stage.chat.told("live", "AfterCreateGroup", "ann join Apply", "ann exit Quit")
    assert {event.body["Type"] for event in told} == {"AVChatRoom"}, f"came {told}"
    assert {one.word for one in stage.chat.asked_of(group)} == {APPLY, BEFORE}, f"asked {stage.chat.asked}"
    asked = next(one for one in stage.chat.asked_of(group) if one.word == APPLY)
    assert_shape(asked.body, told_of(APPLY, GroupId=group, Type="ChatRoom", Requestor_Account="ann"))


@pytest.mark.virtual_clock
@both_sdks
async def test_logins_and_their_ends_are_told(stage, sdk):
    tencent = await telling(stage, token=TOKEN)
    proxy = await stage.proxy()
    ann = await stage.viewer(sdk, tencent.app, "ann", device="iOS 17")
    await ann.call("rpc", method="session.logoff", data={})
    [login, _] = await stage.chat.told("ann", "ann Login Register", "ann Logout Unregister")
    assert (login.query["OptPlatform"], login.query["ClientIP"]) == ("IOS", "127.0.0.1"), f"came {login}"

    await stage.viewer(sdk, tencent.app, "bob", device="web")
    await stage.viewer(OTHER[sdk], tencent.app, "bob", device="iPad")
    [_, again] = await stage.chat.told("bob", "bob Login Register", "bob Login Register")
    assert again.body["KickedDevice"] == [{"Platform": "Web"}], f"came {again.body}"
    assert again.query["OptPlatform"] == "iPad", f"came {again}"

    await stage.viewer("python", tencent.app, "carl", through=proxy.address)
    proxy.refuse()
    await stage.lose(proxy)
    await stage.advance(85)
    await stage.chat.told("carl", "carl Login Register")
    await stage.advance(10)
    await stage.chat.told("carl", "carl Login Register", "carl Disconnect LinkClose")
    proxy.accept()
    await stage.viewer("python", tencent.app, "dora", through=proxy.address)
    proxy.refuse()
    proxy.black_hole()
    await stage.advance(100)
    await stage.chat.told("dora", "dora Login Register", "dora Disconnect TimeOut")


@pytest.mark.virtual_clock
@both_sdks
async def test_a_lost_link_of_a_live_group_is_told_after_20_seconds_and_its_return(stage, sdk):
    tencent = await telling(stage)
    proxy = await stage.proxy()
    await make(tencent, "AVChatRoom", "live")
    ann = await stage.viewer(sdk, tencent.app, "ann", "live", through=proxy.address)
    proxy.refuse()
    await stage.lose(proxy)
    await stage.advance(19)
    told = ("AfterCreateGroup", "ann join Apply")
    await stage.chat.told("live", *told)
    await stage.advance(2)
    await stage.chat.told("live", *told, "ann Offline")
    proxy.accept()
    await ann.event("subscribed", nth=2, channel="group:live", timeout=30)
    [*_, gone, back] = await stage.chat.told("live", *told, "ann Offline", "ann Online")
    for event, type_ in ((gone, "Offline"), (back, "Online")):
        assert event.body == {
            "CallbackCommand": "Group.CallbackOnMemberStateChange", "EventType": type_, "GroupId": "live", "MemberList": members("ann"),
        }, f"came {event.body}"
    await ann.leave("live")
    await stage.chat.told("live", *told, "ann Offline", "ann Online", "ann exit Quit")


async def test_a_full_group_is_told_when_it_becomes_full_and_when_somebody_is_turned_away(stage):
    tencent = await telling(stage)
    group = await make(tencent, "ChatRoom", inside=(), MaxMemberCount=2)
    await tencent.do("add_group_member", GroupId=group, MemberList=members("ann"))
    told = ("AfterCreateGroup", "ann join Invited", "AfterGroupFull")
    events = await stage.chat.told(group, *told)
    assert_shape(events[-1].body, told_of("Group.CallbackAfterGroupFull", GroupId=group))
    bob = await stage.viewer("npm", tencent.app, "bob")
    await bob.ask_to_join(group)
    assert (await bob.event("unsubscribed", channel=f"group:{group}"))["code"] == 443
    await stage.chat.told(group, *told, "AfterGroupFull")


@both_sdks
async def test_messages_to_one_user_are_told(stage, sdk):
    tencent = await telling(stage, token=TOKEN)
    bob = await stage.viewer(sdk, tencent.app, "bob")
    direct = {"From_Account": "ann", "To_Account": "bob", "MsgSeq": 5, "MsgRandom": 6, "MsgBody": text("hi"), "CloudCustomData": "custom"}
    sent = await tencent.do("sendmsg", **direct)
    await bob.message()
    event = await stage.chat.event("C2C.AfterSendMsg")
    expected = direct | {"MsgTime": sent["MsgTime"], "MsgKey": sent["MsgKey"], "OnlineOnlyFlag": 0}
    after = {"SendMsgResult": 0, "ErrorInfo": "send msg succeed", "UnreadMsgNum": int}
    assert_shape(event.body, expected | after | {"CallbackCommand": C2C_AFTER})
    [asked] = stage.chat.asked
    assert_shape(asked.body, expected | {"CallbackCommand": C2C_BEFORE})


async def test_only_words_that_were_asked_for_are_told_and_only_while_they_are(stage):
    stage.chat.whole = False
    tencent = await telling(stage, words=["Group.CallbackAfterGroupDestroyed"])
    shown = await stage.operator("GET", f"apps/{tencent.app.id}/webhooks")
    assert shown == {
        "url": stage.chat.url, "commands": ["Group.CallbackAfterGroupDestroyed"], "token": "", "token_enabled": False,
    }, f"came {shown}"
    for name in ("g1", "g2"):
        await make(tencent, name=name)
        await say(tencent, name, "hello")
    await tencent.do("destroy_group", GroupId="g1")
    await stage.chat.told("g1", "AfterGroupDestroyed")
    await stage.operator("PUT", f"apps/{tencent.app.id}/webhooks", {"url": "", "commands": [], "token": "", "token_enabled": False})
    await tencent.do("destroy_group", GroupId="g2")
    await stage.listen_to_chat(tencent.app, token=TOKEN)
    await make(tencent, name="g3")
    await stage.chat.told("g3", "AfterCreateGroup")
    assert stage.chat.events_of("g2") == [], f"came {stage.chat.log}"
    status, answer = await stage.ask_operator("PUT", f"apps/{tencent.app.id}/webhooks", {
        "url": stage.chat.url, "commands": ["Group.CallbackAfterSend"], "token": "", "token_enabled": False,
    })
    assert status == 400 and "Group.CallbackAfterSend" in json.dumps(answer), f"came {status} {answer}"
    assert set((await stage.operator("GET", f"apps/{tencent.app.id}/webhooks"))["commands"]) == set(WORDS), "that changed nothing"


async def test_event_times_may_be_text(stage):
    stage.chat.time_as_text = True
    tencent = await telling(stage, settings={"event_time_as_string": True})
    await make(tencent)
    [made] = await stage.chat.told("g1", "AfterCreateGroup")
    assert abs(int(made.body["EventTime"]) / 1000 - time.time()) < 60, f"came {made.body}"


async def test_a_message_is_told_once_to_the_chat_or_else_to_live_rooms(stage):
    """Two words are of both; the URL of the chat goes before that of live rooms, which signs with a token of its own."""
    stage.chat.whole = False
    tencent = await telling(stage, token=TOKEN, words=[AFTER])
    await make(tencent, "AVChatRoom", "live")
    elsewhere = ChatReceiver()
    elsewhere.sdkappids, elsewhere.token, elsewhere.whole = stage.chat.sdkappids, "that of live rooms", False
    await elsewhere.start()
    await tencent.do("set_callback_token", Token=elsewhere.token, IsTokenEnable=True)
    await tencent.do("set_callback", Url=elsewhere.url, CallbackCommandList=[AFTER])
    await say(tencent, "live", "to the chat", random=1)
    await stage.chat.event("AfterSendMsg", "live")
    await stage.listen_to_chat(tencent.app, [CREATE], TOKEN)
    await tencent.do("update_callback", Url=elsewhere.url, CallbackCommandList=[BEFORE, AFTER])
    await say(tencent, "live", "to live rooms", random=2)
    await elsewhere.event("AfterSendMsg", "live")
    told = lambda receiver: [(one.short, one.body["Random"]) for one in [*receiver.asked, *receiver.events]]
    assert (told(stage.chat), told(elsewhere)) == ([("AfterSendMsg", 1)], [("BeforeSendMsg", 2), ("AfterSendMsg", 2)])
    stage.chat.words = (AFTER, CREATE)
    elsewhere.check()
    elsewhere.stop()


@pytest.mark.virtual_clock
async def test_a_webhook_that_failed_comes_again_only_where_the_application_wants_it(stage):
    tencent = await telling(stage, token=TOKEN)
    stage.chat.status = 500
    stage.chat.answers = {word: (200, b"{}") for word in (CREATE, BEFORE)}
    await make(tencent, name="g1")
    await stage.advance(60)
    assert [len(stage.chat.tries(event.id)) for event in stage.chat.events_of("g1")] == [1], f"came {stage.chat.log}"
    await stage.operator("PATCH", f"apps/{tencent.app.id}", {"after_retry": 2})
    await make(tencent, name="g2")
    await stage.advance(60)
    [made] = stage.chat.events_of("g2")
    tries = stage.chat.tries(made.id)
    stamps = [int(query_of(one)["RequestTime"]) for one in tries]
    assert [stamp - stamps[0] for stamp in stamps] == [0, 1, 6], f"came {stamps}"


async def test_what_was_not_delivered_when_the_power_went_is_delivered_after_it(stage):
    tencent = await telling(stage, token=TOKEN, words=AFTER_WORDS, after_retry=1)
    await make(tencent)
    await stage.chat.told("g1", "AfterCreateGroup")
    stage.chat.delay = 30.0
    await say(tencent, "g1", "hello")
    await tencent.do("destroy_group", GroupId="g1")
    await stage.chat.told("g1", "AfterCreateGroup", "AfterSendMsg")
    await stage.server.kill()
    stage.chat.delay = 0.0
    await stage.server.start()
    await stage.chat.told("g1", "AfterCreateGroup", "AfterSendMsg", "AfterGroupDestroyed")
