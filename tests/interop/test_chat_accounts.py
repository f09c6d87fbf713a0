"""Which users an application has, and whose UserSigs are worth something: imported, checked, kicked, deleted."""

import time

import pytest

from harness.clients import OTHER, SDKS
from harness.groups import NOBODY, chat, described, imported, make, members, roster, say, text
from harness.tencent import ACCOUNTS
from harness.usersig import login

BAD, NO_SUCH_USER, NOT_EXIST = 70402, 70107, "Err_TLS_PT_Open_Login_Account_Not_Exist"
BAD_BATCH = (70206, BAD)


async def caller(stage, **how):
    """Of an application without users."""
    return await stage.tencent(await stage.live_app(**how))


async def there(tencent, *users):
    """Whether each of these is imported."""
    came = await tencent.do("account_check", CheckItem=[{"UserID": user} for user in users])
    for user, item in zip(users, came["ResultItem"], strict=True):
        assert item == {"UserID": user, "ResultCode": 0, "ResultInfo": "", "AccountStatus": item["AccountStatus"]}, f"came {came}"
    status = {"Imported": True, "NotImported": False}
    return [status[item["AccountStatus"]] for item in came["ResultItem"]]


async def test_who_is_imported_is_there_as_often_as_it_is_said(stage):
    tencent, other = await caller(stage), await caller(stage)
    users = ("ann", "名", "x" * 32)
    for user in users:
        for profile in ({}, {"Nick": "Ann", "FaceUrl": "http://face"}, {"Nick": "", "FaceUrl": ""}):
            assert await tencent.do("account_import", UserID=user, **profile) == {}
    assert await there(tencent, *users, "nobody") == [True, True, True, False]
    assert await there(tencent, "administrator") == [True], "who may call the API is a user"
    assert await there(other, *users) == [False] * 3, "each application has its own"
    for bad in ({}, {"UserID": ""}, {"UserID": 1}, {"UserID": None}, {"UserID": "x" * 33}, {"UserID": "a\nb"}, {"UserID": "n", "Nick": 1}):
        await tencent.refused(BAD, "account_import", **bad)
    await stage.restart()
    assert await there(tencent, *users, "nobody", "n") == [True, True, True, False, False]


async def test_many_are_imported_at_once_in_the_spelling_of_either_edition(stage):
    tencent = await caller(stage)
    await imported(tencent, *(f"u{n}" for n in range(100)))
    came = await tencent.do("multiaccount_import", Accounts=["v1", "x" * 33, "v2", "u1"])
    assert came == {"FailAccounts": ["x" * 33]}, "one that cannot be is told, and the others are imported"
    came = await tencent.do("multiaccount_import", AccountList=[{"UserID": "w1", "Nick": "W", "FaceUrl": ""}, {"UserID": "w2"}])
    assert came == {"FailAccounts": []}
    assert await there(tencent, "u0", "u99", "v1", "v2", "w1", "w2", "x" * 32) == [True] * 6 + [False]
    for bad in ({}, {"Accounts": []}, {"Accounts": [f"n{n}" for n in range(101)]}, {"Accounts": "n0"}, {"Accounts": [1]}):
        await tencent.refused(BAD_BATCH, "multiaccount_import", **bad)
    assert await there(tencent, "n0") == [False]
    for bad in ({}, {"CheckItem": []}, {"CheckItem": ["u1"]}, {"CheckItem": [{"UserID": f"u{n}"} for n in range(101)]}):
        await tencent.refused(BAD_BATCH, "account_check", **bad)


@pytest.mark.settings(ROOMD_LIMITS_ACCOUNTS_PER_APP="3")
async def test_an_application_has_so_many_users_and_not_more(stage):
    tencent = await caller(stage)
    assert await tencent.do("multiaccount_import", Accounts=["a", "b", "c", "d"]) == {"FailAccounts": ["d"]}
    await tencent.refused(70398, "account_import", UserID="d")
    await tencent.do("account_import", UserID="a")
    await tencent.do("account_delete", DeleteItem=[{"UserID": "a"}])
    await tencent.do("account_import", UserID="d")
    assert await there(tencent, "a", "b", "c", "d") == [False, True, True, True]


@pytest.mark.parametrize("sdk", SDKS)
async def test_who_logs_in_with_a_usersig_is_imported_by_it(stage, sdk):
    tencent = await caller(stage)
    await stage.viewer(sdk, tencent.app, "ann")
    assert await there(tencent, "ann", "bob") == [True, False]
    await make(tencent, owner="ann", inside=())


@pytest.mark.virtual_clock
@pytest.mark.parametrize("sdk", SDKS)
async def test_a_deleted_user_is_out_of_everything_and_may_be_imported_anew(stage, sdk):
    tencent = await chat(stage)
    group = await make(tencent, "ChatRoom")
    await make(tencent, "AVChatRoom", "live")
    old = await stage.usersig(tencent.app, "ann")
    ann = await stage.client(sdk, tencent.app, "ann", token=login(tencent.app, "ann", old))
    await ann.join(group, "live")
    bob = await stage.viewer(OTHER[sdk], tencent.app, "bob", group)
    await stage.advance(1.5)
    came = await tencent.do("account_delete", DeleteItem=[{"UserID": "ann"}, {"UserID": "nobody"}])
    assert came == {"ResultItem": [
        {"UserID": "ann", "ResultCode": 0, "ResultInfo": ""}, {"UserID": "nobody", "ResultCode": NO_SUCH_USER, "ResultInfo": NOT_EXIST},
    ]}
    assert (await ann.event("disconnected"))["code"] == 4502
    assert await there(tencent, "ann", "bob") == [False, True]
    assert list(await roster(tencent, group)) == ["olga", "bob"]
    assert await tencent.do("get_online_member_num", GroupId="live") == {"OnlineMemberNum": 0}
    assert not bob.events("disconnected"), "the others stay"
    await tencent.refused(NOBODY, "send_group_msg", GroupId=group, From_Account="ann", Random=1, MsgBody=text("x"))

    late = await stage.client(sdk, tencent.app, "ann", token=login(tencent.app, "ann", old), connect=False)
    await late.call("connect")
    assert (await late.event("error"))["code"] == 109, "the UserSig from before is worth nothing"
    await imported(tencent, "ann")
    await stage.advance(2)
    again = await stage.viewer(OTHER[sdk], tencent.app, "ann")
    assert again.events("connected")[0]["data"]["groups"] == [], "nothing of the old one is the new one's"
    for bad in ({}, {"DeleteItem": []}, {"DeleteItem": ["bob"]}, {"DeleteItem": [{"UserID": f"u{n}"} for n in range(101)]}):
        await tencent.refused(BAD_BATCH, "account_delete", **bad)
    assert await there(tencent, "bob") == [True]


@pytest.mark.parametrize("sdk", SDKS)
async def test_a_kick_makes_usersigs_from_before_worthless_and_a_second_later_a_new_one_does(stage, sdk):
    """By the machine's clock, as a business does it."""
    tencent = await chat(stage)
    old = await stage.usersig(tencent.app, "ann", at=int(time.time()) - 60)
    ann = await stage.client(sdk, tencent.app, "ann", token=login(tencent.app, "ann", old))
    assert await tencent.do("kick", UserID="ann") == {}
    kicked_at = time.time()
    assert (await ann.event("disconnected"))["code"] == 4502
    late = await stage.client(sdk, tencent.app, "ann", token=login(tencent.app, "ann", old), connect=False)
    await late.call("connect")
    assert (await late.event("error"))["code"] == 109, "as one that has expired"
    new = await stage.usersig(tencent.app, "ann", at=int(kicked_at) + 1)
    again = await stage.client(OTHER[sdk], tencent.app, "ann", token=login(tencent.app, "ann", new))
    assert again.events("connected")[0]["data"]["user_id"] == "ann"
    assert await there(tencent, "ann") == [True], "who is kicked is still a user"
    for user in ("nobody", "x" * 32):
        message = await tencent.refused(NO_SUCH_USER, "kick", UserID=user)
        assert user in message, f"came {message}"
    for bad in ({}, {"UserID": ""}, {"UserID": 1}):
        await tencent.refused(BAD, "kick", **bad)


async def test_nobody_is_named_who_is_no_user(stage):
    tencent = await caller(stage)
    room = {"RoomId": "r1", "RoomType": "Live"}
    message = await tencent.refused(100002, "create_room", RoomInfo=room | {"Owner_Account": "ann"})
    assert "ann" in message, f"came {message}"
    group = {"Type": "Public", "Name": "n", "GroupId": "g1"}
    for command, body in (
        ("create_group", group | {"Owner_Account": "ann"}), ("create_group", group | {"MemberList": members("ann")}),
    ):
        await tencent.refused(NOBODY, command, **body)
    await tencent.do("create_group", **group)
    await tencent.refused(NOBODY, "send_group_msg", GroupId="g1", From_Account="ann", Random=1, MsgBody=text("x"))
    direct = {"MsgRandom": 1, "MsgBody": text("x")}
    await tencent.refused(90012, "sendmsg", To_Account="ann", **direct)
    await tencent.refused(90008, "sendmsg", From_Account="ann", To_Account="administrator", **direct)
    await imported(tencent, "ann")
    await tencent.do("create_room", RoomInfo=room | {"Owner_Account": "ann"})
    await tencent.do("add_group_member", GroupId="g1", MemberList=members("ann"))
    await say(tencent, "g1", "x", "ann")
    await tencent.do("sendmsg", From_Account="ann", To_Account="administrator", **direct)


async def test_an_application_may_import_whom_it_names(stage):
    tencent = await caller(stage)
    await stage.operator("PATCH", f"apps/{tencent.app.id}", {"chat": {"auto_import": True}})
    shown = await stage.operator("GET", f"apps/{tencent.app.id}/chat")
    assert shown["auto_import"] is True, f"came {shown}"
    await tencent.do("create_room", RoomInfo={"RoomId": "r1", "RoomType": "Live", "Owner_Account": "owner"})
    await make(tencent, owner="olga", inside=("ann",))
    added = await tencent.do("add_group_member", GroupId="g1", MemberList=members("bob"))
    assert added == {"MemberList": [{"Member_Account": "bob", "Result": 1}]}
    await say(tencent, "g1", "x", "carl")
    assert await there(tencent, "owner", "olga", "ann", "bob", "carl", "dora") == [True] * 5 + [False]
    assert (await described(tencent, "g1"))["Owner_Account"] == "olga"


async def test_accounts_may_be_asked_about_100_times_a_second(stage):
    """Other commands more often."""
    tencent = await caller(stage)
    limited = {command for command in ACCOUNTS if command != "kick"} - {"account_import"}
    assert limited == {"multiaccount_import", "account_check", "account_delete"}
    began, codes = time.monotonic(), []
    while len(codes) < 400 and 60007 not in codes:
        codes.append((await tencent.call("account_check", {"CheckItem": [{"UserID": "ann"}]})).code)
    rate = len(codes) / (time.monotonic() - began)
    assert set(codes) <= {0, 60007} and (60007 in codes or rate < 110), f"{rate:.0f} a second came through"
