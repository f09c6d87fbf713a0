"""The checker of what is told of a live room: it lets a right sequence pass and finds each fault in a wrong one."""

import pytest

from harness.room_sequence import RoomSequence

GOOD = (
    "CreateRoom", "ann Online Enter", "bob Online Enter", "ann Offline HeartbeatInterrupt", "ann Online HeartbeatRecover", "UpdateRoomInfo",
    "bob Offline Kicked", "bob Online Enter", "bob Offline HeartbeatInterrupt", "bob Online Enter", "bob Offline Leave", "DestroyRoom",
)


def faults(told, whole=True):
    sequence, found = RoomSequence(whole), []
    for text in told:
        user, *state = text.split()
        if not state:
            found += sequence.take(text, {})
            continue
        body = {"EventType": state[0], "EventCause": state[1], "MemberList": [{"Member_Account": user}]}
        found += sequence.take("MemberStateChanged", body)
    return found


def test_a_right_sequence_passes():
    assert faults(GOOD) == []
    assert faults(GOOD + GOOD) == [], "a name may be used again"
    assert faults(GOOD[1:], whole=False) == []


# A change may be told at any time; who is online when a room ends, or does not return, is not told to leave.
SURE = [n for n, event in enumerate(GOOD) if event not in ("UpdateRoomInfo", "ann Online HeartbeatRecover", "bob Offline Leave")]


@pytest.mark.parametrize("place", SURE, ids=[GOOD[n] for n in SURE])
def test_an_event_that_is_missing_or_comes_twice_is_found(place):
    missing, twice = GOOD[:place] + GOOD[place + 1:] + GOOD, GOOD[:place + 1] + GOOD[place:]
    assert faults(missing), f"{missing} has a fault"
    assert faults(twice), f"{twice} has a fault"


@pytest.mark.parametrize("wrong", [
    "ann Online Enter", "eve Offline Leave", "eve Offline Kicked", "ann Online HeartbeatRecover", "eve Online HeartbeatRecover", "CreateRoom",
])
def test_an_event_that_does_not_fit_is_found(wrong):
    assert faults(GOOD[:3] + (wrong,)), f"{wrong} after {GOOD[:3]} is a fault"


@pytest.mark.parametrize("late", ["ann Offline Leave", "ann Online Enter", "UpdateRoomInfo", "DestroyRoom"])
def test_nothing_follows_the_end_of_a_room(late):
    assert faults(GOOD + (late,)), f"{late} after the end is a fault"
