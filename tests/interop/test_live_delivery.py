"""When a webhook of a live room is tried, and again, and when not; and what each try says."""

import asyncio

import pytest

from harness.live_receiver import PREFIX, WORDS, LiveReceiver, query_of
from harness.rooms import ROOM, TOKEN, telling


async def without_repeats(stage, seconds=2.0):
    """Nothing more comes for so long."""
    before = len(stage.live.callbacks)
    await asyncio.sleep(seconds)
    assert len(stage.live.callbacks) == before, f"came {stage.live.log}"


async def test_a_failure_is_not_repeated_by_default(stage):
    tencent = await telling(stage, "r1")
    await stage.live.told("r1", "CreateRoom")
    stage.live.next_statuses.extend((500, 302, 404))
    for n in range(3):
        await tencent.do("update_room_info", RoomInfo={"RoomId": "r1", "RoomName": f"name {n}"})
    await tencent.do("update_room_info", RoomInfo={"RoomId": "r1", "RoomName": "last"})
    told = await stage.live.told("r1", "CreateRoom", *["UpdateRoomInfo"] * 4)
    assert [event.body["RoomInfo"]["RoomName"] for event in told[1:]] == ["name 0", "name 1", "name 2", "last"]
    await without_repeats(stage)
    assert [callback.answered for callback in stage.live.callbacks] == [200, 500, 302, 404, 200]


@pytest.mark.virtual_clock
async def test_with_after_retry_a_failure_comes_again_after_1_5_and_30_seconds_signed_anew(stage):
    tencent = await telling(stage, token=TOKEN, after_retry=3)
    stage.live.status = 500
    began = stage.now()
    await tencent.do("create_room", RoomInfo=ROOM)
    await tencent.do("update_room_info", RoomInfo={"RoomId": "r1", "RoomName": "waits"})
    for tries, wait in ((1, 0), (2, 1), (3, 5), (4, 30)):
        if wait:
            await stage.advance(wait - 0.2)
            assert len(stage.live.callbacks) == tries - 1, f"before try {tries} came {stage.live.log}"
            await stage.advance(0.2)
        await stage.live.log.until(f"try {tries}", lambda seen: len(seen) >= tries)
    await stage.live.log.until("the next event, once the first is given up", lambda seen: len(seen) >= 5)
    tries = stage.live.callbacks[:4]
    assert len({one.delivery for one in tries}) == len({one.body for one in tries}) == 1, f"came {stage.live.log}"
    queries = [query_of(one) for one in tries]
    assert len({query["RequestID"] for query in queries}) == 1, f"came {queries}"
    stamps = [int(query["RequestTime"]) for query in queries]
    assert len({query["Sign"] for query in queries}) == len(set(stamps)) == 4, f"came {queries}"
    assert [stamp - int(began) for stamp in stamps] == [0, 1, 6, 36], f"began at {began}, came {stamps}"
    stage.live.status = 200
    await stage.advance(100)
    assert len(stage.live.tries(tries[0].delivery)) == 4, "three repeats, and no more"
    await stage.live.told("r1", "CreateRoom", "UpdateRoomInfo")


@pytest.mark.virtual_clock
async def test_after_retry_says_how_many_repeats_and_can_be_changed(stage):
    tencent = await telling(stage, after_retry=1)
    stage.live.status = 503
    await tencent.do("create_room", RoomInfo=ROOM)
    await stage.advance(60)
    assert len(stage.live.callbacks) == 2, f"came {stage.live.log}"
    await stage.operator("PATCH", f"apps/{tencent.app.id}", {"after_retry": 2})
    await tencent.do("destroy_room", RoomId="r1")
    await stage.advance(60)
    assert len(stage.live.callbacks) == 5, f"came {stage.live.log}"
    await stage.operator("PATCH", f"apps/{tencent.app.id}", {"after_retry": 0})
    await tencent.do("create_room", RoomInfo=ROOM)
    await stage.advance(60)
    assert len(stage.live.callbacks) == 6, f"came {stage.live.log}"
    assert [str(event) for event in stage.live.events_of("r1")] == ["CreateRoom", "DestroyRoom", "CreateRoom"]


async def test_two_seconds_are_all_the_time_there_is(stage):
    tencent = await telling(stage, after_retry=1)
    stage.live.delay = 1.0
    await tencent.do("create_room", RoomInfo=ROOM)
    await stage.live.told("r1", "CreateRoom")
    await asyncio.sleep(1.2)
    stage.live.delay = 4.0
    await tencent.do("destroy_room", RoomId="r1")
    await stage.live.told("r1", "CreateRoom", "DestroyRoom")
    stage.live.delay = 0.0
    await stage.live.log.until("a repeat", lambda seen: len(seen) == 3, timeout=6)
    first, second = stage.live.callbacks[1:]
    assert first.delivery == second.delivery and first.body == second.body, f"came {stage.live.log}"
    assert 2.9 <= second.at - first.at < 6, f"2 s, and 1 s of waiting; came {second.at - first.at:.2f} s"


async def test_whatever_is_in_an_answer_of_200_is_success(stage):
    tencent = await telling(stage, after_retry=3)
    for n, answer in enumerate((b"ok", b"", b'{"ActionStatus":"FAIL","ErrorCode":1}', b"<html>", b"\xff" * 70_000)):
        stage.live.answer = answer
        await tencent.do("create_room", RoomInfo=ROOM | {"RoomId": f"r{n}"})
        await stage.live.told(f"r{n}", "CreateRoom")
    await without_repeats(stage)


async def test_only_what_was_asked_for_is_told_and_what_counts_is_the_moment_of_the_event(stage):
    only = [PREFIX + "DestroyRoom", PREFIX + "SetMetadata"]
    stage.live.whole = False
    tencent = await telling(stage, "r1", words=only)
    await tencent.do("set_room_metadata", RoomId="r1", Metadata=[{"Key": "k", "Value": "v"}])
    await tencent.do("del_room_metadata", RoomId="r1", Keys=["k"])
    await stage.live.told("r1", "SetMetadata")

    await tencent.do("update_callback", Url=stage.live.url, CallbackCommandList=[])
    await tencent.do("set_room_metadata", RoomId="r1", Metadata=[{"Key": "k", "Value": "v"}])
    await tencent.do("delete_callback")
    await tencent.do("set_room_metadata", RoomId="r1", Metadata=[{"Key": "k", "Value": "w"}])
    await tencent.do("set_callback", Url=stage.live.url, CallbackCommandList=only)
    await tencent.do("destroy_room", RoomId="r1")
    await stage.live.told("r1", "SetMetadata", "DestroyRoom")
    await without_repeats(stage)


async def test_a_token_signs_from_when_it_is_enabled_until_it_is_not(stage):
    tencent = await telling(stage)
    for n, (change, token) in enumerate((
        ({"Token": "first", "IsTokenEnable": True}, "first"), ({"Token": "名"}, "名"), ({"IsTokenEnable": False}, None),
        ({"IsTokenEnable": True}, "名"),
    )):
        await tencent.do("set_callback_token", **change)
        stage.live.token = token
        await tencent.do("create_room", RoomInfo=ROOM | {"RoomId": f"r{n}"})
        [event] = await stage.live.told(f"r{n}", "CreateRoom")
        assert ("Sign" in event.query) == (token is not None), f"came {event}"


async def test_a_failing_room_holds_back_only_itself(stage):
    tencent = await telling(stage, after_retry=3)
    stage.live.failing_rooms.add("r1")
    for room in ("r1", "r2"):
        await tencent.do("create_room", RoomInfo=ROOM | {"RoomId": room})
        await tencent.do("destroy_room", RoomId=room)
    await stage.live.told("r2", "CreateRoom", "DestroyRoom")
    await stage.live.told("r1", "CreateRoom")
    stage.live.failing_rooms.clear()
    await stage.live.told("r1", "CreateRoom", "DestroyRoom")


@pytest.mark.virtual_clock
async def test_a_repeat_goes_where_the_callback_is_then_signed_with_the_token_of_then(stage):
    stage.live.whole = False
    tencent = await telling(stage, token=TOKEN, after_retry=3)
    stage.live.status = 500
    await tencent.do("create_room", RoomInfo=ROOM)
    await stage.live.told("r1", "CreateRoom")
    await tencent.do("set_callback_token", Token="another")
    stage.live.token = "another"
    await stage.advance(1)
    assert len(stage.live.callbacks) == 2, f"came {stage.live.log}"
    elsewhere = LiveReceiver()
    elsewhere.sdkappids, elsewhere.clock, elsewhere.token = stage.live.sdkappids, stage.live.clock, "another"
    await elsewhere.start()
    await tencent.do("update_callback", Url=elsewhere.url, CallbackCommandList=list(WORDS))
    elsewhere.clock = lambda: (0, stage.now() + 60)
    await stage.advance(5)
    [first] = await elsewhere.told("r1", "CreateRoom")
    elsewhere.clock = stage.live.clock
    assert first.delivery == stage.live.events_of("r1")[0].delivery, "the same delivery"
    assert elsewhere.callbacks[0].body == stage.live.callbacks[0].body, "as it was"
    await tencent.do("destroy_room", RoomId="r1")
    await elsewhere.told("r1", "CreateRoom", "DestroyRoom")
    assert len(stage.live.callbacks) == 2, f"came {stage.live.log}"
    elsewhere.check()
    elsewhere.stop()


@pytest.mark.virtual_clock
async def test_what_waits_when_its_callback_is_deleted_is_not_told(stage):
    stage.live.whole = False
    tencent = await telling(stage, after_retry=3)
    stage.live.status = 500
    await tencent.do("create_room", RoomInfo=ROOM)
    await stage.live.told("r1", "CreateRoom")
    await tencent.do("delete_callback")
    await tencent.do("set_callback", Url=stage.live.url, CallbackCommandList=list(WORDS))
    stage.live.status = 200
    await stage.advance(60)
    await tencent.do("destroy_room", RoomId="r1")
    await stage.live.told("r1", "CreateRoom", "DestroyRoom")
    assert len(stage.live.callbacks) == 2, f"came {stage.live.log}"


async def test_what_was_not_delivered_when_the_power_went_is_delivered_after_it(stage):
    tencent = await telling(stage, "r1", token=TOKEN, after_retry=1)
    await stage.live.told("r1", "CreateRoom")
    stage.live.delay = 30.0  # says nothing, so the try is under way
    await tencent.do("set_room_metadata", RoomId="r1", Metadata=[{"Key": "k", "Value": "v"}])
    await tencent.do("destroy_room", RoomId="r1")
    await stage.live.told("r1", "CreateRoom", "SetMetadata")
    await stage.server.kill()
    stage.live.delay = 0.0
    await stage.server.start()
    told = await stage.live.told("r1", "CreateRoom", "SetMetadata", "DestroyRoom")
    first, *again = stage.live.tries(told[1].delivery)
    assert again and all(one.body == first.body for one in again), f"came {stage.live.log}"
    assert len(stage.live.tries(told[2].delivery)) == 1
