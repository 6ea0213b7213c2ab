"""A database that is open: reads in any thread, changes in one."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import Future
from contextlib import contextmanager
from typing import ClassVar, Self

import sqlalchemy as sa

from llm_repl_core.errors import StorageError
from llm_repl_server.storage.backend import Backend
from llm_repl_server.storage.backends import backend_of
from llm_repl_server.storage.changes import Change
from llm_repl_server.storage.database import Database
from llm_repl_server.storage.encode import encode_change
from llm_repl_server.storage.migrate import migrate
from llm_repl_server.storage.operations import Operation
from llm_repl_server.storage.writer import Writer

__all__ = ["Access"]


class Access:
    """What all that use the database have in common. Also a context manager: opens and closes.

    Args:
        url: SQLAlchemy's URL of the database: ``sqlite:////folder/name.db``.
    """

    exclusive: ClassVar[bool]
    """Whether no other that is exclusive may have the database open."""

    def __init__(self, url: str) -> None:
        self._url = url
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
        backend = backend_of(self._url)
        try:
            if self.exclusive:
                backend.acquire()
            with _explained(backend), backend.opening():
                migrate(backend.engine, backend.place)
                backend.prepare_search()
                self._writer = Writer(lambda: Database(backend))
        except BaseException:
            backend.release()
            raise
        self._backend = backend

    def close(self) -> None:
        """Write what was submitted, then let the database go; may be called twice."""
        writer, self._writer = self._writer, None
        backend, self._backend = self._backend, None
        if writer is not None:
            writer.close()
        if backend is not None:
            backend.release()

    def __enter__(self) -> Self:
        self.open()
        return self

    def __exit__(self, *_exception: object) -> None:
        self.close()

    def _submit(self, changes: Sequence[Change], *, keep: bool = False) -> Future[None]:
        return self._submit_operations([encode_change(change) for change in changes], keep=keep)

    def _submit_operations(
        self, operations: Sequence[Operation], *, keep: bool = False
    ) -> Future[None]:
        if self._writer is None:
            raise StorageError("The storage is not open.")
        return self._writer.submit(operations, keep=keep)

    def _opened(self) -> Backend:
        if self._backend is None:
            raise StorageError("The storage is not open.")
        return self._backend

    @contextmanager
    def _reading(self) -> Iterator[sa.Connection]:
        backend = self._opened()
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
