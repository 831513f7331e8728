"""`edge-emo kiosk`: what a machine needs that runs `edge-emo live` for weeks with nobody looking after it."""

from __future__ import annotations

import ipaddress
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from edge_emo.cli.help import Group
from edge_emo.cli.live import live
from edge_emo.cli.terminal import tell
from edge_emo.live.notice import NOTICES

if TYPE_CHECKING:
    from edge_emo.live.events import DeviceKind


def _addresses(ctx: click.Context, param: click.Parameter, given: tuple[str, ...]) -> tuple[str, ...]:
    """Return addresses and networks as systemd reads them."""
    for value in given:
        try:
            ipaddress.ip_network(value)
        except ValueError as error:
            raise click.BadParameter(
                f"{value!r} is no IP address, such as 192.168.1.10 or fd00::10; systemd looks no names up"
            ) from error
    return given


@click.group(cls=Group)
def kiosk() -> None:
    """Run `edge-emo live` as a service, and tell people."""


@kiosk.command(
    context_settings={"ignore_unknown_options": True},
    examples=(
        "edge-emo kiosk unit > edge-emo.service",
        "edge-emo kiosk unit --tty tty1 -- --notice en --notice de --microphone none",
    ),
)
@click.argument("words", nargs=-1, type=click.UNPROCESSED, metavar="[-- OPTIONS OF LIVE]")
@click.option(
    "--broker",
    "brokers",
    metavar="ADDRESS",
    multiple=True,
    callback=_addresses,
    help="Let it reach this address beside those of the machine itself; may be repeated.",
)
@click.option("--tty", metavar="NAME", help="Show its screen on this terminal of the machine, such as tty1.")
@click.option(
    "--volatile",
    "is_volatile",
    is_flag=True,
    help="Write to no disk: history, and what is switched off, last until the machine is switched off.",
)
def unit(words: tuple[str, ...], brokers: tuple[str, ...], tty: str | None, is_volatile: bool) -> None:
    """Print a systemd unit that runs `edge-emo live` with its options.

    The service has no rights but those that it needs, and is started anew when it ends or hangs. What it says in the
    journal is of its devices, not of people, unless you ask for --jsonl.
    """
    from edge_emo.live.unit import hidden
    from edge_emo.live.unit import unit as text

    asked = live.make_context("edge-emo live", list(words))
    given = asked.params
    if given["words"] or given["control"] or given["list_devices"]:
        raise click.UsageError(
            "a service neither sends commands nor lists devices; drop what it is not to do for weeks"
        )
    if asked.get_parameter_source("data_dir") == click.core.ParameterSource.COMMANDLINE:
        raise click.UsageError("the service has a folder of its own; drop --data-dir")
    if tty is not None and (not tty.isalnum() or given["jsonl"] or given["quiet"]):
        raise click.UsageError("--tty is a terminal's name, such as tty1, and goes neither with --jsonl nor --quiet")
    if tty and not given["notices"]:
        tell("the screen tells nobody that emotions are recognized here; add --notice en, or another language")
    if tty is None and not given["jsonl"] and not given["quiet"]:
        words = ("--quiet", *words)
    command = _executable()
    for path in (command[0], sys.base_prefix, __file__, given["camera"], given["microphone"]):
        if os.path.exists(path) and (folder := hidden(path)):
            tell(f"{path}: is in {folder}, which the service cannot see; put it elsewhere, such as below /opt")
    click.echo(text([*command, "live", *words], brokers=brokers, tty=tty, is_volatile=is_volatile), nl=False)


@kiosk.command(examples=("edge-emo kiosk notice", "edge-emo kiosk notice --language fr --only microphone"))
@click.option(
    "--language",
    "languages",
    type=click.Choice(tuple(NOTICES)),
    multiple=True,
    help="Print it in this language; may be repeated.  [default: all]",
)
@click.option("--only", type=click.Choice(("camera", "microphone")), help="Name the only device that is used.")
def notice(languages: tuple[str, ...], only: DeviceKind | None) -> None:
    """Print what to tell people before emotions are recognized, for a sign or a page.

    In the European Union whoever runs such a system has to tell it. See docs/kiosk.md.
    """
    from edge_emo.cli.printing import put_text

    devices: tuple[DeviceKind, ...] = (only,) if only else ("camera", "microphone")
    found = [NOTICES[language] for language in languages or NOTICES]
    put_text("\n\n".join(f"{each.title}\n{each.text(devices)}" for each in found))


def _executable() -> list[str]:
    """Return the installed command, or how Python runs the package where there is none."""
    script = Path(sys.executable).with_name("edge-emo")
    return [str(script)] if script.exists() else [sys.executable, "-m", "edge_emo"]
