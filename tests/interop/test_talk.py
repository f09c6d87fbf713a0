"""Two users on different SDKs log in with the login JSON their own server made, join a group and talk."""

import asyncio
import re

import pytest

from harness.clients import SDKS, OTHER, Refused
from harness.shape import Now, assert_shape

TEXT = re.compile(r".+")


@pytest.mark.parametrize("control_sdk", ["v3", "old"])
@pytest.mark.parametrize("sdk", SDKS)
async def test_what_one_says_both_hear_and_the_business_server_is_told(stage, sdk, control_sdk):
    app = await stage.app("class", sdk=control_sdk)
    group = "group:class"
    sids, infos = {}, {"ann": "Ann", "bob": '{"名":"Bob"}'}
    ann = await stage.client(sdk, app, "ann", info=infos["ann"])
    bob = await stage.client(OTHER[sdk], app, "bob", info=infos["bob"])
    for client, user in ((ann, "ann"), (bob, "bob")):
        [connected] = client.events("connected")
        sids[user] = connected["client"]
        assert_shape(connected["data"], {
            "app_id": app.id, "user_id": user, "role": "", "resumed": False, "groups": [], "channels": [],
        })
        [reply] = [e["reply"]["connect"] for e in client.events("wire") if "connect" in e["reply"]]
        assert_shape({k: v for k, v in reply.items() if k not in ("data", "client", "subs")}, {
            "version": re.compile(r"roomd \S+"), "ping": 25, "pong": True, "time": Now(1000),
        })

    [subscribed] = await ann.join("class")
    assert_shape({k: v for k, v in subscribed.items() if k != "data"}, {
        "event": "subscribed", "channel": group, "recoverable": True, "positioned": True, "offset": 0,
        "epoch": TEXT, "was_recovering": False, "recovered": False,
    })
    assert_shape({k: subscribed["data"].get(k) for k in ("group_id", "online", "total", "muted_all", "amounts")}, {
        "group_id": "class", "online": 1, "total": 1, "muted_all": False, "amounts": {},
    })
    await bob.join("class")
    joined = await ann.event("join", channel=group)
    bobs_info = {"user": "bob", "client": sids["bob"], "conn_info": infos["bob"]}
    assert joined["info"] == bobs_info, f"ann was told of {joined}"

    await bob.publish("class", {"body": "hi", "type": 1})
    for client in (ann, bob):
        heard = await client.publication("class")
        assert_shape({k: heard.get(k) for k in ("data", "offset", "info")}, {
            "data": {
                "type": 1, "body": "hi", "tid": TEXT, "sender": {"user": "bob", "info": infos["bob"]}, "weight": 1,
                "total": 1,
            },
            "offset": 1,
            "info": {"user": "bob", "client": sids["bob"]},
        }, f"what {client.log.name} heard")
        [push] = client.pushes("class")
        assert_shape(push["time"], Now(1000), f"time of what {client.log.name} heard")
    tid = ann.publications("class")[0]["data"]["tid"]

    for client in (ann, bob):
        present = await client.call("presence", channel=group)
        expected = {sid: {"user": user, "client": sid, "conn_info": infos[user]} for user, sid in sids.items()}
        assert_shape(present, expected, "presence")
        assert await client.call("presence_stats", channel=group) == {"num_clients": 2, "num_users": 2}
        history = await client.call("history", channel=group, limit=10, since=None, reverse=False)
        assert [(p["offset"], p["data"]["body"], p["data"]["tid"]) for p in history["publications"]] == [(1, "hi", tid)]
        assert (history["offset"], history["epoch"]) == (1, subscribed["epoch"]), f"top of the history: {history}"

    listed = await stage.control(
        "ListLiveMessageGroupMessages", control_sdk, AppId=app.id, GroupId="class", SortType=1, PageSize=10
    )
    assert_shape(listed["MessageList"], [{
        "MsgTid": tid, "MsgType": 1, "Body": "hi", "Sender": {"UserId": "bob", "UserInfo": infos["bob"]},
        "SeqNumber": 1, "Timestamp": Now(), "TotalMessages": 1,
    }])

    await bob.call("unsubscribe", channel=group)
    left = await ann.event("leave", channel=group)
    assert left["info"] == bobs_info, f"ann was told of {left}"
    await stage.receiver.event("bob", e=4)
    await stage.receiver.event("ann", e=3)
    for user, expected in (
        ("ann", [{"e": 1}, {"e": 3, "g": "class"}]),
        ("bob", [{"e": 1}, {"e": 3, "g": "class"}, {"e": 4, "g": "class"}]),
    ):
        came = [(e.app, e.sid, e.fields) for e in stage.receiver.events_of(user)]
        assert came == [(app.id, sids[user], fields) for fields in expected], f"events of {user}: {came}"


@pytest.mark.parametrize("sdk", SDKS)
async def test_a_client_may_join_as_it_connects_and_leave_and_join_again_at_once(stage, sdk):
    app = await stage.app("g1", "g2")
    client = await stage.client(sdk, app, "ann", connect=False)
    await client.ask_to_join("g1", "g2")  # the SDKs may send this in one frame with connect
    await client.connect()
    for group in ("g1", "g2"):
        await client.event("subscribed", channel=f"group:{group}")
    await client.call("unsubscribe", channel="group:g1")
    await client.ask_to_join("g1")
    await client.event("subscribed", nth=2, channel="group:g1")
    await client.publish("g1", {"body": "still in"})
    await client.publication("g1")
    await stage.receiver.event("ann", nth=2, e=3, g="g1")
    told = [event.fields for event in stage.receiver.events_of("ann")]
    joined_first = sorted(told[1:3], key=lambda fields: fields["g"])
    assert [told[0], *joined_first, *told[3:]] == [
        {"e": 1}, {"e": 3, "g": "g1"}, {"e": 3, "g": "g2"}, {"e": 4, "g": "g1"}, {"e": 3, "g": "g1"},
    ], f"events of ann: {told}"


@pytest.mark.parametrize("sdk", SDKS)
async def test_history_is_read_forwards_backwards_and_from_a_position(stage, sdk):
    app = await stage.app("g1")
    client = await stage.client(sdk, app, "ann")
    [subscribed] = await client.join("g1")
    for n in range(1, 13):
        await client.publish("g1", {"body": f"m{n}"})

    async def offsets(limit, since=None, reverse=False):
        position = {"offset": since, "epoch": subscribed["epoch"]} if since is not None else None
        result = await client.call("history", channel="group:g1", limit=limit, since=position, reverse=reverse)
        assert result["offset"] == 12, f"top of the stream: {result}"
        assert all(p["data"]["body"] == f"m{p['offset']}" for p in result["publications"]), f"bodies: {result}"
        return [p["offset"] for p in result["publications"]]

    assert await offsets(100) == list(range(1, 13))
    assert await offsets(5) == [1, 2, 3, 4, 5]
    assert await offsets(5, since=5) == [6, 7, 8, 9, 10]
    assert await offsets(5, reverse=True) == [12, 11, 10, 9, 8]
    assert await offsets(5, since=8, reverse=True) == [7, 6, 5, 4, 3]


@pytest.mark.parametrize("sdk", SDKS)
async def test_what_a_client_may_not_do_is_refused_by_the_clouds_code(stage, sdk):
    app = await stage.app("g1")
    client = await stage.client(sdk, app, "ann")

    async def refusal(what, **args):
        with pytest.raises(Refused) as caught:
            await client.call(what, **args)
        return caught.value.code

    assert await refusal("publish", channel="group:g1", data={"body": "x"}) == 425, "publish without having joined"
    await client.join("g1")
    assert await refusal("publish", channel="group:g1", data={"body": "x" * 15_361}) == 107, "a body over 15 KB"
    assert await refusal("publish", channel="group:g1", data={"body": "x", "tid": "t" * 65}) == 107, "a tid over 64 B"
    assert await refusal("rpc", method="no.such", data={}) == 104, "an unknown method"
    await client.call("subscribe", channel="group:nosuch", join_leave=False)
    unsubscribed = await client.event("unsubscribed", channel="group:nosuch")
    assert unsubscribed["code"] == 440, f"a group that does not exist: {unsubscribed}"


@pytest.mark.parametrize("sdk", SDKS)
async def test_a_deleted_group_puts_its_members_out(stage, sdk):
    app = await stage.app("g1")
    client = await stage.client(sdk, app, "ann")
    await client.join("g1")
    await stage.control("DeleteLiveMessageGroup", AppId=app.id, GroupId="g1")
    unsubscribed = await client.event("unsubscribed", channel="group:g1")
    assert unsubscribed["code"] == 2101 and unsubscribed["reason"], f"came {unsubscribed}"


@pytest.mark.parametrize("sdk", SDKS)
async def test_publications_of_many_arrive_in_one_order_for_all(stage, sdk):
    app = await stage.app("g1")
    clients = [await stage.client(s, app, f"user{n}") for n, s in enumerate((sdk, sdk, OTHER[sdk]))]
    for client in clients:
        await client.join("g1")
    await asyncio.gather(*(
        client.publish("g1", {"body": f"{client.name} {n}"}) for client in clients for n in range(50)
    ))
    heard = []
    for client in clients:
        await client.publication("g1", nth=150)
        heard.append([(p["offset"], p["data"]["body"], p["data"]["total"]) for p in client.publications("g1")])
    assert [offset for offset, _, _ in heard[0]] == list(range(1, 151)), "offsets count from 1 without gap or repeat"
    assert [total for _, _, total in heard[0]] == list(range(1, 151)), "so do the totals"
    assert heard[1] == heard[0] and heard[2] == heard[0], "all heard the same in the same order"
