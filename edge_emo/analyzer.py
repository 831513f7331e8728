"""The main job: a source in, a timeline out."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path

from edge_emo.card import Precision
from edge_emo.media import SAMPLE_RATE, Sound
from edge_emo.timeline import Reading, Timeline, summarise
from edge_emo.voice.recognizer import VoiceRecognizer, VoiceStream


class Analyzer:
    """Analyse many sources with models that stay warm.

    `voice_model` is the path of a card, to use a model of one's own. Raises ModelError.
    """

    def __init__(
        self,
        *,
        voice_model: str | Path | None = None,
        precision: Precision = "auto",
        threads: int = 1,
    ) -> None:
        self.voice = VoiceRecognizer(voice_model, precision=precision, threads=threads)

    def __call__(
        self, source: str | os.PathLike[str], on_progress: Callable[[float], object] | None = None
    ) -> Timeline:
        """Return the timeline of a file, or of standard input for "-". Raises MediaError.

        `on_progress` is told the share listened to, 0 to 1, where the length of the source is known.
        """
        sound = Sound(source)
        readings = tuple(self.readings(sound, on_progress))
        card = self.voice.card
        return Timeline(
            source=sound.name,
            duration_s=sound.n_samples / SAMPLE_RATE,
            readings=readings,
            summary=summarise(readings, card.threshold),
            model=f"{card.name} {card.version} {card.precision}",
            warnings=tuple(sound.warnings),
        )

    def readings(self, sound: Sound, on_progress: Callable[[float], object] | None = None) -> Iterator[Reading]:
        """Yield readings while the sound is still being decoded."""
        stream = VoiceStream(self.voice)
        for block in sound:
            yield from stream.push(block)
            if on_progress and sound.stated_s:
                on_progress(min(1.0, sound.n_samples / SAMPLE_RATE / sound.stated_s))
        yield from stream.finish()


def analyze(
    source: str | os.PathLike[str],
    *,
    voice_model: str | Path | None = None,
    precision: Precision = "auto",
    threads: int = 1,
) -> Timeline:
    """Return the timeline of one source; for several, keep an `Analyzer`. Raises MediaError or ModelError."""
    return Analyzer(voice_model=voice_model, precision=precision, threads=threads)(source)
