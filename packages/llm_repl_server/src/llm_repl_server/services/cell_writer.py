"""When the cells of a run are written: while they run, when they end, and when that failed."""

from __future__ import annotations

import asyncio
from concurrent.futures import Future

from llm_repl_core import CellCompleted, CellFailed, MemoryCell
from llm_repl_server.errors import NotYetWritten
from llm_repl_server.services.notebook_writer import NotebookWriter
from llm_repl_server.services.run_registry import RunRegistry
from llm_repl_server.services.wire_events import WireEvent, storage_failure
from llm_repl_server.storage.changes import Change, UpdateNotebook, WriteCell, WriteRun

__all__ = ["CellWriter"]

_WRITTEN_AFTER_S = 0.05
"""How long a cell runs before the disk knows; a shorter one would pay for two writes."""


class CellWriter:
    """Writes what runs do to a notebook's cells. Used in the engine's loop.

    Args:
        writer: The notebook's way to the disk.
        runs: Who knows the runs.
    """

    def __init__(self, writer: NotebookWriter, runs: RunRegistry) -> None:
        self._writer = writer
        self._runs = runs
        self._running: dict[str, asyncio.TimerHandle] = {}

    def is_running(self, cell_id: str) -> bool:
        """Whether a cell has begun and not ended."""
        return cell_id in self._running

    def begin(self, cell_id: str) -> None:
        """Note that a cell has begun."""
        self._running[cell_id] = asyncio.get_running_loop().call_later(
            _WRITTEN_AFTER_S, self.write, cell_id
        )

    def write(self, cell_id: str, event: WireEvent | None = None) -> None:
        """Write a cell as it is now, where it is still there.

        Args:
            cell_id: Which cell.
            event: What to tell the clients then.
        """
        notebook = self._writer.notebook
        if not self._writer.deleted and cell_id in notebook:
            self._writer.write(WriteCell(notebook.id, notebook[cell_id]), event=event, keep=True)

    def end(self, event: CellCompleted | CellFailed) -> Future[None] | None:
        """Write a cell that has run, and the memory with it where it may have changed.

        Returns:
            The write; None where the cell is gone.
        """
        cell_id = event.cell_id
        self._running.pop(cell_id).cancel()
        self._writer.unwritten.pop(cell_id, None)
        notebook = self._writer.notebook
        if self._writer.deleted or cell_id not in notebook:
            return None
        cell = notebook[cell_id]
        changes: list[Change] = [WriteCell(notebook.id, cell)]
        if isinstance(cell, MemoryCell):
            changes.append(UpdateNotebook(notebook_id=notebook.id, memory=notebook.memory))
        written = self._writer.write(*changes, keep=True)
        loop = asyncio.get_running_loop()

        def look(done: Future[None]) -> None:  # in the storage's thread
            error = done.exception()
            if isinstance(error, NotYetWritten) and not loop.is_closed():
                loop.call_soon_threadsafe(self._fail, event, error)

        written.add_done_callback(look)
        return written

    def _fail(self, event: CellCompleted | CellFailed, error: NotYetWritten) -> None:
        """Have a cell fail whose outputs could not be written; they stay in memory."""
        notebook, cell_id = self._writer.notebook, event.cell_id
        if self._writer.deleted or cell_id not in notebook or self.is_running(cell_id):
            return
        failure = storage_failure(error)
        cell = notebook[cell_id]
        cell.outputs = [*cell.outputs, failure]
        cell.status = "error"
        held = self._writer.unwritten[cell_id] = cell.copy(id=cell_id)
        record = self._runs.fail(event.run_id, failure.content, cell_id)
        if record is not None and self._runs.is_kept(event.run_id):
            self._writer.write(WriteRun(record), keep=True)
        again = self._writer.write(WriteCell(notebook.id, cell), keep=True)
        loop = asyncio.get_running_loop()

        def forget() -> None:
            if self._writer.unwritten.get(cell_id) is held:
                del self._writer.unwritten[cell_id]

        def forget_soon(_: Future[None]) -> None:  # in the storage's thread
            if not loop.is_closed():
                loop.call_soon_threadsafe(forget)

        def look(done: Future[None]) -> None:  # as above
            later = done.exception()
            if isinstance(later, NotYetWritten):
                later.written.add_done_callback(forget_soon)
            else:
                forget_soon(done)

        again.add_done_callback(look)
