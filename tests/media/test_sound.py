import io
import os
import subprocess
import sys
import threading
from pathlib import Path

import numpy as np
import pytest
import soundfile

from edge_emo.core.errors import (
    DecoderMissingError,
    MediaError,
    MediaNotFoundError,
    MediaPermissionError,
    NoSoundTrackError,
)
from edge_emo.media import sound as media
from edge_emo.media.sound import SAMPLE_RATE, Sound, read_sound

av = pytest.importorskip("av", reason="films need PyAV: pip install '.[video]'")

TONE = np.sin(2 * np.pi * 440 * np.arange(48000) / 16000).astype(np.float32) / 4

SOUND_FILES = {
    "u8.wav": {"subtype": "PCM_U8"},
    "16.wav": {"subtype": "PCM_16"},
    "24.wav": {"subtype": "PCM_24"},
    "32.wav": {"subtype": "PCM_32"},
    "float.wav": {"subtype": "FLOAT"},
    "double.wav": {"subtype": "DOUBLE"},
    "a.flac": {},
    "vorbis.ogg": {"format": "OGG", "subtype": "VORBIS"},
    "opus.ogg": {"format": "OGG", "subtype": "OPUS"},
    "a.mp3": {"format": "MP3"},
}


def write_film(path, sound=True, codec="aac", rate=44100):
    with av.open(str(path), "w") as container:
        picture = container.add_stream("mpeg4", rate=10)
        picture.width, picture.height, picture.pix_fmt = 64, 48, "yuv420p"
        if sound:
            stream = container.add_stream(codec, rate=rate, layout="mono")
            wave = np.sin(2 * np.pi * 440 * np.arange(rate * 3) / rate).astype(np.float32)[None] / 4
            frame = av.AudioFrame.from_ndarray(wave, format="fltp", layout="mono")
            frame.sample_rate = rate
            container.mux(stream.encode(frame))
            container.mux(stream.encode(None))
        for _ in range(30):
            container.mux(picture.encode(av.VideoFrame.from_ndarray(np.zeros((48, 64, 3), np.uint8), format="rgb24")))
        container.mux(picture.encode(None))


def is_the_tone(samples):
    """The tone, of any phase and delay, at the right pitch, level and length."""
    middle = samples[8000:40000]
    loudest = np.abs(np.fft.rfft(middle)).argmax() * SAMPLE_RATE / len(middle)
    return abs(loudest - 440) < 2 and abs(middle.std() - 0.177) < 0.02 and abs(len(samples) - 48000) < 2500


@pytest.mark.parametrize("name", SOUND_FILES)
def test_every_sound_format_is_read(tmp_path, name):
    soundfile.write(tmp_path / name, TONE, 16000, **SOUND_FILES[name])
    samples = read_sound(tmp_path / name)
    assert samples.dtype == np.float32
    assert is_the_tone(samples)


@pytest.mark.parametrize("rate", [8000, 11025, 22050, 44100, 48000, 96000])
@pytest.mark.parametrize("channels", [1, 2, 6])
def test_any_rate_and_channel_count_becomes_mono_16_khz(tmp_path, rate, channels):
    wave = np.sin(2 * np.pi * 440 * np.arange(rate * 3) / rate) / 4
    soundfile.write(tmp_path / "a.wav", np.repeat(wave[:, None], channels, axis=1), rate)
    sound = Sound(tmp_path / "a.wav")
    samples = np.concatenate(list(sound))
    assert (sound.sample_rate, sound.channels, sound.n_samples) == (rate, channels, len(samples))
    assert is_the_tone(samples)
    assert abs(len(samples) - 48000) <= 2


def test_mp3_is_decoded_without_gaps(tmp_path):
    """Block by block as in one go: soundfile's own block reading damages MP3 at every block."""
    tone = np.tile(TONE, 8)
    soundfile.write(tmp_path / "a.mp3", tone, 16000, format="MP3")
    expected, _ = soundfile.read(tmp_path / "a.mp3", dtype="float32")
    assert np.abs(read_sound(tmp_path / "a.mp3") - expected).max() < 1e-6


@pytest.mark.parametrize("name", ["a.mp4", "a.mov", "a.mkv", "a.m4a"])
def test_films_are_read_through_pyav(tmp_path, name):
    write_film(tmp_path / name.replace("m4a", "mp4"))
    if name.endswith("m4a"):
        (tmp_path / "a.mp4").rename(tmp_path / name)
    assert is_the_tone(read_sound(tmp_path / name))


def test_films_are_read_through_ffmpeg_where_pyav_is_missing(tmp_path, monkeypatch):
    if not media.shutil.which("ffmpeg"):
        pytest.skip("no ffmpeg on the PATH")
    write_film(tmp_path / "a.mp4")
    write_film(tmp_path / "mute.mp4", sound=False)
    monkeypatch.setattr(media.importlib.util, "find_spec", lambda name: None)
    assert is_the_tone(read_sound(tmp_path / "a.mp4"))
    with pytest.raises(NoSoundTrackError, match="no sound track"):
        read_sound(tmp_path / "mute.mp4")


def test_films_without_any_decoder_say_what_to_install(tmp_path, monkeypatch):
    write_film(tmp_path / "a.mp4")
    monkeypatch.setattr(media.importlib.util, "find_spec", lambda name: None)
    monkeypatch.setattr(media.shutil, "which", lambda name: None)
    with pytest.raises(DecoderMissingError, match=r"\.\[video\].*ffmpeg"):
        read_sound(tmp_path / "a.mp4")


def test_a_film_without_sound_is_said_to_have_none(tmp_path):
    write_film(tmp_path / "mute.mp4", sound=False)
    with pytest.raises(NoSoundTrackError, match=r"mute\.mp4: no sound track"):
        read_sound(tmp_path / "mute.mp4")


def test_bad_files_are_named_with_the_reason(tmp_path):
    (tmp_path / "empty.wav").touch()
    (tmp_path / "text.wav").write_text("this is no sound\n" * 50)
    soundfile.write(tmp_path / "zero.wav", np.zeros(0), 16000)
    soundfile.write(tmp_path / "nan.wav", np.full(1000, np.nan), 16000, subtype="FLOAT")
    for name, reason in {
        "empty.wav": "empty",
        "text.wav": "read",
        "zero.wav": "no sound",
        "nan.wav": "NaN",
        ".": "folder",
    }.items():
        with pytest.raises(MediaError, match=reason):
            read_sound(tmp_path / name)
    with pytest.raises(MediaNotFoundError, match="no such file"):
        read_sound(tmp_path / "missing.wav")
    with pytest.raises(FileNotFoundError):
        read_sound(tmp_path / "missing.wav")
    with pytest.raises(MediaError, match="not a possible path"):
        read_sound("a\0b.wav")


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_file_without_permission_is_named(tmp_path):
    soundfile.write(tmp_path / "a.wav", TONE, 16000)
    (tmp_path / "a.wav").chmod(0)
    with pytest.raises(MediaPermissionError, match="no permission"):
        read_sound(tmp_path / "a.wav")


def test_permission_errors_become_clear(tmp_path, monkeypatch):
    soundfile.write(tmp_path / "a.wav", TONE, 16000)

    def refuse(path):
        raise PermissionError(13, "Permission denied", path)

    monkeypatch.setattr(media.os, "stat", refuse)
    with pytest.raises(MediaPermissionError, match=r"a\.wav: no permission"):
        read_sound(tmp_path / "a.wav")


@pytest.mark.parametrize(("name", "options"), [("a.flac", {}), ("a.wav", {"subtype": "PCM_16"})])
def test_a_truncated_file_gives_what_is_there_and_a_warning(tmp_path, sample, name, options):
    sample = sample * np.float32(0.9)  # the limit of 16 bits
    soundfile.write(tmp_path / name, sample, 16000, **options)
    whole = (tmp_path / name).read_bytes()
    (tmp_path / name).write_bytes(whole[: len(whole) // 2])
    sound = Sound(tmp_path / name)
    samples = np.concatenate(list(sound))
    assert 0.3 * len(sample) < len(samples) < 0.7 * len(sample)
    assert np.abs(samples - sample[: len(samples)]).max() < 1e-3
    assert len(sound.warnings) == 1
    assert name in sound.warnings[0]


def test_single_damaged_samples_become_silence(tmp_path):
    wave = TONE.copy()
    wave[[100, 200, 300]] = np.nan, np.inf, 1e20
    soundfile.write(tmp_path / "a.wav", wave, 16000, subtype="FLOAT")
    sound = Sound(tmp_path / "a.wav")
    samples = np.concatenate(list(sound))
    assert np.isfinite(samples).all()
    assert samples[[100, 200, 300]].tolist() == [0, 0, 0]
    assert "3 of 48000" in sound.warnings[0]


def test_one_sample_is_sound(tmp_path):
    soundfile.write(tmp_path / "a.wav", np.zeros(1), 16000)
    assert len(read_sound(tmp_path / "a.wav")) == 1


def test_standard_input_is_read(monkeypatch):
    buffer = io.BytesIO()
    soundfile.write(buffer, TONE, 16000, format="FLAC")
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(buffer.getvalue())))
    assert is_the_tone(read_sound("-"))


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no named pipes on this system")
def test_a_named_pipe_that_closes_early_is_no_hang(tmp_path):
    soundfile.write(tmp_path / "a.flac", TONE, 16000)
    whole = (tmp_path / "a.flac").read_bytes()
    for content in (b"", whole[:1000], whole):
        pipe = tmp_path / f"pipe{len(content)}"
        os.mkfifo(pipe)
        writer = threading.Thread(target=pipe.write_bytes, args=(content,))
        writer.start()
        if content == whole:
            assert is_the_tone(read_sound(pipe))
        else:
            with pytest.raises(MediaError):
                read_sound(pipe)
        writer.join()


@pytest.mark.skipif(not os.path.exists("/proc/self/status"), reason="peak memory is read from /proc")
def test_an_hour_is_streamed_in_little_memory(tmp_path):
    """An hour at 16 kHz would be 230 MB of float32; the whole process stays below 150 MB."""
    with soundfile.SoundFile(tmp_path / "hour.flac", "w", 16000, 1) as file:
        minute = np.tile(TONE * 0.01, 20)
        for _ in range(60):
            file.write(minute)
    code = (
        "import re, sys; from edge_emo.media.sound import Sound; sound = Sound(sys.argv[1])\n"
        "for block in sound: pass\n"
        "print(sound.n_samples, re.search(r'VmHWM:\\s*(\\d+)', open('/proc/self/status').read()).group(1))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path / "hour.flac")],
        capture_output=True,
        text=True,
        check=True,
        cwd=Path(__file__).parent.parent,
    )
    n_samples, kilobytes = map(int, done.stdout.split())
    assert n_samples == 3600 * 16000
    assert kilobytes < 150_000
