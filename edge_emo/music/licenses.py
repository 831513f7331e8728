"""Licences of songs: what they allow, and the credit line that some ask for."""

from __future__ import annotations

import re

UNKNOWN = "unknown"

USAGES = {
    "CC BY 4.0": "Free to use, change and publish, also in commercial videos, if the credit line is shown and changes "
    "are named.",
    "YouTube Audio Library licence": "Free in videos, also monetised ones, without a credit line; get it in the "
    "YouTube Audio Library. The file itself may not be passed on.",
    UNKNOWN: "Not known; ask who holds the rights before you publish it.",
}
"""What may be done with a song, by its licence."""

URLS = {"CC BY 4.0": "https://creativecommons.org/licenses/by/4.0/"}

_CC_BY = re.compile(r"CC BY \d\.\d")


def is_cc_by(name: str) -> bool:
    """Return whether a song under this licence may be published anywhere with a credit line and nothing more."""
    return _CC_BY.fullmatch(name) is not None


def credit_line(license: str, url: str, title: str, artist: str, source: str, link: str) -> str | None:
    """Return the credit that a licence asks for: incompetech's own wording, else title, author, source, licence."""
    if not is_cc_by(license):
        return None
    if source == "incompetech":
        version = license.removeprefix("CC BY ")
        terms = f"Licensed under Creative Commons: By Attribution {version} License {url}"
        return f'"{title}" {artist} (incompetech.com) {terms}'
    where = f" ({link})" if link else ""
    return f'"{title}" by {artist}{where} is licensed under {license}, {url}'
