"""Who may call the other cloud's API: each way a UserSig can be wrong has the code of its own, and is answered at once."""

import json
import pathlib
import time

import pytest

from harness.clients import OTHER, SDKS
from harness.usersig import LIBRARIES, document, login, wrapped

VECTORS = json.loads((pathlib.Path(__file__).parents[1] / "wire/tencent/usersig_vectors.json").read_text())["vectors"]
INVALID, EXPIRED, MISMATCH, WRONG_USER, WRONG_APP, EMPTY, TOO_MANY = 70003, 70001, 70009, 70013, 70014, 70002, 70050
ALLOWED = 100  # failures of an address and an application within a minute


async def code(tencent, **changes):
    """The code of a call that asks for nothing, with this put into its query."""
    answer = await tencent.call("get_callback", params=tencent.params(**changes))
    assert answer.status == 200, f"came {answer}"
    return answer.code


def other_first(text):
    return ("B" if text[0] == "A" else "A") + text[1:]


NOT_SET = 100301  # who gets so far has been let in


@pytest.mark.parametrize("library", LIBRARIES)
async def test_each_wrong_usersig_has_its_code(stage, library):
    app, other = await stage.app(), await stage.app()
    tencent = await stage.tencent(app, library)
    assert await code(tencent) == NOT_SET
    sign = lambda of, user="administrator", **how: stage.usersig(of, user, library, **how)
    renamed = type(app)(app.id, app.key, app.sign, other.sdkappid)  # the number of the other, the key of this one
    good = document(tencent.usersig)
    flipped = tencent.usersig[:40] + other_first(tencent.usersig[40:])
    tampered = wrapped(json.dumps(good | {"TLS.sig": other_first(good["TLS.sig"])}).encode())
    now = int(time.time())
    for expected, what, sig in (
        (EMPTY, "empty", ""),
        (EMPTY, "missing", None),
        (INVALID, "no base64", "!!"),
        (INVALID, "no deflate", "aGVsbG8_"),
        (INVALID, "no JSON", wrapped(b"hello")),
        (INVALID, "no object", wrapped(b"[]")),
        (INVALID, "a field is missing", wrapped(json.dumps({k: v for k, v in good.items() if k != "TLS.time"}).encode())),
        (INVALID, "another version", wrapped(json.dumps(good | {"TLS.ver": "1.0"}).encode())),
        (INVALID, "longer than 4 KiB", tencent.usersig + "A" * 4096),
        (MISMATCH, "a byte of the signature", tampered),
        (MISMATCH, "another time", wrapped(json.dumps(good | {"TLS.time": good["TLS.time"] - 1}).encode())),
        (MISMATCH, "another user in it", wrapped(json.dumps(good | {"TLS.identifier": "admin"}).encode())),
        (MISMATCH, "of another application", await sign(other)),
        (WRONG_APP, "another number, this key", await sign(renamed)),
        (WRONG_USER, "of another user", await sign(app, "ann")),
        (EXPIRED, "expired", await sign(app, expire=60, at=now - 70)),
        (NOT_SET, "not quite expired", await sign(app, expire=60, at=now - 30)),
    ):
        came = await code(tencent, usersig=sig)
        assert came == expected, f"{what}: expected {expected}, came {came}"
    assert await code(tencent, usersig=flipped) in (INVALID, MISMATCH)
    assert await code(tencent, identifier="ann", usersig=await sign(app, "ann")) == 60010, "ann is no administrator"


@pytest.mark.parametrize("number", range(len(VECTORS)))
async def test_the_documented_vectors_are_found_genuine_and_long_expired(stage, number):
    """Genuine comes first: one byte changed, and it is no matter of time any more."""
    vector = VECTORS[number]
    app = await stage.live_app(
        sdkappid=vector["sdkappid"], app_key=vector["key"], administrators=[vector["identifier"]]
    )
    assert app.sdkappid == vector["sdkappid"]
    tencent = await stage.tencent(app, identifier=vector["identifier"])
    assert await code(tencent) == NOT_SET
    assert await code(tencent, usersig=vector["usersig"]) == EXPIRED
    signed = document(vector["usersig"])
    for field, value in (("TLS.sig", other_first(signed["TLS.sig"])), ("TLS.expire", signed["TLS.expire"] + 1)):
        assert await code(tencent, usersig=wrapped(json.dumps(signed | {field: value}).encode())) == MISMATCH, field


async def test_a_bomb_is_refused_before_it_goes_off(stage):
    tencent = await stage.tencent(await stage.app())
    bomb = wrapped(b" " * (2 << 20), 9)
    assert 2000 < len(bomb) < 4096, f"as long as is taken at all: {len(bomb)}"
    times = {"!!": [], bomb: []}
    for _ in range(20):
        for sig in times:
            before = time.monotonic()
            assert await code(tencent, usersig=sig) == INVALID
            times[sig].append(time.monotonic() - before)
    took = {len(sig): min(of) for sig, of in times.items()}  # the rest is what else the machine does
    assert took[len(bomb)] - took[2] < 0.010, f"seconds by length of the UserSig: {took}"


@pytest.mark.virtual_clock
async def test_who_fails_too_often_is_turned_away_for_a_minute_wherever_he_is_right(stage):
    app, other = await stage.app(), await stage.app()
    tencent, elsewhere = await stage.tencent(app), await stage.tencent(other)
    wrong = [("usersig", "!!", INVALID), ("usersig", elsewhere.usersig, MISMATCH)]
    for n in range(ALLOWED):
        name, value, expected = wrong[n % 2]
        assert await code(tencent, **{name: value}) == expected, f"failure {n + 1}"
    for n in range(3):
        assert await code(tencent) == TOO_MANY, "even a right one"
    assert await code(elsewhere) == NOT_SET, "another application is another matter"
    from_elsewhere = await tencent.call("get_callback", address="127.0.0.2")
    assert from_elsewhere.code == NOT_SET, f"another address is another matter, came {from_elsewhere}"
    await stage.advance(50)
    assert await code(tencent) == TOO_MANY
    await stage.advance(11)
    assert await code(tencent) == NOT_SET


@pytest.mark.virtual_clock
async def test_failures_of_long_ago_and_expired_usersigs_do_not_count(stage):
    app = await stage.app()
    tencent = await stage.tencent(app)
    old = await stage.usersig(app, "administrator", expire=1, at=int(stage.now()) - 10)
    for _ in range(ALLOWED + 5):
        assert await code(tencent, usersig=old) == EXPIRED, "who has one had the key"
    for _ in range(2):
        for _ in range(ALLOWED - 1):
            assert await code(tencent, usersig="!!") == INVALID
        await stage.advance(61)
    assert await code(tencent) == NOT_SET


@pytest.mark.settings(ROOMD_LIMITS_USERSIG_FAILURES_PER_MINUTE="3")
async def test_how_many_failures_are_too_many_is_a_setting(stage):
    tencent = await stage.tencent(await stage.app())
    for _ in range(3):
        assert await code(tencent, usersig="!!") == INVALID
    assert await code(tencent) == TOO_MANY


@pytest.mark.virtual_clock
@pytest.mark.parametrize("sdk", SDKS)
async def test_a_kick_makes_all_usersigs_of_until_then_worthless(stage, sdk):
    app = await stage.app()
    tencent = await stage.tencent(app)
    await tencent.do("create_room", RoomInfo={"RoomId": "r1", "RoomType": "Live"})
    old = await stage.usersig(app, "ann")
    await stage.advance(1.5)
    fresh_at = stage.now() + 2
    ann = await stage.client(
        sdk, app, "ann", token=login(app, "ann", old),
        fresh_tokens=[login(app, "ann", await stage.usersig(app, "ann", at=int(fresh_at)))],
    )
    await ann.join("r1")
    bob = await stage.viewer(OTHER[sdk], app, "bob", "r1")
    assert await tencent.do("kick", UserID="ann") == {}
    closed = await ann.event("disconnected")
    assert closed["code"] == 4502 and closed["reason"], f"came {closed}"
    left = await bob.event("leave", channel="group:r1")
    assert left["info"]["user"] == "ann", f"came {left}"

    await stage.advance(3)
    await ann.call("connect")
    connected = await ann.event("connected", nth=2)
    assert connected["data"]["user_id"] == "ann" and connected["data"]["resumed"] is False, f"came {connected}"
    assert [event["code"] for event in ann.events("error")] == [109], f"the old one is as an expired one: {ann.events('error')}"
    assert len(ann.events("get_token")) == 1
    assert not bob.events("disconnected"), "the others stay"


@pytest.mark.virtual_clock
async def test_a_kicked_administrator_signs_anew(stage):
    app = await stage.app()
    tencent = await stage.tencent(app)
    await stage.advance(1.5)
    assert await tencent.do("kick", UserID="administrator") == {}
    assert await code(tencent) == EXPIRED
    same_second = await stage.usersig(app, "administrator")
    assert await code(tencent, usersig=same_second) == EXPIRED, "made at the kick is not made after it"
    await stage.advance(1.5)
    again = await stage.tencent(app, "npm")
    assert await code(again) == NOT_SET
    assert await code(tencent) == EXPIRED, "and that stays"
