"""What is fuzzed: one kind of input."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.fuzz_mutations import mutated


@dataclass(frozen=True)
class Kind:
    """A kind of input: `make` gives whole ones, `read` reads a file in an own folder, `words` mean something in it.

    `mend` puts the checksums right where decoders would look no further, `mutate` does the damage.
    """

    name: str
    suffix: str
    make: Callable[[], list[bytes]]
    read: Callable[[Path], None]
    words: tuple[bytes, ...] = ()
    mend: Callable[[bytes], bytes] = bytes
    mutate: Callable[[Sequence[bytes], Sequence[bytes], random.Random], bytes] = mutated
