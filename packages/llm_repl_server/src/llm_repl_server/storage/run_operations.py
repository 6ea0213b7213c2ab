"""What the writer does to runs."""

from __future__ import annotations

from collections.abc import Hashable

from llm_repl_core.errors import StorageError
from llm_repl_server.storage import statements
from llm_repl_server.storage.database import Database
from llm_repl_server.storage.operations import Operation
from llm_repl_server.storage.rows import Row

__all__ = ["RunInterruption", "RunUpsert"]


class RunUpsert(Operation, frozen=True):
    """Write a run, new or not. Only the server writes runs, so that nobody can come in between."""

    row: Row

    @property
    def key(self) -> Hashable:
        """The run."""
        return (RunUpsert, self.row["id"])

    def apply(self, database: Database) -> None:
        """Write the row."""
        changes = dict(self.row)
        changes["for_id"] = changes.pop("id")
        try:
            if database.run(statements.update_run, changes) == 0:
                database.run(statements.insert_run, self.row)
        except Exception as error:
            if not database.backend.is_integrity_error(error):
                raise
            raise StorageError(
                f"The run {self.row['id']!r} cannot be stored: there is no notebook "
                f"{self.row['notebook_id']!r}."
            ) from error


class RunInterruption(Operation, frozen=True):
    """Say of all runs that have not ended that the server's end cut them off.

    Attributes:
        error: What the runs say.
        ended_at: A time as columns hold it.
    """

    error: str
    ended_at: str

    def apply(self, database: Database) -> None:
        """Write the rows; there may be none."""
        database.run(statements.interrupt_runs, {"error": self.error, "ended_at": self.ended_at})
