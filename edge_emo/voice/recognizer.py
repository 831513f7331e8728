"""From sound to readings: activity, windows, features, network, calibrated probabilities."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from edge_emo.card import InputSpec, Precision, card_path
from edge_emo.emotions import EMOTIONS
from edge_emo.media import resample
from edge_emo.runtime import Model
from edge_emo.timeline import Reading, decide
from edge_emo.voice.activity import SAMPLE_RATE, ActivityDetector, Span
from edge_emo.voice.network_input import prepare

Float32 = NDArray[np.float32]


class VoiceRecognizer:
    """Recognise emotion in arrays of sound: float32, mono, 16 kHz, of any level.

    `model` is the path of a card; without it, `precision` chooses among the models that ship. The model is
    checked here and loaded on first use. Raises ModelError.
    """

    def __init__(self, model: str | Path | None = None, *, precision: Precision = "auto", threads: int = 1) -> None:
        self.model = Model(Path(model) if model else card_path("voice", precision), threads)
        self.card = self.model.card
        self._order = [EMOTIONS.index(label) for label in self.card.labels]

    def probabilities(self, windows: Iterable[Float32]) -> Float32:
        """Return calibrated probabilities, shape (windows, 8), of stretches of sound that hold a voice."""
        spec, shape = self.card.voice.input, self.card.input.shape[1:]
        batch = np.stack([network_input(window, spec, shape) for window in windows])
        return self.calibrate(self.model.run(batch))

    def calibrate(self, output: Float32) -> Float32:
        """Return probabilities in the order of `EMOTIONS` for the network's output, by the card's temperature."""
        scores = output if self.card.activation == "logits" else np.log(np.maximum(output, 1e-9))
        scores = scores.astype(np.float64) / self.card.temperature
        scores -= scores.max(axis=1, keepdims=True)
        shares = np.exp(scores)
        shares /= shares.sum(axis=1, keepdims=True)
        out = np.zeros((len(output), len(EMOTIONS)), np.float32)
        out[:, self._order] = shares
        return out

    def readings(self, samples: Float32) -> list[Reading]:
        """Return the readings of a whole clip; none where there is no voice."""
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
        """Yield the readings that `samples` completes."""
        for start in range(0, len(samples), SAMPLE_RATE * 10):  # bounds what is held at a time
            piece = np.asarray(samples[start : start + SAMPLE_RATE * 10], np.float32)
            self._buffer = np.concatenate([self._buffer, piece])
            yield from self._read(self._activity.push(piece))
            settled = max(0, self._activity.settled - self._buffer_start)
            self._buffer = self._buffer[settled:]
            self._buffer_start += settled

    def finish(self) -> Iterator[Reading]:
        """Yield the readings that only the end of the sound completes."""
        yield from self._read(self._activity.finish())

    def _read(self, spans: Iterable[Span]) -> Iterator[Reading]:
        card = self._recognizer.card
        for span in spans:
            windows = split(span, card.voice.window_s, card.voice.hop_s)
            sound = [self._buffer[w.start - self._buffer_start : w.stop - self._buffer_start] for w in windows]
            for window, probabilities in zip(windows, self._recognizer.probabilities(sound), strict=True):
                values = tuple(float(p) for p in probabilities)
                raw, emotion, reason = decide(values, card.threshold)
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
    """Return what a network is given for one window of sound at 16 kHz, in `shape` (without the batch)."""
    features = prepare(resample(window, SAMPLE_RATE, spec.features.sample_rate), spec)
    return features.reshape([size or -1 for size in shape])


def split(span: Span, window_s: float, hop_s: float) -> list[Span]:
    """Return windows of `window_s` that cover `span` evenly, at most `hop_s` apart; a shorter span is one."""
    length = round(window_s * SAMPLE_RATE)
    excess = span.stop - span.start - length
    if excess <= 0:
        return [span]
    count = 1 + -(-excess // round(hop_s * SAMPLE_RATE))
    starts = np.linspace(span.start, span.stop - length, count).round().astype(int)
    return [Span(int(start), int(start) + length) for start in starts]
