"""What a fleet is told, made of a status."""

from types import SimpleNamespace

import pytest

from edge_emo.core.emotions import EMOTIONS
from edge_emo.live.events import DeviceStatus, Feeling, Heat, SongsEvent, StatusEvent
from edge_emo.live.home_assistant import Names, state_of


def status(**about):
    feeling = Feeling(
        emotion="happy",
        raw="happy",
        probability=0.714,
        probabilities=(0.0408, 0.0408, 0.714, *[0.0408] * 5),
        valence=0.5,
        arousal=0.5,
        held_s=4.0,
    )
    usual = {"visit": 3, "visits": 3, "feeling": feeling, "heat": Heat(), "devices": ()}
    return StatusEvent(at=0.0, time_s=1.0, view="ok", fps=5.0, **{**usual, **about})


def proposed(title, artist):
    item = SimpleNamespace(song=SimpleNamespace(title=title, artist=artist))
    return SongsEvent(at=0.0, time_s=1.0, visit=3, emotion="happy", songs=(item, item))


@pytest.mark.parametrize(
    ("name", "start"),
    [("hall", "edge-emo-hall"), ("Küche 2", "edge-emo-kuche-2-"), ("大廳", "edge-emo-"), ("a/+/#", "edge-emo-a-")],
)
def test_a_name_becomes_letters_that_a_topic_can_hold(name, start):
    found = Names(name, "edge-emo").id
    assert found.startswith(start)
    assert found.isascii()
    assert set(found) <= set("abcdefghijklmnopqrstuvwxyz0123456789-")
    assert not found.endswith("-")


def test_no_two_names_become_the_same():
    names = ("hall", "Hall", "hall ", "h-all", "h all", "大廳", "小廳", "é", "e")
    assert len({Names(name, "edge-emo").id for name in names}) == len(names)


def test_a_state_is_of_who_is_there():
    state = state_of(status(), proposed("Happy Feet", "Coyote Hearing"))
    assert (state.emotion, state.confidence, state.visitors) == ("happy", 71, 3)
    assert state.song == "Happy Feet – Coyote Hearing"
    before = state_of(status(visit=None), None)  # a face that has not stayed yet
    assert (before.emotion, before.confidence, before.song) == ("none", None, None)
    assert state_of(status(feeling=None), None).emotion == "none"
    assert state.emotion in EMOTIONS


@pytest.mark.parametrize(
    ("heat", "throttled", "temperature"),
    [
        (Heat(), "OFF", None),
        (Heat(temperature_c=48.6), "OFF", 49),
        (Heat(temperature_c=79.0, is_hot=True), "ON", 79),
        (Heat(under_voltage=True), "ON", None),
    ],
)
def test_a_hot_board_and_a_weak_supply_are_problems(heat, throttled, temperature):
    state = state_of(status(heat=heat), None)
    assert (state.throttled, state.temperature) == (throttled, temperature)


@pytest.mark.parametrize(("device", "switch"), [("off", "OFF"), ("lost", "ON"), ("open", "ON"), ("opening", "ON")])
def test_a_switch_tells_what_was_asked_for_and_not_what_works(device, switch):
    camera = DeviceStatus(
        device="camera", name="/dev/video0", state=device, reason="", since_s=0.0, seen_s=None, dropped=0, reopened=0
    )
    state = state_of(status(devices=(camera,)), None)
    assert (state.camera, state.microphone) == (switch, None)


def test_a_song_fits_into_a_state_and_steers_nothing():
    state = state_of(status(), proposed("long " * 100, "Artist"))
    assert len(state.song) == 255
    assert state.song.endswith("…")
    assert state_of(status(), proposed("a\x1b[2J\nb", "")).song == "a [2J b"
    assert state_of(status(), SongsEvent(at=0.0, time_s=1.0, visit=3, emotion="happy", songs=())).song is None
