"""A folder for sockets and connection files, which only this user may enter."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

from llm_repl_core.errors import KernelStartFailed

__all__ = ["make_private_folder"]

_PATH_LIMIT_BYTES = 100
"""Of a Unix socket's path the system takes 108 bytes, some only 104."""
_NAMES_BYTES = 40
"""What our own names add to the path at most."""


def make_private_folder() -> Path:
    """A new folder of mode 0700, with a path that is short enough for sockets in it.

    Raises:
        KernelStartFailed: There is no place for it.
    """
    candidates = [os.environ.get("XDG_RUNTIME_DIR"), tempfile.gettempdir(), "/tmp"]  # noqa: S108
    for candidate in candidates:
        if candidate and len(os.fsencode(candidate)) + _NAMES_BYTES <= _PATH_LIMIT_BYTES:
            try:
                return Path(tempfile.mkdtemp(prefix="llm-repl-", dir=candidate))
            except OSError:
                continue
    raise KernelStartFailed(
        "There is no folder for the kernels' sockets: set TMPDIR to a writable one "
        "whose path is short."
    )
