"""Pictures, sounds and films: made whole, and read as the package reads them."""

from __future__ import annotations

import importlib.util
import itertools
import re
import tempfile
import zlib
from collections.abc import Sequence
from contextlib import suppress
from fractions import Fraction
from functools import partial
from pathlib import Path
from unittest import mock

import cv2
import numpy as np
import soundfile

from benchmarks.fuzz_kind import Kind
from edge_emo.core.errors import NoSoundTrackError
from edge_emo.media import film, pictures
from edge_emo.media.sound import SAMPLE_RATE, Sound


def _noise(width: int = 96, height: int = 64) -> pictures.Pixels:
    small = np.random.default_rng(0).integers(0, 256, (12, 12, 3), np.uint8)
    return np.asarray(cv2.resize(small, (width, height)), np.uint8)


def tone(seconds: float = 0.4) -> np.ndarray:
    """Return a tone, float32 at 16 kHz."""
    return np.asarray(np.sin(np.arange(round(SAMPLE_RATE * seconds)) / 9) / 2, np.float32)


def _mended_png(content: bytes) -> bytes:
    mended, at = bytearray(content), 8
    while (end := at + 12 + int.from_bytes(content[at : at + 4], "big")) <= len(content):
        mended[end - 4 : end] = zlib.crc32(content[at + 4 : end - 4]).to_bytes(4, "big")
        at = end
    return bytes(mended)


def _mended_ogg(content: bytes) -> bytes:
    """Put the checksum of every page right (RFC 3533, section 6), whatever its table of segments says."""
    starts = [found.start() for found in re.finditer(b"OggS", content)]
    pages = [content[a:b] for a, b in itertools.pairwise([*starts, len(content)])]
    for number, page in enumerate(pages):
        if len(page) >= 27:
            plain = page[:22] + bytes(4) + page[26:]
            pages[number] = page[:22] + _ogg_checksum(plain).to_bytes(4, "little") + page[26:]
    return content[: starts[0]] + b"".join(pages) if starts else content


def _ogg_checksum(page: bytes) -> int:
    """CRC-32 of polynomial 0x04c11db7 without reflection: that of zlib, with every byte's bits turned round."""
    turned = zlib.crc32(page.translate(_TURNED), 0xFFFFFFFF) ^ 0xFFFFFFFF
    return int(f"{turned:032b}"[::-1], 2)


_TURNED = bytes(int(f"{byte:08b}"[::-1], 2) for byte in range(256))
_MENDERS = {"png": _mended_png, "ogg": _mended_ogg}


def picture_kinds() -> list[Kind]:
    """Return a kind for each format of stills."""
    words = {
        "jpg": (b"\xff\xd8", b"\xff\xc2", b"\xff\xda", b"\xff\xc4", b"\xff\xe1\0\x0aExif\0\0", b"\xff\xdd\0\4\0\1"),
        "png": (b"IHDR", b"IDAT", b"acTL", b"fcTL", b"fdAT", b"iCCP", b"zTXt", b"eXIf", b"tRNS", b"PLTE"),
        "webp": (b"VP8X", b"VP8L", b"VP8 ", b"ANIM", b"ANMF", b"ALPH", b"EXIF"),
        "avif": (b"ispe", b"av01", b"iloc", b"ipma", b"grid", b"mdat", b"moov", b"avis"),
        "tiff": (b"II*\0", b"MM\0*", b"\x42\1", b"\x43\1", b"\2\1"),
        "bmp": (b"BM",),
        "ppm": (b"P6", b"P3", b"P5", b"#", b"65535"),
        "heic": (b"ispe", b"hvcC", b"iloc", b"ipma", b"grid", b"mdat", b"iinf"),
    }
    kinds_ = [
        Kind(suffix, suffix, partial(encoded, suffix), _read_picture, words[suffix], _MENDERS.get(suffix, bytes))
        for suffix in words
        if suffix != "heic" and cv2.haveImageWriter(f"a.{suffix}")
    ]
    if importlib.util.find_spec("pillow_heif"):
        kinds_.append(Kind("heic", "heic", _heic, _read_picture, words["heic"]))
    return kinds_


def encoded(suffix: str) -> list[bytes]:
    """Return pictures in a format, in each of its ways."""
    options = {
        "jpg": [[], [cv2.IMWRITE_JPEG_PROGRESSIVE, 1], [cv2.IMWRITE_JPEG_RST_INTERVAL, 2]],
        "webp": [[cv2.IMWRITE_WEBP_QUALITY, 50], [cv2.IMWRITE_WEBP_QUALITY, 101]],
        "tiff": [[cv2.IMWRITE_TIFF_COMPRESSION, kind] for kind in (1, 5, 8)],
        "ppm": [[], [cv2.IMWRITE_PXM_BINARY, 0]],
        "avif": [[cv2.IMWRITE_AVIF_SPEED, 10]],
    }
    shown = [_noise(), _noise()[..., 0]] + [_noise().astype(np.uint16) * 257] * (suffix in ("png", "tiff", "ppm"))
    endings = {id(shown[1]): ".pgm"} if suffix == "ppm" else {}
    coded = [
        cv2.imencode(endings.get(id(picture), f".{suffix}"), picture, given)[1].tobytes()
        for picture in shown
        for given in options.get(suffix, [[]])
    ]
    if suffix in ("png", "webp") and hasattr(cv2, "imencodeanimation"):  # from OpenCV 4.12
        animation = cv2.Animation()
        animation.frames, animation.durations = [np.dstack([_noise(), _noise()[..., 0]])] * 3, [40] * 3
        coded.append(cv2.imencodeanimation(f".{suffix}", animation)[1].tobytes())
    if suffix == "png":
        coded.append(_with_all_chunks(coded[0]))
    if suffix == "jpg":
        coded.append(coded[0][:2] + b"\xff\xe1\0\x22Exif\0\0" + _EXIF + coded[0][2:])
    return coded


_EXIF = b"MM\0*\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0\x06\0\0\0\0\0\0"
"""An orientation alone."""


def _with_all_chunks(png: bytes) -> bytes:
    """Return a PNG with the chunks that cameras and editors add, after the 33 bytes of its header."""
    bodies = {
        b"gAMA": (45455).to_bytes(4, "big"),
        b"iCCP": b"name\0\0" + zlib.compress(bytes(500)),
        b"tEXt": b"Comment\0words",
        b"zTXt": b"Comment\0\0" + zlib.compress(bytes(500)),
        b"iTXt": b"Comment\0\0\0en\0\0words",
        b"pHYs": bytes(9),
        b"eXIf": _EXIF,
    }
    chunks = [len(body).to_bytes(4, "big") + name + body + bytes(4) for name, body in bodies.items()]
    return _mended_png(png[:33] + b"".join(chunks) + png[33:])


def _heic() -> list[bytes]:
    import io

    import pillow_heif

    written = io.BytesIO()
    pillow_heif.from_bytes("RGB", (96, 64), _noise().tobytes()).save(written)
    return [written.getvalue()]


def _read_picture(path: Path) -> None:
    picture = pictures.read_picture(path)
    assert picture.dtype == np.uint8 and picture.ndim == 3 and picture.shape[2] == 3


def sound_kinds() -> list[Kind]:
    """Return a kind for each format of sounds."""
    formats: dict[str, list[dict[str, str]]] = {
        "wav": [{}, {"subtype": "FLOAT"}, {"subtype": "MS_ADPCM"}, {"subtype": "ULAW"}],
        "flac": [{}],
        "ogg": [{"subtype": "VORBIS"}, {"subtype": "OPUS"}],
        "mp3": [{}],
        "aiff": [{}],
        "au": [{}],
        "caf": [{}, {"subtype": "ALAC_16"}],
        "w64": [{}],
        "rf64": [{}],
    }
    words = (b"RIFF", b"fmt ", b"data", b"LIST", b"fLaC", b"OggS", b"OpusHead", b"\x01vorbis", b"ID3\4\0\0\x7f\x7f\x7f",
             b"COMM", b"SSND", b"caff", b"desc", b"chan", b"ds64", b"\xff\xfb")  # fmt: skip
    return [
        Kind(suffix, suffix, partial(recorded, suffix, given), _read_sound, words, _MENDERS.get(suffix, bytes))
        for suffix, given in formats.items()
    ]


def recorded(suffix: str, given: Sequence[dict[str, str]]) -> list[bytes]:
    """Return a tone in a format, mono and stereo, in each of its ways."""
    import io

    written = []
    for options in given:
        for wave in (tone(), np.repeat(tone()[:, None], 2, axis=1)):
            file = io.BytesIO()
            soundfile.write(file, wave, SAMPLE_RATE, format=suffix.upper(), **options)
            written.append(without_chance(file.getvalue()))
    return written


def without_chance(content: bytes) -> bytes:
    """Return a sound without the time that libsndfile writes into a WAV, and the number that it draws for an Ogg."""
    content = re.sub(rb"(?s)(PEAK.{8}).{4}", rb"\g<1>\0\0\0\0", content)
    return _mended_ogg(re.sub(rb"(?s)(OggS.{10}).{4}", rb"\g<1>edge", content))


def _read_sound(path: Path) -> None:
    for block in Sound(path):
        assert np.isfinite(block).all() and block.dtype == np.float32 and block.ndim == 1


_CODECS = {"mp4": "libx264", "mkv": "libx264", "mov": "libx264", "ts": "libx264", "avi": "mpeg4", "webm": "libvpx",
           "gif": "gif"}  # fmt: skip


_WITH_SOUND = ("mp4", "mkv", "mov", "ts")


def film_kinds() -> list[Kind]:
    """Return a kind for each container of films, and one for films without PyAV."""
    words = (b"moov", b"mdat", b"trak", b"stsz", b"stco", b"stts", b"elst", b"avcC", b"\x1a\x45\xdf\xa3", b"RIFF",
             b"LIST", b"idx1", b"GIF89a", b"\x47\x40\x00", b"#EXTM3U\nhttp://127.0.0.1/a.ts", b"ffconcat version 1.0\n",
             b"v=0\r\nc=IN IP4 127.0.0.1\r\nm=video 9 RTP/AVP 96\r\n")  # fmt: skip
    return [
        *(Kind(suffix, suffix, partial(_filmed, suffix), _read_film, words) for suffix in _CODECS),
        Kind("mp4 without PyAV", "mp4", partial(_filmed, "mp4"), _read_film_without_pyav, words),
    ]


def _filmed(suffix: str) -> list[bytes]:
    import av

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, f"a.{suffix}")
        with av.open(str(path), "w", options={"fflags": "+bitexact"}) as container:
            stream = container.add_stream(_CODECS[suffix], rate=10)
            stream.width, stream.height = 96, 64
            stream.codec_context.thread_count = 1  # else the bytes follow the work of other processes
            if _CODECS[suffix] == "libx264":  # as they do where it looks ahead in a thread of its own
                stream.options = {"x264-params": "threads=1:lookahead-threads=1:sync-lookahead=0:rc-lookahead=0"}
            stream.pix_fmt = "rgb8" if suffix == "gif" else "yuv420p"
            track = container.add_stream("aac", rate=SAMPLE_RATE, layout="mono") if suffix in _WITH_SOUND else None
            if suffix != "gif":
                stream.codec_context.time_base = Fraction(1, 1000)
            for number in range(10):
                frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(np.roll(_noise(), 5 * number, 1)), "rgb24")
                if suffix != "gif":
                    frame.pts, frame.time_base = 100 * number, Fraction(1, 1000)
                container.mux(stream.encode(frame))
            container.mux(stream.encode(None))
            if track is not None:
                sound = av.AudioFrame.from_ndarray(tone(1)[None], format="fltp", layout="mono")
                sound.sample_rate = SAMPLE_RATE
                container.mux(track.encode(sound))
                container.mux(track.encode(None))
        return [path.read_bytes()]


def _read_film(path: Path) -> None:
    film.frame_rate(path)
    for frame in film.Film(path):
        assert frame.picture.dtype == np.uint8 and frame.picture.ndim == 3
        assert 0 <= frame.start_s <= frame.end_s < np.inf
    with suppress(NoSoundTrackError):
        _read_sound(path)


def _read_film_without_pyav(path: Path) -> None:
    with mock.patch.object(importlib.util, "find_spec", return_value=None):
        for frame in film.Film(path):
            assert frame.picture.dtype == np.uint8 and frame.picture.ndim == 3
