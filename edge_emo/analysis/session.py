"""Sound and pictures in as they come, readings and steps out: of a file, or for weeks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Final

from edge_emo.analysis.fusion import Fusion
from edge_emo.analysis.modalities import Input, Reader, taking
from edge_emo.core.timeline import FusionStep, Reading

if TYPE_CHECKING:
    from edge_emo.media.film import Frame
    from edge_emo.media.sound import Float32

MOST_APART_S: Final = 15.0
"""Live sound and pictures may be so far apart; the steps do not wait longer for the one that is behind, or gone."""


class Session:
    """What the `readers`, by the names of their modalities, find in one source, and what it amounts to.

    Sound and frames may be cut and interleaved in any way, each in its own order and both on one clock that begins at
    0: the answers are the same. Steps are handed out once they are final. Those of a file are smoothed both ways, and
    so are at its end. Those of a `live` source are smoothed by the past alone, and are final when no reading or cut to
    come can lie in them: with a voice after the pause that ends an utterance, up to 12 s later, with a face alone at
    once. Until then `provisional_steps` has them as they look by now. A live session holds and does no more after weeks
    than after a minute, as long as its steps are taken.
    """

    def __init__(self, readers: Mapping[str, Reader], *, live: bool = False) -> None:
        self.cuts: list[float] = []  # of a file's picture, the starts of the frames after; a live source's are not kept
        self._readers, self._live = dict(readers), live
        rates = {readers[name].sample_rate for name in taking("sound", readers)}
        if len(rates) > 1:
            raise ValueError(f"sound is asked for at {' and '.join(map(str, rates))} Hz; choose models of one rate")
        self.sample_rate = rates.pop() if rates else None
        self._n_samples, self._pushed_s = 0, dict.fromkeys(readers, 0.0)
        self._steps: list[FusionStep] = []
        self._fusion = Fusion({name: reader.threshold for name, reader in readers.items()}, causal=live)

    @property
    def thresholds(self) -> Mapping[str, float]:
        """Probability from which on each modality is sure; the least is that of the steps."""
        return self._fusion.thresholds

    def push_sound(self, block: Float32) -> list[Reading]:
        """Return the readings that a block of float32 mono samples, at the `sample_rate`, completes.

        Raises ValueError for samples that are no mono float sound, or hold NaN or infinity, and without a voice.
        """
        if self.sample_rate is None:
            raise ValueError("no voice is looked for; make the session with a voice to push sound")
        readings = [reading for name in taking("sound", self._readers) for reading in self._readers[name].push(block)]
        self._n_samples += len(block)
        return self._taken("sound", self._n_samples / self.sample_rate, readings)

    def push_frame(self, frame: Frame) -> list[Reading]:
        """Return the readings of a frame that begins no earlier than the one before ended, the main face first.

        Raises ValueError for an array that is no picture, and without a face.
        """
        readers = [self._readers[name] for name in taking("picture", self._readers)]
        if not readers:
            raise ValueError("no face is looked for; make the session with a face to push frames")
        readings = [reading for reader in readers for reading in reader.push(frame)]
        cuts = [frame.start_s] if any(reader.is_cut for reader in readers) else []
        if not self._live:
            self.cuts += cuts
        return self._taken("picture", frame.end_s, readings, cuts)

    def withdraw(self, modality: str) -> None:
        """Leave out of a file's steps what turned out to be unreadable."""
        self._fusion.withdraw(modality)
        del self._readers[modality], self._pushed_s[modality]

    def finish(self) -> list[Reading]:
        """Return the readings that only the end completes. All steps are final from here on."""
        readings = [reading for reader in self._readers.values() for reading in reader.finish()]
        self._fusion.push(readings)
        self._steps += self._fusion.steps()
        return readings

    def steps(self) -> list[FusionStep]:
        """Return, in order of time, the steps that became final since this was last asked."""
        steps, self._steps = self._steps, []
        return steps

    @property
    def provisional_readings(self) -> tuple[Reading, ...]:
        """The readings inside of an utterance that goes on: those of the whole utterance will replace them."""
        return tuple(reading for reader in self._readers.values() for reading in reader.provisional)

    def provisional_steps(self) -> list[FusionStep]:
        """Return the steps after those that are final, as they look by now: provisional readings count as well.

        A voice that goes on is in them from one second after it began, as far as it was read.
        """
        return self._fusion.steps_ahead(self.provisional_readings)

    def _taken(self, kind: Input, until_s: float, readings: list[Reading], cuts: Sequence[float] = ()) -> list[Reading]:
        self._fusion.push(readings, cuts)
        self._pushed_s |= dict.fromkeys(taking(kind, self._readers), until_s)
        if self._live:
            self._steps += self._fusion.steps(self.settled_s)
        return readings

    @property
    def settled_s(self) -> float:
        """Nothing will be found any more before this time."""
        latest_s = max(self._pushed_s.values())
        settled = []
        for name, pushed_s in self._pushed_s.items():
            known_s = self._readers[name].settled_s
            settled.append(known_s if pushed_s >= latest_s - MOST_APART_S else max(known_s, latest_s - MOST_APART_S))
        return min(settled)
