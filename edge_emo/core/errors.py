"""Errors of the package. Each is an `EdgeEmoError` and the built-in error a caller would expect.

`exit_code` is what the command line ends with: 1 bad input, 3 a damaged model or catalogue.
"""

from __future__ import annotations

from typing import ClassVar


class EdgeEmoError(Exception):
    """Anything this package raises on purpose. The text names the thing, the reason and the next step."""

    exit_code: ClassVar[int] = 1

    def __str__(self) -> str:  # else KeyError would quote it
        return str(self.args[0]) if self.args else ""


class MediaError(EdgeEmoError, ValueError):
    """A source that cannot be decoded."""


class MediaNotFoundError(MediaError, FileNotFoundError):
    """A source that is not there."""


class MediaPermissionError(MediaError, PermissionError):
    """A source that may not be read."""


class NoSoundTrackError(MediaError):
    """A film without sound."""


class TrackNotFoundError(MediaError, LookupError):
    """A film without the sound track that is asked for."""


class NoPictureError(MediaError):
    """A sound, or a film without picture."""


class DecoderMissingError(MediaError, ImportError):
    """A format that needs an optional decoder."""


class ModelError(EdgeEmoError, ValueError):
    """A model that cannot be used as it is."""

    exit_code = 3


class ModelNotFoundError(ModelError, FileNotFoundError):
    """A model or card that is not there."""


class ModelDamagedError(ModelError):
    """A model file that is not the one its card describes."""


class CardError(ModelError):
    """A model card that does not say what it must."""


class CatalogueError(EdgeEmoError, ValueError):
    """A catalogue that is missing or damaged."""

    exit_code = 3


class SongNotFoundError(EdgeEmoError, KeyError):
    """A song the catalogue does not hold."""


class MoodError(EdgeEmoError, ValueError):
    """A mood that is none of the eight emotions."""


class NoVoiceError(EdgeEmoError, ValueError):
    """A recording in which no voice was found, where one is needed."""


class UserDataError(EdgeEmoError, OSError):
    """The user's database cannot be used: not writable, locked, full, or of a newer release."""


class SongListError(EdgeEmoError, ValueError):
    """A list of songs that cannot be read, or a row of it that cannot be taken."""


class ExtraMissingError(EdgeEmoError, ImportError):
    """Something that needs an optional library which is not installed."""


class FolderError(EdgeEmoError, OSError):
    """A folder of music that cannot be read or watched."""


class PlaylistError(EdgeEmoError, ValueError):
    """A playlist that cannot be written or played."""


class CueSheetError(EdgeEmoError, OSError):
    """A cue sheet that cannot be written: an unknown format, a file that is there already, no place for it."""


class OutputError(EdgeEmoError, OSError):
    """A file that a command was asked to write and cannot."""


class DeviceError(EdgeEmoError, ValueError):
    """A camera or microphone that can never be opened, whatever is plugged in."""


class ServiceError(EdgeEmoError, OSError):
    """A live service that cannot begin, or cannot be reached: another one runs, or none does."""
