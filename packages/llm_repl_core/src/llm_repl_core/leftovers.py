"""What processes leave on disk that were killed: it is found by a lock that nobody holds any more."""

from __future__ import annotations

import contextlib
import os
import shutil
import stat
import time
from pathlib import Path

__all__ = ["TEMPORARY_FILES", "mark_in_use", "sweep", "sweep_once"]

TEMPORARY_FILES = ".llm-repl-*.tmp"
"""The names of files that are being written."""

_MIN_AGE_S = 10.0
"""Between making something and locking it there is a moment."""

_swept: set[tuple[Path, str]] = set()


def mark_in_use(descriptor: int) -> None:
    """Lock an open file or folder for as long as this process, or one it forks, has it open."""
    with contextlib.suppress(ImportError, OSError):
        import fcntl  # not on every platform

        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)


def sweep_once(folder: Path, pattern: str) -> None:
    """As `sweep`, once for each folder in the life of this process."""
    if (folder, pattern) not in _swept:
        _swept.add((folder, pattern))
        sweep(folder, pattern)


def sweep(folder: Path, pattern: str) -> None:
    """Remove this user's files and folders of that name that no process has in use.

    Args:
        folder: Where they are.
        pattern: Of their names; whoever makes such a thing marks it as in use.
    """
    with contextlib.suppress(ImportError, OSError):
        import fcntl  # not on every platform

        for path in folder.glob(pattern):
            with contextlib.suppress(OSError):
                _remove_if_left(path, fcntl.LOCK_EX | fcntl.LOCK_NB)


def _remove_if_left(path: Path, lock: int) -> None:
    import fcntl

    descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    try:
        status = os.fstat(descriptor)
        if status.st_uid != os.getuid() or time.time() - status.st_mtime < _MIN_AGE_S:
            return
        fcntl.flock(descriptor, lock)  # fails where somebody has it
        if stat.S_ISDIR(status.st_mode):
            shutil.rmtree(path)
        elif stat.S_ISREG(status.st_mode):
            path.unlink()
    finally:
        os.close(descriptor)
