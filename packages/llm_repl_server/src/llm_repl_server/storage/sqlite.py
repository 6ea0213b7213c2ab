"""All that is SQLite's alone: its files, its pragmas, its transactions and its errors.

But for the search, which is in `sqlite_search`.
"""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, ClassVar

import sqlalchemy as sa
from sqlalchemy import event
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.pool import PoolProxiedConnection

from llm_repl_core.errors import StorageError
from llm_repl_server.storage.backend import CHANGES, Backend
from llm_repl_server.storage.locks import LockFile, ProcessLocks
from llm_repl_server.storage.sqlite_search import prepare_search, search_condition

__all__ = ["SQLiteBackend"]

_PRAGMAS = (
    "PRAGMA busy_timeout = 10000",  # milliseconds; first, since the next may have to wait
    "PRAGMA journal_mode = WAL",  # readers and the writer do not wait for one another
    "PRAGMA synchronous = FULL",  # a commit returns when the disk has it
    "PRAGMA fullfsync = ON",  # also on macOS, where fsync alone does not reach the disk
    "PRAGMA foreign_keys = ON",
)

_WRITE_TIMEOUT_S = 10.0
"""How long the writer waits while another process writes."""

_WRITE_POLL = "PRAGMA busy_timeout = 3"
"""For the writer. SQLite's own waiting grows to steps of 100 ms, in which it would never meet the
instants between two transactions of another process that writes without a pause."""

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
    like_ignores_case: ClassVar[bool] = True
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
        self._opening = LockFile(self.path.with_name(self.path.name + ".opening"))
        self._processes = ProcessLocks(self.path.with_name(self.path.name + ".owners"))
        self._has_index = False
        event.listen(self.engine, "connect", _set_up)
        event.listen(self.engine, "begin", _begin)

    @property
    def place(self) -> str:
        """The database's path."""
        return str(self.path)

    def size_bytes(self) -> int:
        """The size of its file, and of what is beside it until that is written into it."""
        size = 0
        for suffix in ("", "-wal"):
            with contextlib.suppress(OSError):
                size += Path(f"{self.path}{suffix}").stat().st_size
        return size

    def acquire(self) -> None:
        """Make the folder, for its owner's eyes only, and lock the file's neighbour."""
        with self._explained():
            _make_folder(self.path.parent)
            if not self._lock.acquire():
                holder = self._lock.holder()
                process = f" (process {holder})" if holder else ""
                raise StorageError(
                    f"Another server{process} uses the database {self.path}; "
                    "stop it or give this one another database."
                )

    @contextmanager
    def opening(self) -> Iterator[None]:
        """Make folder and file; nobody else turns a new file into a database meanwhile."""
        with self._explained():
            _make_folder(self.path.parent)
            if not self._opening.wait(_WRITE_TIMEOUT_S):
                raise StorageError(
                    f"Another process is opening the database {self.path} and does not finish; "
                    "stop it and try again."
                )
        try:
            with self._explained():
                self._make_file()
            yield
        finally:
            self._opening.release()

    def release(self) -> None:
        """Close all connections, then the locks."""
        super().release()
        self._processes.unregister()
        self._lock.release()

    def connect_writer(self) -> PoolProxiedConnection:
        """A connection that leaves waiting to `begin_changes`."""
        connection = super().connect_writer()
        driver_connection: Any = self.driver_connection(connection)
        driver_connection.execute(_WRITE_POLL)
        return connection

    def begin_changes(self, connection: DBAPIConnection) -> None:
        """Take the write lock, before anything is read that might change until it is ours."""
        limit = time.monotonic() + _WRITE_TIMEOUT_S
        driver_connection: Any = connection
        while True:
            try:
                driver_connection.execute("BEGIN IMMEDIATE")
            except self._driver.OperationalError as error:
                if not error.sqlite_errorname.startswith("SQLITE_BUSY"):
                    raise
                if time.monotonic() > limit:
                    raise
            else:
                return

    def owner(self) -> str:
        """The name of a file that this process keeps locked."""
        return self._processes.own_name()

    def is_alive(self, owner: str) -> bool:
        """Whether the file of that name is locked."""
        return self._processes.is_alive(owner)

    def forget_dead_owners(self) -> None:
        """Remove the files that nobody has locked."""
        self._processes.remove_dead()

    def prepare_search(self) -> None:
        """Make the full-text index, where this build of SQLite can."""
        self._has_index = prepare_search(self.engine)

    def search_condition(self, words: Sequence[str]) -> sa.ColumnElement[bool]:
        """By the index, where there is one."""
        return search_condition(words) if self._has_index else super().search_condition(words)

    def explain(self, error: BaseException) -> str:
        """One sentence about an error, with what to do about it where that is known."""
        cause = error.orig if isinstance(error, sa.exc.DBAPIError) else error
        name = getattr(cause, "sqlite_errorname", "")
        for beginning, advice in _ADVICE.items():
            if name.startswith(beginning):
                return advice.format(path=self.path)
        return super().explain(error)

    @contextmanager
    def _explained(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise StorageError(
                f"The database {self.path} cannot be used: {error.strerror or error}; "
                "give a path that may be written."
            ) from error

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
    changes = connection.get_execution_options().get(CHANGES)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if changes else "BEGIN")


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
