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
