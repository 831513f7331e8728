"""SMPTE time codes (ST 12-1): frames counted as hours, minutes, seconds and frames."""

from __future__ import annotations

import re
from fractions import Fraction
from typing import Final

RATES: Final = {
    "23.976": Fraction(24000, 1001),
    "24": Fraction(24),
    "25": Fraction(25),
    "29.97": Fraction(30000, 1001),
    "30": Fraction(30),
    "48": Fraction(48),
    "50": Fraction(50),
    "59.94": Fraction(60000, 1001),
    "60": Fraction(60),
}
"""Frames a second that editing programs work at, by the names they give them."""

DEFAULT_RATE: Final = RATES["25"]


def nearest_rate(frames_per_s: float | None) -> Fraction:
    """Return the rate to edit a film at: its own, that of a phone up to 1 % off; 25 where it has none of the known."""
    if not frames_per_s:
        return DEFAULT_RATE
    nearest = min(RATES.values(), key=lambda rate: abs(rate - frames_per_s))
    return nearest if abs(nearest - frames_per_s) <= 0.01 * nearest else DEFAULT_RATE


def is_drop_frame(rate: Fraction) -> bool:
    """Return whether time codes of a rate leave out numbers, so that they keep up with the clock: 29.97 and 59.94."""
    return rate.denominator == 1001 and round(rate) % 30 == 0


def timecode(frame: int, rate: Fraction) -> str:
    """Return the time code of a frame, HH:MM:SS:FF, with a semicolon before the frames where numbers are left out."""
    per_s = round(rate)
    if is_drop_frame(rate):
        # two or four numbers of each minute, but for every tenth
        left_out = per_s // 15
        tens, rest = divmod(frame, 600 * per_s - 9 * left_out)
        minutes = max(0, rest - left_out) // (60 * per_s - left_out)
        frame += left_out * (9 * tens + minutes)
    seconds, frames = divmod(frame, per_s)
    minutes, seconds = divmod(seconds, 60)
    mark = ";" if is_drop_frame(rate) else ":"
    return f"{minutes // 60:02d}:{minutes % 60:02d}:{seconds:02d}{mark}{frames:02d}"


def frame_of(text: str, rate: Fraction) -> int:
    """Return the frame that a time code names, the inverse of `timecode`; any mark may stand before the frames.

    Raises ValueError for text that is no time code of that rate, such as a number that is left out.
    """
    found = re.fullmatch(r"(\d+):(\d\d):(\d\d)[:;.,](\d\d)", text.strip())
    per_s = round(rate)
    if found is not None:
        hours, minutes, seconds, frames = map(int, found.groups())
        minutes += 60 * hours
        frame = (60 * minutes + seconds) * per_s + frames
        if is_drop_frame(rate):
            frame -= per_s // 15 * (minutes - minutes // 10)
        if frame >= 0 and timecode(frame, rate)[:-3] == text.strip()[:-3].zfill(8) and frames < per_s:
            return frame
    raise ValueError(f"{text!r} is no time code at {float(rate):.5g} frames a second; write it as {timecode(0, rate)}")
