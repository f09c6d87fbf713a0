"""kill -9 and a new start in the middle of everything: what a chat's URL was told fits what happened, and what there is."""

import asyncio
import contextlib
import random

import pytest

from harness.chat_receiver import AFTER_WORDS
from harness.clients import SDKS, Refused
from harness.groups import TOKEN, group_id, make, members, telling, text

USERS = ("ann", "bob", "carl", "dora")
KINDS = {"m1": "ChatRoom", "c1": "Community", "p1": "Public", "live": "AVChatRoom"}


@pytest.mark.settings(ROOMD_LIMITS_CONTROL_QPS="false")
@pytest.mark.parametrize("seed", range(4))
async def test_whatever_happens_everybody_is_told_in_and_out_by_turns_and_messages_by_number(stage, seed):
    """Random joins, losses, invitations, messages, ends of groups and users and a kill; the receiver and the end of the
    test check the rest."""
    chance = random.Random(seed)
    tencent = await telling(stage, "olga", *USERS, words=AFTER_WORDS, token=TOKEN, after_retry=3)
    groups = [await make(tencent, kind, name, inside=USERS[:1], ApplyJoinOption="FreeAccess") for name, kind in KINDS.items()]
    kinds = {group_id(kind, name): kind for name, kind in KINDS.items()}
    proxy = await stage.proxy()
    clients = {}
    for n, user in enumerate(USERS):
        clients[user] = await stage.viewer(SDKS[n % 2], tencent.app, user, through=proxy.address)
        await clients[user].ask_to_join(*groups)

    async def add(group, user):
        await tencent.call("add_group_member", {"GroupId": group, "MemberList": members(user, chance.choice(USERS))})

    async def put_out(group, user):
        await tencent.call("delete_group_member", {"GroupId": group, "MemberToDel_Account": [user, chance.choice(USERS)]})

    async def quit(group, user):
        await clients[user].call("rpc", method="group.quit", data={"group_id": group})

    async def join(group, user):
        await clients[user].ask_to_join(group)

    async def leave(group, user):
        await clients[user].call("unsubscribe", channel=f"group:{group}")

    async def speak(group, user):
        await clients[user].publish(group, {"body": f"{user} {chance.random()}"})

    async def say(group, user):
        body = {"GroupId": group, "From_Account": user, "Random": chance.getrandbits(32), "MsgBody": text("said")}
        await tencent.call("send_group_msg", body | {"OnlineOnlyFlag": chance.choice((0, 0, 1))})

    async def recall(group, user):
        await tencent.call("group_msg_recall", {"GroupId": group, "MsgSeqList": [{"MsgSeq": chance.randrange(9)}]})

    async def again(group, user):
        await tencent.call("destroy_group", {"GroupId": group})
        body = {"GroupId": group, "Type": kinds[group], "Name": "again", "Owner_Account": "olga", "ApplyJoinOption": "FreeAccess"}
        await tencent.call("create_group", body)

    async def forget(group, user):
        await tencent.call("account_delete", {"DeleteItem": [{"UserID": "dora"}]})
        await tencent.call("account_import", {"UserID": "dora"})

    async def cut(group, user):
        proxy.reset()

    async def refused(doing):
        """Or not: to be no member, or without a connection just now, is part of it."""
        with contextlib.suppress(Refused):
            await doing

    ways = [add, add, put_out, quit, join, join, join, leave, speak, speak, say, say, recall, again, forget, cut]
    for step in range(16):
        doings = [chance.choice(ways)(chance.choice(groups), chance.choice(USERS)) for _ in range(6)]
        await asyncio.gather(*map(refused, doings))
        if step == 8:
            await stage.restart()
    words = {event.short for event in stage.chat.events}
    assert {"AfterCreateGroup", "AfterNewMemberJoin", "AfterMemberExit", "StateChange"} <= words, f"came {words}"
