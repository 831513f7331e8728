"""What a device's process is told to do, and how it says why it could not."""

from __future__ import annotations

import errno
from dataclasses import dataclass
from typing import Final, Literal

Backend = Literal["film", "sound", "v4l2", "opencv", "alsa", "sounddevice", "program"]

ENDED: Final = 0
MISSING, BUSY, DENIED, BROKEN = 10, 11, 12, 13
"""Exit codes: why a device cannot be used."""

_CODES: Final = {
    errno.ENOENT: MISSING,
    errno.ENODEV: MISSING,
    errno.ENXIO: MISSING,
    errno.EBUSY: BUSY,
    errno.EACCES: DENIED,
    errno.EPERM: DENIED,
}
_WORDS: Final = {
    MISSING: ("no such device", "no such file", "cannot get card index", "no cameras available", "unknown pcm"),
    BUSY: ("busy", "in use", "failed to acquire camera"),
    DENIED: ("permission denied", "not permitted", "access denied"),
}
"""How programs say the same on standard error."""

_HINTS: Final = {
    BUSY: "another program uses it; end that one",
    DENIED: "this user may not use it; add it to the group video or audio, or allow it in the system's settings",
}


@dataclass(frozen=True)
class Order:
    """What a device's process is to do: which backend, and the name of the device, file or program.

    Frames are asked for at `fps` a second and of `width` by `height` pixels, sound at `rate` samples a second. Times
    are seconds since `epoch_s` on the monotonic clock, which all processes of a machine share.
    """

    backend: Backend
    name: str
    epoch_s: float = 0.0
    fps: float = 5.0
    width: int = 640
    height: int = 480
    rate: int = 16000
    audio_track: int | str | None = None
    arguments: tuple[str, ...] = ()


def exit_code_of(text: str) -> int:
    """Return the exit code for what a program said on standard error."""
    text = text.lower()
    return next((code for code, words in _WORDS.items() if any(word in text for word in words)), BROKEN)


def telling(said: str) -> str:
    """Return the last line that says why, of all that a process said; libraries say it before the process does."""
    lines = [line for line in said.splitlines() if line.strip()]
    known = [line for line in lines if exit_code_of(line) != BROKEN]
    return (known or lines or [""])[-1]


def in_words(code: int, said: str) -> str:
    """Return the reason with what to do about it, for the exit code of a process and what it said last."""
    hint = _HINTS.get(code if code in _WORDS else exit_code_of(said))
    return f"{hint}: {said}" if hint and said else hint or said


def exit_code_for(error: OSError) -> int:
    """Return the exit code for an error of a device."""
    return _CODES.get(error.errno or 0) or exit_code_of(str(error))
