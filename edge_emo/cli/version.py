"""`edge-emo --version`: the release, the models that ship with it, and how many songs it knows."""

from __future__ import annotations

import click

from edge_emo import __version__
from edge_emo.cli.terminal import tell
from edge_emo.core.errors import EdgeEmoError


def show_version(ctx: click.Context, _: click.Parameter, asked: bool) -> None:
    """Print them; the release comes first, also where the rest cannot be read. Exit code 3 then."""
    if not asked or ctx.resilient_parsing:
        return
    from edge_emo.models.card_json import read_card
    from edge_emo.models.manifest import models_folder, read_manifest
    from edge_emo.music.store.bundled import n_bundled

    click.echo(f"edge-emo {__version__}")
    try:
        for name, entry in read_manifest().models.items():
            card = read_card(models_folder() / entry.cards[entry.default])
            click.echo(f"model {name} {card.version} ({card.precision})")
        click.echo(f"catalogue of {n_bundled()} songs")
    except EdgeEmoError as error:
        tell(error)
        ctx.exit(error.exit_code)
    ctx.exit()
