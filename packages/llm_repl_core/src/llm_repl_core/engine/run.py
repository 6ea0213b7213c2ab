"""One run of some cells of a notebook, one after another."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable
from contextlib import AsyncExitStack, aclosing
from typing import TYPE_CHECKING
from uuid import uuid4

from msgspec import Struct

from llm_repl_core.engine.cell_type import CellType, Execution
from llm_repl_core.engine.events import (
    CellCompleted,
    CellEndedBadly,
    CellOutput,
    CellStarted,
    Event,
    RunCompleted,
    RunEndedBadly,
    RunStarted,
)
from llm_repl_core.errors import LLMReplError
from llm_repl_core.model.cell import Cell
from llm_repl_core.model.output import Output, merge_streams
from llm_repl_core.plugins.contexts import CellContext, CellResult, RunContext, RunResult

if TYPE_CHECKING:
    from llm_repl_core.engine.session import Session

__all__ = ["Run"]

_log = logging.getLogger(__name__)

INTERRUPT_GRACE_S = 3.0
"""How long code has to end after an interrupt before its kernel is ended."""


class _Stop(Struct, frozen=True):
    """Why a cell is being stopped, as its last output says it."""

    ename: str
    evalue: str


_STOPPED = _Stop("Interrupted", "The cell was stopped.")


class Run:
    """Some cells, run in document order. Made by a session, used in the engine's loop.

    Args:
        session: Whose notebook and kernel.
        cell_ids: Which cells, in order.
        whole_notebook: Whether that is all of them, asked for as such.
        stop_on_error: Whether a cell that fails ends the run.
        listener: Called with each event of this run, besides the session's listeners.
    """

    def __init__(
        self,
        session: Session,
        cell_ids: tuple[str, ...],
        *,
        whole_notebook: bool,
        stop_on_error: bool = True,
        listener: Callable[[Event], None] | None = None,
    ) -> None:
        self.id = str(uuid4())
        self.cell_ids = cell_ids
        self._session = session
        self._whole_notebook = whole_notebook
        self._stop_on_error = stop_on_error
        self._listener = listener
        self._stop: _Stop | None = None
        self._cancelling: asyncio.Task[object] | None = None
        self._interrupted = False
        self._in_kernel = False
        self._cell_running = False
        self._cell_ended = asyncio.Event()

    async def execute(self) -> RunResult:
        """Run the cells. Every cell that starts ends in exactly one event, whatever happens."""
        started = time.perf_counter()
        plugins = self._session.plugins
        notebook = self._session.notebook
        context = RunContext(notebook=notebook, run_id=self.id, cell_ids=self.cell_ids)
        self._emit(
            RunStarted(
                **self._stamp(), cell_ids=self.cell_ids, whole_notebook=self._whole_notebook
            )
        )
        error: str | None = None
        failed_cell: str | None = None
        try:
            for hook in plugins.implementations("llm_repl_before_run"):
                hook(context=context)
            async with AsyncExitStack() as stack:
                for hook in plugins.implementations("llm_repl_around_run"):
                    await stack.enter_async_context(hook(context=context))
                error, failed_cell = await self._execute_cells()
        except LLMReplError as failure:
            error = str(failure)
        result = RunResult(
            error=error, cell_id=failed_cell, duration_s=time.perf_counter() - started
        )
        if error is None:
            self._emit(RunCompleted(**self._stamp()))
        else:
            self._emit(
                RunEndedBadly(
                    **self._stamp(),
                    error=error,
                    cell_id=failed_cell,
                    interrupted=self._interrupted or self._stop is not None,
                )
            )
        plugins.notify("llm_repl_after_run", context=context, result=result)
        return result

    async def stop(self, stop: _Stop = _STOPPED) -> None:
        """End the cell that runs and start no other. Returns when the cell has ended.

        Code is interrupted as by Ctrl-C; where that does not end it, its kernel is ended.
        """
        self._stop = stop
        await self._stop_cell()

    async def _stop_cell(self) -> None:
        if not self._cell_running:
            return
        if not self._in_kernel and self._cancelling is not None:
            self._cancelling.cancel()
            await self._cell_ended.wait()
            return
        kernel = self._session.kernel
        await kernel.interrupt()
        try:
            async with asyncio.timeout(INTERRUPT_GRACE_S):
                await self._cell_ended.wait()
        except TimeoutError:
            await kernel.shutdown()
            await self._cell_ended.wait()

    async def _execute_cells(self) -> tuple[str | None, str | None]:
        error: str | None = None
        failed_cell: str | None = None
        for cell_id in self.cell_ids:
            if self._stop is not None:
                return error or self._stop.evalue, failed_cell
            if cell_id not in self._session.notebook:
                continue  # removed while it waited for its turn
            failure = await self._execute_cell(self._session.notebook[cell_id])
            if failure is not None and error is None:
                error, failed_cell = failure, cell_id
            if failure is not None and self._stop_on_error:
                break
        return error, failed_cell

    async def _execute_cell(self, cell: Cell) -> str | None:
        """Run a cell; the answer is its error in one line, or None."""
        session = self._session
        started = time.perf_counter()
        # The outputs belong to the content that ran: an edit meanwhile puts a list of its own in
        # this one's place, and then nothing is written back.
        outputs: list[Output] = []
        cell.outputs = outputs
        cell.status = "running"
        cell.execution_count = session.next_execution_count()
        context = CellContext(notebook=session.notebook, cell=cell, run_id=self.id)
        self._cell_running = True
        self._cell_ended.clear()
        self._emit(CellStarted(**self._stamp(), cell_id=cell.id))
        cell_type = session.cell_type(cell)
        timer = self._start_timer()
        try:
            await self._produce(cell, cell_type, context, outputs)
        finally:
            if timer is not None:
                timer.cancel()
            self._cell_running = self._in_kernel = False
            self._cancelling = None
        if self._stop is not None and self._stop is not _STOPPED:
            outputs.append(Output.error(self._stop.ename, self._stop.evalue))
        merged = merge_streams(outputs)
        last_error = next((one for one in reversed(merged) if one.type == "error"), None)
        error = None if last_error is None else last_error.content
        interrupted = last_error is not None and (
            self._stop is not None or last_error.fields.get("ename") == "KeyboardInterrupt"
        )
        self._interrupted = self._interrupted or interrupted
        if cell.outputs is outputs:
            cell.outputs = merged
            cell.status = _status(error, interrupted=interrupted)
        duration_s = time.perf_counter() - started
        ending: Event
        if error is None:
            ending = CellCompleted(
                **self._stamp(),
                cell_id=cell.id,
                outputs=tuple(merged),
                execution_count=cell.execution_count or 0,
                duration_s=duration_s,
            )
        else:
            ending = CellEndedBadly(
                **self._stamp(),
                cell_id=cell.id,
                error=error,
                outputs=tuple(merged),
                interrupted=interrupted,
                execution_count=cell.execution_count or 0,
                duration_s=duration_s,
            )
        self._emit(ending)
        self._cell_ended.set()
        session.plugins.notify(
            "llm_repl_after_cell",
            context=context,
            result=CellResult(outputs=tuple(merged), error=error, duration_s=duration_s),
        )
        return error

    async def _produce(
        self,
        cell: Cell,
        cell_type: CellType | None,
        context: CellContext,
        outputs: list[Output],
    ) -> None:
        """Fill ``outputs``; whatever goes wrong becomes an error among them."""
        session = self._session

        def put(output: Output) -> None:
            outputs.append(output)
            self._emit(CellOutput(**self._stamp(), cell_id=cell.id, output=output))

        try:
            if cell_type is None:
                put(Output.error("UnknownCellType", session.why_not_run(cell)))
                return
            self._cancelling = asyncio.current_task()
            for hook in session.plugins.implementations("llm_repl_before_cell"):
                hook(context=context)
            async with AsyncExitStack() as stack:
                for hook in session.plugins.implementations("llm_repl_around_cell"):
                    await stack.enter_async_context(hook(context=context))
                notice = await session.ensure_kernel()
                if notice is not None:
                    put(notice)
                execution = Execution(
                    notebook=session.notebook,
                    kernel=session.kernel,
                    call=session.call,
                    run_id=self.id,
                )
                self._in_kernel = cell_type.runs_in_kernel
                async with aclosing(cell_type.execute(cell, execution)) as produced:  # type: ignore[type-var]  # an executor is an async generator function
                    async for output in produced:
                        put(output)
        except LLMReplError as error:
            put(Output.error(type(error).__name__, str(error)))
        except asyncio.CancelledError:
            task = asyncio.current_task()
            if self._stop is None or task is None:
                raise  # the engine itself is closing
            task.uncancel()
            put(Output.error(_STOPPED.ename, _STOPPED.evalue))
        except Exception as error:
            _log.exception("cell %s failed in the engine", cell.id)
            put(Output.error(type(error).__name__, str(error)))

    def _start_timer(self) -> asyncio.TimerHandle | None:
        timeout_s = self._session.cell_timeout_s
        if not timeout_s:
            return None
        stop = _Stop("CellTimeout", f"The cell ran longer than {timeout_s:g} s and was stopped.")
        return asyncio.get_running_loop().call_later(
            timeout_s, lambda: self._session.spawn(self.stop(stop))
        )

    def _stamp(self) -> dict[str, object]:
        return {
            "notebook_id": self._session.notebook.id,
            "run_id": self.id,
            "sequence": self._session.next_sequence(),
        }

    def _emit(self, event: Event) -> None:
        self._session.emit(event)
        if self._listener is not None:
            self._listener(event)


def _status(error: str | None, *, interrupted: bool) -> str:
    if error is None:
        return "completed"
    return "interrupted" if interrupted else "error"
