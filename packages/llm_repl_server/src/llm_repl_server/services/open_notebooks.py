"""The notebooks that are in memory, and the one place where they change."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import Future
from contextlib import suppress

from llm_repl_core import (
    Application,
    Notebook,
    NotebookNotFound,
    StorageError,
    Value,
)
from llm_repl_core.engine.dependencies import Dependencies
from llm_repl_core.engine.live_session import LiveSession
from llm_repl_server.errors import NotYetWritten
from llm_repl_server.services.events import Announcement, EventPublisher
from llm_repl_server.services.kernels import KernelFactory
from llm_repl_server.services.run_events import RunEvents
from llm_repl_server.services.run_registry import RunRegistry
from llm_repl_server.storage.changes import Change, UpdateNotebook
from llm_repl_server.storage.ledger import DatabaseLedger
from llm_repl_server.storage.store import Store

__all__ = ["OpenNotebook", "OpenNotebooks"]


class OpenNotebook:
    """A notebook in memory, its session once it has one, and its way to the disk.

    Every change is made in memory and handed to the store in one step, with no await between,
    so that the order on disk is the order in memory.

    Args:
        notebook: The notebook.
        open_session: Makes its session.
        store: Where it is kept.
        publisher: Who tells the clients.
        runs: Who knows the runs.
    """

    def __init__(
        self,
        notebook: Notebook,
        *,
        open_session: Callable[[Notebook], LiveSession],
        store: Store,
        publisher: EventPublisher,
        runs: RunRegistry,
    ) -> None:
        self.notebook = notebook
        self.last_snapshot: dict[str, Value] = {}
        self.deleted = False
        """Whether the notebook is gone, so that nothing more is written."""
        self.events = RunEvents(self, publisher, runs)
        self._dependencies: Dependencies | None = None
        self._open_session = open_session
        self._session: LiveSession | None = None
        self._store = store
        self._publisher = publisher
        self._last_write: Future[None] | None = None

    @property
    def existing_session(self) -> LiveSession | None:
        """The session, where the notebook has run something."""
        return self._session

    @property
    def session(self) -> LiveSession:
        """The session, made when it is first asked for."""
        if self._session is None:
            self._session = self._open_session(self.notebook)
            self._session.listen(self.events.on_event)
        return self._session

    @property
    def dependencies(self) -> Dependencies:
        """What depends on what: the session's knowledge, where there is a session."""
        if self._session is not None:
            return self._session.dependencies
        if self._dependencies is None:
            self._dependencies = Dependencies(self.notebook)
        return self._dependencies

    def write(
        self, *changes: Change, tell: Announcement | None = None, keep: bool = False
    ) -> Future[None]:
        """Hand changes to the store; the future is done when they are on disk.

        Args:
            changes: Made in memory already.
            tell: What to tell then.
            keep: Whether they are what a run has done, and not to be taken back; see `Store.submit`.
        """
        self._last_write = self._store.submit(*changes, keep=keep)
        if tell is not None:
            self._publisher.announce(tell, self._last_write)
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
        self.deleted = deleted
        if self._session is not None:
            await self._session.close()

    async def _go_back(self) -> None:
        kept = await asyncio.to_thread(self._store.load_notebook, self.notebook.id)
        if kept is not None:
            self.events.add_unwritten(kept)
            self.notebook.replace_contents(kept)


class OpenNotebooks:
    """Finds notebooks in memory, else loads them; the same object for everybody.

    Args:
        application: Makes sessions.
        store: Where notebooks are kept.
        publisher: Who tells the clients.
        kernels: Makes kernels.
        runs: Who knows the runs.
    """

    def __init__(
        self,
        application: Application,
        store: Store,
        publisher: EventPublisher,
        kernels: KernelFactory,
        runs: RunRegistry,
    ) -> None:
        self._runs = runs
        self._ledger = DatabaseLedger(store)
        self._application = application
        self._store = store
        self._publisher = publisher
        self._kernels = kernels
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
            open_session=self._open_session,
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

    def _open_session(self, notebook: Notebook) -> LiveSession:
        kernel = self._kernels.make(notebook)
        return self._application.open_live(notebook, kernel=kernel, ledger=self._ledger)
