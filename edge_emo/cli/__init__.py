"""The command line: one module per command. Data goes to stdout, everything else to stderr.

Exit codes: 0 done, 1 bad input, 2 wrong usage, 3 model or catalogue damaged, 4 nothing to recognise,
130 interrupted.
"""

from __future__ import annotations

import errno
import io
import os
import sys
from typing import Any

import click

from edge_emo import __version__
from edge_emo.cli import exit_codes
from edge_emo.cli.analyze import analyze
from edge_emo.cli.bench import bench
from edge_emo.cli.doctor import doctor
from edge_emo.cli.history import history
from edge_emo.cli.models import models
from edge_emo.cli.recommend import recommend
from edge_emo.cli.score import score
from edge_emo.cli.songs import songs
from edge_emo.errors import EdgeEmoError

_FULL = {errno.ENOSPC, getattr(errno, "EDQUOT", errno.ENOSPC), errno.EFBIG, errno.EIO}  # Windows has no quota


class _Group(click.Group):
    def invoke(self, ctx: click.Context) -> Any:
        for stream in (sys.stdout, sys.stderr):
            if isinstance(stream, io.TextIOWrapper):
                stream.reconfigure(errors="replace")  # a terminal that lacks a character still shows the rest
        try:
            done = super().invoke(ctx)
            if sys.stdout is not None:
                sys.stdout.flush()
            return done
        except EdgeEmoError as error:
            click.echo(f"edge-emo: {error}", err=True)
            ctx.exit(error.exit_code)
        except BrokenPipeError:  # the reader, such as head, has enough
            _close_stdout()
            ctx.exit(exit_codes.DONE)
        except KeyboardInterrupt:
            click.echo("edge-emo: interrupted", err=True)
            ctx.exit(exit_codes.INTERRUPTED)
        except OSError as error:
            if error.errno not in _FULL:
                raise
            _close_stdout()
            click.echo(
                f"edge-emo: the output cannot be written ({error.strerror}); make room, or write elsewhere", err=True
            )
            ctx.exit(exit_codes.BAD_INPUT)


def _close_stdout() -> None:
    """Send what is still buffered nowhere, so that the interpreter does not fail on it when it ends."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


@click.group(cls=_Group, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="edge-emo")
def main() -> None:
    """Hear the emotion in a voice, see it in a face, and get songs for it, offline."""


for _command in (recommend, analyze, score, songs, history, models, doctor, bench):
    main.add_command(_command)
