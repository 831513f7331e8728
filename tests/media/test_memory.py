"""Files that claim more than they hold take no memory: all are opened in a process that may grow by 256 MB."""

import json
import struct
import subprocess
import sys
import zlib
from pathlib import Path

import cv2
import numpy as np
import pytest
import soundfile

from edge_emo.core.errors import MediaError
from edge_emo.media import containers
from edge_emo.media.clock import PacketClock
from edge_emo.media.pictures import read_picture
from tests.media.test_pictures import encode

ROOT = Path(__file__).parents[2]
PICTURE = np.full((64, 64, 3), 200, np.uint8)

BOUNDED = r"""
import importlib.util, json, resource, sys
import cv2, soundfile
from edge_emo.core.errors import MediaError
from edge_emo.media.sound import read_sound
from edge_emo.media import containers
from edge_emo.media.clock import PacketClock
from edge_emo.media.film import Film
from edge_emo.media.pictures import read_picture
if importlib.util.find_spec("av"): import av
if importlib.util.find_spec("pillow_heif"): import pillow_heif

cv2.imdecode(cv2.imencode(".png", __import__("numpy").zeros((8, 8, 3), "uint8"))[1], 1)
def picture_of_film(path): return next(iter(Film(path))).picture
pages = int(open("/proc/self/statm").read().split()[0])
bound = pages * resource.getpagesize() + (256 << 20)
resource.setrlimit(resource.RLIMIT_AS, (bound, bound))
answers = {}
for path in sys.argv[1:]:
    read = {"wav": read_sound, "gif": picture_of_film}.get(path[-3:], read_picture)
    try:
        answers[path] = f"read {read(path).shape}"
    except MediaError as error:
        answers[path] = str(error)
    except Exception as error:
        answers[path] = repr(error)
print(json.dumps(answers))
"""


def png_chunk(kind, body, stated=None):
    length = len(body) if stated is None else stated
    return struct.pack(">I", length) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def png(*chunks, side=64, depth=8, color=2):
    header = png_chunk(b"IHDR", struct.pack(">IIBBBBB", side, side, depth, color, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + header + b"".join(chunks) + png_chunk(b"IEND", b"")


def idat(side=64, pixel_bytes=3):
    return png_chunk(b"IDAT", zlib.compress(bytes((pixel_bytes * side + 1) * side)))


def apng(side):
    control = struct.pack(">IIIIIHHBB", 0, side, side, 0, 0, 1, 1, 1, 1)
    chunks = [png_chunk(b"acTL", struct.pack(">II", 3, 0)), png_chunk(b"fcTL", control), idat(side, 8)]
    return png(*chunks, side=side, depth=16, color=6)


def webp(side):
    """An animated WebP of one frame, a pixel large, on a canvas of `side`."""
    frame = encode(".webp", PICTURE[:1, :1])[12:]
    body = struct.pack("<3s3s3s3s3sB", *(b"\0\0\0",) * 2, *(b"\0\0\0",) * 2, b"\x64\0\0", 0) + frame
    canvas = (side - 1).to_bytes(3, "little") * 2
    chunks = b"VP8X" + struct.pack("<IB3x", 10, 2) + canvas + b"ANIM" + struct.pack("<I6x", 6)
    chunks += b"ANMF" + struct.pack("<I", len(body)) + body
    return b"RIFF" + struct.pack("<I", 4 + len(chunks)) + b"WEBP" + chunks


def tiff(**tags):
    """A TIFF of 64 x 64 grey bytes; `t` and a number set a tag's count and value."""
    plain = {256: 64, 257: 64, 258: 8, 259: 1, 262: 1, 273: 512, 277: 1, 278: 64, 279: 4096}
    entries = {tag: (1, value) for tag, value in plain.items()} | {int(tag[1:]): value for tag, value in tags.items()}
    packed = b"".join(struct.pack("<HHII", tag, 4, *value) for tag, value in sorted(entries.items()))
    return (b"II*\0" + struct.pack("<IH", 8, len(entries)) + packed).ljust(512, b"\0") + bytes(4096)


def box(kind, body):
    return struct.pack(">I4s", 8 + len(body), kind) + body


def heif(brand, side, *boxes, data=bytes(99)):
    size = box(b"ispe", struct.pack(">III", 0, side, side))
    meta = box(b"meta", bytes(4) + box(b"iprp", box(b"ipco", size)) + b"".join(boxes))
    return box(b"ftyp", brand + b"\0\0\0\0mif1" + brand) + meta + box(b"mdat", data)


def avif_of(kind, data, extents=1):
    """An AVIF that states 64 x 64 pixels, and holds one item."""
    names = box(b"iinf", struct.pack(">IH", 0, 1) + box(b"infe", struct.pack(">IHH4sx", 2 << 24, 1, 0, kind)))
    for offset in (0, len(heif(b"avif", 64, names, box(b"iloc", bytes(14 + 8 * extents)), data=b""))):
        piece = struct.pack(">II", offset, len(data))
        places = box(b"iloc", struct.pack(">IBBHHHH", 0, 0x44, 0, 1, 1, 0, extents) + piece * extents)
        content = heif(b"avif", 64, names, places, data=data)
    return content


def av1(side):
    """A temporal delimiter, and the short sequence header of a still."""
    bits = f"00011{0:05b}{15:04b}{15:04b}{side - 1:016b}{side - 1:016b}".ljust(56, "0")
    return b"\x12\0\x0a\x07" + int(bits, 2).to_bytes(7, "big")


def large_jpeg():
    jpeg = bytearray(encode(".jpg", PICTURE))
    at = jpeg.index(b"\xff\xc0") + 5
    jpeg[at : at + 4] = struct.pack(">HH", 65500, 65500)
    return bytes(jpeg)


def endless_jpeg():
    jpeg = encode(".jpg", PICTURE, cv2.IMWRITE_JPEG_PROGRESSIVE, 1)
    last = jpeg.rindex(b"\xff\xda")
    return jpeg[:-2] + jpeg[last:-2] * 5000 + b"\xff\xd9"


def wav(channels):
    form = struct.pack("<HHIIHH", 1, channels, 16000, 16000 * channels * 2 & 0xFFFFFFFF, channels * 2 & 0xFFFF, 16)
    data = b"fmt " + struct.pack("<I", 16) + form + b"data" + struct.pack("<I", 0x7FFFFFF0) + bytes(51000)
    return b"RIFF" + struct.pack("<I", len(data)) + b"WAVE" + data


def gif(side):
    frame = b"," + struct.pack("<HHHHB", 0, 0, side, side, 0) + b"\x02\x02\x44\x01\x00;"
    return b"GIF89a" + struct.pack("<HHBBB", side, side, 0x80, 0, 0) + bytes(6) + frame


BOMB = zlib.compress(bytes(800_000_000), 9)
"""Texts and profiles of 800 MB, packed."""
OTHER_FORMATS = {
    "hdr.jpg": b"#?RADIANCE\nFORMAT=32-bit_rle_rgbe\n\n-Y 20000 +X 20000\n" + bytes(99),
    "jp2.jpg": b"\0\0\0\x0cjP  \r\n\x87\n" + box(b"ftyp", b"jp2 \0\0\0\0jp2 "),
    "j2k.jpg": b"\xff\x4f\xff\x51" + bytes(99),
    "exr.png": b"\x76\x2f\x31\x01" + bytes(99),
    "pfm.ppm": b"PF\n20000 20000\n-1\n" + bytes(99),
    "pam.ppm": b"P7\nWIDTH 20000\nHEIGHT 20000\nDEPTH 3\nMAXVAL 255\nENDHDR\n" + bytes(99),
    "ras.bmp": b"\x59\xa6\x6a\x95" + struct.pack(">IIIIIII", 20000, 20000, 24, 0, 1, 0, 0) + bytes(99),
    "gif.png": gif(60000),
}
HOSTILE = {
    "idat of 4 GB.png": (png(png_chunk(b"IDAT", b"", 0xFFFFFFF0)), "cut off"),
    "profile.png": (png(png_chunk(b"iCCP", b"a\0\0" + BOMB), idat()), "read (64, 64, 3)"),
    "text.png": (png(png_chunk(b"zTXt", b"a\0\0" + BOMB), idat()), "read (64, 64, 3)"),
    "texts.png": (png(png_chunk(b"tEXt", b"a\0" + bytes(7_000_000)) * 12, idat()), "read (64, 64, 3)"),
    "animated.png": (apng(4000), "read (4000, 4000, 3)"),
    "side.png": (png(idat(), side=20000), "20000 x 20000 pixels; up to 100 million"),
    "canvas.webp": (webp(16383), "16383 x 16383 pixels; up to 50 million"),
    "side.jpg": (large_jpeg(), "65500 x 65500 pixels; up to 100 million"),
    "scans.jpg": (endless_jpeg(), "over 24 scans"),
    "side.bmp": (b"BM" + struct.pack("<IHHIIiiHHIIiiII", 99, 0, 0, 54, 40, 20000, -20000, 1, 24, *[0] * 6), "x 20000"),
    "side of OS 2.bmp": (
        b"BM" + struct.pack("<IHHIIHHHH", 99, 0, 0, 26, 12, 20000, 20000, 1, 24) + bytes(99),
        "20000 x",
    ),
    "side.tiff": (tiff(t256=(1, 20000), t257=(1, 20000)), "20000 x 20000 pixels of 1 x 8 bits"),
    "depth.tiff": (tiff(t277=(1, 60000), t256=(1, 6000)), "60000 x 8 bits"),
    "tiles.tiff": (tiff(t322=(1, 32000), t323=(1, 32000)), "or its tiles, take over 300 MB"),
    "rows.tiff": (tiff(t278=(1, 0xFFFFFFFF)), "read (64, 64, 3)"),
    "strips.tiff": (tiff(t273=(0xFFFFFFFF, 512), t279=(0xFFFFFFFF, 512)), "no TIFF that can be decoded"),
    "side.ppm": (b"P6 #\n20000 #\r 20000\n255\n" + bytes(99), "20000 x 20000 pixels"),
    "side.avif": (heif(b"avif", 30000), "30000 x 30000 pixels; up to 24 million"),
    "coded.avif": (avif_of(b"av01", av1(60000)), "60000 x 60000 pixels; up to 24 million"),
    "grid.avif": (avif_of(b"grid", struct.pack(">BBBBII", 0, 1, 9, 9, 60000, 60000)), "60000 x 60000 pixels"),
    "pieces.avif": (avif_of(b"av01", bytes(60000), extents=60000), "its items hold more than the file does"),
    "side.heic": (heif(b"heic", 30000), "30000 x 30000 pixels; up to 50 million"),
    "channels.wav": (wav(1000), "its header says 1000 channels; up to 256"),
    "all channels.wav": (wav(65535), "all channels.wav: "),
    "frame.gif": (gif(7000), "frames of 7000 x 7000 pixels; up to 8K"),
    "8 GB.jpg": (encode(".jpg", PICTURE), "over 256 MB; no picture of that size is read"),
    **{
        name: (content, "not a JPEG, PNG, WebP, BMP, TIFF, PNM, AVIF or HEIC")
        for name, content in OTHER_FORMATS.items()
    },
}


@pytest.fixture(scope="module")
def answers(tmp_path_factory):
    if sys.platform != "linux":
        pytest.skip("a process is bounded by Linux's RLIMIT_AS")
    folder = tmp_path_factory.mktemp("hostile")
    for name, (content, _) in HOSTILE.items():
        (folder / name).write_bytes(content)
    soundfile.write(folder / "8 GB.wav", np.zeros((16000, 2)), 16000)
    for name in ("8 GB.jpg", "8 GB.wav"):
        with (folder / name).open("r+b") as file:
            file.truncate(8 << 30)
    command = [sys.executable, "-c", BOUNDED, *map(str, sorted(folder.iterdir()))]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, cwd=ROOT, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    return {Path(path).name: answer for path, answer in json.loads(done.stdout).items()}


@pytest.mark.parametrize("name", HOSTILE)
def test_no_claim_takes_memory(answers, name):
    if name.endswith(".gif"):
        pytest.importorskip("av", reason="OpenCV's FFmpeg has other words")
    assert HOSTILE[name][1] in answers[name]


def test_a_sound_of_8_gb_is_read_in_blocks(answers):
    assert answers["8 GB.wav"] == "read (16000,)"


def test_a_photo_with_a_film_behind_it_is_read(tmp_path):
    """Telephones append one; its bytes may look like scans."""
    path = tmp_path / "a.jpg"
    path.write_bytes(encode(".jpg", PICTURE) + b"\xff\xda\0\x08" * 1000)
    assert read_picture(path).shape == (64, 64, 3)


def test_a_heic_without_a_picture_is_refused(tmp_path):
    """Of it, pillow-heif raises IndexError."""
    pytest.importorskip("pillow_heif", reason="HEIC needs the extra [heic]")
    path = tmp_path / "a.heic"
    path.write_bytes(heif(b"heic", 64))
    with pytest.raises(MediaError, match=r"a\.heic: cannot be decoded"):
        read_picture(path)


def test_one_packet_does_not_take_the_whole_file(tmp_path, monkeypatch):
    """As of a GIF whose only picture never ends, which FFmpeg would hold twice up to 2 GB."""
    pytest.importorskip("av", reason="PyAV is not installed")
    monkeypatch.setattr(containers, "_LARGEST_PACKET", 1 << 20)
    with open(tmp_path / "a.gif", "wb") as file:
        file.write(b"GIF89a\x40\0\x40\0\xf7\0\0")
        file.truncate(1 << 33)
    container = containers.open_with_pyav("a.gif", str(tmp_path / "a.gif"))
    assert 0 < sum(packet.size for packet in PacketClock(container).packets()) <= 1 << 20
    container.close()


def test_a_film_may_be_of_any_size_in_packets_that_are_not(film):
    pytest.importorskip("av", reason="PyAV is not installed")
    container = containers.open_with_pyav("film.mp4", str(film))
    assert sum(packet.size for packet in PacketClock(container).packets()) > 20_000
    assert container.file.file.since_packet <= 1 << 16
    container.close()
