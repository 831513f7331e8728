import io
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from threading import Barrier

import numpy as np
import onnxruntime
import pytest

import edge_emo
from benchmarks.lateness import CUTS_S, write_cut_film
from edge_emo.analysis.analyzer import Analyzer
from edge_emo.analysis.fusion import Fusion
from edge_emo.analysis.modalities import MODALITIES
from edge_emo.core.errors import MediaError, NoVoiceError
from edge_emo.face.reader import FaceReader
from edge_emo.media.film import Film
from edge_emo.media.pictures import read_picture, write_picture
from edge_emo.media.sources import sample_path
from tests.conftest import write_film


def modalities(timeline):
    return {reading.modality for reading in timeline.readings}


def test_a_film_has_a_voice_and_a_face_on_one_clock(film):
    timeline = edge_emo.analyze(film)
    assert modalities(timeline) == {"voice", "face"}
    assert set(timeline.models) == {"voice", "face", "detector"}
    assert timeline.duration_s == pytest.approx(4.0, abs=0.15)
    faces = [reading for reading in timeline.readings if reading.modality == "face"]
    assert [reading.start_s for reading in faces] == pytest.approx([k / 5 for k in range(20)], abs=0.02)
    assert {reading.person for reading in faces} == {1}
    assert all(0.04 < reading.box[0] / 256 < 0.96 for reading in faces)
    assert timeline.by_modality["face"].raw == "happy"
    starts = [step.start_s for step in timeline.steps]
    assert starts == sorted(starts)
    assert any(len(step.labels) == 2 for step in timeline.steps)
    assert timeline.warnings == ()


def test_the_timeline_of_a_film_is_that_of_its_frames_one_by_one(film):
    analyzer = Analyzer(voice=False)
    whole = analyzer(film)
    reader, fusion, told = FaceReader(), Fusion({"face": analyzer.recognizer("face").reader().threshold}), []
    for frame in Film(film, fps=5):
        readings = list(reader.push(frame))
        fusion.push(readings)
        told += readings
    assert tuple(told) == whole.readings
    assert tuple(fusion.steps()) == whole.steps


def test_segments_and_people_change_where_a_film_is_cut(tmp_path, portrait):
    changes = write_cut_film(tmp_path / "a.mp4", portrait)
    timeline = edge_emo.analyze(tmp_path / "a.mp4", voice=False)
    assert timeline.cuts == pytest.approx(CUTS_S, abs=0.2)
    starts = {segment.start_s: segment.emotion for segment in timeline.segments}
    for at_s, emotion in changes:
        assert starts[next(cut for cut in timeline.cuts if abs(cut - at_s) <= 0.2)] == emotion
    assert [person.start_s for person in timeline.people] == [0.0, *(c for c in timeline.cuts if c != timeline.cuts[2])]


def test_a_film_without_sound_is_looked_at(tmp_path, portrait):
    timeline = edge_emo.analyze(write_film(tmp_path / "a.mp4", [portrait] * 10, 5))
    assert modalities(timeline) == {"face"}
    assert "voice" not in timeline.by_modality
    assert any("no sound" in warning for warning in timeline.warnings)


def test_sound_without_a_picture_is_listened_to(tmp_path, sample):
    timeline = edge_emo.analyze(write_film(tmp_path / "a.m4a", [], 5, sample))
    assert modalities(timeline) == {"voice"}
    assert "face" not in timeline.by_modality
    assert timeline.warnings == ()


def test_sound_may_last_longer_than_the_picture(tmp_path, portrait, sample):
    timeline = edge_emo.analyze(write_film(tmp_path / "a.mp4", [portrait] * 5, 5, np.tile(sample, 2)))
    assert timeline.duration_s == pytest.approx(2 * len(sample) / 16000, abs=0.2)
    assert max(r.end_s for r in timeline.readings if r.modality == "face") < 1.5
    assert max(r.end_s for r in timeline.readings if r.modality == "voice") > 5


def test_a_cut_film_gives_what_can_be_read_and_says_so(tmp_path, portrait, sample, rng):
    noise = [np.clip(portrait[:256, 96:352] + rng.normal(0, 9, (256, 256, 3)), 0, 255).astype(np.uint8)] * 60
    path = write_film(tmp_path / "a.mkv", noise, 10, sample)
    content = path.read_bytes()
    path.write_bytes(content[: len(content) // 2])
    timeline = edge_emo.analyze(path)
    assert timeline.readings
    assert any("ends at" in warning for warning in timeline.warnings)


def test_a_picture_is_one_moment(tmp_path, portrait):
    write_picture(tmp_path / "a.png", portrait)
    timeline = edge_emo.analyze(tmp_path / "a.png")
    assert (timeline.duration_s, len(timeline.readings), len(timeline.steps)) == (0.0, 1, 1)
    assert timeline.by_modality["face"].raw == timeline.summary.raw == "happy"
    assert "voice" not in timeline.by_modality


def test_no_face_is_an_answer(tmp_path):
    write_picture(tmp_path / "a.png", np.full((200, 300, 3), 90, np.uint8))
    timeline = edge_emo.analyze(tmp_path / "a.png")
    assert (timeline.readings, timeline.steps, timeline.segments) == ((), (), ())
    assert timeline.summary.reason == timeline.by_modality["face"].reason == "no_face"
    with pytest.raises(NoVoiceError, match="no face"):
        edge_emo.recommend(timeline)


def test_neither_voice_nor_face_is_an_answer(tmp_path):
    path = write_film(tmp_path / "a.mp4", [np.zeros((64, 64, 3), np.uint8)] * 5, 5, np.zeros(16000, np.float32))
    timeline = edge_emo.analyze(path)
    assert timeline.summary.reason == "nothing_found"
    assert (timeline.by_modality["voice"].reason, timeline.by_modality["face"].reason) == ("no_voice", "no_face")


def drawn_face():
    import cv2

    picture = np.full((300, 300, 3), 255, np.uint8)
    cv2.circle(picture, (150, 150), 110, (255, 220, 0), -1)
    for x in (110, 190):
        cv2.circle(picture, (x, 120), 14, (0, 0, 0), -1)
    cv2.ellipse(picture, (150, 170), (60, 45), 0, 10, 170, (0, 0, 0), 8)
    return picture


def test_a_cartoon_gets_an_answer_without_a_fuss(tmp_path):
    write_picture(tmp_path / "a.png", drawn_face())
    timeline = edge_emo.analyze(tmp_path / "a.png", faces="all")
    assert len(timeline.readings) <= 1
    assert timeline.summary.emotion is None or timeline.summary.probabilities


def test_two_hundred_faces(tmp_path, portrait):
    head = portrait[30:190, 140:300]
    write_picture(tmp_path / "a.png", np.tile(head, (10, 20, 1)))
    from edge_emo.face.detector import FaceDetector

    timeline = Analyzer(faces="all", detector=FaceDetector(size=1920))(tmp_path / "a.png")
    assert len(timeline.people) == len(timeline.readings) > 150
    assert sum(reading.is_main for reading in timeline.readings) == 1
    assert len(edge_emo.analyze(tmp_path / "a.png").readings) <= 1


def test_everyone_is_read_when_asked_for(tmp_path, portrait):
    two = np.hstack([portrait[:256, 96:352], portrait[:256, 96:352][::-1, ::-1] // 8, portrait[:256, 96:352]])
    path = write_film(tmp_path / "a.mp4", [two] * 5, 5)
    everyone = edge_emo.analyze(path, faces="all")
    assert [person.person for person in everyone.people] == [1, 2]
    assert len(everyone.readings) == 10
    alone = edge_emo.analyze(path)
    assert len(alone.readings) == 5
    # the summary is that of the main face, whoever else is read
    assert everyone.by_modality["face"].raw == alone.by_modality["face"].raw
    assert everyone.by_modality["face"].probabilities == pytest.approx(
        alone.by_modality["face"].probabilities, abs=1e-4
    )


def test_what_is_asked_for_alone_is_looked_for(film):
    assert modalities(edge_emo.analyze(film, face=False)) == {"voice"}
    assert modalities(edge_emo.analyze(film, voice=False)) == {"face"}
    assert len(edge_emo.analyze(film, voice=False, fps=2).readings) == 8


def test_models_are_made_when_they_are_needed(film, monkeypatch):
    face, made = MODALITIES["face"], []
    counted = replace(face, recognizer=lambda options: made.append(options) or face.recognizer(options))
    monkeypatch.setitem(MODALITIES, "face", counted)
    analyzer = Analyzer()
    analyzer("edge_emo/data/sample.flac")
    assert not made
    analyzer(film)
    analyzer(film)
    assert len(made) == 1


def test_standard_input(monkeypatch, film, tmp_path, portrait):
    def piped(path):
        monkeypatch.setattr(sys, "stdin", type("Pipe", (), {"buffer": io.BytesIO(path.read_bytes())}))
        return edge_emo.analyze("-")

    assert modalities(piped(film)) == {"voice", "face"}
    write_picture(tmp_path / "a.jpg", portrait)
    assert modalities(piped(tmp_path / "a.jpg")) == {"face"}


@pytest.mark.parametrize("has_pyav", [True, False], ids=["with PyAV", "without"])
def test_a_sound_through_a_pipe_is_no_film_that_cannot_be_read(monkeypatch, has_pyav):
    if not has_pyav:
        monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    monkeypatch.setattr(sys, "stdin", type("Pipe", (), {"buffer": io.BytesIO(sample_path().read_bytes())}))
    timeline = edge_emo.analyze("-")
    assert modalities(timeline) == {"voice"}
    assert timeline.warnings == ()


def test_contradictions_are_told(tmp_path, portrait):
    write_picture(tmp_path / "a.png", portrait)
    with pytest.raises(MediaError, match="a picture has no voice"):
        edge_emo.analyze(tmp_path / "a.png", face=False)
    with pytest.raises(MediaError, match="a sound has no face"):
        edge_emo.analyze("edge_emo/data/sample.flac", voice=False)
    with pytest.raises(ValueError, match="neither voice nor face"):
        Analyzer(voice=False, face=False)
    with pytest.raises(ValueError, match="fps is 0"):
        Analyzer(fps=0)


def test_progress_reaches_the_end_and_never_goes_back(film):
    told = []
    Analyzer()(film, told.append)
    assert told == sorted(told)
    assert told[-1] > 0.9


def test_the_same_face_is_the_same_emotion_at_every_size(tmp_path, portrait):
    import cv2

    analyzer = Analyzer()
    for width in (160, 640, 3840):
        path = tmp_path / f"{width}.jpg"
        write_picture(path, cv2.resize(portrait, (width, width), interpolation=cv2.INTER_AREA))
        found = analyzer(path)
        assert found.by_modality["face"].raw == "happy"
        left, top, right, bottom = np.array(found.readings[0].box) / width
        assert 0.3 < left < right < 0.6
        assert 0.08 < top < bottom < 0.45
    assert read_picture(tmp_path / "3840.jpg").shape == (3840, 3840, 3)


def test_eight_threads_share_one_analyzer_and_its_models(film, tmp_path, portrait, monkeypatch):
    write_picture(tmp_path / "face.png", portrait)
    sources = [film, tmp_path / "face.png"]
    expected = [Analyzer()(source) for source in sources]
    shared, start = Analyzer(), Barrier(8)
    made = []
    loaded = onnxruntime.InferenceSession
    monkeypatch.setattr(onnxruntime, "InferenceSession", lambda *a, **k: made.append(a[0]) or loaded(*a, **k))

    def analyze(number):
        start.wait()
        return [shared(source) for source in sources]

    with ThreadPoolExecutor(8) as pool:
        for found in pool.map(analyze, range(8)):
            assert found == expected
    assert len(made) == len(set(made)) == 3  # a voice, a face and a detector
