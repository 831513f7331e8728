"""Text for people."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from edge_emo.analysis.modalities import MODALITIES
from edge_emo.app.documents import Recommended, Scored
from edge_emo.core.text import plain
from edge_emo.core.timeline import Person, Segment, Summary, Timeline
from edge_emo.media.sources import title
from edge_emo.music.ranking.recommend import Advice, Recommendation
from edge_emo.music.store.song import Song
from edge_emo.report import song_list
from edge_emo.report.cue_sheet import credit
from edge_emo.report.song_list import Strong

_MOST_PEOPLE = 10  # that are listed, those seen longest: after a cut everybody is somebody else

_ROUGH = ("genre", "nothing")  # what the place of a song without a mood tag is found by

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
    others = ", ".join(f"{name} {share:.0%}" for name, share in ranked[1:3] if share >= 0.05)
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
        main = "the main one" if sum(person.is_main for person in result.people) == 1 else "the main one for a while"
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


def recommended(
    result: Recommended,
    strong: Strong = str,
    *,
    detailed: bool = False,
    width: int | None = None,
    absent: str = "",
) -> str:
    """Return what was heard and seen in one source and the songs for it; with `detailed`, why and how to use each.

    `absent` is said where there is no song, in place of which conditions to drop.
    """
    if result.timeline is None:
        head = f"mood: {strong(str(result.mood))}"
    elif len(result.timeline.by_modality) > 1:
        head = timeline(result.timeline, strong)
    else:
        one = found(result.timeline.summary, strong, among=result.timeline.by_modality)
        head = f"{strong(title(result.timeline.source))}: {one}"
    if not result.songs and (result.timeline is None or result.timeline.readings):
        if absent:
            return f"{head}\n{absent}"
        lines = [head, "no song meets all your conditions on licence, genre, length and the like; drop some of them"]
        return "\n".join(lines + ([advice(result.advice, [])] if result.advice else []))
    if not result.songs:
        return f"{head}; choose a mood by hand with --mood"
    lines = [head]
    is_mixed = len(result.asked_for) > 1
    if is_mixed:
        shares = ", ".join(f"{wish.emotion} {wish.share:.0%}" for wish in result.asked_for)
        lines.append(f"shares of the list: {shares}")
    songs = [item.song for item in result.songs]
    if detailed:
        lines += [recommendation(i, item, strong) for i, item in enumerate(result.songs, start=1)]
    else:
        notes = [
            "  ".join(filter(None, [item.asked_for * is_mixed, "does not fit" * (not item.fits)]))
            for item in result.songs
        ]
        numbers = [f"{i:2d}. " for i in range(1, len(songs) + 1)]
        lines += song_list.rows(songs, before=numbers, after=notes, width=width, strong=strong)
    if result.advice:
        lines.append(advice(result.advice, result.songs))
    lines += ["", *song_list.footnotes(songs, detailed=detailed)]
    if result.uses_history:
        where = "" if detailed else " (--details shows the UIDs)"
        lines.append(f"Tell it which songs you like, and it learns: edge-emo history add kept UID{where}.")
    else:
        lines.append(f"The same songs again: --seed {result.seed}")
    return "\n".join(lines)


def advice(given: Advice, found: Sequence[Recommendation]) -> str:
    """Return how many songs fit, and what to do for more: tag one's own, or which options to leave out."""
    unmet = f", and none is {' or '.join(given.unmet)}" if given.fitting and given.unmet else ""
    fits = f"{given.fitting} of {given.asked} songs fit{unmet}"
    untagged = sum(not item.fits and item.song.path is not None and item.song.mood_from in _ROUGH for item in found)
    less = [
        f"{_OPTIONS[each.condition]} ({each.songs} would fit)"
        for each in given.relax
        if not (untagged and each.condition == "local")  # which is meant, as long as the own songs can be placed better
    ]
    if not untagged:
        return f"{fits}; drop {' or '.join(less) or 'more than one of the conditions'}"
    has = "has" if untagged == 1 else "have"
    drop = f", or drop {' or '.join(less)}" if less else ""
    return (
        f"{fits}; {untagged} of the others {has} no mood tag, which would place them better: see “Correct a mood” in "
        f"docs/how-to/own-music.md{drop}"
    )


def recommendation(number: int, item: Recommendation, strong: Strong = str) -> str:
    """Return a recommended song with its reason and all about it."""
    about = song_list.details(item.song, strong)
    return f"{number:2d}. {about}\n    why: {plain(item.reason)} (score {item.score:.2f})"


def scored(result: Scored, strong: Strong = str, *, detailed: bool = False, width: int | None = None) -> str:
    """Return the songs of a film by their time, which of them ask for a credit, and what was written."""
    songs = [cue.song for cue in result.cues]
    times = [f"{song_list.clock(cue.start_s)} – {song_list.clock(cue.end_s)}" for cue in result.cues]
    heads = [
        f"{n:2d}. {time}  {cue.found:<9} " for n, (time, cue) in enumerate(zip(times, result.cues, strict=True), 1)
    ]
    lines = [f"{strong(title(result.source))} ({song_list.clock(result.duration_s)})"]
    if detailed:
        for head, cue in zip(heads, result.cues, strict=True):
            fade = f", after a crossfade of {cue.fade_in_s:g} s" if cue.fade_in_s else ""
            lines += [
                f"{head.rstrip()}{fade}",
                f"    {song_list.details(cue.song, strong)}",
                f"    why: {plain(cue.reason)}",
            ]
    else:
        lines += song_list.rows(songs, before=heads, width=width, strong=strong)
    sheet, credits_file = map(plain, result.files)
    lines += ["", _credits_needed(songs, credits_file)]
    if any(not song.path for song in songs):
        lines.append(f"The songs themselves are not included; {credits_file} says where to get each.")
    lines += song_list.legend(songs)
    return "\n".join([*lines, f"Written: {sheet} and {credits_file}", f"The same songs again: --seed {result.seed}"])


def _credits_needed(songs: Sequence[Song], credits_file: str) -> str:
    """Return which songs need a credit line, by their numbers, and where it is."""
    credited = [str(number) for number, song in enumerate(songs, start=1) if credit(song)]
    if not credited:
        return "No song needs a credit line."
    *first, last = credited
    which = f"Songs {', '.join(first)} and {last} need" if first else f"Song {last} needs"
    if len(credited) == len(songs):
        which = "Every song needs" if first else "The song needs"
    lines = "lines" if first else "line"
    return f"{which} a credit line: copy the {lines} from {credits_file} into the video's description."


def songs(
    found: Sequence[Song],
    strong: Strong = str,
    *,
    detailed: bool = False,
    facts: Sequence[str] = (),
    width: int | None = None,
) -> str:
    """Return songs that were searched for or named; `facts` are shown of each beside what always is."""
    if detailed:
        lines = [song_list.details(song, strong) for song in found]
    else:
        lines = song_list.rows(found, after=facts, width=width, strong=strong)
    return "\n".join([*lines, "", *song_list.footnotes(found, detailed=detailed)]).rstrip()


def _region(segment: Segment, result: Timeline) -> str:
    probability = max(segment.probabilities)
    label = segment.emotion if segment.emotion == segment.raw else f"{segment.emotion} ({segment.raw})"
    note = f"  {disagreement(result)}" if segment.reason == "modalities_disagree" else ""
    bar = "█" * round(probability * 20)
    return f"{segment.start_s:7.2f} – {segment.end_s:7.2f} s  {label:<22} {probability:4.0%}  {bar}{note}".rstrip()
