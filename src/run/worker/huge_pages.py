"""Huge pages for the memory of a process that forks often: the kernel copies the tables of all pages at each fork.

It knows nothing of tests. Where the system has no such pages, everything works without them.
"""

from __future__ import annotations

import contextlib
import ctypes
import sys
from collections.abc import Iterator
from pathlib import Path

_SIZE = 2 << 20
# Of Linux 6.1; unlike MADV_HUGEPAGE, it only concerns the pages that are in use now.
_MADV_COLLAPSE = 25


def use_huge_pages() -> None:
    """Gather the private memory of this process in huge pages.

    Later writes in a forked process copy a small page each, as before.
    """
    if sys.platform != "linux":
        return
    with contextlib.suppress(OSError, ValueError, AttributeError):
        advise = ctypes.CDLL(None).madvise
        advise.argtypes = [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int]
        for start, length in _private_memory():
            advise(start, length, _MADV_COLLAPSE)


def _private_memory() -> Iterator[tuple[int, int]]:
    """Give address and length of what may be huge pages."""
    for line in Path("/proc/self/maps").read_text().splitlines():
        addresses, permissions, _, _, inode, *name = line.split(maxsplit=5)
        is_private = inode == "0" and permissions == "rw-p" and name in ([], ["[heap]"])
        start, end = (int(address, 16) for address in addresses.split("-"))
        start = -(-start // _SIZE) * _SIZE
        length = (end - start) // _SIZE * _SIZE
        if is_private and length > 0:
            yield start, length
