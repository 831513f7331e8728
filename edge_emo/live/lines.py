"""Events as lines of text, for a log or a terminal that is none."""

from __future__ import annotations

from edge_emo.core.emotions import UNCERTAIN
from edge_emo.live.events import DeviceEvent, Event, PresenceEvent, SegmentEvent, SongsEvent, StatusEvent

STATES = {
    "off": "is switched off",
    "opening": "is being opened",
    "open": "works",
    "lost": "is lost, and waited for",
    "ended": "has ended",
}


def line(event: Event) -> str | None:
    """Return what to say of an event, None for those that come many times a second."""
    if isinstance(event, PresenceEvent):
        if event.is_present:
            return f"visitor {event.visit} came, found by the {event.by}"
        why = {"still": "is a picture: nothing moves", "ended": "went: the source has ended"}
        return f"visitor {event.visit} {why.get(event.reason, 'went')}"
    if isinstance(event, SegmentEvent):
        found = event.segment
        share = max(found.probabilities)
        name = found.emotion if found.emotion != UNCERTAIN else f"{UNCERTAIN}, perhaps {found.raw}"
        return f"{found.start_s:.1f} to {found.end_s:.1f} s: {name} ({share:.0%})"
    if isinstance(event, SongsEvent):
        songs = "; ".join(f"{item.song.artist} – {item.song.title}" for item in event.songs)
        return f"songs for {event.emotion}: {songs or 'none fits'}"
    if isinstance(event, DeviceEvent):
        reason = f" ({event.reason})" if event.reason else ""
        return f"{event.device} {event.name} {STATES[event.state]}{reason}"
    if isinstance(event, StatusEvent) and (event.heat.is_hot or event.heat.under_voltage):
        hot = f"{event.heat.temperature_c:.0f} °C, {event.fps:g} frames a second" if event.heat.is_hot else ""
        weak = "the power supply is weak" if event.heat.under_voltage else ""
        return ": ".join(("board", ", ".join(filter(None, [hot, weak]))))
    return None
