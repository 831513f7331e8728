"""The sound and the picture of a film or a sound file in one reading, as far as each is asked for and there."""

from __future__ import annotations

import os
from collections.abc import Callable, Generator, Iterator
from typing import TYPE_CHECKING, Literal, TypeVar

from edge_emo.core.errors import MediaError, TrackNotFoundError
from edge_emo.media.ahead import ahead
from edge_emo.media.demuxer import Demuxer
from edge_emo.media.sound import SAMPLE_RATE, Float32, Sound
from edge_emo.media.tracks import AudioTrack

if TYPE_CHECKING:
    from edge_emo.media.film import Film, Frame

T = TypeVar("T")
Part = Literal["sound", "picture"]

_AHEAD = 6  # blocks and frames that are decoded before they are used: 30 MB of the largest frames


class Playback:
    """The blocks and frames of `film`: iterate once, over both as they lie in the file, each in its own order.

    Nothing waits for anything, so that memory does not grow where all sound comes after all of the picture. A file
    that libsndfile reads, and any without PyAV, is read for its sound first and then for its picture.

    `sound` and `picture` are there, with what they state and warn of, once the iteration began; what cannot be read is
    in `failures`, and does not end the other. Raises TrackNotFoundError where `audio_track` is not in it.
    """

    def __init__(
        self,
        path: str | os.PathLike[str],
        film: Demuxer,
        *,
        has_sound: bool = True,
        has_picture: bool = True,
        sample_rate: int = SAMPLE_RATE,
        audio_track: AudioTrack | None = None,
        fps: float = 5.0,
    ) -> None:
        self.sound: Sound | None = None
        self.picture: Film | None = None
        self.failures: dict[Part, MediaError] = {}
        self._path, self._film, self._has_sound, self._has_picture = path, film, has_sound, has_picture
        self._sample_rate, self._audio_track, self._fps = sample_rate, audio_track, fps

    def __iter__(self) -> Generator[Float32 | Frame, None, None]:
        # decoding pictures takes as long as what is done with them; a sound is there at once
        return ahead(self._items(), _AHEAD) if self._has_picture else self._items()

    @property
    def warnings(self) -> list[str]:
        """What was lost of the sound and then of the picture, in words."""
        return [warning for part in (self.sound, self.picture) if part is not None for warning in part.warnings]

    def _items(self) -> Generator[Float32 | Frame, None, None]:
        together: dict[int, tuple[Part, Sound | Film]] = {}
        if self._has_sound and (sound := self._opened("sound", self._open_sound)):
            self.sound = sound
            if sound.stream is None:
                yield from self._taken("sound", iter(sound))
            else:
                together[sound.stream.index] = "sound", sound
        if self._has_picture and (picture := self._opened("picture", self._open_picture)):
            self.picture = picture
            if picture.stream is None:
                yield from self._taken("picture", iter(picture))
            else:
                together[picture.stream.index] = "picture", picture
        if not together:
            self._film.close()
            return
        for packet in self._film.packets():
            part, reader = together.get(packet.stream.index, (None, None))
            if part and reader and part not in self.failures:
                yield from self._taken(part, reader.push(packet))
        for part, reader in together.values():
            if part not in self.failures:
                yield from self._taken(part, reader.finish())

    def _open_sound(self) -> Sound:
        rate, track = self._sample_rate, self._audio_track
        return Sound(self._path, self._film.source, sample_rate=rate, audio_track=track, film=self._film)

    def _open_picture(self) -> Film:
        from edge_emo.media.film import Film  # needs OpenCV, which a sound does not

        return Film(self._path, fps=self._fps, source=self._film.source, film=self._film)

    def _opened(self, part: Part, open_part: Callable[[], T]) -> T | None:
        try:
            return open_part()
        except TrackNotFoundError:
            self._film.close()
            raise
        except MediaError as error:
            self.failures[part] = error
            return None

    def _taken(self, part: Part, items: Iterator[Float32 | Frame]) -> Iterator[Float32 | Frame]:
        try:
            yield from items
        except MediaError as error:
            self.failures[part] = error
