"""Decoding: the sound of any file, as float32 mono at 16 kHz or a rate that is asked for, in blocks.

libsndfile (soundfile) reads WAV, FLAC, Ogg Vorbis and Opus, and MP3. Films and M4A go through PyAV
(extra `[video]`) or, without it, through an `ffmpeg` on the PATH.
"""

from __future__ import annotations

import importlib.util
import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import soundfile
import soxr
from numpy.typing import NDArray

from edge_emo.core.errors import DecoderMissingError, MediaError, TrackNotFoundError
from edge_emo.core.text import printable, to_install
from edge_emo.media.channels import Block, Mixer
from edge_emo.media.demuxer import Demuxer
from edge_emo.media.film_sound import FilmSound, open_sound_with_ffmpeg
from edge_emo.media.sound_files import DecodedSound, open_sound_file
from edge_emo.media.sources import FILM_SUFFIXES
from edge_emo.media.tracks import AudioTrack

Float32 = NDArray[np.float32]

SAMPLE_RATE = 16000

_RATES = range(1000, 768_001)
_MAX_CHANNELS = 256  # a header may claim 65,535; each read takes them all
_FULL_SCALE = 0.999
_LOUDEST = 1e6  # beyond it a sample is damage, not sound (16-bit values as floats reach 32,768)


class Sound:
    """An open source: iterate once over its blocks of float32 mono samples, 16 kHz or what `sample_rate` asks for.

    `path` is a file or "-" for standard input, `source` what `sources.opened` gave for it where that was called
    before, `film` the demuxer of a film that is read elsewhere: then the packets of `stream` are pushed. The attributes
    `sample_rate` and `channels` are those of the source; `n_samples` at `rate`, which was asked for, and `n_clipped` at
    full scale count what was handed out so far; `stated_s` is the length in seconds that its header states, None where
    it states none. `warnings` fills while iterating: what was lost, in words. A film's sound is on the film's clock,
    silence where it has none; of several tracks, the default one is taken or what `audio_track` asks for, by number or
    language; a file with one track has it whatever the language. Of several channels the center is taken, or a mix.
    Raises MediaError, or the child of it that names the reason.
    """

    def __init__(
        self,
        path: str | os.PathLike[str],
        source: str | BinaryIO | None = None,
        *,
        sample_rate: int = SAMPLE_RATE,
        audio_track: AudioTrack | None = None,
        film: Demuxer | None = None,
    ) -> None:
        self.name = printable(os.fspath(path))
        self.rate = sample_rate
        self.warnings: list[str] = []
        self.n_samples = 0  # at `rate`, handed out so far
        self.n_clipped = 0  # samples of the source at full scale, of any channel
        self._n_values = self._n_damaged = 0  # samples of any channel
        self._is_ended = False
        self._opened = self._open(film or Demuxer(path, source), audio_track)
        self.sample_rate, self.channels = self._opened.sample_rate, self._opened.channels
        self.stated_s = self._opened.stated_s
        self._mixer, self._resampler = Mixer(self.sample_rate), None
        if self.sample_rate != self.rate:
            self._resampler = soxr.ResampleStream(self.sample_rate, self.rate, 1, dtype="float32")

    def __iter__(self) -> Iterator[Float32]:
        yield from self._heard(self._opened.blocks)
        yield from self._rest()

    def push(self, packet: Any) -> Iterator[Float32]:
        """Yield the blocks that a packet of its `stream` completes, where `film` is read by someone else."""
        yield from self._heard(self._of_film.push(packet))

    def finish(self) -> Iterator[Float32]:
        """Yield the blocks that are left after the last packet."""
        yield from self._heard(self._of_film.finish())
        yield from self._rest()

    @property
    def stream(self) -> Any:
        """The stream of the film that it is in, None for what is not read by PyAV."""
        return self._opened.stream if isinstance(self._opened, FilmSound) else None

    @property
    def _of_film(self) -> FilmSound:
        assert isinstance(self._opened, FilmSound)
        return self._opened

    def _heard(self, blocks: Iterator[Block]) -> Iterator[Float32]:
        """Yield blocks as they are asked for. An error after the first becomes a warning, and ends it."""
        if self._is_ended:
            return
        try:
            for block in blocks:
                if block.samples.size and len(mono := self._mixed(block)):
                    self.n_samples += len(mono)
                    yield mono
        except MediaError:
            raise
        except Exception as error:  # decoders raise classes of their own
            if not self._n_values:
                raise MediaError(f"{self.name}: cannot be decoded ({_one_line(error)})") from error
            at, self._is_ended = self.n_samples / self.rate, True
            self.warnings.append(
                f"{self.name}: decoding stopped at {at:.1f} s, the rest is damaged ({_one_line(error)})"
            )

    def _mixed(self, block: Block) -> Float32:
        """Return a block as mono at `rate`; what is damaged in it is silence."""
        samples = block.samples
        self._n_values += samples.size
        with np.errstate(invalid="ignore"):
            size = np.abs(samples)
            bad = ~(size < _LOUDEST)  # also true for NaN
        self.n_clipped += int((size >= _FULL_SCALE).sum())
        if bad.any():
            self._n_damaged += int(bad.sum())
            samples = np.where(bad, np.float32(0), samples)
        mono = self._mixer(samples, block.positions)
        return mono if self._resampler is None else self._resampler.resample_chunk(mono)

    def _rest(self) -> Iterator[Float32]:
        if self._resampler is not None:
            rest = self._resampler.resample_chunk(np.zeros(0, np.float32), last=True)
            if len(rest):
                self.n_samples += len(rest)
                yield rest
        if self._n_values == 0:
            raise MediaError(f"{self.name}: holds no sound (0 samples); record it again")
        if self._n_damaged == self._n_values:
            raise MediaError(f"{self.name}: every sample is NaN, infinite or out of range; export the file again")
        if self._mixer.is_opposed:
            self.warnings.append(
                f"{self.name}: its two channels are in opposite phase, so one was turned round; check the cable or plug"
            )
        if self._n_damaged:
            self.warnings.append(
                f"{self.name}: {self._n_damaged} of {self._n_values} samples were NaN or out of range, taken as silence"
            )

    def _open(self, film: Demuxer, audio_track: AudioTrack | None) -> DecodedSound | FilmSound:
        opened: DecodedSound | FilmSound
        source = film.source  # before what follows, as a pipe can be opened once
        try:
            opened = open_sound_file(self.name, source, self.warnings)
        except (soundfile.SoundFileError, TypeError, ValueError) as error:
            opened = self._open_film(film, audio_track, error)
        else:
            if isinstance(audio_track, int) and audio_track != 1:
                raise TrackNotFoundError(f"{self.name}: no sound track {audio_track}; a sound file holds one")
        if opened.sample_rate not in _RATES:
            raise MediaError(
                f"{self.name}: its header says {opened.sample_rate} Hz; {_RATES[0]} to {_RATES[-1]} Hz can be read"
            )
        if opened.channels > _MAX_CHANNELS:
            raise MediaError(
                f"{self.name}: its header says {opened.channels} channels; up to {_MAX_CHANNELS} can be read, so mix "
                "it down"
            )
        return opened

    def _open_film(
        self, film: Demuxer, audio_track: AudioTrack | None, first_error: Exception
    ) -> DecodedSound | FilmSound:
        if importlib.util.find_spec("av") is not None:
            return FilmSound(film, audio_track, self.warnings)
        if shutil.which("ffmpeg"):
            return open_sound_with_ffmpeg(self.name, film.source, audio_track, self.warnings)
        if Path(self.name).suffix.lower() in FILM_SUFFIXES:
            raise DecoderMissingError(
                f"{self.name}: this format needs PyAV or ffmpeg; {to_install('video')}, or put ffmpeg on the PATH"
            ) from first_error
        raise MediaError(
            f"{self.name}: not a sound file that libsndfile knows ({_one_line(first_error)}); "
            f"if it is a film, {to_install('video')}, or put ffmpeg on the PATH"
        ) from first_error


def read_sound(path: str | os.PathLike[str], sample_rate: int = SAMPLE_RATE) -> Float32:
    """Return the whole sound of a source: float32, mono, at `sample_rate`. Raises MediaError."""
    return np.concatenate(list(Sound(path, sample_rate=sample_rate)))


def resample(samples: Float32, source_rate: int, target_rate: int) -> Float32:
    """Return `samples` at another rate (soxr, high quality)."""
    if source_rate == target_rate:
        return samples
    return np.asarray(soxr.resample(samples, source_rate, target_rate), np.float32)


def _one_line(error: Exception) -> str:
    text = " ".join(str(error).split())
    return text if len(text) <= 200 else text[:200] + "…"
