"""From sound to readings: activity, windows, features, network, calibrated probabilities."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import numpy as np

from edge_emo.audio.network_input import prepare
from edge_emo.core.emotions import EMOTIONS
from edge_emo.core.timeline import ProvisionalReading, Reading, decide
from edge_emo.media.sound import Float32, resample
from edge_emo.models.calibration import calibrated
from edge_emo.models.manifest import Precision, card_path
from edge_emo.models.schema import VoicePreprocessing, preprocessing_of
from edge_emo.models.session import Model
from edge_emo.voice.activity import Span
from edge_emo.voice.windows import Windows


class VoiceRecognizer:
    """Recognise emotion in arrays of sound: float32, mono, of any level, at `sample_rate`.

    `model` is the path of a card; without it, `precision` chooses among the models that ship, which take 16 kHz. The
    model is checked here and loaded on first use. Raises ModelError.
    """

    def __init__(self, model: str | Path | None = None, *, precision: Precision = "auto", threads: int = 1) -> None:
        if threads < 1:
            raise ValueError(f"threads is {threads}; at least one is needed")
        self.model = Model(Path(model) if model else card_path("voice", precision), threads)
        self.card = self.model.card
        self.preprocessing = preprocessing_of(self.card, str(self.model.card_path), VoicePreprocessing)

    @property
    def sample_rate(self) -> int:
        """Rate, in Hz, of the sound that it is given."""
        return self.preprocessing.sample_rate

    @property
    def model_names(self) -> dict[str, str]:
        """Name, version and precision of the model, by its task."""
        return {"voice": self.model.name}

    def reader(self, *, live: bool = False) -> VoiceStream:
        """Return what reads one source."""
        return VoiceStream(self, live=live)

    def probabilities(self, windows: Iterable[Float32]) -> Float32:
        """Return calibrated probabilities, shape (windows, 8), of stretches of sound that hold a voice.

        Each window has the shape (samples,). Raises ValueError for one that is empty or no mono float sound.
        """
        shape = self.card.input.shape[1:]
        inputs = []
        for window in windows:
            if not np.size(window):
                raise ValueError("a window holds no samples; leave it out")
            inputs.append(network_input(_checked(window, self.sample_rate), self.preprocessing, shape))
        if not inputs:
            return np.zeros((0, len(EMOTIONS)), np.float32)
        return calibrated(self.model(np.stack(inputs)), self.card)

    def readings(self, samples: Float32) -> list[Reading]:
        """Return the readings of a whole clip of shape (samples,); none where there is no voice.

        Raises ValueError for samples that are no mono float sound, or hold NaN or infinity.
        """
        stream = self.reader()
        return [*stream.push(samples), *stream.finish()]


class VoiceStream:
    """The readings of sound that arrives in pieces of any length, the same as those of the whole.

    With `live`, `provisional` holds readings inside of the utterance that goes on, until those of the whole utterance
    are there: the first one second after a voice begins, then one every hop.
    """

    is_cut = False

    def __init__(self, recognizer: VoiceRecognizer, *, live: bool = False) -> None:
        self.provisional: tuple[Reading, ...] = ()
        self._recognizer, self.threshold = recognizer, recognizer.card.threshold
        self._windows = Windows(recognizer.preprocessing, live=live)
        self._buffer = np.zeros(0, np.float32)
        self._buffer_start = 0

    @property
    def sample_rate(self) -> int:
        """Rate, in Hz, of the sound that is pushed."""
        return self._recognizer.sample_rate

    @property
    def settled_s(self) -> float:
        """No reading to come begins before it."""
        return self._windows.settled / self._recognizer.sample_rate

    def push(self, samples: Float32) -> Iterator[Reading]:
        """Yield the readings that `samples` completes. Raises ValueError as `VoiceRecognizer.readings` does."""
        samples, size = _checked(samples, self._recognizer.sample_rate), self._recognizer.sample_rate * 10
        for start in range(0, len(samples), size):  # bounds what is held at a time
            piece = samples[start : start + size]
            self._buffer = np.concatenate([self._buffer, piece])
            yield from self._read(self._windows.push(piece))
            self._read_provisional()
            settled = max(0, self._windows.settled - self._buffer_start)
            self._buffer = self._buffer[settled:]
            self._buffer_start += settled

    def finish(self) -> Iterator[Reading]:
        """Yield the readings that only the end of the sound completes."""
        yield from self._read(self._windows.finish())
        self.provisional = ()

    def _read_provisional(self) -> None:
        known = {(reading.start_s, reading.end_s): reading for reading in self.provisional}
        rate, found = self._recognizer.sample_rate, []
        for window in self._windows.provisional:
            reading = known.get((window.start / rate, window.stop / rate))
            found.append(reading or next(self._read([[window]], ProvisionalReading)))
        self.provisional = tuple(found)

    def _read(self, groups: Iterable[list[Span]], kind: type[Reading] = Reading) -> Iterator[Reading]:
        rate = self.sample_rate
        for group in groups:
            sound = [self._buffer[w.start - self._buffer_start : w.stop - self._buffer_start] for w in group]
            for window, probabilities in zip(group, self._recognizer.probabilities(sound), strict=True):
                values = tuple(float(p) for p in probabilities)
                raw, emotion, reason = decide(values, self.threshold)
                yield kind(
                    modality="voice",
                    start_s=window.start / rate,
                    end_s=window.stop / rate,
                    raw=raw,
                    probabilities=values,
                    emotion=emotion,
                    reason=reason,
                )


def network_input(window: Float32, voice: VoicePreprocessing, shape: Sequence[int | None]) -> Float32:
    """Return what a network is given for one window of sound at `voice.sample_rate`, in `shape` (without the batch).

    A constant offset, which cheap sound cards add, is no sound and is taken away unless `voice.dc` is "kept".
    """
    if voice.dc == "removed":
        window = window - window.mean(dtype=np.float64).astype(np.float32)
    if voice.pad and voice.duration_s:
        missing = max(0, round(voice.duration_s * voice.sample_rate) - len(window))
        before = missing // 2 if voice.input.align == "middle" else 0
        window = np.pad(window, (before, missing - before))
    features = prepare(resample(window, voice.sample_rate, voice.input.features.sample_rate), voice.input)
    return features.reshape([size or -1 for size in shape])


def _checked(samples: Float32, sample_rate: int) -> Float32:
    samples = np.asarray(samples)
    if samples.ndim != 1 or samples.dtype.kind != "f":
        raise ValueError(
            f"samples are {samples.dtype} of shape {samples.shape}; "
            f"pass float32 between -1 and 1, mono, shape (samples,), at {sample_rate} Hz"
        )
    if not np.isfinite(samples).all():
        raise ValueError("samples hold NaN or infinity; replace them before they are recognised")
    return samples.astype(np.float32, copy=False)
