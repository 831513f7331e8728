"""Many sources in one call: progress, errors that do not stop the rest, and the exit code."""

from __future__ import annotations

import math
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Generic, TypeVar

import click

from edge_emo.app.documents import Failure
from edge_emo.cli import exit_codes
from edge_emo.cli.terminal import tell
from edge_emo.core.errors import EdgeEmoError
from edge_emo.core.text import plain, printable
from edge_emo.media.sources import expand

if TYPE_CHECKING:
    from rich.progress import Progress

T = TypeVar("T")


@dataclass
class Batch(Generic[T]):
    """Apply `job` to every source. Iterating yields the results; failures are told on stderr and kept.

    An interruption ends the batch; what is done by then is kept. `job` takes a source, and a function to
    tell how far it is with it, 0 to 1.
    """

    names: Sequence[str]
    job: Callable[[str, Callable[[float], object]], T]
    failures: list[Failure] = field(default_factory=list)
    interruption: KeyboardInterrupt | None = None

    def __iter__(self) -> Iterator[T]:
        if not self.names:
            raise click.UsageError("name a file, a folder, '-' for standard input, or 'sample'")
        sources = list(expand(self.names))
        with closing(Bar(len(sources))) as bar:
            for number, source in enumerate(sources):
                try:
                    yield self.job(source, partial(bar.show, number))
                except EdgeEmoError as error:
                    if error.exit_code != 1:  # a damaged model fails every source alike
                        raise
                    bar.tell(str(error))
                    self.failures.append(Failure(printable(source), str(error), error.exit_code))
                except KeyboardInterrupt as error:
                    bar.tell(f"interrupted; {len(sources) - number} of {len(sources)} sources were not done")
                    self.interruption = error
                    return
                bar.show(number + 1)

    def exit_code(self, recognized: bool) -> int:
        """Return what to end with, given whether anything was recognised in any source."""
        if self.interruption:
            return getattr(self.interruption, "exit_code", exit_codes.INTERRUPTED)
        if self.failures:
            return max(failure.exit_code for failure in self.failures)
        return exit_codes.DONE if recognized else exit_codes.NOTHING_RECOGNISED


def warn(warnings: Sequence[str]) -> None:
    """Tell what a decoder lost."""
    for warning in warnings:
        tell(f"warning: {warning}")


class Bar:
    """A progress bar on a terminal's standard error, shown once the work has taken a second."""

    def __init__(self, total: int, title: str = "Analyzing") -> None:
        self._total, self._title = total, title
        self._due = time.monotonic() + 1 if sys.stderr is not None and sys.stderr.isatty() else math.inf
        self._progress: Progress | None = None

    def show(self, done: float, part: float = 0.0) -> None:
        """Show that `done` of the total are done, and `part` of the next."""
        if self._progress is None:
            if time.monotonic() < self._due:
                return
            from rich.console import Console
            from rich.progress import Progress

            # what goes to a file or a pipe must not be drawn above the bar instead
            console = Console(stderr=True)
            self._progress = Progress(console=console, transient=True, redirect_stdout=sys.stdout.isatty())
            self._progress.add_task(self._title, total=self._total)
            self._progress.start()
        self._progress.update(self._progress.task_ids[0], completed=done + part)

    def tell(self, message: str) -> None:
        """Print a line on standard error, above the bar where there is one."""
        if self._progress:
            line = f"edge-emo: {plain(message)}"
            self._progress.console.print(line, markup=False, highlight=False, soft_wrap=True)
        else:
            tell(message)

    def close(self) -> None:
        """Take the bar away."""
        if self._progress:
            self._progress.stop()
