import itertools
import shutil
import subprocess

import numpy as np
import pytest

from edge_emo.media.clock import PacketClock
from edge_emo.media.containers import open_with_pyav
from edge_emo.media.film import Film
from edge_emo.media.frames import FrameDecoder, picture_stream
from edge_emo.media.looks import Looks

av = pytest.importorskip("av", reason="films need PyAV: pip install '.[video]'")

H264 = ["-c:v", "libx264", "-preset", "veryfast", "-x264-params"]
FILMS = {
    "pyramid.mp4": [*H264, "bframes=3:keyint=30"],
    "flat.mkv": [*H264, "bframes=5:b-pyramid=none:keyint=20"],
    "open.ts": [*H264, "bframes=3:open-gop=1:keyint=15"],
    "interlaced.ts": ["-flags", "+ilme+ildct", *H264, "tff=1:bframes=2:keyint=20"],
    "h265.mp4": ["-c:v", "libx265", "-preset", "ultrafast", "-x265-params", "bframes=4:keyint=30:log-level=none"],
    "b.avi": [*H264, "bframes=2:keyint=20"],
    "b.mpg": ["-c:v", "mpeg2video", "-bf", "2"],
}


@pytest.fixture(params=FILMS)
def film(request, tmp_path):
    if not shutil.which("ffmpeg"):
        pytest.skip("films are made with an ffmpeg on the PATH")
    path = tmp_path / request.param
    command = ["ffmpeg", "-v", "error", "-nostdin", "-f", "lavfi", "-i", "testsrc2=s=160x96:r=25:d=4"]
    done = subprocess.run(
        [*command, *FILMS[request.param], "-pix_fmt", "yuv420p", path], capture_output=True, check=False
    )
    if done.returncode:
        pytest.skip(f"this ffmpeg cannot make it: {done.stderr[-200:]!r}")
    return path


def every_frame(path):
    """When each frame of a film starts, and its pixels: all of them decoded."""
    container = open_with_pyav(path.name, str(path))
    stream = picture_stream(container)
    decoder, found = FrameDecoder(stream), []
    for packet in PacketClock(container).packets():
        found += [(start_s, decoder.upright(frame)) for start_s, frame in decoder.decode(packet)]
    container.close()
    return found


@pytest.mark.parametrize("fps", [0.7, 5, 12, 100])
def test_frames_are_the_same_as_where_all_are_decoded(film, fps):
    looks, every = Looks(fps), every_frame(film)
    expected = [(start_s, picture) for start_s, picture in every if looks.is_due(start_s)]
    found = list(Film(film, fps=fps))
    assert [frame.start_s for frame in found] == [start_s for start_s, _ in expected]
    assert all((frame.picture == picture).all() for frame, (_, picture) in zip(found, expected, strict=True))
    assert all(a.end_s == b.start_s or a.end_s == a.start_s + max(1.0, 1 / fps) for a, b in itertools.pairwise(found))


@pytest.mark.parametrize("film", ["pyramid.mp4", "flat.mkv", "open.ts", "h265.mp4"], indirect=True)
def test_fewer_frames_are_decoded_than_there_are(film, monkeypatch):
    n_decoded = []
    decode = FrameDecoder.decode

    def counted(self, packet):
        found = decode(self, packet)
        n_decoded.extend(found)
        return found

    monkeypatch.setattr(FrameDecoder, "decode", counted)
    shown = Film(film, fps=5)
    frames = list(shown)
    assert 20 <= len(n_decoded) < 80
    assert frames[-1].end_s == pytest.approx(4.0, abs=0.05)
    assert shown.warnings == []


def test_one_frame_of_each_interval_is_looked_at_whatever_the_rounding():
    looks = Looks(5)
    times = np.round(np.arange(0, 4, 1 / 30), 3)  # as in Matroska, which counts milliseconds
    due = [time_s for time_s in times if looks.is_due(time_s)]
    assert [looks.interval(time_s) for time_s in due] == list(range(20))
    assert max(time_s - k / 5 for k, time_s in enumerate(due)) < 1 / 30
