"""kill -9 and a new start on the same data: to a client it is a lost socket, to the business server nothing."""

import asyncio

import pytest

from harness.clients import SDKS, Refused


@pytest.mark.parametrize("sdk", SDKS)
async def test_a_client_resumes_and_recovers_after_the_server_was_killed(stage, sdk):
    app = await stage.app("g1")
    proxy = await stage.proxy()
    client = await stage.client(sdk, app, "ann", through=proxy.address)
    [subscribed] = await client.join("g1")
    for n in (1, 2, 3):
        await client.publish("g1", {"body": f"m{n}"})
    await client.publication("g1", nth=3)

    proxy.refuse()
    await stage.server.kill()
    await client.event("connecting", code=1)
    await stage.server.start()
    users = (await stage.control("CheckLiveMessageUsersOnline", AppId=app.id, UserIds=["ann"]))["UserList"]
    assert users == [{"UserId": "ann", "Online": True}], f"a session in its grace is online, came {users}"
    for n in (4, 5, 6):
        await stage.control("SendLiveMessageGroup", AppId=app.id, GroupId="g1", SenderId="server", Body=f"m{n}")
    proxy.accept()

    back = await client.event("connected", nth=2, timeout=30)
    sid = client.events("connected")[0]["client"]
    assert (back["data"]["resumed"], back["client"], back["data"]["groups"]) == (True, sid, ["g1"]), f"came {back}"
    again = await client.event("subscribed", nth=2, channel="group:g1")
    assert again["epoch"] == subscribed["epoch"], f"expected epoch {subscribed['epoch']}, came {again['epoch']}"
    assert (again["was_recovering"], again["recovered"]) == (True, True), f"recovery: {again}"
    await client.publish("g1", {"body": "m7"})
    await client.publication("g1", nth=7)
    heard = [(p["offset"], p["data"]["body"], p["data"]["total"]) for p in client.publications("g1")]
    assert heard == [(n, f"m{n}", n) for n in range(1, 8)], f"what ann heard: {heard}"

    await stage.receiver.event("ann", e=5)
    told = [(event.sid, event.fields) for event in stage.receiver.events_of("ann")]
    assert told == [(sid, {"e": 1}), (sid, {"e": 3, "g": "g1"}), (sid, {"e": 5, "gs": ["g1"]})], f"events: {told}"
    listed = await stage.control("ListLiveMessageGroupMessages", AppId=app.id, GroupId="g1", SortType=1, PageSize=10)
    kept = [(m["SeqNumber"], m["Body"]) for m in listed["MessageList"]]
    assert kept == [(n, f"m{n}") for n in range(1, 8)], f"what is listed: {kept}"


async def test_sigterm_closes_clients_with_a_code_that_lets_them_come_back(stage):
    app = await stage.app("g1")
    clients = [await stage.client(sdk, app, f"{sdk}-user") for sdk in SDKS]
    for client in clients:
        await client.join("g1")
    assert await stage.server.stop() == 0, "SIGTERM ends it with exit code 0"
    for client in clients:
        closed = await client.event("closed")
        assert closed["code"] == 3001 and closed["reason"], f"expected 3001 with a reason, came {closed}"
    await stage.server.start()
    for client in clients:
        back = await client.event("connected", nth=2, timeout=30)
        assert back["data"]["resumed"] is True, f"{client.log.name}: expected resumed, came {back}"


async def test_nothing_acknowledged_is_lost_while_the_server_is_killed_again_and_again(stage):
    app = await stage.app("g1")
    clients = [await stage.client(SDKS[n % 2], app, f"user{n}") for n in range(4)]
    for client in clients:
        await client.join("g1")
    acknowledged, over = [], asyncio.Event()

    async def keep_publishing(client):
        number = 0
        while not over.is_set():
            number += 1
            body = f"{client.name} {number}"
            try:
                await client.publish("g1", {"body": body})
                acknowledged.append(body)
            except Refused:
                await asyncio.sleep(0.05)  # the socket is gone; the SDK is busy with a new one
            await asyncio.sleep(0.02)

    publishing = [asyncio.create_task(keep_publishing(client)) for client in clients]
    for kill in range(3):
        for client in clients:
            await client.event("connected", nth=kill + 1, timeout=30)
        before = len(acknowledged)
        while len(acknowledged) < before + 50:
            await asyncio.sleep(0.01)
        await stage.server.kill()
        await stage.server.start()
    for client in clients:
        await client.event("connected", nth=4, timeout=30)
    over.set()
    await asyncio.gather(*publishing)

    last = await clients[0].call("history", channel="group:g1", limit=1, since=None, reverse=True)
    for client in clients:
        await client.log.until(
            f"publication {last['offset']}", lambda _, c=client: any(p["offset"] == last["offset"] for p in c.publications("g1"))
        )
    heard = [[(p["offset"], p["data"]["body"]) for p in client.publications("g1")] for client in clients]
    assert all(one == heard[0] for one in heard), "all heard the same in the same order"
    assert [n for n, _ in heard[0]] == list(range(1, last["offset"] + 1)), "offsets without gap or repeat"
    bodies = [body for _, body in heard[0]]
    lost = set(acknowledged) - set(bodies)
    assert not lost and len(set(bodies)) == len(bodies), f"lost {lost} of {len(acknowledged)}, or something came twice"
    for client in clients:
        user = client.name.split(".")[0]
        await stage.receiver.event(user, nth=3, e=5)
        told = [event.fields["e"] for event in stage.receiver.events_of(user)]
        assert told == [1, 3, 5, 5, 5], f"expected {user} to log on once and reconnect three times, came {told}"
