"""Decoding: the sound of any file, as float32 mono at 16 kHz or a rate that is asked for, in blocks.

libsndfile (soundfile) reads WAV, FLAC, Ogg Vorbis and Opus, and MP3. Films and M4A go through PyAV
(extra `[video]`) or, without it, through an `ffmpeg` on the PATH.
"""

from __future__ import annotations

import importlib.util
import os
import re
import shutil
import subprocess
from collections.abc import Iterable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import soundfile
import soxr
from numpy.typing import NDArray

from edge_emo.errors import (
    DecoderMissingError,
    MediaError,
    NoSoundTrackError,
)
from edge_emo.sources import FILM_SUFFIXES, opened, printable

Float32 = NDArray[np.float32]

SAMPLE_RATE = 16000

_BLOCK_VALUES = 1 << 16  # samples times channels decoded at a time
_READ_SAMPLES = 1024
_UNKNOWN_LENGTH = 0x7F000000  # a header that states nearly 2 GB or more was written before anybody knew
_RATES = range(1000, 768_001)
_MAX_CHANNELS = 256  # a header may claim 65,535; each read takes them all
_FORMATS = frozenset(["WAV", "WAVEX", "RF64", "W64", "FLAC", "OGG", "MP3", "AIFF", "AU", "CAF", "NIST"])
_FULL_SCALE = 0.999
_LOUDEST = 1e6  # beyond it a sample is damage, not sound (16-bit values as floats reach 32,768)


class _SequentialFile(soundfile.SoundFile):  # type: ignore[misc]
    """A sound file read from start to end without the seek that soundfile does after every read.

    That seek loses MP3's bit reservoir: each read would begin with damaged frames.
    """

    def seekable(self) -> bool:
        return False


class Sound:
    """An open source: iterate once over its blocks of float32 mono samples, 16 kHz or what `sample_rate` asks for.

    `path` is a file or "-" for standard input, `source` what `sources.opened` gave for it where that was called
    before. The attributes `sample_rate` and `channels` are those of the source;
    `n_samples` at `rate`, which was asked for, and `n_clipped` at full scale count what was handed out so far;
    `stated_s` is the length in seconds that its header states, None where it states none.
    `warnings` fills while iterating: what was lost, in words. Raises MediaError, or the child of it that
    names the reason.
    """

    def __init__(
        self, path: str | os.PathLike[str], source: str | BinaryIO | None = None, *, sample_rate: int = SAMPLE_RATE
    ) -> None:
        self.name = printable(os.fspath(path))
        self.rate = sample_rate
        self.warnings: list[str] = []
        self.sample_rate = 0
        self.channels = 0
        self.stated_s: float | None = None
        self.n_samples = 0  # at `rate`, handed out so far
        self.n_clipped = 0  # samples of the source at full scale, of any channel
        self._raw = self._open(opened(path) if source is None else source)

    def __iter__(self) -> Iterator[Float32]:
        resampler = None
        damaged = total = 0
        for block in self._decoded():
            total += block.size
            with np.errstate(invalid="ignore"):
                size = np.abs(block)
                bad = ~(size < _LOUDEST)  # also true for NaN
            self.n_clipped += int((size >= _FULL_SCALE).sum())
            if bad.any():
                damaged += int(bad.sum())
                block = np.where(bad, np.float32(0), block)
            mono = block[:, 0] if block.shape[1] == 1 else block.mean(axis=1, dtype=np.float32)
            if self.sample_rate != self.rate:
                resampler = resampler or soxr.ResampleStream(self.sample_rate, self.rate, 1, dtype="float32")
                mono = resampler.resample_chunk(mono)
            if len(mono):
                self.n_samples += len(mono)
                yield mono
        if resampler is not None:
            rest = resampler.resample_chunk(np.zeros(0, np.float32), last=True)
            if len(rest):
                self.n_samples += len(rest)
                yield rest
        if total == 0:
            raise MediaError(f"{self.name}: holds no sound (0 samples); record it again")
        if damaged == total:
            raise MediaError(f"{self.name}: every sample is NaN, infinite or out of range; export the file again")
        if damaged:
            self.warnings.append(
                f"{self.name}: {damaged} of {total} samples were NaN or out of range, taken as silence"
            )

    def _decoded(self) -> Iterator[Float32]:
        """Yield blocks of shape (samples, channels). An error after the first block becomes a warning."""
        started = False
        blocks = self._raw
        while True:
            try:
                block = next(blocks)
            except StopIteration:
                return
            except MediaError:
                raise
            except Exception as error:  # decoders raise classes of their own
                if not started:
                    raise MediaError(f"{self.name}: cannot be decoded ({_one_line(error)})") from error
                at = self.n_samples / self.rate
                self.warnings.append(
                    f"{self.name}: decoding stopped at {at:.1f} s, the rest is damaged ({_one_line(error)})"
                )
                return
            if block.size:
                started = True
                yield block

    def _open(self, source: str | BinaryIO) -> Iterator[Float32]:
        if not isinstance(source, str):
            source.seek(0)
        try:
            # soundfile cannot encode every name that a POSIX file may have
            name = os.fsencode(source) if isinstance(source, str) and os.name == "posix" else source
            file = _SequentialFile(name)
            if file.format not in _FORMATS:
                file.close()
                raise ValueError(f"{file.format_info} is no format that is read")
        except (soundfile.SoundFileError, TypeError, ValueError) as error:
            if not isinstance(source, str):
                source.seek(0)
            blocks = self._open_film(source, error)
        else:
            self._set_format(file.samplerate, file.channels)
            if 0 < file.frames < _UNKNOWN_LENGTH:
                self.stated_s = file.frames / file.samplerate
            blocks = self._soundfile_blocks(file)
        return blocks

    def _set_format(self, sample_rate: int, channels: int) -> None:
        if sample_rate not in _RATES:
            raise MediaError(
                f"{self.name}: its header says {sample_rate} Hz; {_RATES[0]} to {_RATES[-1]} Hz can be read"
            )
        if channels > _MAX_CHANNELS:
            raise MediaError(
                f"{self.name}: its header says {channels} channels; up to {_MAX_CHANNELS} can be read, so mix it down"
            )
        self.sample_rate, self.channels = sample_rate, channels

    def _soundfile_blocks(self, file: soundfile.SoundFile) -> Iterator[Float32]:
        with file:
            size = max(1, _BLOCK_VALUES // file.channels)
            pieces: list[Float32] = []
            position = 0
            try:
                # a decoder that meets damage gives nothing of that read, so reads are small
                while len(piece := file.read(_READ_SAMPLES, dtype="float32", always_2d=True)):
                    pieces.append(piece)
                    position += len(piece)
                    if len(pieces) * _READ_SAMPLES >= size:
                        yield np.concatenate(pieces)
                        pieces = []
            except soundfile.LibsndfileError:
                if pieces:
                    yield np.concatenate(pieces)
                raise
            if pieces:
                yield np.concatenate(pieces)
            # libsndfile ends a cut file without an error
            found, stated = position, file.frames
            if bytes_of_wav := re.search(r"data\s*: (\d+) \(should be (\d+)\)", file.extra_info):
                stated, found = int(bytes_of_wav[1]), int(bytes_of_wav[2])
            if found < stated < _UNKNOWN_LENGTH:
                self.warnings.append(f"{self.name}: cut short, {found / stated:.0%} of what its header states is there")

    def _open_film(self, source: str | BinaryIO, first_error: Exception) -> Iterator[Float32]:
        if importlib.util.find_spec("av") is not None:
            return self._pyav_blocks(source)
        if shutil.which("ffmpeg"):
            return self._ffmpeg_blocks(source)
        if Path(self.name).suffix.lower() in FILM_SUFFIXES:
            raise DecoderMissingError(
                f"{self.name}: this format needs PyAV (pip install 'edge-emo[video]') or ffmpeg on the PATH"
            ) from first_error
        raise MediaError(
            f"{self.name}: not a sound file that libsndfile knows ({_one_line(first_error)}); "
            "if it is a film, install PyAV (pip install 'edge-emo[video]') or ffmpeg"
        ) from first_error

    def _pyav_blocks(self, source: str | BinaryIO) -> Iterator[Float32]:
        import av

        try:
            container = av.open(source, "r")
        except (av.error.FFmpegError, ValueError, OSError) as error:
            reason = getattr(error, "strerror", None) or _one_line(error)
            raise MediaError(
                f"{self.name}: neither libsndfile nor FFmpeg can read it ({reason}); "
                "it is damaged, cut off, or no sound or film; copy it again"
            ) from error
        if not container.streams.audio:
            container.close()
            raise NoSoundTrackError(f"{self.name}: no sound track; there is no voice to listen to")
        stream = container.streams.audio[0]
        if stream.codec_context is None:
            raise MediaError(
                f"{self.name}: its sound is in a codec that FFmpeg does not know; export it as WAV or FLAC"
            )
        self._set_format(stream.codec_context.sample_rate, stream.codec_context.channels)
        if container.duration:
            self.stated_s = container.duration / av.time_base
        return _resampled_film(container, stream, self.sample_rate)

    def _ffmpeg_blocks(self, source: str | BinaryIO) -> Iterator[Float32]:
        self._set_format(self.rate, 1)
        return _ffmpeg_output(self.name, source, self.rate)


def read_sound(path: str | os.PathLike[str], sample_rate: int = SAMPLE_RATE) -> Float32:
    """Return the whole sound of a source: float32, mono, at `sample_rate`. Raises MediaError."""
    return np.concatenate(list(Sound(path, sample_rate=sample_rate)))


def resample(samples: Float32, source_rate: int, target_rate: int) -> Float32:
    """Return `samples` at another rate (soxr, high quality)."""
    if source_rate == target_rate:
        return samples
    return np.asarray(soxr.resample(samples, source_rate, target_rate), np.float32)


def _resampled_film(container: Any, stream: Any, sample_rate: int) -> Iterator[Float32]:
    """Yield the first sound track's blocks, float32 mono at its own rate; holes in it are skipped."""
    import av

    with closing(container):
        to_float = av.AudioResampler(format="flt", layout="mono", rate=sample_rate)
        for frame in container.decode(stream):
            frame.pts = None
            yield from _planes(to_float.resample(frame))
        yield from _planes(to_float.resample(None))


def _planes(frames: Iterable[Any]) -> Iterator[Float32]:
    for frame in frames:
        yield frame.to_ndarray().reshape(-1, 1)


def _ffmpeg_output(name: str, source: str | BinaryIO, rate: int) -> Iterator[Float32]:
    is_path = isinstance(source, str)
    given = f"file:{source}" if is_path else "pipe:0"
    command = ["ffmpeg", "-v", "error", "-nostdin", "-i", given, "-map", "0:a:0"]
    command += ["-f", "f32le", "-ac", "1", "-ar", str(rate), "pipe:1"]
    if not is_path:
        command.remove("-nostdin")
        done = subprocess.run(command, input=source.read(), capture_output=True, check=False)  # type: ignore[union-attr]
        yield np.frombuffer(done.stdout[: len(done.stdout) // 4 * 4], np.float32).reshape(-1, 1)
        _check_ffmpeg(name, done.returncode, done.stderr)
        return
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout is not None and process.stderr is not None
        try:
            while data := process.stdout.read(4 * _BLOCK_VALUES):
                yield np.frombuffer(data[: len(data) // 4 * 4], np.float32).reshape(-1, 1)
            _check_ffmpeg(name, process.wait(), process.stderr.read())
        finally:
            process.kill()


def _check_ffmpeg(name: str, returncode: int, stderr: bytes) -> None:
    if returncode == 0:
        return
    text = stderr.decode(errors="replace")
    if "matches no streams" in text:
        raise NoSoundTrackError(f"{name}: no sound track; there is no voice to listen to")
    raise ValueError(text)


def _one_line(error: Exception) -> str:
    text = " ".join(str(error).split())
    return text if len(text) <= 200 else text[:200] + "…"
