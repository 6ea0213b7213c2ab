"""Which of the processes that use a database are alive: each holds the lock of a file of its own.

A process's number would not tell: numbers are given again, and differ between containers that
share a folder. The system lets go of a lock when its process ends, however it ends.
"""

from __future__ import annotations

import contextlib
import threading
from pathlib import Path
from uuid import uuid4

from llm_repl_core.errors import StorageError
from llm_repl_server.storage.lock_file import LockFile

__all__ = ["Owners"]


class Owners:
    """The processes beside a database, and this one among them.

    Args:
        folder: Where the files are; made where it is missing, for its owner's eyes only.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._ours: LockFile | None = None
        self._lock = threading.Lock()

    def ours(self) -> str:
        """The name of this process; from the first call on, others can see that it is alive.

        Raises:
            StorageError: The file cannot be made or locked.
        """
        with self._lock:
            if self._ours is None:
                self._ours = self._sign_in()
            return self._ours.path.name

    def is_alive(self, name: str) -> bool:
        """Whether the process of that name is alive."""
        if self._ours is not None and name == self._ours.path.name:
            return True
        try:
            return LockFile(self._folder / Path(name).name).is_held()
        except OSError:  # it cannot be told, so nothing is taken from a process that may live
            return True

    def forget_the_dead(self) -> None:
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

    def sign_out(self) -> None:
        """Let go of this process's file and remove it; may be called twice."""
        with self._lock:
            ours, self._ours = self._ours, None
            if ours is not None:
                ours.release()
                with contextlib.suppress(OSError):
                    ours.path.unlink()

    def _sign_in(self) -> LockFile:
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
