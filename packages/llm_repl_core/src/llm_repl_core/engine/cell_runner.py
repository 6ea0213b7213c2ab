"""One cell of a run: from its start to its one ending."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Sequence
from contextlib import aclosing

from msgspec import Struct

from llm_repl_core.engine.cell_execution import CellExecution
from llm_repl_core.engine.cell_outputs import CellOutputs
from llm_repl_core.engine.cell_stopper import CellStopper
from llm_repl_core.engine.dependencies import MarkedCells
from llm_repl_core.engine.look_ahead import LookAhead
from llm_repl_core.engine.run_resources import RunResources
from llm_repl_core.engine.session_resources import SessionResources
from llm_repl_core.engine.value_watch import ValueWatch
from llm_repl_core.errors import CallNotSent, KernelDied, KernelError, LLMReplError
from llm_repl_core.execution.cell_type import CellType
from llm_repl_core.execution.events import (
    CELL_STOPPED,
    REASONS_TOLD,
    CellCompleted,
    CellFailed,
    CellsStale,
    CellStarted,
    StaleReasonsChanged,
)
from llm_repl_core.model.cell import Cell, CellStatus, ForeignCell
from llm_repl_core.model.output import Output
from llm_repl_core.model.staleness import Staleness
from llm_repl_core.plugins.contexts import CellContext, CellResult

__all__ = ["CellOutcome", "CellRunner"]

_log = logging.getLogger(__name__)

_OWN_INTERRUPT = (
    "Code that the cell uses raised KeyboardInterrupt, although it was not interrupted."
)


class CellOutcome(Struct, frozen=True):
    """The outcome of a cell.

    Attributes:
        error: One line of text, or None if it completed.
        interrupted: Whether somebody stopped it.
        withdrawn: Whether it asked nobody, since a cell above it ended the run meanwhile.
    """

    error: str | None
    interrupted: bool
    withdrawn: bool = False

    @property
    def status(self) -> CellStatus:
        """What the cell shows."""
        if self.error is None:
            return "completed"
        return "interrupted" if self.interrupted else "error"


class _PriorState(Struct, frozen=True):
    """What a cell had before it ran."""

    outputs: list[Output]
    status: CellStatus
    stale: bool
    staleness: Staleness
    execution_count: int | None

    def put_back(self, cell: Cell) -> None:
        cell.outputs = self.outputs
        cell.status = self.status
        cell.stale = self.stale
        cell.staleness = self.staleness
        cell.execution_count = self.execution_count


class CellRunner:
    """Runs one cell. Made by a run, used in the engine's loop.

    Args:
        cell: The cell.
        index: Where it stands among the cells of the run, from 0.
        session: The parts of the session.
        run: The parts of the run.
        count: The cell's execution count.
        state_read: Called when the cell has read all that it reads of the state.
        look_ahead: What was sent ahead; None: nothing.
        runs_ahead: Whether cells below run while it waits for an answer.
        refusal: Why it cannot run, in a sentence; it ends with that then.
    """

    def __init__(
        self,
        cell: Cell,
        index: int,
        session: SessionResources,
        run: RunResources,
        *,
        count: int,
        state_read: Callable[[], None],
        look_ahead: LookAhead | None = None,
        runs_ahead: bool = False,
        refusal: str | None = None,
    ) -> None:
        self._cell = cell
        self._session = session
        self._run = run
        self._count = count
        self._refusal = refusal
        self._cell_type = session.cell_types.get(type(cell))
        self._prior_state = _PriorState(
            cell.outputs, cell.status, cell.stale, cell.staleness, cell.execution_count
        )
        self._outputs = CellOutputs(cell, run.emitter, session.displays, session.model_caller)
        self._stopper = CellStopper(cell.id, session.kernel, run)
        self._watch = ValueWatch(cell, session, run)
        self._marked = MarkedCells()
        self._execution = CellExecution(
            cell,
            index,
            session,
            run,
            outputs=self._outputs,
            stopper=self._stopper,
            look_ahead=look_ahead,
            prior_status=cell.status,
            runs_ahead=runs_ahead,
            state_read=state_read,
        )

    async def execute(self) -> CellOutcome:
        """Run the cell. It ends in exactly one event, whatever happens."""
        if self._cell_type is not None and not self._cell_type.shares_kernel:
            async with self._run.kernel_turn:
                if self._stopper.is_stopped:  # before it began
                    return CellOutcome(CELL_STOPPED, interrupted=True)
                try:
                    outcome = await self._execute_whole()
                    if self._marked:
                        values = await self._watch.look_after()
                        self._session.dependencies.note_values(self._cell.id, values)
                finally:
                    self._emit_stale()
                return outcome
        try:
            return await self._execute_whole()
        finally:
            self._emit_stale()

    async def stop(self) -> None:
        """End the cell; returns when it has ended. See `CellStopper.stop`."""
        await self._stopper.stop()

    async def stop_with_run(self) -> None:
        """As `stop`, where all other cells are stopped, too. See `CellStopper.stop_with_run`."""
        await self._stopper.stop_with_run()

    async def _execute_whole(self) -> CellOutcome:
        started = time.perf_counter()
        self._claim()
        context = CellContext(
            notebook=self._session.notebook, cell=self._cell, run_id=self._run.run_id
        )
        self._run.emitter.emit(CellStarted(cell_id=self._cell.id))
        self._stopper.begin(self._session.cell_timeout_s)
        try:
            await self._produce(context)
        finally:
            self._stopper.finish()
            if (reason := self._stopper.reason) is not None:
                self._outputs.put(reason)
            outcome = self._end(context, started)
        return outcome

    def _claim(self) -> None:
        """Make this run the one whose outputs the cell has."""
        self._outputs.claim()
        self._cell.status = "running"
        self._cell.be_fresh()  # what is edited from now on makes it stale again
        self._cell.execution_count = self._count

    # Producing outputs -------------------------------------------------------------------------

    async def _produce(self, context: CellContext) -> None:
        """Fill the outputs; whatever goes wrong becomes an error among them."""
        plugins, outputs, stopper = self._session.plugins, self._outputs, self._stopper
        try:
            for hook in plugins.implementations("llm_repl_before_cell"):
                hook(context=context)
            async with plugins.around("llm_repl_around_cell", context=context):
                await self._execute()
        except LLMReplError as error:
            # Ctrl-C may come while the kernel is asked something in the caller's thread.
            by_ctrl_c = type(error) is KernelError and stopper.is_interrupted
            if (not stopper.is_stopped and not by_ctrl_c) or isinstance(error, KernelDied):
                outputs.put_error(type(error).__name__, str(error))
            else:
                self._put_stopped()  # whatever failed, it did so because of that
        except asyncio.CancelledError:
            if stopper.is_stopped or stopper.is_interrupted:
                self._put_stopped()
            elif not any(output.type == "error" for output in outputs.outputs):
                outputs.put_error("KeyboardInterrupt", _OWN_INTERRUPT)
            if stopper.is_cancelled_from_outside:
                raise  # the engine itself is closing
        except (Exception, SystemExit, KeyboardInterrupt) as error:  # noqa: BLE001  # a plugin's code may raise anything
            _log.exception("cell %s failed in the engine", self._cell.id)
            outputs.put_error(type(error).__name__, str(error))
        stopper.uncancel()

    async def _execute(self) -> None:
        cell_type, kernels = self._cell_type, self._session.kernels
        if self._refusal is not None:
            self._outputs.put_error("DependencyFailed", self._refusal)
            return
        if cell_type is None:
            self._outputs.put_error("UnknownCellType", _why_not_run(self._cell))
            return
        if cell_type.shares_kernel:
            await self._produce_with(cell_type)
            return
        with self._stopper.clock_stopped():
            await self._execution.ensure_kernel()
        self._claim()  # again: what an edit meanwhile made of the content is what runs now
        if cell_type.runs_in_kernel:
            kernels.note_code(self._cell.id, self._cell.content)
            kernels.kernel.tell_late_outputs(self._outputs.put_late)
            self._stopper.take_kernel()  # until it has ended
        if cell_type.cell_class.is_counted:
            await self._watch.look_before()
        with kernels.kernel.collect_outputs(self._outputs.put):
            await self._produce_with(cell_type)

    async def _produce_with(self, cell_type: CellType) -> None:
        async with aclosing(cell_type.execute(self._cell, self._execution)) as produced:
            async for change in produced:
                self._outputs.put(change)

    def _put_stopped(self) -> None:
        if self._stopper.reason is None:
            self._outputs.put_error("Interrupted", CELL_STOPPED)

    # Ending ------------------------------------------------------------------------------------

    def _end(self, context: CellContext, started: float) -> CellOutcome:
        cell = self._cell
        outputs = self._outputs.close()
        outcome = self._judge(outputs)
        if self._outputs.are_current:
            if outcome.withdrawn:
                self._prior_state.put_back(cell)
            else:
                cell.status = outcome.status
        duration_s = time.perf_counter() - started
        if outcome.error is None:
            self._run.emitter.emit(
                CellCompleted(
                    cell_id=cell.id,
                    outputs=outputs,
                    execution_count=self._count,
                    duration_s=duration_s,
                )
            )
        else:
            self._run.emitter.emit(
                CellFailed(
                    cell_id=cell.id,
                    error=outcome.error,
                    outputs=outputs,
                    interrupted=outcome.interrupted,
                    execution_count=self._count,
                    duration_s=duration_s,
                )
            )
        self._stopper.end()
        self._run.answers.give_up(cell.id)
        self._mark_stale(outcome)
        self._session.plugins.notify(
            "llm_repl_after_cell",
            context=context,
            result=CellResult(outputs=outputs, error=outcome.error, duration_s=duration_s),
        )
        return outcome

    def _mark_stale(self, outcome: CellOutcome) -> None:
        if outcome.withdrawn:
            return
        cell_id, state = self._cell.id, self._run.state
        if outcome.error is None:
            self._session.kernels.note_held(cell_id)
            if self._run.reruns(cell_id):
                return  # nothing has changed by it
        else:
            self._session.kernels.note_not_held(cell_id)
        # What this run has come to already stands where document order has it, and saw all it needs.
        self._marked = self._session.dependencies.note_change(
            cell_id,
            "ran" if outcome.error is None else "failed",
            except_ids=state.begun,
            values=self._watch.answer_change(),
        )

    def _emit_stale(self) -> None:
        """Say what is stale since the cell has run, and why."""
        state, notebook = self._run.state, self._session.notebook

        def told(cell_ids: Sequence[str]) -> tuple[str, ...]:
            # Those that this very run comes to are not said to be stale for a moment.
            return tuple(
                cell_id
                for cell_id in cell_ids
                if cell_id in notebook and not state.will_run(cell_id)
            )

        def emit(event: type[CellsStale | StaleReasonsChanged], cell_ids: tuple[str, ...]) -> None:
            if cell_ids:
                reasons = {
                    cell_id: notebook[cell_id].staleness.reasons
                    for cell_id in cell_ids[:REASONS_TOLD]
                }
                self._run.emitter.emit(event(cell_ids=cell_ids, reasons=reasons))

        marked, self._marked = self._marked, MarkedCells()
        emit(CellsStale, told(marked.stale))
        emit(StaleReasonsChanged, told(marked.known))

    def _judge(self, outputs: Sequence[Output]) -> CellOutcome:
        last_error = next((output for output in reversed(outputs) if output.type == "error"), None)
        if last_error is None:
            return CellOutcome(None, interrupted=False)
        name = last_error.fields.get("ename")
        if name == CallNotSent.__name__:
            return CellOutcome(last_error.content, interrupted=False, withdrawn=True)
        stopper = self._stopper
        if stopper.is_stopped:
            interrupted = stopper.reason is None
        else:
            # Else code has raised it, as it may raise anything.
            is_interrupt = name in ("KeyboardInterrupt", "Interrupted")
            interrupted = is_interrupt and stopper.is_interrupted
        return CellOutcome(last_error.content, interrupted=interrupted)


def _why_not_run(cell: Cell) -> str:
    """Why a cell has no type that can be run, in a sentence."""
    word = cell.foreign_type if isinstance(cell, ForeignCell) else type(cell).__name__
    return f"No installed plugin runs cells of the type `{word}`; the cell is kept as it is."
