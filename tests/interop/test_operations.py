"""All 37 operations, each answer held field by field against the model classes of the cloud's own SDK.

Every call of the suite is checked by them (harness/cloud.py). Here each operation is brought to show all its
fields, the lists with something in them; what the fields mean is the matter of the other files.
"""

import time

import pytest

from harness import model
from harness.shape import assert_shape

CALLBACK, AUDIT = "http://127.0.0.1:9/callback", "http://127.0.0.1:9/audit"

APPS = {
    "CreateLiveMessageApp", "DescribeLiveMessageApp", "ListLiveMessageApps", "ModifyLiveMessageAppAudit",
    "ModifyLiveMessageAppCallback", "ModifyLiveMessageAppDisable",
}
GROUPS = {
    "CreateLiveMessageGroup", "ModifyLiveMessageGroup", "DescribeLiveMessageGroup", "ListLiveMessageGroups",
    "ListLiveMessageGroupByPage", "DeleteLiveMessageGroup", "RecoverLiveMessageDeletedGroup",
}
MUTES = {
    "BanLiveMessageGroup", "UnbanLiveMessageGroup", "AddLiveMessageGroupBand", "RemoveLiveMessageGroupBand",
    "ModifyLiveMessageGroupBand", "DescribeLiveMessageGroupBand",
}
MEMBERS = {
    "KickLiveMessageGroupUser", "ListLiveMessageGroupUsers", "CheckLiveMessageUsersInGroup",
    "CheckLiveMessageUsersOnline", "ModifyLiveMessageUserInfo",
}
MESSAGES = {
    "SendLiveMessageGroup", "SendLiveMessageUser", "DeleteLiveMessageGroupMessage", "DeleteLiveMessageUserMessage",
    "ListLiveMessageGroupMessages",
}
CHANNELS = {
    "CreateEventSub", "UpdateEventSub", "DeleteEventSub", "ListEventSub", "ListEventSubEvent", "DescribeChannelUsers",
    "DescribeChannelParticipants", "DeleteChannel",
}

both_generations = pytest.mark.parametrize("sdk", ["v3", "old"])


class Calls:
    """Calls operations through one SDK, holds the whole answers against their classes, and counts what it called."""

    def __init__(self, stage, sdk, **always):
        self._stage, self._sdk, self._always = stage, sdk, always
        self.made = set()

    async def __call__(self, action, absent=(), empty=(), **params):
        answer = await self._stage.control(action, self._sdk, **self._always | params)
        model.assert_whole(action, answer, absent, empty)
        self.made.add(action)
        return answer


def test_the_sdk_has_these_37_operations_and_no_more():
    ours = [*APPS, *GROUPS, *MUTES, *MEMBERS, *MESSAGES, *CHANNELS]
    assert len(ours) == 37, f"expected 37, came {len(ours)}"
    assert set(ours) == model.operations(), f"differ: {set(ours) ^ model.operations()}"


@both_generations
async def test_apps(stage, sdk):
    call = Calls(stage, sdk)
    made = await call("CreateLiveMessageApp", AppName="shop", AuditType=2, AuditUrl=AUDIT, EventCallbackUrl=CALLBACK)
    app = {"AppId": made["AppId"]}
    await call("DescribeLiveMessageApp", **app)
    await call("ModifyLiveMessageAppAudit", **app, AuditType=2, AuditUrl=AUDIT)
    await call("ModifyLiveMessageAppAudit", **app, AuditType=1, absent={"AuditUrl"})
    await call("DescribeLiveMessageApp", **app, absent={"AuditUrl"})
    await call("ModifyLiveMessageAppCallback", **app, EventCallbackUrl=CALLBACK)
    await call("ModifyLiveMessageAppCallback", **app, EventCallbackUrl="", absent={"EventCallbackUrl"})
    await call("ModifyLiveMessageAppDisable", **app, Disable=False)
    await call("ListLiveMessageApps", SortType=1, absent={"NextPageToken"})
    for _ in range(20):  # one more than a page holds
        await call("CreateLiveMessageApp")
    await call("ListLiveMessageApps", SortType=1)
    assert call.made == APPS, f"differ: {call.made ^ APPS}"


@both_generations
async def test_groups(stage, sdk):
    app = await stage.app()
    call = Calls(stage, sdk, AppId=app.id)
    for group in ("g1", "g2"):
        await call("CreateLiveMessageGroup", GroupId=group, GroupName="One", CreatorId="c", Administrators=["a1", "a2"])
    member = await stage.client("python", app, "ann")
    await member.join("g1")
    await stage.control("SendLiveMessageGroup", AppId=app.id, GroupId="g1", SenderId="s", Body="counted")
    await call("ModifyLiveMessageGroup", GroupId="g1", ModifyInfo=True, GroupInfo="info", ModifyAdmin=True, AdminList=["a3"])
    alive = await call("DescribeLiveMessageGroup", GroupId="g1", absent={"Deletatime", "Deletor"})
    assert (alive["GroupInfo"], alive["AdminList"]) == ("info", ["a3"]), f"came {alive}"
    assert_shape(alive["MsgAmount"], {"1": 1})
    await call("DeleteLiveMessageGroup", GroupId="g1", OperatorId="c")
    gone = {"MsgAmount", "OnlineUserCounts", "TotalTimes"}
    await call("DescribeLiveMessageGroup", GroupId="g1", absent=gone)
    for status in (0, 1, 2):
        await call("ListLiveMessageGroups", SortType=1, GroupStatus=status, absent={"NextpageToken"})
        await call("ListLiveMessageGroupByPage", SortType=2, GroupStatus=status, PageNumber=1, PageSize=1)
    await call("RecoverLiveMessageDeletedGroup", GroupId="g1")
    await call("DescribeLiveMessageGroup", GroupId="g1", absent={"Deletatime", "Deletor"})
    assert call.made == GROUPS, f"differ: {call.made ^ GROUPS}"


@both_generations
async def test_mutes(stage, sdk):
    app = await stage.app("g1")
    call = Calls(stage, sdk, AppId=app.id, GroupId="g1")
    await call("DescribeLiveMessageGroupBand", empty={"BannedUserList", "UnbannedUserList"})
    await call("BanLiveMessageGroup", ExceptUsers=["u1", "u2"])
    await call("AddLiveMessageGroupBand", BannedUsers=["u3", "u4"])
    muted = await call("DescribeLiveMessageGroupBand")
    lists = {name: sorted(muted[name]) for name in ("BannedUserList", "UnbannedUserList")}
    assert lists == {"BannedUserList": ["u3", "u4"], "UnbannedUserList": ["u1", "u2"]}, f"came {muted}"
    assert muted["IsbannedAll"] is True, f"came {muted}"
    await call("RemoveLiveMessageGroupBand", UnbannedUsers=["u3"])
    await call("UnbanLiveMessageGroup")
    muted = await call("DescribeLiveMessageGroupBand", empty={"UnbannedUserList"})
    assert (muted["IsbannedAll"], muted["BannedUserList"]) == (False, ["u4"]), f"came {muted}"
    await call("ModifyLiveMessageGroupBand", BannedAll=True, BannnedUsers=["u5"], ExceptUsers=["u6"])
    muted = await call("DescribeLiveMessageGroupBand")
    assert (muted["IsbannedAll"], muted["BannedUserList"], muted["UnbannedUserList"]) == (True, ["u5"], ["u6"]), f"came {muted}"
    assert call.made == MUTES, f"differ: {call.made ^ MUTES}"


@both_generations
async def test_members(stage, sdk):
    app = await stage.app("g1")
    ann = await stage.client("python", app, "ann", info="Ann")
    bob = await stage.client("npm", app, "bob", info="Bob")
    await ann.join("g1")
    await bob.join("g1")
    call = Calls(stage, sdk, AppId=app.id)
    listed = await call("ListLiveMessageGroupUsers", GroupId="g1", SortType=2, PageSize=10)
    assert (listed["Hasmore"], listed["NextPageToken"]) == (False, 0), f"came {listed}"
    assert listed["UserList"] == [{"UserId": "bob", "UserInfo": "Bob"}, {"UserId": "ann", "UserInfo": "Ann"}], f"came {listed}"
    told = await call("ModifyLiveMessageUserInfo", UserId="bob", UserMetaInfo="Robert", empty={"FailList"})
    assert told["SuccessList"] == [{"GroupId": "g1", "Success": True}], f"came {told}"
    await call("KickLiveMessageGroupUser", GroupId="g1", KickoffUser="bob")
    for action, params, field, is_there in (
        ("CheckLiveMessageUsersInGroup", {"GroupId": "g1"}, "Users", {"ann": True, "bob": False, "eve": False}),
        ("CheckLiveMessageUsersOnline", {}, "UserList", {"ann": True, "bob": True, "eve": False}),
    ):
        answer = await call(action, **params, UserIds=list(is_there))
        assert {user["UserId"]: user["Online"] for user in answer[field]} == is_there, f"{action}: {answer}"
    assert call.made == MEMBERS, f"differ: {call.made ^ MEMBERS}"


@both_generations
async def test_messages(stage, sdk):
    app = await stage.app("g1")
    ann = await stage.client("npm", app, "ann")
    await ann.join("g1")
    call = Calls(stage, sdk, AppId=app.id)
    sent = await call(
        "SendLiveMessageGroup", GroupId="g1", SenderId="s", SenderMetaInfo="S", Body="b", MsgType=10001, MsgTid="t1",
        StaticsIncrease=2, Weight=5, NoStorage=False, NoCache=True,
    )
    assert sent["MsgTid"] == "t1", f"came {sent}"
    await call("ListLiveMessageGroupMessages", GroupId="g1", SortType=1, PageSize=10)
    for storage in (True, False):
        sent = await call(
            "SendLiveMessageUser", SenderId="s", ReceiverId="ann", SenderInfo="S", Body="b", MsgType=1, MsgTid=f"u-{storage}",
            Storage=storage, HighReliability=False,
        )
        assert sent["MsgTid"] == f"u-{storage}", f"came {sent}"
    reliable = stage.meanwhile(call("SendLiveMessageUser", SenderId="s", ReceiverId="ann", HighReliability=True))
    await ann.call("send", data={"ack": [(await ann.message(nth=3))["ack"]]})
    await reliable
    await call("DeleteLiveMessageUserMessage", MessageId="u-True", ReceiverId="ann", DeleterId="s", DeleterInfo="S")
    deleted = await call("DeleteLiveMessageGroupMessage", GroupId="g1", MessageId="t1", DeleterId="s", DeleterInfo="S")
    assert (deleted["GroupId"], deleted["MessageId"]) == ("g1", "t1"), f"came {deleted}"
    assert call.made == MESSAGES, f"differ: {call.made ^ MESSAGES}"


@both_generations
async def test_channels_and_their_subscriptions(stage, sdk):
    app = await stage.app()
    call = Calls(stage, sdk, AppId=app.id)
    sub = {"SubscribeId": await stage.subscribe(app)}
    made = await call("CreateEventSub", ChannelId="c1", Users=["ann"], CallbackUrl=stage.rtc.url, Events=["UserEvent"])
    stage.rtc.expect(made["SubscribeId"], app.id, "c1", ["ann"], ["UserEvent"], whole=False)
    await call("ListEventSub")
    await stage.participant("npm", app, "ann", "c1", role=1)
    await stage.participant("python", app, "bob", "c1")
    await call("DescribeChannelUsers", ChannelId="c1")
    await call("DescribeChannelParticipants", ChannelId="c1", PageNum=1, PageSize=1, Order="asc")
    await stage.rtc.event("bob Join 1", "c1")
    now = int(time.time())
    logs = {"StartTime": now - 60, "EndTime": now + 60, "PageNo": 1, "PageSize": 10}
    await call("ListEventSubEvent", **logs)
    await call("ListEventSubEvent", **logs, **sub)
    only = {"SubscribeId": made["SubscribeId"]}
    await call("UpdateEventSub", **only, ChannelId="c2", CallbackUrl=stage.rtc.url, Events=["ChannelEvent"])
    await call("DeleteEventSub", **only)
    await call("DeleteChannel", ChannelId="c1")
    await call("DescribeChannelUsers", ChannelId="c1", empty={"InteractiveUserList", "LiveUserList"})
    await call("DescribeChannelParticipants", ChannelId="c1", empty={"UserList"})
    await call("ListEventSubEvent", **logs | {"StartTime": now - 7200, "EndTime": now - 3600}, empty={"Logs"})
    assert call.made == CHANNELS, f"differ: {call.made ^ CHANNELS}"
