"""The command line: one module per command. Data goes to stdout, everything else to stderr.

Exit codes: 0 done, 1 bad input, 2 wrong usage, 3 model or catalogue damaged, 4 nothing to recognise.
"""

from __future__ import annotations

import os
import sys
from typing import Any

import click

from edge_emo import __version__
from edge_emo.cli.analyze import analyze
from edge_emo.cli.doctor import doctor
from edge_emo.cli.models import models
from edge_emo.cli.recommend import recommend
from edge_emo.cli.songs import songs
from edge_emo.errors import EdgeEmoError


class _Group(click.Group):
    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except EdgeEmoError as error:
            click.echo(f"edge-emo: {error}", err=True)
            ctx.exit(error.exit_code)
        except BrokenPipeError:  # the reader, such as head, has enough
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            ctx.exit(0)


@click.group(cls=_Group, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="edge-emo")
def main() -> None:
    """Hear the emotion in a voice and get songs for it, offline."""


for _command in (recommend, analyze, songs, models, doctor):
    main.add_command(_command)
