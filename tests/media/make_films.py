"""300 small films as the public makes them: containers, codecs, starts, channel layouts and rates, at known times.

In each a tone begins to sound and the picture lights up, at times counted from the start of the earliest stream.
`python -m tests.media.make_films FOLDER` makes all of them with the `ffmpeg` on the PATH, and tells which this build of
it cannot make.
"""

from __future__ import annotations

import itertools
import random
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

SECONDS = 3


@dataclass(frozen=True)
class Recipe:
    """How a film is made, and when its tone and its light begin."""

    suffix: str
    picture: str
    sound: str
    layout: str
    sample_rate: int
    frame_rate: str
    start_s: float
    sound_late_s: float
    picture_late_s: float
    tone_s: float
    light_s: float
    options: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """Its file's name, which tells what it is."""
        late = f"sound{self.sound_late_s:g}-picture{self.picture_late_s:g}-start{self.start_s:g}"
        what = f"{self.picture}-{self.sound}-{self.layout}-{self.sample_rate}-{self.frame_rate.replace('/', '_')}"
        extra = "".join(option.strip("-+").replace("/", "_") for option in self.options)
        return f"{what}-{late}-{self.tone_s:g}-{self.light_s:g}{extra and '-'}{extra}.{self.suffix}"

    @property
    def tone_at_s(self) -> float:
        """When the tone begins on the film's clock."""
        return self.tone_s + self.sound_late_s - min(self.sound_late_s, self.picture_late_s)

    @property
    def light_at_s(self) -> float:
        """When the light goes on, on the film's clock."""
        return self.light_s + self.picture_late_s - min(self.sound_late_s, self.picture_late_s)

    def command(self, folder: Path) -> list[str]:
        """The command that makes it."""
        n_channels = {"mono": 1, "stereo": 2, "5.1": 6}[self.layout]
        tone = f"0.5*sin(2*PI*440*t)*gte(t\\,{self.tone_s})"
        channels = [tone] * n_channels
        if self.layout == "5.1":  # the voice is in the center, and the others are full of something else
            channels = [f"0.1*sin(2*PI*{150 + 7 * k}*t)" for k in range(n_channels)]
            channels[2] = tone
        light = f"color=black:s=64x48:r={self.frame_rate}:d={SECONDS},"
        light += f"geq=lum='if(gte(T\\,{self.light_s})\\,235\\,16)':cb=128:cr=128"
        voice = f"aevalsrc={'|'.join(channels)}:c={self.layout}:s={self.sample_rate}:d={SECONDS}"
        command = ["ffmpeg", "-v", "error", "-nostdin", "-y", "-threads", "1"]
        command += ["-itsoffset", f"{self.picture_late_s}", "-f", "lavfi", "-i", light]
        command += ["-itsoffset", f"{self.sound_late_s}", "-f", "lavfi", "-i", voice]
        command += ["-map", "0:v", "-map", "1:a", "-c:v", self.picture, "-c:a", self.sound, "-pix_fmt", "yuv420p"]
        if self.picture in ("libx264", "libx265"):
            command += [
                "-preset",
                "ultrafast",
                "-bf",
                "2",
                "-x264-params" if self.picture == "libx264" else "-x265-params",
            ]
            command += ["keyint=25:bframes=2" + ("" if self.picture == "libx264" else ":log-level=none")]
        if self.picture.startswith("libvpx"):
            command += ["-deadline", "realtime", "-cpu-used", "8"]
        if self.sound in ("vorbis", "opus"):
            command += ["-strict", "-2"]
        if self.start_s:
            command += ["-output_ts_offset", f"{self.start_s}"]
        return [*command, *self.options, str(folder / self.name)]


_STARTS = [(0, 0, 0), (0, 1, 0), (0, 0, 1), (0, 0.3, 0)]
_SHIFTED = [*_STARTS, (3600, 0, 0), (3600, 1, 0), (90000, 0, 0.7)]
# suffix: pictures, sounds, starts (of the film, of its sound, of its picture), further options
_KINDS: dict[str, tuple[list[str], list[str], list[tuple[float, float, float]], list[tuple[str, ...]]]] = {
    "mp4": (["libx264", "libx265", "mpeg4"], ["aac", "libmp3lame", "ac3"], _STARTS, [(), ("-movflags", "+faststart")]),
    "mov": (["libx264", "mpeg4", "mjpeg"], ["aac", "pcm_s16le"], _STARTS, [()]),
    "m4v": (["libx264"], ["aac"], _STARTS, [("-use_editlist", "0", "-avoid_negative_ts", "make_zero")]),
    "mkv": (
        ["libx264", "libx265", "libvpx", "mpeg2video"],
        ["aac", "libopus", "flac", "libmp3lame", "ac3", "pcm_s16le"],
        _SHIFTED,
        [()],
    ),
    "webm": (["libvpx", "libvpx-vp9"], ["libopus", "libvorbis"], _STARTS, [()]),
    "ts": (["libx264", "mpeg2video"], ["aac", "mp2", "ac3"], _SHIFTED, [()]),
    "mts": (["libx264"], ["ac3", "aac"], _SHIFTED, [("-mpegts_m2ts_mode", "1")]),
    "mpg": (["mpeg2video", "mpeg1video"], ["mp2", "ac3"], _STARTS, [()]),
    "avi": (["mpeg4", "mjpeg", "libx264"], ["libmp3lame", "pcm_s16le", "ac3"], [(0, 0, 0)], [()]),
    "flv": (["flv", "libx264"], ["libmp3lame", "aac"], _STARTS, [()]),
    "wmv": (["wmv2", "msmpeg4v3"], ["wmav2"], _STARTS, [()]),
    "ogv": (["libtheora"], ["libvorbis"], [(0, 0, 0), (0, 1, 0)], [()]),
    "3gp": (["mpeg4", "libx264"], ["aac"], _STARTS, [()]),
}
_RATES = ["25", "30000/1001", "24000/1001", "10", "50"]
_SAMPLE_RATES = [48000, 44100, 32000]
_NARROW = {"mp2": ["mono", "stereo"], "libmp3lame": ["mono", "stereo"], "wmav2": ["mono", "stereo"]}


def recipes(count: int = 300, seed: int = 0) -> list[Recipe]:
    """Return recipes, each kind of file as often as any other; the same for a seed everywhere."""
    rng = random.Random(seed)
    kinds = {
        suffix: rng.sample(combined, len(combined))
        for suffix, parts in _KINDS.items()
        if (combined := list(itertools.product(*parts)))
    }
    found: dict[str, Recipe] = {}
    for number, suffix in enumerate(itertools.cycle(kinds)):
        picture, sound, (start_s, sound_late_s, picture_late_s), options = kinds[suffix][
            number // len(kinds) % len(kinds[suffix])
        ]
        recipe = Recipe(
            suffix=suffix,
            picture=picture,
            sound=sound,
            layout=rng.choice(_NARROW.get(sound, ["mono", "stereo", "5.1"])),
            sample_rate=48000 if sound == "libopus" else rng.choice(_SAMPLE_RATES[: 2 if suffix == "flv" else 3]),
            frame_rate="25" if picture in ("mpeg1video", "mpeg2video") else rng.choice(_RATES),
            start_s=start_s,
            sound_late_s=sound_late_s,
            picture_late_s=picture_late_s,
            tone_s=rng.choice([0.5, 1.0, 1.5, 2.0]),
            light_s=rng.choice([0.5, 1.0, 1.5, 2.0]),
            options=options,
        )
        found.setdefault(recipe.name, recipe)
        if len(found) == count:
            return list(found.values())
    raise AssertionError("there is always another")


def make(recipe: Recipe, folder: Path) -> str | None:
    """Make a film; return what went wrong, None where nothing did."""
    done = subprocess.run(recipe.command(folder), capture_output=True, text=True, check=False)
    return done.stderr.strip().rsplit("\n", 1)[-1] if done.returncode else None


def main(folder: Path) -> None:
    """Make all of them, and tell which could not be made."""
    folder.mkdir(parents=True, exist_ok=True)
    wanted = recipes()
    with ThreadPoolExecutor(2) as pool:
        failures = list(pool.map(lambda recipe: make(recipe, folder), wanted))
    for recipe, failure in zip(wanted, failures, strict=True):
        if failure:
            print(f"{recipe.name}: {failure}", file=sys.stderr)
    print(f"{failures.count(None)} of {len(wanted)} in {folder}")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
