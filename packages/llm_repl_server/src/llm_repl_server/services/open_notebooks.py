"""The notebooks that are in memory: the same object for everybody."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from weakref import WeakValueDictionary

from llm_repl_core import Notebook, NotebookNotFound
from llm_repl_server.services.event_publisher import EventPublisher
from llm_repl_server.services.file_status import AttachedFile
from llm_repl_server.services.open_notebook import OpenNotebook
from llm_repl_server.services.run_registry import RunRegistry
from llm_repl_server.services.sessions import SessionFactory
from llm_repl_server.storage.file_tie import FileTie
from llm_repl_server.storage.store import Store

__all__ = ["KEPT_FOR_S", "OpenNotebooks"]


KEPT_FOR_S = 60.0
"""How long a notebook stays in memory that nobody uses, and that has no kernel."""


class OpenNotebooks:
    """Finds notebooks in memory, else loads them. Used in the engine's loop.

    One that is not used for a while is let go, unless it has a kernel, and its kernel is ended where
    the settings say so. Whoever still holds it then is no danger: as long as it is alive, it is
    what `get` finds, so that there are never two of one notebook.

    Args:
        sessions: Makes sessions.
        store: Where notebooks are kept.
        publisher: Who tells the clients.
        runs: Who knows the runs.
        attach: Makes the file of a notebook that lives in one.
        kept_for_s: How long a notebook stays in memory that nobody uses.
        kernel_kept_for_s: How long a kernel stays that nobody uses; 0: for good.
    """

    def __init__(
        self,
        sessions: SessionFactory,
        store: Store,
        publisher: EventPublisher,
        runs: RunRegistry,
        *,
        attach: Callable[[OpenNotebook, FileTie], AttachedFile],
        kept_for_s: float = KEPT_FOR_S,
        kernel_kept_for_s: float = 0.0,
    ) -> None:
        self._sessions = sessions
        self._store = store
        self._publisher = publisher
        self._runs = runs
        self._attach = attach
        self._kept_for_s = kept_for_s
        self._kernel_kept_for_s = kernel_kept_for_s
        self._by_id: dict[str, OpenNotebook] = {}
        self._alive: WeakValueDictionary[str, OpenNotebook] = WeakValueDictionary()
        """Those in memory, and those that were let go and that somebody holds."""
        self._had_kernel: set[str] = set()
        """Notebooks that were let go, and that had a kernel."""
        self._is_memory_free = False
        self._closing_kernels: set[asyncio.Future[None]] = set()
        self._being_deleted: set[str] = set()
        self._loading: dict[str, asyncio.Future[tuple[Notebook, FileTie | None] | None]] = {}

    async def get(self, notebook_id: str) -> OpenNotebook:
        """The notebook of that id.

        Raises:
            NotebookNotFound: There is none.
        """
        opened = self._alive.get(notebook_id)
        if opened is not None:
            if notebook_id in self._being_deleted:
                raise NotebookNotFound(f"Notebook `{notebook_id}` is being deleted.")
            return self._use(opened)
        if notebook_id not in self._loading:
            self._loading[notebook_id] = asyncio.ensure_future(
                asyncio.to_thread(self._load, notebook_id)
            )
        try:
            loaded = await self._loading[notebook_id]
        finally:
            self._loading.pop(notebook_id, None)
        if notebook_id in self._alive:  # somebody else who waited was first
            return await self.get(notebook_id)
        if loaded is None:
            raise NotebookNotFound(f"There is no notebook `{notebook_id}`.")
        notebook, tie = loaded
        for cell in notebook:
            if cell.status in ("running", "queued"):
                cell.status = "interrupted"  # the server ended while it ran
        return self.add(notebook, tie)

    def add(self, notebook: Notebook, tie: FileTie | None = None) -> OpenNotebook:
        """Take a notebook in that is on disk, or on its way there.

        Args:
            notebook: The notebook.
            tie: The file that it lives in; None: in none.
        """
        opened = OpenNotebook(
            notebook,
            sessions=self._sessions,
            store=self._store,
            publisher=self._publisher,
            runs=self._runs,
            had_kernel=notebook.id in self._had_kernel,
        )
        self._had_kernel.discard(notebook.id)
        self._alive[notebook.id] = opened
        if tie is not None:
            self.tie(opened, tie)
        return self._use(opened)

    def tie(self, opened: OpenNotebook, tie: FileTie | None) -> None:
        """Have a notebook in memory live in a file, or in none."""
        opened.writer.file = None if tie is None else self._attach(opened, tie)

    def __contains__(self, notebook_id: str) -> bool:
        """Whether a notebook is in memory, also while it is being deleted."""
        return notebook_id in self._alive

    def mark_being_deleted(self, notebook_id: str) -> None:
        """Show a notebook to nobody any more, while it is being deleted."""
        self._being_deleted.add(notebook_id)

    def forget(self, notebook_id: str) -> None:
        """Let go of a notebook that is not on disk."""
        self._by_id.pop(notebook_id, None)
        self._alive.pop(notebook_id, None)
        self._had_kernel.discard(notebook_id)
        self._publisher.numbers.forget(notebook_id)
        self._being_deleted.discard(notebook_id)
        self._is_memory_free = True

    def take_free_memory(self) -> bool:
        """Whether notebooks have gone since this was last asked, and nothing runs now."""
        if not self._is_memory_free or not all(opened.idle for opened in self._by_id.values()):
            return False
        self._is_memory_free = False
        return True

    def let_go_of_unused(self) -> None:
        """Let go of what nobody has used for a while, kernels and notebooks."""
        now_s = asyncio.get_running_loop().time()
        for notebook_id, opened in tuple(self._by_id.items()):
            if notebook_id in self._being_deleted or not opened.idle:
                opened.last_used_s = now_s
                continue
            unused_s = now_s - opened.last_used_s
            if opened.has_kernel:
                if self._kernel_kept_for_s and unused_s >= self._kernel_kept_for_s:
                    self._end_kernel(opened)
            elif unused_s >= self._kept_for_s:
                del self._by_id[notebook_id]
                if opened.had_kernel:
                    self._had_kernel.add(notebook_id)
                self._is_memory_free = True

    def __iter__(self) -> Iterator[OpenNotebook]:
        """Those in memory."""
        return iter(tuple(self._by_id.values()))

    async def kernels_ended(self) -> None:
        """Wait until the kernels have ended that nobody used."""
        await asyncio.gather(*self._closing_kernels)

    async def close(self) -> None:
        """Stop what runs and end all kernels."""
        await asyncio.gather(*(opened.close() for opened in self._alive.values()))

    def _load(self, notebook_id: str) -> tuple[Notebook, FileTie | None] | None:
        notebook = self._store.load_notebook(notebook_id)
        return None if notebook is None else (notebook, self._store.files.load_tie(notebook_id))

    def _use(self, opened: OpenNotebook) -> OpenNotebook:
        opened.last_used_s = asyncio.get_running_loop().time()
        self._by_id[opened.notebook.id] = opened
        return opened

    def _end_kernel(self, opened: OpenNotebook) -> None:
        ending = asyncio.ensure_future(opened.end_kernel(opened.last_used_s))
        self._closing_kernels.add(ending)  # or it might be collected meanwhile
        ending.add_done_callback(self._closing_kernels.discard)
