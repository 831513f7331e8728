"""The `pip` of the documentation's tests: it installs nothing, and fails where a page asks for what a checkout lacks.

There is no release on a package index yet, so what a page installs is the checkout ("."), by extras that exist, and
PyTorch, which trains.
"""

from __future__ import annotations

import re
import sys

from tests.docs.blocks import ROOT

ELSEWHERE = {"torch", "onnx", "sympy"}


def extras() -> set[str]:
    """Return the extras of the package."""
    text = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    section = text.split("[project.optional-dependencies]\n")[1].split("\n[")[0]
    return set(re.findall(r"^(\w+) = \[", section, re.MULTILINE))


def problems(arguments: list[str]) -> list[str]:
    """Return what is wrong with the arguments of a `pip install`."""
    if arguments[:1] != ["install"]:
        return [f"pip {' '.join(arguments)}: only `pip install` is shown"]
    found = []
    for target in (word for word in arguments[1:] if not word.startswith("-")):
        local = re.fullmatch(r"\.(?:\[([\w,]+)\])?", target)
        if local is None and target not in ELSEWHERE:
            found.append(f"{target}: not to be had; from a checkout it is '.' with extras")
        if local and local[1]:
            found += [f"{target}: no extra {extra!r}" for extra in local[1].split(",") if extra not in extras()]
    return found


if __name__ == "__main__":
    wrong = problems(sys.argv[1:])
    print("\n".join(wrong), file=sys.stderr)
    sys.exit(bool(wrong))
