import itertools
import struct

import cv2
import numpy as np
import pytest

from edge_emo.core.errors import DecoderMissingError, MediaError, NoPictureError
from edge_emo.media import frames, pictures
from edge_emo.media.film import Film
from edge_emo.media.frames import LONGEST_SIDE
from edge_emo.media.pictures import read_picture, write_picture
from tests.conftest import write_film

RED_LEFT = np.zeros((40, 60, 3), np.uint8)
RED_LEFT[:, :30, 0] = 255
RED_LEFT[:, 30:, 2] = 255


def encode(suffix, picture, *options):
    return cv2.imencode(suffix, cv2.cvtColor(picture, cv2.COLOR_RGB2BGR), list(options))[1].tobytes()


def near(a, b, tolerance=40):
    return a.shape == b.shape and np.abs(a.astype(int) - b).mean() < tolerance


@pytest.mark.parametrize("suffix", [".jpg", ".png", ".webp", ".bmp", ".tiff", ".avif"])
def test_formats(tmp_path, suffix):
    if not cv2.haveImageWriter(f"a{suffix}"):
        pytest.skip(f"this OpenCV writes no {suffix}")
    path = tmp_path / f"a{suffix}"
    path.write_bytes(encode(suffix, RED_LEFT))
    found = read_picture(path)
    assert found.dtype == np.uint8
    assert near(found, RED_LEFT, 12)


def test_a_bmp_of_os_2(tmp_path):
    path = tmp_path / "a.bmp"
    head = struct.pack("<2sIHHIIHHHH", b"BM", 26 + 2 * 8, 0, 0, 26, 12, 2, 2, 1, 24)
    path.write_bytes(head + bytes([0, 0, 255] * 2 + [0, 0]) * 2)
    assert (read_picture(path) == [255, 0, 0]).all()


def test_the_content_counts_not_the_name(tmp_path):
    path = tmp_path / "a.jpg"
    path.write_bytes(encode(".png", RED_LEFT))
    assert (read_picture(path) == RED_LEFT).all()


def exif(orientation):
    """An EXIF segment that holds an orientation alone."""
    tiff = b"MM\0*\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01" + bytes([0, orientation, 0, 0]) + b"\0\0\0\0"
    body = b"Exif\0\0" + tiff
    return b"\xff\xe1" + (len(body) + 2).to_bytes(2, "big") + body


@pytest.mark.parametrize(("orientation", "turns"), [(1, 0), (3, 2), (6, 3), (8, 1)])
def test_exif_rotation_is_honoured(tmp_path, orientation, turns):
    jpeg = encode(".jpg", RED_LEFT)
    path = tmp_path / "a.jpg"
    path.write_bytes(jpeg[:2] + exif(orientation) + jpeg[2:])
    assert near(read_picture(path), np.rot90(RED_LEFT, turns), 12)


def test_an_alpha_channel_is_left_out(tmp_path):
    path = tmp_path / "a.png"
    rgba = np.dstack([RED_LEFT[..., ::-1], np.full((40, 60), 128, np.uint8)])
    path.write_bytes(cv2.imencode(".png", rgba)[1].tobytes())
    assert (read_picture(path) == RED_LEFT).all()


def test_grey_and_16_bits(tmp_path):
    path = tmp_path / "a.png"
    gray = np.arange(256, dtype=np.uint8).reshape(16, 16)
    path.write_bytes(cv2.imencode(".png", gray)[1].tobytes())
    assert (read_picture(path) == gray[..., None]).all()
    path.write_bytes(cv2.imencode(".png", gray.astype(np.uint16) * 257)[1].tobytes())
    assert (read_picture(path) == gray[..., None]).all()


def test_a_cmyk_jpeg(tmp_path):
    image = pytest.importorskip("PIL.Image")
    path = tmp_path / "a.jpg"
    image.fromarray(RED_LEFT).convert("CMYK").save(path, quality=95)
    assert near(read_picture(path), RED_LEFT, 25)


@pytest.mark.parametrize("suffix", [".jpg", ".png", ".webp", ".bmp"])
def test_a_picture_of_one_pixel(tmp_path, suffix):
    path = tmp_path / f"a{suffix}"
    path.write_bytes(encode(suffix, np.full((1, 1, 3), 200, np.uint8)))
    assert read_picture(path).shape == (1, 1, 3)


def test_too_many_pixels_are_refused_before_they_are_decoded(tmp_path):
    path = tmp_path / "a.png"
    tiny = encode(".png", RED_LEFT)
    path.write_bytes(tiny[:16] + (20000).to_bytes(4, "big") * 2 + tiny[24:])
    with pytest.raises(MediaError, match=r"a\.png: 20000 x 20000 pixels; up to 100 million are read"):
        read_picture(path)


@pytest.mark.parametrize("content", [b"\xff\xd8\xff\xe0 no jpeg", b"\x89PNG\r\n\x1a\n", b"BM", b"plain text"])
def test_damaged_pictures_are_refused(tmp_path, content):
    path = tmp_path / "a.jpg"
    path.write_bytes(content)
    with pytest.raises(MediaError, match=r"a\.jpg: "):
        read_picture(path)


def test_a_truncated_png_is_refused_or_read_in_part(tmp_path, portrait):
    path = tmp_path / "a.png"
    content = encode(".png", portrait)
    path.write_bytes(content[: len(content) // 2])
    try:
        assert read_picture(path).shape == portrait.shape
    except MediaError as error:
        assert "a.png" in str(error)


def test_heic_says_what_it_needs(tmp_path, monkeypatch):
    path = tmp_path / "a.heic"
    size = b"\0\0\0\x14ispe\0\0\0\0\0\0\0\x40\0\0\0\x40"
    meta = b"\0\0\0\x30meta\0\0\0\0" + b"\0\0\0\x24iprp\0\0\0\x1cipco" + size
    path.write_bytes(b"\0\0\0\x18ftypheic\0\0\0\0mif1heic" + meta)
    monkeypatch.setattr(pictures.importlib.util, "find_spec", lambda name: None)
    with pytest.raises(DecoderMissingError, match=r"pip install '\.\[heic\]'"):
        read_picture(path)


def test_written_pictures(tmp_path):
    write_picture(tmp_path / "a.png", RED_LEFT)
    assert (read_picture(tmp_path / "a.png") == RED_LEFT).all()
    with pytest.raises(ValueError, match=r"end the name in \.jpg or \.png"):
        write_picture(tmp_path / "a.xyz", RED_LEFT)


def shades(count, size=64):
    """Pictures that can be told apart by their brightness."""
    return [np.full((size, size, 3), 20 + 200 * k // count, np.uint8) for k in range(count)]


@pytest.fixture(params=["PyAV", "OpenCV"])
def decoder(request, monkeypatch):
    if request.param == "OpenCV":
        monkeypatch.setattr(pictures.importlib.util, "find_spec", lambda name: None)
    return request.param


@pytest.mark.parametrize("suffix", [".mp4", ".mov", ".mkv", ".avi"])
def test_films(tmp_path, suffix, decoder):
    path = write_film(tmp_path / f"a{suffix}", shades(20), 10, codec="mpeg4" if suffix == ".avi" else "libx264")
    frames = list(Film(path, fps=5))
    assert [frame.start_s for frame in frames] == pytest.approx([k / 5 for k in range(10)], abs=0.06)
    assert all(a.end_s == b.start_s for a, b in itertools.pairwise(frames))
    assert frames[-1].end_s == pytest.approx(2.0, abs=0.11)
    brightness = [frame.picture.mean() for frame in frames]
    assert np.diff(brightness).min() > 10
    assert frames[0].picture.shape == (64, 64, 3)


def test_an_avi_whose_frames_are_reordered(tmp_path):
    path = write_film(tmp_path / "a.avi", shades(20), 10)
    frames = list(Film(path, fps=10))
    assert [frame.start_s for frame in frames] == pytest.approx([k / 10 for k in range(20)])
    assert np.diff([frame.picture.mean() for frame in frames]).min() > 5


def test_webm(tmp_path, decoder):
    path = write_film(tmp_path / "a.webm", shades(10), 10, codec="libvpx")
    assert len(list(Film(path, fps=5))) == 5


def test_an_animated_gif(tmp_path, decoder):
    path = write_film(tmp_path / "a.gif", shades(10), 10, codec="gif")
    assert 4 <= len(list(Film(path, fps=5))) <= 6


def test_every_frame_of_a_slow_film_is_seen_once(tmp_path):
    path = write_film(tmp_path / "a.mp4", shades(6), 2)
    frames = list(Film(path, fps=5))
    assert [frame.start_s for frame in frames] == pytest.approx([0, 0.5, 1.0, 1.5, 2.0, 2.5], abs=0.01)
    assert frames[0].end_s == pytest.approx(0.5)


def test_a_film_is_as_long_as_it_is_however_rarely_one_looks(tmp_path, decoder):
    path = write_film(tmp_path / "a.mp4", shades(43), 10)
    for fps in (0.5, 1, 5, 50):
        frames = list(Film(path, fps=fps))
        assert frames[-1].end_s == pytest.approx(4.3, abs=0.02)
        assert all(a.end_s == b.start_s for a, b in itertools.pairwise(frames))


def test_a_variable_frame_rate(tmp_path):
    times = [0.0, 0.04, 0.08, 0.12, 1.5, 1.54, 4.0]
    path = write_film(tmp_path / "a.mkv", shades(7), 25, times=times)
    frames = list(Film(path, fps=5))
    assert [frame.start_s for frame in frames] == pytest.approx([0.0, 1.5, 4.0], abs=0.02)
    assert frames[0].end_s == pytest.approx(1.0)  # a slide that stays is seen for a second


TURNS = {0: (1, 0, 0, 1), 1: (0, 1, -1, 0), 2: (-1, 0, 0, -1), 3: (0, -1, 1, 0)}


@pytest.mark.parametrize("turns", TURNS)
def test_rotation_metadata(tmp_path, decoder, turns):
    path = write_film(tmp_path / "a.mp4", [RED_LEFT] * 5, 5)
    content = bytearray(path.read_bytes())
    matrix = content.index(b"tkhd") + 44  # ISO/IEC 14496-12, 8.3.2: a b u c d v x y w
    a, b, c, d = (value << 16 for value in TURNS[turns])
    assert content[matrix : matrix + 20] == struct.pack(">5i", 1 << 16, 0, 0, 0, 1 << 16)
    content[matrix : matrix + 20] = struct.pack(">5i", a, b, 0, c, d)
    path.write_bytes(content)
    assert near(next(iter(Film(path))).picture, np.rot90(RED_LEFT, -turns))


def test_large_frames_are_brought_down(tmp_path, decoder):
    path = write_film(tmp_path / "a.mp4", [np.zeros((90, 2 * LONGEST_SIDE, 3), np.uint8)] * 3, 5)
    assert next(iter(Film(path))).picture.shape == (45, LONGEST_SIDE, 3)


def test_a_sound_has_no_picture(tmp_path, sample, decoder):
    path = write_film(tmp_path / "a.m4a", [], 5, sample[:16000])
    with pytest.raises(NoPictureError, match=r"a\.m4a: has no picture"):
        list(Film(path))


def test_a_cut_film_is_read_as_far_as_it_goes(tmp_path, rng):
    noise = rng.integers(0, 256, (100, 64, 64, 3), np.uint8)
    path = write_film(tmp_path / "a.mkv", list(noise), 10)
    content = path.read_bytes()
    path.write_bytes(content[: len(content) * 6 // 10])
    found = Film(path, fps=5)
    frames = list(found)
    assert 20 < len(frames) < 35
    assert any("the picture ends at" in warning for warning in found.warnings)


def test_what_is_no_film_is_refused(tmp_path, decoder):
    path = tmp_path / "a.mp4"
    path.write_bytes(b"no film" * 100)
    with pytest.raises(MediaError, match=r"a\.mp4: "):
        list(Film(path))


@pytest.mark.parametrize("fps", [0, -1, 1000])
def test_an_impossible_rate_is_refused(film, fps):
    with pytest.raises(ValueError, match="fps is"):
        Film(film, fps=fps)


def test_frames_that_grow_beyond_what_is_read_are_left_out(tmp_path, monkeypatch):
    parts = [write_film(tmp_path / f"{size}.ts", shades(10, size), 10).read_bytes() for size in (64, 320)]
    path = tmp_path / "a.ts"
    path.write_bytes(b"".join(parts))
    monkeypatch.setattr(frames, "MAX_FRAME_PIXELS", 100 * 100)
    film = Film(path, fps=10)
    assert {frame.picture.shape for frame in film} == {(64, 64, 3)}
    assert any("damaged parts of its picture were left out" in warning for warning in film.warnings)


def test_a_film_of_frames_larger_than_8k_is_refused(tmp_path, monkeypatch, decoder):
    path = write_film(tmp_path / "a.mp4", shades(3, 320), 10)
    monkeypatch.setattr(frames, "MAX_FRAME_PIXELS", 300 * 300)
    with pytest.raises(MediaError, match=r"a\.mp4: frames of 320 x 320 pixels; up to 8K"):
        Film(path)
