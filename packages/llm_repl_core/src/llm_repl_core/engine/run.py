"""One run of some cells of a notebook, one after another."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from llm_repl_core.engine.caller_thread import AsyncInbox, Inbox
from llm_repl_core.engine.cell_run import CellRun
from llm_repl_core.engine.events import Event, RunCompleted, RunEndedBadly, RunStarted
from llm_repl_core.errors import LLMReplError
from llm_repl_core.plugins.contexts import RunContext, RunResult

if TYPE_CHECKING:
    from llm_repl_core.engine.session import Session

__all__ = ["Run"]

_log = logging.getLogger(__name__)

HOOK_GRACE_S = 3.0
"""How long plugins have to leave a run that was stopped."""

_STOPPED = "The run was stopped."


class Run:
    """Some cells, run in document order. Made by a session, used in the engine's loop.

    Args:
        session: Whose notebook and kernel.
        cell_ids: Which cells, in order.
        whole_notebook: Whether that is all of them, asked for as such.
        stop_on_error: Whether a cell that fails ends the run; one that was interrupted always
            does.
        listener: Called with each event of this run, besides the session's listeners.
        inbox: Of the thread that asked for the run and lends itself for code, if any.
    """

    def __init__(
        self,
        session: Session,
        cell_ids: tuple[str, ...],
        *,
        whole_notebook: bool,
        stop_on_error: bool = True,
        listener: Callable[[Event], None] | None = None,
        inbox: Inbox | AsyncInbox | None = None,
    ) -> None:
        self.id = str(uuid4())
        self.session = session
        self.cell_ids = cell_ids
        self.inbox = inbox
        self.stopped = False
        """Whether somebody called `stop`."""
        self.interrupted = False
        """Whether it ended because somebody stopped it, or pressed Ctrl-C."""
        self._whole_notebook = whole_notebook
        self._stop_on_error = stop_on_error
        self._listener = listener
        self._cell_run: CellRun | None = None
        self._task: asyncio.Task[Any] | None = None
        self._error: str | None = None
        self._failed_cell: str | None = None
        self._ended = asyncio.Event()

    async def execute(self) -> RunResult:
        """Run the cells. Whatever happens, the run ends in exactly one event."""
        started = time.perf_counter()
        self._task = task = asyncio.current_task()
        context = RunContext(notebook=self.session.notebook, run_id=self.id, cell_ids=self.cell_ids)
        self.emit(RunStarted, cell_ids=self.cell_ids, whole_notebook=self._whole_notebook)
        try:
            await self._execute_within_hooks(context)
        except LLMReplError as failure:
            self._fail(str(failure))
        except asyncio.CancelledError:
            self.interrupted = True
            self._fail(_STOPPED)
            if not self.stopped:
                raise  # the engine itself is closing
            while task is not None and task.cancelling():
                task.uncancel()
        except (Exception, SystemExit, KeyboardInterrupt) as failure:  # noqa: BLE001  # a plugin's code may raise anything
            _log.exception("run %s failed in the engine", self.id)
            self._fail(f"{type(failure).__name__}: {failure}")
        finally:
            result = self._end(context, started)
        return result

    async def stop(self) -> None:
        """End the cell that runs and start no other; returns when the run has ended."""
        self.stopped = True
        if self._cell_run is not None:
            await self._cell_run.stop()
        elif self._task is not None and not self._ended.is_set():
            self._task.cancel()  # it is within a plugin's hook
        while not self._ended.is_set():
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._ended.wait(), HOOK_GRACE_S)
            if not self._ended.is_set() and self._task is not None:
                self._task.cancel()

    def ended(self) -> None:
        """Say that the run is over, whether it began or not."""
        self._ended.set()

    def emit(self, kind: Callable[..., Event], **fields: Any) -> None:
        """Tell everybody who listens."""
        session = self.session
        event = kind(
            notebook_id=session.notebook.id,
            run_id=self.id,
            sequence=session.next_sequence(),
            **fields,
        )
        session.emit(event, self._listener)

    async def _execute_within_hooks(self, context: RunContext) -> None:
        if self.stopped:  # while it waited for its turn
            self.interrupted = True
            self._fail(_STOPPED)
            return
        plugins = self.session.plugins
        for hook in plugins.implementations("llm_repl_before_run"):
            hook(context=context)
        async with plugins.around("llm_repl_around_run", context=context):
            await self._execute_cells()

    async def _execute_cells(self) -> None:
        notebook = self.session.notebook
        withdraw = None if self.inbox is None else self.inbox.withdraw
        for cell_id in self.cell_ids:
            if self.stopped:
                self.interrupted = True
                self._fail(_STOPPED)
                return
            if cell_id not in notebook:
                continue  # removed while it waited for its turn
            self._cell_run = CellRun(self, notebook[cell_id], withdraw)
            try:
                ending = await self._cell_run.execute()
            finally:
                self._cell_run = None
            if ending.error is not None:
                self._fail(ending.error, cell_id)
            self.interrupted = self.interrupted or ending.interrupted
            if ending.interrupted or (ending.error is not None and self._stop_on_error):
                return

    def _fail(self, error: str, cell_id: str | None = None) -> None:
        """Note what went wrong; the first failure is the run's."""
        if self._error is None:
            self._error, self._failed_cell = error, cell_id

    def _end(self, context: RunContext, started: float) -> RunResult:
        if self._error is None:
            self.emit(RunCompleted)
        else:
            self.emit(
                RunEndedBadly,
                error=self._error,
                cell_id=self._failed_cell,
                interrupted=self.interrupted,
            )
        result = RunResult(
            error=self._error,
            cell_id=self._failed_cell,
            duration_s=time.perf_counter() - started,
        )
        self.session.plugins.notify("llm_repl_after_run", context=context, result=result)
        return result
