"""Licences of songs: what they allow, and the credit line that some ask for."""

from __future__ import annotations

import re

UNKNOWN = "unknown"

USAGES = {
    "CC BY 4.0": "Free to use, change and publish, even commercially, as long as you show the credit line and say "
    "what you changed.",
    "YouTube Audio Library licence": "Free to use in videos, even monetized ones, without a credit line. Do not pass "
    "on the file itself.",
    UNKNOWN: "Not known; ask the rights holder before you publish it.",
}
"""What may be done with a song, by its licence."""

URLS = {"CC BY 4.0": "https://creativecommons.org/licenses/by/4.0/"}

AUDIO_LIBRARY = "youtube.com/audiolibrary"

_VERSION = re.compile(r" \d\.\d$")
_CC_BY = re.compile(r"CC BY \d\.\d")
_CC_NAME = re.compile(r"CC (BY(?:-NC)?(?:-SA|-ND)?) (1\.0|2\.0|2\.5|3\.0|4\.0)")
_CC_URL = re.compile(
    r"https?://(?:www\.)?creativecommons\.org/licenses/(by(?:-nc)?(?:-sa|-nd)?)/(1\.0|2\.0|2\.5|3\.0|4\.0)/?"
)


def in_a_word(name: str) -> str:
    """Return a licence as short as a line of a list needs it: without version, publisher's name and the word itself."""
    if name == UNKNOWN:
        return "licence unknown"
    return _VERSION.sub("", name).removeprefix("YouTube ").removesuffix(" licence")


def how_to_find(source: str, title: str, artist: str) -> str | None:
    """Return where to look for a song whose publisher gives single songs no address, None for other publishers."""
    if source != "youtube_audio_library":
        return None
    by = f" by {artist}" if artist else ""
    return f"search for “{title}”{by} in the YouTube Audio Library ({AUDIO_LIBRARY})"


def is_cc_by(name: str) -> bool:
    """Return whether a song under this licence may be published anywhere with a credit line and nothing more."""
    return _CC_BY.fullmatch(name) is not None


def creative_commons(text: str) -> tuple[str, str, str] | None:
    """Return name, address and usage of the international Creative Commons licence that `text` is exactly, if any.

    `text` is its name, such as "CC BY 4.0", or its address; a sentence that mentions one may say anything about it.
    """
    found = _CC_NAME.fullmatch(text) or _CC_URL.fullmatch(text)
    if not found:
        return None
    kind, version = found[1].lower(), found[2]
    name, url = f"CC {kind.upper()} {version}", f"https://creativecommons.org/licenses/{kind}/{version}/"
    usage = USAGES["CC BY 4.0"] if is_cc_by(name) else f"Read the licence before you publish it: {url}"
    return name, url, usage


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
