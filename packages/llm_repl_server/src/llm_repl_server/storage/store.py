"""The storage as services see it."""

from __future__ import annotations

from concurrent.futures import Future
from datetime import datetime
from typing import Self

import sqlalchemy as sa
from msgspec import Struct
from sqlalchemy import bindparam

from llm_repl_core.model.cell_types import CellTypes
from llm_repl_core.model.json_value import JSONValue
from llm_repl_core.model.notebook import Notebook
from llm_repl_server.storage.bin_store import BinStore
from llm_repl_server.storage.call_store import CallStore
from llm_repl_server.storage.changes import Change
from llm_repl_server.storage.columns import (
    decode_json,
    decode_text,
    decode_time,
    encode_text,
)
from llm_repl_server.storage.connection import DatabaseConnection
from llm_repl_server.storage.file_ties import FileTieStore
from llm_repl_server.storage.rows import cell_from_row, notebook_from_row
from llm_repl_server.storage.runs import RunStore
from llm_repl_server.storage.schema import cells, notebooks, settings

__all__ = ["NotebookListing", "Store"]

_count_of_cells = (
    sa.select(sa.func.count())
    .select_from(cells)
    .where(cells.c.notebook_id == notebooks.c.id)
    .scalar_subquery()
)
_summary = sa.select(
    notebooks.c.id,
    notebooks.c.name,
    notebooks.c.created_at,
    notebooks.c.updated_at,
    _count_of_cells,
)
_summaries = _summary.where(notebooks.c.deleted_at.is_(None)).order_by(
    notebooks.c.created_at, notebooks.c.id
)
_notebook = sa.select(notebooks).where(
    notebooks.c.id == bindparam("id"), notebooks.c.deleted_at.is_(None)
)
_cells = sa.select(cells).where(cells.c.notebook_id == bindparam("id")).order_by(cells.c.rank)


class NotebookListing(Struct, frozen=True):
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
    """Notebooks, their runs and calls, and settings, in a database of which this is the server.

    Changes go through one thread, which writes them in the order in which they were submitted.
    Reads may come from any thread and see every change whose future has resolved. Also a
    context manager, which opens and closes. Beside it, a `CallLog` may be open in other processes.

    Args:
        url: SQLAlchemy's URL of the database: ``sqlite:////folder/name.db``.
        cell_types: The known types of cells; the built-in ones where None.

    Attributes:
        connection: The database.
        calls: The calls to models.
        runs: The runs of notebooks.
        bin: What was deleted and may come back.
        files: The files that notebooks live in.
    """

    def __init__(self, url: str, cell_types: CellTypes | None = None) -> None:
        self.connection = DatabaseConnection(url, exclusive=True)
        self._cell_types = cell_types or CellTypes()
        self.calls = CallStore(self.connection)
        self.runs = RunStore(self.connection)
        self.bin = BinStore(self.connection, self._cell_types)
        self.files = FileTieStore(self.connection)

    def __enter__(self) -> Self:
        self.open()
        return self

    def __exit__(self, *_exception: object) -> None:
        self.close()

    def open(self) -> None:
        """Lock the database for this server, bring its tables up to date and start the writer.

        Runs that an earlier server did not end, and calls of processes that have ended, are
        interrupted from then on.

        Raises:
            StorageError: The place cannot be written, is no database, is in use by another
                server, or comes from a newer version.
        """
        self.connection.open()
        try:
            self.runs.interrupt_open()
            self.calls.interrupt_cut_off()
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """Write what was submitted, then let the database go; may be called twice."""
        self.connection.close()

    def list_notebooks(self) -> list[NotebookListing]:
        """All notebooks, the first created first.

        Raises:
            StorageError: The database cannot be read.
        """
        with self.connection.reading() as connection:
            rows = connection.execute(_summaries).all()
            return [
                NotebookListing(
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
        with self.connection.reading() as connection:
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
        with self.connection.reading() as connection:
            rows = connection.execute(sa.select(settings.c.key, settings.c.value)).all()
            return {decode_text(key): decode_json(value) for key, value in rows}

    def submit(self, *changes: Change, keep: bool = False) -> Future[None]:
        """Have changes made together: all of them, or none.

        What they hold is written down before this returns, so that it may be changed afterwards.

        Args:
            changes: In order; with none, the future says that all submitted before is durable.
            keep: Whether they tell what has happened, and are kept in memory where the database
                fails, until it does not.

        Returns:
            What resolves when the changes are durable, with a `StorageError` where they failed; it
            is a `NotYetWritten` where they are kept. It cannot be cancelled.

        Raises:
            InvalidInput: An `UpdateNotebook` without any field.
            StorageError: The storage is not open, or a value is not JSON's.
        """
        return self.connection.submit(changes, keep=keep)
