"""Many sources in one call: progress, errors that do not stop the rest, and the exit code."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Generic, TypeVar

import click

from edge_emo.errors import EdgeEmoError
from edge_emo.report.documents import Failure
from edge_emo.sources import expand

T = TypeVar("T")

NOTHING_RECOGNISED = 4


@dataclass
class Batch(Generic[T]):
    """Apply `job` to every source. Iterating yields the results; failures are told on stderr and kept."""

    names: Sequence[str]
    job: Callable[[str], T]
    failures: list[Failure] = field(default_factory=list)

    def __iter__(self) -> Iterator[T]:
        if not self.names:
            raise click.UsageError("name a recording, a folder, '-' for standard input, or 'sample'")
        for source in _with_progress(list(expand(self.names))):
            try:
                yield self.job(source)
            except EdgeEmoError as error:
                if error.exit_code != 1:  # a damaged model fails every source alike
                    raise
                click.echo(f"edge-emo: {error}", err=True)
                self.failures.append(Failure(source, str(error), error.exit_code))

    def exit_code(self, recognised: bool) -> int:
        """Return what to end with, given whether anything was recognised in any source."""
        if self.failures:
            return max(failure.exit_code for failure in self.failures)
        return 0 if recognised else NOTHING_RECOGNISED


def warn(warnings: Sequence[str]) -> None:
    """Tell what a decoder lost."""
    for warning in warnings:
        click.echo(f"edge-emo: warning: {warning}", err=True)


def _with_progress(sources: list[str]) -> Iterator[str]:
    if len(sources) < 2 or not sys.stderr.isatty():
        yield from sources
        return
    from rich.console import Console
    from rich.progress import track

    yield from track(sources, "Listening", console=Console(stderr=True), transient=True)
