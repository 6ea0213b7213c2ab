"""How much memory a kernel may have where nobody says it."""

from __future__ import annotations

import os
from pathlib import Path

__all__ = ["default_memory_limit_bytes"]

_SHARE = 0.8


def default_memory_limit_bytes() -> int:
    """Four fifths of the machine's memory, or of the control group's; 0 where neither is known.

    So code that eats memory ends with a ``MemoryError`` or by itself, not the server with it.
    """
    limits = [size for size in (_machine_bytes(), _control_group_bytes()) if size]
    return int(min(limits) * _SHARE) if limits else 0


def _machine_bytes() -> int:
    try:
        return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (AttributeError, ValueError, OSError):
        return 0


def _control_group_bytes() -> int:
    try:
        # https://docs.kernel.org/admin-guide/cgroup-v2.html: `memory.max` is a number or "max".
        text = Path("/sys/fs/cgroup/memory.max").read_text(encoding="ascii").strip()
    except OSError:
        return 0
    return int(text) if text.isdecimal() else 0
