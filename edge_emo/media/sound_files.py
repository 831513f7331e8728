"""Sound files, read by libsndfile: WAV, FLAC, Ogg Vorbis and Opus, MP3, AIFF, AU, CAF."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO

import numpy as np
import soundfile

from edge_emo.media.channels import Block, Float32, file_positions
from edge_emo.media.containers import address, open_source
from edge_emo.media.unfinished import NO_LAST_PAGE, UNFINISHED, lacks_last_page, with_length

BLOCK_VALUES = 1 << 16  # samples times channels decoded at a time
_READ_SAMPLES = 1024
_UNKNOWN_LENGTH = 0x7F000000  # a header that states nearly 2 GB or more was written before anybody knew
_FORMATS = frozenset(["WAV", "WAVEX", "RF64", "W64", "FLAC", "OGG", "MP3", "AIFF", "AU", "CAF", "NIST"])
_MP3_SLACK = 4 * 1152  # MP3 may state no length, and what libsndfile guesses then is wrong by some frames
# such as "data : 2482482 (should be 499968)", of WAV, AIFF, AU, Wave64 and NIST
_LENGTHS = re.compile(r"(?:data|SSND|Data Size|riff|Riff size) *: (-?\d+) \(should be (\d+)\)")
_SECOND_STREAM = re.compile(rb"OggS\0[\2\6].*OggS\0[\2\6]", re.DOTALL)  # RFC 3533, 6: pages that begin a stream


@dataclass(frozen=True)
class DecodedSound:
    """What a decoder gives: rate in Hz and channels of the source, the length it states, and its blocks, once."""

    sample_rate: int
    channels: int
    stated_s: float | None
    blocks: Iterator[Block]


class _SequentialFile(soundfile.SoundFile):  # type: ignore[misc]
    """A sound file read from start to end without the seek that soundfile does after every read.

    That seek loses MP3's bit reservoir: each read would begin with damaged frames.
    """

    def seekable(self) -> bool:
        return False


def open_sound_file(name: str, source: str | BinaryIO, warnings: list[str]) -> DecodedSound:
    """Open a source with libsndfile; `warnings` is told what is lost, also while its blocks are taken.

    Raises soundfile.SoundFileError or ValueError for what libsndfile does not read.
    """
    file = open_source(source)
    mended = with_length(file)
    try:
        if _SECOND_STREAM.match(file.read(512)):
            raise ValueError("it holds several streams, as films do")
        is_cut = lacks_last_page(file)
        file.seek(0)
        # by a name that has no neighbors: libsndfile looks for "._NAME" beside what it does not know at once
        sound = _SequentialFile(mended or address(file) or file)
        if sound.format not in _FORMATS:
            sound.close()
            raise ValueError(f"{sound.format_info} is no format that is read")
    except BaseException:
        if isinstance(source, str):
            file.close()
        raise
    is_known = 0 < sound.frames < _UNKNOWN_LENGTH
    if mended or (sound.format == "FLAC" and not is_known):
        warnings.append(f"{name}: {UNFINISHED}")
    if is_cut:
        warnings.append(f"{name}: {NO_LAST_PAGE}")
    stated_s = sound.frames / sound.samplerate if is_known else None
    blocks = _blocks(name, sound, warnings, file if isinstance(source, str) else None)
    return DecodedSound(sound.samplerate, sound.channels, stated_s, blocks)


def _blocks(name: str, sound: soundfile.SoundFile, warnings: list[str], ours: BinaryIO | None) -> Iterator[Block]:
    try:
        positions, position = file_positions(sound), 0
        for samples in _joined(sound):
            position += len(samples)
            yield Block(samples, positions)
        # libsndfile ends a cut file without an error
        found, stated = position, sound.frames
        if in_bytes := _LENGTHS.search(sound.extra_info):
            stated, found = int(in_bytes[1]), int(in_bytes[2])
        is_stated = 0 < stated < _UNKNOWN_LENGTH
        if not is_stated and position and f"{name}: {UNFINISHED}" not in warnings:
            warnings.append(f"{name}: {UNFINISHED}")
        elif is_stated and found < stated - (_MP3_SLACK if sound.format == "MP3" else 0):
            warnings.append(f"{name}: cut short, {found / stated:.0%} of what its header states is there")
    finally:
        sound.close()
        if ours:
            ours.close()


def _joined(sound: soundfile.SoundFile) -> Iterator[Float32]:
    size = max(1, BLOCK_VALUES // sound.channels)
    pieces: list[Float32] = []
    try:
        # a decoder that meets damage gives nothing of that read, so reads are small
        while len(piece := sound.read(_READ_SAMPLES, dtype="float32", always_2d=True)):
            pieces.append(piece)
            if len(pieces) * _READ_SAMPLES >= size:
                yield np.concatenate(pieces)
                pieces = []
    except soundfile.LibsndfileError:
        if pieces:
            yield np.concatenate(pieces)
        raise
    if pieces:
        yield np.concatenate(pieces)
