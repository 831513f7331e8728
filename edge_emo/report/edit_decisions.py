"""Cue sheets for editing programs, by OpenTimelineIO: the film on its own tracks, and the music below.

| format | what is in it |
|---|---|
| otio_json | everything: picture, sound, music with crossfades, and of each song its licence, credit and link |
| fcp_xml | Final Cut Pro 7 XML, which Premiere and Resolve read: all of it but licences |
| cmx_3600 | the music alone, as this format holds one track; dissolves begin at the cut, credits are comments |
| fcpx_xml | no crossfades, as the library writes none: the songs overlap on two tracks, to be faded by hand |

The XML formats want a file for every clip. Songs without one point to "title - artist.mp3" beside the cue sheet.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import opentimelineio as otio
from opentimelineio import opentime, schema

from edge_emo.music.score import Cue
from edge_emo.report.cue_sheet import CueSheet, credit, label, one_line
from edge_emo.report.timecode import is_drop_frame

_AUDIO, _VIDEO = schema.TrackKind.Audio, schema.TrackKind.Video
_CROSSFADE = {"name": "Cross Fade (+3dB)", "effectid": "KGAudioTransCrossFade3dB"}
_CROSSFADE_XML = {"effect": {**_CROSSFADE, "effecttype": "transition", "mediatype": "audio"}}


def written(sheet: CueSheet, adapter: str, folder: Path) -> str:
    """Return the cue sheet as an adapter of OpenTimelineIO writes it; `folder` is where it is going to be."""
    edit = _Edit(sheet, folder)
    if adapter == "cmx_3600":
        return edit.as_edl()
    if adapter == "fcpx_xml":
        return edit.as_fcpxml()
    is_native = adapter == "otio_json"
    tracks = [*edit.film_tracks(), edit.music(is_native=is_native)]
    return str(otio.adapters.write_to_string(edit.timeline(tracks), adapter))


class _Edit:
    """The parts of a timeline. What is written is made anew each time, as adapters change what they are given."""

    def __init__(self, sheet: CueSheet, folder: Path) -> None:
        self._sheet, self._folder, self._rate = sheet, folder, float(sheet.frame_rate)
        self._n_frames = max(1, sheet.frame(sheet.duration_s))

    def timeline(self, tracks: list[Any]) -> Any:
        """Return a timeline of tracks."""
        found = schema.Timeline(one_line(Path(self._sheet.source).name))
        found.tracks.extend(tracks)
        return found

    def film_tracks(self) -> list[Any]:
        """Return the picture and the sound of the film, each on a track, as far as it has them."""
        sheet, name, found = self._sheet, one_line(Path(self._sheet.source).name), []
        for kind, part, is_there in ((_VIDEO, "picture", sheet.has_picture), (_AUDIO, "sound", sheet.has_sound)):
            if is_there:
                media = schema.ExternalReference(sheet.path.as_uri(), self._range(0, self._n_frames))
                # without a difference between the two, XML would have the sound for a copy of the picture
                clip = schema.Clip(name, media, self._range(0, self._n_frames), metadata={"edge_emo": {"part": part}})
                found.append(schema.Track(f"Film {part}", [clip], kind=kind))
        return found

    def music(self, *, is_native: bool = False) -> Any:
        """Return the track of the songs, with crossfades in the middle of which one song takes over."""
        track = schema.Track("Music", kind=_AUDIO)
        for number, cue in enumerate(self._sheet.cues):
            start, end = self._frames(cue)
            if half := self._sheet.frame(cue.fade_in_s / 2):
                track.append(self._transition("crossfade", half, half))
            source_in = self._sheet.frame(cue.source_in_s)
            media = self._media(cue, is_native)
            about = {"edge_emo": {**_about(cue), "cue": number + 1}}
            track.append(schema.Clip(label(cue.song), media, self._range(source_in, end - start), metadata=about))
        if fade_out := self._sheet.frame(self._sheet.cues[-1].fade_out_s):
            track.append(self._transition("fade out", fade_out, 0))
        return track

    def as_edl(self) -> str:
        """Return the music alone; what else is to be said of a song is in comments."""
        music = self.music(is_native=True)
        clips = [item for item in music if isinstance(item, schema.Clip)]
        for number, clip in enumerate(clips, start=1):
            clip.media_reference = schema.MissingReference()  # the adapter gives a file to the wrong side of a dissolve
            clip.metadata["cmx_3600"] = {"reel": f"SONG{number:04d}"}
        # the adapter writes the first track alone, and refuses a timeline without a picture
        text = otio.adapters.write_to_string(
            self.timeline([music, schema.Track("Picture", kind=_VIDEO)]), "cmx_3600", rate=self._rate
        )
        head, *lines = re.split(r"(?m)^(?=\d+ )", text)
        mode = "DROP FRAME" if is_drop_frame(self._sheet.frame_rate) else "NON-DROP FRAME"
        notes = (_comments(cue) for cue in self._sheet.cues)
        # a dissolve takes two lines, of which the second has the comments
        events = [line + next(notes, "") if "\n*" in line else line for line in lines]
        return f"{head.strip()}\nFCM: {mode}\n\n{''.join(events)}"

    def as_fcpxml(self) -> str:
        """Return the songs on two tracks in turn, each with what is heard of it in its crossfades."""
        film = self.film_tracks()
        if not self._sheet.has_picture:  # everything hangs on a clip of the main track
            film.insert(0, schema.Track("Film", [schema.Gap(source_range=self._range(0, self._n_frames))], kind=_VIDEO))
        lanes = [schema.Track(f"Music {name}", kind=_AUDIO) for name in "AB"]
        reached = [0, 0]
        for number, cue in enumerate(self._sheet.cues):
            start, end = self._frames(cue)
            before = start - self._sheet.frame(cue.start_s - cue.fade_in_s / 2)
            after = self._sheet.frame(cue.end_s + cue.fade_out_s / 2) - end if cue is not self._sheet.cues[-1] else 0
            source_in = max(0, self._sheet.frame(cue.source_in_s) - before)
            lane = number % 2
            if gap := start - before - reached[lane]:
                lanes[lane].append(schema.Gap(source_range=self._range(0, gap)))
            media = self._media(cue, is_native=False)
            media.metadata["fcpx"] = {
                "note": "\n".join(one_line(text) for text in (cue.song.license, credit(cue.song)) if text)
            }
            lanes[lane].append(
                schema.Clip(label(cue.song), media, self._range(source_in, end + after - start + before))
            )
            reached[lane] = end + after
        timeline = self.timeline([*film, *(lane for lane in lanes if len(lane))])
        for clip in timeline.find_clips():  # the adapter fails on the other apostrophe
            clip.name = clip.name.replace("'", "\N{RIGHT SINGLE QUOTATION MARK}")
        starts = [c.range_in_parent().start_time.to_frames() for t in timeline.audio_tracks() for c in t.find_clips()]
        text = str(otio.adapters.write_to_string(timeline, "fcpx_xml"))
        return _repaired(text, [start / self._sheet.frame_rate for start in starts])

    def _frames(self, cue: Cue) -> tuple[int, int]:
        return self._sheet.frame(cue.start_s), max(self._sheet.frame(cue.start_s) + 1, self._sheet.frame(cue.end_s))

    def _range(self, start: int, length: int) -> Any:
        return opentime.TimeRange(opentime.RationalTime(start, self._rate), opentime.RationalTime(length, self._rate))

    def _transition(self, name: str, before: int, after: int) -> Any:
        return schema.Transition(
            name,
            schema.TransitionTypes.SMPTE_Dissolve,
            opentime.RationalTime(before, self._rate),
            opentime.RationalTime(after, self._rate),
            metadata={"fcp_xml": _CROSSFADE_XML},
        )

    def _media(self, cue: Cue, is_native: bool) -> Any:
        """Return the file of a song; one that is not on this machine is missing, or looked for beside the sheet."""
        heard_s = max(cue.source_out_s + cue.fade_out_s / 2, cue.song.duration_s or 0.0)
        available = self._range(0, self._sheet.frame(heard_s))
        about = {"edge_emo": _about(cue)}
        if cue.song.path:
            path = Path(cue.song.path).absolute()
        elif is_native:
            return schema.MissingReference(label(cue.song), available, metadata=about)
        else:
            path = self._folder / (re.sub(r'[\\/:*?"<>|]', "_", label(cue.song))[:200] + ".mp3")
        return schema.ExternalReference(path.as_uri(), available, metadata=about)


def _about(cue: Cue) -> dict[str, Any]:
    song = cue.song
    return {
        "uid": song.uid,
        "title": song.title,
        "artist": song.artist,
        "license": song.license,
        "usage": song.usage,
        "credit": credit(song) or "",
        "link": song.link,
        "emotion": cue.emotion,
        "found": cue.found,
        "reason": cue.reason,
    }


def _comments(cue: Cue) -> str:
    said = {
        "SOURCE FILE": cue.song.path,
        "EMOTION": cue.found,
        "LICENCE": cue.song.license,
        "CREDIT": credit(cue.song),
        "LINK": cue.song.link,
        "SONG": cue.song.uid,
    }
    return "".join(f"* {name}: {one_line(text)}\n" for name, text in said.items() if text)


def _repaired(text: str, starts: Sequence[Fraction]) -> str:
    """Return FCPXML with clips of sound at their `starts` in seconds, which the adapter rounds down to a frame early.

    Names of formats, which it guesses from the size of a picture, and its second mention of the film are left out.
    """
    root = ElementTree.fromstring(text)
    for found in root.iter("format"):
        found.attrib.pop("name", None)
    for found in root.iter("project"):
        found.attrib.pop("uid", None)  # there is none, and an empty one names nothing
    mentioned: set[str] = set()
    for clip in root.findall("asset-clip"):
        if clip.attrib["ref"] in mentioned:
            root.remove(clip)
        mentioned.add(clip.attrib["ref"])
    [main] = root.findall(".//spine/*")
    origin = Fraction(main.get("start", "0s").removesuffix("s"))
    for clip, start in zip((clip for clip in main.findall("clip") if clip.get("lane")), starts, strict=True):
        clip.set("offset", f"{origin + start}s")
    body = ElementTree.tostring(root, encoding="unicode")
    return f'<?xml version="1.0" encoding="UTF-8"?>\n<!DOCTYPE fcpxml>\n\n{body}\n'
