"""One application, used from both clouds at once: what is done through one is there for the other, in its spelling."""

import asyncio

import pytest

from harness.clients import OTHER, SDKS
from harness.rooms import with_users
from harness.shape import Now, assert_shape

MUTED, BANNED = 442, 403
both = pytest.mark.parametrize("sdk,control,library", [("npm", "v3", "PyPI"), ("python", "old", "npm")])


class Clouds:
    """An application and a caller of each of its two server APIs."""

    def __init__(self, stage, app, control, tencent):
        self._stage, self.app, self._control, self.tencent = stage, app, control, tencent
        self.do, self.refused = tencent.do, tencent.refused

    async def alibaba(self, action, **params):
        return await self._stage.control(action, self._control, AppId=self.app.id, **params)

    async def group(self, group="g1"):
        """As the chat API of the one sees it."""
        [info] = (await self.do("get_group_info", GroupIdList=[group]))["GroupInfo"]
        return info

    async def room(self, room="g1"):
        return (await self.do("get_room_info", RoomId=room))["RoomInfo"]


async def clouds(stage, control="v3", library="PyPI"):
    app = await stage.app(sdk=control)
    tencent = await with_users(await stage.tencent(app, library))
    await stage.listen(tencent, token="xxxxyyyy")
    return Clouds(stage, app, control, tencent)


@both
async def test_a_group_of_the_one_is_a_room_of_the_other(stage, sdk, control, library):
    one = await clouds(stage, control, library)
    await one.alibaba("CreateLiveMessageGroup", GroupId="g1", GroupName="Lobby", CreatorId="carol", Administrators=["a1", "a2"])
    assert_shape(await one.room(), {
        "RoomId": "g1", "RoomName": "Lobby", "RoomType": "Live", "Owner_Account": "carol", "CreateTime": Now(),
        "IsSeatEnabled": False, "TakeSeatMode": "FreeToTake", "MaxSeatCount": 0, "MaxMemberCount": 0, "IsMessageDisabled": False,
        "CoverURL": "", "Category": [], "ActivityStatus": 0, "ViewCount": 0, "IsPublicVisible": True, "Notice": "",
    })
    assert await one.do("get_admin_list", RoomId="g1") == {"Admin_Account": ["a1", "a2"]}
    listed = (await one.do("get_room_list", Next="", Count=20))["RoomList"]
    assert [room["RoomId"] for room in listed] == ["g1"], f"came {listed}"
    group = await one.group()
    assert (group["ErrorCode"], group["Type"], group["Name"], group["Owner_Account"]) == (0, "AVChatRoom", "Lobby", "carol"), f"came {group}"
    await stage.live.told("g1", "CreateRoom")
    await one.refused(100003, "create_room", RoomInfo={"RoomId": "g1", "RoomType": "Live"})

    await one.alibaba("CreateLiveMessageGroup", GroupId="g2", GroupName="Nobody's")
    [event] = await stage.live.told("g2", "CreateRoom")
    assert (await one.room("g2"))["Owner_Account"] == event.body["RoomInfo"]["Owner_Account"] == "", f"came {event}"

    ann = await stage.client(sdk, one.app, "ann")
    await ann.join("g1")
    assert (await one.room())["ViewCount"] == 1
    await one.alibaba("DeleteLiveMessageGroup", GroupId="g1", OperatorId="carol")
    [_, _, gone] = await stage.live.told("g1", "CreateRoom", "ann Online Enter", "DestroyRoom")
    assert (gone.body["Operator_Account"], gone.body["EventType"]) == ("carol", "DestroyByUser"), f"came {gone}"
    assert gone.query["OptPlatform"] == "RESTAPI", f"came {gone}"
    await one.refused(100004, "get_room_info", RoomId="g1")
    assert (await one.group())["ErrorCode"] == 10010
    await one.alibaba("RecoverLiveMessageDeletedGroup", GroupId="g1")
    assert (await one.room())["RoomName"] == "Lobby"
    await stage.live.told("g1", "CreateRoom", "ann Online Enter", "DestroyRoom", "CreateRoom")


@both
async def test_a_room_of_the_one_is_a_group_of_the_other(stage, sdk, control, library):
    one = await clouds(stage, control, library)
    await one.do("create_room", RoomInfo={"RoomId": "r1", "RoomType": "Live", "RoomName": "Show", "Owner_Account": "olga"})
    await one.do("modify_admin", RoomId="r1", Admin_Account=["a1"], OpType="add")
    group = await one.alibaba("DescribeLiveMessageGroup", GroupId="r1")
    assert (group["GroupName"], group["CreatorId"], group["AdminList"]) == ("Show", "olga", ["a1"]), f"came {group}"
    listed = await one.alibaba("ListLiveMessageGroups", SortType=1, GroupStatus=1)
    assert [group["GroupId"] for group in listed["GroupList"]] == ["r1"], f"came {listed}"
    ann = await stage.viewer(sdk, one.app, "ann", "r1", library=library)
    users = await one.alibaba("ListLiveMessageGroupUsers", GroupId="r1", SortType=1, PageSize=10)
    assert [user["UserId"] for user in users["UserList"]] == ["ann"], f"came {users}"
    await one.do("destroy_room", RoomId="r1")
    assert (await ann.event("unsubscribed", channel="group:r1"))["code"] == 2101
    gone = await one.alibaba("DescribeLiveMessageGroup", GroupId="r1")
    assert gone["Delete"] is True and gone["Deletor"] == "administrator", f"came {gone}"


@both
async def test_a_message_of_the_one_is_read_through_the_other(stage, sdk, control, library):
    one = await clouds(stage, control, library)
    await one.alibaba("CreateLiveMessageGroup", GroupId="g1")
    ann, bob = await stage.client(sdk, one.app, "ann"), await stage.viewer(OTHER[sdk], one.app, "bob", "g1", library=library)
    await ann.join("g1")
    await one.alibaba("SendLiveMessageGroup", GroupId="g1", SenderId="s", Body="from the one", MsgType=1)
    sent = await one.do("send_text_msg", RoomId="g1", Sender_Account="t", TextContent="from the other")
    assert sent["MsgSeq"] == 2, f"one stream of numbers: {sent}"
    custom = await one.do("send_custom_msg", RoomId="g1", Sender_Account="t", BusinessId="gift", Data="rose")
    await bob.publish("g1", {"body": "from bob"})
    await one.alibaba("SendLiveMessageGroup", GroupId="g1", SenderId="s", Body="of a type", MsgType=10001)

    for client in (ann, bob):
        await client.heard("g1", "of a type")
        came = [(p["offset"], p["data"]["sender"]["user"], p["data"]["type"], "elems" in p["data"]) for p in client.publications("g1")]
        assert came == [(1, "s", 1, False), (2, "t", 1, True), (3, "t", 1, True), (4, "bob", 1, False), (5, "s", 10001, False)], f"came {came}"
        assert client.bodies("g1")[:2] == ["from the one", "from the other"], f"came {client.bodies('g1')}"

    listed = (await one.alibaba("ListLiveMessageGroupMessages", GroupId="g1", SortType=1, PageSize=10))["MessageList"]
    seen = sorted((m["SeqNumber"], m["Sender"]["UserId"], m["MsgType"], m["Body"]) for m in listed)
    assert [m[:3] for m in seen] == [(1, "s", 1), (2, "t", 1), (3, "t", 1), (4, "bob", 1), (5, "s", 10001)], f"came {listed}"
    assert [m[3] for m in seen] == ann.bodies("g1"), "what the list shows is what was heard"
    times = {m["SeqNumber"]: m["Timestamp"] for m in listed}
    assert abs(times[2] - sent["MsgTime"]) <= 1 and abs(times[3] - custom["MsgTime"]) <= 1, f"came {times}"
    group = await one.group()
    assert group["NextMsgSeq"] == 6, f"came {group}"


@both
async def test_both_urls_hear_of_the_same_coming_and_going_each_in_its_spelling(stage, sdk, control, library):
    one = await clouds(stage, control, library)
    await one.do("create_room", RoomInfo={"RoomId": "r1", "RoomType": "Live"})
    ann, bob = await stage.client(sdk, one.app, "ann"), await stage.viewer(OTHER[sdk], one.app, "bob", "r1", library=library)
    await ann.join("r1")
    await bob.event("join", channel="group:r1")
    await ann.leave("r1")
    await stage.receiver.event("ann", e=4, g="r1")
    await stage.receiver.event("bob", e=3, g="r1")
    told = await stage.live.told("r1", "CreateRoom", "bob Online Enter", "ann Online Enter", "ann Offline Leave")
    assert [event.query["OptPlatform"] for event in told] == ["RESTAPI", "Unknown", "Unknown", "Unknown"], f"came {told}"
    assert [event.fields for event in stage.receiver.events_of("ann")] == [{"e": 1}, {"e": 3, "g": "r1"}, {"e": 4, "g": "r1"}]
    assert [event.fields for event in stage.receiver.events_of("bob")] == [{"e": 1}, {"e": 3, "g": "r1"}]


@both
async def test_mutes_of_the_one_hold_for_the_other(stage, sdk, control, library):
    one = await clouds(stage, control, library)
    await one.alibaba("CreateLiveMessageGroup", GroupId="g1", CreatorId="carol")
    bob = await stage.viewer(sdk, one.app, "bob", "g1", library=library)

    await one.alibaba("AddLiveMessageGroupBand", GroupId="g1", BannedUsers=["bob"])
    muted = (await one.do("get_muted_member_list", RoomId="g1"))["MutedAccountList"]
    assert [user["Member_Account"] for user in muted] == ["bob"], f"came {muted}"
    await one.refused(10017, "send_text_msg", RoomId="g1", Sender_Account="bob", TextContent="no")
    await one.do("mute_member", RoomId="g1", MemberList_Account=["bob"], MuteTime=0)
    assert (await one.alibaba("DescribeLiveMessageGroupBand", GroupId="g1"))["BannedUserList"] == []
    await bob.publish("g1", {"body": "bob may"})

    await one.do("mute_member", RoomId="g1", MemberList_Account=["bob"], MuteTime=600)
    assert (await one.alibaba("DescribeLiveMessageGroupBand", GroupId="g1"))["BannedUserList"] == ["bob"]
    assert await bob.publish_refused("g1", "no") == MUTED
    await one.alibaba("SendLiveMessageGroup", GroupId="g1", SenderId="bob", Body="that server is never muted")
    await bob.heard("g1", "that server is never muted")
    await one.alibaba("RemoveLiveMessageGroupBand", GroupId="g1", UnbannedUsers=["bob"])
    assert await one.do("get_muted_member_list", RoomId="g1") == {"MutedAccountList": []}

    await one.alibaba("BanLiveMessageGroup", GroupId="g1", ExceptUsers=["guest"])
    assert (await one.room())["IsMessageDisabled"] is True and (await one.group())["MuteAllMember"] == "On"
    assert await bob.publish_refused("g1", "no") == MUTED
    for sender in ("carol", "guest"):
        await one.do("send_text_msg", RoomId="g1", Sender_Account=sender, TextContent=f"{sender} may")
    await one.do("update_room_info", RoomInfo={"RoomId": "g1", "IsMessageDisabled": False})
    assert (await one.alibaba("DescribeLiveMessageGroupBand", GroupId="g1"))["IsbannedAll"] is False
    await bob.publish("g1", {"body": "bob may again"})
    await one.do("update_room_info", RoomInfo={"RoomId": "g1", "IsMessageDisabled": True})
    assert (await one.alibaba("DescribeLiveMessageGroupBand", GroupId="g1"))["IsbannedAll"] is True
    updates = await stage.live.told("g1", "CreateRoom", "bob Online Enter", *["UpdateRoomInfo"] * 3)
    assert [event.body["RoomInfo"]["IsMessageDisabled"] for event in updates[2:]] == [True, False, True]


@both
async def test_who_is_put_out_by_the_one_is_out_for_the_other(stage, sdk, control, library):
    one = await clouds(stage, control, library)
    await one.do("create_room", RoomInfo={"RoomId": "r1", "RoomType": "Live"})
    ann, bob = await stage.client(sdk, one.app, "ann"), await stage.viewer(OTHER[sdk], one.app, "bob", "r1", library=library)
    await ann.join("r1")
    await one.alibaba("KickLiveMessageGroupUser", GroupId="r1", KickoffUser="bob")
    await one.do("ban_member", RoomId="r1", MemberList_Account=["ann"], Duration=600)
    for client in (ann, bob):
        out = await client.event("unsubscribed", channel="group:r1")
        assert out["code"] == 2102, f"came {out}"
    for user in ("ann", "bob"):
        await stage.receiver.event(user, e=4, g="r1")
        await stage.live.event(f"{user} Offline Kicked", "r1")
    inside = await one.alibaba("CheckLiveMessageUsersInGroup", GroupId="r1", UserIds=["ann", "bob"])
    assert not any(user["Online"] for user in inside["Users"]), f"came {inside}"
    await ann.ask_to_join("r1")
    assert (await ann.event("unsubscribed", 2, channel="group:r1"))["code"] == BANNED, "with the login of either"
    await bob.ask_to_join("r1")
    await bob.event("subscribed", 2, channel="group:r1")


async def test_a_group_without_a_name_has_one_name_as_a_room(stage):
    one = await clouds(stage)
    await one.alibaba("CreateLiveMessageGroup", GroupId="g1")
    [made] = await stage.live.told("g1", "CreateRoom")
    [listed] = (await one.do("get_room_list", Next="", Count=20))["RoomList"]
    names = made.body["RoomInfo"]["RoomName"], (await one.room())["RoomName"], listed["RoomName"], (await one.group())["Name"]
    assert names == ("g1",) * 4, f"a room's name is its id where none is given, came {names}"


async def test_changes_of_the_one_are_told_to_the_other_s_url(stage):
    one = await clouds(stage)
    await one.alibaba("CreateLiveMessageGroup", GroupId="g1", CreatorId="carol", Administrators=["a", "b"])
    await one.alibaba("ModifyLiveMessageGroup", GroupId="g1", ModifyAdmin=True, AdminList=["b", "c"], ModifyInfo=True, GroupInfo="info")
    await stage.live.event("UpdateRoomInfo", "g1")
    await stage.live.event("ModifyAdmin", "g1", nth=2)
    admins = [event.body for event in stage.live.events_of("g1") if event.word == "ModifyAdmin"]
    assert sorted((one["opType"], one["Admin_Account"]) for one in admins) == [("add", ["c"]), ("delete", ["a"])], f"came {admins}"
    [update] = [event.body for event in stage.live.events_of("g1") if event.word == "UpdateRoomInfo"]
    assert (update["RoomInfo"]["CustomInfo"], update["Operator_Account"]) == ("info", "administrator"), f"came {update}"


@both
async def test_admins_and_details_of_the_one_are_those_of_the_other(stage, sdk, control, library):
    one = await clouds(stage, control, library)
    await one.alibaba("CreateLiveMessageGroup", GroupId="g1", CreatorId="carol")
    await one.do("modify_admin", RoomId="g1", Admin_Account=["bob"], OpType="add")
    assert (await one.alibaba("DescribeLiveMessageGroup", GroupId="g1"))["AdminList"] == ["bob"]
    bob = await stage.viewer(sdk, one.app, "bob", "g1", library=library)
    await bob.rpc("group.mute", group_id="g1", users=["eve"])
    muted = (await one.do("get_muted_member_list", RoomId="g1"))["MutedAccountList"]
    assert [user["Member_Account"] for user in muted] == ["eve"], f"came {muted}"
    await one.alibaba("ModifyLiveMessageGroup", GroupId="g1", ModifyAdmin=True, AdminList=["x", "y"], ModifyInfo=True, GroupInfo="info")
    assert await one.do("get_admin_list", RoomId="g1") == {"Admin_Account": ["x", "y"]}
    assert await bob.rpc_refused("group.mute", group_id="g1", users=["eve"]) == 403
    await one.do("change_room_owner", RoomId="g1", NewOwner_Account="bob")
    assert (await one.alibaba("DescribeLiveMessageGroup", GroupId="g1"))["CreatorId"] == "bob"
    await bob.rpc("group.unmute", group_id="g1", users=["eve"])
    await one.do("update_room_info", RoomInfo={"RoomId": "g1", "RoomName": "renamed"})
    assert (await one.alibaba("DescribeLiveMessageGroup", GroupId="g1"))["GroupName"] == "renamed"
    owner = await stage.live.event("ChangeOwner", "g1")
    assert (owner.body["OriginalOwner_Account"], owner.body["CurrentOwner_Account"]) == ("carol", "bob"), f"came {owner}"


@pytest.mark.parametrize("sdk", SDKS)
async def test_the_two_clouds_may_do_many_things_at_once(stage, sdk):
    """Both create, and both send, at the same time: every group is made by one of them, every number given once."""
    one = await clouds(stage)
    ways = [
        way for n in range(10) for way in (
            one.alibaba("CreateLiveMessageGroup", GroupId=f"g{n}"),
            one.tencent.call("create_room", {"RoomInfo": {"RoomId": f"g{n}", "RoomType": "Live"}}),
        )
    ]
    answers = await asyncio.gather(*ways)
    for n, (alibaba, tencent) in enumerate(zip(answers[::2], answers[1::2])):
        assert (tencent.code == 0) != (alibaba["AlreadyExists"] is False), f"g{n}: {alibaba} {tencent}"
    ann = await stage.viewer(sdk, one.app, "ann", "g0")
    sends = [
        send for n in range(20) for send in (
            one.alibaba("SendLiveMessageGroup", GroupId="g0", SenderId="s", Body=f"a{n}"),
            one.do("send_text_msg", RoomId="g0", Sender_Account="t", TextContent=f"t{n}"),
        )
    ]
    await asyncio.gather(*sends)
    await ann.publication("g0", nth=40)
    assert [p["offset"] for p in ann.publications("g0")] == list(range(1, 41))
    assert sorted(ann.bodies("g0")) == sorted(f"{who}{n}" for n in range(20) for who in "at")
    for n in range(10):
        await stage.live.told(f"g{n}", *(("CreateRoom", "ann Online Enter") if n == 0 else ("CreateRoom",)))
