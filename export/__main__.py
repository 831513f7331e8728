"""Keras files to ONNX, compared with their source.

python -m export inspect model.h5
python -m export convert model.h5 --out out/
"""

from __future__ import annotations

import contextlib
import json
import logging
import os
import sys
import warnings
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import click
import msgspec

from edge_emo.card import VoicePreprocessing
from edge_emo.errors import CardError
from export.keras_network import load
from export.keras_source import Description, SourceError, describe

N_PARITY = 500


class Shape(click.ParamType):
    """Whole numbers with commas between them."""

    name = "N,N,…"

    def convert(self, value: str, param: click.Parameter | None, ctx: click.Context | None) -> tuple[int, ...]:
        """Return the numbers."""
        try:
            shape = tuple(int(part) for part in value.split(","))
        except ValueError:
            self.fail(f"{value!r} is no list of whole numbers such as 216,1", param, ctx)
        if min(shape) < 1:
            self.fail(f"{value!r} holds a number below 1", param, ctx)
        return shape


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    """Keep what TensorFlow and its converters say off the terminal; errors are raised all the same."""
    logging.getLogger("tensorflow").setLevel(logging.ERROR)
    logging.getLogger("tf2onnx").setLevel(logging.ERROR)
    sys.stderr.flush()
    saved = os.dup(2)
    with open(os.devnull, "w") as nowhere, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        os.dup2(nowhere.fileno(), 2)  # the C++ side writes to the descriptor
        try:
            with contextlib.redirect_stdout(nowhere):
                yield
        finally:
            os.dup2(saved, 2)
            os.close(saved)


def _described(path: Path, weights: Path | None) -> Description:
    try:
        return describe(path, weights)
    except SourceError as error:
        raise click.ClickException(str(error)) from error


source = click.argument("path", metavar="MODEL", type=click.Path(path_type=Path))
weights_option = click.option(
    "--weights", type=click.Path(path_type=Path), help="Weights that belong to an architecture in JSON."
)


@click.group()
def main() -> None:
    """Turn Keras models of every age into ONNX, and prove that they compute the same."""


@main.command()
@source
@weights_option
@click.option("--json", "as_json", is_flag=True, help="As JSON.")
def inspect(path: Path, weights: Path | None, as_json: bool) -> None:
    """Tell what a model file holds, without running anything in it."""
    found = _described(path, weights)
    kinds = Counter(layer.kind for layer in found.layers)
    removed = [layer.name for layer in found.layers if layer.removed]
    if as_json:
        click.echo(
            json.dumps(
                {
                    "file": str(path),
                    "format": found.format,
                    "keras_version": found.keras_version,
                    "layers": [{"name": layer.name, "class": layer.kind} for layer in found.layers],
                    "removed_in_conversion": removed,
                },
                indent=1,
            )
        )
        return
    click.echo(f"{path}: {found.format}, " + (f"Keras {found.keras_version}" if found.keras_version else "no version"))
    for layer in found.layers:
        click.echo(f"  {layer.name:<32} {layer.kind}" + ("  (removed: does nothing in inference)" * layer.removed))
    if kinds:
        click.echo(f"{sum(kinds.values())} layers: " + ", ".join(f"{n} {kind}" for kind, n in kinds.most_common()))


@main.command()
@source
@weights_option
@click.option("--out", type=click.Path(path_type=Path, file_okay=False), required=True, help="Folder for the results.")
@click.option("--input-shape", type=Shape(), help="Where the file states none, without the batch.")
@click.option("--opset", type=click.IntRange(13, 21), default=17, show_default=True)
@click.option(
    "--front-end",
    type=click.Path(path_type=Path, dir_okay=False, exists=True),
    help="How sound becomes the input of a voice model (JSON, as `voice` in a card); with --labels gives it a card.",
)
@click.option("--labels", help="The emotions of the outputs in their order, with commas; one may come twice.")
@click.option("--license", "license_name", default="unknown", show_default=True, help="Of the weights, for the card.")
@click.option("--trust-code", is_flag=True, help="Run code that the file holds, such as Lambda layers.")
def convert(
    path: Path,
    weights: Path | None,
    out: Path,
    input_shape: tuple[int, ...] | None,
    opset: int,
    front_end: Path | None,
    labels: str | None,
    license_name: str,
    trust_code: bool,
) -> None:
    """Convert MODEL to fp32 ONNX, compare it with its source, and write what was measured beside it.

    With --front-end and --labels a card is written too, with which `edge-emo analyze --voice-model` runs the model.
    """
    if (front_end is None) != (labels is None):
        raise click.UsageError("a card needs both --front-end and --labels")
    found = _described(path, weights)
    voice = _front_end(front_end) if front_end else None
    try:
        with quiet():
            from export.convert import ParityError, to_onnx

            network = load(found, input_shape=input_shape, trust_code=trust_code)
            conversion = to_onnx(network, network.random_inputs(N_PARITY), opset)
            card = None
            if voice and labels:
                from export.cards import voice_card

                card = voice_card(network, conversion, voice, labels.split(","), license_name, N_PARITY)
    except (SourceError, ParityError, CardError) as error:
        raise click.ClickException(str(error)) from error
    from export.report import write_conversion

    try:
        written = write_conversion(found, network, conversion, card, out, N_PARITY)
    except OSError as error:
        raise click.ClickException(
            f"{out}: cannot be written ({error.strerror}); make room, or choose another"
        ) from error
    click.echo(f"{written}: differs from Keras by {conversion.largest_difference:.1e} over {N_PARITY} random inputs")


def _front_end(path: Path) -> VoicePreprocessing:
    try:
        return msgspec.json.decode(path.read_bytes(), type=VoicePreprocessing)
    except msgspec.DecodeError as error:
        raise click.ClickException(f"{path}: {error}") from error


if __name__ == "__main__":
    main(prog_name="python -m export")
