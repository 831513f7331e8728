"""Sound and picture are read together, once, and are what each is alone."""

import av
import numpy as np
import pytest

from edge_emo.core.errors import NoPictureError, NoSoundTrackError, TrackNotFoundError
from edge_emo.media.demuxer import Demuxer
from edge_emo.media.film import Film, Frame
from edge_emo.media.playback import Playback
from edge_emo.media.sound import Sound
from tests.conftest import SPEECH, write_film


@pytest.fixture(params=["PyAV", "ffmpeg"])
def decoder(request, monkeypatch):
    if request.param == "ffmpeg":
        import shutil

        if not shutil.which("ffmpeg"):
            pytest.skip("no ffmpeg on the PATH")
        monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    return request.param


def played(path, **asked):
    playback = Playback(path, Demuxer(path), **asked)
    return playback, list(playback)


def sounds(items):
    return [item for item in items if not isinstance(item, Frame)]


def frames(items):
    return [item for item in items if isinstance(item, Frame)]


def are_those_of_each_alone(path, items):
    sound, pictures = np.concatenate(list(Sound(path))), list(Film(path))
    assert (np.concatenate(sounds(items)) == sound).all()
    assert [(f.start_s, f.end_s) for f in frames(items)] == [(f.start_s, f.end_s) for f in pictures]
    return all((a.picture == b.picture).all() for a, b in zip(frames(items), pictures, strict=True))


def test_both_are_what_each_is_alone(film, decoder):
    playback, items = played(film)
    assert are_those_of_each_alone(film, items)
    assert (playback.failures, playback.warnings) == ({}, [])
    assert playback.sound.stated_s is None if decoder == "ffmpeg" else playback.sound.stated_s > 3.9


def remuxed(source, path, order):
    """Write the packets of a film in an order of the kinds of its streams, each in its own order."""
    with av.open(str(source)) as film, av.open(str(path), "w", options={"max_interleave_delta": "1"}) as out:
        copies = {stream.index: out.add_stream_from_template(stream) for stream in film.streams}
        packets = [packet for packet in film.demux() if packet.dts is not None]
        for packet in sorted(packets, key=lambda packet: order.index(packet.stream.type)):
            packet.stream = copies[packet.stream.index]
            out.mux_one(packet)
    return path


@pytest.mark.parametrize("order", [("video", "audio"), ("audio", "video")], ids=" before ".join)
def test_a_film_with_all_of_one_before_the_other_is_read_as_it_lies(film, tmp_path, order):
    path = remuxed(film, tmp_path / "a.mkv", order)
    _, items = played(path)
    kinds = ["video" if isinstance(item, Frame) else "audio" for item in items]
    assert kinds.index(order[1]) > 0.7 * kinds.count(order[0]), "decoders hold the last frames back"
    assert are_those_of_each_alone(path, items)


def test_sound_and_picture_come_together_where_they_lie_together(tmp_path, portrait, sample):
    together = write_film(tmp_path / "a.mp4", [portrait[:64, :64]] * 50, 5, np.resize(sample, 10 * 16000))
    _, items = played(together)  # FFmpeg reads an MP4 in order of time, however it lies
    reached_s, apart_s = {"sound": 0.0, "picture": 0.0}, []
    for item in items:
        if isinstance(item, Frame):
            reached_s["picture"] = item.end_s
        else:
            reached_s["sound"] += len(item) / 16000
        apart_s.append(abs(reached_s["sound"] - reached_s["picture"]))
    assert max(apart_s) < 3


def test_what_one_lacks_does_not_end_the_other(tmp_path, portrait, sample):
    silent = write_film(tmp_path / "a.mp4", [portrait] * 5, 5)
    playback, items = played(silent)
    assert isinstance(playback.failures.pop("sound"), NoSoundTrackError)
    assert (len(frames(items)), playback.failures) == (5, {})
    blind = write_film(tmp_path / "a.m4a", [], 5, sample)
    playback, items = played(blind)
    assert isinstance(playback.failures.pop("picture"), NoPictureError)
    assert sum(map(len, sounds(items))) > 0.9 * len(sample)


def test_what_libsndfile_reads_is_read_by_it(sample):
    playback, items = played(SPEECH, has_picture=False)
    assert playback.sound.stream is None
    assert (np.concatenate(items) == sample).all()


def test_a_track_that_is_not_there_is_told_at_once(film):
    with pytest.raises(TrackNotFoundError, match="no sound track 7"):
        played(film, audio_track=7)


def test_what_is_not_taken_to_its_end_is_closed(film):
    demuxer = Demuxer(film)
    items = iter(Playback(film, demuxer))
    next(items)
    items.close()
    with pytest.raises((ValueError, AssertionError)):
        demuxer.container.demux().__next__()
