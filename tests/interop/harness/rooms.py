"""Live rooms and who works with them, as the tests need them."""

import json

from .live_receiver import WORDS

BAD, TAKEN, MISSING, NOT_IN, NO_RIGHT, BANNED, TOO_MANY_ADMINS = 100002, 100003, 100004, 100005, 100006, 100016, 100020
MUTED_BY_API, MUTED = 10017, 442
ROOM = {"RoomId": "r1", "RoomType": "Live"}
ADMIN, TOKEN = "administrator", "xxxxyyyy"
USERS = (
    "admin", "ann", "bob", "carl", "carol", "dora", "eve", "fred", "guest", "olga", "owner", "t",
    *(f"{who}{n}" for who in ("owner", "u") for n in range(7)),
)


async def with_users(tencent):
    """Imports who is named in the tests: the cloud knows nobody else."""
    await tencent.do("multiaccount_import", Accounts=list(USERS))
    return tencent


async def caller(stage, *rooms, library="PyPI"):
    """An application with these rooms, and a caller of its API."""
    tencent = await with_users(await stage.tencent(await stage.live_app(), library))
    for room in rooms:
        await tencent.do("create_room", RoomInfo=ROOM | {"RoomId": room})
    return tencent


async def described(tencent, room="r1"):
    return (await tencent.do("get_room_info", RoomId=room))["RoomInfo"]


async def everything(tencent, room="r1"):
    """All that the API tells of a room."""
    of = {"RoomId": room}
    answers = [await tencent.do(command, **of) for command in ("get_room_info", "get_admin_list", "get_banned_member_list")]
    answers += [await tencent.do("get_muted_member_list", **of), await tencent.do("get_room_metadata", **of, Keys=[])]
    return json.dumps(answers, sort_keys=True)


async def put_out(client, nth=1, code=2102):
    out = await client.event("unsubscribed", nth, channel="group:r1")
    assert out["code"] == code and out["reason"], f"expected {code} with a reason, came {out}"


async def telling(stage, *rooms, token=None, words=WORDS, **settings):
    """A caller of an application that tells of its rooms, of these first."""
    tencent = await with_users(await stage.tencent(await stage.live_app(**settings)))
    await stage.listen(tencent, words, token)
    for room in rooms:
        await tencent.do("create_room", RoomInfo=ROOM | {"RoomId": room})
    return tencent
