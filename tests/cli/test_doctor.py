"""`edge-emo doctor` as a user meets it."""

import re

import cv2
import numpy as np

from tests.cli.conftest import document


def test_doctor(edge_emo, silence):
    done = edge_emo("doctor", "sample", silence, "--json")
    findings = {row["topic"]: row for row in document(done, "doctor")["findings"]}
    assert done.returncode == 0
    assert findings["level of sample"]["state"] in ("ok", "note")
    assert "no voice found" in findings[f"level of {silence}"]["text"]
    assert findings["catalogue"]["text"] == "6047 songs"
    assert findings["your songs and history"]["text"].endswith("edge-emo.sqlite, nothing yet")


def test_what_a_finding_is_about_stands_apart_from_what_it_says(edge_emo, silence, tmp_path):
    (tmp_path / "a rather long name of a recording, too long for its column.wav").write_bytes(silence.read_bytes())
    lines = edge_emo("doctor", silence, next(tmp_path.glob("a rather*"))).stdout.decode().splitlines()
    texts = {topic: text for _, topic, text in (re.split(r" {2,}", line, maxsplit=2) for line in lines)}
    assert texts["catalogue"] == "6047 songs"
    assert texts[next(topic for topic in texts if "a rather long name" in topic)].startswith("16000 Hz")


def test_doctor_tells_of_files_it_cannot_read(edge_emo):
    assert edge_emo("doctor", "nowhere.wav").returncode == 1


def test_doctor_looks_at_pictures_and_films(edge_emo, film, portrait, tmp_path):
    from edge_emo.app.doctor import diagnose

    cv2.imwrite(str(tmp_path / "good.png"), portrait[..., ::-1])
    cv2.imwrite(str(tmp_path / "dark.png"), np.full((90, 90, 3), 5, np.uint8))
    good, dark, level, tracks, view = diagnose([str(tmp_path / "good.png"), str(tmp_path / "dark.png"), str(film)])[-5:]
    assert (good.state, "512 x 512 pixels" in good.text, "1 face of" in good.text) == ("ok", True, True)
    assert dark.state == "note"
    assert "dark" in dark.text
    assert "no face found" in dark.text
    assert (level.topic, view.topic) == (f"level of {film}", f"view of {film}")
    assert (tracks.topic, tracks.text[:7]) == (f"sound tracks of {film}", "1: aac,")
    (tmp_path / "bad.png").write_bytes(b"\x89PNG no picture")
    assert edge_emo("doctor", "bad.png").returncode == 1
