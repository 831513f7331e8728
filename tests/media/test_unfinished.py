import io
import shutil
import struct
import subprocess
import wave

import numpy as np
import pytest
import soundfile

from edge_emo.core.errors import MediaError
from edge_emo.media.sound import Sound, read_sound
from tests.conftest import write_film

TONE = (0.25 * np.sin(2 * np.pi * 440 * np.arange(48000) / 16000)).astype(np.float32)
ZERO, UNKNOWN = 0, 0xFFFFFFFF


def written(**options):
    buffer = io.BytesIO()
    soundfile.write(buffer, TONE, 16000, subtype="PCM_16", **options)
    return bytearray(buffer.getvalue())


def wav(length, riff=None):
    content = written(format="WAV")
    place = content.index(b"data") + 4
    content[place : place + 4] = struct.pack("<I", length)
    if riff is not None:
        content[4:8] = struct.pack("<I", riff)
    return content


def rf64(length):
    content = written(format="RF64")
    place = content.index(b"ds64") + 16
    content[place : place + 8] = struct.pack("<Q", length)
    return content


def au(length):
    content = written(format="AU")
    content[8:12] = struct.pack(">I", length)
    return content


def caf():
    content = written(format="CAF")
    place = content.index(b"data") + 4
    content[place : place + 8] = struct.pack(">q", -1)
    return content


def aiff(length):
    content = written(format="AIFF")
    place = content.index(b"SSND") + 4
    content[place : place + 4] = struct.pack(">I", length)
    return content


def w64():
    content = written(format="W64")
    content[16:24] = struct.pack("<q", -1)
    return content


def flac():
    buffer = io.BytesIO()
    soundfile.write(buffer, TONE, 16000, format="FLAC")
    content = bytearray(buffer.getvalue())
    content[21] &= 0xF0  # RFC 9639, 8.2: 36 bits of how many samples there are
    content[22:26] = bytes(4)
    return content


@pytest.mark.parametrize(
    "content",
    [
        wav(ZERO),
        wav(UNKNOWN),
        wav(ZERO, ZERO),
        wav(UNKNOWN, UNKNOWN),
        rf64(0),
        rf64(2**63),
        au(0),
        au(UNKNOWN),
        caf(),
        flac(),
        wav(0x7FFFF000),
        aiff(0x7F000030),
        aiff(0),
        w64(),
    ],
    ids=[
        "wav-0",
        "wav-f",
        "wav-0-0",
        "wav-f-f",
        "rf64-0",
        "rf64-f",
        "au-0",
        "au-f",
        "caf",
        "flac",
        "wav-2-GB",
        "aiff-2-GB",
        "aiff-0",
        "w64",
    ],
)
def test_a_recording_without_a_length_is_read_to_its_end_and_told(tmp_path, content):
    (tmp_path / "a").write_bytes(content)
    sound = Sound(tmp_path / "a")
    assert np.concatenate(list(sound)) == pytest.approx(TONE, abs=1e-4)
    assert any("states no length" in warning for warning in sound.warnings)


@pytest.mark.parametrize("content", [written(format=name) for name in ("WAV", "RF64", "AU", "CAF", "AIFF", "W64")])
def test_a_finished_recording_is_read_without_a_word(tmp_path, content):
    (tmp_path / "a").write_bytes(content)
    sound = Sound(tmp_path / "a")
    assert np.concatenate(list(sound)) == pytest.approx(TONE, abs=1e-4)
    assert sound.warnings == []


def test_a_wav_that_holds_nothing_is_still_said_to(tmp_path):
    with wave.open(str(tmp_path / "a.wav"), "wb") as file:
        file.setparams((1, 2, 16000, 0, "NONE", ""))
    with open(tmp_path / "a.wav", "ab") as file:
        file.write(b"LIST\4\0\0\0INFO")
    with pytest.raises(MediaError, match="no sound"):
        read_sound(tmp_path / "a.wav")


@pytest.mark.parametrize("name", ["WAV", "RF64", "AIFF", "AU", "W64"])
def test_a_cut_recording_gives_what_is_there_and_says_so(tmp_path, name):
    content = written(format=name)
    (tmp_path / "a").write_bytes(content[: len(content) // 2])
    sound = Sound(tmp_path / "a")
    assert len(np.concatenate(list(sound))) == pytest.approx(24000, abs=100)
    assert any("cut short, 5" in warning or "cut short, 49" in warning for warning in sound.warnings)


def test_an_mp3_that_states_no_length_is_not_said_to_be_cut(tmp_path):
    if not shutil.which("ffmpeg"):
        pytest.skip("an MP3 without a Xing header is made with an ffmpeg on the PATH")
    soundfile.write(tmp_path / "a.wav", TONE, 16000)
    command = ["ffmpeg", "-v", "error", "-i", tmp_path / "a.wav", "-write_xing", "0", tmp_path / "a.mp3"]
    subprocess.run(command, check=True)
    sound = Sound(tmp_path / "a.mp3")
    assert len(np.concatenate(list(sound))) == pytest.approx(48000, abs=3000)
    assert sound.warnings == []


@pytest.mark.parametrize("codec", ["VORBIS", "OPUS"])
def test_an_ogg_without_its_last_page_is_read_as_far_as_it_goes_and_told(tmp_path, rng, codec):
    noise = rng.normal(0, 0.1, 16000 * 20).astype(np.float32)
    soundfile.write(tmp_path / "a.ogg", noise, 16000, format="OGG", subtype=codec)
    whole = (tmp_path / "a.ogg").read_bytes()
    assert Sound(tmp_path / "a.ogg").warnings == []
    (tmp_path / "a.ogg").write_bytes(whole[: whole.rindex(b"OggS")])
    sound = Sound(tmp_path / "a.ogg")
    assert len(np.concatenate(list(sound))) > 17 * 16000
    assert any("last page is missing" in warning for warning in sound.warnings)


@pytest.mark.parametrize("decoder", ["PyAV", "ffmpeg"])
def test_an_mp4_without_its_index_says_what_can_be_done(tmp_path, decoder, monkeypatch):
    pytest.importorskip("av", reason="PyAV writes the film")
    path = write_film(tmp_path / "a.mp4", [np.zeros((64, 64, 3), np.uint8)] * 10, 10, TONE)
    content = path.read_bytes()
    path.write_bytes(content[: content.index(b"moov") - 4])
    if decoder == "ffmpeg":
        if not shutil.which("ffmpeg"):
            pytest.skip("no ffmpeg on the PATH")
        monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(MediaError, match=r"moov.*never finished.*copy it again.*untrunc"):
        read_sound(path)


@pytest.mark.parametrize("content", [b".snd", b".snd\0\0\0", b"caff", b"RIFF\0\0\0\0WAVE", b"OggS", b"ftyp"])
def test_a_file_that_ends_within_its_header_is_refused(tmp_path, content):
    (tmp_path / "a.au").write_bytes(content)
    with pytest.raises(MediaError, match=r"a\.au: "):
        list(Sound(tmp_path / "a.au"))
