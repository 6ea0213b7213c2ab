"""The bin in the database: deleted notebooks and cells that may come back."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

import sqlalchemy as sa
from msgspec import Struct
from sqlalchemy import bindparam

from llm_repl_core.model.cell import Cell
from llm_repl_core.model.cell_types import CellTypes
from llm_repl_server.storage.columns import decode_text, decode_time, encode_text, encode_time
from llm_repl_server.storage.connection import DatabaseConnection
from llm_repl_server.storage.rows import cell_from_row
from llm_repl_server.storage.schema import binned_cells, cells, notebooks
from llm_repl_server.storage.statements import sorted_cells_and_binned

__all__ = ["BinStore", "BinnedCell", "BinnedCellListing", "BinnedNotebookListing"]

_EXCERPT_CHARACTERS = 500

_notebooks = (
    sa.select(
        notebooks.c.id,
        notebooks.c.name,
        notebooks.c.deleted_at,
        sa.select(sa.func.count())
        .select_from(cells)
        .where(cells.c.notebook_id == notebooks.c.id)
        .scalar_subquery(),
    )
    .where(notebooks.c.deleted_at >= bindparam("since"))
    .order_by(notebooks.c.deleted_at.desc(), notebooks.c.id)
    .limit(bindparam("limit"))
)
_notebook = sa.select(notebooks.c.id).where(
    notebooks.c.id == bindparam("id"), notebooks.c.deleted_at.is_not(None)
)
_cells = (
    sa.select(
        binned_cells.c.id,
        binned_cells.c.type,
        sa.func.substr(binned_cells.c.content, 1, _EXCERPT_CHARACTERS),
        binned_cells.c.deleted_at,
    )
    .where(
        binned_cells.c.notebook_id == bindparam("notebook_id"),
        binned_cells.c.deleted_at >= bindparam("since"),
    )
    .order_by(binned_cells.c.deleted_at.desc(), binned_cells.c.rank, binned_cells.c.id)
    .limit(bindparam("limit"))
)
_cell = sa.select(binned_cells).where(
    binned_cells.c.notebook_id == bindparam("notebook_id"), binned_cells.c.id == bindparam("id")
)


class BinnedNotebookListing(Struct, frozen=True):
    """A deleted notebook.

    Attributes:
        id: Its id.
        name: What people call it.
        deleted_at: When it was deleted.
        cell_count: How many cells it has.
    """

    id: str
    name: str
    deleted_at: datetime
    cell_count: int


class BinnedCellListing(Struct, frozen=True):
    """A deleted cell.

    Attributes:
        id: Its id.
        type: The name of its type, in either spelling.
        excerpt: The beginning of its content.
        deleted_at: When it was deleted.
    """

    id: str
    type: str
    excerpt: str
    deleted_at: datetime


class BinnedCell(Struct, frozen=True):
    """A deleted cell with the place where it stood.

    Attributes:
        cell: The cell as it was.
        following_ids: The cells behind its place, in order; some may be in the bin as well.
    """

    cell: Cell
    following_ids: tuple[str, ...]


class BinStore:
    """Reads the bin; what is in it is changed by the changes that are named after it.

    Args:
        connection: The database, which whoever opened it closes.
        cell_types: The known types of cells.
    """

    def __init__(self, connection: DatabaseConnection, cell_types: CellTypes) -> None:
        self._connection = connection
        self._cell_types = cell_types

    def list_notebooks(self, since: datetime, limit: int) -> list[BinnedNotebookListing]:
        """The deleted notebooks, the one that was deleted last first.

        Args:
            since: When the first of them was deleted.
            limit: How many at most.

        Raises:
            StorageError: The database cannot be read.
        """
        parameters = {"since": encode_time(since), "limit": limit}
        with self._connection.reading() as connection:
            return [
                BinnedNotebookListing(
                    decode_text(row[0]), decode_text(row[1]), decode_time(row[2]), row[3]
                )
                for row in connection.execute(_notebooks, parameters)
            ]

    def has_notebook(self, notebook_id: str) -> bool:
        """Whether a notebook is in the bin.

        Raises:
            StorageError: The database cannot be read.
        """
        with self._connection.reading() as connection:
            found = connection.execute(_notebook, {"id": encode_text(notebook_id)})
            return found.first() is not None

    def list_cells(self, notebook_id: str, since: datetime, limit: int) -> list[BinnedCellListing]:
        """The deleted cells of a notebook, those that were deleted last first.

        Args:
            notebook_id: Which notebook.
            since: When the first of them was deleted.
            limit: How many at most.

        Raises:
            StorageError: The database cannot be read.
        """
        parameters = {
            "notebook_id": encode_text(notebook_id),
            "since": encode_time(since),
            "limit": limit,
        }
        with self._connection.reading() as connection:
            return [
                BinnedCellListing(
                    decode_text(row[0]),
                    decode_text(row[1]),
                    # Cut in the database, perhaps within an escape.
                    decode_text(row[2]).replace("\x1a", "\N{REPLACEMENT CHARACTER}"),
                    decode_time(row[3]),
                )
                for row in connection.execute(_cells, parameters)
            ]

    def load_cells(self, notebook_id: str, cell_ids: Collection[str]) -> dict[str, BinnedCell]:
        """Deleted cells by id, those of the given ones that are in the bin.

        Raises:
            StorageError: The database cannot be read.
        """
        of_notebook = encode_text(notebook_id)
        found: dict[str, BinnedCell] = {}
        with self._connection.reading() as connection:
            ordered = connection.execute(
                sorted_cells_and_binned,
                {"for_notebook_id": of_notebook, "for_binned_of": of_notebook},
            ).all()
            order = [decode_text(row[0]) for row in ordered]
            places = {order[place]: place for place, row in enumerate(ordered) if row[2]}
            for cell_id in cell_ids:
                if cell_id not in places:
                    continue
                key = {"notebook_id": of_notebook, "id": encode_text(cell_id)}
                fields = connection.execute(_cell, key).one()._asdict()
                cell = cell_from_row(fields, self._cell_types)
                found[cell_id] = BinnedCell(cell, tuple(order[places[cell_id] + 1 :]))
        return found
