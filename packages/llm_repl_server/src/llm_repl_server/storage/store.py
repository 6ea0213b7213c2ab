"""The storage as services see it."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from datetime import datetime
from typing import Self

import sqlalchemy as sa
from msgspec import Struct
from sqlalchemy import bindparam

from llm_repl_core.errors import StorageError
from llm_repl_core.model.cell_types import CellTypes
from llm_repl_core.model.json_value import JSONValue
from llm_repl_core.model.notebook import Notebook
from llm_repl_server.storage.backend import Backend
from llm_repl_server.storage.backends import backend_of
from llm_repl_server.storage.changes import Change
from llm_repl_server.storage.columns import decode_json, decode_text, decode_time, encode_text
from llm_repl_server.storage.database import Database
from llm_repl_server.storage.encode import encode_change
from llm_repl_server.storage.migrate import migrate
from llm_repl_server.storage.rows import cell_from_row, notebook_from_row
from llm_repl_server.storage.schema import cells, notebooks, settings
from llm_repl_server.storage.writer import Writer

__all__ = ["NotebookSummary", "Store"]

_count_of_cells = (
    sa.select(sa.func.count())
    .select_from(cells)
    .where(cells.c.notebook_id == notebooks.c.id)
    .scalar_subquery()
)
_summaries = sa.select(
    notebooks.c.id,
    notebooks.c.name,
    notebooks.c.created_at,
    notebooks.c.updated_at,
    _count_of_cells,
).order_by(notebooks.c.created_at, notebooks.c.id)
_notebook = sa.select(notebooks).where(notebooks.c.id == bindparam("id"))
_cells = sa.select(cells).where(cells.c.notebook_id == bindparam("id")).order_by(cells.c.rank)


class NotebookSummary(Struct, frozen=True):
    """A line of the list of notebooks.

    Attributes:
        id: The notebook's id.
        name: What people call it.
        created_at: With the offset that it was stored with.
        updated_at: The same.
        cell_count: How many cells it has.
    """

    id: str
    name: str
    created_at: datetime
    updated_at: datetime
    cell_count: int


class Store:
    """Notebooks and settings in a database that this server has for itself.

    Changes go through one thread, which writes them in the order in which they were submitted.
    Reads may come from any thread and see every change whose future has resolved. Also a
    context manager, which opens and closes.

    Args:
        url: SQLAlchemy's URL of the database: ``sqlite:////folder/name.db``.
        cell_types: The known types of cells; the built-in ones where None.
    """

    def __init__(self, url: str, cell_types: CellTypes | None = None) -> None:
        self._url = url
        self._cell_types = cell_types or CellTypes()
        self._backend: Backend | None = None
        self._writer: Writer | None = None

    def open(self) -> None:
        """Lock the database for this server, bring its tables up to date and start the writer.

        Raises:
            StorageError: The place cannot be written, is no database, is in use by another
                server, or comes from a newer version.
        """
        if self._backend is not None:
            raise StorageError("The storage is open already.")
        backend = backend_of(self._url)
        try:
            backend.acquire()
            with _explained(backend):
                migrate(backend.engine, backend.place)
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

    def list_notebooks(self) -> list[NotebookSummary]:
        """All notebooks, the first created first.

        Raises:
            StorageError: The database cannot be read.
        """
        with self._reading() as connection:
            rows = connection.execute(_summaries).all()
            return [
                NotebookSummary(
                    decode_text(row[0]),
                    decode_text(row[1]),
                    decode_time(row[2]),
                    decode_time(row[3]),
                    row[4],
                )
                for row in rows
            ]

    def load_notebook(self, notebook_id: str) -> Notebook | None:
        """A notebook as it was last written, or None where there is none of that id.

        Raises:
            StorageError: The database cannot be read.
        """
        key = {"id": encode_text(notebook_id)}
        with self._reading() as connection:
            row = connection.execute(_notebook, key).one_or_none()
            if row is None:
                return None
            found = connection.execute(_cells, key).all()
            return notebook_from_row(
                row._asdict(), [cell_from_row(cell._asdict(), self._cell_types) for cell in found]
            )

    def load_settings(self) -> dict[str, JSONValue]:
        """All settings that were put, by key.

        Raises:
            StorageError: The database cannot be read.
        """
        with self._reading() as connection:
            rows = connection.execute(sa.select(settings.c.key, settings.c.value)).all()
            return {decode_text(key): decode_json(value) for key, value in rows}

    def submit(self, *changes: Change) -> Future[None]:
        """Have changes made together: all of them, or none.

        What they hold is written down before this returns, so that it may be changed afterwards.

        Args:
            changes: In order; with none, the future says that all submitted before is durable.

        Returns:
            What resolves when the changes are durable, with a `StorageError` where they failed.
            It cannot be cancelled.

        Raises:
            InvalidInput: An `UpdateNotebook` without any field.
            StorageError: The storage is not open, or a value is not JSON's.
        """
        if self._writer is None:
            raise StorageError("The storage is not open.")
        return self._writer.submit([encode_change(change) for change in changes])

    @contextmanager
    def _reading(self) -> Iterator[sa.Connection]:
        backend = self._backend
        if backend is None:
            raise StorageError("The storage is not open.")
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
