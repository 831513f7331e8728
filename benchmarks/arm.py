"""What the networks answer on 64-bit Arm and on this x86-64 processor, and the tests about models run on Arm.

python -m benchmarks.arm --json benchmarks/results/arm.json

An emulator computes what the boards compute, 20 to 300 times slower: this compares results and measures no time.
"""

from __future__ import annotations

import json
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import click
import cv2
import numpy as np

from benchmarks import environment
from benchmarks.arm_answers import Plan, answer, compared, front_end_gaps, network_inputs
from benchmarks.arm_root import PROCESSORS, QEMU, SUITE, ArmRoot, Processor
from benchmarks.arm_variants import plain_variants, rows_of_variants, saturating
from edge_emo.bench.machine import cpu_flags
from edge_emo.models.card_json import read_card
from edge_emo.models.manifest import models_folder, read_manifest
from export.train.corpora import DATA, EMODB_TRAINING, corpus_folder, emodb
from export.train.detector_data import parts, photos
from export.train.face_data import ferplus

N_COMPARED = {"voice": 200, "face": 200, "detector": 20}
"""Inputs of each kind of network at most."""
N_READ = 20
"""Files of each kind that are read on Arm too."""
INT8_ALONE = ("cortex-a76",)
"""Processors that differ from the first in their instructions for int8."""

ANSWERS_S, TESTS_S = 3600, 1800
SAYS_NOTHING = "takes minutes here, and says nothing about a processor"
STARTS_A_PROCESS = "starts a process of its own, which the emulator does not follow"
TESTS = (
    "tests/test_golden.py",
    "tests/models/test_session.py",
    "tests/models/test_card.py",
    "tests/voice/test_activity.py",
    "tests/voice/test_recognizer.py",
    "tests/face",
)
LEFT_OUT = {
    "tests/models/test_session.py::test_import_is_light_and_telemetry_is_off": STARTS_A_PROCESS,
    "tests/models/test_session.py::test_the_functions_of_the_package_can_be_called_again": STARTS_A_PROCESS,
    "tests/models/test_card.py::test_no_mutation_of_a_card_gives_a_traceback": SAYS_NOTHING,
    "tests/models/test_card.py::test_no_json_gives_a_traceback": SAYS_NOTHING,
    "tests/voice/test_recognizer.py::test_memory_of_a_long_stream_stays_bounded": SAYS_NOTHING,
}


def files(data: Path, folder: Path) -> dict[str, list[Path]]:
    """Return recordings of people the shipped networks never heard, and faces and photos they never saw.

    The faces, of FER+ PublicTest, are written as pictures into `folder`.
    """
    clips = [clip.path for clip in emodb(corpus_folder(data, "emodb")) if clip.speaker not in EMODB_TRAINING]
    known = ferplus(corpus_folder(data, "ferplus"), 1, judged=True).pictures
    places = np.linspace(0, len(known) - 1, N_COMPARED["face"]).astype(int)
    faces = [folder / f"face{place}.png" for place in places]
    for path, place in zip(faces, places, strict=True):
        cv2.imwrite(str(path), known[place])
    judged = parts(photos(corpus_folder(data, "detector")))["judge"]
    return {"voice": clips, "face": faces, "detector": [photo.path for photo in judged[: N_COMPARED["detector"]]]}


def plan(read: Mapping[str, Sequence[Path]], folder: Path) -> Plan:
    """Write the inputs of every network that ships into `folder`; return what every processor shall answer."""
    networks: dict[str, tuple[str, str]] = {}
    front_ends: dict[str, tuple[str, list[str]]] = {}
    for name, entry in read_manifest().models.items():
        card_path, inputs = models_folder() / entry.cards["fp32"], folder / f"{name}.npz"
        card = read_card(card_path)
        rows = [row for path in read[card.task] for row in network_inputs(card, path)]
        np.savez(inputs, *rows[: N_COMPARED[card.task]])
        for precision, file in entry.cards.items():
            networks[f"{name} {precision}"] = (str(models_folder() / file), str(inputs))
        front_ends[name] = (str(card_path), [str(path) for path in read[card.task][:N_READ]])
    return {"networks": networks, "front_ends": front_ends}


def answer_there(root: ArmRoot, processor: Processor, asked: Plan, folder: Path) -> dict[str, Any]:
    """Let an emulated processor answer into `folder`; return what it says of itself."""
    path = folder.with_suffix(".json")
    path.write_text(json.dumps(asked))
    done = root.run(processor, ["-m", "benchmarks.arm_answers", str(path), str(folder)], ANSWERS_S)
    if done.returncode:
        raise click.ClickException(f"{processor.name}: Python ended with exit code {done.returncode}")
    return {"board": processor.board, **json.loads(done.stdout)}


def tests(root: ArmRoot, processor: Processor, folder: Path) -> dict[str, Any]:
    """Run the tests about models on an emulated processor, and count them."""
    report = folder / "tests.xml"
    left_out = [word for name in LEFT_OUT for word in ("--deselect", name)]
    arguments = ["-m", "pytest", "-q", "-p", "no:cacheprovider", f"--junitxml={report}", *left_out, *TESTS]
    told = root.run(processor, arguments, TESTS_S).stdout
    suite = ElementTree.parse(report).find("testsuite") if report.exists() else None
    if suite is None:
        raise click.ClickException(f"the tests did not begin: {told[-800:]}")
    n_tests, failures, errors, skipped = (int(suite.attrib[key]) for key in ("tests", "failures", "errors", "skipped"))
    return {
        "processor": processor.name,
        "passed": n_tests - failures - errors - skipped,
        "failed": failures + errors,
        "skipped": skipped,
        "told": [line for line in told.splitlines() if line.startswith(("FAILED", "ERROR", "SKIPPED"))],
        "files": TESTS,
        "left_out": LEFT_OUT,
    }


def show(results: Mapping[str, Any]) -> None:
    """Print all tables."""
    for name, found in results["processors"].items():
        click.echo(f"\n{name}, as of a {found['board']}, beside this processor")
        click.echo(f"{'network':<24} {'inputs':>7} {'other label':>12} {'largest':>9} {'mean':>9}  same bits")
        for network, row in found["networks"].items():
            click.echo(
                f"{network:<24} {row['inputs']:>7} {row['other_labels']:>12} {row['largest']:>9.1e} {row['mean']:>9.1e}"
                f"  {'yes' if row['bit_identical'] else 'no'}"
            )
        for network, row in found["front_ends"].items():
            click.echo(
                f"{network + ', its input':<24} {row['inputs']:>7} {'':>12} {row['largest']:>9.1e} {row['mean']:>9.1e}"
            )
    click.echo(
        f"\n{'int8 variant':<40} {'inputs':>7} {'other label':>12} {'largest':>9} {'from fp32 here':>15} {'on Arm':>7}"
    )
    for name, row in results["variants"]["networks"].items():
        click.echo(
            f"{name:<40} {row['inputs']:>7} {row['other_labels']:>12} {row['largest']:>9.1e}"
            f" {row['from_fp32_here']:>15.4f} {row['from_fp32_on_arm']:>7.4f}"
        )
    click.echo(results["variants"]["note"])
    tested = results["tests"]
    counts = ", ".join(f"{tested[key]} {key}" for key in ("passed", "failed", "skipped"))
    click.echo(f"tests about models on {tested['processor']}: {counts}")
    click.echo("\n".join(tested["told"]))


@click.command()
@click.option("--data", type=click.Path(path_type=Path), default=DATA, show_default=True)
@click.option(
    "--root", "root_folder", type=click.Path(path_type=Path), help="Of the emulated board; kept. [user's cache]"
)
@click.option("--mirror", help="Address of a mirror of Debian's archive. [that of this machine's apt]")
@environment.json_option()
def main(data: Path, root_folder: Path | None, mirror: str | None, json_path: Path | None) -> None:
    """Compare this processor with emulated ones of Raspberry Pis."""
    root, first = ArmRoot(root_folder, mirror), next(iter(PROCESSORS.values()))
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        tested = tests(root, first, folder)
        asked = plan(files(data.resolve(), folder), folder)
        try:
            variants, note = plain_variants(asked["networks"], folder), ""
        except ImportError as error:
            variants, note = {}, f"plain int8 variants left out: {error}; pip install onnx"
        here = folder / "here"
        answer({**asked, "networks": {**asked["networks"], **variants}}, here)
        processors: dict[str, Any] = {}
        for processor in PROCESSORS.values():
            there, networks = folder / processor.name, asked["networks"]
            if processor.name in INT8_ALONE:
                networks = {network: files for network, files in networks.items() if network.endswith("int8")}
            wanted = {**networks, **(variants if processor is first else {})}
            told = answer_there(root, processor, {**asked, "networks": wanted}, there)
            processors[processor.name] = {
                **told,
                "networks": {network: asdict(row) for network, row in compared(networks, here, there).items()},
                "front_ends": front_end_gaps(list(asked["front_ends"]), here, there),
            }
        rows = rows_of_variants(variants, here, folder / first.name)
        vnni = "with" if any("vnni" in flag for flag in cpu_flags()) else "without"
        note = note or f"saturate here, {vnni} VNNI: {'; '.join(saturating(rows)) or 'none'}"
        results = {
            "emulator": {"version": _qemu_version(), "suite": SUITE},
            "processors": processors,
            "variants": {"processor": first.name, "networks": rows, "saturate": saturating(rows), "note": note},
            "tests": tested,
        }
    show(results)
    environment.write(json_path, "arm", results)


def _qemu_version() -> str:
    return subprocess.run([QEMU, "--version"], capture_output=True, text=True, check=True).stdout.splitlines()[0]


if __name__ == "__main__":
    main()
