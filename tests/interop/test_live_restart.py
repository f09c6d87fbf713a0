"""kill -9 and a new start: live rooms are as they were, and their URL hears neither more nor less than what happened."""

import asyncio
import contextlib
import random
import time

import pytest

from harness.clients import OTHER, SDKS, Refused
from harness.cloud import CloudError
from harness.rooms import ROOM, TOKEN, everything, telling

USERS = ("ann", "bob", "carl", "dora")


@pytest.mark.parametrize("sdk", SDKS)
async def test_a_room_is_after_a_kill_what_it_was(stage, sdk):
    tencent = await telling(stage, token=TOKEN)
    await tencent.do("create_room", RoomInfo=ROOM | {
        "RoomName": "名", "Owner_Account": "owner", "MaxMemberCount": 9, "CoverURL": "c", "Category": [3, 1], "IsSeatEnabled": True,
        "TakeSeatMode": "ApplyToTake", "MaxSeatCount": 4, "ActivityStatus": -1, "IsPublicVisible": False, "IsUnlimitedRoomEnabled": True,
    })
    await tencent.do("update_room_info", RoomInfo={"RoomId": "r1", "Notice": "note", "IsMessageDisabled": True})
    await tencent.do("set_room_metadata", RoomId="r1", Metadata=[{"Key": f"k{n}", "Value": "v" * n} for n in range(5)])
    await tencent.do("del_room_metadata", RoomId="r1", Keys=["k3"])
    await tencent.do("modify_admin", RoomId="r1", Admin_Account=["a1", "a2"], OpType="add")
    await tencent.do("mute_member", RoomId="r1", MemberList_Account=["bob", "carl"], MuteTime=600)
    await tencent.do("mute_member", RoomId="r1", MemberList_Account=["dora"], MuteTime=4294967295)
    await tencent.do("ban_member", RoomId="r1", MemberList_Account=["eve"], Duration=600)
    ann = await stage.viewer(sdk, tencent.app, "ann", "r1")
    await tencent.do("kick", UserID="fred")
    await stage.operator("PATCH", f"apps/{tencent.app.id}", {"administrators": ["administrator", "fred"]})
    old = tencent.params(identifier="fred", usersig=await stage.usersig(tencent.app, "fred", at=int(time.time()) - 60))
    assert (await tencent.call("get_callback", params=old)).code == 70001, "also who was no administrator when he was kicked"
    await tencent.do("create_room", RoomInfo=ROOM | {"RoomId": "gone"})
    await tencent.do("destroy_room", RoomId="gone")
    before = await everything(tencent)

    await stage.restart()
    assert await everything(tencent) == before
    await tencent.refused(100004, "get_room_info", RoomId="gone")
    assert (await tencent.call("get_callback", params=old)).code == 70001, "a kick is not forgotten"
    await ann.event("subscribed", nth=2, channel="group:r1", timeout=30)
    eve = await stage.viewer(OTHER[sdk], tencent.app, "eve")
    await eve.ask_to_join("r1")
    assert (await eve.event("unsubscribed", channel="group:r1"))["code"] == 403
    await tencent.do("destroy_room", RoomId="r1")
    told = ("CreateRoom", "UpdateRoomInfo", "SetMetadata", "DelMetadata", "ModifyAdmin", "ann Online Enter", "DestroyRoom")
    await stage.live.told("r1", *told)


@pytest.mark.virtual_clock
@pytest.mark.parametrize("sdk", SDKS)
async def test_a_kill_is_a_lost_link_to_those_who_do_not_come_back_soon(stage, sdk):
    tencent = await telling(stage, "r1")
    proxy = await stage.proxy()
    ann = await stage.viewer(sdk, tencent.app, "ann", "r1", through=proxy.address)
    bob = await stage.viewer(OTHER[sdk], tencent.app, "bob", "r1")
    told = ("CreateRoom", "ann Online Enter", "bob Online Enter")
    await stage.live.told("r1", *told)

    proxy.refuse()
    await stage.restart()
    await bob.event("subscribed", nth=2, channel="group:r1", timeout=30)
    await stage.advance(19)
    await stage.live.told("r1", *told)
    await stage.advance(2)
    await stage.live.told("r1", *told, "ann Offline HeartbeatInterrupt")
    await stage.restart()
    await bob.event("subscribed", nth=3, channel="group:r1", timeout=30)
    await stage.advance(30)
    await stage.live.told("r1", *told, "ann Offline HeartbeatInterrupt")
    proxy.accept()
    await ann.event("subscribed", nth=2, channel="group:r1", timeout=30)
    await stage.live.told("r1", *told, "ann Offline HeartbeatInterrupt", "ann Online HeartbeatRecover")


@pytest.mark.settings(ROOMD_LIMITS_CONTROL_QPS="false")
@pytest.mark.parametrize("seed", range(4))
async def test_whatever_happens_everybody_is_told_in_and_out_by_turns(stage, seed):
    """Random joins, losses, bans, kicks, ends of rooms and a kill; the receiver and the end of the test check the rest."""
    chance = random.Random(seed)
    rooms = ("r1", "r2")
    tencent = await telling(stage, *rooms, after_retry=3)
    proxy = await stage.proxy()
    clients = {}
    for n, user in enumerate(USERS):
        clients[user] = await stage.viewer(SDKS[n % 2], tencent.app, user, through=proxy.address)
        await clients[user].ask_to_join(*rooms)

    async def ban(room, user):
        await tencent.call("ban_member", {"RoomId": room, "MemberList_Account": [user, chance.choice(USERS)], "Duration": 3600})

    async def unban(room, user):
        await tencent.call("unban_member", {"RoomId": room, "MemberList_Account": list(USERS)})

    async def put_out(room, user):
        await tencent.call("kick_user_out", {"RoomId": room, "MemberList_Account": [user]})

    async def kick(room, user):
        await stage.control("KickLiveMessageGroupUser", AppId=tencent.app.id, GroupId=room, KickoffUser=user)

    async def leave(room, user):
        await clients[user].call("unsubscribe", channel=f"group:{room}")

    async def join(room, user):
        await clients[user].ask_to_join(room)

    async def again(room, user):
        await tencent.call("destroy_room", {"RoomId": room})
        await tencent.call("create_room", {"RoomInfo": ROOM | {"RoomId": room}})

    async def cut(room, user):
        proxy.reset()

    async def refused(doing):
        """Or not: to be banned, or without a connection just now, is part of it."""
        with contextlib.suppress(Refused, CloudError):
            await doing

    ways = [ban, unban, unban, put_out, kick, leave, join, join, join, again, cut]
    for step in range(16):
        doings = [chance.choice(ways)(chance.choice(rooms), chance.choice(USERS)) for _ in range(5)]
        await asyncio.gather(*map(refused, doings))
        if step == 8:
            await stage.restart()
    words = {event.word for event in stage.live.events}
    assert words == {"CreateRoom", "DestroyRoom", "MemberStateChanged"}, f"came {words}"
