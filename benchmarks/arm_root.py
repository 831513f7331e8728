"""An emulated Raspberry Pi: a Debian root for 64-bit Arm in a folder, whose Python runs under qemu-user.

Nothing is installed on this machine and no root rights are needed: packages of the Debian archive and aarch64 wheels
are unpacked into a folder. qemu reads every file that the folder holds from there, all others from this machine.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, requires, version
from pathlib import Path

import click
import platformdirs
from packaging.requirements import Requirement

REPOSITORY = Path(__file__).resolve().parent.parent
SUITE = "bookworm"
QEMU = "qemu-aarch64-static"
KEYRING = Path("/usr/share/keyrings/debian-archive-keyring.gpg")
PYTHON = "3.11"
PACKAGES = (f"python{PYTHON}", "libstdc++6")
TEST_TOOLS = ("pytest", "hypothesis", "scikit-image")
TOOLS = {
    "apt-get": "this needs Debian, Ubuntu or another system with apt",
    "dpkg-deb": "this needs Debian, Ubuntu or another system with apt",
    QEMU: "install it: apt-get install qemu-user-static",
}
PLATFORMS = ("manylinux2014_aarch64", *(f"manylinux_2_{minor}_aarch64" for minor in range(17, 37)))
"""Up to the C library of the suite, 2.36."""

MARK = "edge-emo-arm-root.txt"
"""The file that tells a folder made here from any other, and what is in it."""


@dataclass(frozen=True)
class Processor:
    """A processor that qemu knows by `name`: the board it stands for, and what its /proc/cpuinfo says."""

    name: str
    board: str
    part: str
    features: str

    @property
    def cpuinfo(self) -> str:
        """Text of /proc/cpuinfo, without which ONNX Runtime crashes."""
        core = (
            f"BogoMIPS\t: 108.00\nFeatures\t: {self.features}\nCPU implementer\t: 0x41\n"
            f"CPU architecture: 8\nCPU variant\t: 0x0\nCPU part\t: {self.part}\nCPU revision\t: 3\n\n"
        )
        return "".join(f"processor\t: {number}\n{core}" for number in range(4))


PROCESSORS = {
    processor.name: processor
    for processor in (
        Processor("cortex-a72", "Raspberry Pi 4", "0xd08", "fp asimd evtstrm crc32 cpuid"),
        Processor(
            "cortex-a76",
            "Raspberry Pi 5",
            "0xd0b",
            "fp asimd evtstrm aes pmull sha1 sha2 crc32 atomics fphp asimdhp cpuid asimdrdm lrcpc dcpop asimddp",
        ),
    )
}


class ArmRoot:
    """The root in `folder`, made there unless it is there already. Raises ClickException, which says what to do.

    `mirror` is the address of one of Debian's archive, by default the one that this machine's apt uses.
    """

    def __init__(self, folder: Path | None = None, mirror: str | None = None) -> None:
        self.folder = (folder or Path(platformdirs.user_cache_dir("edge-emo", appauthor=False)) / "arm").resolve()
        self.root, self.site = self.folder / "root", self.folder / "site"
        for tool, next_step in TOOLS.items():
            if not shutil.which(tool):
                raise click.ClickException(f"{tool} is missing; {next_step}")
        wanted = "\n".join([SUITE, *PACKAGES, *_requirements()])
        mark = self.folder / MARK
        if self.folder.exists() and any(self.folder.iterdir()) and not mark.exists():
            raise click.ClickException(f"{self.folder}: holds other files; give an empty folder with --root")
        if mark.exists() and mark.read_text() == wanted:
            return
        self.folder.mkdir(parents=True, exist_ok=True)
        mark.write_text("unfinished")
        for part in (self.root, self.site):
            shutil.rmtree(part, ignore_errors=True)
        self._unpack_debian(mirror or _own_mirror())
        self._install_wheels()
        mark.write_text(wanted)

    def run(self, processor: Processor, arguments: Sequence[str], timeout_s: float) -> subprocess.CompletedProcess[str]:
        """Run Python there in the repository's folder; its errors are passed on. Raises ClickException."""
        cpuinfo = self.root / "proc" / "cpuinfo"
        cpuinfo.parent.mkdir(exist_ok=True)
        cpuinfo.write_text(processor.cpuinfo)
        python = self.root / "usr" / "bin" / f"python{PYTHON}"
        env = {
            "PATH": os.environ["PATH"],
            "HOME": str(self.folder),
            "QEMU_CPU": processor.name,
            "PYTHONPATH": f"{REPOSITORY}:{self.site}",
            "OPENBLAS_NUM_THREADS": "1",
        }
        command = [QEMU, "-L", str(self.root), str(python), *arguments]
        try:
            return subprocess.run(
                command, cwd=REPOSITORY, env=env, timeout=timeout_s, stdout=subprocess.PIPE, text=True, check=False
            )
        except subprocess.TimeoutExpired:
            raise click.ClickException(f"{processor.name}: not done after {timeout_s:.0f} s") from None

    def _unpack_debian(self, mirror: str) -> None:
        """Fetch the packages and what they depend on by an apt with a state of its own, and unpack them."""
        if not KEYRING.exists():
            raise click.ClickException(f"{KEYRING} is missing; install it: apt-get install debian-archive-keyring")
        apt = self.folder / "apt"
        for part in ("state/lists/partial", "cache/archives/partial"):
            (apt / part).mkdir(parents=True, exist_ok=True)
        (apt / "status").touch()
        (apt / "sources.list").write_text(f"deb [signed-by={KEYRING}] {mirror} {SUITE} main\n")
        options = {
            "APT::Architecture": "arm64",
            "APT::Architectures::": "arm64",
            "APT::Install-Recommends": "false",
            "APT::Sandbox::User": "root",
            "Acquire::Languages": "none",
            "Debug::NoLocking": "true",
            "Dir::State": apt / "state",
            "Dir::State::status": apt / "status",
            "Dir::Cache": apt / "cache",
            "Dir::Etc::sourcelist": apt / "sources.list",
            "Dir::Etc::sourceparts": "/dev/null",
        }
        command = ["apt-get", "-qq", *(word for name, value in options.items() for word in ("-o", f"{name}={value}"))]
        _checked([*command, "update"])
        _checked([*command, "--yes", "--download-only", "install", *PACKAGES])
        for package in sorted((apt / "cache" / "archives").glob("*.deb")):
            _checked(["dpkg-deb", "-x", str(package), str(self.root)])
        shutil.rmtree(apt)

    def _install_wheels(self) -> None:
        platforms = [word for name in PLATFORMS for word in ("--platform", name)]
        pip = [sys.executable, "-m", "pip", "install", "--quiet", "--target", str(self.site), "--no-compile"]
        wheels_only = ["--only-binary=:all:", "--implementation", "cp", "--python-version", PYTHON]
        _checked([*pip, *wheels_only, *platforms, *_requirements()])


def _own_mirror() -> str:
    sites = _checked(["apt-get", "indextargets", "--format", "$(SITE)"]).split()
    found = next((site for site in sites if site.rstrip("/").endswith("/debian")), None)
    if found is None:
        raise click.ClickException("apt knows no mirror of Debian's archive here; give its address with --mirror")
    return found


def _requirements() -> list[str]:
    """Return the base dependencies and the tools of the tests in the very releases that are installed here."""
    stated = [Requirement(text) for text in requires("edge-emo") or ()]
    base = [entry.name for entry in stated if entry.marker is None or entry.marker.evaluate({"extra": ""})]
    try:
        return [f"{name}=={version(name)}" for name in (*base, *TEST_TOOLS)]
    except PackageNotFoundError as error:
        raise click.ClickException(f"{error.name} is missing; pip install -e '.[test,bench]'") from None


def _checked(command: Sequence[str]) -> str:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise click.ClickException(f"{' '.join(command[:2])} … {command[-1]}: {done.stderr.strip()[-800:]}")
    return done.stdout
