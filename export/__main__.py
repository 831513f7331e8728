"""Keras files to quantised ONNX, compared with their source.

python -m export inspect model.h5
python -m export convert model.h5 --out out/
python -m export convert model.h5 --out out/ --task face --labels angry,happy,sad --calibrate pictures/
python -m export verify out/
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ["KERAS_BACKEND"] = "tensorflow"  # whatever trains elsewhere: only its graphs become ONNX

import click
import msgspec

from edge_emo.cli.help import Command
from edge_emo.cli.terminal import signals_raised
from edge_emo.core.errors import CardError
from edge_emo.core.text import to_install
from edge_emo.models.card_json import decoded
from edge_emo.models.schema import FacePreprocessing, VoicePreprocessing
from export.keras.inspection import as_text, inspected
from export.keras.loading import load
from export.keras.network import InputShape, Network
from export.keras.quiet import quiet
from export.keras.source import Description, SourceError, describe
from export.measure.label_names import LabelError, Labels, parsed

if TYPE_CHECKING:
    from export.measure.inference import Meaning
    from export.measure.samples import Samples


class Shape(click.ParamType):  # type: ignore[type-arg, unused-ignore]  # which is generic in new releases of click
    """Whole numbers with commas between them; ? for a size that stays open."""

    name = "N,N,…"

    def convert(self, value: str, param: click.Parameter | None, ctx: click.Context | None) -> InputShape:
        """Return the numbers, None for ?."""
        try:
            shape = tuple(None if part.strip() == "?" else int(part) for part in value.split(","))
        except ValueError:
            self.fail(f"{value!r} is no list of whole numbers such as 216,1", param, ctx)
        if min(size or 1 for size in shape) < 1 or 0 in shape:
            self.fail(f"{value!r} holds a number below 1", param, ctx)
        return shape


def _described(path: Path, weights: Path | None) -> Description:
    try:
        return describe(path, weights)
    except SourceError as error:
        raise click.ClickException(str(error)) from error
    except ImportError as error:
        raise _missing(error) from error


def _missing(error: ImportError) -> click.ClickException:
    return click.ClickException(f"{error.name} is missing; {to_install('export')}")


source = click.argument("path", metavar="MODEL", type=click.Path(path_type=Path))
weights_option = click.option(
    "--weights", type=click.Path(path_type=Path), help="Weights that belong to an architecture in JSON."
)


class _Command(Command):
    groups: ClassVar[dict[str, str]] = {
        "Model": "weights input_shape trust_code",
        "What it is for": "task labels outputs front_end",
        "int8": "calibrate force",
        "Results": "out opset license_name as_json",
    }


class _Group(click.Group):
    command_class = _Command


@click.group(cls=_Group, context_settings={"help_option_names": ["-h", "--help"]})
def main() -> None:
    """Turn Keras models of every age into ONNX, and prove that they compute the same."""


@main.command(
    short_help="Show what a model file holds, without running it.",
    examples=("python -m export inspect model.h5", "python -m export inspect model.json --weights weights.h5 --json"),
)
@source
@weights_option
@click.option("--input-shape", type=Shape(), help="Where the file states none, without the batch; ? keeps a size open.")
@click.option("--json", "as_json", is_flag=True, help="As JSON.")
def inspect(path: Path, weights: Path | None, input_shape: InputShape | None, as_json: bool) -> None:
    """Show what a model file holds, and what of it a conversion leaves out. No code in it is run, and no graph."""
    found = inspected(_described(path, weights), input_shape)
    click.echo(json.dumps(found, indent=1) if as_json else as_text(found))
    if found["note"]:
        click.echo(found["note"], err=True)
    if found["problem"]:
        raise click.ClickException(found["problem"])


@main.command(
    short_help="Convert a model to ONNX, fp32 and int8.",
    examples=(
        "python -m export convert voice.h5 --out out/ --front-end front-end.json --labels angry,calm,happy "
        "--calibrate recordings/",
        "python -m export convert face.keras --out out/ --task face --labels angry,happy,sad --calibrate pictures/",
    ),
)
@source
@weights_option
@click.option("--out", type=click.Path(path_type=Path, file_okay=False), required=True, help="Folder for the results.")
@click.option("--input-shape", type=Shape(), help="Where the file states none, without the batch; ? keeps a size open.")
@click.option("--opset", type=click.IntRange(13, 21), default=17, show_default=True, help="Of the ONNX files.")
@click.option("--task", type=click.Choice(["voice", "face"]), help="What the model is for.")
@click.option(
    "--labels",
    help="The emotions of the outputs in their order, with commas; one may come twice. boredom=neutral reads an output "
    "as another emotion, gender=- leaves it out.",
)
@click.option(
    "--outputs",
    type=click.Choice(["probabilities", "logits", "values"]),
    help="What the outputs are, where running the model does not show it. Values, such as valence and arousal, are "
    "judged by their error, not by labels.",
)
@click.option(
    "--front-end",
    type=click.Path(path_type=Path, dir_okay=False, exists=True),
    help="How sound or a picture becomes input (JSON, as `voice` or `face` in a card). A face model without it is "
    "given pixels from 0 to 1, or as they are if it scales them itself.",
)
@click.option(
    "--calibrate",
    type=click.Path(path_type=Path, exists=True),
    help="Real recordings or pictures, best in one folder for each label, or an .npz with `inputs`; int8 needs them.",
)
@click.option("--force", is_flag=True, help="Write int8 also without real inputs or beyond the limits; marked so.")
@click.option("--license", "license_name", default="unknown", show_default=True, help="Of the weights, for the card.")
@click.option(
    "--trust-code",
    is_flag=True,
    help="Run code that the file holds: Lambda layers, or operators of a SavedModel that do more than compute.",
)
def convert(
    path: Path,
    weights: Path | None,
    out: Path,
    input_shape: InputShape | None,
    opset: int,
    task: str | None,
    labels: str | None,
    outputs: Meaning | None,
    front_end: Path | None,
    calibrate: Path | None,
    force: bool,
    license_name: str,
    trust_code: bool,
) -> None:
    """Convert MODEL to fp32 and int8 ONNX, compare both with their source, and write what was measured beside them.

    With --labels and --front-end (a face needs --task face alone) the card says how sound or a picture becomes input,
    which the runtime needs. int8 needs --calibrate. Ends with 0 only where every limit is kept.
    """
    task = task or ("voice" if front_end or labels else None)
    if task and not labels:
        raise click.UsageError(f"a {task} model needs --labels, the emotions of its outputs in their order")
    if task == "voice" and not front_end:
        raise click.UsageError("a voice model needs --front-end, how sound becomes its input")
    try:
        named = parsed(labels or "")
    except LabelError as error:
        raise click.ClickException(str(error)) from error
    names = named.emotions
    found = _described(path, weights)
    stated = _front_end(front_end, FacePreprocessing if task == "face" else VoicePreprocessing) if front_end else None
    try:
        with quiet() as tell:
            from export.measure.samples import labelled_files, read_samples
            from export.outcome import tell_left_out, tell_made
            from export.pipeline import export, replaced, write

            tell("loading the model")
            network = load(found, input_shape=input_shape, trust_code=trust_code)
            if names and len(named.names) != network.n_outputs:
                raise SourceError(
                    f"--labels names {len(named.names)} emotions, but {path} has {network.n_outputs} outputs"
                )
            if named.kept is not None:
                network = network.keeping(named.kept)
            preprocessing = stated or (_pixels(network, found) if task == "face" else None)
            real: Samples | None = None
            left_out: list[str] = []
            recordings: list[tuple[Path, str]] = []
            if calibrate:
                tell("reading the real inputs")
                known = named if names else Labels(*[tuple(map(str, range(network.n_outputs)))] * 2)
                real, left_out = read_samples(calibrate, network.input_shape, known, preprocessing)
                if calibrate.is_dir() and real.labels and isinstance(preprocessing, VoicePreprocessing):
                    recordings = labelled_files(calibrate, known, "recording", skipped=lambda _: None)
            made = export(
                found, network, opset=opset, preprocessing=preprocessing, labels=names, license_name=license_name,
                real=real, force=force, tell=tell, stated=outputs, recordings=recordings,
            )  # fmt: skip
    except (SourceError, CardError) as error:
        raise click.ClickException(str(error)) from error
    except ImportError as error:
        raise _missing(error) from error
    other = replaced(made, out)
    try:
        removed = write(made, out)
    except OSError as error:
        raise click.ClickException(
            f"{out}: cannot be written ({error.strerror}); make room, or choose another"
        ) from error
    tell_left_out(left_out)
    if other:
        click.echo(f"{out}: replaces the conversion of {'another ' * (other == path.name)}{other}", err=True)
    for name in removed:
        click.echo(f"removed {out / name}, of an earlier export", err=True)
    tell_made(made, out, task)
    sys.exit(0 if made.holds else 1)


@main.command(
    short_help="Check converted models against their limits again.",
    examples=("python -m export verify out/", "python -m export verify out/ && cp out/voice.int8.* models/"),
)
@click.argument("folder", type=click.Path(path_type=Path, exists=True, file_okay=False))
def verify(folder: Path) -> None:
    """Measure every gate again on the files in FOLDER, as they lie there.

    A gate is a figure with a limit that it has to keep, such as the share of labels on which int8 agrees with fp32.
    Ends with 0 only where every gate holds.
    """
    try:
        from export.keras.verify import verify as checks
    except ImportError as error:
        raise _missing(error) from error
    failed = 0
    for check in checks(folder):
        click.echo(f"{'ok    ' if check.holds else 'FAILED'} {check.file}: {check.text}")
        failed += not check.holds
    sys.exit(1 if failed else 0)


def _front_end(path: Path, kind: type[Any]) -> Any:
    """Return the front end in a file, alone or as in a card, under "preprocessing"."""
    try:
        content = path.read_bytes()
        stated = msgspec.json.decode(content)
        if isinstance(stated, dict) and set(stated) == {"preprocessing"}:
            content = msgspec.json.encode(stated["preprocessing"])
        return decoded(content, kind)
    except (msgspec.DecodeError, ValueError) as error:
        raise click.ClickException(f"{path}: {error}") from error


def _pixels(network: Network, description: Description) -> FacePreprocessing:
    """Return the front end of a face model by its input: pixels from 0 to 1, unless it scales them itself."""
    shape = network.input_shape
    if len(shape) != 3 or None in shape or not {shape[0], shape[2]} & {1, 3}:
        raise SourceError(f"{network.name}: takes {shape}, which is no picture; say how it is made with --front-end")
    scales_itself = network.is_whole or any(
        layer.kind in ("Rescaling", "Normalization", "TrueDivide") for layer in description.layers
    )
    colors_last = shape[2] in (1, 3)
    height, width = shape[:2] if colors_last else shape[1:]
    return FacePreprocessing(
        width=width or 1,
        height=height or 1,
        color="gray" if shape[2 if colors_last else 0] == 1 else "rgb",
        layout="hwc" if colors_last else "chw",
        std=(1.0,) if scales_itself else (255.0,),
    )


if __name__ == "__main__":
    with signals_raised():
        main(prog_name="python -m export")
