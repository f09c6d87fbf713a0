"""What a manager program says in a live room in somebody's name."""

import asyncio
import json
import time

import pytest

from harness.clients import SDKS
from harness.rooms import BAD, caller
from harness.shape import Now, assert_shape


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
