"""Runs in the database, as services see them."""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy import bindparam

from llm_repl_server.storage.access import Access
from llm_repl_server.storage.columns import encode_text
from llm_repl_server.storage.run_record import RunRecord
from llm_repl_server.storage.run_rows import run_from_row
from llm_repl_server.storage.schema import runs

__all__ = ["RunAccess"]

_run = sa.select(runs).where(runs.c.id == bindparam("id"))
_runs_of_notebook = (
    sa.select(runs)
    .where(runs.c.notebook_id == bindparam("notebook_id"))
    .order_by(runs.c.number.desc())
    .limit(bindparam("limit"))
)
_last_number = sa.select(sa.func.coalesce(sa.func.max(runs.c.number), 0))


class RunAccess(Access):
    """Reads runs; they are written by `WriteRun`."""

    def load_run(self, run_id: str) -> RunRecord | None:
        """A run as it was last written, or None where there is none of that id.

        Raises:
            StorageError: The database cannot be read.
        """
        with self._reading() as connection:
            row = connection.execute(_run, {"id": encode_text(run_id)}).one_or_none()
            return None if row is None else run_from_row(row._asdict())

    def last_run_number(self) -> int:
        """The highest number of a run; 0 where there are none.

        Raises:
            StorageError: The database cannot be read.
        """
        with self._reading() as connection:
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
        with self._reading() as connection:
            rows = connection.execute(_runs_of_notebook, key).all()
            return [run_from_row(row._asdict()) for row in rows]
