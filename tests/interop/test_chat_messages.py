"""What is said in groups by the chat API, as its callers and the clients see it."""

import asyncio
import itertools
import json
import time

import pytest

from harness.clients import OTHER, SDKS
from harness.groups import (
    BAD, ELEMENTS, FILTERED, KEPT, MOST_BYTES, NOBODY, NOT_ALLOWED, TOO_FAST, TOO_LONG, chat, custom, described, history,
    make, members, roster, say, text,
)
from harness.shape import Now, assert_shape

both_sdks = pytest.mark.parametrize("sdk", SDKS)


async def heard(client, group, nth=1):
    """The nth message that came to the client."""
    messages = lambda: [p for p in client.publications(group) if not (p.get("tags") or {}).get("event")]
    await client.log.until(f"message {nth} in {group}", lambda _: len(messages()) >= nth)
    return messages()[nth - 1]


@both_sdks
@pytest.mark.parametrize("kind", ["Public", "AVChatRoom"])
async def test_a_message_arrives_with_its_elements_and_all_that_was_said_with_it(stage, kind, sdk):
    tencent = await chat(stage)
    group = await make(tencent, kind)
    ann = await stage.viewer(sdk, tencent.app, "ann", group)
    sent = await say(
        tencent, group, ELEMENTS, "bob", random=77, MsgPriority="High", CloudCustomData="custom 名", SendMsgControl=["NoLastMsg", "NoUnread"],
        GroupAtInfo=[{"GroupAtAllFlag": 0, "GroupAt_Account": "ann"}, {"GroupAtAllFlag": 1}], SupportMessageExtension=1,
        OfflinePushInfo={"PushFlag": 0, "Desc": "d"},
    )
    assert_shape(sent, {"MsgTime": Now(), "MsgSeq": 1})
    came = await heard(ann, group)
    data = came["data"]
    assert data["elems"] == ELEMENTS and json.loads(data["body"]) == ELEMENTS, f"came {came}"
    assert (data["type"], data["sender"]["user"], came["offset"], data["weight"]) == (1, "bob", 1, 1_000_000), f"came {came}"
    assert data["custom"] == "custom 名", f"came {came}"
    assert data["options"] == {"at": ["ann", "@all"], "no_last": True, "no_unread": True, "extension": True}, f"came {came}"

    sent = await say(tencent, group, "plain", "bob")
    came = await heard(ann, group, 2)
    assert (came["data"]["body"], came["data"]["elems"], came["offset"]) == ("plain", text("plain"), 2), f"came {came}"
    assert "options" not in came["data"] and came["data"].get("custom", "") == "", f"came {came}"
    sent = await tencent.do("send_group_msg", GroupId=group, Random=5, MsgBody=custom("mine"))
    came = await heard(ann, group, 3)
    assert came["data"]["sender"]["user"] == "administrator", f"who calls says it: {came}"


@both_sdks
async def test_what_a_client_says_is_read_as_elements(stage, sdk):
    tencent = await chat(stage)
    await make(tencent)
    ann = await stage.viewer(sdk, tencent.app, "ann", "g1")
    await ann.publish("g1", {"body": "words 名"})
    await ann.publish("g1", {"body": "its own", "type": 7})
    await ann.publish("g1", {"any": "thing"})
    [third, second, first] = await history(tencent, "g1")
    assert first["MsgBody"] == text("words 名"), f"came {first}"
    assert second["MsgBody"] == custom("its own", Ext="7"), f"came {second}"
    assert third["MsgBody"] == text('{"any":"thing"}'), f"came {third}"
    assert {one["From_Account"] for one in (first, second, third)} == {"ann"}
    seen = (await roster(tencent, "g1"))["ann"]
    assert seen["LastSendMsgTime"] == Now(), f"came {seen}"
    info = await described(tencent, "g1")
    assert (info["NextMsgSeq"], info["LastMsgTime"]) == (4, Now()), f"came {info}"


@both_sdks
async def test_a_message_to_some_members_reaches_them_alone_and_is_kept_nowhere(stage, sdk):
    tencent = await chat(stage)
    await make(tencent, inside=("ann", "bob"))
    ann, bob = await stage.viewer(sdk, tencent.app, "ann", "g1"), await stage.viewer(OTHER[sdk], tencent.app, "bob", "g1")
    await say(tencent, "g1", "for ann", To_Account=["ann", "carl"])
    sent = await say(tencent, "g1", "for all")
    assert sent["MsgSeq"] == 1, f"the other took no number: {sent}"
    for client, expected in ((ann, ["for ann", "for all"]), (bob, ["for all"])):
        await client.heard("g1", "for all")
        assert client.bodies("g1") == expected, f"came {client.bodies('g1')}"
    assert [one["MsgBody"] for one in await history(tencent, "g1")] == [text("for all")]
    for bad in (["u"] * 51, "ann", [1]):
        await tencent.refused((BAD, 10005), "send_group_msg", GroupId="g1", Random=1, MsgBody=text("x"), To_Account=bad)


@both_sdks
@pytest.mark.parametrize("kind", KEPT)
async def test_an_online_message_is_read_by_who_is_there_and_by_nobody_later(stage, kind, sdk):
    tencent = await chat(stage)
    group = await make(tencent, kind)
    ann = await stage.viewer(sdk, tencent.app, "ann", group)
    sent = await say(tencent, group, "now", OnlineOnlyFlag=1)
    assert sent["MsgSeq"] == 0, f"came {sent}"
    await ann.heard(group, "now")
    assert (await say(tencent, group, "kept", OnlineOnlyFlag=0))["MsgSeq"] == 1
    assert [one["MsgBody"] for one in await history(tencent, group)] == [text("kept")]


@pytest.mark.virtual_clock
async def test_the_same_message_within_5_minutes_is_the_same(stage):
    tencent = await chat(stage)
    await make(tencent)
    bob = await stage.viewer("python", tencent.app, "bob", "g1")
    first = await say(tencent, "g1", "one", "ann", random=9)
    await stage.restart()
    await bob.event("subscribed", nth=2, channel="group:g1", timeout=30)
    assert await say(tencent, "g1", "one", "ann", random=9) == first, "also after a kill"
    await stage.advance(200)
    assert await say(tencent, "g1", "one", "ann", random=9) == first, "answered as the first was"
    others = [
        await say(tencent, "g1", "one", "ann", random=10), await say(tencent, "g1", "two", "ann", random=9),
        await say(tencent, "g1", "one", "olga", random=9),
    ]
    assert [sent["MsgSeq"] for sent in others] == [2, 3, 4], f"another number, other words, another sender: {others}"
    assert await say(tencent, "g1", "two", "ann", random=9) == others[1]
    await stage.advance(301)
    assert (await say(tencent, "g1", "one", "ann", random=9))["MsgSeq"] == 5
    assert len(await history(tencent, "g1")) == 5
    await bob.log.until("five messages", lambda _: len(set(p["offset"] for p in bob.publications("g1"))) >= 5, timeout=30)


async def test_a_message_has_so_many_bytes_and_not_more(stage):
    tencent = await chat(stage)
    await make(tencent)
    around = len(json.dumps(text(""), separators=(",", ":")))
    await say(tencent, "g1", "x" * (MOST_BYTES - around))
    await say(tencent, "g1", "x" * (MOST_BYTES - around - 100), CloudCustomData="y" * 100)
    for said, more in (("x" * (MOST_BYTES - around + 1), {}), ("x" * (MOST_BYTES - around - 100), {"CloudCustomData": "y" * 101})):
        await tencent.refused(TOO_LONG, "send_group_msg", GroupId="g1", Random=1, MsgBody=text(said), **more)
    await tencent.refused(
        93000, "sendmsg", To_Account="ann", MsgRandom=1, MsgBody=text("x" * MOST_BYTES),
    )
    assert (await say(tencent, "g1", "next"))["MsgSeq"] == 3, "what was refused took no number"


async def test_a_bad_message_is_not_sent(stage):
    tencent = await chat(stage)
    await make(tencent)
    good = {"GroupId": "g1", "Random": 1, "MsgBody": text("x")}
    for bad in (
        {"Random": None}, {"Random": -1}, {"Random": 1 << 32}, {"Random": "1"}, {"MsgBody": None}, {"MsgBody": []}, {"MsgBody": {}},
        {"MsgBody": "x"}, {"MsgBody": [{"MsgType": "TIMTextElem"}]}, {"MsgBody": [{"MsgType": "Text", "MsgContent": {"Text": "x"}}]},
        {"MsgBody": [{"MsgType": "TIMTextElem", "MsgContent": {"Text": 1}}]}, {"MsgBody": custom("a") + custom("b")},
        {"MsgPriority": "Highest"}, {"MsgPriority": 1}, {"OnlineOnlyFlag": 2}, {"OnlineOnlyFlag": "1"}, {"CloudCustomData": {"a": 1}},
        {"GroupAtInfo": [{"GroupAtAllFlag": 1}] * 31}, {"GroupAtInfo": [{}]}, {"From_Account": 1}, {"ForbidCallbackControl": "x"},
    ):
        body = {name: value for name, value in (good | bad).items() if value is not None}
        answer = await tencent.call("send_group_msg", body)
        assert answer.code in (BAD, 10053), f"{bad}: came {answer.text}"
    await tencent.refused(NOBODY, "send_group_msg", **good | {"From_Account": "stranger"})
    for priority, expected in (("High", 1), ("Normal", 2), ("Low", 3)):
        await say(tencent, "g1", priority, MsgPriority=priority)
        [said] = await history(tencent, "g1", 1)
        assert said["MsgPriority"] == expected, f"came {said}"
    assert said["MsgSeq"] == 3, f"none of the bad ones took a number: {said}"


@both_sdks
async def test_the_41st_message_of_a_second_is_dropped_and_reported_as_sent(stage, sdk):
    tencent = await chat(stage, "olga", "ann", *(f"u{n}" for n in range(7)))
    await make(tencent, inside=("ann",))
    ann = await stage.viewer(sdk, tencent.app, "ann", "g1")
    began = time.monotonic()
    sent = await asyncio.gather(*(say(tencent, "g1", f"m{n}", f"u{n % 7}") for n in range(120)))
    seconds = int(time.monotonic() - began) + 1  # that may have begun meanwhile
    kept = {one["MsgSeq"]: n for n, one in enumerate(sent) if "MsgDropReason" not in one}
    dropped = [one for one in sent if "MsgDropReason" in one]
    assert 40 <= len(kept) <= 40 * seconds + 40, f"within {seconds} s {len(kept)} were kept"
    assert all((one["MsgDropReason"], one["MsgSeq"]) == ("MsgFreqCtrl", 0) for one in dropped), f"came {dropped}"
    assert sorted(kept) == list(range(1, len(kept) + 1)), f"what was dropped took no number: {sorted(kept)}"
    await tencent.do("send_group_system_notification", GroupId="g1", Content="exempt")
    await ann.told("g1", "group.notice")
    await asyncio.sleep(1)
    assert (await say(tencent, "g1", "later"))["MsgSeq"] == len(kept) + 1
    await ann.heard("g1", "later")
    said = [p["data"]["body"] for p in ann.publications("g1") if "body" in p["data"]]
    assert said == [f"m{kept[seq]}" for seq in sorted(kept)] + ["later"]


async def test_an_application_may_have_the_41st_message_refused(stage):
    tencent = await chat(stage, settings={"rate_mode": "reject"})
    await make(tencent)
    answers = []
    while not any(answer.code for answer in answers) and len(answers) < 1000:  # a busy machine may not send 41 within a second at first
        answers += await asyncio.gather(*(
            tencent.call("send_group_msg", {"GroupId": "g1", "Random": n, "MsgBody": text(f"m{n}")})
            for n in range(len(answers), len(answers) + 100)
        ))
    codes = [answer.code for answer in answers]
    assert codes.count(0) >= 40 and set(codes) == {0, TOO_FAST}, f"came {codes}"
    refused = next(answer for answer in answers if answer.code)
    assert tencent.is_refusal(TOO_FAST, "send_group_msg", refused) == "msg count exceeds limit,please retry later"


@both_sdks
async def test_a_notification_is_read_by_who_is_there_and_kept_nowhere(stage, sdk):
    tencent = await chat(stage)
    await make(tencent)
    ann, bob = await stage.viewer(sdk, tencent.app, "ann", "g1"), await stage.viewer(OTHER[sdk], tencent.app, "bob", "g1")
    assert await tencent.do("send_group_system_notification", GroupId="g1", Content="all 名", ToMembers_Account=[]) == {}
    await tencent.do("send_group_system_notification", GroupId="g1", Content="bob alone", ToMembers_Account=["bob", "carl"])
    await tencent.do("send_group_system_notification", GroupId="g1", Content="the end")
    for client, expected in ((ann, ["all 名", "the end"]), (bob, ["all 名", "bob alone", "the end"])):
        await client.told("g1", "group.notice", len(expected))
        told = [p["data"]["content"] for p in client.events("publication", channel="group:g1", tags={"event": "group.notice"})]
        assert told == expected, f"came {told}"
    assert await history(tencent, "g1") == []
    for bad in ({"Content": None}, {"Content": 1}, {"ToMembers_Account": [f"u{n}" for n in range(501)]}, {"ToMembers_Account": "ann"}):
        body = {name: value for name, value in ({"Content": "x"} | bad).items() if value is not None}
        await tencent.refused((BAD, 10005), "send_group_system_notification", GroupId="g1", **body)


@both_sdks
async def test_messages_are_read_backwards_page_by_page_and_what_is_recalled_leaves_a_place(stage, sdk):
    tencent = await chat(stage)
    await make(tencent)
    ann = await stage.viewer(sdk, tencent.app, "ann", "g1")
    for n in range(1, 26):
        await say(tencent, "g1", f"m{n}", ("olga", "ann", "bob")[n % 3], random=n)
    first = await tencent.do("group_msg_get_simple", GroupId="g1", ReqMsgNumber=20)
    assert (first["GroupId"], first["IsFinished"]) == ("g1", 1), f"as many as were asked for: {first}"
    assert [one["MsgSeq"] for one in first["RspMsgList"]] == list(range(25, 5, -1)), f"came {first}"
    last = await tencent.do("group_msg_get_simple", GroupId="g1", ReqMsgNumber=20, ReqMsgSeq=5)
    assert [one["MsgSeq"] for one in last["RspMsgList"]] == [5, 4, 3, 2, 1] and last["IsFinished"] == 1, f"came {last}"
    assert_shape(last["RspMsgList"][0], {
        "From_Account": "bob", "IsPlaceMsg": 0, "MsgBody": text("m5"), "MsgPriority": 2, "MsgRandom": 5, "MsgSeq": 5, "MsgTimeStamp": Now(),
    })

    recalled = await tencent.do("group_msg_recall", GroupId="g1", MsgSeqList=[{"MsgSeq": "25"}, {"MsgSeq": 24}, {"MsgSeq": 99}])
    assert recalled == {"RecallRetList": [
        {"MsgSeq": 25, "RetCode": 0}, {"MsgSeq": 24, "RetCode": 0}, {"MsgSeq": 99, "RetCode": 10030},
    ]}
    await ann.told("g1", "message.deleted", 2)
    gone = {p["data"]["seq"] for p in ann.events("publication", channel="group:g1", tags={"event": "message.deleted"})}
    assert gone == {24, 25}, f"came {gone}"
    with_places = await history(tencent, "g1", 3, WithRecalledMsg=1)
    assert [(one["MsgSeq"], one["IsPlaceMsg"], one["MsgBody"]) for one in with_places] == [
        (25, 2, []), (24, 2, []), (23, 0, text("m23")),
    ], f"came {with_places}"
    without = await history(tencent, "g1", 3, WithRecalledMsg=0)
    assert 24 not in [one["MsgSeq"] for one in without if one["IsPlaceMsg"] == 0], f"came {without}"
    more = await tencent.do("group_msg_get_simple", GroupId="g1", ReqMsgNumber=21)
    assert (more["IsFinished"], len(more["RspMsgList"])) == (0, 20), f"20 are told, and that they are not all: {more}"
    for bad in ({}, {"ReqMsgNumber": 0}, {"ReqMsgNumber": "1"}, {"ReqMsgNumber": 1, "ReqMsgSeq": -1}):
        await tencent.refused(BAD, "group_msg_get_simple", GroupId="g1", **bad)
    seqs = lambda count: [{"MsgSeq": n} for n in range(1, count + 1)]
    for bad in ({}, {"MsgSeqList": []}, {"MsgSeqList": seqs(11)}, {"MsgSeqList": [1]}, {"MsgSeqList": [{"MsgSeq": "x"}]}):
        await tencent.refused(BAD, "group_msg_recall", GroupId="g1", **bad)
    assert len(await history(tencent, "g1")) == 20


@pytest.mark.parametrize("sdk", SDKS)
async def test_words_of_the_list_are_not_said_in_a_user_s_name(stage, sdk):
    (stage.server.data / "words.txt").write_text("badword\n")
    tencent = await chat(stage)
    await stage.control("ModifyLiveMessageAppAudit", AppId=tencent.app.id, AuditType=1)
    await make(tencent)
    ann = await stage.viewer(sdk, tencent.app, "ann", "g1")
    deadline, random = time.monotonic() + 10, itertools.count(1000)  # a new one each time: or else it is the message before
    while (await tencent.call("send_group_msg", {"GroupId": "g1", "Random": next(random), "From_Account": "ann", "MsgBody": text("badword")})).code == 0:
        assert time.monotonic() < deadline, "the list is looked at within a moment"
        await asyncio.sleep(0.2)
    for body in (text("a BADWORD!"), custom("badword"), text("fine") + text("bad") + text("badword")):
        await tencent.refused(FILTERED, "send_group_msg", GroupId="g1", Random=2, From_Account="ann", MsgBody=body)
    assert await ann.publish_refused("g1", "badword") == 451
    await say(tencent, "g1", "polite", "ann")
    await ann.heard("g1", "polite")


async def test_messages_of_two_clouds_are_one_history(stage):
    """What the other cloud's API says in a group is in its history, and the other way round."""
    tencent = await chat(stage)
    await make(tencent)
    await stage.viewer("npm", tencent.app, "ann", "g1")
    await stage.control("SendLiveMessageGroup", AppId=tencent.app.id, GroupId="g1", SenderId="shop", Body="of the one", MsgType=7)
    await say(tencent, "g1", "of the other", "bob")
    [second, first] = await history(tencent, "g1")
    assert (first["From_Account"], first["MsgBody"], first["MsgSeq"]) == ("shop", custom("of the one", Ext="7"), 1), f"came {first}"
    assert second["MsgBody"] == text("of the other"), f"came {second}"
    listed = await stage.control("ListLiveMessageGroupMessages", AppId=tencent.app.id, GroupId="g1", SortType=1, PageSize=10)
    bodies = {one["SeqNumber"]: one["Body"] for one in listed["MessageList"]}
    assert bodies == {1: "of the one", 2: "of the other"}, f"came {listed}"
    await tencent.refused(NOT_ALLOWED, "add_group_member", GroupId=await make(tencent, "AVChatRoom", "live"), MemberList=members("bob"))
