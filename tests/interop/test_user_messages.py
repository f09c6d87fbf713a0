"""Messages to one user: plain ones, reliable ones that wait for the client's ack, and their deletion."""

import asyncio
import time

import pytest

from harness import cloud
from harness.clients import OTHER, SDKS
from harness.shape import Now, assert_shape

ACK_WITHIN = 3.0  # seconds


@pytest.mark.parametrize("sdk", SDKS)
async def test_a_message_reaches_its_receiver_and_nobody_else(stage, sdk):
    app = await stage.app("g1")
    ann, bob = await stage.client(sdk, app, "ann"), await stage.client(OTHER[sdk], app, "bob")
    await ann.join("g1")
    await bob.join("g1")
    send = {"AppId": app.id, "SenderId": "shop", "ReceiverId": "ann"}
    sent = await stage.control(
        "SendLiveMessageUser", **send, SenderInfo='{"名":"Shop"}', Body='{"s":"a b*~+中"}', MsgType=10001, MsgTid="tid-1"
    )
    assert sent["MsgTid"] == "tid-1", f"came {sent}"
    assert_shape(await ann.message(), {
        "type": 10001, "body": '{"s":"a b*~+中"}', "tid": "tid-1", "sender": {"user": "shop", "info": '{"名":"Shop"}'},
        "time": Now(1000),
    })
    sent = await stage.control("SendLiveMessageUser", **send, Body="no tid, no type")
    assert_shape(await ann.message(nth=2), {
        "type": 1, "body": "no tid, no type", "tid": sent["MsgTid"], "sender": {"user": "shop", "info": ""}, "time": Now(1000),
    })
    await stage.control("SendLiveMessageUser", **send | {"ReceiverId": "bob"}, Body="for bob")
    assert (await bob.message())["body"] == "for bob", "the first message that bob got"
    assert len(ann.events("message")) == 2 and len(bob.events("message")) == 1


@pytest.mark.parametrize("sdk", SDKS)
async def test_a_reliable_message_succeeds_with_the_receivers_ack(stage, sdk):
    app = await stage.app()
    ann = await stage.client(sdk, app, "ann")
    began = time.monotonic()
    sending = stage.meanwhile(stage.control(
        "SendLiveMessageUser", AppId=app.id, SenderId="shop", ReceiverId="ann", Body="surely", MsgTid="t1", HighReliability=True
    ))
    message = await ann.message()
    assert isinstance(message.get("ack"), str) and message["ack"], f"expected an ack id, came {message}"
    await ann.call("send", data={"ack": ["some-other-id"]})
    done, _ = await asyncio.wait({sending}, timeout=0.5)
    assert not done, f"the ack of another message must not count, came {done}"
    await ann.call("send", data={"ack": [message["ack"]]})
    assert (await sending)["MsgTid"] == "t1"
    assert time.monotonic() - began < ACK_WITHIN, "answered by the ack, not by the time-out"


@pytest.mark.parametrize("sdk", SDKS)
async def test_a_reliable_message_without_an_ack_fails_after_3_seconds(stage, sdk):
    app = await stage.app()
    ann = await stage.client(sdk, app, "ann")
    began = time.monotonic()
    await stage.refused(
        500, "ServerError", "SendLiveMessageUser", AppId=app.id, SenderId="shop", ReceiverId="ann", Body="surely",
        HighReliability=True,
    )
    took = time.monotonic() - began
    assert ACK_WITHIN - 0.1 <= took < ACK_WITHIN + 2, f"expected {ACK_WITHIN} s, came {took:.2f} s"
    assert (await ann.message())["body"] == "surely", "it was shown, and not acknowledged"


async def test_who_waits_for_an_ack_holds_up_nobody_else(stage):
    app = await stage.app("g1")
    ann, bob = await stage.client("npm", app, "ann"), await stage.client("python", app, "bob")
    await bob.join("g1")
    reliable = {"AppId": app.id, "SenderId": "shop", "ReceiverId": "ann", "HighReliability": True}
    waiting = [stage.meanwhile(stage.control("SendLiveMessageUser", **reliable, Body=f"m{n}")) for n in range(20)]
    acks = [(await ann.message(nth=n + 1))["ack"] for n in range(20)]
    began = time.monotonic()
    await bob.publish("g1", {"body": "as ever"})
    await bob.heard("g1", "as ever")
    await stage.control("DescribeLiveMessageGroup", AppId=app.id, GroupId="g1")
    assert time.monotonic() - began < 1, "nobody else waits for ann"
    await ann.call("send", data={"ack": acks})
    await asyncio.gather(*waiting)


@pytest.mark.parametrize("sdk", cloud.SDKS)
async def test_an_absent_receiver_does_not_exist(stage, sdk):
    app = await stage.app()
    for reliable in (False, True):
        await stage.refused(
            404, "ResourceNotExist", "SendLiveMessageUser", sdk, AppId=app.id, SenderId="shop", ReceiverId="away", Body="x",
            HighReliability=reliable,
        )


@pytest.mark.parametrize("sdk", SDKS)
async def test_the_receiver_is_told_of_a_deleted_message(stage, sdk):
    app = await stage.app()
    ann = await stage.client(sdk, app, "ann")
    await stage.control("SendLiveMessageUser", AppId=app.id, SenderId="shop", ReceiverId="ann", Body="oops", MsgTid="t1")
    await ann.message()
    delete = {"AppId": app.id, "MessageId": "t1", "ReceiverId": "ann"}
    message = await stage.refused(400, "InputInvalid", "DeleteLiveMessageUserMessage", **delete)
    assert "DeleterId" in message, f"declared optional, but needed; expected it to be named, came {message!r}"
    await stage.control("DeleteLiveMessageUserMessage", **delete, DeleterId="shop", DeleterInfo="the shop")
    assert_shape(await ann.message(nth=2), {
        "event": "message.deleted", "tid": "t1", "by": {"user": "shop", "info": "the shop"}, "time": Now(1000),
    })
