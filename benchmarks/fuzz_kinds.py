"""Every kind of input that the package reads."""

from __future__ import annotations

import importlib.util

from benchmarks import fuzz_commands, fuzz_media, fuzz_models, fuzz_songs
from benchmarks.fuzz_kind import Kind


def kinds() -> list[Kind]:
    """Return the kinds that the libraries of this environment can make and read."""
    found = [
        *fuzz_media.picture_kinds(),
        *fuzz_media.sound_kinds(),
        *fuzz_songs.list_kinds(),
        *fuzz_models.model_kinds(),
        *fuzz_songs.database_kinds(),
        fuzz_commands.command_line(),
    ]
    if importlib.util.find_spec("av"):
        found += fuzz_media.film_kinds()
    if importlib.util.find_spec("mutagen"):
        found += fuzz_songs.tag_kinds()
    return found + fuzz_models.keras_kinds()
