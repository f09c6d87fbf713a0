"""Callbacks a business server answers badly come again: the same bytes, signed anew."""

import pytest

LADDER = (1, 2, 5)  # the first waits in seconds; on a busy machine a try may come late, but not as late as the next


@pytest.mark.parametrize("bad", [(500, 500), (404, 202), (302, 503)], ids=lambda bad: f"{bad[0]} then {bad[1]}")
async def test_a_callback_that_was_not_answered_200_comes_again_after_1_and_2_seconds(stage, bad):
    app = await stage.app()
    stage.receiver.next_statuses.extend(bad)
    client = await stage.client("python", app, "ann")
    await stage.receiver.event("ann", e=1)
    tries = stage.receiver.callbacks
    assert [c.answered for c in tries] == [*bad, 200], f"tries: {stage.receiver.log}"
    for n, wait in enumerate(LADDER[:2]):
        came = tries[n + 1].at - tries[n].at
        assert wait - 0.05 <= came < LADDER[n + 1], f"expected {wait} s before try {n + 2}, came {came:.2f} s"
    assert len({c.body for c in tries}) == 1, f"expected the same body each time: {stage.receiver.log}"
    assert len({c.delivery for c in tries}) == 1, f"expected the same Roomd-Delivery each time: {stage.receiver.log}"
    signatures, stamps = {c.signature for c in tries}, {c.stamp for c in tries}
    assert len(signatures) == len(stamps) == 3, f"expected a fresh signature each time, came {stamps} {signatures}"
    await client.disconnect()
    await stage.receiver.event("ann", e=2, timeout=6)


async def test_one_users_failing_callback_holds_back_his_next_events_but_nobody_elses(stage):
    app = await stage.app("g1")
    stage.receiver.failing_users.add("ann")
    ann = await stage.client("python", app, "ann")
    await ann.join("g1")
    await stage.receiver.log.until("ann's failed logon", lambda seen: seen)
    await stage.client("python", app, "bob")
    await stage.receiver.event("bob", e=1)
    stage.receiver.failing_users.clear()
    await stage.receiver.event("ann", e=3)
    told = [(event.uid, event.fields) for event in stage.receiver.events]
    expected = [("bob", {"e": 1}), ("ann", {"e": 1}), ("ann", {"e": 3, "g": "g1"})]
    assert told == expected, f"expected bob's logon while ann's waits, then ann's in order; came {told}"


async def test_a_changed_url_takes_the_waiting_callbacks_along(stage):
    app = await stage.app()
    stage.receiver.status = 500
    client = await stage.client("python", app, "ann")
    await stage.receiver.log.until("a failed try", lambda seen: seen)
    elsewhere = type(stage.receiver)()
    elsewhere.keys = stage.receiver.keys
    await elsewhere.start()
    await stage.control("ModifyLiveMessageAppCallback", AppId=app.id, EventCallbackUrl=elsewhere.url)
    await elsewhere.event("ann", e=1)
    elsewhere.check()
    assert elsewhere.callbacks[0].body == stage.receiver.callbacks[0].body, "the same bytes go to the new URL"
    assert elsewhere.callbacks[0].delivery == stage.receiver.callbacks[0].delivery, "it is the same delivery"
    await client.stop()
    elsewhere.stop()
