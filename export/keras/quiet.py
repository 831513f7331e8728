"""TensorFlow and its converters without their talk."""

from __future__ import annotations

import contextlib
import logging
import os
import sys
import tempfile
import traceback
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path

import click
from rich.console import Console

from edge_emo.core.errors import CardError
from export.keras.source import SourceError, one_line


@contextlib.contextmanager
def quiet() -> Iterator[Callable[[str], None]]:
    """Keep what TensorFlow and its converters say off the terminal; yields what tells the progress there.

    Their words go to a file, which stays where something fails that was not foreseen.
    """
    for name in ("tensorflow", "tf2onnx", "absl"):
        logging.getLogger(name).setLevel(logging.ERROR)
    log = tempfile.NamedTemporaryFile("w", prefix="edge-emo-export-", suffix=".log", delete=False)  # noqa: SIM115
    sys.stderr.flush()
    saved = os.dup(2)
    with log, warnings.catch_warnings(), os.fdopen(os.dup(2), "w") as terminal:
        warnings.simplefilter("ignore")
        os.dup2(log.fileno(), 2)  # the C++ side writes to the descriptor
        try:
            # in this order, as the status takes standard output for itself
            with Console(file=terminal).status("loading TensorFlow") as status, contextlib.redirect_stdout(log):
                yield status.update
        except (SourceError, CardError, ImportError):
            Path(log.name).unlink()
            raise
        except Exception as error:
            traceback.print_exc(file=log)
            raise click.ClickException(f"{one_line(error)}\nall that was said is in {log.name}") from error
        else:
            Path(log.name).unlink()
        finally:
            os.dup2(saved, 2)
            os.close(saved)
