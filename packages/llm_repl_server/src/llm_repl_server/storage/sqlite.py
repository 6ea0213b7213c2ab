"""All that is SQLite's alone: its files, its pragmas, its transactions and its errors."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any, ClassVar

import sqlalchemy as sa
from sqlalchemy import event
from sqlalchemy.pool import PoolProxiedConnection

from llm_repl_core.errors import StorageError
from llm_repl_server.storage.backend import Backend
from llm_repl_server.storage.lock_file import LockFile

__all__ = ["SQLiteBackend"]

_PRAGMAS = (
    "PRAGMA journal_mode = WAL",  # readers and the writer do not wait for one another
    "PRAGMA synchronous = FULL",  # a commit returns when the disk has it
    "PRAGMA fullfsync = ON",  # also on macOS, where fsync alone does not reach the disk
    "PRAGMA foreign_keys = ON",
    "PRAGMA busy_timeout = 5000",  # milliseconds; a backup tool may hold the file for a moment
)

# What a person can do about each error, by the beginning of its name.
_ADVICE = {
    "SQLITE_NOTADB": "{path} is not a SQLite database; move it away or give another path.",
    "SQLITE_CORRUPT": "The database {path} is damaged; restore it from a backup or move it away.",
    "SQLITE_FULL": "The disk is full: {path} could not be written; make room and try again.",
    "SQLITE_IOERR": "The disk failed while {path} was used; see whether it is full or broken.",
    "SQLITE_BUSY": "Another program keeps {path} locked; close it and try again.",
    "SQLITE_LOCKED": "Another program keeps {path} locked; close it and try again.",
    "SQLITE_READONLY": "The database {path} may not be written; check its permissions.",
    "SQLITE_PERM": "The database {path} may not be opened; check its permissions.",
    "SQLITE_CANTOPEN": "The database {path} cannot be opened; check the folder's permissions.",
    "SQLITE_TOOBIG": "What was to be stored in {path} is over SQLite's limit of 1 GB a value.",
}


class SQLiteBackend(Backend):
    """A database in one file, which one server at a time may use.

    Args:
        url: ``sqlite:///`` and the file's path.

    Raises:
        StorageError: The URL names no file.
    """

    name: ClassVar[str] = "sqlite"
    engine_options: ClassVar[dict[str, Any]] = {}

    def __init__(self, url: sa.URL) -> None:
        name = url.database or ""
        if name in ("", ":memory:") or "\0" in name or url.query:
            raise StorageError(
                "The storage needs a SQLite database in a file: write "
                "sqlite:////folder/name.db, without anything behind it."
            )
        # The real path, so that a link to the file meets the same lock. (`Path.resolve` raises
        # for links that go round in circles; opening the file says so in better words.)
        self.path = Path(os.path.realpath(name))
        super().__init__(url.set(database=str(self.path)))
        self._lock = LockFile(self.path.with_name(self.path.name + ".lock"))
        event.listen(self.engine, "connect", _set_up)
        event.listen(self.engine, "begin", _begin)

    @property
    def place(self) -> str:
        """The database's path."""
        return str(self.path)

    def acquire(self) -> None:
        """Make folder and file, for their owner's eyes only, and lock the file's neighbour."""
        try:
            _make_folder(self.path.parent)
            if not self._lock.acquire():
                holder = self._lock.holder()
                process = f" (process {holder})" if holder else ""
                raise StorageError(
                    f"Another server{process} uses the database {self.path}; "
                    "stop it or give this one another database."
                )
            self._make_file()
        except OSError as error:
            raise StorageError(
                f"The database {self.path} cannot be used: {error.strerror or error}; "
                "give a path that may be written."
            ) from error

    def release(self) -> None:
        """Close all connections, then the lock."""
        super().release()
        self._lock.release()

    def connect_writer(self) -> PoolProxiedConnection:
        """A connection whose transactions take the write lock at once."""
        connection = super().connect_writer()
        driver_connection: Any = self.driver_connection(connection)
        driver_connection.isolation_level = "IMMEDIATE"
        return connection

    def explain(self, error: BaseException) -> str:
        """One sentence about an error, with what to do about it where that is known."""
        cause = error.orig if isinstance(error, sa.exc.DBAPIError) else error
        name = getattr(cause, "sqlite_errorname", "")
        for beginning, advice in _ADVICE.items():
            if name.startswith(beginning):
                return advice.format(path=self.path)
        return super().explain(error)

    def _make_file(self) -> None:
        # SQLite would make the file by the umask; its companions -wal and -shm take its mode.
        try:
            os.close(os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600))
        except FileExistsError:
            if self.path.is_dir() or not os.access(self.path, os.R_OK | os.W_OK):
                raise StorageError(
                    f"{self.path} is not a file that may be read and written; "
                    "check its permissions or give another path."
                ) from None
            return
        _sync_folder(self.path.parent)


def _set_up(connection: Any, _record: object) -> None:
    # The driver would begin transactions for changes only; `_begin` does it for reads as well, so
    # that the queries of one transaction see one state.
    connection.isolation_level = None
    for pragma in _PRAGMAS:
        connection.execute(pragma)


def _begin(connection: sa.Connection) -> None:
    connection.exec_driver_sql("BEGIN")


def _make_folder(folder: Path) -> None:
    if not folder.is_dir():
        _make_folder(folder.parent)
        folder.mkdir(mode=0o700, exist_ok=True)
        _sync_folder(folder.parent)


def _sync_folder(folder: Path) -> None:
    if os.name == "nt":  # a folder cannot be opened there
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
