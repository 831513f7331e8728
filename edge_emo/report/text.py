"""Text for people."""

from __future__ import annotations

from collections.abc import Callable, Collection

from edge_emo.analysis.modalities import MODALITIES
from edge_emo.app.documents import Recommended, Scored
from edge_emo.core.text import plain
from edge_emo.core.timeline import Person, Segment, Summary, Timeline
from edge_emo.media.sources import title
from edge_emo.music.ranking.recommend import Advice, Recommendation
from edge_emo.music.store.catalogue import Song
from edge_emo.report.cue_sheet import credit

Strong = Callable[[str], str]
"""What makes text stand out where it is going to be read, such as bold on a terminal; `str` leaves it as it is."""

_MOST_PEOPLE = 10  # that are listed, those seen longest: after a cut everybody is somebody else

_OPTIONS = {
    "license": "--license",
    "min_duration_s": "--min-duration",
    "max_duration_s": "--max-duration",
    "genres": "--genre",
    "instruments": "--instrument",
    "bpm": "--bpm",
    "occasions": "--no-occasions",
    "local": "--local",
}


def found(summary: Summary, strong: Strong = str, *, among: Collection[str] = ()) -> str:
    """Return what was heard or seen, in one line: the decision, how sure, and what else it may be.

    `among` are the modalities that were looked for.
    """
    if summary.emotion is None:
        return f"{' and '.join(f'no {name}' for name in among) or 'nothing'} found"
    ranked = sorted(summary.probabilities.items(), key=lambda item: -item[1])
    others = ", ".join(f"{name} {share:.0%}" for name, share in ranked[1:3] if share >= 0.005)
    if summary.reason == "mixed":
        return f"{strong('mixed')}, most of it {summary.raw} ({summary.probability:.0%}; {others})"
    if summary.reason == "low_confidence":
        return f"{strong('uncertain')}, most likely {summary.raw} ({summary.probability:.0%}; {others})"
    return f"{strong(str(summary.emotion))} ({summary.probability:.0%}{'; then ' * bool(others)}{others})"


def timeline(result: Timeline, strong: Strong = str) -> str:
    """Return a timeline: a line for each segment over which an emotion holds, and the summary."""
    lines = [strong(title(result.source))]
    lines += [f"  {_region(segment, result)}" for segment in result.segments if segment.end_s > segment.start_s]
    if len(result.by_modality) > 1:
        for name, own in result.by_modality.items():
            lines.append(f"  {MODALITIES[name].perceived}: {found(own, strong, among=[name])}")
    if len(result.people) > 1:
        main = "the main one" if sum(person.is_main for person in result.people) == 1 else "the main one for a time"
        by_time = sorted(result.people, key=lambda person: -person.summary.found_s)
        shown, rest = by_time[:_MOST_PEOPLE], by_time[_MOST_PEOPLE:]
        lines += [f"  {_person(person, main, strong)}" for person in sorted(shown, key=lambda person: person.person)]
        if rest:
            lines.append(f"  and {len(rest)} more, each seen for up to {rest[0].summary.found_s:.1f} s")
    summary = result.summary
    lines.append(f"  {_sense(result)}: {found(summary, strong, among=result.by_modality)}")
    if summary.emotion is not None:
        where = f"; found in {summary.found_s:.1f} s of {result.duration_s:.1f} s" if result.duration_s else ""
        lines.append(f"  valence {summary.valence:+.2f}, arousal {summary.arousal:+.2f}{where}")
    return "\n".join(lines)


def disagreement(result: Timeline) -> str:
    """Return what is said of segments in which the modalities disagree."""
    return f"{' and '.join(result.by_modality)} disagree"


def _sense(result: Timeline) -> str:
    perceived = [MODALITIES[name].perceived for name in result.by_modality]
    return perceived[0] if len(perceived) == 1 else "together"


def _person(person: Person, main: str, strong: Strong) -> str:
    times = f"{person.start_s:.1f} – {person.end_s:.1f} s" if person.end_s else ""
    about = ", ".join(filter(None, [times, main if person.is_main else ""]))
    return f"person {person.person}{f' ({about})' if about else ''}: {found(person.summary, strong)}"


def recommended(result: Recommended, strong: Strong = str) -> str:
    """Return what was heard and seen in one source and the songs for it."""
    if result.timeline is None:
        head = f"mood: {strong(str(result.mood))}"
    elif len(result.timeline.by_modality) > 1:
        head = timeline(result.timeline, strong)
    else:
        one = found(result.timeline.summary, strong, among=result.timeline.by_modality)
        head = f"{strong(title(result.timeline.source))}: {one}"
    if not result.songs and (result.timeline is None or result.timeline.readings):
        lines = [head, "no song passes all that is asked of songs (licence, genre, length, ...); ask for less"]
        return "\n".join(lines + ([advice(result.advice)] if result.advice else []))
    if not result.songs:
        return f"{head}; choose a mood by hand with --mood"
    listed = [recommendation(i, item, strong) for i, item in enumerate(result.songs, start=1)]
    if result.advice:
        listed.append(advice(result.advice))
    if result.uses_history:
        last = "say which you liked, and the next ones fit better: edge-emo history add kept UID"
    else:
        last = f"the same songs again: --seed {result.seed}"
    return "\n".join([head, *listed, last])


def advice(given: Advice) -> str:
    """Return how many songs fit, and which options to leave out for more."""
    unmet = f", and none is {' or '.join(given.unmet)}" if given.fitting and given.unmet else ""
    less = " or ".join(f"{_OPTIONS[each.condition]} ({each.songs} then fit)" for each in given.relax)
    return f"{given.fitting} of {given.asked} songs fit{unmet}; leave out {less or 'more than one of the conditions'}"


def recommendation(number: int, item: Recommendation, strong: Strong = str) -> str:
    """Return a recommended song with its reason and how it may be used."""
    return f"{number:2d}. {song(item.song, strong)}\n    why: {plain(item.reason)} (score {item.score:.2f})"


def scored(result: Scored, strong: Strong = str) -> str:
    """Return the songs of a film by their time, which of them ask for a credit, and what was written."""
    lines = [f"{strong(title(result.source))} ({_minutes(result.duration_s)})"]
    for number, cue in enumerate(result.cues, start=1):
        fade = f", crossfade of {cue.fade_in_s:g} s" if cue.fade_in_s else ""
        lines.append(f"{number:2d}. {_minutes(cue.start_s)} – {_minutes(cue.end_s)}  {strong(cue.found)}{fade}")
        lines += [f"    {song(cue.song, strong)}", f"    why: {plain(cue.reason)}"]
    sheet, credits_file = map(plain, result.files)
    credited = [str(number) for number, cue in enumerate(result.cues, start=1) if credit(cue.song)]
    if len(credited) == len(result.cues):
        lines.append(f"every song asks for a credit; paste it under the video from {credits_file}")
    elif credited:
        lines.append(f"a credit is asked for by {', '.join(credited)}; paste it under the video from {credits_file}")
    else:
        lines.append(f"no song asks for a credit; what else to do is in {credits_file}")
    return "\n".join([*lines, f"written: {sheet}", f"the same songs again: --seed {result.seed}"])


def song(item: Song, strong: Strong = str) -> str:
    """Return a song: title, artist, length, licence, credit line and link."""
    about = ", ".join(filter(None, [_minutes(item.duration_s), item.genre, "/".join(item.moods)]))
    artist = f" by {plain(item.artist)}" if item.artist else ""
    lines = [f"{strong(plain(item.title))}{artist}{plain(f' ({about})') if about else ''}  {plain(item.uid)}"]
    lines.append(f"    use: {plain(f'{item.license}. {item.usage}')}")
    if item.credit:
        lines.append(f"    credit: {plain(item.credit)}")
    if item.link and item.link not in (item.credit or ""):
        lines.append(f"    link: {plain(item.link)}")
    if item.path:
        lines.append(f"    file: {plain(item.path)}")
    return "\n".join(lines)


def _region(segment: Segment, result: Timeline) -> str:
    probability = max(segment.probabilities)
    label = segment.emotion if segment.emotion == segment.raw else f"{segment.emotion} ({segment.raw})"
    note = f"  {disagreement(result)}" if segment.reason == "modalities_disagree" else ""
    bar = "█" * round(probability * 20)
    return f"{segment.start_s:7.2f} – {segment.end_s:7.2f} s  {label:<22} {probability:4.0%}  {bar}{note}".rstrip()


def _minutes(seconds: float | None) -> str:
    if seconds is None:
        return ""
    return f"{int(seconds // 60)}:{int(seconds % 60):02d}"
