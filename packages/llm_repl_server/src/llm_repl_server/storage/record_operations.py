"""What the writer does to runs and to calls."""

from __future__ import annotations

from collections.abc import Hashable

from llm_repl_core.errors import StorageError
from llm_repl_server.storage import statements
from llm_repl_server.storage.database import Database
from llm_repl_server.storage.operations import Operation
from llm_repl_server.storage.rows import Row

__all__ = [
    "CallInsertion",
    "CallInterruption",
    "MediaInsertion",
    "RunInterruption",
    "RunUpsert",
]


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


class CallInsertion(Operation, frozen=True):
    """Put a call on record as one of this process."""

    row: Row

    def apply(self, database: Database) -> None:
        """Write the row."""
        row = {**self.row, "owner": database.backend.owner()}
        try:
            database.run(statements.insert_call, row)
        except Exception as error:
            if database.backend.is_integrity_error(error):
                raise StorageError(f"There is a call {row['id']!r} on record already.") from error
            raise


class MediaInsertion(Operation, frozen=True):
    """Keep the bytes of what a model made, where they are not kept yet."""

    sha256: str
    data: bytes

    def apply(self, database: Database) -> None:
        """Write the row."""
        database.run(
            statements.insert_media,
            {"sha256": self.sha256, "data": self.data, "for_sha256": self.sha256},
        )


class CallInterruption(Operation, frozen=True):
    """Say of the running calls of processes that have ended that they were cut off.

    Attributes:
        owners: The processes, as the calls name them.
        error: What the calls say, as their column holds it.
    """

    owners: list[str]
    error: str

    def apply(self, database: Database) -> None:
        """Write the rows."""
        database.run_many(
            statements.interrupt_calls,
            [{"for_owner": owner, "error": self.error} for owner in self.owners],
        )
