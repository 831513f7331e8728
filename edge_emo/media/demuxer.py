"""One reading of a film with PyAV: the packets of its sound and of its picture, on one clock."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import closing
from typing import Any, BinaryIO

from edge_emo.core.once import once
from edge_emo.core.text import printable
from edge_emo.media.clock import PacketClock
from edge_emo.media.containers import open_with_pyav
from edge_emo.media.sources import opened


class Demuxer:
    """A film, opened when it is first asked for anything, and read once.

    `source` is what `sources.opened` gave for `path` where that was called before. `error` is what ended the reading
    before the end of the file, where it is damaged. Raises MediaError.
    """

    def __init__(self, path: str | os.PathLike[str], source: str | BinaryIO | None = None) -> None:
        self.name = printable(os.fspath(path))
        self.error: Exception | None = None
        self._path, self._opened = path, source

    @once
    def source(self) -> str | BinaryIO:
        """The path of the file, or the content of a pipe."""
        return opened(self._path) if self._opened is None else self._opened

    @once
    def container(self) -> Any:
        """The container of PyAV."""
        return open_with_pyav(self.name, self.source)

    @once
    def clock(self) -> PacketClock:
        """The clock of its packets."""
        return PacketClock(self.container)

    def packets(self) -> Iterator[Any]:
        """Yield the packets as they lie in the file, then an empty one for each stream, and close the film."""
        import av

        with closing(self.container):
            try:
                yield from self.clock.packets()
            except (av.error.FFmpegError, OSError, ValueError) as error:
                self.error = error

    def close(self) -> None:
        """Close a film that is not read."""
        if "container" in vars(self):
            self.container.close()
