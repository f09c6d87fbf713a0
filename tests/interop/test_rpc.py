"""What a client may ask for by rpc: its answers, its effects on others, and who may ask."""

import pytest

from harness.clients import OTHER, SDKS
from harness.shape import assert_shape

FORBIDDEN, MUTED = 403, 442


async def class_of(stage, sdk, *users):
    """A group `g1` of a teacher, who made it, an administrator, and these users; all are in it."""
    app = await stage.app()
    await stage.group(app, "g1", GroupName="Class", GroupInfo="info", CreatorId="teacher", Administrators=["helper"])
    clients = []
    for n, user in enumerate(("teacher", "helper", *users)):
        clients.append(await stage.client((sdk, OTHER[sdk])[n % 2], app, user, info=user.title()))
        await clients[-1].join("g1")
    return app, *clients


@pytest.mark.parametrize("sdk", SDKS)
async def test_a_group_is_made_by_an_admin_login_and_by_nobody_else(stage, sdk):
    app = await stage.app()
    admin = await stage.client(sdk, app, "boss", role="admin")
    normal = await stage.client(OTHER[sdk], app, "ann")
    draft = {"group_id": "g1", "name": "Name", "info": "i", "admins": ["a1", "a2"]}
    assert await normal.rpc_refused("group.create", **draft) == FORBIDDEN
    made = await admin.rpc("group.create", **draft)
    assert_shape(made, {"group_id": "g1", "already_exists": False, "already_deleted": False})
    described = await stage.control("DescribeLiveMessageGroup", AppId=app.id, GroupId="g1")
    came = {name: described[name] for name in ("GroupName", "GroupInfo", "CreatorId", "AdminList")}
    assert_shape(came, {"GroupName": "Name", "GroupInfo": "i", "CreatorId": "boss", "AdminList": ["a1", "a2"]})
    assert_shape(await admin.rpc("group.create", group_id="g1", name="Other"), made | {"already_exists": True})
    await admin.rpc("group.close", group_id="g1")
    assert_shape(await admin.rpc("group.create", group_id="g1"), made | {"already_exists": True, "already_deleted": True})


@pytest.mark.parametrize("sdk", SDKS)
async def test_a_group_is_described(stage, sdk):
    app, teacher, helper, ann = await class_of(stage, sdk, "ann")
    await ann.publish("g1", {"body": "one", "type": 10001, "increase": 3})
    for client in (teacher, ann):
        assert_shape(await client.rpc("group.query", group_id="g1"), {
            "group_id": "g1", "name": "Class", "info": "info", "creator": "teacher", "admins": ["helper"],
            "create_time": int, "online": 3, "total": 3, "muted_all": False, "muted": [], "unmuted": [],
            "amounts": {"10001": 3},
        })
    assert await ann.rpc_refused("group.query", group_id="no-such-group") == 440


@pytest.mark.parametrize("sdk", SDKS)
async def test_a_group_is_changed_and_its_members_are_told(stage, sdk):
    app, teacher, helper, ann = await class_of(stage, sdk, "ann")
    assert await teacher.rpc("group.modify", group_id="g1", info="new") == {}
    told = await ann.told("g1", "group.info")
    assert_shape(told["data"], {"name": "Class", "info": "new", "creator": "teacher", "admins": ["helper"]})
    assert await helper.rpc("group.modify", group_id="g1", admins=["ann", "helper"]) == {}
    told = await ann.told("g1", "group.info", nth=2)
    assert_shape(told["data"], {"name": "Class", "info": "new", "creator": "teacher", "admins": ["ann", "helper"]})
    await ann.rpc("group.modify", group_id="g1", info="ann may now")


@pytest.mark.parametrize("sdk", SDKS)
async def test_users_are_listed_with_when_they_joined(stage, sdk):
    app, teacher, helper, ann = await class_of(stage, sdk, "ann")
    page = await helper.rpc("group.users", group_id="g1", page_size=10, sort=1)
    assert_shape(page, {
        "users": [{"user": user, "info": user.title(), "joined": int} for user in ("teacher", "helper", "ann")],
        "next_page_token": 0, "has_more": False,
    })
    page = await teacher.rpc("group.users", group_id="g1", page_size=10, sort=2)
    assert [user["user"] for user in page["users"]] == ["ann", "helper", "teacher"], f"newest first: {page}"


@pytest.mark.parametrize("sdk", SDKS)
async def test_mutes_are_made_told_and_lifted(stage, sdk):
    app, teacher, helper, ann, bob = await class_of(stage, sdk, "ann", "bob")
    steps = [
        (helper, "group.mute", {"users": ["ann"]}, (False, ["ann"], []), {"ann": MUTED}),
        (teacher, "group.mute_all", {"except": ["bob"]}, (True, ["ann"], ["bob"]), {"ann": MUTED, "bob": None}),
        (helper, "group.unmute", {"users": ["ann"]}, (True, [], ["bob"]), {"ann": MUTED, "bob": None}),
        (teacher, "group.unmute_all", {}, (False, [], []), {"ann": None, "bob": None}),
    ]
    for n, (who, method, params, expected, publishing) in enumerate(steps):
        state = dict(zip(("muted_all", "muted", "unmuted"), expected))
        assert await who.rpc(method, group_id="g1", **params) == {}, method
        for client in (ann, bob):
            assert_shape((await client.told("g1", "group.mute", nth=n + 1))["data"], state, f"told after {method}")
        assert_shape(await who.rpc("group.mutes", group_id="g1"), state, f"group.mutes after {method}")
        for client in (ann, bob):
            code = publishing.get(client.user)
            if code:
                assert await client.publish_refused("g1", "no") == code, f"{client.user} after {method}"
            else:
                await client.publish("g1", {"body": f"{client.user} after {method}"})


@pytest.mark.parametrize("sdk", SDKS)
async def test_a_member_is_kicked_by_an_administrator(stage, sdk):
    app, teacher, helper, ann = await class_of(stage, sdk, "ann")
    assert await helper.rpc("group.kick", group_id="g1", user="ann") == {}
    kicked = await ann.event("unsubscribed", channel="group:g1")
    assert kicked["code"] == 2102 and kicked["reason"], f"expected 2102 with a reason, came {kicked}"
    await stage.receiver.event("ann", e=4, g="g1")


@pytest.mark.parametrize("sdk", SDKS)
async def test_messages_are_listed_page_by_page(stage, sdk):
    app, teacher, helper, ann = await class_of(stage, sdk, "ann")
    for n in range(1, 26):
        await ann.publish("g1", {"body": f"m{n}", "tid": f"t{n}", "type": 2 if n % 5 == 0 else 1})

    async def listed(**ask):
        found, token = [], 0
        while True:
            page = await teacher.rpc("group.messages", group_id="g1", page_size=10, page_token=token, **ask)
            assert page.keys() == {"messages", "next_page_token", "has_more"}, f"came {page}"
            found += page["messages"]
            if not page["has_more"]:
                assert page["next_page_token"] == 0, f"came {page}"
                return found
            token = page["next_page_token"]

    def message(n):
        kind, total = (2, n // 5) if n % 5 == 0 else (1, n - n // 5)
        return {
            "tid": f"t{n}", "type": kind, "body": f"m{n}", "sender": {"user": "ann", "info": "Ann"}, "seq": n, "time": int,
            "total": total,
        }

    assert_shape(await listed(sort=1), [message(n) for n in range(1, 26)])
    assert_shape(await listed(sort=2), [message(n) for n in range(25, 0, -1)])
    assert_shape(await listed(sort=1, type=2), [message(n) for n in range(5, 26, 5)])
    assert await listed(sort=1, end=1) == [], "nothing was said in 1970"


@pytest.mark.parametrize("sdk", SDKS)
async def test_a_message_is_deleted_and_all_are_told_by_whom(stage, sdk):
    app, teacher, helper, ann = await class_of(stage, sdk, "ann")
    await ann.publish("g1", {"body": "rude", "tid": "t1"})
    assert await helper.rpc("message.delete", group_id="g1", tid="t1") == {}
    for client in (teacher, ann):
        told = await client.told("g1", "message.deleted")
        assert_shape(told["data"], {"tid": "t1", "seq": 1, "by": {"user": "helper", "info": "Helper"}})
    history = await ann.call("history", channel="group:g1", limit=10, since=None, reverse=False)
    assert [p["data"].get("body") for p in history["publications"]] == [""], f"came {history}"


@pytest.mark.parametrize("sdk", SDKS)
async def test_one_user_writes_to_another(stage, sdk):
    app = await stage.app()
    ann = await stage.client(sdk, app, "ann", info="Ann")
    bob = await stage.client(OTHER[sdk], app, "bob")
    assert await ann.rpc("user.send", user="bob", body="hi", type=7, tid="t1", level="HIGH") == {"tid": "t1"}
    assert_shape(await bob.message(), {
        "type": 7, "body": "hi", "tid": "t1", "sender": {"user": "ann", "info": "Ann"}, "time": int,
    })
    sent = await ann.rpc("user.send", user="bob", body="again")
    assert (await bob.message(nth=2))["tid"] == sent["tid"], f"came {sent}"
    assert not ann.events("message"), "the sender gets none"


@pytest.mark.parametrize("sdk", SDKS)
async def test_a_group_is_closed_by_its_creator(stage, sdk):
    app, teacher, helper, ann = await class_of(stage, sdk, "ann")
    assert await teacher.rpc("group.close", group_id="g1") == {}
    closed = await ann.event("unsubscribed", channel="group:g1")
    assert closed["code"] == 2101 and closed["reason"], f"expected 2101 with a reason, came {closed}"
    described = await stage.control("DescribeLiveMessageGroup", AppId=app.id, GroupId="g1")
    assert (described["Delete"], described["Deletor"]) == (True, "teacher"), f"came {described}"
    assert await ann.rpc_refused("group.query", group_id="g1") == 441


@pytest.mark.parametrize("sdk", SDKS)
async def test_a_normal_member_controls_nothing(stage, sdk):
    app, teacher, helper, ann = await class_of(stage, sdk, "ann")
    await teacher.publish("g1", {"body": "mine", "tid": "t1"})
    before = await stage.control("DescribeLiveMessageGroup", AppId=app.id, GroupId="g1")
    for method, params in [
        ("group.modify", {"info": "x"}),
        ("group.modify", {"admins": ["ann"]}),
        ("group.users", {"page_size": 10, "sort": 1}),
        ("group.mute", {"users": ["teacher"]}),
        ("group.unmute", {"users": ["ann"]}),
        ("group.mute_all", {"except": []}),
        ("group.unmute_all", {}),
        ("group.kick", {"user": "helper"}),
        ("group.messages", {"page_size": 10, "sort": 1}),
        ("message.delete", {"tid": "t1"}),
        ("group.close", {}),
    ]:
        assert await ann.rpc_refused(method, group_id="g1", **params) == FORBIDDEN, f"{method} {params}"
    after = await stage.control("DescribeLiveMessageGroup", AppId=app.id, GroupId="g1")
    assert {k: v for k, v in after.items() if k != "RequestId"} == {k: v for k, v in before.items() if k != "RequestId"}
    await ann.publish("g1", {"body": "last"})
    for client in (teacher, helper, ann):
        await client.heard("g1", "last")
        assert client.bodies("g1") == ["mine", "last"], f"nobody was told of anything: {client.publications('g1')}"


@pytest.mark.parametrize("sdk", SDKS)
async def test_what_is_missing_or_wrong_is_refused_as_bad(stage, sdk):
    app, teacher, helper = await class_of(stage, sdk)
    for method, params, code in [
        ("group.query", {}, 107),
        ("group.query", {"group_id": 7}, 107),
        ("group.query", {"group_id": "x" * 65}, 107),
        ("group.mute", {"group_id": "g1"}, 107),
        ("group.mute", {"group_id": "g1", "users": [f"u{n}" for n in range(31)]}, 107),
        ("group.kick", {"group_id": "g1"}, 107),
        ("group.modify", {"group_id": "g1", "admins": ["a", "b", "c", "d"]}, 107),
        ("group.modify", {"group_id": "g1", "info": "x" * (32 * 1024 + 1)}, 107),
        ("group.mute", {"group_id": "no-such-group", "users": ["ann"]}, 440),
        ("group.close", {"group_id": "no-such-group"}, 440),
        ("user.send", {"user": "helper", "body": "x" * 15_361}, 107),
        ("user.send", {"body": "x"}, 107),
        ("no.such", {}, 104),
    ]:
        came = await teacher.rpc_refused(method, **params)
        assert came == code, f"{method} {str(params)[:80]}: expected {code}, came {came}"
