"""A database that is open: reads in any thread, changes in one."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import Future
from contextlib import contextmanager

import sqlalchemy as sa

from llm_repl_core.errors import StorageError
from llm_repl_server.storage.backend import Backend
from llm_repl_server.storage.changes import Change, encode_change
from llm_repl_server.storage.database import Database
from llm_repl_server.storage.migrate import migrate
from llm_repl_server.storage.operations import Operation
from llm_repl_server.storage.sqlite import SQLiteBackend
from llm_repl_server.storage.writer import Writer

__all__ = ["DatabaseConnection"]


class DatabaseConnection:
    """The database of a store or of a call log.

    Args:
        url: SQLAlchemy's URL of the database: ``sqlite:////folder/name.db``.
        exclusive: Whether no other that is exclusive may have the database open.
    """

    def __init__(self, url: str, *, exclusive: bool) -> None:
        self._url = url
        self._exclusive = exclusive
        self._backend: Backend | None = None
        self._writer: Writer | None = None

    def open(self) -> None:
        """Bring the tables up to date and start the writer.

        Raises:
            StorageError: The place cannot be written, is no database, is in use by another
                server, or comes from a newer version.
        """
        if self._backend is not None:
            raise StorageError("The storage is open already.")
        backend = _backend_of(self._url)
        try:
            if self._exclusive:
                backend.acquire()
            with _explained(backend), backend.opening():
                migrate(backend.engine, backend.place)
                backend.prepare_search()
                self._writer = Writer(lambda: Database(backend))
        except BaseException:
            backend.release()
            raise
        self._backend = backend

    @property
    def kept(self) -> int:
        """How many groups of changes wait until the database can be written."""
        return 0 if self._writer is None else self._writer.kept

    def close(self) -> None:
        """Write what was submitted, then let the database go; may be called twice."""
        writer, self._writer = self._writer, None
        backend, self._backend = self._backend, None
        if writer is not None:
            writer.close()
        if backend is not None:
            backend.release()

    def submit(self, changes: Sequence[Change], *, keep: bool = False) -> Future[None]:
        """Have changes made together: all of them, or none; see `Store.submit`."""
        return self.submit_operations([encode_change(change) for change in changes], keep=keep)

    def submit_operations(
        self, operations: Sequence[Operation], *, keep: bool = False
    ) -> Future[None]:
        """Have operations applied together."""
        if self._writer is None:
            raise StorageError("The storage is not open.")
        return self._writer.submit(operations, keep=keep)

    @property
    def backend(self) -> Backend:
        """The kind of database that it is.

        Raises:
            StorageError: It is not open.
        """
        if self._backend is None:
            raise StorageError("The storage is not open.")
        return self._backend

    @contextmanager
    def reading(self) -> Iterator[sa.Connection]:
        """A transaction that reads.

        Raises:
            StorageError: The database cannot be read.
        """
        backend = self.backend
        with _explained(backend), backend.engine.connect() as connection:
            yield connection


@contextmanager
def _explained(backend: Backend) -> Iterator[None]:
    """Turn the database's errors, and values that nobody of ours wrote, into one sentence."""
    try:
        yield
    except ValueError as error:
        raise StorageError(
            f"The database {backend.place} holds a value that cannot be read: {error}."
        ) from error
    except Exception as error:
        if backend.is_database_error(error):
            raise StorageError(backend.explain(error)) from error
        raise


def _backend_of(url: str) -> Backend:
    """The database of a URL; nothing is opened yet.

    Raises:
        StorageError: It is not a URL of a database, or the driver is not installed.
    """
    try:
        parsed = sa.make_url(url)
        name = parsed.get_backend_name()
    except sa.exc.ArgumentError:
        # The text may hold a password, so it is not repeated.
        raise StorageError(
            "The storage's URL cannot be read; it looks like sqlite:////folder/name.db."
        ) from None
    return SQLiteBackend(parsed) if name == SQLiteBackend.name else Backend(parsed)
