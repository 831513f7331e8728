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
from edge_emo.media.clock import LONGEST_GAP_S, PacketClock
from edge_emo.media.containers import ffmpeg_input, open_with_pyav, reading, start_by_ffmpeg
from edge_emo.media.sound_files import BLOCK_VALUES, DecodedSound
from edge_emo.media.tracks import AudioTrack, chosen_track, tracks_by_ffmpeg, tracks_of

_TOLERANCE_S = 0.1  # stamps of sound that follows on waver by less
_JOINED_SAMPLES = 8192
_MOST_PLANES = 8  # AV_NUM_DATA_POINTERS of FFmpeg's frames


def open_sound_with_pyav(
    name: str, source: str | BinaryIO, audio_track: AudioTrack | None, warnings: list[str]
) -> DecodedSound:
    """Open the sound of a film with PyAV; `warnings` is told what is lost. Raises MediaError."""
    import av

    container = open_with_pyav(name, source)
    try:
        track = chosen_track(name, tracks_of(container), audio_track)
        stream = container.streams.audio[track.number - 1]
        if stream.codec_context is None:
            raise MediaError(f"{name}: its sound is in a codec that FFmpeg does not know; export it as WAV or FLAC")
    except MediaError:
        container.close()
        raise
    rate, channels = stream.codec_context.sample_rate, stream.codec_context.channels
    if not rate:
        rate, channels = _format_of_first_frame(name, source, track.number)
    stated_s = container.duration / av.time_base if container.duration else None
    return DecodedSound(rate, channels, stated_s, _joined(_pyav_blocks(name, container, stream, rate, warnings)))


def _format_of_first_frame(name: str, source: str | BinaryIO, number: int) -> tuple[int, int]:
    """Return the rate and channels of a track whose container does not tell them, (0, 0) if no frame is decoded."""
    import av

    with closing(open_with_pyav(name, source)) as container:
        try:
            frame = next(container.decode(container.streams.audio[number - 1]), None)
        except (av.error.FFmpegError, ValueError):
            return 0, 0
        return (frame.sample_rate, len(frame.layout.channels)) if frame else (0, 0)


def _pyav_blocks(name: str, container: Any, stream: Any, rate: int, warnings: list[str]) -> Iterator[Block]:
    import av

    clock, position, first_error, n_damaged = PacketClock(container), 0, None, 0
    tolerance = round(_TOLERANCE_S * rate)
    with closing(container):
        for packet in clock.packets():
            if packet.stream.index != stream.index:
                continue
            try:
                frames = packet.decode()
            except (av.error.FFmpegError, ValueError) as error:
                first_error, n_damaged = first_error or error, n_damaged + 1
                continue
            for frame in frames:
                block = _floats(frame, rate)
                ahead = 0 if frame.time is None else round(float(frame.time) * rate) - position
                if ahead > tolerance or (position == 0 and ahead > 0):
                    position += ahead
                    yield from _silence(ahead)
                elif ahead < -tolerance or (position == 0 and ahead < 0):
                    block = Block(block.samples[-ahead:], block.positions)
                position += len(block.samples)
                yield block
    if first_error and not position:
        raise first_error
    if n_damaged:
        warnings.append(f"{name}: {n_damaged} damaged parts of its sound were taken as silence")
    warnings += clock.warnings(name)


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


def _joined(blocks: Iterator[Block]) -> Iterator[Block]:
    """Join blocks of the same channels, which decoders give in small pieces."""
    pieces: list[Block] = []
    n_samples = 0

    def joined() -> Block:
        return Block(np.concatenate([piece.samples for piece in pieces]), pieces[0].positions)

    try:
        for block in blocks:
            if pieces and (n_samples >= _JOINED_SAMPLES or block.positions != pieces[0].positions):
                yield joined()
                pieces, n_samples = [], 0
            pieces.append(block)
            n_samples += len(block.samples)
    except Exception:
        if pieces:
            yield joined()
        raise
    if pieces:
        yield joined()


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
