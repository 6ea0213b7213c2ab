"""The one way of a notebook's changes to the disk."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from concurrent.futures import Future
from contextlib import suppress

from llm_repl_core import Cell, MemoryCell, Notebook, StorageError
from llm_repl_server.errors import NotYetWritten
from llm_repl_server.services.event_publisher import EventPublisher
from llm_repl_server.services.file_status import AttachedFile
from llm_repl_server.services.wire_events import Resync, WireEvent
from llm_repl_server.storage.changes import Change, UpdateNotebook
from llm_repl_server.storage.store import Store

__all__ = ["NotebookWriter"]


class NotebookWriter:
    """Hands a notebook's changes to the store. Used in the engine's loop.

    Every change is made in memory and handed over in one step, with no await between, so that the
    order on disk is the order in memory.

    Args:
        notebook: The notebook.
        store: Where it is kept.
        publisher: Who tells the clients.

    Attributes:
        notebook: The notebook.
        deleted: Whether it is gone, so that nothing more of it is written.
        file: The file that it lives in; None: it lives in none.
        unwritten: By id: cells as they were when what they had done could not be written.
    """

    def __init__(self, notebook: Notebook, store: Store, publisher: EventPublisher) -> None:
        self.notebook = notebook
        self.deleted = False
        self.file: AttachedFile | None = None
        self.unwritten: dict[str, Cell] = {}
        self._store = store
        self._publisher = publisher
        self._last_write: Future[None] | None = None

    @property
    def idle(self) -> bool:
        """Whether all that was handed over is on disk."""
        if self.unwritten:
            return False
        last = self._last_write
        return last is None or (last.done() and last.exception() is None)

    @property
    def last_write(self) -> Future[None] | None:
        """The write of what was handed over last."""
        return self._last_write

    def write(
        self,
        *changes: Change,
        event: WireEvent | None = None,
        events: Sequence[WireEvent] = (),
        keep: bool = False,
    ) -> Future[None]:
        """Hand changes to the store; the future is done when they are on disk.

        Args:
            changes: Made in memory already.
            event: What to tell the clients then.
            events: The same, where it is more.
            keep: Whether they are what a run has done, and not to be taken back; see `Store.submit`.
        """
        if self.file is not None:
            changes = (*changes, *self.file.note(changes))
        self._last_write = self._store.submit(*changes, keep=keep)
        for told in events if event is None else (event, *events):
            self._publisher.publish(told, self._last_write)
        return self._last_write

    async def written(self) -> None:
        """Wait until all that was handed over is on disk.

        Raises:
            StorageError: The last of it could not be written; the notebook is again as it is on
                disk, so that nobody is shown what is not kept.
        """
        if self._last_write is None:
            return
        try:
            await asyncio.wrap_future(self._last_write)
        except NotYetWritten:
            raise  # memory has more than the disk, and keeps it
        except StorageError:
            await self._go_back()
            raise

    async def run_written(self) -> None:
        """Wait until what a run has done is on disk, or is kept: its cells say that themselves.

        Raises:
            StorageError: As for `written`.
        """
        with suppress(NotYetWritten):
            await self.written()

    def is_unwritten(self, cell_id: str) -> bool:
        """Whether what a cell did could not be written, and is kept in memory."""
        return cell_id in self.unwritten

    def header_change(self) -> UpdateNotebook:
        """The change that writes all of the notebook that people edit, but its cells."""
        notebook = self.notebook
        return UpdateNotebook(
            notebook_id=notebook.id,
            name=notebook.name,
            updated_at=notebook.updated_at,
            metadata=notebook.metadata,
        )

    def touch_change(self) -> UpdateNotebook:
        """The change that writes when the notebook was changed."""
        return UpdateNotebook(notebook_id=self.notebook.id, updated_at=self.notebook.updated_at)

    async def _go_back(self) -> None:
        kept = await asyncio.to_thread(self._store.load_notebook, self.notebook.id)
        if kept is not None:
            self._add_unwritten(kept)
            self.notebook.replace_contents(kept)
            # Who has read the notebook meanwhile has seen what is not kept.
            self._publisher.publish(Resync(notebook_id=self.notebook.id))

    def _add_unwritten(self, notebook: Notebook) -> None:
        """Put what could not be written into a notebook as the disk has it."""
        for cell_id, held in self.unwritten.items():
            if cell_id in notebook:
                cell = notebook[cell_id]
                cell.outputs, cell.status = list(held.outputs), held.status
                cell.execution_count = held.execution_count
                if isinstance(cell, MemoryCell):
                    notebook.memory |= self.notebook.memory
