import errno
import io
import os

import pytest

from edge_emo.core.errors import MediaError
from edge_emo.media.film import frame_rate
from edge_emo.media.sources import expand, kind, opened


@pytest.mark.parametrize(
    ("name", "content", "expected"),
    [
        ("a.wav", b"RIFF\0\0\0\0WAVEfmt ", "sound"),
        ("a.mp3", b"ID3\4", "sound"),
        ("a.jpg", b"\xff\xd8\xff\xe0", "picture"),
        ("a.mp4", b"\0\0\0\x20ftypisom", "film"),
        ("a.gif", b"GIF89a", "film"),
        ("a.heic", b"\0\0\0\x18ftypheic", "picture"),
        # what is inside counts more than the name
        ("a.wav", b"\x89PNG\r\n\x1a\n", "picture"),
        ("a.wav", b"\0\0\0\x20ftypisom", "film"),
        ("a.jpg", b"\0\0\0\x20ftypqt  ", "film"),
        ("a.mp4", b"\0\0\0\x20ftypavif", "picture"),
        ("-", b"\xff\xd8\xff\xe0", "picture"),
        ("-", b"RIFF\0\0\0\0WEBPVP8 ", "picture"),
        ("-", b"BM\0\0\0\0", "picture"),
        ("-", b"\x1aE\xdf\xa3", "film"),
        ("-", b"RIFF\0\0\0\0AVI LIST", "film"),
        ("-", b"RIFF\0\0\0\0WAVEfmt ", "sound"),
        ("a.bin", b"RF64\xff\xff\xff\xffWAVEds64", "sound"),
        ("-", b"fLaC\0", "sound"),
        ("-", b"FORM\0\0\0\0AIFFCOMM", "sound"),
        ("-", b"ID3\4", "sound"),
        ("-", b"\xff\xfb\x90", "sound"),
    ],
)
def test_what_a_source_is(tmp_path, name, content, expected):
    assert kind(name, io.BytesIO(content)) == expected
    path = tmp_path / name
    path.write_bytes(content)
    assert kind(path, str(path)) == expected


def test_folders_give_sounds_pictures_and_films(tmp_path):
    for name in ("a.wav", "b.JPG", "c.mov", "notes.txt", ".hidden.png"):
        (tmp_path / name).touch()
    assert [source.rsplit("/", 1)[-1] for source in expand([str(tmp_path)])] == ["a.wav", "b.JPG", "c.mov"]


@pytest.mark.parametrize("path", ["a\0b", "a\udcff", "", ".", "a" * 5000])
def test_a_path_that_cannot_be_has_no_frame_rate(path):
    assert frame_rate(path) is None


def test_a_disk_that_fails_is_told_by_the_name_of_the_file(tmp_path, monkeypatch):
    (tmp_path / "a.wav").write_bytes(bytes(100))

    class Failing(io.BytesIO):
        def read(self, size=-1):
            raise OSError(errno.EIO, os.strerror(errno.EIO))

    monkeypatch.setattr("builtins.open", lambda *given: Failing())
    with pytest.raises(MediaError, match=r"a\.wav: cannot be opened \(Input/output error\); check the disk"):
        opened(tmp_path / "a.wav")
