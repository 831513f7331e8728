import importlib.util
import shutil
import subprocess

import numpy as np
import pytest

from edge_emo.analysis.analyzer import Analyzer
from edge_emo.core.errors import MediaError, NoSoundTrackError, TrackNotFoundError
from edge_emo.media.sound import Sound, read_sound
from edge_emo.media.sources import sample_path
from edge_emo.media.tracks import Track, chosen_track, sound_tracks

if not shutil.which("ffmpeg"):
    pytest.skip("films of several tracks are made with an ffmpeg on the PATH", allow_module_level=True)

PITCHES = {1: 300, 2: 600, 3: 900}


@pytest.fixture(params=["PyAV", "ffmpeg"])
def decoder(request, monkeypatch):
    if request.param == "ffmpeg":
        monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    else:
        pytest.importorskip("av", reason="PyAV is not installed")
    return request.param


@pytest.fixture(scope="module")
def film(tmp_path_factory):
    """Three tracks, each a tone of its own; the second is marked as default."""
    path = tmp_path_factory.mktemp("tracks") / "a.mkv"
    command = ["ffmpeg", "-v", "error", "-f", "lavfi", "-i", "color=black:s=64x48:r=10:d=2"]
    for pitch in PITCHES.values():
        command += ["-f", "lavfi", "-i", f"sine={pitch}:d=2:r=48000"]
    command += ["-map", "0", "-map", "1", "-map", "2", "-map", "3", "-c:v", "mpeg4", "-c:a", "aac", "-ac:a:2", "6"]
    command += ["-metadata:s:a:0", "language=ger", "-metadata:s:a:1", "language=eng", "-metadata:s:a:2", "language=eng"]
    command += ["-disposition:a:0", "0", "-disposition:a:1", "default", "-disposition:a:2", "0"]
    subprocess.run([*command, path], check=True)
    return path


def pitch(samples):
    return np.abs(np.fft.rfft(samples[:16000])).argmax()


@pytest.mark.parametrize(("asked", "number"), [(None, 2), (1, 1), (3, 3), ("ger", 1), ("ENG", 2)])
def test_the_default_track_is_heard_or_the_one_that_is_asked_for(film, decoder, asked, number):
    samples = np.concatenate(list(Sound(film, audio_track=asked)))
    assert pitch(samples) == pytest.approx(PITCHES[number], abs=3)


@pytest.mark.parametrize("asked", [4, 0, "fra"])
def test_a_track_that_is_not_there_is_told_with_those_that_are(film, decoder, asked):
    with pytest.raises(TrackNotFoundError, match=rf"no sound track {asked}; there is 1: ger, aac.*2: eng, .*default"):
        Sound(film, audio_track=asked)
    with pytest.raises(MediaError, match="no sound track"):  # a film is not looked at instead
        Analyzer(audio_track=asked)(film)


def test_the_tracks_of_a_film_are_listed(film, decoder):
    tracks = sound_tracks("a.mkv", str(film))
    assert [(t.number, t.language, t.codec, t.sample_rate, t.is_default) for t in tracks] == [
        (1, "ger", "aac", 48000, False),
        (2, "eng", "aac", 48000, True),
        (3, "eng", "aac", 48000, False),
    ]
    assert [track.layout for track in tracks] == ["mono", "mono", "5.1"]


def test_a_sound_file_has_one_track():
    assert len(Sound(sample_path(), audio_track=1).name) > 0
    assert len(read_sound(sample_path())) == sum(map(len, Sound(sample_path(), audio_track="eng")))
    with pytest.raises(TrackNotFoundError, match="a sound file holds one"):
        Sound(sample_path(), audio_track=2)


def test_a_language_counts_with_its_regions():
    tracks = [Track(n, language, "aac", 48000, "mono", None, False) for n, language in enumerate(["en-GB", "pt-BR"], 1)]
    assert chosen_track("a", tracks, "pt").number == 2
    assert chosen_track("a", tracks).number == 1
    with pytest.raises(NoSoundTrackError):
        chosen_track("a", [])


def test_doctor_lists_the_tracks_for_the_option(edge_emo, film):
    done = edge_emo("doctor", film)
    assert "1: ger, aac, 48000 Hz, mono; 2: eng, aac, 48000 Hz, mono, default; 3: eng" in done.stdout.decode()
    done = edge_emo("analyze", "--no-face", "--audio-track", "fra", film)
    assert done.returncode == 1
    assert b"no sound track fra; there is 1: ger" in done.stderr
    assert edge_emo("analyze", "--no-face", "--audio-track", "1", film).returncode == 4  # heard, and no voice
