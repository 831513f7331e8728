"""Events as lines and on a screen: what matters to people, once, and nothing that steers a terminal."""

import io
import json

import pytest
from rich.console import Console

from edge_emo.cli.shown import shown
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
from edge_emo.live.notice import NOTICES
from edge_emo.live.screen import full_screen, picture

HAPPY = (0.0, 0.0, 0.9, 0.1, 0.0, 0.0, 0.0, 0.0)


def device(kind, state, name="cam", reason=""):
    return DeviceStatus(
        device=kind, name=name, state=state, reason=reason, since_s=0, seen_s=None, dropped=0, reopened=0
    )


def status(**about):
    lost = device("camera", "lost", name="cam\x1b[2J", reason="is not there")
    feeling = Feeling(
        emotion="happy", raw="happy", probability=0.9, probabilities=HAPPY, valence=0.7, arousal=0.4, held_s=3
    )
    given = {"visit": 1, "visits": 1, "feeling": feeling, "view": "ok", "fps": 5, "heat": Heat(), "devices": (lost,)}
    return StatusEvent(at=0, time_s=1, **(given | about))


def shown_by(renderable):
    console = Console(file=io.StringIO(), width=100, force_terminal=False)
    console.print(renderable)
    return console.file.getvalue()


def test_the_screen_shows_the_emotion_how_sure_and_the_devices():
    text = shown_by(picture(status(), None))
    assert "happy, 90%" in text
    assert "angry" in text
    assert "is lost, and waited for (is not there)" in text
    assert "\x1b[2J" not in text


@pytest.mark.parametrize(
    ("view", "said"), [("turned_away", "looks away"), ("dark", "it is dark"), ("too_small", "come nearer")]
)
def test_the_screen_says_why_a_face_is_not_read(view, said):
    assert said in shown_by(picture(status(view=view, feeling=None), None))


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


class Told:
    """A service that tells what a test has it tell."""

    def __init__(self):
        self.listeners = []
        self.subscribe = self.listeners.append
        self.status = status

    def tell(self, *events):
        for event in events:
            for listener in self.listeners:
                listener(event)


LOST = DeviceEvent(at=0, time_s=4, device="camera", name="cam", state="lost", reason="is not there")
CAME = PresenceEvent(at=0, time_s=3, visit=2, is_present=True, by="voice")
HOT = Heat(temperature_c=78.0, is_hot=True)


@pytest.mark.parametrize(
    ("quiet", "lines"),
    [
        (False, ["visitor 2 came, found by the voice", "camera cam is lost, and waited for (is not there)"]),
        (True, ["camera cam is lost, and waited for (is not there)"]),
    ],
)
def test_a_quiet_service_says_nothing_of_people(capsys, quiet, lines):
    service = Told()
    with shown(service, jsonl=False, quiet=quiet, notices=()):
        service.tell(CAME, LOST, status())
    assert capsys.readouterr().out.splitlines() == lines


def test_a_quiet_service_says_nothing_of_people_in_json_either(capsys):
    service = Told()
    with shown(service, jsonl=True, quiet=True, notices=()):
        service.tell(CAME, LOST, status())
    (only,) = map(json.loads, capsys.readouterr().out.splitlines())
    assert only["event"] == "device"


def test_that_the_board_is_hot_is_said_once_and_not_every_ten_seconds(capsys):
    service = Told()
    with shown(service, jsonl=False, quiet=True, notices=()):
        service.tell(status(), *[status(heat=HOT)] * 100, status(), status(heat=HOT))
    assert capsys.readouterr().out.count("78 °C") == 2


@pytest.mark.parametrize("language", NOTICES)
def test_the_screen_shows_the_notice_in_each_language_whoever_is_there(language):
    for about in ({}, {"visit": None, "feeling": None, "view": "nobody"}):
        text = "".join(shown_by(picture(status(**about), None, [language])).split())
        assert "".join(f"{NOTICES[language].title}:{NOTICES[language].text(['camera'])}".split()) in text


def test_all_notices_fit_on_a_small_screen_with_the_emotion():
    console = Console(file=io.StringIO(), width=80, height=25, force_terminal=True)
    with full_screen(console, status, list(NOTICES)) as screen:
        screen.draw()
    text = console.file.getvalue()
    assert all(notice.title in text for notice in NOTICES.values())
    assert "happy, 90%" in text


def test_a_notice_names_the_devices_that_are_on_and_no_other():
    both = status(devices=(device("camera", "open"), device("microphone", "lost")))
    assert "camera and a microphone" in shown_by(picture(both, None, ["en"]))
    voice = shown_by(picture(status(devices=(device("camera", "off"), device("microphone", "open"))), None, ["en"]))
    assert "A microphone is on here" in voice
    assert "face" not in voice
    none = status(devices=(device("camera", "off"), device("microphone", "off")))
    assert "Emotion recognition" not in shown_by(picture(none, None, ["en"]))
