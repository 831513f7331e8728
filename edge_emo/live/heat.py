"""How warm the board is, and whether its power holds: a Raspberry Pi slows down at 80 °C, or on a weak supply."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Final

from edge_emo.live.events import Heat

SOFT_LIMIT_C: Final = 75.0
"""From here on the service does less, before the board slows down all by itself."""
COOL_C: Final = 70.0
"""From here on down it does all again."""


@dataclass
class Thermometer:
    """Reads the sensors below `root`, which is the system's `/sys`."""

    root: Path = Path("/sys")
    _is_hot: bool = False

    def __call__(self) -> Heat:
        """Return what the sensors tell by now."""
        celsius = [value / 1000 for path in self.root.glob("class/thermal/thermal_zone*/temp") if (value := _int(path))]
        warmest = max((value for value in celsius if 0 < value < 150), default=None)
        if warmest is not None:
            self._is_hot = warmest > COOL_C if self._is_hot else warmest >= SOFT_LIMIT_C
        return Heat(temperature_c=warmest, is_hot=self._is_hot, under_voltage=self._under_voltage())

    def _under_voltage(self) -> bool:
        for folder in self.root.glob("class/hwmon/hwmon*"):
            if _text(folder / "name") == "rpi_volt":
                return bool(_int(folder / "in0_lcrit_alarm"))
        return False


def _text(path: Path) -> str:
    try:
        return path.read_text(errors="replace").strip()
    except OSError:
        return ""


def _int(path: Path) -> int:
    text = _text(path)
    return int(text) if text.lstrip("-").isdecimal() else 0
