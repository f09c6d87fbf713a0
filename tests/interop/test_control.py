"""The cloud's server SDKs drive the control API: every operation, every field of every answer."""

import re
import time

import pytest

from harness import cloud
from harness.shape import REQUEST_ID, Now, assert_shape

APP_ID = re.compile(r"[a-z0-9]{1,64}")
SECRET = re.compile(r"\S{8,}")
pytestmark = pytest.mark.parametrize("sdk", cloud.SDKS)


async def test_an_app_is_made_described_and_changed(stage, sdk):
    callback, audit = stage.receiver.url, "http://127.0.0.1:9/audit"
    made = await stage.control(
        "CreateLiveMessageApp", sdk, AppName="教室 1", AuditType=2, AuditUrl=audit, EventCallbackUrl=callback,
        DataCenter="cn-shanghai", MsgLifeCycle=1,
    )
    assert_shape(made, {
        "AppId": APP_ID, "AppKey": SECRET, "AppSign": SECRET, "DataCenter": "cn-shanghai", "RequestId": REQUEST_ID,
    })
    app, sign = made["AppId"], made["AppSign"]
    described = {
        "AppId": app, "AppKey": made["AppKey"], "AppName": "教室 1", "AppSign": sign, "AuditType": 2, "AuditUrl": audit,
        "CreateTime": Now(), "DataCenter": "cn-shanghai", "Disable": False, "EventCallbackUrl": callback,
        "ModifyTime": Now(), "MsgLifeCycle": 1, "RequestId": REQUEST_ID,
    }
    assert_shape(await stage.control("DescribeLiveMessageApp", sdk, AppId=app), described)

    changed = await stage.control("ModifyLiveMessageAppAudit", sdk, AppId=app, AuditType=2, AuditUrl=audit + "/2")
    assert_shape(changed, {
        "AppId": app, "AppSign": sign, "AuditType": 2, "AuditUrl": audit + "/2", "AuditNeedAuthentication": True,
        "RequestId": REQUEST_ID,
    })
    changed = await stage.control("ModifyLiveMessageAppCallback", sdk, AppId=app, EventCallbackUrl=callback + "&v=2")
    assert_shape(changed, {
        "AppId": app, "AppSign": sign, "EventCallbackUrl": callback + "&v=2",
        "EventCallbackNeedAuthentication": True, "RequestId": REQUEST_ID,
    })
    changed = await stage.control("ModifyLiveMessageAppDisable", sdk, AppId=app, Disable=True)
    assert_shape(changed, {"AppId": app, "AppSign": sign, "Disable": True, "RequestId": REQUEST_ID})
    described |= {"AuditUrl": audit + "/2", "EventCallbackUrl": callback + "&v=2", "Disable": True}
    assert_shape(await stage.control("DescribeLiveMessageApp", sdk, AppId=app), described)

    await stage.refused(403, "NoAuth", "CreateLiveMessageGroup", sdk, AppId=app, GroupId="g1")
    changed = await stage.control("ModifyLiveMessageAppDisable", sdk, AppId=app, Disable=False)
    assert_shape(changed, {"AppId": app, "AppSign": sign, "Disable": False, "RequestId": REQUEST_ID})
    await stage.control("ModifyLiveMessageAppAudit", sdk, AppId=app, AuditType=0)
    await stage.control("CreateLiveMessageGroup", sdk, AppId=app, GroupId="g1")
    described |= {"AuditType": 0, "Disable": False}
    del described["AuditUrl"]
    assert_shape(await stage.control("DescribeLiveMessageApp", sdk, AppId=app), described)


async def test_apps_are_listed_in_both_orders_page_by_page(stage, sdk):
    made = [await stage.control("CreateLiveMessageApp", sdk, AppName=f"app {n:02}") for n in range(23)]
    item = lambda n: {
        "AppId": made[n]["AppId"], "AppKey": made[n]["AppKey"], "AppName": f"app {n:02}", "AppSign": made[n]["AppSign"],
        "CreateTime": Now(), "DataCenter": "cn-shanghai", "Disable": False, "ModifyTime": Now(), "MsgLifeCycle": 0,
    }
    for sort, order in ((1, range(23)), (2, range(22, -1, -1))):
        first = await stage.control("ListLiveMessageApps", sdk, SortType=sort)
        assert_shape(first, {
            "AppList": [item(n) for n in order[:20]], "HasMore": True, "NextPageToken": int, "RequestId": REQUEST_ID,
        })
        again = await stage.control("ListLiveMessageApps", sdk, SortType=sort, NextPageToken=-1)
        assert again["AppList"] == first["AppList"], "NextPageToken -1 is the first page"
        last = await stage.control("ListLiveMessageApps", sdk, SortType=sort, NextPageToken=first["NextPageToken"])
        assert_shape(last, {"AppList": [item(n) for n in order[20:]], "HasMore": False, "RequestId": REQUEST_ID})


async def test_a_group_is_made_once_described_and_deleted(stage, sdk):
    app = (await stage.app()).id
    group = {
        "AppId": app, "GroupId": "class-1", "GroupName": "Class 1", "GroupInfo": "i n&f=o/中*~", "CreatorId": "teacher",
        "Administrators": ["a1", "a2"],
    }
    made = {"GroupId": "class-1", "AlreadyExists": False, "AlreadyDelete": False, "RequestId": REQUEST_ID}
    assert_shape(await stage.control("CreateLiveMessageGroup", sdk, **group), made)
    again = await stage.control("CreateLiveMessageGroup", sdk, **group | {"GroupName": "Other", "CreatorId": "other"})
    assert_shape(again, made | {"AlreadyExists": True})
    described = {
        "GroupId": "class-1", "GroupName": "Class 1", "GroupInfo": "i n&f=o/中*~", "CreatorId": "teacher",
        "AdminList": ["a1", "a2"], "Createtime": Now(), "Delete": False, "MsgAmount": {}, "OnlineUserCounts": 0,
        "TotalTimes": 0, "SuperLargeGroup": False, "RequestId": REQUEST_ID,
    }
    assert_shape(await stage.control("DescribeLiveMessageGroup", sdk, AppId=app, GroupId="class-1"), described)

    deleted = await stage.control("DeleteLiveMessageGroup", sdk, AppId=app, GroupId="class-1", OperatorId="teacher")
    assert_shape(deleted, {"GroupId": "class-1", "RequestId": REQUEST_ID})
    described |= {"Delete": True, "Deletatime": Now(), "Deletor": "teacher"}
    for gone in ("MsgAmount", "OnlineUserCounts", "TotalTimes"):
        del described[gone]
    assert_shape(await stage.control("DescribeLiveMessageGroup", sdk, AppId=app, GroupId="class-1"), described)
    again = await stage.control("CreateLiveMessageGroup", sdk, **group)
    assert_shape(again, made | {"AlreadyExists": True, "AlreadyDelete": True})
    for unknown in ("class-1", "class-2"):
        deleted = await stage.control("DeleteLiveMessageGroup", sdk, AppId=app, GroupId=unknown)
        assert_shape(deleted, {"GroupId": unknown, "RequestId": REQUEST_ID})


async def test_messages_are_sent_counted_and_listed_page_by_page(stage, sdk):
    app = await stage.app("g1")
    member = await stage.client("python", app, "member")
    await member.join("g1")
    send = {"AppId": app.id, "GroupId": "g1", "SenderId": "teacher", "SenderMetaInfo": '{"名":"T"}'}
    tids = []
    for n in range(1, 26):
        sent = await stage.control(
            "SendLiveMessageGroup", sdk, **send, Body=f'{{"n":{n},"s":"a b*~+中"}}', MsgType=10001 if n % 5 == 0 else 1,
            **({"MsgTid": f"tid-{n}"} if n % 2 else {}), **({"StaticsIncrease": 3, "Weight": 5} if n % 5 == 0 else {}),
        )
        assert_shape(sent, {"MsgTid": f"tid-{n}" if n % 2 else str, "RequestId": REQUEST_ID})
        tids.append(sent["MsgTid"])
    assert len(set(tids)) == 25, f"expected 25 different MsgTids, came {tids}"
    repeated = await stage.control("SendLiveMessageGroup", sdk, **send, Body="again", MsgTid="tid-1")
    assert repeated["MsgTid"] == "tid-1", f"a repeated MsgTid is the same message, came {repeated}"
    await stage.control("SendLiveMessageGroup", sdk, **send, Body="not kept", NoStorage=True)

    def message(n):
        ours = n % 5 == 0
        return {
            "MsgTid": tids[n - 1], "MsgType": 10001 if ours else 1, "Body": f'{{"n":{n},"s":"a b*~+中"}}',
            "Sender": {"UserId": "teacher", "UserInfo": '{"名":"T"}'}, "SeqNumber": n, "Timestamp": Now(),
            "TotalMessages": n // 5 * 3 if ours else n - n // 5,
        }

    async def listed(sort, **more):
        """All pages of ten, joined."""
        found, token = [], None
        while True:
            page = await stage.control(
                "ListLiveMessageGroupMessages", sdk, AppId=app.id, GroupId="g1", SortType=sort, PageSize=10,
                **({"NextPageToken": token} if token else {}), **more,
            )
            found += page["MessageList"]
            assert_shape({**page, "MessageList": None}, {
                "GroupId": "g1", "Hasmore": bool, "NextPageToken": int, "MessageList": None, "RequestId": REQUEST_ID,
            })
            token = page["NextPageToken"]
            assert (token != 0) == page["Hasmore"], f"NextPageToken is 0 on the last page only: {page}"
            if not page["Hasmore"]:
                return found
            assert len(page["MessageList"]) == 10, f"a page before the last is full: {len(page['MessageList'])}"

    assert_shape(await listed(1), [message(n) for n in range(1, 26)])
    assert_shape(await listed(2), [message(n) for n in range(25, 0, -1)])
    assert_shape(await listed(1, MsgType=10001), [message(n) for n in range(5, 26, 5)])
    assert await listed(1, EndTime=int(time.time()) - 3600) == [], "nothing was said an hour ago"
    assert len(await listed(1, BeginTime=int(time.time()) - 3600)) == 25, "all was said within the hour"

    amounts = (await stage.control("DescribeLiveMessageGroup", sdk, AppId=app.id, GroupId="g1"))["MsgAmount"]
    assert amounts == {"1": 21, "10001": 15}, f"20 of type 1 and one that was not stored; 5 × 3 of type 10001: {amounts}"
    await member.publication("g1", nth=26)
    bodies = [event["data"]["body"] for event in member.publications("g1")]
    assert bodies == [f'{{"n":{n},"s":"a b*~+中"}}' for n in range(1, 26)] + ["not kept"], f"the member got {bodies}"


async def test_the_longest_body_the_cloud_allows_goes_through_and_one_byte_more_does_not(stage, sdk):
    app = await stage.app("g1")
    member = await stage.client("python", app, "member")
    await member.join("g1")
    longest = "长" * 5120  # 15 KiB of text; three times that in the query string, where the SDKs put everything
    send = {"AppId": app.id, "GroupId": "g1", "SenderId": "teacher"}
    await stage.control("SendLiveMessageGroup", sdk, **send, Body=longest)
    assert (await member.publication("g1"))["data"]["body"] == longest, "the member got another body"
    await stage.refused(400, "InputInvalid", "SendLiveMessageGroup", sdk, **send, Body=longest + "x")


async def test_who_is_online_is_told(stage, sdk):
    app = await stage.app()
    await stage.client("python", app, "here")
    online = await stage.control("CheckLiveMessageUsersOnline", sdk, AppId=app.id, UserIds=["away", "here"])
    online["UserList"].sort(key=lambda user: user["UserId"])
    assert_shape(online, {
        "UserList": [{"UserId": "away", "Online": False}, {"UserId": "here", "Online": True}], "RequestId": REQUEST_ID,
    })


async def test_what_is_missing_or_wrong_is_refused_by_its_documented_code(stage, sdk):
    app = (await stage.app("empty", "deleted")).id
    await stage.control("DeleteLiveMessageGroup", sdk, AppId=app, GroupId="deleted")
    send = {"AppId": app, "SenderId": "s", "Body": "b"}
    list_all = {"AppId": app, "GroupId": "empty", "SortType": 1, "PageSize": 10}
    for status, code, action, params in [
        (404, "ResourceNotExist", "DescribeLiveMessageApp", {"AppId": "nosuchapp"}),
        (404, "ResourceNotExist", "DescribeLiveMessageApp", {"AppId": app, "DataCenter": "ap-southeast-1"}),
        (404, "ResourceNotExist", "DescribeLiveMessageGroup", {"AppId": app, "GroupId": "nosuchgroup"}),
        (404, "ResourceNotExist", "SendLiveMessageGroup", send | {"GroupId": "nosuchgroup"}),
        (404, "ResourceNotExist", "SendLiveMessageGroup", send | {"GroupId": "deleted"}),
        (404, "ResourceNotExist", "SendLiveMessageGroup", send | {"GroupId": "empty"}),
        (400, "InputInvalid", "ListLiveMessageGroupMessages", list_all | {"PageSize": 51}),
        (400, "InputInvalid", "ListLiveMessageGroupMessages", list_all | {"SortType": 3}),
        (400, "InputInvalid", "CreateLiveMessageGroup", {"AppId": app, "GroupId": "not an id"}),
        (400, "MissingGroupId", "CreateLiveMessageGroup", {"AppId": app}),
        (400, "ErrorInvalidAppName", "CreateLiveMessageApp", {"AppName": "x"}),
        (400, "ErrorInvalidEventCallbackUrl", "CreateLiveMessageApp", {"AppName": "app", "EventCallbackUrl": "ftp://x/"}),
        (400, "ErrorInvalidAuditUrl", "CreateLiveMessageApp", {"AppName": "app", "AuditType": 2}),
    ]:
        await stage.refused(status, code, action, sdk, **params)


async def test_a_stranger_is_turned_away(stage, sdk):
    wrong_secret = stage.sdk(sdk, key_secret="not-the-secret")
    wrong_key = stage.sdk(sdk, key_id="not-the-key")
    for stranger, status, code in [
        (wrong_secret, 400, wrong_secret.wrong_secret_code),
        (wrong_key, 404, "InvalidAccessKeyId.NotFound"),
    ]:
        with pytest.raises(cloud.CloudError) as caught:
            stranger.call("DescribeLiveMessageApp", AppId="any")
        assert (caught.value.status, caught.value.code) == (status, code), f"expected {status} {code}, came {caught.value}"


async def test_an_operation_that_does_not_exist_is_told_so(stage, sdk):
    with pytest.raises(cloud.CloudError) as caught:
        stage.sdk(sdk).call_unknown("NoSuchOperation")
    assert (caught.value.status, caught.value.code) == (404, "InvalidAction.NotFound"), f"came {caught.value}"
