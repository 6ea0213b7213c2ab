"""The notebooks that are in memory, and the one place where they change."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any

from llm_repl_core import (
    Application,
    Cell,
    CellCompleted,
    CellEndedBadly,
    CellStarted,
    Event,
    MemoryCell,
    Notebook,
    NotebookNotFound,
    RunCompleted,
    RunEndedBadly,
    RunStarted,
    Session,
    StorageError,
    Value,
)
from llm_repl_core.engine.loop import EngineLoop
from llm_repl_server.services.events import Announcement, Announcer
from llm_repl_server.services.kernels import KernelFactory
from llm_repl_server.services.wire import outputs_on_wire, status_of
from llm_repl_server.storage.changes import Change, UpdateNotebook, WriteCell
from llm_repl_server.storage.store import Store

__all__ = ["LiveNotebook", "LiveNotebooks"]

_NOTED_AFTER_S = 0.05
"""How long a cell runs before the disk knows; a shorter one would pay for two writes."""


class LiveNotebook:
    """A notebook in memory, its session once it has one, and its way to the disk.

    Every change is made in memory and handed to the store in one step, with no await between,
    so that the order on disk is the order in memory.

    Args:
        notebook: The notebook.
        open_session: Makes its session.
        store: Where it is kept.
        announcer: Who tells the clients.
    """

    def __init__(
        self,
        notebook: Notebook,
        *,
        open_session: Callable[[Notebook], Session],
        store: Store,
        announcer: Announcer,
    ) -> None:
        self.notebook = notebook
        self.last_snapshot: dict[str, Value] = {}
        self._open_session = open_session
        self._session: Session | None = None
        self._store = store
        self._announcer = announcer
        self._last_write: Future[None] | None = None
        self._runs_whole: set[str] = set()
        self._running: dict[str, asyncio.TimerHandle] = {}
        self._deleted = False

    @property
    def existing_session(self) -> Session | None:
        """The session, where the notebook has run something."""
        return self._session

    @property
    def session(self) -> Session:
        """The session, made when it is first asked for."""
        if self._session is None:
            self._session = self._open_session(self.notebook)
            self._session.listen(self._on_event)
        return self._session

    def write(self, *changes: Change, tell: Announcement | None = None) -> Future[None]:
        """Hand changes to the store; the future is done when they are on disk."""
        self._last_write = self._store.submit(*changes)
        if tell is not None:
            self._announcer.announce(tell, self._last_write)
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
        except StorageError:
            await self._go_back()
            raise

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

    async def close(self, *, deleted: bool = False) -> None:
        """Stop what runs and end the kernel.

        Args:
            deleted: Whether the notebook is gone, so that nothing more is written.
        """
        self._deleted = deleted
        if self._session is not None:
            await self._session.close_here()

    async def _go_back(self) -> None:
        kept = await asyncio.to_thread(self._store.load_notebook, self.notebook.id)
        if kept is not None:
            self.notebook.become(kept)

    def _on_event(self, event: Event) -> None:
        if isinstance(event, CellStarted):
            self._tell("cell_execution_started", event, cell_id=event.cell_id)
            self._running[event.cell_id] = asyncio.get_running_loop().call_later(
                _NOTED_AFTER_S, self._note_running, event.cell_id
            )
        elif isinstance(event, CellCompleted):
            self._tell(
                "cell_execution_completed",
                event,
                self._keep(event.cell_id),
                cell_id=event.cell_id,
                outputs=outputs_on_wire(event.outputs),
                execution_count=event.execution_count,
                status=status_of(event),
            )
        elif isinstance(event, CellEndedBadly):
            self._tell(
                "cell_execution_failed",
                event,
                self._keep(event.cell_id),
                cell_id=event.cell_id,
                error=event.error,
                outputs=outputs_on_wire(event.outputs),
                execution_count=event.execution_count,
                status=status_of(event),
            )
        elif isinstance(event, RunStarted) and event.whole_notebook:
            self._runs_whole.add(event.run_id)
            self._tell("notebook_execution_started", event)
        elif isinstance(event, RunCompleted) and event.run_id in self._runs_whole:
            self._runs_whole.remove(event.run_id)
            self._tell("notebook_execution_completed", event)
        elif isinstance(event, RunEndedBadly) and event.run_id in self._runs_whole:
            self._runs_whole.remove(event.run_id)
            self._tell("notebook_execution_failed", event, error=event.error, cell_id=event.cell_id)

    def _keep(self, cell_id: str) -> Future[None] | None:
        """Write a cell that has run, and the memory with it where it may have changed."""
        self._running.pop(cell_id).cancel()
        if self._deleted or cell_id not in self.notebook:
            return None
        cell: Cell = self.notebook[cell_id]
        changes: list[Change] = [WriteCell(self.notebook.id, cell)]
        if isinstance(cell, MemoryCell):
            changes.append(
                UpdateNotebook(notebook_id=self.notebook.id, memory=self.notebook.memory)
            )
        return self.write(*changes)

    def _note_running(self, cell_id: str) -> None:
        if not self._deleted and cell_id in self.notebook:
            self.write(WriteCell(self.notebook.id, self.notebook[cell_id]))

    def _tell(
        self, name: str, event: Event, after: Future[None] | None = None, **payload: Any
    ) -> None:
        payload = {"notebook_id": event.notebook_id, "run_id": event.run_id} | payload
        self._announcer.announce(Announcement(name, event.notebook_id, payload), after)


class LiveNotebooks:
    """Finds notebooks in memory, else loads them; the same object for everybody.

    Args:
        application: Makes sessions.
        store: Where notebooks are kept.
        announcer: Who tells the clients.
        loop: Where the engine lives.
        kernels: Makes kernels.
    """

    def __init__(
        self,
        application: Application,
        store: Store,
        announcer: Announcer,
        loop: EngineLoop,
        kernels: KernelFactory,
    ) -> None:
        self._application = application
        self._store = store
        self._announcer = announcer
        self._loop = loop
        self._kernels = kernels
        self._live: dict[str, LiveNotebook] = {}
        self._condemned: set[str] = set()
        self._loading: dict[str, asyncio.Future[Notebook | None]] = {}

    async def get(self, notebook_id: str) -> LiveNotebook:
        """The notebook of that id.

        Raises:
            NotebookNotFound: There is none.
        """
        live = self._live.get(notebook_id)
        if live is not None:
            if notebook_id in self._condemned:
                raise NotebookNotFound(f"Notebook `{notebook_id}` is being deleted.")
            return live
        if notebook_id not in self._loading:
            self._loading[notebook_id] = asyncio.ensure_future(
                asyncio.to_thread(self._store.load_notebook, notebook_id)
            )
        try:
            notebook = await self._loading[notebook_id]
        finally:
            self._loading.pop(notebook_id, None)
        if notebook_id in self._live:  # somebody else who waited was first
            return await self.get(notebook_id)
        if notebook is None:
            raise NotebookNotFound(f"There is no notebook `{notebook_id}`.")
        for cell in notebook:
            if cell.status in ("running", "queued"):
                cell.status = "interrupted"  # the server ended while it ran
        return self.add(notebook)

    def add(self, notebook: Notebook) -> LiveNotebook:
        """Take a notebook in that is on disk, or on its way there."""
        live = LiveNotebook(
            notebook,
            open_session=self._open_session,
            store=self._store,
            announcer=self._announcer,
        )
        self._live[notebook.id] = live
        return live

    def __contains__(self, notebook_id: str) -> bool:
        """Whether a notebook is in memory, also while it is being deleted."""
        return notebook_id in self._live

    def condemn(self, notebook_id: str) -> None:
        """Show a notebook to nobody any more, while it is being deleted."""
        self._condemned.add(notebook_id)

    def forget(self, notebook_id: str) -> None:
        """Let go of a notebook that is not on disk."""
        self._live.pop(notebook_id, None)
        self._condemned.discard(notebook_id)

    async def close(self) -> None:
        """Stop what runs and end all kernels."""
        await asyncio.gather(*(live.close() for live in self._live.values()))

    def _open_session(self, notebook: Notebook) -> Session:
        return self._application.open(
            notebook, kernel=self._kernels.make(notebook), loop=self._loop
        )
