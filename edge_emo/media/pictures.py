"""Decoding: stills, as upright RGB pictures.

OpenCV reads JPEG, PNG, WebP, BMP, TIFF, PNM and AVIF; HEIC needs pillow-heif (extra `[heic]`).
"""

from __future__ import annotations

import importlib.util
import io
import os
from contextlib import nullcontext
from pathlib import Path
from typing import BinaryIO

import cv2
import numpy as np
from numpy.typing import NDArray

from edge_emo.core.errors import DecoderMissingError, MediaError
from edge_emo.core.text import printable, to_install
from edge_emo.media.picture_headers import checked_still
from edge_emo.media.sources import opened

Pixels = NDArray[np.uint8]


def read_picture(path: str | os.PathLike[str], source: str | BinaryIO | None = None) -> Pixels:
    """Return a still, upright after its EXIF, as RGB, uint8 of shape (height, width, 3). Raises MediaError.

    `source` is what `sources.opened` gave for `path` where that was called before.
    """
    name = printable(os.fspath(path))
    source = opened(path) if source is None else source
    with open(source, "rb") if isinstance(source, str) else nullcontext(source) as file:
        still = checked_still(name, file)
    if still.format == "HEIC":
        return _heic(name, still.content)
    try:
        decoded = cv2.imdecode(np.frombuffer(still.content, np.uint8), cv2.IMREAD_COLOR)
    except cv2.error as error:
        raise MediaError(f"{name}: cannot be decoded ({_one_line(error)})") from error
    if decoded is None:
        raise MediaError(f"{name}: no {still.format} that can be decoded; it is damaged, so save or copy it anew")
    return np.asarray(cv2.cvtColor(decoded, cv2.COLOR_BGR2RGB), np.uint8)


def _heic(name: str, content: bytes) -> Pixels:
    if importlib.util.find_spec("pillow_heif") is None:
        raise DecoderMissingError(f"{name}: HEIC needs pillow-heif; {to_install('heic')}, or save it as JPEG")
    import pillow_heif

    try:
        return np.ascontiguousarray(pillow_heif.open_heif(io.BytesIO(content)).to_pillow().convert("RGB"))
    except Exception as error:  # among others IndexError, where no picture is left in the file
        raise MediaError(f"{name}: cannot be decoded ({_one_line(error)})") from error


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split())[:200]


def write_picture(path: str | os.PathLike[str], picture: Pixels) -> None:
    """Write an RGB picture in the format that the name ends in. Raises OSError or ValueError."""
    suffix = Path(path).suffix
    try:
        is_coded, content = cv2.imencode(suffix, cv2.cvtColor(picture, cv2.COLOR_RGB2BGR))
    except cv2.error as error:
        raise ValueError("no picture format that can be written; end the name in .jpg or .png") from error
    if not is_coded:
        raise ValueError(f"the picture cannot be written as {suffix}")
    Path(path).write_bytes(content.tobytes())
