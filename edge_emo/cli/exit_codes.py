"""What the command line ends with; errors carry theirs (`edge_emo.core.errors`), click ends with 2 for wrong usage."""

from __future__ import annotations

DONE = 0
BAD_INPUT = 1
DAMAGED = 3
NOTHING_RECOGNISED = 4
INTERRUPTED = 130
