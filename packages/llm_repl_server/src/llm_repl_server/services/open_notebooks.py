"""The notebooks that are in memory: the same object for everybody."""

from __future__ import annotations

import asyncio

from llm_repl_core import Notebook, NotebookNotFound
from llm_repl_server.services.event_publisher import EventPublisher
from llm_repl_server.services.open_notebook import OpenNotebook
from llm_repl_server.services.run_registry import RunRegistry
from llm_repl_server.services.sessions import SessionFactory
from llm_repl_server.storage.store import Store

__all__ = ["OpenNotebooks"]


class OpenNotebooks:
    """Finds notebooks in memory, else loads them. Used in the engine's loop.

    Args:
        sessions: Makes sessions.
        store: Where notebooks are kept.
        publisher: Who tells the clients.
        runs: Who knows the runs.
    """

    def __init__(
        self,
        sessions: SessionFactory,
        store: Store,
        publisher: EventPublisher,
        runs: RunRegistry,
    ) -> None:
        self._sessions = sessions
        self._store = store
        self._publisher = publisher
        self._runs = runs
        self._by_id: dict[str, OpenNotebook] = {}
        self._being_deleted: set[str] = set()
        self._loading: dict[str, asyncio.Future[Notebook | None]] = {}

    async def get(self, notebook_id: str) -> OpenNotebook:
        """The notebook of that id.

        Raises:
            NotebookNotFound: There is none.
        """
        opened = self._by_id.get(notebook_id)
        if opened is not None:
            if notebook_id in self._being_deleted:
                raise NotebookNotFound(f"Notebook `{notebook_id}` is being deleted.")
            return opened
        if notebook_id not in self._loading:
            self._loading[notebook_id] = asyncio.ensure_future(
                asyncio.to_thread(self._store.load_notebook, notebook_id)
            )
        try:
            notebook = await self._loading[notebook_id]
        finally:
            self._loading.pop(notebook_id, None)
        if notebook_id in self._by_id:  # somebody else who waited was first
            return await self.get(notebook_id)
        if notebook is None:
            raise NotebookNotFound(f"There is no notebook `{notebook_id}`.")
        for cell in notebook:
            if cell.status in ("running", "queued"):
                cell.status = "interrupted"  # the server ended while it ran
        return self.add(notebook)

    def add(self, notebook: Notebook) -> OpenNotebook:
        """Take a notebook in that is on disk, or on its way there."""
        opened = OpenNotebook(
            notebook,
            sessions=self._sessions,
            store=self._store,
            publisher=self._publisher,
            runs=self._runs,
        )
        self._by_id[notebook.id] = opened
        return opened

    def __contains__(self, notebook_id: str) -> bool:
        """Whether a notebook is in memory, also while it is being deleted."""
        return notebook_id in self._by_id

    def mark_being_deleted(self, notebook_id: str) -> None:
        """Show a notebook to nobody any more, while it is being deleted."""
        self._being_deleted.add(notebook_id)

    def forget(self, notebook_id: str) -> None:
        """Let go of a notebook that is not on disk."""
        self._by_id.pop(notebook_id, None)
        self._being_deleted.discard(notebook_id)

    async def close(self) -> None:
        """Stop what runs and end all kernels."""
        await asyncio.gather(*(opened.close() for opened in self._by_id.values()))
