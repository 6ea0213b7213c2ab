"""The bin: what was deleted, and comes back or goes for good."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Annotated

from msgspec import Meta, Struct
from msgspec.structs import asdict

from llm_repl_core import NotebookNotFound
from llm_repl_core.model.cell_types import CellTypes
from llm_repl_server.services.answers import NotebookHeader, Time, notebook_header
from llm_repl_server.services.encoding import time_on_wire
from llm_repl_server.services.event_publisher import EventPublisher
from llm_repl_server.services.open_notebooks import OpenNotebooks
from llm_repl_server.services.wire_events import NotebookCreated
from llm_repl_server.storage.changes import (
    ForgetBinnedCell,
    ForgetBinnedNotebook,
    PurgeBin,
    RestoreNotebook,
)
from llm_repl_server.storage.store import Store

__all__ = ["BinService", "BinnedCellAnswer", "BinnedCells", "BinnedNotebook", "BinnedNotebooks"]

_KeptUntil = Annotated[Time, Meta(description="When it goes for good.")]


class BinnedNotebook(Struct, frozen=True, kw_only=True):
    """A deleted notebook."""

    id: str
    name: str
    cell_count: int
    deleted_at: Time
    kept_until: _KeptUntil


class BinnedNotebooks(Struct):
    """The deleted notebooks, the one that was deleted last first."""

    notebooks: list[BinnedNotebook]


class BinnedCellAnswer(Struct, frozen=True, kw_only=True):
    """A deleted cell."""

    id: str
    type: str
    excerpt: Annotated[str, Meta(description="The beginning of its content.")]
    deleted_at: Time
    kept_until: _KeptUntil


class BinnedCells(Struct):
    """The deleted cells of a notebook, those that were deleted last first."""

    cells: list[BinnedCellAnswer]


class BinService:
    """What clients do with what was deleted.

    Args:
        store: Has the bin.
        open_notebooks: The notebooks in memory.
        publisher: Who tells the clients.
        cell_types: The known types of cells.
        kept_for: How long what was deleted is kept.
        limit: How many notebooks, and how many cells of each notebook, are kept.
    """

    def __init__(
        self,
        store: Store,
        open_notebooks: OpenNotebooks,
        publisher: EventPublisher,
        cell_types: CellTypes,
        *,
        kept_for: timedelta,
        limit: int,
    ) -> None:
        self._store = store
        self._open_notebooks = open_notebooks
        self._publisher = publisher
        self._cell_types = cell_types
        self._kept_for = kept_for
        self._limit = limit

    async def list_notebooks(self) -> BinnedNotebooks:
        """The deleted notebooks."""
        listed = await asyncio.to_thread(
            self._store.bin.list_notebooks, self._oldest_kept(), self._limit
        )
        return BinnedNotebooks(
            [
                BinnedNotebook(
                    id=listing.id,
                    name=listing.name,
                    cell_count=listing.cell_count,
                    deleted_at=time_on_wire(listing.deleted_at),
                    kept_until=self._kept_until(listing.deleted_at),
                )
                for listing in listed
            ]
        )

    async def list_cells(self, notebook_id: str) -> BinnedCells:
        """The deleted cells of a notebook.

        Raises:
            NotebookNotFound: There is no such notebook.
        """
        await self._open_notebooks.get(notebook_id)
        listed = await asyncio.to_thread(
            self._store.bin.list_cells, notebook_id, self._oldest_kept(), self._limit
        )
        return BinnedCells(
            [
                BinnedCellAnswer(
                    id=listing.id,
                    type=self._type_word(listing.type),
                    excerpt=listing.excerpt,
                    deleted_at=time_on_wire(listing.deleted_at),
                    kept_until=self._kept_until(listing.deleted_at),
                )
                for listing in listed
            ]
        )

    async def restore_notebook(self, notebook_id: str) -> NotebookHeader:
        """Take a notebook out of the bin; one that is not deleted stays as it is.

        Raises:
            NotebookNotFound: There is no such notebook, neither in the bin nor elsewhere.
        """
        try:
            return notebook_header((await self._open_notebooks.get(notebook_id)).notebook)
        except NotebookNotFound:
            pass
        if not await asyncio.to_thread(self._store.bin.has_notebook, notebook_id):
            raise NotebookNotFound(f"There is no notebook `{notebook_id}`, not in the bin either.")
        await asyncio.wrap_future(self._store.submit(RestoreNotebook(notebook_id)))
        opened = await self._open_notebooks.get(notebook_id)
        header = notebook_header(opened.notebook)
        self._publisher.publish(NotebookCreated(**asdict(header)))
        return header

    async def forget_notebook(self, notebook_id: str) -> None:
        """Delete a notebook for good that is in the bin; one that is not there is gone already."""
        await asyncio.wrap_future(self._store.submit(ForgetBinnedNotebook(notebook_id)))

    async def forget_cell(self, notebook_id: str, cell_id: str) -> None:
        """Delete a cell for good that is in the bin; one that is not there is gone already.

        Raises:
            NotebookNotFound: There is no such notebook.
        """
        opened = await self._open_notebooks.get(notebook_id)
        opened.deleted_while_running.pop(cell_id, None)
        await asyncio.wrap_future(self._store.submit(ForgetBinnedCell(notebook_id, cell_id)))

    async def purge(self) -> None:
        """Delete for good what has been in the bin for too long, and what is too much."""
        await asyncio.wrap_future(self._store.submit(PurgeBin(self._oldest_kept(), self._limit)))

    def _oldest_kept(self) -> datetime:
        return datetime.now(UTC) - self._kept_for

    def _kept_until(self, deleted_at: datetime) -> str:
        return time_on_wire(deleted_at + self._kept_for)

    def _type_word(self, word: str) -> str:
        known = self._cell_types.find(word)
        return word if known is None else known.wire_type
