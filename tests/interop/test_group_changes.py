"""What happens to a group and its messages, and how its members hear of it."""

import asyncio
import time

import pytest

from harness import cloud
from harness.clients import OTHER, SDKS
from harness.shape import assert_shape


@pytest.mark.parametrize("sdk", SDKS)
async def test_members_are_told_of_a_changed_group_and_only_the_flagged_parts_change(stage, sdk):
    app = await stage.app()
    await stage.group(app, "g1", GroupName="name", GroupInfo="old", CreatorId="c", Administrators=["a1"])
    ann = await stage.client(sdk, app, "ann")
    await ann.join("g1")
    group = {"AppId": app.id, "GroupId": "g1"}
    steps = [
        ({"ModifyInfo": True, "GroupInfo": "new 名"}, "new 名", ["a1"]),
        ({"ModifyInfo": False, "GroupInfo": "ignored", "ModifyAdmin": True, "AdminList": ["a2", "a3"]}, "new 名", ["a2", "a3"]),
        ({"ModifyInfo": True, "GroupInfo": "", "AdminList": ["ignored"]}, "", ["a2", "a3"]),
        ({"ModifyInfo": True, "GroupInfo": "last", "ModifyAdmin": True}, "last", ["a2", "a3"]),
        ({"ModifyAdmin": True, "AdminList": []}, "last", []),
    ]
    for n, (params, info, admins) in enumerate(steps):
        await stage.control("ModifyLiveMessageGroup", **group, **params)
        told = await ann.told("g1", "group.info", nth=n + 1)
        assert_shape(told["data"], {"name": "name", "info": info, "creator": "c", "admins": admins}, f"after {params}")
        now = await stage.control("DescribeLiveMessageGroup", **group)
        assert (now["GroupInfo"], now["AdminList"]) == (info, admins), f"after {params} came {now}"


@pytest.mark.parametrize("sdk", SDKS)
async def test_a_deleted_message_is_taken_back_everywhere_and_keeps_its_place(stage, sdk):
    app = await stage.app("g1")
    ann, bob = await stage.client(sdk, app, "ann"), await stage.client(OTHER[sdk], app, "bob")
    await bob.join("g1")
    [subscribed] = await ann.join("g1")
    for n in range(1, 4):
        await bob.publish("g1", {"body": f"m{n}", "tid": f"t{n}"})
    await ann.heard("g1", "m3")
    group = {"AppId": app.id, "GroupId": "g1"}
    await stage.control("DeleteLiveMessageGroupMessage", **group, MessageId="t2", DeleterId="mod", DeleterInfo="Mod")
    for client in (ann, bob):
        told = await client.told("g1", "message.deleted")
        assert_shape(told["data"], {"tid": "t2", "seq": 2, "by": {"user": "mod", "info": "Mod"}})

    history = await ann.call("history", channel="group:g1", limit=10, since=None, reverse=False)
    shown = [(p["offset"], p["data"].get("body")) for p in history["publications"]]
    assert shown == [(1, "m1"), (2, ""), (3, "m3")], f"the deleted one is an empty body in its place: {shown}"
    listed = await stage.control("ListLiveMessageGroupMessages", **group, SortType=1, PageSize=10)
    bodies = [message["Body"] for message in listed["MessageList"]]
    assert "m2" not in bodies and bodies[0] == "m1" and bodies[-1] == "m3", f"came {bodies}"
    late = await stage.client(OTHER[sdk], app, "late")
    await late.join("g1")
    history = await late.call(
        "history", channel="group:g1", limit=10, since={"offset": 1, "epoch": subscribed["epoch"]}, reverse=False
    )
    assert [p["data"].get("body") for p in history["publications"]] == ["", "m3"], f"came {history}"
    await stage.refused(404, "ResourceNotExist", "DeleteLiveMessageGroupMessage", **group, MessageId="no-such-message")


@pytest.mark.parametrize("sdk", SDKS)
async def test_a_deleted_group_is_closed_and_a_recovered_one_is_as_it_was(stage, sdk):
    app = await stage.app()
    await stage.group(app, "g1", GroupName="name", GroupInfo="info", CreatorId="c", Administrators=["a1"])
    group = {"AppId": app.id, "GroupId": "g1"}
    ann = await stage.client(sdk, app, "ann")
    await ann.join("g1")
    await ann.publish("g1", {"body": "before"})
    before = await stage.control("DescribeLiveMessageGroup", **group)
    await stage.control("DeleteLiveMessageGroup", **group, OperatorId="c")
    closed = await ann.event("unsubscribed", channel="group:g1")
    assert closed["code"] == 2101 and closed["reason"], f"expected 2101 with a reason, came {closed}"
    bob = await stage.client(OTHER[sdk], app, "bob")
    await bob.call("subscribe", channel="group:g1", join_leave=False)
    refused = await bob.event("unsubscribed", channel="group:g1")
    assert refused["code"] == 441, f"a deleted group, came {refused}"
    messages = await stage.control("ListLiveMessageGroupMessages", **group, SortType=1, PageSize=10)
    assert [m["Body"] for m in messages["MessageList"]] == ["before"], "its messages can be read"

    assert (await stage.control("RecoverLiveMessageDeletedGroup", **group))["GroupId"] == "g1"
    after = await stage.control("DescribeLiveMessageGroup", **group)
    kept = ("GroupName", "GroupInfo", "CreatorId", "AdminList", "Createtime", "MsgAmount", "TotalTimes")
    assert {k: after[k] for k in kept} == {k: before[k] for k in kept}, f"before {before}, after {after}"
    assert (after["Delete"], after["OnlineUserCounts"]) == (False, 0), f"came {after}"
    again = await stage.control("CreateLiveMessageGroup", **group)
    assert (again["AlreadyExists"], again["AlreadyDelete"]) == (True, False), f"came {again}"
    await bob.join("g1")
    await bob.publish("g1", {"body": "after"})
    messages = await stage.control("ListLiveMessageGroupMessages", **group, SortType=1, PageSize=10)
    said = [(m["SeqNumber"], m["Body"]) for m in messages["MessageList"]]
    assert said == [(1, "before"), (2, "after")], f"the numbers go on: {said}"
    await stage.refused(404, "ResourceNotExist", "RecoverLiveMessageDeletedGroup", AppId=app.id, GroupId="never-was")


@pytest.mark.parametrize("sdk", ["v3", "old"])
async def test_groups_are_listed_by_token_and_by_page_in_both_orders(stage, sdk):
    app = await stage.app()
    names = [f"g{n:03}" for n in range(105)]
    for name in names:
        await unhurried(stage, "CreateLiveMessageGroup", AppId=app.id, GroupId=name)
    for name in names[::5]:
        await unhurried(stage, "DeleteLiveMessageGroup", AppId=app.id, GroupId=name)
    wanted = {0: names, 1: [name for name in names if name not in names[::5]], 2: names[::5]}
    for status, expected in wanted.items():
        for sort in (1, 2):
            ask = {"AppId": app.id, "SortType": sort, "GroupStatus": status}
            expected = expected[::-1] if sort == 2 else expected
            listed, token = [], None
            while True:
                page = await stage.control("ListLiveMessageGroups", sdk, **ask, **({"NextPageToken": int(token)} if token else {}))
                listed += [group["GroupId"] for group in page["GroupList"]]
                token = page.get("NextpageToken")
                assert page["Hasmore"] == bool(token), f"a token exactly when there is more: {page}"
                if not page["Hasmore"]:
                    break
            assert listed == expected, f"by token, {ask}: {listed}"
            paged = []
            for number in range(1, 5):
                page = await stage.control("ListLiveMessageGroupByPage", sdk, **ask, PageNumber=number, PageSize=50)
                assert (page["PageNumber"], page["PageSize"], page["TotalCount"]) == (number, 50, len(expected)), f"{ask}: {page}"
                paged.append([group["GroupId"] for group in page["GroupList"]])
            assert sum(paged, []) == expected, f"by page, {ask}: {paged}"
            assert all(len(page) in (50, len(expected) % 50, 0) for page in paged), f"all pages but the last are full: {paged}"
    page = await stage.control("ListLiveMessageGroupByPage", sdk, AppId=app.id, SortType=1)
    assert (page["PageNumber"], page["PageSize"]) == (1, 20), f"the defaults: {page}"
    assert [group["GroupId"] for group in page["GroupList"]] == names[:20]


async def unhurried(stage, action, **params):
    """A call that waits as long as the cloud's flow control asks for."""
    until = time.monotonic() + 10
    while True:
        try:
            return await stage.control(action, **params)
        except cloud.CloudError as error:
            if error.code != "Throttling.User" or time.monotonic() > until:
                raise
            await asyncio.sleep(0.1)
