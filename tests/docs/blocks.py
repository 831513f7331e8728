"""The code blocks of the README and of docs/: found, run, checked, and their output written anew."""

from __future__ import annotations

import importlib.util
import os
import re
import shlex
import subprocess
import sys
import textwrap
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import click

from edge_emo.cli import main

ROOT = Path(__file__).parent.parent.parent
PAGES = (ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").rglob("*.md")))

_FENCE = re.compile(
    r"(?:^<!-- (?P<note>[^\n]+?) -->\n)?^```(?P<language>\w*)\n(?P<code>.*?)^```$", re.MULTILINE | re.DOTALL
)
_INLINE = re.compile(r"(?<!`)`((?:edge-emo|python -m) [^`]+)`(?!`)")
_SHELL = ("sh", "console")
_FIGURE = re.compile(r"([+-]?\d+(?:\.\d+)?)(%?)|█+")


@dataclass(frozen=True)
class Block:
    """One fenced block. `note` is the comment on the line before, such as "not run: WHY", or None."""

    page: Path
    line: int
    language: str
    code: str
    note: str | None

    @property
    def place(self) -> str:
        """Where it stands, such as "README.md:12"."""
        return f"{self.page.relative_to(ROOT).as_posix()}:{self.line}"

    @property
    def not_run(self) -> str | None:
        """Why it is not run, if so."""
        return self.note.removeprefix("not run: ") if self.note and self.note.startswith("not run: ") else None

    @property
    def is_command(self) -> bool:
        """Whether it holds commands for a shell."""
        return self.language in _SHELL

    def transcript(self) -> list[tuple[str, str]]:
        """Return the commands of a "console" block, each with the output that is shown."""
        _, *parts = re.split(r"^\$ ", self.code, flags=re.MULTILINE)
        split = [part.partition("\n") for part in parts]
        return [(command, output) for command, _, output in split]


def blocks(page: Path, text: str | None = None) -> list[Block]:
    """Return every fenced block of a page."""
    text = page.read_text(encoding="utf-8") if text is None else text
    return [
        Block(page, text.count("\n", 0, found.start("code")) + 1, found["language"], found["code"], found["note"])
        for found in _FENCE.finditer(text)
    ]


def runnable(page: Path) -> list[Block]:
    """Return the blocks of a page that are run, in order."""
    return [block for block in blocks(page) if block.language in (*_SHELL, "python") and block.note is None]


class Terminal:
    """A folder in which blocks are run, one after the other, with the commands they name on the PATH."""

    def __init__(self, folder: Path, commands: Path) -> None:
        self.folder = folder
        self.environment = {
            **os.environ,
            "PATH": f"{_commands(commands)}{os.pathsep}{os.environ['PATH']}",
            "PYTHONPATH": str(ROOT),
            "EDGE_EMO_HOME": str(commands / "data"),
            "HOME": str(folder),  # of ~/Music
            "COLUMNS": "100",
        }
        self._names: dict[str, object] = {"__name__": "__main__"}

    def shell(self, command: str) -> subprocess.CompletedProcess[str]:
        """Run a command by bash, and stop at the first that fails."""
        return subprocess.run(
            ["bash", "-euo", "pipefail", "-c", command],
            cwd=self.folder,
            env=self.environment,
            capture_output=True,
            text=True,
            encoding="utf-8",
            stdin=subprocess.DEVNULL,
        )

    def python(self, block: Block) -> None:
        """Run a Python block, which knows the names of those before it. Raises what it raises, with the page's line."""
        padded = "\n" * (block.line - 1) + block.code
        before = Path.cwd()
        os.chdir(self.folder)
        try:
            exec(compile(padded, str(block.page), "exec"), self._names)
        finally:
            os.chdir(before)


def _commands(folder: Path) -> Path:
    """Write `edge-emo`, `python` and a `pip` that installs nothing, but checks what it is asked for."""
    folder = folder / "bin"
    folder.mkdir(parents=True, exist_ok=True)
    for name, arguments in (("edge-emo", "-m edge_emo"), ("python", ""), ("pip", "-m tests.docs.pip")):
        path = folder / name
        path.write_text(f'#!/bin/sh\nexec "{sys.executable}" {arguments} "$@"\n', encoding="utf-8")
        path.chmod(0o755)
    return folder


def alike(shown: str, found: str) -> bool:
    """Tell whether output is what a page shows, but for how a processor rounds int8.

    Percentages may differ by 2, other figures by 0.02; where the first line differs so, the songs after it may, too.
    """
    if shown == found or _close(shown, found):
        return True
    first, other = shown.partition("\n")[0], found.partition("\n")[0]
    return first != other and _close(first, other)


def _close(shown: str, found: str) -> bool:
    if _FIGURE.sub("", shown) != _FIGURE.sub("", found):
        return False
    pairs = zip(_FIGURE.findall(shown), _FIGURE.findall(found), strict=True)
    return all(abs(float(a or 0) - float(b or 0)) <= (2 if percent else 0.02) for (a, percent), (b, _) in pairs)


def with_output(text: str, page: Path, run: Callable[[Block], str]) -> str:
    """Return a page with the code of each block replaced by what `run` returns."""
    found = iter(blocks(page, text))

    def replaced(match: re.Match[str]) -> str:
        return match[0].replace(match["code"], run(next(found)))

    return _FENCE.sub(replaced, text)


def inline_commands(page: Path) -> list[str]:
    """Return the commands that a page names in its sentences."""
    return [" ".join(found.split()) for found in _INLINE.findall(_FENCE.sub("", page.read_text(encoding="utf-8")))]


def words_of(commands: str) -> Iterator[list[str]]:
    """Return the words of each command of a shell that is ours: `edge-emo …` and `python -m …`, once for each pipe."""
    for line in commands.replace("\\\n", " ").splitlines():
        for part in re.split(r"\s(?:&&|\||;)\s", line.partition(" #")[0]):
            words = shlex.split(part)
            if words and Path(words[0]).name in ("edge-emo", "python"):
                yield [Path(words[0]).name, *words[1:]]


def unknown(words: list[str]) -> list[str]:
    """Return the options of a command that it does not have, or the command itself where there is none."""
    if words[0] == "edge-emo":
        return _unknown_to_click(main, words[1:])
    if words[1] != "-m":
        return []
    module = words[2]
    if importlib.util.find_spec(module) is None:
        return [module]
    package = ROOT / module.partition(".")[0]
    if not package.is_dir():
        return []  # another project's, such as pytest
    source = "".join(path.read_text(encoding="utf-8") for path in package.rglob("*.py"))
    return [option for option in _options(words[3:]) if f'"{option}"' not in source]


def _unknown_to_click(command: click.Command, words: list[str]) -> list[str]:
    if isinstance(command, click.Group) and words and not words[0].startswith("-"):
        child = command.commands.get(words[0])
        return [words[0]] if child is None else _unknown_to_click(child, words[1:])
    context = click.Context(command, **command.context_settings)
    known = {name for option in command.get_params(context) for name in (*option.opts, *option.secondary_opts)}
    return [option for option in _options(words) if option not in known]


def _options(words: list[str]) -> list[str]:
    return [word.partition("=")[0] for word in words if re.fullmatch(r"--?[a-z][\w-]*(=.*)?", word)]


def indented_commands(page: Path) -> list[str]:
    """Return commands in indented code, which no runner sees."""
    text = _FENCE.sub("", page.read_text(encoding="utf-8"))
    found = re.findall(r"^ {4,}(?:edge-emo|python|pip|\.venv/bin)\b.*$", text, re.MULTILINE)
    return [textwrap.dedent(line) for line in found]
