"""What the writer does to the bin."""

from __future__ import annotations

from llm_repl_core.errors import StorageError
from llm_repl_server.storage import statements
from llm_repl_server.storage.database import Database
from llm_repl_server.storage.operations import (
    CellInsertion,
    Operation,
    find_rank,
    get_surrounding_ranks,
    missing_cell,
)

__all__ = [
    "BinPurge",
    "BinnedCellRemoval",
    "BinnedNotebookRemoval",
    "BinnedNotebookRenaming",
    "CellBinning",
    "CellRestoration",
    "NotebookBinning",
    "NotebookUnbinning",
]


class CellBinning(Operation, frozen=True):
    """Move a cell into the bin; another one of its id that was there is gone then."""

    notebook_id: str
    cell_id: str
    deleted_at: str

    def apply(self, database: Database) -> None:
        """Copy the row, and delete it."""
        key = {"for_notebook_id": self.notebook_id, "for_id": self.cell_id}
        database.run(statements.delete_binned_cell, key)
        database.run(statements.bin_cell, {**key, "deleted_at": self.deleted_at})
        if database.run(statements.delete_cell, key) != 1:
            raise StorageError(missing_cell(self.notebook_id, self.cell_id))


class CellRestoration(CellInsertion, frozen=True):
    """Put a cell of the bin before another, or at the end; perhaps it is not in the bin any more."""

    def apply(self, database: Database) -> None:
        """Write the row, with the rank that it had where that is the place."""
        notebook_id = self.row["notebook_id"]
        key = {"for_notebook_id": notebook_id, "for_id": self.row["id"]}
        found = database.fetch(statements.rank_of_binned_cell, key)
        database.run(statements.delete_binned_cell, key)
        above, below = get_surrounding_ranks(database, notebook_id, self.before_id)
        # So that it stands right among others that are still in the bin as well.
        if (
            found
            and (above is None or above < found[0][0])
            and (below is None or found[0][0] < below)
        ):
            self._insert(database, found[0][0])
        else:
            self._insert(database, find_rank(database, notebook_id, self.before_id))


class BinnedCellRemoval(Operation, frozen=True):
    """Delete a cell from the bin; one that is not there is gone already."""

    notebook_id: str
    cell_id: str

    def apply(self, database: Database) -> None:
        """Delete the row."""
        key = {"for_notebook_id": self.notebook_id, "for_id": self.cell_id}
        database.run(statements.delete_binned_cell, key)


class NotebookBinning(Operation, frozen=True):
    """Put a notebook into the bin, with all that belongs to it."""

    notebook_id: str
    deleted_at: str

    def apply(self, database: Database) -> None:
        """Mark the row."""
        row = {"for_id": self.notebook_id, "deleted_at": self.deleted_at}
        if database.run(statements.bin_notebook, row) != 1:
            raise StorageError(f"There is no notebook {self.notebook_id!r}.")


class NotebookUnbinning(Operation, frozen=True):
    """Take a notebook out of the bin."""

    notebook_id: str

    def apply(self, database: Database) -> None:
        """Take the mark away."""
        if database.run(statements.unbin_notebook, {"for_id": self.notebook_id}) != 1:
            raise StorageError(f"There is no notebook {self.notebook_id!r} in the bin.")


class BinnedNotebookRemoval(Operation, frozen=True):
    """Delete a notebook from the bin; one that is not there is gone already."""

    notebook_id: str

    def apply(self, database: Database) -> None:
        """Delete the row; the foreign keys take along what belongs to it."""
        database.run(statements.delete_binned_notebook, {"for_id": self.notebook_id})


class BinnedNotebookRenaming(Operation, frozen=True):
    """Give a notebook in the bin another id; one that is not there needs none."""

    notebook_id: str
    new_id: str

    def apply(self, database: Database) -> None:
        """Copy the row, hand over what refers to it, and delete it."""
        ids = {"for_id": self.notebook_id, "new_id": self.new_id}
        if database.run(statements.copy_binned_notebook, ids) == 1:
            for statement in statements.hand_over_to_notebook:
                database.run(statement, ids)
            database.run(statements.delete_binned_notebook, {"for_id": self.notebook_id})


class BinPurge(Operation, frozen=True):
    """Delete from the bin what has been there for too long, and what is too much.

    Attributes:
        deleted_before: A time as columns hold it.
        limit: How many notebooks, and how many cells of each notebook, stay.
    """

    deleted_before: str
    limit: int

    def apply(self, database: Database) -> None:
        """Delete the rows."""
        before = {"for_deleted_before": self.deleted_before}
        surplus = {"for_limit": self.limit}
        database.run(statements.purge_binned_notebooks, before)
        database.run(statements.purge_binned_cells, before)
        database.run(statements.purge_surplus_notebooks, surplus)
        database.run(statements.purge_surplus_cells, surplus)
