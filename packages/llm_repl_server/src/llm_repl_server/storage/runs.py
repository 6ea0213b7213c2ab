"""Runs in the database."""

from __future__ import annotations

from datetime import UTC, datetime

import sqlalchemy as sa
from sqlalchemy import bindparam

from llm_repl_server.storage.columns import encode_text, encode_time
from llm_repl_server.storage.connection import DatabaseConnection
from llm_repl_server.storage.record_operations import RunInterruption
from llm_repl_server.storage.rows import run_from_row
from llm_repl_server.storage.run_record import RunRecord
from llm_repl_server.storage.schema import notebooks, runs

__all__ = ["RunStore"]

_binned = sa.select(notebooks.c.id).where(
    notebooks.c.id == runs.c.notebook_id, notebooks.c.deleted_at.is_not(None)
)
_run = sa.select(runs).where(runs.c.id == bindparam("id"), ~_binned.exists())
_runs_of_notebook = (
    sa.select(runs)
    .where(runs.c.notebook_id == bindparam("notebook_id"))
    .order_by(runs.c.number.desc())
    .limit(bindparam("limit"))
)
_open_runs = sa.select(runs.c.id).where(runs.c.state.in_(["queued", "running"])).limit(1)
_last_number = sa.select(sa.func.coalesce(sa.func.max(runs.c.number), 0))


class RunStore:
    """Reads runs; they are written by `WriteRun`.

    Args:
        connection: The database, which whoever opened it closes.
    """

    def __init__(self, connection: DatabaseConnection) -> None:
        self._connection = connection

    def load_run(self, run_id: str) -> RunRecord | None:
        """A run as it was last written, or None where there is none of that id, or its notebook is in the bin.

        Raises:
            StorageError: The database cannot be read.
        """
        with self._connection.reading() as connection:
            row = connection.execute(_run, {"id": encode_text(run_id)}).one_or_none()
            return None if row is None else run_from_row(row._asdict())

    def last_run_number(self) -> int:
        """The highest number of a run; 0 where there are none.

        Raises:
            StorageError: The database cannot be read.
        """
        with self._connection.reading() as connection:
            return int(connection.execute(_last_number).scalar_one())

    def list_runs(self, notebook_id: str, limit: int = 100) -> list[RunRecord]:
        """The latest runs of a notebook, the most recently requested first.

        Args:
            notebook_id: Which notebook.
            limit: How many at most.

        Raises:
            StorageError: The database cannot be read.
        """
        key = {"notebook_id": encode_text(notebook_id), "limit": max(0, limit)}
        with self._connection.reading() as connection:
            rows = connection.execute(_runs_of_notebook, key).all()
            return [run_from_row(row._asdict()) for row in rows]

    def interrupt_open(self) -> None:
        """Say of the runs that an earlier server did not end that its end cut them off.

        Raises:
            StorageError: The database cannot be used.
        """
        with self._connection.reading() as connection:
            some_are_open = connection.execute(_open_runs).first() is not None
        if some_are_open:
            now = encode_time(datetime.now(UTC))
            interruption = RunInterruption("The server ended while it ran.", now)
            self._connection.submit_operations([interruption]).result()
