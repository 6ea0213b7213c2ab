"""A folder for sockets and connection files, which only this user may enter."""

from __future__ import annotations

import contextlib
import os
import shutil
import tempfile
from pathlib import Path

from llm_repl_core.errors import KernelStartFailed
from llm_repl_core.leftovers import mark_in_use, sweep_once

__all__ = ["PrivateFolder"]

_PREFIX = "llm-repl-kernels-"
_PATH_LIMIT_BYTES = 100
"""Of a Unix socket's path the system takes 108 bytes, some only 104."""
_NAMES_BYTES = 40
"""What our own names add to the path at most."""


class PrivateFolder:
    """A new folder of mode 0700, with a path that is short enough for sockets in it.

    Those of processes that were killed are removed when the next one is made.

    Raises:
        KernelStartFailed: There is no place for it.

    Attributes:
        path: Where it is.
        descriptor: Of the open folder. A process that inherits it keeps the folder in use.
    """

    def __init__(self) -> None:
        self.path = _make()
        self.descriptor: int | None = None
        with contextlib.suppress(OSError):
            self.descriptor = os.open(self.path, os.O_RDONLY | getattr(os, "O_CLOEXEC", 0))
            mark_in_use(self.descriptor)

    def remove(self, *, with_content: bool = False) -> None:
        """Let go of it, and remove it where it is empty; may be called twice.

        Args:
            with_content: Whether it is removed with all that is in it.
        """
        with contextlib.suppress(OSError):
            if with_content:
                shutil.rmtree(self.path)
            else:
                self.path.rmdir()
        descriptor, self.descriptor = self.descriptor, None
        if descriptor is not None:
            os.close(descriptor)


def _make() -> Path:
    candidates = [os.environ.get("XDG_RUNTIME_DIR"), tempfile.gettempdir(), "/tmp"]  # noqa: S108
    for candidate in candidates:
        if candidate and len(os.fsencode(candidate)) + _NAMES_BYTES <= _PATH_LIMIT_BYTES:
            try:
                folder = Path(tempfile.mkdtemp(prefix=_PREFIX, dir=candidate))
            except OSError:
                continue
            sweep_once(folder.parent, f"{_PREFIX}*")
            return folder
    raise KernelStartFailed(
        "There is no folder for the kernels' sockets: set TMPDIR to a writable one "
        "whose path is short."
    )
