"""The unit by which systemd runs `edge-emo live`: started with the machine, watched over, and shut in."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from pathlib import Path, PurePath
from typing import Final

_PLAIN: Final = re.compile(r"[\w@+,./:=-]+", re.ASCII)
_HIDDEN: Final = ("/home", "/root", "/run/user", "/tmp", "/var/tmp")
_UNIT: Final = """\
[Unit]
Description=Emotion recognition by camera and microphone, and songs for it
After=sound.target
StartLimitIntervalSec=0
{unit_tty}
[Service]
Type=notify
NotifyAccess=main
ExecStart={command}
Environment=PYTHONFAULTHANDLER=1
{state}
WatchdogSec=30
Restart=always
RestartSec=5
# wrong usage does not get better
RestartPreventExitStatus=2
SuccessExitStatus=143
{tty}
# the devices it may use: cameras, sound cards, and what the camera of a Raspberry Pi needs
DynamicUser=yes
SupplementaryGroups=audio video
DevicePolicy=closed
DeviceAllow=char-video4linux rw
DeviceAllow=char-alsa rw
DeviceAllow=char-media rw
DeviceAllow=char-dma_heap rw
DeviceAllow=char-vchiq rw

# no other machine is reached; netlink tells libcamera what is plugged in
RestrictAddressFamilies=AF_UNIX AF_INET AF_INET6 AF_NETLINK
IPAddressDeny=any
IPAddressAllow={addresses}

# what it may not
CapabilityBoundingSet=
NoNewPrivileges=yes
ProtectSystem=strict
ProtectHome=yes
ProtectClock=yes
ProtectControlGroups=yes
ProtectHostname=yes
ProtectKernelLogs=yes
ProtectKernelModules=yes
ProtectKernelTunables=yes
ProtectProc=invisible
PrivateTmp=yes
RemoveIPC=yes
UMask=0077
LockPersonality=yes
MemoryDenyWriteExecute=yes
RestrictNamespaces=yes
RestrictRealtime=yes
RestrictSUIDSGID=yes
SystemCallArchitectures=native
SystemCallFilter=@system-service
SystemCallFilter=~@privileged @resources
SystemCallErrorNumber=EPERM

# what it may use up; a core file would hold pictures
MemoryMax=300M
TasksMax=64
LimitCORE=0

[Install]
WantedBy=multi-user.target
"""
_LASTING: Final = """\
StateDirectory=edge-emo
StateDirectoryMode=0700
Environment=EDGE_EMO_HOME=%S/edge-emo"""
_VOLATILE: Final = """\
RuntimeDirectory=edge-emo
RuntimeDirectoryMode=0700
RuntimeDirectoryPreserve=yes
Environment=EDGE_EMO_HOME=%t/edge-emo"""
_UNIT_TTY: Final = """\
Conflicts=getty@{tty}.service
After=getty@{tty}.service
"""
_TTY: Final = """\
StandardOutput=tty
StandardError=journal
TTYPath=/dev/{tty}
DeviceAllow=/dev/{tty} rw
"""


def unit(
    command: Sequence[str], *, brokers: Iterable[str] = (), tty: str | None = None, is_volatile: bool = False
) -> str:
    """Return the text of the unit for a command.

    `brokers` are the addresses it may reach beside this machine's own. Its screen is shown on the terminal `tty`, such
    as "tty1". What changes is kept below /var/lib, or in memory until the machine is switched off.
    """
    return _UNIT.format(
        command=" ".join(map(quoted, command)),
        state=_VOLATILE if is_volatile else _LASTING,
        addresses=" ".join(["localhost", *brokers]),
        unit_tty=_UNIT_TTY.format(tty=tty) if tty else "",
        tty=_TTY.format(tty=tty) if tty else "",
    )


def quoted(word: str) -> str:
    """Return a word of a command as systemd reads it back (systemd.service(5), systemd.syntax(7))."""
    if _PLAIN.fullmatch(word):
        return word
    word = word.replace("\\", "\\\\").replace('"', '\\"').replace("%", "%%").replace("$", "$$")
    return '"' + re.sub(r"[\x00-\x1f\x7f]", lambda found: f"\\x{ord(found[0]):02x}", word) + '"'


def hidden(path: str) -> str | None:
    """Return the folder that hides a path from the service, None where it sees it."""
    real = Path(path).resolve()
    return next((folder for folder in _HIDDEN if PurePath(folder) in real.parents), None)
