"""What the writer does to the ties between notebooks and files."""

from __future__ import annotations

from llm_repl_server.storage import statements
from llm_repl_server.storage.database import Database
from llm_repl_server.storage.operations import Operation
from llm_repl_server.storage.rows import Row

__all__ = ["FilePendingMark", "FileTieRemoval", "FileTieUpsert"]


class FileTieUpsert(Operation, frozen=True):
    """Write a tie, new or not. Only the server writes ties, so that nobody can come in between."""

    row: Row

    def apply(self, database: Database) -> None:
        """Write the row."""
        changes = dict(self.row)
        changes["for_id"] = changes.pop("notebook_id")
        if database.run(statements.update_notebook_file, changes) == 0:
            database.run(statements.insert_notebook_file, self.row)


class FilePendingMark(Operation, frozen=True):
    """Note that a notebook has more than its file; one without a file is passed over."""

    notebook_id: str

    def apply(self, database: Database) -> None:
        """Write the row."""
        database.run(statements.mark_file_pending, {"for_id": self.notebook_id})


class FileTieRemoval(Operation, frozen=True):
    """Forget a tie; one that is not there is gone already."""

    notebook_id: str

    def apply(self, database: Database) -> None:
        """Delete the row."""
        database.run(statements.delete_notebook_file, {"for_id": self.notebook_id})
