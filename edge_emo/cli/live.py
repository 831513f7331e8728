"""`edge-emo live`: a camera and a microphone, for as long as it runs."""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Any

import click

from edge_emo.cli import options
from edge_emo.cli.fleet import Fleet, fleet
from edge_emo.cli.help import Command
from edge_emo.cli.shown import shown
from edge_emo.cli.terminal import Interrupted, tell
from edge_emo.live.notice import NOTICES

if TYPE_CHECKING:
    from edge_emo.live.devices import Opening
    from edge_emo.live.events import DeviceKind
    from edge_emo.live.service import Service
    from edge_emo.live.supervisor import Device
    from edge_emo.music.store.filters import Filters

NONE = "none"


@click.command(
    cls=Command,
    examples=("edge-emo live --list-devices", "edge-emo live --camera visitors.mp4 --microphone none --jsonl"),
)
@click.argument("words", nargs=-1, metavar="[COMMAND]")
@click.option(
    "--camera",
    metavar="NAME|FILE",
    default="auto",
    show_default=True,
    help="A camera by its name, a film that is played at its own speed, or none.",
)
@click.option(
    "--microphone",
    metavar="NAME|FILE",
    default="auto",
    show_default=True,
    help="A microphone by its name, a sound or film that is played at its own speed, or none.",
)
@click.option("--list-devices", is_flag=True, help="List the cameras and microphones that are there.")
@click.option(
    "--control",
    is_flag=True,
    help="Tell the service that runs: status, or camera or microphone with on or off.",
)
@click.option("--jsonl", is_flag=True, help="Print each event as a line of JSON.")
@click.option("--quiet", is_flag=True, help="Print only what happens to the devices, not who comes or what they feel.")
@click.option(
    "--notice",
    "notices",
    type=click.Choice(tuple(NOTICES)),
    multiple=True,
    help="Show on the whole screen, in this language, that emotions are recognized here; may be repeated.",
)
@click.option(
    "--absent",
    "absent_s",
    type=options.Finite(1, 3600),
    default=20.0,
    show_default=True,
    help="Seconds without a face or voice after which a visitor has gone.",
)
@click.option(
    "--hold",
    "hold_s",
    type=options.Finite(0, 3600),
    default=3.0,
    show_default=True,
    help="Seconds for which an emotion has to hold until songs are proposed.",
)
@click.option(
    "--every",
    "every_s",
    type=options.Finite(1),
    help="Seconds after which a visitor gets songs again.  [default: only once]",
)
@click.option("-n", "count", type=click.IntRange(1, 100), default=5, show_default=True, help="Number of songs.")
@options.filters(min_duration_s=30, occasions=False)
@click.option("--catalogue", type=click.Path(exists=True), help="Another catalogue than the one that ships.")
@click.option(
    "--history/--no-history",
    "uses_history",
    default=True,
    help="Keep what was proposed, and learn from it.  [default: history]",
)
@fleet
@options.user_data
@options.recognition
@click.pass_context
def live(
    ctx: click.Context,
    /,
    words: tuple[str, ...],
    camera: str,
    microphone: str,
    list_devices: bool,
    control: bool,
    jsonl: bool,
    quiet: bool,
    notices: tuple[str, ...],
    absent_s: float,
    hold_s: float,
    every_s: float | None,
    count: int,
    filters: Filters,
    catalogue: str | None,
    uses_history: bool,
    data_dir: str | None,
    fleet: Fleet,
    **asked: Any,
) -> None:
    """Watch a camera, listen to a microphone, propose songs.

    Runs until you end it. If a device is pulled out or fails, the service waits for it and uses the other one.
    SIGUSR1 switches the camera off and on, SIGUSR2 the microphone, as does `edge-emo live --control camera off`; a
    device that is off stays off after a restart.
    """
    from edge_emo.music.store.database import data_folder

    if words and not control:
        raise click.UsageError(f"{' '.join(words)}: is a command for a service that runs; add --control")
    if list_devices:
        _list_devices()
        return
    folder = data_folder(data_dir).absolute()
    if control:
        _control(folder, " ".join(words) or "status")
        return

    from edge_emo.analysis.analyzer import Analyzer
    from edge_emo.app.library import library
    from edge_emo.live import state
    from edge_emo.live.devices import Opening
    from edge_emo.live.notify import watched
    from edge_emo.live.proposing import Proposer
    from edge_emo.live.service import Bell, Plan, Service
    from edge_emo.live.visits import Habits
    from edge_emo.music.ranking.recommend import Recommender
    from edge_emo.music.store.history import History

    bell, names = Bell(), _named(camera, microphone, asked)
    analyzer = Analyzer(**asked)
    rate = analyzer.recognizer("voice").reader(live=True).sample_rate if asked["voice"] else None
    if asked["face"]:
        analyzer.recognizer("face")  # a damaged model is told now, not to the first visitor
    opening = Opening(bell.epoch_s, bell.clock, bell.ring, asked["fps"], rate or 16000, asked["audio_track"])
    devices = [opening.device(kind, name) for kind, name in names.items()]
    with ExitStack() as stack:
        is_kept = stack.enter_context(_alone(folder, uses_history))
        songs = stack.enter_context(library(catalogue, data_dir, tell, history=uses_history))
        history = History(songs.database) if uses_history and songs.database else None
        plan = Plan(
            analyzer,
            Proposer(Recommender(songs.catalogue, history), count, filters, tell),
            fps=asked["fps"],
            habits=Habits(absent_s, hold_s, every_s, everyone=asked["faces"] == "all"),
        )
        service = Service(
            plan,
            devices,
            bell=bell,
            switches=state.read_switches(folder),
            keep=lambda switches: _keep(folder, switches),
        )
        _tell_missing(opening, devices)
        came = stack.enter_context(_signals(service))
        if is_kept:
            stack.enter_context(_controlled(folder, service))
        stack.enter_context(watched(service, [device.kind for device in devices if not device.is_file], tell))
        stack.enter_context(shown(service, jsonl=jsonl, quiet=quiet, notices=notices))
        stack.enter_context(fleet.told_of(service))
        service.run()
    if came:
        ctx.exit(came[-1].exit_code)


@contextmanager
def _alone(folder: Path, uses_history: bool) -> Iterator[bool]:
    """Hold the folder, and give whether there is one; a service that keeps no history can do without."""
    from edge_emo.live.state import is_usable, only_one

    if uses_history or is_usable(folder):
        with only_one(folder):
            yield True
    else:
        tell(
            f"{folder}: nothing can be kept there; there is no control socket, only signals switch devices, and a "
            "restart forgets what is off"
        )
        yield False


def _list_devices() -> None:
    from edge_emo.live.devices import System

    for listed in System().devices():
        click.echo("  ".join(filter(None, [f"{listed.device:<10}", listed.name, listed.about])))


def _control(folder: Path, line: str) -> None:
    from edge_emo.live.control import ask

    try:
        click.echo(ask(folder, line), nl=False)
    except ValueError as error:
        raise click.UsageError(str(error)) from error


def _named(camera: str, microphone: str, asked: dict[str, Any]) -> dict[DeviceKind, str]:
    """Return the names of the devices that are wanted, and look or listen for nothing else."""
    asked["face"], asked["voice"] = asked["face"] and camera != NONE, asked["voice"] and microphone != NONE
    wanted: dict[DeviceKind, str] = {}
    if asked["face"]:
        wanted["camera"] = camera
    if asked["voice"]:
        wanted["microphone"] = microphone
    if not wanted:
        raise click.UsageError("neither a camera nor a microphone is left; drop one of the options that leave them out")
    return wanted


def _tell_missing(opening: Opening, devices: list[Device]) -> None:
    """Say what is not there by now, and what is: a name may be mistyped, or its plug be in later."""
    for device in devices:
        if device.sight() is None:
            there = [listed.name for listed in opening.system.devices() if listed.device == device.kind]
            others = f"there are {', '.join(there)}" if there else f"no {device.kind} is there at all"
            tell(f"{device.kind} {device.name} is not there; {others}; waiting for it")


def _keep(folder: Path, switches: Any) -> None:
    from edge_emo.live.state import write_switches

    try:
        write_switches(folder, switches)
    except OSError as error:
        tell(f"{folder}: what is switched on cannot be kept ({error.strerror}); it is forgotten after a restart")


@contextmanager
def _controlled(folder: Path, service: Service) -> Iterator[None]:
    """Answer at the control socket, where there can be one."""
    from edge_emo.live.control import answering, listening

    with ExitStack() as stack:
        try:
            stack.enter_context(listening(folder, answering(service)))
        except OSError as error:
            tell(f"{folder}: there is no control socket ({error.strerror or error}); signals still switch devices")
        yield


@contextmanager
def _signals(service: Service) -> Iterator[list[Interrupted]]:
    """Have signals end the service in good order, or switch its devices; a second one ends it at once."""
    came: list[Interrupted] = []

    def end(number: int, _: FrameType | None) -> None:
        came.append(Interrupted(number))
        if len(came) > 1:
            raise came[-1]
        service.stop()

    handlers: dict[str, Callable[[int, FrameType | None], object]] = dict.fromkeys(("SIGINT", "SIGTERM", "SIGHUP"), end)
    handlers |= {
        "SIGUSR1": lambda *_: service.toggle("camera"),
        "SIGUSR2": lambda *_: service.toggle("microphone"),
    }
    kept = {}
    for name, handler in handlers.items():
        number = getattr(signal, name, None)
        if number is not None and signal.getsignal(number) is not signal.SIG_IGN:
            with suppress(ValueError):  # not in the main thread
                kept[number] = signal.signal(number, handler)
    try:
        yield came
    finally:
        for number, before in kept.items():
            signal.signal(number, before)
