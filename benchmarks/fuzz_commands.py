"""Commands with odd arguments."""

from __future__ import annotations

import random
from collections.abc import Sequence
from pathlib import Path

from benchmarks.fuzz_kind import Kind
from benchmarks.fuzz_media import encoded, recorded
from benchmarks.fuzz_mutations import mutated
from benchmarks.fuzz_songs import csv_list
from edge_emo.errors import EdgeEmoError

_COMMANDS = (
    "recommend --mood happy --seed 1 --no-history -n 3 --bpm 60-90 --genre jazz --min-duration 30 --json",
    "recommend sound.wav --no-face --seed 1 --no-history --max-duration 200",
    "songs search evening --limit 3 --license cc-by",
    "songs show ytal:f02a00718c92a1cb --csv",
    "songs import songs.csv --encoding utf-8 --format csv --data-dir data",
    "songs import songs.csv --format lmc --skip-bad --data-dir data",
    "songs remove a:1 --data-dir data",
    "history add played a:1 --data-dir data",
    "history stats --top 3 --data-dir data --json",
    "history forget --before 2020-01-01 --yes --data-dir data",
    "models list --csv",
    "analyze sound.wav --fps 5 --precision fp32 --threads 1 --csv",
    "analyze picture.png --detector picture.png",
)
_OPTION_WORDS = (
    b"nan", b"inf", b"-inf", b"-1", b"0", b"1e400", b"hex", b"rot13", b"utf-16", b"base64", b"idna", b"undefined",
    b"\0", b"\xff", b"nan-nan", b"1-2-3", b"\x1b[31m", b"9" * 30, b"--json\n--csv", b"\n", b"-", b"sample", b".", b"-h",
    b"http:", b"concat:sound.wav|sound.wav", b"%d.png", b"picture.png", b"songs.csv", b"data", b"fifo",
)  # fmt: skip


def command_line() -> Kind:
    """Return the kind whose inputs are command lines."""
    made = [command.replace(" ", "\n").encode() for command in _COMMANDS]
    return Kind("command line", "txt", lambda: made, _run, _OPTION_WORDS, mutate=_with_odd_arguments)


def _with_odd_arguments(seeds: Sequence[bytes], words: Sequence[bytes], rng: random.Random) -> bytes:
    """Return a command in which one to three arguments are odd, but for its own name."""
    arguments = rng.choice(seeds).split(b"\n")
    values = [n for n, argument in enumerate(arguments) if n > 1 and not argument.startswith(b"--")]
    for _ in range(rng.choice((1, 1, 2, 3))):
        at = rng.choice(values) if values else len(arguments) - 1
        arguments[at] = rng.choice(words) if rng.random() < 0.7 else mutated([arguments[at]], words, rng)
    return b"\n".join(arguments)


def _run(path: Path) -> None:
    """Run a command, an argument on each line, in a folder with a sound, a picture and songs in it."""
    from click.testing import CliRunner

    from edge_emo.cli import main

    (path.parent / "sound.wav").write_bytes(recorded("wav", [{}])[0])
    (path.parent / "picture.png").write_bytes(encoded("png")[0])
    (path.parent / "songs.csv").write_bytes(csv_list())
    # without a slash no command leaves the folder, whatever it writes
    arguments = path.read_bytes().replace(b"/", b"_").decode("utf-8", "surrogateescape").split("\n")
    if "--watch" in arguments:  # goes on for ever, as it should
        return
    done = CliRunner().invoke(main, arguments, env={"EDGE_EMO_HOME": str(path.parent / "home")})
    if done.exception is not None and not isinstance(done.exception, SystemExit):
        raise done.exception
    assert done.exit_code in range(5), f"exit code {done.exit_code}"
    if done.exit_code:
        raise EdgeEmoError(done.output)
