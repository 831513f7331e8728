"""`edge-emo kiosk`: a unit out of the options of `live`, and a notice for people."""

import re
import sys
from pathlib import Path

import pytest

from edge_emo.live.notice import NOTICES


def setting(done, name):
    return re.findall(rf"^{name}=(.*)$", done.stdout.decode(), re.MULTILINE)


def test_the_unit_runs_the_installed_command_with_the_options_of_live(edge_emo):
    done = edge_emo("kiosk", "unit", "--camera", "/dev/a cam", "-n", "3", "--no-history", "--microphone", "none")
    assert done.returncode == 0
    (command,) = setting(done, "ExecStart")
    program, _, rest = command.partition(" live ")
    assert Path(program.split(" -m ")[0]).exists()
    assert Path(program.split(" -m ")[0]).parent == Path(sys.executable).parent
    assert rest == '--quiet --camera "/dev/a cam" -n 3 --no-history --microphone none'


@pytest.mark.parametrize("option", ["--jsonl", "--quiet"])
def test_what_the_journal_gets_is_up_to_the_user(edge_emo, option):
    (command,) = setting(edge_emo("kiosk", "unit", option), "ExecStart")
    assert command.endswith(f" live {option}")


def test_a_screen_without_a_notice_is_warned_of(edge_emo):
    bare, told = (edge_emo("kiosk", "unit", "--tty", "tty1", *words) for words in ((), ("--notice", "zh-Hant")))
    assert b"add --notice" in bare.stderr
    assert b"add --notice" not in told.stderr
    assert setting(told, "ExecStart")[0].endswith(" live --notice zh-Hant")
    assert setting(told, "TTYPath") == ["/dev/tty1"]


def test_what_the_service_cannot_see_is_warned_of(edge_emo, tmp_path):
    film = tmp_path / "film.mp4"
    film.touch()
    told = edge_emo("kiosk", "unit", "--camera", film).stderr.decode()
    assert (f"{film}: is in /tmp, which the service cannot see" in told) == film.is_relative_to("/tmp")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--camer", "none"], "No such option"),
        (["--broker", "broker.local"], "is no IP address"),
        (["--broker", "10.0.0.1/8"], "is no IP address"),
        (["--data-dir", "/srv"], "drop --data-dir"),
        (["--list-devices"], "nor lists devices"),
        (["--control", "status"], "nor lists devices"),
        (["--tty", "tty1\nExecStart=/bin/sh"], "is a terminal's name"),
        (["--tty", "tty1", "--jsonl"], "goes neither with --jsonl nor --quiet"),
        (["--absent", "soon"], "Invalid value"),
    ],
)
def test_a_unit_that_could_not_work_is_not_printed(edge_emo, words, said):
    done = edge_emo("kiosk", "unit", *words)
    assert done.returncode == 2
    assert said in done.stderr.decode()
    assert done.stdout == b""


def test_a_broker_is_reached(edge_emo):
    done = edge_emo("kiosk", "unit", "--broker", "10.0.0.2", "--broker", "fd00::/8")
    assert setting(done, "IPAddressAllow") == ["localhost 10.0.0.2 fd00::/8"]


def test_the_notice_comes_in_all_languages_or_in_one(edge_emo):
    text = edge_emo("kiosk", "notice").stdout.decode()
    assert [notice.title for notice in NOTICES.values() if notice.title in text] == [
        "Emotion recognition",
        "Emotionserkennung",
        "Reconnaissance des émotions",
        "Reconocimiento de emociones",
        "情緒辨識",
    ]
    french = edge_emo("kiosk", "notice", "--language", "fr", "--only", "microphone").stdout.decode()
    assert french == f"{NOTICES['fr'].title}\n{NOTICES['fr'].text(['microphone'])}\n"
    assert "caméra" not in french
    assert "visage" not in french
