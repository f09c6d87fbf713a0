"""Members as the business's server sees and moves them."""

import pytest

from harness.clients import OTHER, SDKS


@pytest.mark.parametrize("sdk", SDKS)
async def test_a_kicked_user_leaves_the_group_keeps_its_session_and_may_come_again(stage, sdk):
    app = await stage.app("g1", "g2")
    ann, bob = await stage.client(sdk, app, "ann"), await stage.client(OTHER[sdk], app, "bob")
    await ann.join("g1")
    await bob.join("g1")
    await bob.join("g2")
    await ann.event("join", channel="group:g1")
    await stage.control("KickLiveMessageGroupUser", AppId=app.id, GroupId="g1", KickoffUser="bob")
    kicked = await bob.event("unsubscribed", channel="group:g1")
    assert kicked["code"] == 2102 and kicked["reason"], f"expected 2102 with a reason, came {kicked}"
    left = await ann.event("leave", channel="group:g1")
    assert left["info"]["user"] == "bob", f"came {left}"
    await stage.receiver.event("bob", e=4, g="g1")
    assert await bob.publish_refused("g1", "not in it any more") == 425

    await bob.publish("g2", {"body": "still in g2"})
    await bob.ask_to_join("g1")
    await bob.event("subscribed", nth=2, channel="group:g1")
    await bob.publish("g1", {"body": "back again"})
    await ann.heard("g1", "back again")
    await stage.receiver.event("bob", nth=2, e=3, g="g1")
    told = [event.fields for event in stage.receiver.events_of("bob")]
    assert told == [
        {"e": 1}, {"e": 3, "g": "g1"}, {"e": 3, "g": "g2"}, {"e": 4, "g": "g1"}, {"e": 3, "g": "g1"},
    ], f"events of bob: {told}"


@pytest.mark.parametrize("sdk", SDKS)
async def test_a_users_new_info_is_shown_in_all_its_groups(stage, sdk):
    app = await stage.app("g1", "g2", "g3")
    bob = await stage.client(sdk, app, "bob", info="old")
    ann = await stage.client(OTHER[sdk], app, "ann", info="Ann")
    await bob.join("g1", "g2")
    await ann.join("g1", "g2", "g3")
    answer = await stage.control("ModifyLiveMessageUserInfo", AppId=app.id, UserId="bob", UserMetaInfo="new 名")
    changed = sorted(answer["SuccessList"], key=lambda group: group["GroupId"])
    assert changed == [{"GroupId": group, "Success": True} for group in ("g1", "g2")], f"came {answer}"
    assert answer["FailList"] == [], f"came {answer}"
    for group in ("g1", "g2"):
        present = await ann.call("presence", channel=f"group:{group}")
        infos = {info["user"]: info["conn_info"] for info in present.values()}
        assert infos == {"ann": "Ann", "bob": "new 名"}, f"presence of {group}: {infos}"
    listed = await stage.control("ListLiveMessageGroupUsers", AppId=app.id, GroupId="g1", SortType=1, PageSize=10)
    assert listed["UserList"] == [{"UserId": "bob", "UserInfo": "new 名"}, {"UserId": "ann", "UserInfo": "Ann"}], f"came {listed}"
    await bob.publish("g1", {"body": "signed"})
    heard = await ann.heard("g1", "signed")
    assert heard["data"]["sender"] == {"user": "bob", "info": "new 名"}, f"came {heard}"
