"""`edge-emo score`: a song for each region of a film, as a cue sheet for the editing program."""

from __future__ import annotations

import random
from collections.abc import Callable
from os.path import isdir, isfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from edge_emo.cli import exit_codes, options
from edge_emo.cli.help import Command
from edge_emo.cli.terminal import tell
from edge_emo.core.emotions import EMOTIONS

if TYPE_CHECKING:
    from edge_emo.music.ranking.regions import Gaps
    from edge_emo.music.store.filters import Filters

_RATES = ["23.976", "24", "25", "29.97", "30", "48", "50", "59.94", "60"]


def _of_known_format(ctx: click.Context, param: click.Parameter, value: Path) -> Path:
    from edge_emo.report.cue_formats import SUFFIXES

    if value.suffix.lower() not in SUFFIXES:
        raise click.BadParameter(
            f"{value} is not a known kind of cue sheet; let its name end in one of {', '.join(SUFFIXES)}"
        )
    return value


class _Out(click.Option):
    """The option that names the cue sheet; who left it out and gave -o may have meant it."""

    def process_value(self, ctx: click.Context, value: Any) -> Any:
        try:
            return super().process_value(ctx, value)
        except click.MissingParameter:
            report = ctx.params.get("output_file")
            if report is None:
                raise
            raise click.UsageError(
                f"-o names the file for what is printed; name the cue sheet with --out {report}", ctx
            ) from None


@click.command(
    cls=Command,
    examples=(
        "edge-emo score movie.mp4 --out cues.otio --license cc-by",
        "edge-emo score movie.mp4 --out new.otio --cues cues.csv --another 3",
    ),
)
@click.argument("film")
@click.option(
    "--out",
    cls=_Out,
    required=True,
    type=click.Path(path_type=Path),
    callback=_of_known_format,
    help="The cue sheet to write. Its ending sets the format: .otio, .edl, .xml (Premiere, Resolve), .fcpxml "
    "(Final Cut Pro), .csv or .txt (Audacity).",
)
@click.option("--force", is_flag=True, help="Overwrite existing files.")
@click.option(
    "--min-stretch",
    "min_region_s",
    type=options.Finite(1, 86400),
    default=20,
    show_default=True,
    help="Shortest time, in seconds, for which a song plays.",
)
@click.option(
    "--crossfade",
    "crossfade_s",
    type=options.Finite(0, 60),
    default=2,
    show_default=True,
    help="Length, in seconds, of each crossfade and of the fade at the end.",
)
@click.option(
    "--frame-rate",
    type=click.Choice(_RATES),
    help="Frame rate of the time codes.  [default: the film's own, else 25]",
)
@click.option(
    "--mood", type=click.Choice(EMOTIONS), help="Choose one mood by hand for the whole film, without analyzing it."
)
@click.option(
    "--gaps",
    type=click.Choice(["join", "silence", *EMOTIONS]),
    default="join",
    show_default=True,
    help="What to do where no emotion is found for --min-stretch or longer: join the neighbours, stay silent, or use "
    "a mood.",
)
@click.option(
    "--cues",
    "edited",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    help="A cue sheet from an earlier run (.csv, or the output of --json), perhaps edited by hand. Its cues stay, and "
    "the film is not analyzed again; a cue without a uid gets a song for its emotion.",
)
@click.option(
    "--another",
    type=click.IntRange(1),
    multiple=True,
    metavar="CUE",
    help="Replace the song of this cue (a number in --cues). Repeat for several.",
)
@click.option("--seed", type=click.IntRange(0), help="Get the same songs every time.")
@options.filters(min_duration_s=30, occasions=False)
@click.option("--catalogue", type=click.Path(exists=True), help="Use this catalogue instead of the bundled one.")
@options.user_data
@options.recognition
@options.details
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
    details: bool,
    output: str,
    **asked: Any,
) -> None:
    """Score a film: choose songs and write a cue sheet.

    Each part of FILM gets a song, and the sheet opens in your editing program. FILM is a film, a sound file, or
    "sample" for the bundled synthetic voice. No song comes twice. A second file beside the cue sheet holds the credit
    lines for the video's description and says where to get each song.
    """
    from edge_emo.analysis.modalities import MODALITIES, taking
    from edge_emo.app.documents import Scored, ScoreDocument
    from edge_emo.app.edited_cues import read
    from edge_emo.app.library import library
    from edge_emo.app.scoring import Footage, Scoring, analyzed, stated, stated_length
    from edge_emo.app.scoring_notes import notes
    from edge_emo.cli import cue_files
    from edge_emo.cli.batch import Batch, warn
    from edge_emo.cli.printing import put, put_rows, put_text, strong, width
    from edge_emo.core import timecode
    from edge_emo.core.errors import CueSheetError, NoVoiceError
    from edge_emo.core.text import printable
    from edge_emo.media.demuxer import Demuxer
    from edge_emo.media.film import frame_rate as stated_rate
    from edge_emo.media.sources import expand
    from edge_emo.music.ranking.recommend import Recommender
    from edge_emo.report import machine, text
    from edge_emo.report.cue_formats import rows as cue_rows
    from edge_emo.report.cue_sheet import CueSheet

    if edited and mood:
        raise click.UsageError("--cues keeps the songs and --mood chooses new ones; drop one of them")
    if another and not edited:
        raise click.UsageError("--another replaces a cue of an earlier sheet; name that sheet with --cues")
    found = list(expand([film]))
    if film == "-" or isdir(film) or len(found) != 1:
        raise click.UsageError("a cue sheet needs exactly one film, as a file")
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
        length_s = stated_length(name, opened) if opened else None
        return analyzed(analyzer(name, on_progress, film=opened), listened=listens, stated_s=length_s)

    batch = Batch(found, look)
    for footage in batch:
        if footage.timeline is not None:
            warn(footage.timeline.warnings)
        try:
            cues = scoring.cues(footage)
        except NoVoiceError as error:
            tell(error)
            ctx.exit(exit_codes.NOTHING_RECOGNISED)
        except CueSheetError as error:
            raise CueSheetError(f"{edited}: {error}") from error
        for note in notes(scoring, footage, cues):
            tell(note)
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
            put_text(text.scored(result, strong, detailed=details, width=width()))
    for failure in batch.failures:
        if output == "json":
            put(machine.json_document(ScoreDocument([], [failure])))
        elif output == "jsonl":
            put(machine.json_line(failure))
    ctx.exit(batch.exit_code(recognized=True))
