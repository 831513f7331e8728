"""Tells a broker what a live service tells, and switches devices for it, in a thread of its own.

There is no queue: the state that is now is sent, at most once a second, so a broker that was away for hours gets that
one. However slow or broken the broker is, the service only ever leaves a state behind and goes on.
"""

from __future__ import annotations

import asyncio
import logging
import re
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Final

import msgspec

from edge_emo.core.errors import ExtraMissingError
from edge_emo.core.text import to_install
from edge_emo.live.broker import PASSWORD, USER, Broker
from edge_emo.live.events import Event, PresenceEvent, SongsEvent
from edge_emo.live.home_assistant import BIRTH_TOPIC, OFFLINE, ONLINE, Names, State, discovery_message, state_of
from edge_emo.live.service import Service

if TYPE_CHECKING:
    from aiomqtt import Client

FIRST_WAIT_S, LONGEST_WAIT_S = 1.0, 60.0
STABLE_S: Final = 90.0
"""An outage is over when the connection has held for so long: two services of one name throw each other out."""
EVERY_S: Final = 1.0
_KEEPALIVE_S: Final = 30
_STOPPING_S: Final = 2.0
_MOST_WAITING: Final = 16  # commands
_REFUSED: Final = {4, 5, 134, 135}  # of MQTT 3.1.1, and how paho gives them


class Reporter:
    """Give it all events of a service, and run `run` in a thread of its own, until `stop`."""

    def __init__(
        self, broker: Broker, names: Names, service: Service, tell: Callable[[str], object] = lambda reason: None
    ) -> None:
        self._broker, self._names, self._service, self._tell = broker, names, service, tell
        self._discovery = discovery_message(names, [each.device for each in service.status().devices])
        self._songs: SongsEvent | None = None
        self._state = state_of(service.status(), None)
        self._sent: State | None = None
        self._told: set[str] = set()  # in this outage
        self._is_connected, self._wait_s = False, FIRST_WAIT_S
        self._changed, self._stopped = asyncio.Event(), asyncio.Event()
        # paho needs a loop that takes descriptors, which is not the usual one of Windows
        self._loop = asyncio.SelectorEventLoop()
        self._loop.set_exception_handler(lambda loop, context: None)  # of connections that are lost, which is told

    def __call__(self, event: Event) -> None:
        """Keep in mind how things are now."""
        if isinstance(event, SongsEvent):
            self._songs = event
        elif isinstance(event, PresenceEvent):
            self._songs = None
        state = state_of(self._service.status(), self._songs)
        if state != self._state:
            self._state = state
            self._loop.call_soon_threadsafe(self._changed.set)

    def run(self) -> None:
        """Keep the connection until `stop`."""
        self._loop.run_until_complete(self._main())

    def stop(self) -> None:
        """Have `run` say that the service is gone, and end."""
        self._loop.call_soon_threadsafe(self._stopped.set)

    def close(self) -> None:
        """Give back what the loop holds."""
        self._loop.close()

    async def _main(self) -> None:
        staying = asyncio.create_task(self._stay())
        await self._stopped.wait()
        await asyncio.wait([staying], timeout=_STOPPING_S)
        left = asyncio.all_tasks() - {asyncio.current_task()}
        for task in left:
            task.cancel()
        await asyncio.gather(*left, return_exceptions=True)

    async def _stay(self) -> None:
        while not self._stopped.is_set():
            try:
                await self._connect()
            except Exception as error:  # whatever it is, the service goes on, and so does this
                self._miss(error)
            with suppress(asyncio.TimeoutError):
                await asyncio.wait_for(self._stopped.wait(), self._wait_s)
            self._is_connected, self._wait_s = False, min(2 * self._wait_s, LONGEST_WAIT_S)

    async def _connect(self) -> None:
        from aiomqtt import Client, Will

        quiet = logging.Logger("mqtt")
        quiet.disabled = True  # what it says is said here, and once
        names, login = self._names, self._broker.login
        async with Client(
            self._broker.host,
            self._broker.port,
            username=login.user,
            password=login.password,
            tls_context=self._broker.tls,
            identifier=names.id,
            will=Will(names.availability, OFFLINE, qos=1, retain=True),
            keepalive=_KEEPALIVE_S,
            logger=quiet,
            max_queued_incoming_messages=_MOST_WAITING,
        ) as client:
            stable = self._loop.call_later(STABLE_S, self._settle)
            try:
                await client.subscribe([(names.command("+"), 1), (BIRTH_TOPIC, 1)])
                await self._introduce(client)
                self._is_connected = True
                await self._talk(client)
                await self._send(client)
                await client.publish(names.availability, OFFLINE, qos=1, retain=True)
            finally:
                stable.cancel()

    async def _introduce(self, client: Client) -> None:
        """Say what there is and how it is, and only then that it is there: an old state is never taken for true."""
        await client.publish(self._names.discovery, self._discovery, qos=1, retain=True)
        await self._send(client)
        await client.publish(self._names.availability, ONLINE, qos=1, retain=True)

    async def _talk(self, client: Client) -> None:
        """Send and take what comes until `stop`. Raises what ends the connection."""
        tasks = [
            asyncio.create_task(each)
            for each in (self._stopped.wait(), self._send_changes(client), self._take_commands(client))
        ]
        try:
            done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                task.result()
        finally:
            for task in tasks:
                task.cancel()

    async def _send_changes(self, client: Client) -> None:
        while True:
            await self._changed.wait()
            self._changed.clear()
            if self._state != self._sent:
                await self._send(client)
            await asyncio.sleep(EVERY_S)

    async def _send(self, client: Client) -> None:
        state = self._state
        await client.publish(self._names.state, msgspec.json.encode(state), qos=1, retain=True)
        self._sent = state

    async def _take_commands(self, client: Client) -> None:
        async for message in client.messages:
            topic, payload = message.topic.value, bytes(message.payload)
            if topic == BIRTH_TOPIC:
                if payload == ONLINE.encode():
                    await self._introduce(client)
            elif not message.retain:  # one that the broker keeps is of long ago, and off means off
                command = self._names.command_of(topic, payload)
                if command is not None:
                    self._service.switch(*command)

    def _settle(self) -> None:
        self._wait_s = FIRST_WAIT_S
        if self._told:
            self._told.clear()
            self._tell(f"broker {self._broker}: connected again")

    def _miss(self, error: Exception) -> None:
        code = getattr(error, "rc", None)
        if getattr(code, "value", code) in _REFUSED:
            kind = "refused"
            reason = f"refuses the user or password; set {USER} and {PASSWORD}, or name a file with --mqtt-login"
        elif self._is_connected and self._told:
            kind = "dropped"
            reason = "ends the connection again and again; give each service there a --mqtt-name of its own"
        else:
            kind = "away"
            reason = "is gone" if self._is_connected else f"cannot be reached ({_in_words(error)})"
        if kind not in self._told:
            self._told.add(kind)
            self._tell(f"broker {self._broker}: {reason}; trying again")


def _in_words(error: Exception) -> str:
    cause = error.__cause__ or error
    return re.sub(r"^\[[^]]*\] ?|\(_ssl\.c:\d+\)$", "", str(cause)).strip() or type(cause).__name__


def require_extra() -> None:
    """Raise ExtraMissingError where the client for brokers is not installed."""
    try:
        import aiomqtt  # noqa: F401
    except ImportError as error:
        raise ExtraMissingError(f"talking to a broker needs aiomqtt; {to_install('mqtt')}") from error


@contextmanager
def reported(
    service: Service, broker: Broker, names: Names, tell: Callable[[str], object] = lambda reason: None
) -> Iterator[None]:
    """Tell a broker of a service; `tell` hears, once an outage, why it cannot. Raises ExtraMissingError."""
    require_extra()
    reporter = Reporter(broker, names, service, tell)
    service.subscribe(reporter)
    thread = threading.Thread(target=reporter.run, name="mqtt", daemon=True)
    thread.start()
    try:
        yield
    finally:
        reporter.stop()
        thread.join()
        reporter.close()
