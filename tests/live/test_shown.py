"""Events as lines and on a screen: what matters to people, once, and nothing that steers a terminal."""

import io

import pytest
from rich.console import Console

from edge_emo.core.timeline import Segment
from edge_emo.live.events import (
    DeviceEvent,
    DeviceStatus,
    Feeling,
    Heat,
    PresenceEvent,
    SegmentEvent,
    StatusEvent,
)
from edge_emo.live.lines import line
from edge_emo.live.screen import full_screen, picture

HAPPY = (0.0, 0.0, 0.9, 0.1, 0.0, 0.0, 0.0, 0.0)


def status(**about):
    device = DeviceStatus(
        device="camera",
        name="cam\x1b[2J",
        state="lost",
        reason="is not there",
        since_s=0,
        seen_s=None,
        dropped=0,
        reopened=0,
    )
    feeling = Feeling(
        emotion="happy", raw="happy", probability=0.9, probabilities=HAPPY, valence=0.7, arousal=0.4, held_s=3
    )
    given = {"visit": 1, "visits": 1, "feeling": feeling, "view": "ok", "fps": 5, "heat": Heat(), "devices": (device,)}
    return StatusEvent(at=0, time_s=1, **(given | about))


def shown(renderable):
    console = Console(file=io.StringIO(), width=100, force_terminal=False)
    console.print(renderable)
    return console.file.getvalue()


def test_the_screen_shows_the_emotion_how_sure_and_the_devices():
    text = shown(picture(status(), None))
    assert "happy, 90%" in text
    assert "angry" in text
    assert "is lost, and waited for (is not there)" in text
    assert "\x1b[2J" not in text


@pytest.mark.parametrize(
    ("view", "said"), [("turned_away", "looks away"), ("dark", "it is dark"), ("too_small", "come nearer")]
)
def test_the_screen_says_why_a_face_is_not_read(view, said):
    assert said in shown(picture(status(view=view, feeling=None), None))


def test_the_screen_is_calm_and_leaves_the_terminal_as_it_was():
    console = Console(file=io.StringIO(), width=80, height=30, force_terminal=True)
    times = iter([1.0, 1.1, 1.2, 1.6, 1.7])
    with full_screen(console, lambda: status()) as screen:
        drawn = []
        screen._status = lambda: StatusEvent(**{**vars(status()), "time_s": next(times)})
        for _ in range(5):
            before = len(console.file.getvalue())
            screen.draw()
            drawn.append(len(console.file.getvalue()) > before)
    assert drawn == [True, False, False, True, False], "twice a second at most"
    assert console.file.getvalue().endswith("\x1b[?1049l\x1b[?25h") or "\x1b[?1049l" in console.file.getvalue()


def test_lines_say_who_came_what_was_felt_and_what_failed():
    came = PresenceEvent(at=0, time_s=3, visit=2, is_present=True, by="voice")
    assert line(came) == "visitor 2 came, found by the voice"
    segment = Segment(1, 4, "happy", "happy", HAPPY, 0.7, 0.4)
    assert line(SegmentEvent(at=0, time_s=4, visit=2, segment=segment)) == "1.0 to 4.0 s: happy (90%)"
    lost = DeviceEvent(at=0, time_s=4, device="camera", name="cam", state="lost", reason="is not there")
    assert line(lost) == "camera cam is lost, and waited for (is not there)"
    assert line(status()) is None


def test_heat_is_a_line_of_its_own():
    hot = status(heat=Heat(temperature_c=78.0, is_hot=True, under_voltage=True), fps=2.5)
    assert line(hot) == "board: 78 °C, 2.5 frames a second, the power supply is weak"
