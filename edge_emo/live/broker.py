"""Where the broker is, and who the service is to it: never from the command line, which all users can read."""

from __future__ import annotations

import os
import ssl
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from edge_emo.core.errors import ServiceError
from edge_emo.core.files import read_bytes

USER, PASSWORD = "EDGE_EMO_MQTT_USER", "EDGE_EMO_MQTT_PASSWORD"
_PORTS: Final = {"mqtt": 1883, "mqtts": 8883}
_MOST_BYTES: Final = 1 << 16


@dataclass(frozen=True)
class Login:
    """Who the service is to the broker; without a user, it says nothing of itself."""

    user: str | None = None
    password: str | None = field(default=None, repr=False)


@dataclass(frozen=True)
class Broker:
    """A broker, and how to talk to it; `tls` is None where nothing is encrypted."""

    host: str
    port: int
    login: Login = field(default_factory=Login)
    tls: ssl.SSLContext | None = None

    def __str__(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{host}:{self.port}"


def address_of(text: str) -> tuple[str, str, int]:
    """Return scheme, host and port of "HOST", "HOST:PORT" or "mqtts://HOST:PORT". Raises ValueError for others."""
    scheme, _, rest = text.rpartition("://")
    parts = urlsplit(f"//{rest}")
    if parts.username is not None:
        raise ValueError(f"a user or password here can be read by all on this machine; set {USER} and {PASSWORD}")
    try:
        port = parts.port
    except ValueError:
        port = 0
    scheme = scheme or "mqtt"
    if scheme not in _PORTS or not parts.hostname or port == 0 or parts.path.strip("/") or parts.query:
        raise ValueError(f"{text}: is no broker; give HOST, HOST:PORT, or mqtts://HOST:PORT for one with TLS")
    return scheme, parts.hostname, port or _PORTS[scheme]


def broker_of(text: str, login_file: str | None = None, ca_file: str | None = None) -> Broker:
    """Return the broker of an address; who trusts it by the system's certificates, or those of `ca_file`.

    Raises ValueError for an address that is none, ServiceError for a file that cannot be used.
    """
    scheme, host, port = address_of(text)
    if ca_file and scheme != "mqtts":
        raise ValueError(f"{text}: a certificate is for a broker with TLS; write mqtts://{host}")
    return Broker(host, port, _login(login_file), _tls(ca_file) if scheme == "mqtts" else None)


def _login(file: str | None) -> Login:
    if file is None:
        return Login(os.environ.get(USER) or None, os.environ.get(PASSWORD))
    try:
        lines = read_bytes(Path(file), _MOST_BYTES).decode().splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise ServiceError(f"{file}: cannot be read ({getattr(error, 'strerror', None) or 'is no UTF-8'})") from error
    if len(lines) != 2 or not lines[0]:
        raise ServiceError(f"{file}: is no login; write the user on its first line, and the password on its second")
    return Login(*lines)


def _tls(ca_file: str | None) -> ssl.SSLContext:
    try:
        return ssl.create_default_context(cafile=ca_file)
    except OSError as error:
        reason = "is no certificate in PEM form" if isinstance(error, ssl.SSLError) else error.strerror
        raise ServiceError(f"{ca_file}: cannot be used ({reason}); name a certificate") from error
