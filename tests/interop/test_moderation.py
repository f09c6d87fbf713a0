"""Moderation: the business's own server is asked first, or the word list in the data folder is."""

import asyncio
import time

import pytest

from harness.clients import OTHER, SDKS, Refused

REFUSED = 451
BUDGET = 2.0  # seconds that a moderation server has


async def pair(stage, sdk, app):
    """Two members of `g1`, on different SDKs."""
    ann, bob = await stage.client(sdk, app, "ann"), await stage.client(OTHER[sdk], app, "bob")
    await ann.join("g1")
    await bob.join("g1")
    return ann, bob


async def refusal(client, group, body):
    """The words with which a message was refused."""
    with pytest.raises(Refused) as caught:
        await client.publish(group, {"body": body})
    assert caught.value.code == REFUSED, f"{body!r}: expected {REFUSED}, came {caught.value}"
    return caught.value.message


@pytest.mark.parametrize("sdk", SDKS)
async def test_what_the_moderation_server_refuses_reaches_nobody_and_the_sender_is_told_why(stage, sdk):
    app = await stage.app("g1")
    moderator = await stage.moderator(app)
    moderator.verdicts["rude 粗"] = {"pass": False, "reason": "mind your words 注意"}
    moderator.verdicts["no verdict"] = {"reason": "pass is not true"}
    ann, bob = await pair(stage, sdk, app)
    await ann.publish("g1", {"body": "polite", "type": 7})
    assert "mind your words 注意" in await refusal(ann, "g1", "rude 粗")
    assert "pass is not true" in await refusal(ann, "g1", "no verdict")
    await ann.publish("g1", {"body": "sorry"})
    for client in (ann, bob):
        await client.heard("g1", "sorry")
        assert client.bodies("g1") == ["polite", "sorry"], f"came {client.bodies('g1')}"
    assert [p["offset"] for p in bob.publications("g1")] == [1, 2], "a refused message takes no number"
    assert moderator.asked == ["polite", "rude 粗", "no verdict", "sorry"], f"asked about {moderator.asked}"
    amounts = (await stage.control("DescribeLiveMessageGroup", AppId=app.id, GroupId="g1"))["MsgAmount"]
    assert amounts == {"7": 1, "1": 1}, f"nor is it counted: {amounts}"

    await stage.control("SendLiveMessageGroup", AppId=app.id, GroupId="g1", SenderId="shop", Body="rude 粗")
    await bob.heard("g1", "rude 粗")  # the business's own server is not asked about


@pytest.mark.parametrize("sdk", SDKS)
@pytest.mark.parametrize("answer", [500, 404, 302])
async def test_a_moderation_server_that_fails_lets_everything_through(stage, sdk, answer):
    app = await stage.app("g1")
    moderator = await stage.moderator(app)
    moderator.verdicts["whatever"] = answer
    ann, bob = await pair(stage, sdk, app)
    await ann.publish("g1", {"body": "whatever"})
    await bob.heard("g1", "whatever")
    assert moderator.asked == ["whatever"], f"asked once, about {moderator.asked}"


async def test_a_moderation_server_that_is_not_there_lets_everything_through(stage):
    app = await stage.app("g1")
    moderator = await stage.moderator(app)
    moderator.stop()
    ann, bob = await pair(stage, "npm", app)
    await ann.publish("g1", {"body": "whatever"})
    await bob.heard("g1", "whatever")


@pytest.mark.parametrize("sdk", SDKS)
async def test_a_moderation_server_that_hangs_delays_its_sender_alone_and_keeps_the_order(stage, sdk):
    app = await stage.app("g1", "g2")
    moderator = await stage.moderator(app)
    moderator.verdicts["hangs"] = None
    ann, bob = await pair(stage, sdk, app)
    unmoderated = await stage.app("g1")
    other = await stage.client("npm", unmoderated, "other")
    await other.join("g1")
    began = time.monotonic()
    sending = [stage.meanwhile(ann.publish("g1", {"body": body})) for body in ("hangs", "second", "third")]
    await moderator.log.until("the question", lambda seen: seen)
    for n in range(20):
        await other.publish("g1", {"body": f"m{n}"})
    await bob.publish("g1", {"body": "bob's"})
    await bob.heard("g1", "bob's")
    assert time.monotonic() - began < BUDGET - 0.5, "neither another application nor another sender waits"
    await asyncio.gather(*sending)
    took = time.monotonic() - began
    assert BUDGET - 0.1 <= took < BUDGET + 1.5, f"let through after {BUDGET} s of silence, came {took:.2f} s"
    await bob.heard("g1", "third")
    said = [body for body in bob.bodies("g1") if body != "bob's"]
    assert said == ["hangs", "second", "third"], f"the messages of one sender keep their order: {said}"


async def test_only_the_creator_and_admins_may_go_past_moderation(stage):
    app = await stage.app()
    await stage.group(app, "g1", CreatorId="teacher")
    moderator = await stage.moderator(app)
    moderator.verdicts["rude"] = {"pass": False, "reason": "rude"}
    teacher, ann = await stage.client("npm", app, "teacher"), await stage.client("python", app, "ann")
    await teacher.join("g1")
    await ann.join("g1")
    await teacher.publish("g1", {"body": "rude", "audit": False})
    await ann.heard("g1", "rude")
    assert moderator.asked == [], f"asked about {moderator.asked}"
    code = await ann.refused("publish", channel="group:g1", data={"body": "rude", "audit": False})
    assert code == REFUSED, f"a normal member is moderated all the same, came {code}"
    assert "rude" in await refusal(teacher, "g1", "rude")


async def test_moderation_that_is_switched_off_asks_nobody(stage):
    app = await stage.app("g1")
    moderator = await stage.moderator(app)
    moderator.verdicts["rude"] = {"pass": False, "reason": "rude"}
    ann, bob = await pair(stage, "npm", app)
    await refusal(ann, "g1", "rude")
    await stage.control("ModifyLiveMessageAppAudit", AppId=app.id, AuditType=0)
    await ann.publish("g1", {"body": "rude"})
    await bob.heard("g1", "rude")
    assert moderator.asked == ["rude"], f"asked about {moderator.asked}"


@pytest.mark.parametrize("sdk", SDKS)
async def test_the_word_list_refuses_what_has_a_word_of_it_in_any_spelling_and_is_read_again(stage, sdk):
    words = stage.server.data / "words.txt"
    words.write_text("# one a line\n\nbadword\n粗话\nstraße\n")
    app = await stage.app("g1")
    await stage.control("ModifyLiveMessageAppAudit", AppId=app.id, AuditType=1)
    ann, bob = await pair(stage, sdk, app)

    async def eventually(refused, body):
        """The list is looked at again within a moment; nothing is restarted."""
        until = time.monotonic() + 10
        while True:
            try:
                await ann.publish("g1", {"body": body})
                came = False
            except Refused as error:
                assert error.code == REFUSED, f"{body!r}: expected {REFUSED}, came {error}"
                came = True
            if came == refused:
                return
            assert time.monotonic() < until, f"{body!r}: expected it to be {'refused' if refused else 'let through'}"
            await asyncio.sleep(0.1)

    await eventually(True, "badword")
    for body in ("such a BadWord!", "ｂａｄｗｏｒｄ", "这是粗话吗", "STRASSE"):
        assert await refusal(ann, "g1", body)
    for body in ("a bad word", "one a line", "", "# one a line"):
        await ann.publish("g1", {"body": body})
    await ann.publish("g1", {"body": "end of the first part"})
    await bob.heard("g1", "end of the first part")
    heard = bob.bodies("g1")
    assert not any("badword" in str(body).lower() for body in heard[heard.index("a bad word"):]), f"bob heard {heard}"

    words.write_text("# badword\nother\n")
    await eventually(True, "another one")
    await ann.publish("g1", {"body": "badword"})
    await bob.heard("g1", "badword")
    words.unlink()
    await eventually(False, "another one")
