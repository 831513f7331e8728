"""The command line: one module per command. Data goes to stdout, everything else to stderr.

Exit codes: 0 done, 1 bad input, 2 wrong usage, 3 model or catalogue damaged, 4 nothing to recognise,
130 interrupted, 143 and 129 ended by SIGTERM and SIGHUP.
"""

from __future__ import annotations

import errno
import io
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import click

from edge_emo.cli import exit_codes
from edge_emo.cli.analyze import analyze
from edge_emo.cli.bench import bench
from edge_emo.cli.doctor import doctor
from edge_emo.cli.help import Group
from edge_emo.cli.history import history
from edge_emo.cli.kiosk import kiosk
from edge_emo.cli.live import live
from edge_emo.cli.models import models
from edge_emo.cli.recommend import recommend
from edge_emo.cli.score import score
from edge_emo.cli.songs import songs
from edge_emo.cli.terminal import signals_raised, tell
from edge_emo.cli.version import show_version
from edge_emo.core.errors import EdgeEmoError
from edge_emo.core.text import plain

_FULL = {errno.ENOSPC, getattr(errno, "EDQUOT", errno.ENOSPC), errno.EFBIG, errno.EIO}  # Windows has no quota


class _Main(Group):
    def main(self, *args: Any, **options: Any) -> Any:
        for stream in (sys.stdout, sys.stderr):
            if isinstance(stream, io.TextIOWrapper):
                stream.reconfigure(errors="replace")  # a terminal that lacks a character still shows the rest
        return super().main(*args, **options)

    def make_context(self, info_name: str | None, args: list[str], *rest: Any, **options: Any) -> click.Context:
        with _plain_usage_errors():
            if any("\0" in argument for argument in args):  # as programs may pass that call this one
                raise click.UsageError("an argument contains a NUL character, which no name or text can")
            return super().make_context(info_name, args, *rest, **options)

    def invoke(self, ctx: click.Context) -> Any:
        with signals_raised() as came:
            try:
                with _plain_usage_errors():
                    done = super().invoke(ctx)
                if sys.stdout is not None:
                    sys.stdout.flush()
                return done
            except (KeyboardInterrupt, Exception) as error:
                if came and not isinstance(error, click.exceptions.Exit):
                    # whatever it became on the way through libraries, which may take it for a fault of theirs
                    tell("interrupted")
                    ctx.exit(came[-1].exit_code)
                ctx.exit(_told(error))


@contextmanager
def _plain_usage_errors() -> Iterator[None]:
    """Take out of click's own messages what could steer a terminal."""
    try:
        yield
    except click.exceptions.NoArgsIsHelpError:  # whose message is the help, in lines
        raise
    except click.ClickException as error:
        vars(error)["message"] = plain(error.message)
        raise


def _told(error: BaseException) -> int:
    """Tell what went wrong, and return the exit code. Raises what is not foreseen."""
    if isinstance(error, EdgeEmoError):
        tell(error)
        return error.exit_code
    if isinstance(error, BrokenPipeError):  # the reader, such as head, has enough
        _close_stdout()
        return exit_codes.DONE
    if isinstance(error, KeyboardInterrupt):
        tell("interrupted")
        return exit_codes.INTERRUPTED
    if isinstance(error, OSError) and error.errno in _FULL:
        _close_stdout()
        tell(f"the output cannot be written ({error.strerror}); make room, or write elsewhere")
        return exit_codes.BAD_INPUT
    raise error


def _close_stdout() -> None:
    """Send what is still buffered nowhere, so that the interpreter does not fail on it when it ends."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


_FIRST_STEPS = "\b\nTry:  edge-emo recommend sample\n      edge-emo recommend --mood calm"


@click.group(cls=_Main, epilog=_FIRST_STEPS, context_settings={"help_option_names": ["-h", "--help"]})
@click.option(
    "--version",
    is_flag=True,
    is_eager=True,
    expose_value=False,
    callback=show_version,
    help="Show the release, its models and the number of its songs.",
)
def main() -> None:
    """Recognise the emotion in a voice or a face, and recommend songs for it: all offline."""


for _command in (recommend, analyze, score, live, kiosk, songs, history, models, doctor, bench):
    main.add_command(_command)
