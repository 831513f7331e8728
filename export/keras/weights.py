"""Weights in HDF5, before anything reads them: that they lie in this file, and fit into it."""

from __future__ import annotations

from typing import Any

MAX_COMPRESSION = 200
"""How many times larger than stored anything may get; weights shrink by little, bombs by thousands."""
MAX_ITEMS = 100_000


class WeightsError(ValueError):
    """Weights that are not read. The text says why, not in which file."""


def check_group(group: Any, size: int) -> None:
    """Check an open h5py group and all below it, in a file of `size` bytes.

    Raises WeightsError where HDF5 would open other files, or claims more than the file can hold.
    """
    import h5py

    left, seen = [group], set()
    while left:
        above = left.pop()
        for name in above:
            link = above.get(name, getlink=True)
            if isinstance(link, h5py.ExternalLink):
                raise WeightsError(f"{name} lies in another file, {link.filename!r}; save the model in one file")
            if isinstance(link, h5py.SoftLink):
                continue  # leads to a place that is checked where it lies
            item = above[name]
            place = h5py.h5o.get_info(item.id).addr
            if place in seen:
                continue
            seen.add(place)
            if len(seen) > MAX_ITEMS:
                raise WeightsError(f"holds more than {MAX_ITEMS:,} groups and arrays; not read")
            if isinstance(item, h5py.Dataset):
                _check_array(name, item, size)
            else:
                left.append(item)


def _check_array(name: str, item: Any, size: int) -> None:
    others = [str(source[0]) for source in item.external or ()]
    if item.is_virtual:
        others += [source.file_name for source in item.virtual_sources()]
    if others:
        raise WeightsError(f"{name} lies in another file, {others[0]!r}; save the model in one file")
    if item.nbytes > MAX_COMPRESSION * max(size, 1 << 16):
        raise WeightsError(f"{name} claims {item.nbytes:,} bytes, the file has {size:,}; not read")
