"""Kinds of input that show each fault there is."""

import os
import time

import numpy as np

from benchmarks.fuzz_kind import Kind
from edge_emo.errors import EdgeEmoError


def kinds():
    return [
        Kind(name, "txt", lambda: [b"whole"], read)
        for name, read in {
            "read": lambda path: path.read_bytes(),
            "refused": _refused,
            "exception": lambda path: {}["absent"],
            "crash": lambda path: os.abort(),
            "memory": lambda path: np.ones(20_000_000).sum(),
            "hang": lambda path: time.sleep(1000),
        }.items()
    ]


def _refused(path):
    raise EdgeEmoError(f"{path}: damaged")
