"""Mutated recordings, pictures and films: no crash, no hang, no traceback; an answer or an `EdgeEmoError`.

A crash or hang in native code would take the test runner with it, so the work is done in a process of its own.
"""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent

SOUNDS = r"""
import numpy as np, soundfile
from edge_emo.media import Sound
from tests.conftest import write_film

def write(path, kind):
    wave = np.sin(np.arange(6000) / 9).astype(np.float32) / 2
    if kind == "mp4":
        write_film(path, [], 5, wave)
    else:
        soundfile.write(path, wave, 16000, **{"ogg": {"format": "OGG", "subtype": "VORBIS"}}.get(kind, {}))

def read(path):
    for block in Sound(path):
        assert np.isfinite(block).all() and block.dtype == np.float32
"""

PICTURES = r"""
import cv2, numpy as np
from edge_emo.film import Film
from edge_emo.pictures import read_picture
from tests.conftest import write_film

CODECS = {"mp4": "libx264", "mkv": "libx264", "avi": "mpeg4", "gif": "gif", "webm": "libvpx"}

def write(path, kind):
    noise = cv2.resize(np.random.default_rng(0).integers(0, 256, (12, 12, 3), np.uint8), (96, 64))
    if kind in CODECS:
        sound = np.sin(np.arange(16000) / 9).astype(np.float32) if CODECS[kind] == "libx264" else None
        write_film(path, [np.roll(noise, 5 * k, 1) for k in range(10)], 10, sound, codec=CODECS[kind])
    else:
        path.write_bytes(cv2.imencode(f".{kind}", noise)[1].tobytes())

def read(path):
    is_film = path.suffix[1:] in CODECS
    for picture in [frame.picture for frame in Film(path)] if is_film else [read_picture(path)]:
        assert picture.dtype == np.uint8 and picture.ndim == 3 and picture.shape[2] == 3
"""

MUTATE = r"""
import random, sys, tempfile
from pathlib import Path
from edge_emo.errors import EdgeEmoError

kind, seed, count = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
folder = Path(tempfile.mkdtemp())
write(folder / f"a.{kind}", kind)
original, rng = (folder / f"a.{kind}").read_bytes(), random.Random(seed)
outcomes = {"read": 0, "refused": 0}
for number in range(count):
    content = bytearray(original)
    for _ in range(rng.randint(1, 8)):
        start = rng.randrange(min(len(content), 200 if rng.random() < 0.6 else len(content)))
        action = rng.randrange(4)
        if action == 0: content[start] = rng.randrange(256)
        elif action == 1: content[start : start + 4] = rng.randbytes(4)
        elif action == 2: del content[start : start + rng.randint(1, 300)]
        else: content[start:start] = rng.randbytes(rng.randint(1, 50))
        if not content: content = bytearray(b"\0")
    mutated = folder / f"m.{kind}"
    mutated.write_bytes(bytes(content))
    print(number, file=sys.stderr, flush=True)
    try:
        read(mutated)
        outcomes["read"] += 1
    except EdgeEmoError as error:
        assert str(mutated) in str(error), error
        outcomes["refused"] += 1
print(outcomes["read"], outcomes["refused"])
"""


@pytest.mark.parametrize(
    ("media", "kind", "count"),
    [
        *((SOUNDS, kind, 450) for kind in ("wav", "flac", "ogg", "mp3", "mp4")),
        *((PICTURES, kind, 200) for kind in ("jpg", "png", "webp", "bmp", "gif", "mp4", "mkv", "avi", "webm")),
    ],
)
def test_mutated_files_are_read_or_refused(media, kind, count):
    done = subprocess.run(
        [sys.executable, "-c", media + MUTATE, kind, "7", str(count)],
        capture_output=True,
        text=True,
        timeout=300,
        cwd=ROOT,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    read, refused = map(int, done.stdout.split()[-2:])
    assert read + refused == count
    assert refused or kind == "mp3", "the mutations reach the decoder"  # MP3 decodes nearly anything
