"""All services of a server, over one store, one engine and one application."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable

from llm_repl_core import Application
from llm_repl_core.engine.loop import EngineLoop
from llm_repl_server.services.calls import CallService
from llm_repl_server.services.cells import CellService
from llm_repl_server.services.events import Announcement, Announcer
from llm_repl_server.services.execution import ExecutionService
from llm_repl_server.services.graph import GraphService
from llm_repl_server.services.kernels import KernelFactory
from llm_repl_server.services.live import LiveNotebooks
from llm_repl_server.services.llm import LLMService
from llm_repl_server.services.notebooks import NotebookService
from llm_repl_server.services.prompts import PromptService
from llm_repl_server.services.run_registry import RunRegistry
from llm_repl_server.services.runs import RunService
from llm_repl_server.settings import ServerSettings
from llm_repl_server.storage.store import Store

__all__ = ["House"]

_log = logging.getLogger(__name__)

_CLOSE_TIMEOUT_S = 2.5
"""What `serving.stopping` leaves of the five seconds that a server has to stop."""


class House:
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
        self._store = Store(settings.storage_url(), self.application.cell_types)
        self._store.open()
        self.loop = EngineLoop()
        self.announcer = Announcer(self.loop.loop)
        self._kernels = KernelFactory(self.application, settings.root_folder())
        self.loop.submit(self._kernels.warm())
        runs = RunRegistry(self._store.last_run_number())
        live = LiveNotebooks(self.application, self._store, self.announcer, self._kernels, runs)
        self._live = live
        self.notebooks = NotebookService(
            self.application, self._store, live, settings.root_folder()
        )
        self.cells = CellService(self.application, live)
        self.execution = ExecutionService(live, self.announcer, runs)
        self.runs = RunService(live, self._store, runs)
        self.calls = CallService(live, self._store)
        self.graph = GraphService(live)
        self.prompts = PromptService(live)
        self.llm = LLMService(self.application, self._store)
        self.llm.restore()
        self.loop.submit(self.llm.warm())
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
        self._store.close()
        if last is not None:
            self.loop.call(_call(last))
        self.loop.close()

    async def _close_here(self) -> None:
        self.announcer.announce(Announcement("server_stopping", None, {}))
        await self._live.close()
        await self._kernels.close()
        await self.application.providers.close()
        await asyncio.sleep(0)  # lets the last announcements out


async def _call(function: Callable[[], Awaitable[None]]) -> None:
    await function()
