"""`edge-emo score`: a song for each region of a film, as a cue sheet for the editing program."""

from __future__ import annotations

import random
from collections.abc import Callable
from os.path import isdir, isfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from edge_emo.cli import exit_codes, options
from edge_emo.cli.terminal import tell
from edge_emo.core.emotions import EMOTIONS

if TYPE_CHECKING:
    from edge_emo.music.ranking.regions import Gaps
    from edge_emo.music.store.filters import Filters

_RATES = ["23.976", "24", "25", "29.97", "30", "48", "50", "59.94", "60"]


def _of_known_format(ctx: click.Context, param: click.Parameter, value: Path) -> Path:
    from edge_emo.report.cue_formats import SUFFIXES

    if value.suffix.lower() not in SUFFIXES:
        raise click.BadParameter(f"{value} is no known cue sheet; end its name in one of {', '.join(SUFFIXES)}")
    return value


@click.command()
@click.argument("film")
@click.option(
    "--out",
    required=True,
    type=click.Path(path_type=Path),
    callback=_of_known_format,
    help="The cue sheet, its format by its end: .otio, .edl, .xml (Premiere, Resolve), .fcpxml (Final Cut Pro), "
    ".csv, .txt (Audacity). The credits are written beside it.",
)
@click.option("--force", is_flag=True, help="Replace files that are there already.")
@click.option(
    "--min-stretch",
    "min_region_s",
    type=options.Finite(1, 86400),
    default=20,
    show_default=True,
    help="Seconds that a song is heard at least.",
)
@click.option(
    "--crossfade",
    "crossfade_s",
    type=options.Finite(0, 60),
    default=2,
    show_default=True,
    help="Seconds from one song to the next, and of the fade at the end.",
)
@click.option(
    "--frame-rate",
    type=click.Choice(_RATES),
    help="Frames a second of the time codes.  [default: those of the film, else 25]",
)
@click.option(
    "--mood", type=click.Choice(EMOTIONS), help="Choose by hand for all of it instead of looking and listening."
)
@click.option(
    "--gaps",
    type=click.Choice(["join", "silence", *EMOTIONS]),
    default="join",
    show_default=True,
    help="Where nothing is found for as long as --min-stretch: join what is around it, silence, or a mood.",
)
@click.option(
    "--cues",
    "edited",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    help="A cue sheet written before, .csv or the output of --json, and edited: its cues are kept, without looking "
    "again; one whose uid is empty gets another song.",
)
@click.option(
    "--another",
    type=click.IntRange(1),
    multiple=True,
    metavar="CUE",
    help="The number of a cue of --cues that gets another song; may be repeated.",
)
@click.option("--seed", type=click.IntRange(0), help="The same songs every time.")
@options.filters(min_duration_s=30, occasions=False)
@click.option("--catalogue", type=click.Path(exists=True), help="Another catalogue than the one that ships.")
@options.user_data
@options.recognition
@options.output_format
@click.pass_context
def score(
    ctx: click.Context,
    /,
    film: str,
    out: Path,
    force: bool,
    min_region_s: float,
    crossfade_s: float,
    frame_rate: str | None,
    mood: str | None,
    gaps: Gaps,
    edited: Path | None,
    another: tuple[int, ...],
    seed: int | None,
    filters: Filters,
    catalogue: str | None,
    data_dir: str | None,
    output: str,
    **asked: Any,
) -> None:
    """Choose a song for each region of FILM, and write when which is heard as a cue sheet.

    FILM is a film or a sound file, or "sample" for the synthetic voice that ships. Beside the cue sheet, the credits
    to paste under the video are written. No song comes twice.
    """
    from edge_emo.analysis.modalities import MODALITIES, taking
    from edge_emo.app.documents import Scored, ScoreDocument
    from edge_emo.app.edited_cues import read
    from edge_emo.app.library import library
    from edge_emo.app.scoring import Footage, Scoring, analyzed, stated
    from edge_emo.cli import cue_files
    from edge_emo.cli.batch import Batch, warn
    from edge_emo.cli.printing import put, put_rows, strong
    from edge_emo.core import timecode
    from edge_emo.core.errors import NoVoiceError
    from edge_emo.core.text import printable
    from edge_emo.media.demuxer import Demuxer
    from edge_emo.media.film import frame_rate as stated_rate
    from edge_emo.media.sources import expand
    from edge_emo.music.ranking.recommend import Recommender
    from edge_emo.report import machine, text
    from edge_emo.report.cue_formats import rows as cue_rows
    from edge_emo.report.cue_sheet import CueSheet

    if edited and mood:
        raise click.UsageError("--cues keeps what it says and --mood chooses anew; drop one of them")
    if another and not edited:
        raise click.UsageError("--another is for cues that were written before; name their file with --cues")
    found = list(expand([film]))
    if film == "-" or isdir(film) or len(found) != 1:
        raise click.UsageError("a cue sheet is for one film that is a file")
    source = Path(found[0]).absolute()
    opened = Demuxer(source) if isfile(source) else None  # read by what looks at it or asks for its length
    own_rate = stated_rate(source, opened) if opened else None
    rate = timecode.RATES[frame_rate] if frame_rate else timecode.nearest_rate(own_rate)
    cue_files.check(out, rate, may_replace=force)  # before the film, which may take minutes
    kept = read(edited, rate) if edited else None
    recommender = Recommender(ctx.with_resource(library(catalogue, data_dir, tell)).catalogue)
    seed = random.randrange(2**31) if seed is None else seed
    scoring = Scoring(recommender, seed, filters, min_region_s, crossfade_s, gaps, mood, kept, another)
    if scoring.needs_timeline:
        from edge_emo.analysis.analyzer import Analyzer

        analyzer = Analyzer(**asked)
        listens = any(asked.get(name, True) for name in taking("sound", MODALITIES))

    def look(name: str, on_progress: Callable[[float], object]) -> Footage:
        if not scoring.needs_timeline:
            return stated(name, opened)
        return analyzed(analyzer(name, on_progress, film=opened), listened=listens)

    batch = Batch(found, look)
    for footage in batch:
        if footage.timeline is not None:
            warn(footage.timeline.warnings)
        try:
            cues = scoring.cues(footage)
        except NoVoiceError as error:
            tell(error)
            ctx.exit(exit_codes.NOTHING_RECOGNISED)
        sheet = CueSheet(
            source=footage.source,
            path=source,
            duration_s=footage.duration_s,
            frame_rate=rate,
            has_picture=own_rate is not None,
            has_sound=footage.has_sound,
            cues=tuple(cues),
        )
        files = [printable(str(path)) for path in cue_files.write(sheet, out, may_replace=force)]
        result = Scored(footage.source, footage.duration_s, float(rate), seed, cues, files)
        if output == "json":
            put(machine.json_document(ScoreDocument([result], batch.failures)))
        elif output in ("csv", "jsonl"):
            put_rows(output, cue_rows(sheet), None)
        else:
            click.echo(text.scored(result, strong))
    for failure in batch.failures:
        if output == "json":
            put(machine.json_document(ScoreDocument([], [failure])))
        elif output == "jsonl":
            put(machine.json_line(failure))
    ctx.exit(batch.exit_code(recognized=True))
