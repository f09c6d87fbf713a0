"""What one user says to another by the chat API, who of them is there, and what they said before."""

import json

import pytest

from harness.clients import OTHER, SDKS
from harness.groups import ELEMENTS, chat, text
from harness.shape import Now, assert_shape

both_sdks = pytest.mark.parametrize("sdk", SDKS)


@both_sdks
async def test_a_message_to_one_user_arrives_and_has_a_key(stage, sdk):
    tencent = await chat(stage)
    bob = await stage.viewer(sdk, tencent.app, "bob")
    direct = {"From_Account": "ann", "To_Account": "bob", "MsgRandom": 77, "MsgBody": ELEMENTS}
    sent = await tencent.do(
        "sendmsg", **direct, MsgSeq=93847636, SyncOtherMachine=2, CloudCustomData="custom", MsgLifeTime=604800,
        SendMsgControl=["NoUnread"], IsNeedReadReceipt=1,
    )
    assert_shape(sent, {"MsgTime": Now(), "MsgKey": f"93847636_77_{sent['MsgTime']}"})
    came = await bob.message()
    assert (came["elems"], came["sender"]["user"], came["custom"]) == (ELEMENTS, "ann", "custom"), f"came {came}"
    assert came["options"] == {"no_unread": True}, f"came {came}"
    sent = await tencent.do("sendmsg", To_Account="bob", MsgRandom=78, MsgBody=text("hi"))
    assert len(sent["MsgKey"].split("_")) == 3 and sent["MsgKey"].split("_")[1] == "78", f"a MsgSeq is made: {sent}"
    came = await bob.message(2)
    assert (came["body"], came["elems"], came["sender"]["user"]) == ("hi", text("hi"), "administrator"), f"came {came}"
    await tencent.do("sendmsg", From_Account="ann", To_Account="carl", MsgRandom=79, MsgBody=text("carl is not there"))


async def test_a_bad_message_to_one_user_is_told_with_the_code_of_its_fault(stage):
    tencent = await chat(stage)
    good = {"From_Account": "ann", "To_Account": "bob", "MsgRandom": 1, "MsgBody": text("x")}
    for code, bad in (
        (90003, {"To_Account": None}), (90003, {"To_Account": 1}), (90012, {"To_Account": "stranger"}), (90005, {"MsgRandom": None}),
        (90005, {"MsgRandom": "1"}), (90002, {"MsgBody": None}), (90007, {"MsgBody": {}}), ((90002, 90010), {"MsgBody": []}),
        ((90002, 90010), {"MsgBody": [{"MsgType": "Text", "MsgContent": {}}]}), (90008, {"From_Account": "stranger"}),
        (90008, {"From_Account": 1}), (90026, {"MsgLifeTime": 604801}), (90044, {"MsgLifeTime": "1"}), (90031, {"SyncOtherMachine": "1"}),
        ((20001, 90001, 90002), {"CloudCustomData": 1}),
    ):
        body = {name: value for name, value in (good | bad).items() if value is not None}
        answer = await tencent.call("sendmsg", body)
        codes = code if isinstance(code, tuple) else (code,)
        assert answer.code in codes, f"{bad}: expected {code}, came {answer.text}"
    answer = await tencent.call("sendmsg", b"{")
    assert tencent.is_refusal(90001, "sendmsg", answer) == "Fail to Parse json data of body, Please check it"


@both_sdks
async def test_a_message_to_many_reaches_each(stage, sdk):
    tencent = await chat(stage)
    bob, carl = await stage.viewer(sdk, tencent.app, "bob"), await stage.viewer(OTHER[sdk], tencent.app, "carl")
    batch = {"From_Account": "ann", "MsgRandom": 7, "MsgBody": text("all of you")}
    sent = await tencent.do("batchsendmsg", To_Account=["bob", "carl", "olga"], **batch)
    assert "MsgKey" in sent and sent.get("ErrorList", []) == [], f"came {sent}"
    for client in (bob, carl):
        assert (await client.message())["body"] == "all of you"
    sent = await tencent.do("batchsendmsg", To_Account=["bob", "stranger"], **batch | {"MsgRandom": 8})
    [error] = sent["ErrorList"]
    assert error["To_Account"] == "stranger" and error["ErrorCode"] in (70107, 90012), f"came {sent}"
    assert (await bob.message(2))["body"] == "all of you"
    await tencent.refused(90011, "batchsendmsg", To_Account=[f"u{n}" for n in range(501)], **batch)
    for bad in ({}, {"To_Account": []}, {"To_Account": "bob"}):
        answer = await tencent.call("batchsendmsg", batch | bad)
        assert 90000 < answer.code < 91000, f"{bad}: came {answer.text}"


@pytest.mark.virtual_clock
@both_sdks
async def test_who_is_there_and_who_is_not(stage, sdk):
    tencent = await chat(stage)
    proxy = await stage.proxy()
    await stage.viewer(sdk, tencent.app, "ann", device="Android 14")
    await stage.viewer(OTHER[sdk], tencent.app, "bob", device="iPad", through=proxy.address)
    asked = {"To_Account": ["ann", "bob", "carl", "stranger"]}
    came = await tencent.do("query_online_status", **asked)
    assert came == {
        "QueryResult": [
            {"To_Account": "ann", "State": "Online"}, {"To_Account": "bob", "State": "Online"}, {"To_Account": "carl", "State": "Offline"},
        ],
        "ErrorList": [{"To_Account": "stranger", "ErrorCode": 70107}],
    }, f"came {came}"
    proxy.refuse()
    await stage.lose(proxy)
    came = await tencent.do("query_online_status", **asked, IsNeedDetail=1)
    [ann, bob, carl] = came["QueryResult"]
    assert ann == {"To_Account": "ann", "State": "Online", "Detail": [{"Platform": "Android", "Status": "Online"}]}, f"came {came}"
    assert bob == {"To_Account": "bob", "State": "PushOnline", "Detail": [{"Platform": "iPad", "Status": "PushOnline"}]}, f"came {came}"
    assert carl["State"] == "Offline" and not carl.get("Detail"), f"came {came}"
    await stage.advance(100)
    came = await tencent.do("query_online_status", To_Account=["bob"])
    assert came["QueryResult"] == [{"To_Account": "bob", "State": "Offline"}], f"came {came}"
    await tencent.refused(90001, "query_online_status", To_Account=[])
    await tencent.refused(90011, "query_online_status", To_Account=[f"u{n}" for n in range(501)])


@both_sdks
async def test_what_two_said_to_each_other_is_read_again_and_taken_back(stage, sdk):
    tencent = await chat(stage)
    bob = await stage.viewer(sdk, tencent.app, "bob")
    keys = []
    for n, (one, other) in enumerate([("ann", "bob"), ("bob", "ann"), ("ann", "bob"), ("ann", "carl"), ("bob", "ann")]):
        said = {"MsgSeq": n, "MsgRandom": n, "MsgBody": text(f"m{n}"), "CloudCustomData": f"c{n}"}
        keys.append((await tencent.do("sendmsg", From_Account=one, To_Account=other, **said))["MsgKey"])
    await tencent.do("sendmsg", From_Account="ann", To_Account="bob", MsgRandom=9, MsgBody=text("now or never"), MsgLifeTime=0)
    await bob.message(3)
    between = {"Operator_Account": "ann", "Peer_Account": "bob", "MinTime": 0, "MaxTime": 4_000_000_000}
    came = await tencent.do("admin_getroammsg", **between, MaxCnt=10)
    assert (came["Complete"], came["MsgCnt"]) == (1, 4), f"came {came}"
    assert [(one["From_Account"], one["MsgBody"]) for one in came["MsgList"]] == [
        ("ann", text("m0")), ("bob", text("m1")), ("ann", text("m2")), ("bob", text("m4")),
    ] or [one["MsgSeq"] for one in came["MsgList"]] == [4, 2, 1, 0], f"came {came}"
    one = next(one for one in came["MsgList"] if one["MsgSeq"] == 2)
    assert (one["MsgKey"], one["MsgRandom"], one["To_Account"], one["MsgFlagBits"]) == (keys[2], 2, "bob", 0), f"came {came}"
    assert one["CloudCustomData"] == "c2" and one["MsgTimeStamp"] == Now(), f"came {came}"

    found, last = [], {}
    for _ in range(4):
        page = await tencent.do("admin_getroammsg", **between | last, MaxCnt=2)
        found += [one["MsgSeq"] for one in page["MsgList"]]
        last = {"LastMsgKey": page["LastMsgKey"], "MaxTime": page["LastMsgTime"]}
        if page["Complete"] == 1:
            break
    assert sorted(found) == [0, 1, 2, 4] and len(found) == 4, f"page by page: {found}"

    assert await tencent.do("admin_msgwithdraw", From_Account="ann", To_Account="bob", MsgKey=keys[2]) == {}
    await bob.log.until("that it was taken back", lambda _: any(
        "message.deleted" in json.dumps(event) for event in bob.events("message")
    ))
    after = await tencent.do("admin_getroammsg", **between, MaxCnt=10)
    withdrawn = [one for one in after["MsgList"] if one["MsgSeq"] == 2]
    assert all(one["MsgFlagBits"] == 8 for one in withdrawn), f"came {after}"
    await tencent.refused(20022, "admin_msgwithdraw", From_Account="ann", To_Account="bob", MsgKey="1_2_3")
    for key in ("", "x", "1_2", "1_2_x", 1):
        answer = await tencent.call("admin_msgwithdraw", {"From_Account": "ann", "To_Account": "bob", "MsgKey": key})
        assert answer.code == 90054, f"{key!r}: came {answer.text}"
