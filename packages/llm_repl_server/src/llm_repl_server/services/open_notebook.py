"""A notebook in memory: its data, its session once it has one, and its way to the disk."""

from __future__ import annotations

import asyncio

from llm_repl_core import Cell, Notebook, Value
from llm_repl_core.engine.dependencies import Dependencies
from llm_repl_core.engine.live_session import LiveSession
from llm_repl_core.engine.looks import Look
from llm_repl_core.execution.events import RUN_STOPPED
from llm_repl_core.kernels.views import VariableList
from llm_repl_core.model.language import notebook_language
from llm_repl_server.services.event_publisher import EventPublisher
from llm_repl_server.services.notebook_kernel import KernelWord, NotebookKernel
from llm_repl_server.services.notebook_writer import NotebookWriter
from llm_repl_server.services.run_events import RunEvents
from llm_repl_server.services.run_registry import RunRegistry
from llm_repl_server.services.sessions import SessionFactory
from llm_repl_server.storage.changes import WriteRun
from llm_repl_server.storage.store import Store

__all__ = ["OpenNotebook"]


class OpenNotebook:
    """A notebook in memory. Used in the engine's loop.

    Args:
        notebook: The notebook.
        sessions: Makes its session.
        store: Where it is kept.
        publisher: Who tells the clients.
        runs: Who knows the runs.
        had_kernel: Whether it had a kernel when it was let go; its variables are gone.

    Attributes:
        notebook: The notebook.
        writer: Its way to the disk.
        events: What its runs tell the clients.
        last_snapshot: Its variables, as they were when they were last looked at.
        last_variables: The same in a line each; None: they were not looked at.
        last_used_s: When somebody last asked for it, by the loop's clock.
        deleted_while_running: Cells that run, or did, and went into the bin meanwhile, by id: they
            may have been given more than the disk has.
    """

    def __init__(
        self,
        notebook: Notebook,
        *,
        sessions: SessionFactory,
        store: Store,
        publisher: EventPublisher,
        runs: RunRegistry,
        had_kernel: bool = False,
    ) -> None:
        self.notebook = notebook
        self.writer = NotebookWriter(notebook, store, publisher)
        self.events = RunEvents(self.writer, publisher, runs)
        self.last_snapshot: dict[str, Value] = {}
        self.last_variables: Look[VariableList] | None = None
        self.last_used_s = 0.0
        self.deleted_while_running: dict[str, Cell] = {}
        self._sessions = sessions
        self._had_kernel = had_kernel
        self._runs = runs
        self._dependencies: Dependencies | None = None
        self._session: LiveSession | None = None
        self._stopping: set[asyncio.Future[bool]] = set()

    @property
    def existing_session(self) -> LiveSession | None:
        """The session, where the notebook has run something."""
        return self._session

    @property
    def session(self) -> LiveSession:
        """The session, made when it is first asked for."""
        if self._session is None:
            self._session = self._sessions.open(self.notebook)
            self._session.listen(self.events.on_event)
            if self._had_kernel:
                self._session.note_lost_state()
        return self._session

    @property
    def dependencies(self) -> Dependencies:
        """What depends on what: the session's knowledge, where there is a session."""
        if self._session is not None:
            return self._session.dependencies
        if self._dependencies is None:
            self._dependencies = Dependencies(self.notebook)
        return self._dependencies

    @property
    def has_kernel(self) -> bool:
        """Whether there is a kernel, and with it a state that is nowhere else."""
        return self._session is not None and self._session.kernel.alive

    @property
    def runs_something(self) -> bool:
        """Whether a run is under way or waits."""
        return self._session is not None and self._session.busy

    @property
    def idle(self) -> bool:
        """Whether nothing runs, waits or is to be written."""
        file = self.writer.file
        return (
            not self.runs_something
            and not self._stopping
            and self.writer.idle
            and self.events.idle
            and (file is None or file.idle)
        )

    @property
    def had_kernel(self) -> bool:
        """Whether there was a kernel, in this session or before."""
        session = self._session
        return self._had_kernel or (session is not None and session.had_kernel)

    def kernel(self) -> NotebookKernel:
        """What is known of its kernel, whether or not there is one."""
        session = self._session
        state: KernelWord = "ended" if self.had_kernel else "none"
        if session is None:
            language = notebook_language(self.notebook.metadata)
            version = self._sessions.python_version(self.notebook)
            return NotebookKernel(state=state, language=language, version=version)
        kernel = session.kernel
        # As the runs say that are told with it, and not a moment longer.
        if any(run.state == "running" for run in self._runs.of_notebook(self.notebook.id)):
            state = "busy"
        elif kernel.alive:
            state = "idle"
        return NotebookKernel(
            state=state, language=kernel.language, version=kernel.language_version
        )

    async def end_kernel(self, unless_used_since_s: float) -> None:
        """End a kernel that nobody uses; the next run starts another, and says so.

        Args:
            unless_used_since_s: By the loop's clock; who has come since needs it.
        """
        if self._session is not None and self.last_used_s <= unless_used_since_s:
            self.forget_state()
            await self._session.end_kernel()

    def forget_state(self) -> None:
        """Forget what its variables were: the kernel that had them is gone."""
        self.last_snapshot = {}
        self.last_variables = None

    def stop_queued(self, run_id: str) -> None:
        """Stop a run that waits for its turn; what runs now goes on.

        It has ended for all who look it up. Its events come when it gets its turn, since the
        engine keeps the order of runs.
        """
        if self._session is not None:
            # Held on to, or it might be collected while it waits.
            stopping = asyncio.ensure_future(self._session.interrupt(run_id=run_id))
            self._stopping.add(stopping)
            stopping.add_done_callback(self._stopping.discard)
        is_kept = self._runs.is_kept(run_id)
        record = self._runs.end(run_id, "interrupted", RUN_STOPPED)
        if record is not None and is_kept and not self.writer.deleted:
            self.writer.write(WriteRun(record), keep=True)

    async def close(self, *, deleted: bool = False) -> None:
        """Stop what runs and end the kernel.

        Args:
            deleted: Whether the notebook is gone, so that nothing more is written.
        """
        self.writer.deleted = deleted
        if self._session is not None:
            await self._session.close()
        if self.writer.file is not None:
            await self.writer.file.close()
