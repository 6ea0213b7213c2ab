"""Memory that is free in this process, given back to the system."""

from __future__ import annotations

import ctypes
import gc
import sys

__all__ = ["return_memory"]


def return_memory() -> None:
    """Give back what is free; where the system's library cannot, nothing happens.

    The C library of Linux keeps what was freed, in a heap for each of several threads: after a load
    that is over, a server would stay as large as it was at its height.
    """
    gc.collect()
    if sys.platform == "linux":
        trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
        if trim is not None:
            trim(0)
