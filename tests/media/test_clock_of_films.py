"""A tone and a light at known times are found at those times, in every kind of film, with PyAV and without."""

import importlib.util
import os
import shutil
import subprocess

import numpy as np
import pytest

from edge_emo.analysis.analyzer import Analyzer
from edge_emo.analysis.fusion import STEP_S
from edge_emo.core.errors import MediaError
from edge_emo.media.film import Film
from edge_emo.media.pictures import write_picture
from edge_emo.media.sound import SAMPLE_RATE, Sound
from edge_emo.media.sources import sample_path
from tests.media.make_films import make, recipes

if not shutil.which("ffmpeg"):
    pytest.skip("films are made with an ffmpeg on the PATH", allow_module_level=True)

# two of each container; EDGE_EMO_FILMS=300 looks at all, which takes minutes
N_FILMS = int(os.environ.get("EDGE_EMO_FILMS", "26"))
HAS_PYAV = importlib.util.find_spec("av") is not None


def sound_of(path):
    """The samples, and when the tone begins in them."""
    sound = Sound(path)
    samples = np.concatenate(list(sound))
    levels = np.abs(samples[: len(samples) // 160 * 160]).reshape(-1, 160).max(axis=1)
    return sound, samples, np.flatnonzero(levels > 0.2)[0] / 100


def light_of(path):
    """The frames, and when the picture lights up."""
    film = Film(path, fps=25)
    frames = list(film)
    return film, frames, next(frame.start_s for frame in frames if frame.picture.mean() > 128)


@pytest.fixture
def without_pyav(monkeypatch):
    def hide():
        monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)

    return hide


@pytest.fixture(params=["PyAV", "ffmpeg"])
def decoder(request, without_pyav):
    if request.param == "ffmpeg":
        without_pyav()
    elif not HAS_PYAV:
        pytest.skip("PyAV is not installed")
    return request.param


@pytest.mark.parametrize("recipe", recipes()[:N_FILMS], ids=lambda recipe: recipe.name)
def test_a_tone_and_a_light_are_found_at_their_times(tmp_path, recipe, without_pyav):
    if failure := make(recipe, tmp_path):
        pytest.skip(f"this ffmpeg cannot make it: {failure}")
    path = tmp_path / recipe.name
    for is_fallback in (False, True)[not HAS_PYAV :]:
        if is_fallback:
            without_pyav()
        assert sound_of(path)[2] == pytest.approx(recipe.tone_at_s, abs=STEP_S / 2)
        if is_fallback and recipe.picture == "libtheora":
            with pytest.raises(MediaError, match="PyAV is needed"):  # OpenCV's FFmpeg has no decoder for it
                light_of(path)
        else:
            assert light_of(path)[2] == pytest.approx(recipe.light_at_s, abs=STEP_S / 2)


PEOPLE = {
    "a.ts": ["-c:v", "libx264", "-c:a", "aac", "-output_ts_offset", "3600"],
    "a.mts": ["-c:v", "libx264", "-c:a", "ac3", "-mpegts_m2ts_mode", "1", "-output_ts_offset", "3600"],
    "a.mp4": ["-c:v", "libx264", "-c:a", "aac"],
    "a.mkv": ["-c:v", "libx264", "-c:a", "libopus"],
    "a.webm": ["-c:v", "libvpx", "-deadline", "realtime", "-cpu-used", "8", "-b:v", "1M", "-c:a", "libopus"],
    "a.avi": ["-c:v", "mpeg4", "-q:v", "3", "-c:a", "libmp3lame"],
}


@pytest.fixture(scope="module")
def analyzer():
    return Analyzer()


@pytest.mark.parametrize("name", PEOPLE)
def test_a_face_and_a_voice_are_found_at_their_times(tmp_path, portrait, analyzer, name, decoder):
    """The face comes 1 s after the start, the voice with a sound that starts 1.5 s late (in AVI, that is silent)."""
    write_picture(tmp_path / "face.png", portrait[:256, 96:352])
    late = "adelay=1500" if name.endswith("avi") else "asetpts=PTS+1.5/TB"
    graph = f"color=black:s=256x256:r=10:d=4[b];[b][0]overlay=enable='gte(t,1)':eof_action=repeat[v];[1]{late}[a]"
    command = ["ffmpeg", "-v", "error", "-nostdin", "-i", tmp_path / "face.png", "-t", "2.5", "-i", sample_path()]
    command += ["-filter_complex", graph, "-map", "[v]", "-map", "[a]", "-pix_fmt", "yuv420p", *PEOPLE[name]]
    done = subprocess.run([*command, "-t", "4", tmp_path / name], capture_output=True, text=True, check=False)
    if done.returncode:
        pytest.skip(f"this ffmpeg cannot make it: {done.stderr[-200:]}")
    timeline = analyzer(tmp_path / name)
    first = {reading.modality: reading.start_s for reading in reversed(timeline.readings)}
    assert first["face"] == pytest.approx(1.0, abs=STEP_S / 2)
    assert first["voice"] == pytest.approx(1.5, abs=STEP_S)
    assert timeline.duration_s == pytest.approx(4.0, abs=0.3)


def write_stamped(path, pieces, *, container=None, picture=True):
    """Write a film whose pieces of 1 s begin at the given stamps: a tone and a light in every other of them."""
    av = pytest.importorskip("av", reason="PyAV writes the stamps")
    from fractions import Fraction

    with av.open(str(path), "w", format=container) as out:
        video = out.add_stream("libx264", rate=10, options={"bf": "0", "preset": "ultrafast"}) if picture else None
        audio = out.add_stream("aac", rate=16000, layout="mono")
        if video:
            video.width = video.height = 64
            video.pix_fmt, video.codec_context.time_base = "yuv420p", Fraction(1, 1000)
        for number, start_s in enumerate(pieces):
            tone = 0.5 * np.sin(2 * np.pi * 440 * np.arange(1600) / 16000).astype(np.float32)
            for tenth in range(10):
                # the encoder's frames reach over the edge of a piece, so a tone begins a little after it
                wave = tone * (number % 2 and tenth > 0)
                if video:
                    shade = np.full((64, 64, 3), 235 * (number % 2), np.uint8)
                    frame = av.VideoFrame.from_ndarray(shade, "rgb24")
                    frame.pts, frame.time_base = round(1000 * (start_s + tenth / 10)), Fraction(1, 1000)
                    out.mux(video.encode(frame))
                sound = av.AudioFrame.from_ndarray(wave[None], format="fltp", layout="mono")
                sound.sample_rate, sound.time_base = 16000, Fraction(1, 16000)
                sound.pts = round(16000 * (start_s + tenth / 10))
                out.mux(audio.encode(sound))
        for stream in filter(None, (video, audio)):
            out.mux(stream.encode(None))
    return path


@pytest.mark.parametrize("name", ["a.mkv", "a.ts", "a.mp4"])
def test_a_gap_in_the_stamps_is_silence_for_as_long(tmp_path, name, decoder):
    path = write_stamped(tmp_path / name, [0, 30])
    _, samples, tone_s = sound_of(path)
    _, frames, light_s = light_of(path)
    assert tone_s == pytest.approx(30, abs=0.2)
    assert light_s == pytest.approx(30, abs=0.2)
    assert len(samples) / SAMPLE_RATE == pytest.approx(31, abs=0.3)
    assert np.abs(samples[2 * SAMPLE_RATE : 29 * SAMPLE_RATE]).max() < 0.01
    assert frames[-1].end_s == pytest.approx(31, abs=0.3)


@pytest.mark.parametrize("name", ["a.mkv", "a.ts"])
@pytest.mark.parametrize("jump_s", [20_000, 3_000_000, 1e9], ids=["hours", "weeks", "years"])
def test_a_jump_of_hours_or_years_in_the_stamps_is_closed_and_told(tmp_path, name, jump_s, decoder):
    if name == "a.ts" and jump_s > 95_000:
        pytest.skip("MPEG-TS counts to 26 hours")
    path = write_stamped(tmp_path / name, [0, jump_s])
    _, samples, tone_s = sound_of(path)
    film, _, light_s = light_of(path)
    assert tone_s == pytest.approx(1, abs=0.3)
    assert light_s == pytest.approx(1, abs=0.3)
    assert len(samples) / SAMPLE_RATE == pytest.approx(2, abs=0.3)
    assert any("time stamps jump" in warning for warning in film.warnings)


def test_films_joined_byte_by_byte_go_on_where_the_stamps_jump_back(tmp_path, decoder):
    whole = b"".join(
        write_stamped(tmp_path / f"{number}.ts", [offset + 1, offset + 2]).read_bytes()
        for number, offset in enumerate([500, 100, 40])
    )
    (tmp_path / "a.ts").write_bytes(whole)
    _, samples, tone_s = sound_of(tmp_path / "a.ts")
    _, frames, light_s = light_of(tmp_path / "a.ts")
    assert tone_s == pytest.approx(1, abs=0.3)
    assert light_s == pytest.approx(1, abs=0.3)
    assert len(samples) / SAMPLE_RATE == pytest.approx(6, abs=0.6)
    assert frames[-1].end_s == pytest.approx(6, abs=0.6)


def test_sound_alone_with_a_gap_is_as_long_as_its_stamps(tmp_path, decoder):
    path = write_stamped(tmp_path / "a.mka", [0, 5], container="matroska", picture=False)
    _, samples, tone_s = sound_of(path)
    assert tone_s == pytest.approx(5, abs=0.2)
    assert len(samples) / SAMPLE_RATE == pytest.approx(6, abs=0.3)


def test_a_film_whose_stamps_jump_by_weeks_is_scored_at_once(edge_emo, tmp_path, film):
    """It took for ever: songs were looked for that last for weeks."""
    av = pytest.importorskip("av", reason="PyAV writes the stamps")
    path = tmp_path / "a.mkv"
    with av.open(str(film)) as source, av.open(str(path), "w") as out:
        streams = {stream.index: out.add_stream_from_template(stream) for stream in source.streams}
        for packet in source.demux():
            if packet.dts is not None:
                late = round(1_000_000 / packet.time_base) * (packet.dts * packet.time_base > 2)
                packet.pts, packet.dts, packet.stream = (
                    packet.pts + late,
                    packet.dts + late,
                    streams[packet.stream.index],
                )
                out.mux(packet)
    done = edge_emo("score", path, "--out", tmp_path / "cues.csv", "--seed", 1, timeout=60)
    assert done.returncode == 0, done.stderr
    assert b"time stamps jump by +1000000 s at 2" in done.stderr
    rows = (tmp_path / "cues.csv").read_text().splitlines()
    assert len(rows) == 2


def test_an_avi_with_frames_left_out_keeps_its_clock(tmp_path, decoder):
    graph = (
        "color=black:s=64x48:r=10:d=4,geq=lum='if(gte(T\\,3)\\,235\\,16)':cb=128:cr=128,select='not(between(t,1,2.5))'"
    )
    for codec in ("mpeg4", "libx264"):
        path = tmp_path / f"{codec}.avi"
        command = ["ffmpeg", "-v", "error", "-nostdin", "-f", "lavfi", "-i", graph, "-vsync", "vfr", "-c:v", codec]
        if subprocess.run([*command, path], capture_output=True, check=False).returncode:
            pytest.skip(f"this ffmpeg has no {codec}")
        assert light_of(path)[2] == pytest.approx(3, abs=0.25)
