"""Changes as the writer applies them: plain column values, taken when the change was submitted."""

from __future__ import annotations

import abc
from collections.abc import Hashable, Iterable, Sequence

import sqlalchemy as sa
from msgspec import Struct

from llm_repl_core.errors import StorageError
from llm_repl_core.model.ids import new_id
from llm_repl_server.storage import statements
from llm_repl_server.storage.database import Database
from llm_repl_server.storage.rows import Row

__all__ = [
    "RANK_STEP",
    "CellDeletion",
    "CellInsertion",
    "CellMove",
    "NotebookCreation",
    "NotebookDeletion",
    "Operation",
    "RowUpdate",
    "SettingUpsert",
    "StaleMark",
    "apply_operations",
    "find_rank",
    "get_surrounding_ranks",
    "rank_between",
    "spread_ranks",
]


# Ranks are numbers with room between them, so that putting a cell somewhere writes one row.
RANK_STEP = 2**36
"""The room between neighbours: it can be halved 36 times, and 2**26 steps fit into a column."""

_RANK_LIMIT = 2**62


class Operation(Struct, frozen=True):
    """Something to do to the database.

    Raises:
        StorageError: From `apply`, with one sentence, where it cannot be done.
    """

    @property
    def key(self) -> Hashable:
        """What it overwrites, whole; None where it does more, or less."""
        return None

    @abc.abstractmethod
    def apply(self, database: Database) -> None:
        """Do it, inside of the transaction that is open."""
        raise NotImplementedError


class RowUpdate(Operation, frozen=True):
    """Overwrite columns of a row that exists: what happens most.

    Attributes:
        statement: Updates one row; not its key, nor a cell's rank.
        row: The statement's parameters.
        missing: What to say where there is no such row.
    """

    statement: sa.Update
    row: Row
    missing: str

    @property
    def key(self) -> Hashable:
        """The columns of the row."""
        return (id(self.statement), self.row.get("for_notebook_id"), self.row["for_id"])

    def apply(self, database: Database) -> None:
        """Write the row."""
        if database.run(self.statement, self.row) != 1:
            raise StorageError(self.missing)


class NotebookCreation(Operation, frozen=True):
    """Write a notebook with its cells."""

    row: Row
    cells: list[Row]

    def apply(self, database: Database) -> None:
        """Write the rows; the cells get their ranks here."""
        try:
            database.run(statements.insert_notebook, self.row)
        except Exception as error:
            if database.backend.is_integrity_error(error):
                raise StorageError(f"There is a notebook {self.row['id']!r} already.") from error
            raise
        if self.cells:
            ranks = spread_ranks(len(self.cells))
            rows = [{**row, "rank": rank} for row, rank in zip(self.cells, ranks, strict=True)]
            database.run_many(statements.insert_cell, rows)


class NotebookDeletion(Operation, frozen=True):
    """Delete a notebook; the foreign key takes the cells along."""

    notebook_id: str

    def apply(self, database: Database) -> None:
        """Delete the rows."""
        if database.run(statements.delete_notebook, {"for_id": self.notebook_id}) != 1:
            raise StorageError(f"There is no notebook {self.notebook_id!r}.")


class CellInsertion(Operation, frozen=True):
    """Write a new cell before another, or at the end.

    One of its id may be in the bin, from where it shall come back: it gets another id there.
    """

    row: Row
    before_id: str | None

    def apply(self, database: Database) -> None:
        """Find a rank and write the row."""
        key = {"for_notebook_id": self.row["notebook_id"], "for_id": self.row["id"]}
        database.run(statements.rename_binned_cell, {**key, "new_id": new_id()})
        self._insert(database, find_rank(database, self.row["notebook_id"], self.before_id))

    def _insert(self, database: Database, rank: int) -> None:
        notebook_id = self.row["notebook_id"]
        try:
            database.run(statements.insert_cell, {**self.row, "rank": rank})
        except Exception as error:
            if not database.backend.is_integrity_error(error):
                raise
            raise StorageError(
                f"The cell {self.row['id']!r} cannot be put into the notebook {notebook_id!r}: "
                "there is no such notebook, or it has a cell of that id already."
            ) from error


class CellMove(Operation, frozen=True):
    """Give a cell another place."""

    notebook_id: str
    cell_id: str
    before_id: str | None

    def apply(self, database: Database) -> None:
        """Find a rank and write it; before itself means where it is."""
        if self.before_id == self.cell_id:
            _get_rank(database, self.notebook_id, self.cell_id)
            return
        rank = find_rank(database, self.notebook_id, self.before_id)
        key = {"for_notebook_id": self.notebook_id, "for_id": self.cell_id}
        if database.run(statements.set_rank, {**key, "rank": rank}) != 1:
            raise StorageError(missing_cell(self.notebook_id, self.cell_id))


class CellDeletion(Operation, frozen=True):
    """Delete a cell."""

    notebook_id: str
    cell_id: str

    def apply(self, database: Database) -> None:
        """Delete the row."""
        key = {"for_notebook_id": self.notebook_id, "for_id": self.cell_id}
        if database.run(statements.delete_cell, key) != 1:
            raise StorageError(missing_cell(self.notebook_id, self.cell_id))


class StaleMark(Operation, frozen=True):
    """Note on cells, as far as they exist, that they are stale, and why."""

    notebook_id: str
    cells: tuple[tuple[str, str | None], ...]

    def apply(self, database: Database) -> None:
        """Write the columns of each."""
        shared = {"for_notebook_id": self.notebook_id, "stale": True}
        rows = [
            {**shared, "for_id": cell_id, "staleness": staleness}
            for cell_id, staleness in self.cells
        ]
        if rows:
            database.run_many(statements.mark_stale, rows)


class SettingUpsert(Operation, frozen=True):
    """Write a setting, new or not. There is one writer, so that nobody can come in between."""

    key: str
    value: str

    def apply(self, database: Database) -> None:
        """Write the row."""
        changes = {"for_key": self.key, "value": self.value}
        if database.run(statements.update_setting, changes) == 0:
            database.run(statements.insert_setting, {"key": self.key, "value": self.value})


def apply_operations(database: Database, operations: Iterable[Operation]) -> None:
    """Apply operations with as few calls of the driver as will do.

    The result is that of applying them one after the other. Updates of rows that exist touch
    neither keys nor ranks, so those of different tables may change places, and those of one
    table that have the same statement are run as one; all other operations keep their place.

    Raises:
        StorageError: One cannot be done; it does not say which.
    """
    waiting: dict[object, list[RowUpdate]] = {}  # by table
    for operation in operations:
        if not isinstance(operation, RowUpdate):
            for updates in waiting.values():
                _update_rows(database, updates)
            waiting.clear()
            operation.apply(database)
            continue
        updates = waiting.setdefault(operation.statement.table, [])
        if updates and updates[0].statement is not operation.statement:
            _update_rows(database, updates)
            updates.clear()
        updates.append(operation)
    for updates in waiting.values():
        _update_rows(database, updates)


def missing_cell(notebook_id: str, cell_id: str) -> str:
    """The sentence for a cell that is not there."""
    return f"The notebook {notebook_id!r} has no cell {cell_id!r} in the storage."


def _update_rows(database: Database, updates: Sequence[RowUpdate]) -> None:
    changed = database.run_many(updates[0].statement, [update.row for update in updates])
    if changed != len(updates):
        raise StorageError(updates[0].missing)


def _get_rank(database: Database, notebook_id: str, cell_id: str) -> int:
    key = {"for_notebook_id": notebook_id, "for_id": cell_id}
    found = database.fetch(statements.rank_of_cell, key)
    if not found:
        raise StorageError(missing_cell(notebook_id, cell_id))
    rank: int = found[0][0]
    return rank


def find_rank(database: Database, notebook_id: str, before_id: str | None) -> int:
    """A rank right before a cell, or behind all; makes room where there is none."""
    rank = _look_for_rank(database, notebook_id, before_id)
    if rank is None:
        _spread_out(database, notebook_id)
        rank = _look_for_rank(database, notebook_id, before_id)
        assert rank is not None
    return rank


def _spread_out(database: Database, notebook_id: str) -> None:
    """Make room between the cells; those in the bin keep their places among them."""
    found = database.fetch(
        statements.sorted_cells_and_binned,
        {"for_notebook_id": notebook_id, "for_binned_of": notebook_id},
    )
    moved: dict[bool, list[Row]] = {False: [], True: []}
    for (cell_id, _rank, is_binned), rank in zip(found, spread_ranks(len(found)), strict=True):
        row = {"for_notebook_id": notebook_id, "for_id": cell_id, "rank": rank}
        moved[bool(is_binned)].append(row)
    database.run_many(statements.set_rank, moved[False])
    if moved[True]:
        database.run_many(statements.set_binned_rank, moved[True])


def _look_for_rank(database: Database, notebook_id: str, before_id: str | None) -> int | None:
    return rank_between(*get_surrounding_ranks(database, notebook_id, before_id))


def get_surrounding_ranks(
    database: Database, notebook_id: str, before_id: str | None
) -> tuple[int | None, int | None]:
    """The ranks of the cells around the place before a cell, or behind all; None: there is no cell."""
    of_notebook = {"for_notebook_id": notebook_id}
    if before_id is None:
        [[highest]] = database.fetch(statements.highest_rank, of_notebook)
        return highest, None
    following = _get_rank(database, notebook_id, before_id)
    [[previous]] = database.fetch(statements.previous_rank, {**of_notebook, "for_rank": following})
    return previous, following


def rank_between(previous: int | None, following: int | None) -> int | None:
    """A rank between two, None where there is no room left.

    Args:
        previous: The rank before; None: at the start.
        following: The rank behind; None: at the end.
    """
    if previous is None and following is None:
        return RANK_STEP
    if following is None:
        rank = (previous or 0) + RANK_STEP
    elif previous is None:
        rank = following - RANK_STEP
    else:
        rank = (previous + following) // 2
        if rank == previous:
            return None
    return rank if abs(rank) < _RANK_LIMIT else None


def spread_ranks(count: int) -> range:
    """Ranks for ``count`` cells in a row."""
    return range(RANK_STEP, (count + 1) * RANK_STEP, RANK_STEP)
