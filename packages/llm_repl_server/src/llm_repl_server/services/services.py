"""All services of a server, over one store, one engine and one application."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from datetime import timedelta

from llm_repl_core import Application, StorageError
from llm_repl_core.engine.loop import EngineLoop
from llm_repl_server.services.bin import BinService
from llm_repl_server.services.calls import CallService
from llm_repl_server.services.cell_answers import CellAnswerService
from llm_repl_server.services.cells import CellService
from llm_repl_server.services.event_publisher import EventPublisher
from llm_repl_server.services.execution import ExecutionService
from llm_repl_server.services.files import FileService
from llm_repl_server.services.free_memory import return_memory
from llm_repl_server.services.graph import GraphService
from llm_repl_server.services.housekeeping import HousekeepingService
from llm_repl_server.services.llm import LLMService
from llm_repl_server.services.notebook_files import NotebookFileService
from llm_repl_server.services.notebooks import NotebookService
from llm_repl_server.services.open_notebook import OpenNotebook
from llm_repl_server.services.open_notebooks import OpenNotebooks
from llm_repl_server.services.prompts import PromptService
from llm_repl_server.services.providers import ProviderService
from llm_repl_server.services.queue import QueueService
from llm_repl_server.services.run_registry import RunRegistry
from llm_repl_server.services.runs import RunService
from llm_repl_server.services.search import SearchService
from llm_repl_server.services.sessions import SessionFactory
from llm_repl_server.services.tied_file import TiedFile
from llm_repl_server.services.variables import VariableService
from llm_repl_server.services.wire_events import ServerStopping
from llm_repl_server.settings import ServerSettings
from llm_repl_server.storage.call_log import DatabaseLedger
from llm_repl_server.storage.file_tie import FileTie
from llm_repl_server.storage.store import Store

__all__ = ["Services"]

_log = logging.getLogger(__name__)

_SWEEP_EVERY_S = 10.0
"""How often it is looked for notebooks and kernels that nobody uses."""

_PURGE_EVERY_S = 600.0
"""How often it is looked for what has been in the bin for long enough."""

_CLOSE_TIMEOUT_S = 2.5
"""What `serving.stopping` leaves of the five seconds that a server has to stop."""


class Services:
    """The services, opened and closed together.

    Args:
        settings: The server's settings.
        application: Has the plugins; one made from the settings where None.

    Raises:
        StorageError: The database cannot be used.
    """

    def __init__(self, settings: ServerSettings, application: Application | None = None) -> None:
        self.settings = settings
        self.application = application or Application(settings)
        self.store = Store(settings.storage_url(), self.application.cell_types)
        self.store.open()
        self.loop = EngineLoop()
        self.publisher = EventPublisher(self.loop.loop)
        self._sessions = SessionFactory(
            self.application, DatabaseLedger(self.store.calls), settings.root_folder()
        )
        self.loop.submit(self._sessions.warm())
        runs = RunRegistry(self.store.runs.last_run_number())
        open_notebooks = OpenNotebooks(
            self._sessions,
            self.store,
            self.publisher,
            runs,
            attach=self._attach_file,
            kernel_kept_for_s=settings.kernel_idle_timeout_s,
        )
        self.open_notebooks = open_notebooks
        self.notebooks = NotebookService(
            self.application,
            self.store,
            open_notebooks,
            self.publisher,
            runs,
            settings.root_folder(),
        )
        self.notebook_files = NotebookFileService(
            self.application,
            self.store,
            open_notebooks,
            self.notebooks,
            self.publisher,
            settings.root_folder(),
        )
        self.files = FileService(settings.root_folder())
        self.cell_answers = CellAnswerService(open_notebooks, self.store)
        self.cells = CellService(
            self.application, self.store, open_notebooks, self.publisher.numbers
        )
        self.bin = BinService(
            self.store,
            open_notebooks,
            self.publisher,
            self.application.cell_types,
            kept_for=timedelta(days=settings.bin_days),
            limit=settings.bin_limit,
        )
        self.execution = ExecutionService(open_notebooks, self.publisher, runs)
        self.runs = RunService(open_notebooks, self.store, runs)
        self.calls = CallService(open_notebooks, self.store)
        self.queue = QueueService(open_notebooks, runs)
        self.graph = GraphService(open_notebooks)
        self.housekeeping = HousekeepingService(settings, self.store, open_notebooks)
        self.prompts = PromptService(open_notebooks, self.cells)
        self.search = SearchService(self.store, runs, settings.root_folder())
        self.providers = ProviderService(self.application)
        self.llm = LLMService(self.application, self.store, self.providers)
        self.variables = VariableService(open_notebooks)
        self.llm.restore()
        self.loop.submit(self.llm.warm())
        self._sweeping = self.loop.submit(self._sweep())
        self._emptying = self.loop.submit(self._empty_bin())
        self._watching = self.loop.submit(self.notebook_files.watch())
        self._closed = False

    def close(self, last: Callable[[], Awaitable[None]] | None = None) -> None:
        """Tell the clients, stop what runs, end the kernels, write the rest. May be called twice.

        Args:
            last: Called in the loop when there is nothing more to tell, before the loop ends.
        """
        if self._closed:
            return
        self._closed = True
        try:
            self.loop.call(self._close_here(), _CLOSE_TIMEOUT_S)
        except TimeoutError:
            _log.warning("some kernels did not end in %g s", _CLOSE_TIMEOUT_S)
        self.store.close()
        if last is not None:
            self.loop.call(_call(last))
        self.loop.close()

    def _attach_file(self, opened: OpenNotebook, tie: FileTie) -> TiedFile:
        return TiedFile(
            opened,
            tie,
            application=self.application,
            publisher=self.publisher,
            root=self.settings.root_folder(),
        )

    async def _sweep(self) -> None:
        """Let go, again and again, of what nobody uses."""
        pause_s = _SWEEP_EVERY_S
        if self.settings.kernel_idle_timeout_s:
            pause_s = min(pause_s, self.settings.kernel_idle_timeout_s / 4)
        while True:
            await asyncio.sleep(pause_s)
            self.open_notebooks.let_go_of_unused()
            if self.open_notebooks.take_free_memory():
                await asyncio.to_thread(return_memory)

    async def _empty_bin(self) -> None:
        """Delete for good, now and again and again, what has been in the bin for long enough."""
        while True:
            try:
                await self.bin.purge()
            except StorageError as error:
                _log.warning("the bin could not be emptied: %s", error)
            await asyncio.sleep(_PURGE_EVERY_S)

    async def _close_here(self) -> None:
        self.publisher.publish(ServerStopping())
        await self.open_notebooks.close()
        await self._sessions.close()
        await self.application.providers.close()
        await asyncio.sleep(0)  # lets the last announcements out


async def _call(function: Callable[[], Awaitable[None]]) -> None:
    await function()
