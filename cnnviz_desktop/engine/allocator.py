"""Keep freed memory for the next pass, where the C library would give it back to the system."""

from __future__ import annotations

import ctypes
import sys

_KEPT = 256 * 2**20  # bytes; what freed memory is kept up to, and the largest block it may serve
_TRIM_THRESHOLD, _MMAP_THRESHOLD = -1, -3  # glibc's malloc.h


def keep_freed_memory() -> None:
    """Let glibc keep large freed blocks; other C libraries are left as they are.

    It gives each of a pass's large blocks back by itself and takes it anew in the next pass, which
    then touches every page for the first time: a third of the time of a pass over large maps.
    """
    if not sys.platform.startswith("linux"):
        return
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)  # musl has none
    if mallopt is not None:
        mallopt(_MMAP_THRESHOLD, _KEPT)
        mallopt(_TRIM_THRESHOLD, _KEPT)
