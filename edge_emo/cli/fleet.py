"""How a live service tells others of itself: a broker, and metrics. Both are off unless asked for."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import wraps
from typing import TYPE_CHECKING, Any, TypeVar, cast

import click

from edge_emo.cli.terminal import tell

if TYPE_CHECKING:
    from edge_emo.live.broker import Broker
    from edge_emo.live.home_assistant import Names
    from edge_emo.live.service import Service

F = TypeVar("F", bound=Callable[..., Any])


@dataclass(frozen=True)
class Fleet:
    """What was asked for: a broker with the service's names there, and a port for metrics."""

    broker: Broker | None
    names: Names
    metrics_port: int | None

    @contextmanager
    def told_of(self, service: Service) -> Iterator[None]:
        """Tell of a service while it runs."""
        with ExitStack() as stack:
            if self.metrics_port is not None:
                from edge_emo.live.metrics import served

                stack.enter_context(served(service, self.metrics_port))
            if self.broker is not None:
                from edge_emo.live.mqtt import reported

                stack.enter_context(reported(service, self.broker, self.names, tell))
            yield


def fleet(function: F) -> F:
    """Add the options; the command receives `fleet`."""

    @wraps(function)
    def with_fleet(
        *args: Any,
        mqtt: str | None,
        mqtt_name: str,
        mqtt_prefix: str,
        mqtt_login: str | None,
        mqtt_ca: str | None,
        metrics: int | None,
        **others: Any,
    ) -> Any:
        from edge_emo.live.home_assistant import Names

        broker = None if mqtt is None else _broker(mqtt, mqtt_login, mqtt_ca)
        return function(*args, fleet=Fleet(broker, Names(mqtt_name, mqtt_prefix), metrics), **others)

    for option in (
        click.option(
            "--metrics",
            metavar="PORT",
            type=click.IntRange(1, 65535),
            help="Give Prometheus metrics at this port, to this machine alone.",
        ),
        click.option(
            "--mqtt-ca", metavar="FILE", help="Certificate to trust a broker with TLS by.  [default: the system's]"
        ),
        click.option(
            "--mqtt-login",
            metavar="FILE",
            help="User and password for the broker, each on a line.  [default: EDGE_EMO_MQTT_USER and "
            "EDGE_EMO_MQTT_PASSWORD]",
        ),
        click.option(
            "--mqtt-prefix",
            default="edge-emo",
            show_default=True,
            callback=_prefix,
            help="How the topics begin.",
        ),
        click.option(
            "--mqtt-name",
            default="live",
            show_default=True,
            callback=_name,
            help="Name of this device; each one at a broker needs its own.",
        ),
        click.option(
            "--mqtt",
            metavar="HOST[:PORT]",
            help="Tell an MQTT broker, and Home Assistant there, of counts and labels. mqtts://HOST is one with TLS.",
        ),
    ):
        with_fleet = option(with_fleet)
    return cast(F, with_fleet)


def _broker(address: str, login_file: str | None, ca_file: str | None) -> Broker:
    from edge_emo.live.broker import broker_of
    from edge_emo.live.mqtt import require_extra

    try:
        broker = broker_of(address, login_file, ca_file)
    except ValueError as error:
        raise click.BadParameter(str(error), param_hint="--mqtt") from error
    require_extra()
    return broker


def _name(ctx: click.Context, param: click.Parameter, value: str) -> str:
    if not value.isprintable() or not 0 < len(value.strip()) <= 64:
        raise click.BadParameter(f"{value!r}: is no name; give up to 64 letters")
    return value.strip()


def _prefix(ctx: click.Context, param: click.Parameter, value: str) -> str:
    if not value.isprintable() or set(value) & set("+#") or not all(value.split("/")) or value.startswith("$"):
        raise click.BadParameter(f"{value!r}: is no topic; give one such as edge-emo or home/edge-emo")
    return value
