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
from collections.abc import Mapping, Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import opentimelineio as otio
from opentimelineio import opentime, schema

from edge_emo.core.timecode import is_drop_frame
from edge_emo.music.ranking.cues import Cue
from edge_emo.report.cue_sheet import CueSheet, Edit, credit, file_name, label, one_line

_FCPX_RATE = 25
_FCPX_TIMES = {"offset", "start", "duration", "frameDuration"}

_AUDIO, _VIDEO = schema.TrackKind.Audio, schema.TrackKind.Video
_CROSSFADE = {"name": "Cross Fade (+3dB)", "effectid": "KGAudioTransCrossFade3dB"}
_CROSSFADE_XML = {"effect": {**_CROSSFADE, "effecttype": "transition", "mediatype": "audio"}}


def written(sheet: CueSheet, adapter: str, folder: Path) -> str:
    """Return the cue sheet as an adapter of OpenTimelineIO writes it; `folder` is where it is going to be."""
    if adapter == "cmx_3600":
        return _Timeline(sheet, folder).as_edl()
    if adapter == "fcpx_xml":
        return _Timeline(sheet, folder, _FCPX_RATE).as_fcpxml()
    timeline = _Timeline(sheet, folder)
    tracks = [*timeline.film_tracks(), timeline.music(is_native=adapter == "otio_json")]
    return str(otio.adapters.write_to_string(timeline.of(tracks), adapter))


class _Timeline:
    """The parts of a timeline. What is written is made anew each time, as adapters change what they are given.

    Its frames are those of the sheet; `rate`, how many of them a second they are said to be, is that of the sheet too
    where none is given.
    """

    def __init__(self, sheet: CueSheet, folder: Path, rate: int | None = None) -> None:
        self._sheet, self._folder, self._rate = sheet, folder, float(rate or sheet.frame_rate)
        self._edits, self._n_frames = sheet.edits(), max(1, sheet.frame(sheet.duration_s))
        self._film = one_line(Path(sheet.source).name)

    def of(self, tracks: list[Any]) -> Any:
        """Return a timeline of tracks, which begins at time code 0."""
        about = {"fcp_xml": {"timecode": {"displayformat": "DF"}}} if is_drop_frame(self._sheet.frame_rate) else {}
        found = schema.Timeline(self._film, global_start_time=opentime.RationalTime(0, self._rate), metadata=about)
        found.tracks.extend(tracks)
        return found

    def film_tracks(self) -> list[Any]:
        """Return the picture and the sound of the film, each on a track, as far as it has them."""
        sheet, found = self._sheet, []
        for kind, part, is_there in ((_VIDEO, "picture", sheet.has_picture), (_AUDIO, "sound", sheet.has_sound)):
            if is_there:
                media = self._file(sheet.path, self._range(0, self._n_frames))
                # without a difference between the two, XML would have the sound for a copy of the picture
                about = {"edge_emo": {"part": part}}
                clip = schema.Clip(self._film, media, self._range(0, self._n_frames), metadata=about)
                found.append(schema.Track(f"Film {part}", [clip], kind=kind))
        return found

    def music(self, *, is_native: bool = False) -> Any:
        """Return the track of the songs, with crossfades in the middle of which one song takes over."""
        track, reached = schema.Track("Music", kind=_AUDIO), 0
        for number, edit in enumerate(self._edits, start=1):
            if edit.start > reached:
                # a fade to it reaches as far into what the adapter of EDL takes for a picture of black
                fade_out = self._edits[number - 2].fade_out if number > 1 else 0
                track.append(schema.Gap(source_range=self._range(fade_out, edit.start - reached)))
            if edit.crosses_in:
                track.append(self._transition("crossfade", edit.before, edit.crosses_in - edit.before))
            about = {"edge_emo": {**_about(edit.cue), "cue": number}}
            place = self._range(edit.source_in, edit.end - edit.start)
            track.append(schema.Clip(label(edit.cue.song), self._media(edit, is_native), place, metadata=about))
            if edit.fade_out:
                track.append(self._transition("fade out", edit.fade_out, 0))
            reached = edit.end
        return track

    def as_edl(self) -> str:
        """Return the music alone; what else is to be said of a song is in comments."""
        music = self.music(is_native=True)
        clips = [item for item in music if isinstance(item, schema.Clip)]
        reels = {f"SONG{number:04d}": edit.cue for number, edit in enumerate(self._edits, start=1)}
        for reel, clip in zip(reels, clips, strict=True):
            clip.media_reference = schema.MissingReference()  # the adapter gives a file to the wrong side of a dissolve
            clip.metadata["cmx_3600"] = {"reel": reel}
        # the adapter writes the first track alone, and refuses a timeline without a picture
        text = otio.adapters.write_to_string(
            self.of([music, schema.Track("Picture", kind=_VIDEO)]), "cmx_3600", rate=self._rate
        )
        head, *lines = re.split(r"(?m)^(?=\d+ )", text)
        mode = "DROP FRAME" if is_drop_frame(self._sheet.frame_rate) else "NON-DROP FRAME"
        # a dissolve takes two lines, of which the second has the comments
        notes = [
            _comments(reels[line.split()[1]]) if "\n*" in line and line.split()[1] in reels else "" for line in lines
        ]
        events = "".join(line + note for line, note in zip(lines, notes, strict=True))
        return f"{head.strip()}\nFCM: {mode}\n\n{events}"

    def as_fcpxml(self) -> str:
        """Return the songs on two tracks in turn, each with what is heard of it in its crossfades."""
        film = self.film_tracks()
        if not self._sheet.has_picture:  # everything hangs on a clip of the main track
            film.insert(0, schema.Track("Film", [schema.Gap(source_range=self._range(0, self._n_frames))], kind=_VIDEO))
        lanes = [schema.Track(f"Music {name}", kind=_AUDIO) for name in "AB"]
        reached = [0, 0]
        for number, edit in enumerate(self._edits):
            lane, start, end = number % 2, edit.start - edit.before, edit.end + edit.after
            if start > reached[lane]:
                lanes[lane].append(schema.Gap(source_range=self._range(0, start - reached[lane])))
            media, place = self._media(edit, is_native=False), self._range(edit.source_in - edit.before, end - start)
            note = [one_line(text) for text in (edit.cue.song.license, credit(edit.cue.song)) if text]
            media.metadata["fcpx"] = {"note": "\n".join(note)}
            lanes[lane].append(schema.Clip(label(edit.cue.song), media, place))
            reached[lane] = end
        timeline = self.of([*film, *(lane for lane in lanes if len(lane))])
        names = {}
        for number, clip in enumerate(timeline.find_clips()):  # the adapter looks them up, and fails on an apostrophe
            names[f"clip {number}"], clip.name = clip.name, f"clip {number}"
        starts = [c.range_in_parent().start_time.to_frames() for t in timeline.audio_tracks() for c in t.find_clips()]
        text = str(otio.adapters.write_to_string(timeline, "fcpx_xml"))
        return _repaired(text, starts, names, self._sheet.frame_rate)

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

    def _media(self, edit: Edit, is_native: bool) -> Any:
        """Return the file of a song; one that is not on this machine is missing, or looked for beside the sheet."""
        song = edit.cue.song
        heard = edit.source_in + edit.end - edit.start + edit.after
        available = self._range(0, max(heard, self._sheet.frame(song.duration_s or 0.0)))
        about = {"edge_emo": _about(edit.cue)}
        if song.path:
            return self._file(Path(song.path), available, about)
        if is_native:
            return schema.MissingReference(label(song), available, metadata=about)
        return self._file(self._folder / file_name(song), available, about)

    def _file(self, path: Path, available: Any, about: dict[str, Any] | None = None) -> Any:
        place = path.parent.resolve() / path.name  # editing programs do not follow ".."; a link keeps its own name
        found = schema.ExternalReference(place.as_uri(), available, metadata=about or {})
        found.name = one_line(path.name)  # else XML gets that of the address, in which "%20" is a blank
        return found


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


def _repaired(text: str, starts: Sequence[int], names: Mapping[str, str], rate: Fraction) -> str:
    """Return FCPXML at its own `rate`, with clips of sound at their `starts`, in frames, and by their `names`.

    The adapter knows no rates such as 30000/1001, so that it was given frames as of `_FCPX_RATE` a second, and it
    rounds starts down to a frame early. Names of formats, which it guesses from the size of a picture, and its second
    mention of the film are left out.
    """
    root = ElementTree.fromstring(text)
    for found in root.iter("format"):
        found.attrib.pop("name", None)
    for found in root.iter("project"):
        found.attrib.pop("uid", None)  # there is none, and an empty one names nothing
    for found in root.iter("sequence"):
        found.set("tcFormat", "DF" if is_drop_frame(rate) else "NDF")
    mentioned: set[str] = set()
    for clip in root.findall("asset-clip"):
        if clip.attrib["ref"] in mentioned:
            root.remove(clip)
        mentioned.add(clip.attrib["ref"])
    [main] = root.findall(".//spine/*")
    origin = Fraction(main.get("start", "0s").removesuffix("s"))
    for clip, start in zip((clip for clip in main.findall("clip") if clip.get("lane")), starts, strict=True):
        clip.set("offset", f"{origin + Fraction(start, _FCPX_RATE)}s")
    for found in root.iter():
        found.attrib.update({key: names[value] for key, value in found.items() if key == "name" and value in names})
        for key in _FCPX_TIMES & set(found.attrib):
            found.set(key, f"{Fraction(found.attrib[key].removesuffix('s')) * _FCPX_RATE / rate}s")
    body = ElementTree.tostring(root, encoding="unicode")
    return f'<?xml version="1.0" encoding="UTF-8"?>\n<!DOCTYPE fcpxml>\n\n{body}\n'
