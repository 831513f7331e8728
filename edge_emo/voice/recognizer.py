"""From sound to readings: activity, windows, features, network, calibrated probabilities."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import numpy as np

from edge_emo.calibration import calibrated
from edge_emo.card import InputSpec, Precision, card_path, check_task
from edge_emo.emotions import EMOTIONS
from edge_emo.media import SAMPLE_RATE, Float32, resample
from edge_emo.runtime import Model
from edge_emo.timeline import Reading, decide
from edge_emo.voice.activity import ActivityDetector, Span
from edge_emo.voice.network_input import prepare


class VoiceRecognizer:
    """Recognise emotion in arrays of sound: float32, mono, 16 kHz, of any level.

    `model` is the path of a card; without it, `precision` chooses among the models that ship. The model is
    checked here and loaded on first use. Raises ModelError.
    """

    def __init__(self, model: str | Path | None = None, *, precision: Precision = "auto", threads: int = 1) -> None:
        if threads < 1:
            raise ValueError(f"threads is {threads}; at least one is needed")
        self.model = Model(Path(model) if model else card_path("voice", precision), threads)
        self.card = self.model.card
        check_task(self.card, str(self.model.card_path), "voice")
        assert self.card.voice is not None
        self.preprocessing = self.card.voice

    def probabilities(self, windows: Iterable[Float32]) -> Float32:
        """Return calibrated probabilities, shape (windows, 8), of stretches of sound that hold a voice.

        Each window has the shape (samples,). Raises ValueError for one that is empty or no mono float sound.
        """
        spec, shape = self.preprocessing.input, self.card.input.shape[1:]
        inputs = []
        for window in windows:
            if not np.size(window):
                raise ValueError("a window holds no samples; leave it out")
            inputs.append(network_input(_checked(window), spec, shape))
        if not inputs:
            return np.zeros((0, len(EMOTIONS)), np.float32)
        return calibrated(self.model.run(np.stack(inputs)), self.card)

    def readings(self, samples: Float32) -> list[Reading]:
        """Return the readings of a whole clip of shape (samples,); none where there is no voice.

        Raises ValueError for samples that are no mono float sound, or hold NaN or infinity.
        """
        stream = VoiceStream(self)
        return [*stream.push(samples), *stream.finish()]


class VoiceStream:
    """The readings of sound that arrives in pieces of any length, the same as those of the whole."""

    def __init__(self, recognizer: VoiceRecognizer) -> None:
        self._recognizer = recognizer
        self._activity = ActivityDetector()
        self._buffer = np.zeros(0, np.float32)
        self._buffer_start = 0

    def push(self, samples: Float32) -> Iterator[Reading]:
        """Yield the readings that `samples` completes. Raises ValueError as `VoiceRecognizer.readings` does."""
        samples = _checked(samples)
        for start in range(0, len(samples), SAMPLE_RATE * 10):  # bounds what is held at a time
            piece = samples[start : start + SAMPLE_RATE * 10]
            self._buffer = np.concatenate([self._buffer, piece])
            yield from self._read(self._activity.push(piece))
            settled = max(0, self._activity.settled - self._buffer_start)
            self._buffer = self._buffer[settled:]
            self._buffer_start += settled

    def finish(self) -> Iterator[Reading]:
        """Yield the readings that only the end of the sound completes."""
        yield from self._read(self._activity.finish())

    def _read(self, spans: Iterable[Span]) -> Iterator[Reading]:
        voice, threshold = self._recognizer.preprocessing, self._recognizer.card.threshold
        for span in spans:
            windows = split(span, voice.window_s, voice.hop_s)
            sound = [self._buffer[w.start - self._buffer_start : w.stop - self._buffer_start] for w in windows]
            for window, probabilities in zip(windows, self._recognizer.probabilities(sound), strict=True):
                values = tuple(float(p) for p in probabilities)
                raw, emotion, reason = decide(values, threshold)
                yield Reading(
                    modality="voice",
                    start_s=window.start / SAMPLE_RATE,
                    end_s=window.stop / SAMPLE_RATE,
                    raw=raw,
                    probabilities=values,
                    emotion=emotion,
                    reason=reason,
                )


def network_input(window: Float32, spec: InputSpec, shape: Sequence[int | None]) -> Float32:
    """Return what a network is given for one window of sound at 16 kHz, in `shape` (without the batch).

    A constant offset, which cheap sound cards add, is no sound and is taken away.
    """
    window = window - window.mean(dtype=np.float64).astype(np.float32)
    features = prepare(resample(window, SAMPLE_RATE, spec.features.sample_rate), spec)
    return features.reshape([size or -1 for size in shape])


def _checked(samples: Float32) -> Float32:
    samples = np.asarray(samples)
    if samples.ndim != 1 or samples.dtype.kind != "f":
        raise ValueError(
            f"samples are {samples.dtype} of shape {samples.shape}; "
            "pass float32 between -1 and 1, mono, shape (samples,), at 16 kHz"
        )
    if not np.isfinite(samples).all():
        raise ValueError("samples hold NaN or infinity; replace them before they are recognised")
    return samples.astype(np.float32, copy=False)


def split(span: Span, window_s: float, hop_s: float) -> list[Span]:
    """Return windows of `window_s` that cover `span` evenly, at most `hop_s` apart; a shorter span is one."""
    length = round(window_s * SAMPLE_RATE)
    excess = span.stop - span.start - length
    if excess <= 0:
        return [span]
    count = 1 + -(-excess // round(hop_s * SAMPLE_RATE))
    starts = np.linspace(span.start, span.stop - length, count).round().astype(int)
    return [Span(int(start), int(start) + length) for start in starts]
