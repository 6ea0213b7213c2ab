"""A file that one process at a time can lock; the system lets go when the process ends."""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path

__all__ = ["LockFile"]


class LockFile:
    """A lock that no crash leaves behind. The file itself stays: it means nothing.

    Args:
        path: The file; made where it is missing, readable by its owner only.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._descriptor: int | None = None

    def acquire(self) -> bool:
        """Take the lock if it is free.

        Returns:
            Whether it is ours now.

        Raises:
            OSError: The file cannot be made or opened.
        """
        # Python's descriptors are not inherited by programs that are started, so a kernel that
        # outlives the server does not keep the lock.
        descriptor = os.open(self.path, os.O_RDWR | os.O_CREAT, 0o600)
        try:
            _lock(descriptor)
        except (BlockingIOError, PermissionError):  # the latter on Windows
            os.close(descriptor)
            return False
        except OSError:
            os.close(descriptor)
            raise
        os.truncate(descriptor, 0)
        os.write(descriptor, f"{os.getpid()}\n".encode())
        self._descriptor = descriptor
        return True

    def wait(self, timeout_s: float) -> bool:
        """Take the lock as soon as it is free.

        Returns:
            Whether it is ours now.

        Raises:
            OSError: The file cannot be made or opened.
        """
        limit = time.monotonic() + timeout_s
        while not self.acquire():
            if time.monotonic() > limit:
                return False
            time.sleep(0.005)
        return True

    def is_held(self) -> bool:
        """Whether somebody holds it, this process included. The file is not made.

        Raises:
            OSError: The file cannot be opened.
        """
        try:
            descriptor = os.open(self.path, os.O_RDWR)
        except FileNotFoundError:
            return False
        try:
            _lock_with_others(descriptor)
        except (BlockingIOError, PermissionError):  # the latter on Windows
            return True
        finally:
            os.close(descriptor)
        return False

    def holder(self) -> str:
        """The number of the process that holds it, as text; empty where it cannot be told."""
        try:
            return self.path.read_text(encoding="ascii", errors="replace").strip()
        except OSError:
            return ""

    def release(self) -> None:
        """Let go; may be called twice."""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None


if sys.platform == "win32":
    import msvcrt

    def _lock(descriptor: int) -> None:
        # Far behind the text, which others have to be able to read.
        os.lseek(descriptor, 1_000, os.SEEK_SET)
        msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
        os.lseek(descriptor, 0, os.SEEK_SET)

    # Windows has no lock to share here; two who look at once may take each other for the holder.
    _lock_with_others = _lock

else:
    import fcntl

    def _lock(descriptor: int) -> None:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)

    def _lock_with_others(descriptor: int) -> None:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
