"""The checker of sequences itself: it lets a right one pass and finds each fault in a wrong one."""

import pytest

from harness.sequence import Sequence

BOTH, USERS = ("ChannelEvent", "UserEvent"), ("UserEvent",)
GOOD = (
    "Open", "ann Join 1 1 -", "bob Join 2 1 -", "ann PublishVideo 1 2", "ann PublishAudio 1 1,2", "ann Join 1 2 1,2",
    "ann UnpublishAudio 1 2", "ann UnpublishVideo 1 -", "ann Roleupdate 2 -", "ann Leave 2 1", "bob Leave 2 1", "Close",
)
AGAIN = tuple(event.replace("ann", "ann'").replace("bob", "bob'") for event in GOOD)  # other SessionIds


def faults(told, events=BOTH):
    """Of events written as `user tag role medias`, with the reason after the role of a Join and a Leave."""
    sequence, found = Sequence(events), []
    for text in told:
        if " " not in text:
            found += sequence.take(text, {"ChannelId": "c", "EventTag": text, "Timestamp": 1})
            continue
        who, tag, role, *rest = text.split()
        fields = {"UserId": who.strip("'"), "SessionId": who, "EventTag": tag, "Timestamp": 1, "Role": int(role)}
        if tag in ("Join", "Leave"):
            fields["Reason"] = int(rest.pop(0))
        if tag != "Leave":
            fields["CurrentMedias"] = rest[0].strip("-")
        found += sequence.take(tag, fields)
    return found + [f"at the end {list(sequence.inside)} are in"] * bool(sequence.inside)


def test_a_right_sequence_passes():
    assert faults(GOOD) == []
    assert faults(GOOD + AGAIN) == []
    assert faults([event for event in GOOD if " " in event], USERS) == []


# A Join again is missed, or found too many, by nobody who does not know of the reconnection.
SURE = [n for n, event in enumerate(GOOD) if event != "ann Join 1 2 1,2"]


@pytest.mark.parametrize("place", SURE, ids=[GOOD[n] for n in SURE])
def test_an_event_that_is_missing_or_comes_twice_is_found(place):
    missing, twice = GOOD[:place] + GOOD[place + 1:] + ("Open",), GOOD[:place + 1] + GOOD[place:]
    assert faults(missing), f"{missing} has a fault"
    assert faults(twice), f"{twice} has a fault"


@pytest.mark.parametrize("wrong", [
    "ann Join 1 1 -", "ann' Join 1 1 -", "eve Join 1 2 -", "eve PublishAudio 1 1", "ann' PublishAudio 1 1,2",
    "bob PublishAudio 2 1", "ann PublishAudio 1 1", "ann PublishAudio 2 1,2", "ann PublishVideo 1 2", "ann UnpublishAudio 1 2", "ann Roleupdate 1 2",
    "ann Roleupdate 2 2", "ann Leave 1 1", "Open", "Close", "ann Join 2 2 2", "ann Join 1 2 -",
])
def test_an_event_that_does_not_fit_is_found(wrong):
    before = GOOD[:4]  # ann publishes video and bob watches
    right = faults(before)
    assert len(faults(before + (wrong,))) > len(right), f"{wrong} after {before} is a fault"


def test_a_session_id_that_comes_again_is_found():
    assert faults(GOOD + GOOD), "everybody has the SessionIds of before"
