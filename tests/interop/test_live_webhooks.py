"""What a business's URL hears of live rooms: each word, its body to the last field. The receiver checks the rest."""

import pytest

from harness.clients import OTHER, SDKS
from harness.live_receiver import PREFIX
from harness.rooms import ADMIN, ROOM, TOKEN, telling
from harness.shape import Now, assert_shape

both_sdks = pytest.mark.parametrize("sdk", SDKS)


def body(word, **fields):
    """What a webhook's body is, whole."""
    return {"CallbackCommand": PREFIX + word, "EventTime": Now(1000)} | fields


async def test_a_room_s_life_word_by_word_to_the_last_field(stage):
    tencent = await telling(stage, token=TOKEN)
    room = {
        "RoomId": "r1", "RoomType": "Live", "RoomName": "名 \"<&>\"", "Owner_Account": "owner", "MaxMemberCount": 300,
        "CoverURL": "https://example.com/c", "IsMessageDisabled": False, "Category": [3, 1, 2], "IsPublicVisible": True,
        "IsSeatEnabled": True, "TakeSeatMode": "ApplyToTake", "MaxSeatCount": 6,
    }
    await tencent.do("create_room", RoomInfo=room | {"ActivityStatus": 4, "IsUnlimitedRoomEnabled": True})
    await tencent.do("update_room_info", RoomInfo={"RoomId": "r1", "RoomName": "new", "Category": [], "IsMessageDisabled": True})
    await tencent.do("set_room_metadata", RoomId="r1", Metadata=[{"Key": "b", "Value": "2"}, {"Key": "a", "Value": "1"}])
    await tencent.do("del_room_metadata", RoomId="r1", Keys=["b"])
    await tencent.do("modify_admin", RoomId="r1", Admin_Account=["bob", "eve"], OpType="add")
    await tencent.do("modify_admin", RoomId="r1", Admin_Account=["eve"], OpType="delete")
    ann = await stage.viewer("npm", tencent.app, "ann", "r1")
    await tencent.do("change_room_owner", RoomId="r1", NewOwner_Account="ann")
    await ann.leave("r1")
    await stage.live.event("ann Offline Leave", "r1")
    await tencent.do("destroy_room", RoomId="r1")

    told = await stage.live.told(
        "r1", "CreateRoom", "UpdateRoomInfo", "SetMetadata", "DelMetadata", "ModifyAdmin", "ModifyAdmin",
        "ann Online Enter", "ChangeOwner", "ann Offline Leave", "DestroyRoom",
    )
    by, here = {"Operator_Account": ADMIN}, {"RoomId": "r1"}
    updated = {
        "RoomId": "r1", "RoomName": "new", "MaxMemberCount": 300, "IsMessageDisabled": True, "CoverURL": "https://example.com/c",
        "Category": [], "ActivityStatus": 4, "IsPublicVisible": True, "TakeSeatMode": "ApplyToTake", "CustomInfo": "",
    }
    member = {"MemberList": [{"Member_Account": "ann"}]}
    expected = [
        body("CreateRoom", **by, RoomInfo=room | {"CustomInfo": "", "CreateTime": Now()}),
        body("UpdateRoomInfo", **by, RoomInfo=updated),
        body("SetMetadata", **by, **here, Metadata=[{"Key": "b", "Value": "2"}, {"Key": "a", "Value": "1"}]),
        body("DelMetadata", **by, **here, Keys=["b"]),
        body("ModifyAdmin", **by, **here, Admin_Account=["bob", "eve"], opType="add"),
        body("ModifyAdmin", **by, **here, Admin_Account=["eve"], opType="delete"),
        body("MemberStateChanged", **here, EventType="Online", EventCause="Enter", **member),
        body("ChangeOwner", **by, **here, CurrentOwner_Account="ann", OriginalOwner_Account="owner"),
        body("MemberStateChanged", **here, EventType="Offline", EventCause="Leave", **member),
        body(
            "DestroyRoom", **by, **here, EventType="DestroyByUser",
            RoomInfo={
                "RoomName": "new", "RoomType": "Live", "Owner_Account": "ann", "IsSeatEnabled": True, "TakeSeatMode": "ApplyToTake",
                "MaxMemberCount": 300, "MaxSeatCount": 6, "Category": [], "CustomInfo": "", "IsMessageDisabled": True,
                "CoverURL": "https://example.com/c", "ActivityStatus": 4, "IsPublicVisible": True, "ViewCount": 1,
                "BackgroundURL": "", "IsUnlimitedRoomEnabled": True,
            },
            Statistic={
                "TotalViewers": 1, "TotalGiftsSent": 0, "TotalGiftCoins": 0, "TotalUniqueGiftSenders": 0, "TotalLikesReceived": 0,
            },
        ),
    ]
    for event, one in zip(told, expected, strict=True):
        if "Metadata" in one:  # the pairs have no order
            event.body["Metadata"].sort(key=lambda pair: -ord(pair["Key"]))
        assert_shape(event.body, one, event.word)
    times = [event.body["EventTime"] for event in told]
    assert times == sorted(times), f"came {times}"
    platforms = [event.query.get("OptPlatform") for event in told]
    assert platforms[:4] == ["RESTAPI"] * 4 and platforms[-1] == "RESTAPI", f"came {platforms}"


async def test_what_changes_nothing_is_not_told(stage):
    tencent = await telling(stage)
    await tencent.do("create_room", RoomInfo=ROOM | {"Owner_Account": "ann"})
    await stage.viewer("npm", tencent.app, "ann", "r1")
    await tencent.do("modify_admin", RoomId="r1", Admin_Account=["a", "b", "a"], OpType="add")
    for command, change in (
        ("change_room_owner", {"NewOwner_Account": "ann"}), ("modify_admin", {"Admin_Account": ["b", "a"], "OpType": "add"}),
        ("modify_admin", {"Admin_Account": ["nobody"], "OpType": "delete"}), ("del_room_metadata", {"Keys": ["nothing"]}),
        ("unban_member", {"MemberList_Account": ["nobody"]}), ("kick_user_out", {"MemberList_Account": ["nobody"]}),
        ("mute_member", {"MemberList_Account": ["ann"], "MuteTime": 60}), ("update_room_info", None),
    ):
        await tencent.do(command, **({"RoomInfo": {"RoomId": "r1"}} if change is None else {"RoomId": "r1"} | change))
    await tencent.do("modify_admin", RoomId="r1", Admin_Account=["a", "c"], OpType="add")
    told = await stage.live.told("r1", "CreateRoom", "ann Online Enter", "ModifyAdmin", "ModifyAdmin")
    assert [event.body["Admin_Account"] for event in told[2:]] == [["a", "b"], ["c"]], "only who was none before"
    await tencent.do("destroy_room", RoomId="r1")
    await stage.live.told("r1", "CreateRoom", "ann Online Enter", "ModifyAdmin", "ModifyAdmin", "DestroyRoom")


@both_sdks
async def test_where_a_member_is_told_to_come_from_is_what_the_login_said(stage, sdk):
    tencent = await telling(stage, "r1")
    for n, (device, expected) in enumerate((
        ("web-1", "Web"), ("ANDROID 14", "Android"), ("ios", "iOS"), ("Windows 11", "Windows"), ("macbook", "Mac"), ("iPad mini", "iPad"),
        ("fridge", "Unknown"), ("", "Unknown"),
    )):
        await stage.viewer(sdk, tencent.app, f"u{n}", "r1", device=device)
        event = await stage.live.event(f"u{n} Online Enter", "r1")
        assert event.query["OptPlatform"] == expected, f"{device!r}: came {event}"


@both_sdks
async def test_everybody_s_ways_out_of_a_room(stage, sdk):
    tencent = await telling(stage, "r1", token=TOKEN)
    app, other = tencent.app, OTHER[sdk]
    ways = {}
    for n, user in enumerate(("leaves", "logs-off", "closes", "displaced", "banned", "kicked", "thrown", "forced", "revoked")):
        ways[user] = await stage.viewer((sdk, other)[n % 2], app, user, "r1", device="phone")
        await stage.live.event(f"{user} Online Enter", "r1")
    await ways["leaves"].leave("r1")
    await ways["logs-off"].call("rpc", method="session.logoff", data={})
    await ways["closes"].disconnect()
    await stage.viewer(sdk, app, "displaced", device="desk")
    await tencent.do("ban_member", RoomId="r1", MemberList_Account=["banned"], Duration=60)
    await stage.control("KickLiveMessageGroupUser", AppId=app.id, GroupId="r1", KickoffUser="kicked")
    await tencent.do("kick_user_out", RoomId="r1", MemberList_Account=["thrown"])
    await stage.operator("DELETE", f"apps/{app.id}/sessions/forced")
    await tencent.do("kick", UserID="revoked")
    for user in ("leaves", "logs-off", "closes", "displaced"):
        await stage.live.event(f"{user} Offline Leave", "r1")
    for user in ("banned", "kicked", "thrown", "forced", "revoked"):
        await stage.live.event(f"{user} Offline Kicked", "r1")
    await ways["leaves"].ask_to_join("r1")
    await stage.live.event("leaves Online Enter", "r1", nth=2)
    states = [str(event) for event in stage.live.events_of("r1") if event.word == "MemberStateChanged"]
    assert len(states) == 2 * len(ways) + 1, f"each is told once: {states}"


@both_sdks
async def test_who_is_in_when_a_room_ends_is_not_told_to_leave(stage, sdk):
    tencent = await telling(stage, "r1")
    ann = await stage.viewer(sdk, tencent.app, "ann", "r1")
    await tencent.do("destroy_room", RoomId="r1")
    await ann.event("unsubscribed", channel="group:r1")
    await ann.disconnect()
    await tencent.do("create_room", RoomInfo=ROOM)
    await stage.live.told("r1", "CreateRoom", "ann Online Enter", "DestroyRoom", "CreateRoom")
    await stage.viewer(OTHER[sdk], tencent.app, "ann", "r1")
    told = await stage.live.told("r1", "CreateRoom", "ann Online Enter", "DestroyRoom", "CreateRoom", "ann Online Enter")
    assert told[2].body["EventType"] == "DestroyByUser"


@both_sdks
async def test_a_disabled_application_s_members_were_put_out(stage, sdk):
    tencent = await telling(stage, "r1")
    await stage.viewer(sdk, tencent.app, "ann", "r1")
    await stage.live.event("ann Online Enter", "r1")
    await stage.control("ModifyLiveMessageAppDisable", AppId=tencent.app.id, Disable=True)
    await stage.control("ModifyLiveMessageAppDisable", AppId=tencent.app.id, Disable=False)
    await stage.live.told("r1", "CreateRoom", "ann Online Enter", "ann Offline Kicked")


@pytest.mark.virtual_clock
@both_sdks
async def test_a_lost_link_is_told_after_20_seconds_and_its_return(stage, sdk):
    tencent = await telling(stage, "r1")
    proxy = await stage.proxy()
    ann = await stage.viewer(sdk, tencent.app, "ann", "r1", through=proxy.address)
    await stage.viewer(OTHER[sdk], tencent.app, "bob", "r1")
    entered = ("CreateRoom", "ann Online Enter", "bob Online Enter")

    for nth, later in ((2, 24), (3, 30)):  # comes back at once, also when nothing was heard of it for almost a ping
        await stage.lose(proxy)
        await ann.event("subscribed", nth=nth, channel="group:r1", timeout=30)
        await stage.advance(later)
    await stage.live.told("r1", *entered)

    proxy.refuse()
    await stage.lose(proxy)
    await stage.advance(19)
    await stage.live.told("r1", *entered)
    await stage.advance(2)
    await stage.live.told("r1", *entered, "ann Offline HeartbeatInterrupt")
    proxy.accept()
    await ann.event("subscribed", nth=4, channel="group:r1", timeout=30)
    told = await stage.live.told("r1", *entered, "ann Offline HeartbeatInterrupt", "ann Online HeartbeatRecover")
    assert abs(told[-2].body["EventTime"] / 1000 - stage.now()) < 2
    assert_shape(told[-2].body, body(
        "MemberStateChanged", RoomId="r1", EventType="Offline", EventCause="HeartbeatInterrupt",
        MemberList=[{"Member_Account": "ann"}], EventTime=int,
    ))
    await ann.leave("r1")
    await stage.live.told(
        "r1", *entered, "ann Offline HeartbeatInterrupt", "ann Online HeartbeatRecover", "ann Offline Leave"
    )


@pytest.mark.virtual_clock
async def test_who_does_not_return_is_not_told_twice(stage):
    tencent = await telling(stage, "r1")
    proxy = await stage.proxy()
    await stage.viewer("npm", tencent.app, "ann", "r1", through=proxy.address)
    proxy.refuse()
    await stage.lose(proxy)
    await stage.advance(21)
    gone = ("CreateRoom", "ann Online Enter", "ann Offline HeartbeatInterrupt")
    await stage.live.told("r1", *gone)
    await stage.advance(100)
    await stage.receiver.event("ann", e=2)
    await stage.live.told("r1", *gone)
    await stage.viewer("python", tencent.app, "ann", "r1")
    await stage.live.told("r1", *gone, "ann Online Enter")


@pytest.mark.virtual_clock
async def test_who_falls_silent_is_told_so_when_his_session_ends(stage):
    tencent = await telling(stage, "r1")
    proxy = await stage.proxy()
    await stage.viewer("python", tencent.app, "ann", "r1", through=proxy.address)
    proxy.refuse()
    proxy.black_hole()
    await stage.advance(85)
    await stage.live.told("r1", "CreateRoom", "ann Online Enter")
    await stage.advance(10)
    await stage.receiver.event("ann", e=2)
    await stage.live.told("r1", "CreateRoom", "ann Online Enter", "ann Offline HeartbeatInterrupt")


@pytest.mark.settings(ROOMD_LIMITS_GROUPS_PER_APP="10")
async def test_an_application_hears_that_it_has_almost_all_the_rooms_it_may_have(stage):
    tencent = await telling(stage, *(f"r{n}" for n in range(6)))
    await stage.live.told("r5", "CreateRoom")
    await tencent.do("create_room", RoomInfo=ROOM | {"RoomId": "r6"})
    near = lambda: [event for event in stage.live.events if event.word == "CreateRoomReachingThreshold"]
    await stage.live.log.until("word of the threshold", lambda _: near())
    assert_shape(near()[0].body, body("CreateRoomReachingThreshold", Operator_Account=ADMIN, CurRoomCount=7, MaxRoomCount=10))
    for n in (7, 8, 9):
        await tencent.do("create_room", RoomInfo=ROOM | {"RoomId": f"r{n}"})
    await tencent.refused(100002, "create_room", RoomInfo=ROOM | {"RoomId": "r10"})
    await stage.live.told("r9", "CreateRoom")
    assert len(near()) == 1, f"came {stage.live.log}"


@both_sdks
async def test_what_clients_do_in_their_rooms_is_told_with_their_name(stage, sdk):
    tencent = await telling(stage)
    teacher = await stage.client(sdk, tencent.app, "teacher", role="admin", device="iPad 7")
    await teacher.rpc("group.create", group_id="g1", name="Class", info="about", admins=["helper"])
    await teacher.join("g1")
    await teacher.rpc("group.modify", group_id="g1", info="more about", admins=["helper", "second"])
    await teacher.rpc("group.mute_all", group_id="g1")
    await teacher.rpc("group.mute", group_id="g1", users=["eve"])  # of which no word tells
    await stage.viewer(OTHER[sdk], tencent.app, "eve", "g1")
    await teacher.rpc("group.kick", group_id="g1", user="eve")
    await stage.live.event("eve Offline Kicked", "g1")
    await teacher.rpc("group.close", group_id="g1")
    await stage.live.event("DestroyRoom", "g1")
    told = [event for event in stage.live.events_of("g1") if event.word != "MemberStateChanged"]
    assert {event.word for event in told} == {"CreateRoom", "UpdateRoomInfo", "ModifyAdmin", "DestroyRoom"}, f"came {stage.live.log}"
    assert {event.body["Operator_Account"] for event in told} == {"teacher"}, f"came {stage.live.log}"
    assert {event.query.get("OptPlatform") for event in told if event.word != "ModifyAdmin"} == {"iPad"}, f"came {stage.live.log}"
    made, gone = told[0].body["RoomInfo"], told[-1].body["RoomInfo"]
    assert (made["Owner_Account"], made["RoomName"], made["CustomInfo"]) == ("teacher", "Class", "about"), f"came {made}"
    assert (gone["CustomInfo"], gone["IsMessageDisabled"]) == ("more about", True), f"came {gone}"
    [admins] = [event.body for event in told if event.word == "ModifyAdmin"]
    assert (admins["Admin_Account"], admins["opType"]) == (["second"], "add"), f"only who is new: {admins}"
