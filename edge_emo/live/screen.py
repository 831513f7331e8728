"""A calm full-screen view on a terminal: the emotion, how sure, bars, songs, how the devices are, and a notice."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

from rich.align import Align
from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from edge_emo.core.emotions import EMOTIONS, UNCERTAIN
from edge_emo.core.text import plain
from edge_emo.live.events import Event, PresenceEvent, SongsEvent, StatusEvent
from edge_emo.live.lines import STATES
from edge_emo.live.notice import NOTICES

_EVERY_S = 0.5
_VIEWS = {
    "ok": "",
    "nobody": "",
    "turned_away": "looks away",
    "too_small": "come nearer",
    "still": "only a picture",
    "dark": "it is dark",
}


class Screen:
    """Shows the last songs, the status that `status` returns, and notices in some languages; give it all events."""

    def __init__(self, live: Live, status: Callable[[], StatusEvent], notices: Sequence[str] = ()) -> None:
        self._live, self._status, self._notices = live, status, notices
        self._songs: SongsEvent | None = None
        self._shown_s = -1.0

    def __call__(self, event: Event) -> None:
        """Take an event, and draw anew where it changes what is seen."""
        if isinstance(event, SongsEvent):
            self._songs = event
        elif isinstance(event, PresenceEvent) and not event.is_present:
            self._songs = None
        self.draw()

    def draw(self) -> None:
        """Draw what is now, no more than twice a second."""
        status = self._status()
        if status.time_s - self._shown_s >= _EVERY_S or status.time_s < self._shown_s:
            self._shown_s = status.time_s
            self._live.update(picture(status, self._songs, self._notices), refresh=True)


@contextmanager
def full_screen(console: Console, status: Callable[[], StatusEvent], notices: Sequence[str] = ()) -> Iterator[Screen]:
    """Give the screen, and leave the terminal as it was."""
    with Live(console=console, screen=True, auto_refresh=False) as live:
        yield Screen(live, status, notices)


def picture(status: StatusEvent, songs: SongsEvent | None, notices: Sequence[str] = ()) -> RenderableType:
    """Return what is shown; the notices first, as a small screen shows no more than fits."""
    parts: list[RenderableType] = [*_told(status, notices), "", Align.center(_headline(status)), ""]
    if status.feeling is not None:
        bars = Table.grid(padding=(0, 2))
        for name, probability in zip(EMOTIONS, status.feeling.probabilities, strict=True):
            bars.add_row(name, ProgressBar(total=1, completed=probability, width=40), f"{probability:4.0%}")
        parts += [Align.center(bars), ""]
    if songs is not None and songs.songs:
        rows = Table.grid(padding=(0, 2))
        for item in songs.songs:
            rows.add_row(Text(plain(item.song.title)), Text(plain(item.song.artist), style="dim"))
        parts += [Align.center(rows), ""]
    parts += [Align.center(Text(line, style="dim")) for line in _foot(status)]
    return Group(*parts)


def _told(status: StatusEvent, notices: Sequence[str]) -> Iterator[RenderableType]:
    """Yield what people are told of the devices that are not switched off."""
    devices = [each.device for each in status.devices if each.state != "off"]
    for language in notices if devices else ():
        notice = NOTICES[language]
        yield Text.assemble((notice.title, "bold"), ": ", notice.text(devices), justify="center")


def _headline(status: StatusEvent) -> Text:
    feeling = status.feeling
    if feeling is None:
        return Text("–" if status.visit else "nobody is there", style="dim")
    if feeling.emotion == UNCERTAIN:
        return Text(f"perhaps {feeling.raw}, {feeling.probability:.0%}", style="dim")
    return Text(f"{feeling.emotion}, {feeling.probability:.0%}", style="bold")


def _foot(status: StatusEvent) -> Iterator[str]:
    for each in status.devices:
        reason = f" ({each.reason})" if each.reason else ""
        yield plain(f"{each.device} {each.name} {STATES[each.state]}{reason}")
    if status.heat.is_hot:
        yield f"the board is at {status.heat.temperature_c:.0f} °C: {status.fps:g} frames a second"
    if status.heat.under_voltage:
        yield "the power supply is weak"
    if _VIEWS[status.view]:
        yield _VIEWS[status.view]
