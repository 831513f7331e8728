"""Clips and pictures of one's own, as the benchmarks score them."""

import json

import cv2
import numpy as np
import pytest
import soundfile
from click.testing import CliRunner

from benchmarks import accuracy
from edge_emo.media.sound import SAMPLE_RATE


@pytest.fixture
def scored(tmp_path):
    """Run a command on a folder in `tmp_path`, and return what it did and the JSON it wrote."""

    def score(command, *words):
        out = tmp_path / "out.json"
        done = CliRunner().invoke(accuracy.main, [command, str(tmp_path / "mine"), *words, "--json", str(out)])
        return done, json.loads(out.read_text())["results"] if out.exists() else None

    (tmp_path / "mine").mkdir()
    return score


@pytest.fixture
def clip(tmp_path, sample):
    """Write the sample under a name."""

    def write(name):
        path = tmp_path / "mine" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        soundfile.write(path, sample[: 3 * SAMPLE_RATE], SAMPLE_RATE)
        return path

    return write


@pytest.fixture
def picture(tmp_path):
    """Write a picture under a name."""

    def write(name, pixels):
        path = tmp_path / "mine" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        cv2.imwrite(str(path), pixels)
        return path

    return write


def test_clips_of_speakers_trained_on_are_told(scored, clip):
    clip("Actor_01/03-01-03-01-01-01-01.wav")
    clip("Actor_02/03-01-05-01-01-01-02.wav")
    done, found = scored("voice-folder")
    assert done.exit_code == 0, done.output
    assert "1 of 2 clips have the number of a speaker whom the shipped files were trained on" in done.stderr
    assert found["voice int8"]["of_speakers_trained_on"] == 1
    assert found["voice int8"]["n"] == 2


def test_one_speaker_never_heard_has_no_interval_and_no_warning(scored, clip):
    clip("12a01Fa.wav")
    clip("12a01Wa.flac")
    done, found = scored("voice-folder", "--layout", "emodb")
    assert done.exit_code == 0, done.output
    assert done.stderr == ""
    assert "of one, no interval" in done.stdout
    assert "nan" not in done.stdout
    assert found["voice int8"]["intervals"]["uar"]["low"] is None


def test_a_clip_that_cannot_be_read_is_named_and_left_out(scored, clip):
    clip("Actor_02/03-01-03-01-01-01-02.wav")
    clip("Actor_02/03-01-05-01-01-01-02.wav").write_bytes(b"RIFF nothing")
    done, found = scored("voice-folder")
    assert done.exit_code == 0, done.output
    assert "left out" in done.stderr
    assert "03-01-05-01-01-01-02.wav" in done.stderr
    assert found["voice fp32"]["n"] == 1


@pytest.mark.parametrize("name", ["Actor_02/hello.wav", "Actor_02/03-01-09-01-01-01-02.wav"])
def test_a_clip_of_no_known_name_is_named(scored, clip, name):
    clip(name)
    done, _ = scored("voice-folder")
    assert name in str(done.exception)
    assert "rename it" in str(done.exception)


@pytest.mark.parametrize("layout", ["ravdess", "emodb"])
def test_a_folder_without_clips_is_told_with_an_example_of_a_name(scored, layout):
    done, _ = scored("voice-folder", "--layout", layout)
    assert isinstance(done.exception, FileNotFoundError)
    assert "no clip named like" in str(done.exception)


def test_pictures_of_unknown_names_and_damaged_ones_are_left_out_and_told(scored, picture, portrait):
    face = cv2.cvtColor(portrait, cv2.COLOR_RGB2BGR)
    picture("happy/1.png", face)
    picture("grumpy/1.png", face)
    picture("happy/2.png", face).write_bytes(b"\x89PNG nothing")
    picture("sad/1.png", np.zeros((200, 200, 3), np.uint8))
    done, found = scored("face-folder")
    assert done.exit_code == 0, done.output
    assert "grumpy/: no emotion of that name" in done.stderr
    assert "2.png" in done.stderr
    assert found["face int8"]["n"] == 1
    assert found["face int8"]["without_face"] == 1
    assert found["face int8"]["recall"]["happy"] == 1.0


def test_pictures_without_any_face_are_told(scored, picture):
    picture("sad/1.png", np.zeros((200, 200, 3), np.uint8))
    done, _ = scored("face-folder")
    assert "no face was found" in str(done.exception)
