"""What a business is asked before it happens, what it may say to it, and what becomes of it without an answer."""

import asyncio
import time

import pytest

from harness.chat_receiver import AFTER, APPLY, BEFORE, C2C_AFTER, C2C_BEFORE, CREATE, HANG, INVITE
from harness.clients import OTHER, SDKS
from harness.groups import REFUSED, attempt, history, make, members, roster, say, telling, text

BUDGET = 2.0  # seconds that the business has
NO_ANSWER = {
    "hangs": HANG, "500": (500, b"{}"), "no JSON": (200, b"<html>"), "nothing": (200, b""),
    "1 MiB": (200, b'{"ErrorCode":1,"ActionStatus":"FAIL","ErrorInfo":"' + b"x" * (1 << 20) + b'"}'),
}
both_sdks = pytest.mark.parametrize("sdk", SDKS)


async def test_a_caller_may_forbid_each_hook_of_a_message_alone(stage):
    tencent = await telling(stage)
    await make(tencent)
    stage.chat.untold.add("g1")
    both = ["ForbidBeforeSendMsgCallback", "ForbidAfterSendMsgCallback"]
    for n, forbidden in enumerate(([], both[:1], both[1:], both)):
        await say(tencent, "g1", f"m{n}", random=n, ForbidCallbackControl=forbidden)
    await say(tencent, "g1", "last", random=9)
    after = lambda: [event.body["Random"] for event in stage.chat.events_of("g1") if event.word == AFTER]
    await stage.chat.log.until("the last", lambda _: 9 in after())
    assert after() == [0, 1, 9], f"came {after()}"
    asked = [one.body["Random"] for one in stage.chat.asked_of("g1") if one.word == BEFORE]
    assert asked == [0, 2, 9], f"asked {asked}"
    direct = {"From_Account": "ann", "To_Account": "bob", "MsgBody": text("hi")}
    for n, forbidden in enumerate(([], both[:1], both[1:], both, [])):
        await tencent.do("sendmsg", **direct, MsgRandom=n, ForbidCallbackControl=forbidden)
    of = lambda events, word: [event.body["MsgRandom"] for event in events if event.word == word]
    await stage.chat.log.until("the last", lambda _: 4 in of(stage.chat.events, C2C_AFTER))
    assert of(stage.chat.events, C2C_AFTER) == [0, 1, 4], f"came {stage.chat.log}"
    assert of(stage.chat.asked, C2C_BEFORE) == [0, 2, 4], f"came {stage.chat.log}"


@both_sdks
@pytest.mark.parametrize("answer,code", [
    (0, 0), (1, REFUSED), (2, 0), (10150, 10150), (10100, 10100), (10200, 10200), (3, REFUSED), (10201, REFUSED),
])
async def test_what_the_business_says_to_a_message_is_done(stage, answer, code, sdk):
    tencent = await telling(stage)
    group = await make(tencent, "ChatRoom")
    ann, bob = await stage.viewer(sdk, tencent.app, "ann", group), await stage.viewer(OTHER[sdk], tencent.app, "bob", group)
    says = {"ErrorCode": answer, "ErrorInfo": "says the business 名"}
    stage.chat.answers[BEFORE] = lambda body: says if body["MsgBody"] == text("doubtful") else 0
    send = {"GroupId": group, "From_Account": "olga", "Random": 1, "MsgBody": text("doubtful")}
    if code == 0:
        sent = await tencent.do("send_group_msg", **send)
        assert sent["MsgSeq"] == (1 if answer == 0 else 0) and "MsgDropReason" not in sent, f"came {sent}"
        await ann.publish(group, {"body": "doubtful"})
    else:
        message = await tencent.refused(code, "send_group_msg", **send)
        assert code == REFUSED or "says the business 名" in message, f"came {message}"
        assert await ann.publish_refused(group, "doubtful") == 451
    await ann.publish(group, {"body": "harmless"})
    heard = ["doubtful", "doubtful", "harmless"] if answer == 0 else ["harmless"]
    for client in (ann, bob):
        await client.heard(group, "harmless")
        assert client.bodies(group) == heard, f"came {client.bodies(group)}"
    assert [one["MsgSeq"] for one in await history(tencent, group)] == list(range(len(heard), 0, -1))
    refused = [f"SendMsgException {code}"] * 2 if code else []
    joined = ("AfterCreateGroup",)
    told = await stage.chat.told(group, *joined, *refused, *["AfterSendMsg"] * len(heard))
    assert [event.body["MsgSeq"] for event in told if event.word == AFTER] == list(range(1, len(heard) + 1))


@both_sdks
async def test_what_the_business_makes_of_a_message_is_what_everybody_sees(stage, sdk):
    tencent = await telling(stage)
    group = await make(tencent, "ChatRoom")
    ann, bob = await stage.viewer(sdk, tencent.app, "ann", group), await stage.viewer(OTHER[sdk], tencent.app, "bob", group)
    kinder = text("kinder 名")
    stage.chat.answers[BEFORE] = {"MsgBody": kinder, "CloudCustomData": "by the business"}
    await say(tencent, group, "rude", "olga", CloudCustomData="by olga")
    await ann.publish(group, {"body": "rude"})
    stage.chat.answers[BEFORE] = {"MsgBody": [{"MsgType": "nonsense"}]}
    await say(tencent, group, "as it was", "olga")
    stage.chat.answers[BEFORE] = {"CloudCustomData": "only this"}
    await say(tencent, group, "and this", "olga")
    for client in (ann, bob):
        await client.heard(group, "and this")
        came = [(p["data"]["elems"], p["data"].get("custom")) for p in client.publications(group)]
        assert came[:2] == [(kinder, "by the business")] * 2, f"came {came}"
        assert [elems for elems, _ in came[2:]] == [text("as it was"), text("and this")] and came[3][1] == "only this", f"came {came}"
    assert [one["MsgBody"] for one in await history(tencent, group)] == [text("and this"), text("as it was"), kinder, kinder]
    told = await stage.chat.told(group, "AfterCreateGroup", *["AfterSendMsg"] * 4)
    assert [event.body["MsgBody"] for event in told[1:]] == [kinder, kinder, text("as it was"), text("and this")]
    assert [event.body.get("CloudCustomData") for event in told[1:3]] == ["by the business"] * 2
    assert [one.body["MsgBody"] for one in stage.chat.asked_of(group) if one.word == BEFORE][:2] == [text("rude")] * 2


@pytest.mark.parametrize("answer", NO_ANSWER)
@pytest.mark.parametrize("on_silence", ["deliver", "refuse"])
async def test_a_business_that_gives_no_answer_stops_nobody_else(stage, answer, on_silence):
    tencent = await telling(stage, settings={"on_silence": on_silence})
    for group in ("g1", "g2"):
        await make(tencent, "ChatRoom", group)
    ann, bob = await stage.viewer("npm", tencent.app, "ann", "g1", "g2"), await stage.viewer("python", tencent.app, "bob", "g1", "g2")
    stage.chat.answers[BEFORE, "g1"] = NO_ANSWER[answer]
    began = time.monotonic()
    waits = [
        stage.meanwhile(tencent.call("send_group_msg", {"GroupId": "g1", "Random": 1, "From_Account": "olga", "MsgBody": text("by REST")})),
        stage.meanwhile(attempt(ann, "g1", "by ann")),
    ]
    await stage.chat.question(BEFORE, 2)
    for n in range(3):
        await bob.publish("g2", {"body": f"m{n}"})
        await say(tencent, "g2", f"r{n}")
    await ann.heard("g2", "r2")
    assert answer != "hangs" or not any(wait.done() for wait in waits), "the other group does not wait for this one"
    by_rest, by_ann = await asyncio.gather(*waits)
    took = time.monotonic() - began
    assert took < BUDGET + 2 and (took > BUDGET - 0.2 or answer != "hangs"), f"{answer}: took {took:.2f} s"
    if on_silence == "deliver":
        assert (by_rest.code, by_ann) == (0, None), f"came {by_rest} {by_ann}"
        await bob.heard("g1", "by REST")
        await bob.heard("g1", "by ann")
    else:
        assert (by_rest.code, by_ann) == (80003, 451), f"came {by_rest} {by_ann}"
        assert await history(tencent, "g1") == []


@both_sdks
@pytest.mark.parametrize("answer,code", [(0, 0), (1, 20006), (2, 0), (120_001, 120_001), (130_000, 130_000), (10150, 20006)])
async def test_what_the_business_says_to_a_message_to_one_user_is_done(stage, answer, code, sdk):
    tencent = await telling(stage)
    bob = await stage.viewer(sdk, tencent.app, "bob")
    stage.chat.answers[C2C_BEFORE] = {"ErrorCode": answer, "ErrorInfo": "says the business"}
    direct = {"From_Account": "ann", "To_Account": "bob", "MsgBody": text("doubtful")}
    if code:
        await tencent.refused(code, "sendmsg", **direct, MsgRandom=1)
    else:
        await tencent.do("sendmsg", **direct, MsgRandom=1)
    stage.chat.answers[C2C_BEFORE] = {"MsgBody": text("kinder"), "CloudCustomData": "changed"}
    await tencent.do("sendmsg", **direct, MsgRandom=2)
    first = await bob.message()
    if answer == 0:
        assert first["body"] == "doubtful", f"came {first}"
        first = await bob.message(2)
    assert (first["body"], first["elems"], first["custom"]) == ("kinder", text("kinder"), "changed"), f"came {first}"
    event = await stage.chat.event("C2C.AfterSendMsg", nth=2 if answer == 0 else 1)
    assert (event.body["MsgBody"], event.body["MsgRandom"]) == (text("kinder"), 2), f"came {event.body}"


@both_sdks
async def test_the_business_says_who_may_make_a_group_come_in_and_be_brought(stage, sdk):
    tencent = await telling(stage)
    for answer, code in ((1, REFUSED), (10123, 10123), (2, REFUSED), (HANG, 0), ((500, b""), 0)):
        stage.chat.answers[CREATE] = answer
        body = {"Type": "ChatRoom", "Name": "n", "GroupId": "g1", "Owner_Account": "olga"}
        if code:
            await tencent.refused(code, "create_group", **body)
        else:
            await tencent.do("create_group", **body)
            await tencent.do("destroy_group", GroupId="g1")
    numbers = [one.body["CreateGroupNum"] for one in stage.chat.asked if one.word == CREATE]
    assert numbers == [0] * 5, f"olga has none yet: {numbers}"
    stage.chat.answers.clear()
    await make(tencent, "ChatRoom", inside=())

    stage.chat.answers[INVITE] = {"RefusedMembers_Account": ["ann"]}
    added = await tencent.do("add_group_member", GroupId="g1", MemberList=members("ann", "bob"))
    assert added == {"MemberList": [{"Member_Account": "ann", "Result": 0}, {"Member_Account": "bob", "Result": 1}]}, f"came {added}"
    for answer, code in ((1, REFUSED), (10199, 10199)):
        stage.chat.answers[INVITE] = answer
        await tencent.refused(code, "add_group_member", GroupId="g1", MemberList=members("carl"))
    stage.chat.answers[INVITE] = (200, b"not JSON")
    await tencent.do("add_group_member", GroupId="g1", MemberList=members("carl"))
    assert list(await roster(tencent, "g1")) == ["olga", "bob", "carl"]

    ann = await stage.viewer(sdk, tencent.app, "ann")
    for nth, answer in enumerate((1, 10123)):
        stage.chat.answers[APPLY] = answer
        await ann.ask_to_join("g1")
        assert (await ann.event("unsubscribed", nth + 1, channel="group:g1"))["code"] in (403, 451)
    assert "ann" not in await roster(tencent, "g1")
    stage.chat.answers[APPLY] = HANG
    began = time.monotonic()
    await ann.ask_to_join("g1")
    await ann.event("subscribed", channel="group:g1")
    assert time.monotonic() - began > BUDGET - 0.2, "who gives no answer forbids nothing"
    assert "ann" in await roster(tencent, "g1")
    await ann.leave("g1")
    asked = len(stage.chat.asked)
    stage.chat.answers[APPLY] = 1
    await ann.ask_to_join("g1")
    await ann.event("subscribed", 2, channel="group:g1")
    assert len(stage.chat.asked) == asked, "a member does not apply"


async def test_a_business_that_is_not_there_is_as_one_that_gives_no_answer(stage):
    tencent = await telling(stage)
    await make(tencent)
    stage.chat.stop()
    await asyncio.sleep(0)
    sent = await say(tencent, "g1", "hello")
    assert sent["MsgSeq"] == 1, f"came {sent}"
    stage.chat.whole = False
