"""Tells which folders of music change."""

from __future__ import annotations

import os
import queue
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from edge_emo.core.errors import ExtraMissingError, FolderError
from edge_emo.core.text import printable, to_install
from edge_emo.music.library.tags import SUFFIXES
from edge_emo.music.library.walk import is_empty, real_folder

_CHANGES = {"created", "modified", "moved", "deleted"}  # not that a file is opened, as we do ourselves
_PATIENCE_S = 0.5  # a wait without an end could not be interrupted on Windows


class Watch:
    """Watches folders, from entering the context on; iterating yields, without end, those in which something changed.

    Changes come together once all has been quiet for `quiet_s` seconds, so that a file that is being copied is read
    when it is complete. Folders behind links are not watched. Raises FolderError where the system cannot watch a
    folder, and ExtraMissingError without watchdog.
    """

    def __init__(self, folders: Iterable[str | os.PathLike[str]], *, quiet_s: float = 1.0) -> None:
        self._roots = [real_folder(folder) for folder in folders]
        self._quiet_s = quiet_s
        self._changed: queue.SimpleQueue[str] = queue.SimpleQueue()

    def __enter__(self) -> Watch:
        try:
            from watchdog.observers import Observer
        except ImportError as error:
            raise ExtraMissingError(f"watching a folder needs watchdog; {to_install('music')}") from error

        self._observer: Any = Observer()
        try:
            for root in self._roots:
                self._observer.schedule(_handler(self._changed), root, recursive=True)
            self._observer.start()
        except OSError as error:
            raise FolderError(
                f"{', '.join(map(printable, self._roots))}: cannot be watched ({error.strerror}); on Linux raise "
                "fs.inotify.max_user_watches, or add the folder from time to time"
            ) from error
        return self

    def __exit__(self, *_: object) -> None:
        self._observer.stop()
        self._observer.join()

    def __iter__(self) -> Iterator[list[str]]:
        changed: set[str] = set()
        while True:
            try:
                changed.add(self._changed.get(timeout=self._quiet_s if changed else _PATIENCE_S))
            except queue.Empty:
                if changed:
                    yield sorted({self._standing(folder) for folder in changed})
                changed.clear()

    def _standing(self, folder: str) -> str:
        """Return the folder, or the nearest around it that is there and not empty, as an unmounted disk would be."""
        while folder not in self._roots and is_empty(folder):
            folder = str(Path(folder).parent)
        return folder


def _handler(changed: queue.SimpleQueue[str]) -> Any:
    from watchdog.events import FileSystemEvent, FileSystemEventHandler

    class Handler(FileSystemEventHandler):
        def on_any_event(self, event: FileSystemEvent) -> None:
            if event.event_type not in _CHANGES or (event.is_directory and event.event_type == "modified"):
                return
            names: list[Any] = [event.src_path, event.dest_path]
            for path in (Path(os.fsdecode(name)) for name in names if name):
                if event.is_directory or path.suffix.lower() in SUFFIXES:
                    changed.put(str(path.parent))

    return Handler()
