"""Sound and pictures in as they come, readings and steps out: of a file, or for weeks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Final

from edge_emo.analysis.fusion import Fusion
from edge_emo.core.timeline import FusionStep, Modality, Reading

if TYPE_CHECKING:
    from edge_emo.face.reader import FaceReader
    from edge_emo.media.film import Frame
    from edge_emo.media.sound import Float32
    from edge_emo.voice.recognizer import VoiceRecognizer

MOST_APART_S: Final = 15.0
"""Live sound and pictures may be so far apart; the steps do not wait longer for the one that is behind, or gone."""


class Session:
    """What `voice` and `face` find in one source, and what it amounts to; without one of them it is not looked for.

    Sound and frames may be cut and interleaved in any way, each in its own order and both on one clock that begins at
    0: the answers are the same. Steps are handed out once they are final. Those of a file are smoothed both ways, and
    so are at its end. Those of a `live` source are smoothed by the past alone, and are final when no reading or cut to
    come can lie in them: with a voice after the pause that ends an utterance, up to 12 s later, with a face alone at
    once. Until then `provisional_steps` has them as they look by now. A live session holds and does no more after weeks
    than after a minute, as long as its steps are taken.
    """

    def __init__(
        self, voice: VoiceRecognizer | None = None, face: FaceReader | None = None, *, live: bool = False
    ) -> None:
        self.cuts: list[float] = []  # of a file's picture, the starts of the frames after; a live source's are not kept
        self._live, self._face, self._stream = live, face, None
        self._pushed_s: dict[Modality, float] = {}
        self._steps: list[FusionStep] = []
        thresholds: dict[Modality, float] = {}
        if voice is not None:
            from edge_emo.voice.recognizer import VoiceStream

            self._stream, self._rate = VoiceStream(voice, live=live), voice.sample_rate
            self._n_samples, self._pushed_s["voice"], thresholds["voice"] = 0, 0.0, voice.card.threshold
        if face is not None:
            self._pushed_s["face"], thresholds["face"] = 0.0, face.threshold
        self._fusion = Fusion(thresholds, causal=live)

    @property
    def thresholds(self) -> Mapping[Modality, float]:
        """Probability from which on each modality is sure; the least is that of the steps."""
        return self._fusion.thresholds

    def push_sound(self, block: Float32) -> list[Reading]:
        """Return the readings that a block of float32 mono samples, at the rate of the voice's model, completes.

        Raises ValueError for samples that are no mono float sound, or hold NaN or infinity, and without a voice.
        """
        if self._stream is None:
            raise ValueError("no voice is looked for; make the session with a voice to push sound")
        readings = list(self._stream.push(block))
        self._n_samples += len(block)
        return self._taken("voice", self._n_samples / self._rate, readings)

    def push_frame(self, frame: Frame) -> list[Reading]:
        """Return the readings of a frame that begins no earlier than the one before ended, the main face first.

        Raises ValueError for an array that is no picture, and without a face.
        """
        if self._face is None:
            raise ValueError("no face is looked for; make the session with a face to push frames")
        readings = list(self._face.push(frame))
        cuts = [frame.start_s] if self._face.is_cut else []
        if not self._live:
            self.cuts += cuts
        return self._taken("face", frame.end_s, readings, cuts)

    def withdraw(self, modality: Modality) -> None:
        """Leave out of a file's steps what turned out to be unreadable."""
        self._fusion.withdraw(modality)
        del self._pushed_s[modality]

    def finish(self) -> list[Reading]:
        """Return the readings that only the end completes. All steps are final from here on."""
        readings = list(self._stream.finish()) if self._stream and "voice" in self._pushed_s else []
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
        return self._stream.provisional if self._stream else ()

    def provisional_steps(self) -> list[FusionStep]:
        """Return the steps after those that are final, as they look by now: provisional readings count as well.

        A voice that goes on is in them from one second after it began, as far as it was read.
        """
        return self._fusion.steps_ahead(self.provisional_readings)

    def _taken(
        self, modality: Modality, until_s: float, readings: list[Reading], cuts: Sequence[float] = ()
    ) -> list[Reading]:
        self._fusion.push(readings, cuts)
        self._pushed_s[modality] = until_s
        if self._live:
            self._steps += self._fusion.steps(self.settled_s)
        return readings

    @property
    def settled_s(self) -> float:
        """Nothing will be found any more before this time."""
        latest_s = max(self._pushed_s.values())
        settled = []
        for modality, pushed_s in self._pushed_s.items():
            known_s = self._stream.settled_s if self._stream and modality == "voice" else pushed_s
            settled.append(known_s if pushed_s >= latest_s - MOST_APART_S else max(known_s, latest_s - MOST_APART_S))
        return min(settled)
