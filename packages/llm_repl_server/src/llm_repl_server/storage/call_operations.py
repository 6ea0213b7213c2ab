"""What the writer does to calls."""

from __future__ import annotations

from llm_repl_core.errors import StorageError
from llm_repl_server.storage import statements
from llm_repl_server.storage.database import Database
from llm_repl_server.storage.operations import Operation
from llm_repl_server.storage.rows import Row

__all__ = ["CallInsertion", "CallInterruption", "MediaInsertion"]


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
