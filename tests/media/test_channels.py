import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import soundfile

from edge_emo.analysis.analyzer import Analyzer
from edge_emo.media.channels import Mixer
from edge_emo.media.sound import Sound

ROOT = Path(__file__).parents[2]

TIME = np.arange(32000) / 16000
VOICE, MUSIC = (0.25 * np.sin(2 * np.pi * hz * TIME).astype(np.float32) for hz in (440, 1500))
SURROUND = ("FL", "FR", "FC", "LFE", "BL", "BR")


def level(samples, hz):
    """Amplitude of a tone in samples at 16 kHz."""
    middle = samples[4000:28000]
    return 2 * abs(np.exp(-2j * np.pi * hz * np.arange(len(middle)) / 16000) @ middle) / len(middle)


def heard(path, **options):
    sound = Sound(path, **options)
    samples = np.concatenate(list(sound))
    return level(samples, 440), level(samples, 1500), sound.warnings


@pytest.fixture(params=["libsndfile", "PyAV", "ffmpeg"])
def surround(request, tmp_path, monkeypatch):
    """A function that writes channels as 5.1 and names the file, for each decoder."""

    def write(channels):
        path = tmp_path / "a.wav"
        soundfile.write(path, np.stack(channels, axis=1), 16000, subtype="FLOAT")
        if request.param == "libsndfile":
            return path
        if not shutil.which("ffmpeg"):
            pytest.skip("a film is made with an ffmpeg on the PATH")
        film = tmp_path / "a.mkv"
        command = ["ffmpeg", "-v", "error", "-i", path, "-c:a", "ac3", "-b:a", "448k", film]
        subprocess.run(command, check=True)
        if request.param == "PyAV":
            pytest.importorskip("av", reason="PyAV is not installed")
        else:
            monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
        return film

    return write


def test_the_center_of_5_1_is_listened_to_alone(surround):
    voice, music, _ = heard(surround([MUSIC, MUSIC, VOICE, MUSIC, MUSIC, MUSIC]))
    assert voice == pytest.approx(0.25, rel=0.05)
    assert music < 0.01


def test_an_empty_center_is_no_voice_so_that_the_others_are_mixed(surround):
    voice, _, _ = heard(surround([VOICE, VOICE, 0 * VOICE, MUSIC, 0 * VOICE, 0 * VOICE]))
    assert voice == pytest.approx(0.25 * 2 * 0.5**0.5 / (1 + 2 * 0.5**0.5 + 2 * 0.5), rel=0.05)


def test_each_channel_counts_as_itu_bs_775_says():
    silent = dict.fromkeys(SURROUND, 0 * VOICE)
    weights = {}
    for position in SURROUND:
        if position != "FC":
            mixed = Mixer(16000)(np.stack(list({**silent, position: VOICE}.values()), axis=1), SURROUND)
            weights[position] = np.abs(mixed).max() / 0.25
    scale = weights["BL"] / 0.5
    expected = {"FL": 0.5**0.5, "FR": 0.5**0.5, "LFE": 0.0, "BL": 0.5, "BR": 0.5}
    assert {position: weight / scale for position, weight in weights.items()} == pytest.approx(expected, abs=1e-3)


@pytest.mark.parametrize("codec", [{"format": "OGG", "subtype": "VORBIS"}, {"format": "FLAC"}])
def test_the_center_is_where_the_format_has_it(tmp_path, codec):
    channels = [0.1 * MUSIC] * 6
    channels[1 if codec["format"] == "OGG" else 2] = VOICE  # Vorbis I, 4.3.9; RFC 9639, 9.1.3
    soundfile.write(tmp_path / "a", np.stack(channels, axis=1), 16000, **codec)
    voice, music, _ = heard(tmp_path / "a")
    assert voice == pytest.approx(0.25, rel=0.1)
    assert music < 0.01


@pytest.mark.parametrize("side", [1.0, 0.5])
def test_stereo_in_opposite_phase_does_not_cancel_and_is_told(tmp_path, side):
    soundfile.write(tmp_path / "a.wav", np.stack([VOICE, -side * VOICE], axis=1), 16000)
    voice, _, warnings = heard(tmp_path / "a.wav")
    assert voice == pytest.approx(0.25 * (1 + side) / 2, rel=0.02)
    assert any("opposite phase" in warning for warning in warnings)


def test_a_voice_in_opposite_phase_is_read_as_in_phase(tmp_path, sample):
    for name, sign in (("in.wav", 1), ("against.wav", -1)):
        soundfile.write(tmp_path / name, np.stack([sample, sign * sample], axis=1), 16000, subtype="FLOAT")
    analyzer = Analyzer(face=False)
    expected, found = analyzer(tmp_path / "in.wav"), analyzer(tmp_path / "against.wav")
    assert found.readings == expected.readings != ()
    assert "opposite phase" in found.warnings[0]


def test_wide_stereo_is_mixed_as_it_is(tmp_path, rng):
    both = rng.normal(0, 0.1, (32000, 2))
    soundfile.write(tmp_path / "a.wav", both, 16000, subtype="FLOAT")
    sound = Sound(tmp_path / "a.wav")
    assert np.concatenate(list(sound)) == pytest.approx(both.mean(axis=1), abs=1e-6)
    assert sound.warnings == []


def test_eight_and_more_channels_are_read_where_the_codec_has_a_plane_for_each(tmp_path):
    """AAC and Opus; PyAV 18 reads beyond the last of eight planes, and the process ends."""
    av = pytest.importorskip("av", reason="PyAV is not installed")
    code = (
        "import sys, numpy; from edge_emo.media.sound import Sound\n"
        "numpy.save(sys.argv[1] + '.npy', numpy.concatenate(list(Sound(sys.argv[1]))))"
    )
    # Matroska does not say which of 16 is the center
    for n_channels, layout, expected in ((8, "7.1", 0.25), (16, "hexadecagonal", 0.25 / 16)):
        path = str(tmp_path / f"{n_channels}.mkv")
        channels = np.stack([VOICE if k == 2 else 0.1 * MUSIC for k in range(n_channels)])
        with av.open(path, "w") as film:
            stream = film.add_stream("aac", rate=16000, layout=layout)
            # by no planes here either
            sound = av.AudioFrame.from_ndarray(np.ascontiguousarray(channels.T).reshape(1, -1), "flt", layout)
            sound.sample_rate = 16000
            film.mux(stream.encode(sound))
            film.mux(stream.encode(None))
        subprocess.run([sys.executable, "-c", code, path], check=True, cwd=ROOT)
        samples = np.load(path + ".npy")
        assert level(samples, 440) == pytest.approx(expected, rel=0.1)
