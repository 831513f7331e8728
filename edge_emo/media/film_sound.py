"""The sound of films and of what libsndfile does not read, on the film's clock: by PyAV, or by an `ffmpeg` on the PATH.

What is missing between two parts of the sound, and before the first, becomes silence.
"""

from __future__ import annotations

import struct
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import closing
from itertools import chain
from typing import IO, Any, BinaryIO

import numpy as np
import soxr

from edge_emo.core.errors import MediaError
from edge_emo.media.channels import Block, Float32, masked_positions, named_positions
from edge_emo.media.clock import LONGEST_GAP_S
from edge_emo.media.containers import ffmpeg_input, open_with_pyav, reading, start_by_ffmpeg
from edge_emo.media.demuxer import Demuxer
from edge_emo.media.sound_files import BLOCK_VALUES, DecodedSound
from edge_emo.media.tracks import AudioTrack, chosen_track, tracks_by_ffmpeg, tracks_of

_TOLERANCE_S = 0.1  # stamps of sound that follows on waver by less
_JOINED_SAMPLES = 8192
_MOST_PLANES = 8  # AV_NUM_DATA_POINTERS of FFmpeg's frames


class FilmSound:
    """The sound of a film that PyAV opened: its packets are decoded to blocks without gaps, in their order.

    It has what `DecodedSound` has; `warnings` is told what is lost. Raises MediaError.
    """

    def __init__(self, film: Demuxer, audio_track: AudioTrack | None, warnings: list[str]) -> None:
        import av

        track = chosen_track(film.name, tracks_of(film.container), audio_track)
        self.stream = film.container.streams.audio[track.number - 1]
        codec = self.stream.codec_context
        if codec is None:
            raise MediaError(
                f"{film.name}: its sound is in a codec that FFmpeg does not know; export it as WAV or FLAC"
            )
        self.sample_rate, self.channels = codec.sample_rate, codec.channels
        if not self.sample_rate:
            self.sample_rate, self.channels = _format_of_first_frame(film, track.number)
        self.stated_s = film.container.duration / av.time_base if film.container.duration else None
        self._film, self._warnings = film, warnings
        self._pieces: list[Block] = []  # decoders give small ones
        self._position = self._n_damaged = 0
        self._first_error: Exception | None = None

    @property
    def blocks(self) -> Iterator[Block]:
        """All blocks, of a film of which nothing but the sound is read."""
        for packet in self._film.packets():
            if packet.stream.index == self.stream.index:
                yield from self.push(packet)
        yield from self.finish()

    def push(self, packet: Any) -> Iterator[Block]:
        """Yield the blocks that a packet completes."""
        try:
            for block in self._decoded(packet):
                n_samples = sum(len(piece.samples) for piece in self._pieces)
                if n_samples >= _JOINED_SAMPLES or (self._pieces and block.positions != self._pieces[0].positions):
                    yield from self._joined()
                self._pieces.append(block)
        except Exception:
            yield from self._joined()
            raise

    def finish(self) -> Iterator[Block]:
        """Yield what is left after the last packet; raise the error that ended the reading, or gave no sound at all."""
        yield from self._joined()
        error = self._film.error or (None if self._position else self._first_error)
        if error:
            raise error
        name = self._film.name
        if self._n_damaged:
            self._warnings.append(f"{name}: {self._n_damaged} damaged parts of its sound were taken as silence")
        self._warnings += self._film.clock.warnings(name)

    def _decoded(self, packet: Any) -> Iterator[Block]:
        import av

        try:
            frames = packet.decode()
        except (av.error.FFmpegError, ValueError) as error:
            self._first_error, self._n_damaged = self._first_error or error, self._n_damaged + 1
            return
        tolerance = round(_TOLERANCE_S * self.sample_rate)
        for frame in frames:
            block = _floats(frame, self.sample_rate)
            ahead = 0 if frame.time is None else round(float(frame.time) * self.sample_rate) - self._position
            if ahead > tolerance or (self._position == 0 and ahead > 0):
                self._position += ahead
                yield from _silence(ahead)
            elif ahead < -tolerance or (self._position == 0 and ahead < 0):
                block = Block(block.samples[-ahead:], block.positions)
            self._position += len(block.samples)
            yield block

    def _joined(self) -> Iterator[Block]:
        pieces, self._pieces = self._pieces, []
        if pieces:
            yield Block(np.concatenate([piece.samples for piece in pieces]), pieces[0].positions)


def _format_of_first_frame(film: Demuxer, number: int) -> tuple[int, int]:
    """Return the rate and channels of a track whose container does not tell them, (0, 0) if no frame is decoded."""
    import av

    with closing(open_with_pyav(film.name, film.source)) as container:
        try:
            frame = next(container.decode(container.streams.audio[number - 1]), None)
        except (av.error.FFmpegError, ValueError):
            return 0, 0
        return (frame.sample_rate, len(frame.layout.channels)) if frame else (0, 0)


def _floats(frame: Any, rate: int) -> Block:
    """Return the samples of a frame as float32 of -1 to 1, at a rate."""
    n_channels = len(frame.layout.channels)
    if frame.format.is_planar and n_channels >= _MOST_PLANES:
        frame = _packed(frame)
    values = frame.to_ndarray()
    values = values.T if frame.format.is_planar else values.reshape(-1, n_channels)
    if values.dtype == np.uint8:
        values = (values.astype(np.float32) - 128) / 128
    elif values.dtype.kind == "i":
        values = values * np.float32(2.0 ** (1 - 8 * values.dtype.itemsize))
    values = np.ascontiguousarray(values, np.float32)
    if frame.sample_rate != rate:  # that of the stream, which changed on the way
        values = soxr.resample(values, frame.sample_rate, rate)
    return Block(values, named_positions([channel.name for channel in frame.layout.channels]))


def _packed(frame: Any) -> Any:
    """Return a frame of one plane, as PyAV counts the planes of more than seven channels beyond their end."""
    import av

    [packed] = av.AudioResampler(format=frame.format.packed).resample(frame)
    return packed


def _silence(n_samples: int) -> Iterator[Block]:
    for start in range(0, n_samples, BLOCK_VALUES):
        yield Block(np.zeros((min(BLOCK_VALUES, n_samples - start), 1), np.float32), ("FC",))


def open_sound_with_ffmpeg(
    name: str, source: str | BinaryIO, audio_track: AudioTrack | None, warnings: list[str]
) -> DecodedSound:
    """Open the sound of a film with the `ffmpeg` program; `warnings` is told what is lost. Raises MediaError."""
    track = chosen_track(name, tracks_by_ffmpeg(name, source), audio_track)
    limits = ["-dts_delta_threshold", f"{LONGEST_GAP_S:.0f}", "-dts_error_threshold", f"{LONGEST_GAP_S:.0f}"]
    errors = tempfile.TemporaryFile()  # noqa: SIM115  a pipe would fill up
    with reading(source) as file:
        command = ["ffmpeg", "-v", "error", "-nostdin", *limits, *ffmpeg_input(source, file)]
        command += [
            "-map",
            f"0:a:{track.number - 1}",
            "-af",
            f"aresample=async=1:min_hard_comp={_TOLERANCE_S}",
        ]
        command += ["-c:a", "pcm_f32le", "-f", "wav", "pipe:1"]
        process = subprocess.Popen(command, stdin=file, stdout=subprocess.PIPE, stderr=errors)
    assert process.stdout is not None
    try:
        rate, channels, mask = _wave_header(process.stdout)
    except ValueError as error:
        process.kill()
        process.wait()
        process.stdout.close()
        raise MediaError(f"{name}: its sound cannot be decoded ({_told(errors) or error})") from error
    late = _silence(round(rate * start_by_ffmpeg(source, f"0:a:{track.number - 1}")))
    blocks = _ffmpeg_blocks(process, errors, channels, masked_positions(mask, channels))
    return DecodedSound(rate, channels, None, chain(late, blocks))


def _wave_header(pipe: IO[bytes]) -> tuple[int, int, int]:
    """Return the rate, the channels and their mask, 0 for none, of a WAV stream, which then is at its samples."""
    if pipe.read(12)[8:] != b"WAVE":
        raise ValueError("no sound came out of ffmpeg")
    rate = channels = mask = 0
    while len(header := pipe.read(8)) == 8 and not header.startswith(b"data"):
        content = pipe.read(struct.unpack("<4xI", header)[0])
        if header.startswith(b"fmt "):
            channels, rate = struct.unpack_from("<2xHI", content)
            mask = struct.unpack_from("<I", content, 20)[0] if len(content) >= 40 else 0
    if not channels:
        raise ValueError("no sound came out of ffmpeg")
    return rate, channels, mask


def _ffmpeg_blocks(
    process: subprocess.Popen[bytes], errors: IO[bytes], channels: int, positions: tuple[str, ...] | None
) -> Iterator[Block]:
    assert process.stdout is not None
    try:
        size = 4 * channels
        while data := process.stdout.read(BLOCK_VALUES // channels * size):
            samples: Float32 = np.frombuffer(data[: len(data) // size * size], np.float32).reshape(-1, channels)
            yield Block(samples, positions)
        if process.wait():
            raise ValueError(_told(errors))
    finally:
        process.kill()
        process.wait()
        process.stdout.close()
        errors.close()


def _told(errors: IO[bytes]) -> str:
    errors.seek(0)
    return " ".join(errors.read(2000).decode(errors="replace").split())
