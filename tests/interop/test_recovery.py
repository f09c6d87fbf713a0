"""A client in three groups loses its socket while 300 messages are sent, and misses none of them."""

import asyncio
import time

import pytest

from harness.clients import SDKS, OTHER

GROUPS = ("g1", "g2", "g3")
PING_GRACE = 500  # ms a client waits beyond the 25 s between two pings before it gives up
GIVES_UP_WITHIN = 35
HELD = 2.0  # s a session is held after its client closed the socket properly
LOSSES = ("black_hole", "tcp_reset", "own_close")  # the longest first


class Writer:
    """Sends 100 numbered messages to each group, within the server's limit of commands a second."""

    def __init__(self, client):
        self.client = client
        self.sent = 0

    async def send_until(self, last, a_second=None):
        while self.sent < last:
            started = time.monotonic()
            self.sent += 1
            await asyncio.gather(*(self.client.publish(g, {"body": f"{g} #{self.sent}"}) for g in GROUPS))
            if a_second:
                await asyncio.sleep(max(0, started + len(GROUPS) / a_second - time.monotonic()))


async def lose_the_socket(loss, reader, proxy, while_gone):
    """Loses it, lets `while_gone` run without the reader, and leaves when it may come back."""
    if loss == "own_close":
        await reader.disconnect()
        gone = asyncio.create_task(while_gone)
        await asyncio.wait([gone], timeout=HELD / 2)
        await reader.call("connect")
        await gone
        return
    proxy.refuse()
    proxy.reset() if loss == "tcp_reset" else proxy.black_hole()
    await while_gone
    code = 2 if loss == "black_hole" else 1  # the SDKs' own codes: no ping, transport closed
    await reader.event("connecting", code=code, timeout=GIVES_UP_WITHIN)
    proxy.accept()


@pytest.mark.parametrize("sdk", SDKS)
@pytest.mark.parametrize("loss", LOSSES)
async def test_every_missed_message_of_each_group_comes_in_order(stage, loss, sdk):
    app = await stage.app(*GROUPS)
    proxy = await stage.proxy()
    reader = await stage.client(sdk, app, "reader", through=proxy.address, ping_grace_ms=PING_GRACE)
    await reader.join(*GROUPS)
    writer = Writer(await stage.client(OTHER[sdk], app, "writer"))
    await writer.client.join(*GROUPS)

    await writer.send_until(20)
    for group in GROUPS:
        await reader.publication(group, nth=20)
    await lose_the_socket(loss, reader, proxy, while_gone=writer.send_until(60))
    await writer.send_until(100, a_second=80)  # some of these while the reader recovers, some after

    back = await reader.event("connected", nth=2, timeout=GIVES_UP_WITHIN)
    first = reader.events("connected")[0]
    assert back["data"]["resumed"] is True, f"expected resumed, came {back}"
    assert back["client"] == first["client"], f"the session keeps its sid {first['client']}, came {back['client']}"
    assert sorted(back["data"]["groups"]) == list(GROUPS), f"groups kept: {back}"
    for group in GROUPS:
        again = await reader.event("subscribed", nth=2, channel=f"group:{group}")
        assert (again["was_recovering"], again["recovered"]) == (True, True), f"recovery of {group}: {again}"
        await reader.publication(group, nth=100)
    for group in GROUPS:
        heard = [(p["offset"], p["data"]["body"]) for p in reader.publications(group)]
        assert heard == [(n, f"{group} #{n}") for n in range(1, 101)], f"what the reader heard in {group}: {heard}"

    reconnected = await stage.receiver.event("reader", e=5)
    assert reconnected.sid == first["client"], f"expected sid {first['client']}, came {reconnected}"
    assert reconnected.fields.keys() == {"e", "gs"}, f"fields of the event: {reconnected}"
    assert sorted(reconnected.fields["gs"]) == list(GROUPS), f"gs of the event: {reconnected}"
    told = [event.fields["e"] for event in stage.receiver.events_of("reader")]
    assert told == [1, 3, 3, 3, 5], f"expected logon, three joins, one reconnection, came {told}"


@pytest.mark.parametrize("sdk", SDKS)
async def test_a_client_back_after_its_session_ended_joins_anew_and_still_misses_nothing(stage, sdk):
    app = await stage.app("g1")
    writer = await stage.client(OTHER[sdk], app, "writer")
    await writer.join("g1")
    reader = await stage.client(sdk, app, "reader")
    await reader.join("g1")
    await writer.publish("g1", {"body": "1"})
    await reader.publication("g1")
    await reader.disconnect()
    await stage.receiver.event("reader", e=2, timeout=6)
    for n in range(2, 6):
        await writer.publish("g1", {"body": str(n)})
    back = await reader.connect()
    assert (back["data"]["resumed"], back["data"]["groups"]) == (False, []), f"a new session, came {back}"
    again = await reader.event("subscribed", nth=2, channel="group:g1")
    assert (again["was_recovering"], again["recovered"]) == (True, True), f"recovery: {again}"
    await reader.publication("g1", nth=5)
    heard = [(p["offset"], p["data"]["body"]) for p in reader.publications("g1")]
    assert heard == [(n, str(n)) for n in range(1, 6)], f"what the reader heard: {heard}"
    await stage.receiver.event("reader", nth=2, e=3)
    told = [event.fields["e"] for event in stage.receiver.events_of("reader")]
    assert told == [1, 3, 2, 1, 3], f"expected two whole sessions but for the second logoff, came {told}"


@pytest.mark.parametrize("sdk", SDKS)
async def test_what_is_too_much_to_recover_is_said_so_and_read_from_the_history(stage, sdk):
    app = await stage.app("g1")
    proxy = await stage.proxy()
    reader = await stage.client(sdk, app, "reader", through=proxy.address)
    await reader.join("g1")
    writer = await stage.client(OTHER[sdk], app, "writer")
    await writer.join("g1")
    proxy.refuse()
    proxy.reset()
    for n in range(1, 41):
        await writer.publish("g1", {"body": f"{n} ".ljust(15_000, "x")})  # 600 KB; 512 KiB are recovered at most
    proxy.accept()
    again = await reader.event("subscribed", nth=2, channel="group:g1", timeout=30)
    came = (again["was_recovering"], again["recovered"], again["offset"])
    assert came == (True, False, 40), f"expected not recovered, with offset 40, came {came}"
    read, top = [], again["offset"]
    while len(read) < top:  # a page may be cut short, because what is read at once is bounded as well
        since = {"offset": len(read), "epoch": again["epoch"]}
        page = await reader.call("history", channel="group:g1", limit=100, since=since, reverse=False)
        assert page["publications"] and page["offset"] == top, f"a page since {since}: {page}"
        read += [(p["offset"], p["data"]["body"].split()[0]) for p in page["publications"]]
    assert read == [(n, str(n)) for n in range(1, 41)], f"what the history holds: {read}"
    await writer.publish("g1", {"body": "live"})
    live = await reader.publication("g1")
    assert (live["offset"], live["data"]["body"]) == (41, "live"), f"the first push after it: {live}"
