"""`Group.CallbackSendMsgException`: every message to a group that was not delivered, whoever sent it, and why."""

import asyncio
import json
import pathlib
import time

import pytest

from harness.chat_receiver import AFTER, BEFORE, EXCEPTION, WORDS
from harness.clients import OTHER, SDKS
from harness.groups import (
    FILTERED, GONE, MUTED, NONE, NOT_ALLOWED, REFUSED, TOKEN, TOO_FAST, TOO_LONG, attempt, history, make, say, telling, text,
)
from harness.shape import Now, assert_shape

GOLDEN = pathlib.Path(__file__).parents[1] / "wire/tencent"
BAD_WORD = "badword"
both_sdks = pytest.mark.parametrize("sdk", SDKS)


def golden(name):
    """The body that has to come, but for its time and what a client's message gets for a random number."""
    body = json.loads((GOLDEN / f"exception_{name}.json").read_text())
    body["EventTime"] = Now(1000)
    if name.endswith("_client"):
        body["Random"] = int
    return body


async def lesson(stage, sdk, **how):
    """A group with a client in it, told of with a token, where the list of words holds one."""
    (stage.server.data / "words.txt").write_text(BAD_WORD + "\n")
    tencent = await telling(stage, token=TOKEN, **how)
    await stage.control("ModifyLiveMessageAppAudit", AppId=tencent.app.id, AuditType=1)
    await make(tencent, "ChatRoom", inside=("ann",))
    ann = await stage.viewer(sdk, tencent.app, "ann", "g1", device="Android 14")
    deadline = time.monotonic() + 10
    while await attempt(ann, "g1", BAD_WORD) is None:
        assert time.monotonic() < deadline, "the list of words is looked at within a moment"
        await asyncio.sleep(0.2)
    await exception(stage, FILTERED)
    stage.chat.answers[BEFORE] = lambda body: 1 if body["MsgBody"] == text("refused") else 0
    return tencent, ann


def exceptions(stage, code):
    return [event for event in stage.chat.events if event.word == EXCEPTION and event.body["ErrorCode"] == code]


async def exception(stage, code, nth=1):
    return await stage.chat.log.until(f"exception {code}, {nth}", lambda _: exceptions(stage, code)[nth - 1:nth] or None)


REST = {"From_Account": "olga", "Random": 123456, "CloudCustomData": "your cloud custom data", "MsgBody": text("red packet")}


async def by_rest(stage, tencent, name, code, **changes):
    """A message by REST that must fail so, and be told so, to the last field."""
    before = len(exceptions(stage, code))
    message = await tencent.refused(code, "send_group_msg", **{"GroupId": "g1"} | REST | changes)
    [event] = await exception(stage, code, before + 1)
    assert_shape(event.body, golden(f"{name}_rest"), f"{name} by REST")
    assert event.body["ErrorInfo"] == message, f"the caller is told the same: {message!r}"
    assert (event.query["OptPlatform"], event.query["ClientIP"]) == ("RESTAPI", "127.0.0.1"), f"came {event}"
    assert "Sign" in event.query and event.query["SdkAppid"] == str(tencent.app.sdkappid), f"came {event}"


async def by_client(stage, client, name, code, client_code, body="red packet", group="g1"):
    """The same of a message that a client sends."""
    before = len(exceptions(stage, code))
    assert await attempt(client, group, body) == client_code
    [event] = await exception(stage, code, before + 1)
    assert_shape(event.body, golden(f"{name}_client"), f"{name} by a client")
    assert (event.query["OptPlatform"], event.query["ClientIP"]) == ("Android", "127.0.0.1"), f"came {event}"


@both_sdks
async def test_a_message_to_a_group_that_was_never_there(stage, sdk):
    tencent, ann = await lesson(stage, sdk)
    await by_rest(stage, tencent, "unknown", NONE, GroupId="never")
    await by_rest(stage, tencent, "malformed", NONE, GroupId="x" * 49)
    await by_client(stage, ann, "unknown", NONE, 440, group="never")


@both_sdks
async def test_a_message_to_a_group_that_is_gone(stage, sdk):
    tencent, ann = await lesson(stage, sdk)
    await tencent.do("destroy_group", GroupId="g1")
    await ann.event("unsubscribed", channel="group:g1")
    await by_rest(stage, tencent, "gone", GONE)
    await by_client(stage, ann, "gone", GONE, 441)


@both_sdks
@pytest.mark.parametrize("everybody", [False, True])
async def test_a_message_of_who_is_muted(stage, sdk, everybody):
    tencent, ann = await lesson(stage, sdk)
    if everybody:
        await tencent.do("modify_group_base_info", GroupId="g1", MuteAllMember="On")
    else:
        await tencent.do("forbid_send_msg", GroupId="g1", Members_Account=["ann"], MuteTime=600)
    await by_rest(stage, tencent, "muted", MUTED, From_Account="ann")
    await by_client(stage, ann, "muted", MUTED, 442)


@both_sdks
async def test_a_message_with_a_word_of_the_list(stage, sdk):
    tencent, ann = await lesson(stage, sdk)
    await by_rest(stage, tencent, "filtered", FILTERED, MsgBody=text(f"red {BAD_WORD}"))
    await by_client(stage, ann, "filtered", FILTERED, 451, f"red {BAD_WORD}")


@both_sdks
async def test_a_message_that_is_not_allowed(stage, sdk):
    """By REST: to some of those in a live group. By a client: where it is no member."""
    tencent, ann = await lesson(stage, sdk)
    await make(tencent, "AVChatRoom", "live")
    await by_rest(stage, tencent, "not_allowed", NOT_ALLOWED, GroupId="live", To_Account=["ann"])
    await make(tencent, "Private", "closed", inside=())
    await by_client(stage, ann, "not_allowed", NOT_ALLOWED, 425, group="closed")


@both_sdks
async def test_a_message_that_the_business_refuses(stage, sdk):
    tencent, ann = await lesson(stage, sdk)
    await by_rest(stage, tencent, "refused", REFUSED, MsgBody=text("refused"))
    await by_client(stage, ann, "refused", REFUSED, 451, "refused")


async def test_what_the_business_refuses_need_not_be_told_to_it(stage):
    tencent, ann = await lesson(stage, "npm", settings={"tell_refused": False})
    await tencent.refused(REFUSED, "send_group_msg", **{"GroupId": "g1"} | REST | {"MsgBody": text("refused")})
    assert await attempt(ann, "g1", "refused") == 451
    await by_rest(stage, tencent, "malformed", NONE, GroupId="x" * 49)
    assert exceptions(stage, REFUSED) == [], f"came {stage.chat.log}"


@both_sdks
async def test_a_message_that_is_too_long(stage, sdk):
    tencent, ann = await lesson(stage, sdk)
    before = len(exceptions(stage, TOO_LONG))
    await tencent.refused(TOO_LONG, "send_group_msg", **{"GroupId": "g1"} | REST | {"MsgBody": text("x" * 12_300)})
    [event] = await exception(stage, TOO_LONG, before + 1)
    assert_shape(event.body, golden("too_long_rest") | {"MsgBody": text("x" * 12_300)})
    await tencent.refused(TOO_LONG, "send_group_msg", **{"GroupId": "g1"} | REST | {"MsgBody": text("x" * 70_000)})
    [event] = await exception(stage, TOO_LONG, before + 2)
    assert_shape(event.body, golden("too_long_rest") | {"MsgBody": [], "ErrorInfo": str})
    assert await attempt(ann, "g1", "x" * 15_500) == 107
    [event] = await exception(stage, TOO_LONG, before + 3)
    assert_shape(event.body, golden("too_long_client") | {"MsgBody": text("x" * 15_500)})


@both_sdks
async def test_the_41st_message_of_a_second_by_rest(stage, sdk):
    """Reported as sent, asked about before, not told after; and the words of the document for it."""
    tencent, ann = await lesson(stage, sdk)
    bob = await stage.viewer(OTHER[sdk], tencent.app, "bob", "g1")
    taken = (await say(tencent, "g1", "first"))["MsgSeq"]
    kept, dropped = {}, set()
    while not dropped and len(kept) < 1000:  # a busy machine may not send 41 within a second at first
        bodies = [{"GroupId": "g1"} | REST | {"Random": 1000 + len(kept) + n} for n in range(90)]
        sent = await asyncio.gather(*(tencent.do("send_group_msg", **body) for body in bodies))
        kept |= {body["Random"]: one["MsgSeq"] for body, one in zip(bodies, sent) if "MsgDropReason" not in one}
        dropped |= {body["Random"] for body, one in zip(bodies, sent) if one.get("MsgDropReason") == "MsgFreqCtrl"}
    assert dropped and len(kept) >= 39 and (len(kept) + len(dropped)) % 90 == 0, f"kept {len(kept)}, dropped {len(dropped)}"
    assert sorted(kept.values()) == list(range(taken + 1, taken + 1 + len(kept))), f"what was dropped took no number: {kept}"
    told = lambda word: [event for event in stage.chat.events_of("g1") if event.word == word]
    await stage.chat.log.until("an exception for each", lambda _: len(exceptions(stage, TOO_FAST)) >= len(dropped), timeout=20)
    await stage.chat.log.until("all others", lambda _: kept.keys() <= {event.body["Random"] for event in told(AFTER)}, timeout=20)
    for event in exceptions(stage, TOO_FAST):
        assert_shape(event.body, golden("rate_rest") | {"Random": event.body["Random"]})
    assert sorted(event.body["Random"] for event in exceptions(stage, TOO_FAST)) == sorted(dropped), "one each"
    assert {event.body["Random"] for event in told(AFTER)} & dropped == set(), "what was dropped is not told as sent"
    asked = {one.body["Random"] for one in stage.chat.asked_of("g1") if one.word == BEFORE}
    assert dropped | kept.keys() <= asked, "the business was asked about all of them"
    assert len(await history(tencent, "g1", 20)) == 20
    await bob.log.until("the last", lambda _: bob.publications("g1")[-1:] and bob.publications("g1")[-1]["offset"] == max(kept.values()))


@both_sdks
@pytest.mark.parametrize("rate_mode", ["drop", "reject"])
async def test_the_41st_message_of_a_second_by_a_client(stage, sdk, rate_mode):
    tencent, ann = await lesson(stage, sdk, settings={"rate_mode": rate_mode}, words=[word for word in WORDS if word != BEFORE])
    codes = await asyncio.gather(*(attempt(ann, "g1", "red packet") for _ in range(90)))
    expected = {None} if rate_mode == "drop" else {None, 412}
    assert set(codes) == expected, f"came {codes}"
    after = lambda: [event for event in stage.chat.events_of("g1") if event.word == AFTER and event.body["MsgBody"] == text("red packet")]
    await stage.chat.log.until("all", lambda _: len(exceptions(stage, TOO_FAST)) + len(after()) >= 90, timeout=20)
    assert exceptions(stage, TOO_FAST), f"came {stage.chat.log}"
    if rate_mode == "reject":
        assert len(exceptions(stage, TOO_FAST)) == codes.count(412), f"came {codes}"
    for event in exceptions(stage, TOO_FAST):
        assert_shape(event.body, golden("rate_client"))


async def test_no_switch_of_a_caller_hides_an_exception(stage):
    tencent, _ = await lesson(stage, "python")
    both = ["ForbidBeforeSendMsgCallback", "ForbidAfterSendMsgCallback"]
    await by_rest(stage, tencent, "unknown", NONE, GroupId="never", ForbidCallbackControl=both)


async def test_what_the_business_drops_is_no_exception(stage):
    tencent, ann = await lesson(stage, "npm")
    before, said = len(exceptions(stage, FILTERED)), await history(tencent, "g1")
    stage.chat.answers[BEFORE] = 2
    await tencent.do("send_group_msg", **{"GroupId": "g1"} | REST)
    assert await attempt(ann, "g1", "dropped, too") is None
    stage.chat.answers.clear()
    await by_rest(stage, tencent, "unknown", NONE, GroupId="never")
    told = [event for event in stage.chat.events if event.word == EXCEPTION]
    assert len(told) == before + 1, f"came {stage.chat.log}"
    assert await history(tencent, "g1") == said


def test_the_document_s_sample_is_what_is_told_of_the_41st_message():
    """Its JSON lacks a comma and quotes the time; told is what it means."""
    sample = json.loads((GOLDEN / "chat_send_msg_exception.json").read_text())["body"]
    ours = json.loads((GOLDEN / "exception_rate_rest.json").read_text())
    assert sample.keys() - ours.keys() == set() and ours["ErrorInfo"] == sample["ErrorInfo"], f"{sample}"
    assert (ours["ErrorCode"], ours["MsgBody"], ours["CloudCustomData"]) == (10023, sample["MsgBody"], sample["CloudCustomData"])
