"""Locks that no crash leaves behind, and which of the processes beside a database are alive.

Each of those processes holds the lock of a file of its own. A process's number would not tell:
numbers are given again, and differ between containers that share a folder. The system lets go of a
lock when its process ends, however it ends.
"""

from __future__ import annotations

import contextlib
import os
import sys
import threading
import time
from pathlib import Path
from uuid import uuid4

from llm_repl_core.errors import StorageError

__all__ = ["LockFile", "ProcessLocks"]


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


class ProcessLocks:
    """The processes beside a database, and this one among them.

    Args:
        folder: Where the files are; made where it is missing, for its owner's eyes only.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._own: LockFile | None = None
        self._lock = threading.Lock()

    def own_name(self) -> str:
        """The name of this process; from the first call on, others can see that it is alive.

        Raises:
            StorageError: The file cannot be made or locked.
        """
        with self._lock:
            if self._own is None:
                self._own = self._register()
            return self._own.path.name

    def is_alive(self, name: str) -> bool:
        """Whether the process of that name is alive."""
        if self._own is not None and name == self._own.path.name:
            return True
        try:
            return LockFile(self._folder / Path(name).name).is_held()
        except OSError:  # it cannot be told, so nothing is taken from a process that may live
            return True

    def remove_dead(self) -> None:
        """Remove what ended processes left."""
        if not self._folder.is_dir():
            return
        for path in self._folder.iterdir():
            if not self.is_alive(path.name):
                # Removed only while it is locked, or it might have become somebody's since.
                lock = LockFile(path)
                with contextlib.suppress(OSError):
                    if lock.acquire():
                        path.unlink()
                lock.release()

    def unregister(self) -> None:
        """Let go of this process's file and remove it; may be called twice."""
        with self._lock:
            ours, self._own = self._own, None
            if ours is not None:
                ours.release()
                with contextlib.suppress(OSError):
                    ours.path.unlink()

    def _register(self) -> LockFile:
        try:
            self._folder.mkdir(mode=0o700, exist_ok=True)
            # Who removes what the dead left may take a file in the instant before it is locked.
            for _ in range(100):
                lock = LockFile(self._folder / uuid4().hex)
                if lock.acquire() and lock.path.exists():
                    return lock
                lock.release()
        except OSError as error:
            raise StorageError(
                f"The folder {self._folder} cannot be used: {error.strerror or error}; "
                "check its permissions."
            ) from error
        raise StorageError(
            f"The files in {self._folder} are removed as soon as they are made; see by whom."
        )


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
