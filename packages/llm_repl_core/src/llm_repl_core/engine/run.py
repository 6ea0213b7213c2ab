"""One run of some cells of a notebook: from its start to its one ending."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import sys
import time
from collections.abc import Callable, Sequence
from typing import Any

from msgspec import Struct

from llm_repl_core.engine.caller_thread import AsyncInbox, Inbox
from llm_repl_core.engine.catch_up import CatchUp
from llm_repl_core.engine.cell_runner import CellRunner
from llm_repl_core.engine.event_stream import Listener, RunEmitter
from llm_repl_core.engine.look_ahead import LookAhead
from llm_repl_core.engine.options import RunOptions
from llm_repl_core.engine.pending_answers import PendingAnswers
from llm_repl_core.engine.plan import Plan, PlannedCell
from llm_repl_core.engine.run_policy import RunPolicy
from llm_repl_core.engine.run_resources import RunResources, RunState
from llm_repl_core.engine.scheduler import Schedule, TurnOutcome
from llm_repl_core.engine.session_resources import SessionResources
from llm_repl_core.errors import BudgetExceeded, LLMReplError, PriceUnknown
from llm_repl_core.execution.events import (
    RUN_STOPPED,
    CellNeed,
    CellRemoved,
    CellWaiting,
    RunCompleted,
    RunFailed,
    RunProgress,
    RunStarted,
)
from llm_repl_core.model.cell import PromptCell
from llm_repl_core.model.ids import new_id
from llm_repl_core.model.output import Output
from llm_repl_core.plugins.contexts import RunContext, RunResult

__all__ = ["Run"]

_log = logging.getLogger(__name__)

HOOK_GRACE_S = 3.0
"""How long plugins have to leave a run that was stopped."""

_NEEDS_TOLD = 20
"""Of how many prompts a waiting cell says that it waits for them."""

_OF_BUDGETS = (BudgetExceeded.__name__, PriceUnknown.__name__)


class Run:
    """Some cells, run so that they leave what document order leaves. Made by a session.

    Used in the engine's loop.

    Args:
        session: The parts of the session.
        cell_ids: Which cells, in order.
        whole_notebook: Whether that is all of them, asked for as such.
        options: How it is to go.
        listener: Called with each event of this run, besides the session's listeners.
        inbox: Of the thread that asked for the run and lends itself for code, if any.
        catch_up: What the kernel lacked when the run was made; None: nothing.
    """

    def __init__(
        self,
        session: SessionResources,
        cell_ids: tuple[str, ...],
        *,
        whole_notebook: bool,
        options: RunOptions,
        listener: Listener | None = None,
        inbox: Inbox | AsyncInbox | None = None,
        catch_up: CatchUp | None = None,
    ) -> None:
        self.id = new_id()
        self.cell_ids = cell_ids
        self.options = options
        self.inbox = inbox
        self.cell_stopped = False
        """Whether somebody called `stop_cell` for a cell that ran."""
        self.interrupted = False
        """Whether it ended because somebody stopped it, or pressed Ctrl-C."""
        self.waiting: asyncio.Task[Any] | None = None
        """What waits for its turn, until that comes."""
        kernel_turn = asyncio.Lock()
        self._session = session
        self._parts = RunResources(
            emitter=RunEmitter(session.events, self.id, listener),
            policy=RunPolicy(session.policies, session.notebook, options, cell_ids),
            kernel_turn=kernel_turn,
            answers=PendingAnswers(session.kernels, kernel_turn),
            catch_up=catch_up or CatchUp(cell_ids=cell_ids),
            state=RunState(to_come=set(cell_ids)),
            items=options.items,
            inbox=inbox,
        )
        self._look_ahead: LookAhead | None = None
        self._whole_notebook = whole_notebook
        self._order = self._in_order()
        self._cell_runners: dict[str, CellRunner] = {}
        self._schedule: Schedule | None = None
        self._task: asyncio.Task[Any] | None = None
        self._failures: list[_Failure] = []
        self._ended_cells = 0
        self._stopping: asyncio.Future[Any] | None = None
        self._counts: list[int] = []
        """The execution count of each cell of the run."""
        self._ended = asyncio.Event()

    @property
    def stopped(self) -> bool:
        """Whether somebody called `stop`."""
        return self._parts.state.is_stopped

    @property
    def asked_cell_ids(self) -> tuple[str, ...]:
        """The cells of the run, but for prompts whose answers are the notebook's."""
        restored = self._parts.catch_up.restored
        return tuple(cell_id for cell_id in self.cell_ids if cell_id not in restored)

    @property
    def restored_cell_ids(self) -> frozenset[str]:
        """Cells that need not run, as the notebook has what they leave."""
        return frozenset(self._parts.catch_up.restored)

    @property
    def ordered_cell_ids(self) -> tuple[str, ...]:
        """The cells that run, and those that need not, in document order."""
        return self._order

    async def execute(self) -> RunResult:
        """Run the cells. Whatever happens, the run ends in exactly one event."""
        started = time.perf_counter()
        self._task = task = asyncio.current_task()
        self._counts = self._count_cells(self._session.execution_count)
        context = RunContext(
            notebook=self._session.notebook, run_id=self.id, cell_ids=self.cell_ids
        )
        self._parts.emitter.emit(
            RunStarted(cell_ids=self.cell_ids, whole_notebook=self._whole_notebook)
        )
        try:
            await self._execute_within_hooks(context)
        except LLMReplError as failure:
            self._fail(str(failure))
        except asyncio.CancelledError:
            self._note_stop()
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
        """End the cells that run and start no other; returns when the run has ended."""
        self._parts.state.is_stopped = True
        if self._schedule is not None:
            self._schedule.halt()
        if self.waiting is not None:
            self.waiting.cancel()
        elif self._cell_runners:
            cell_runners = tuple(self._cell_runners.values())
            await asyncio.gather(*(cell_runner.stop_with_run() for cell_runner in cell_runners))
        elif self._task is not None and not self._ended.is_set():
            self._task.cancel()  # it is within a plugin's hook
        while not self._ended.is_set():
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._ended.wait(), HOOK_GRACE_S)
            if not self._ended.is_set() and self._task is not None:
                self._task.cancel()

    async def stop_cell(self, cell_id: str) -> bool:
        """End one cell; returns when it has ended: whether it was running."""
        cell_runner = self._cell_runners.get(cell_id)
        if cell_runner is None:
            return False
        self.cell_stopped = True
        await cell_runner.stop()
        return True

    @property
    def to_come(self) -> Sequence[str]:
        """The cells that it has not come to, in order."""
        to_come = self._parts.state.to_come
        return [cell_id for cell_id in self.cell_ids if cell_id in to_come]

    @property
    def under_way(self) -> Sequence[str]:
        """The cells that it has begun, and that have not ended."""
        return list(self._cell_runners)

    def remove_cell(self, cell_id: str) -> bool:
        """Take a cell out that the run has not come to; the rest goes on: whether it was there."""
        state = self._parts.state
        if self.stopped or cell_id not in state.to_come:
            return False
        state.to_come.discard(cell_id)
        state.removed.add(cell_id)
        if self._look_ahead is not None:
            self._look_ahead.drop(cell_id)
        dependents = self._session.dependencies.downstream(cell_id)
        self._parts.emitter.emit(
            CellRemoved(
                cell_id=cell_id,
                dependents=tuple(each for each in dependents if each in state.to_come),
            )
        )
        return True

    def ended(self) -> None:
        """Say that the run is over, whether it began or not."""
        self._ended.set()

    # In order -----------------------------------------------------------------------------------

    async def _execute_within_hooks(self, context: RunContext) -> None:
        if self.stopped:  # while it waited for its turn
            self._note_stop()
            return
        plugins = self._session.plugins
        for hook in plugins.implementations("llm_repl_before_run"):
            hook(context=context)
        async with plugins.around("llm_repl_around_run", context=context):
            try:
                await self._execute_cells()
            finally:
                await self._session.model_caller.ends.settled()

    async def _execute_cells(self) -> None:
        if self._has_prompts():
            # Made by now, so that no call overtakes another one while it waits for it.
            await self._parts.policy.prepare()
            # In order, too: what depends on a prompt that failed is the same then.
            await self._execute_planned()
            if self.stopped:
                self._note_stop()
            return
        for index, cell_id in enumerate(self._order):
            if self.stopped:
                self._note_stop()
                return
            if (await self._execute_cell(cell_id, index, lambda: None)).halts:
                return

    async def _execute_planned(self) -> None:
        session, parts = self._session, self._parts
        plan = Plan(
            session.notebook,
            self._order,
            plain=session.plain_names,
            ran=session.effects_of_former_code,
            mispredicted=session.mispredictions.holds,
        )
        parallel = self.options.parallel
        is_on = parallel and await parts.policy.speculates()
        self._look_ahead = look_ahead = LookAhead(plan, session, parts, is_on=is_on)
        self._schedule = Schedule(
            plan,
            self._start_planned,
            look_ahead,
            parts.answers.settled,
            parallel=parallel,
            note_waiting=self._note_waiting,
            note_deleted=self._pass_over,
        )
        try:
            await self._schedule.run()
        finally:
            await look_ahead.close()
            await parts.answers.settled()

    def _note_waiting(self, planned: PlannedCell, above: Sequence[PlannedCell]) -> None:
        if planned.cell_id in self._parts.state.removed:
            return
        names = planned.names
        needs = tuple(
            CellNeed(
                cell_id=prompt.cell_id,
                variable=prompt.variable if prompt.variable in names else None,
            )
            for prompt in above[:_NEEDS_TOLD]
        )
        self._parts.emitter.emit(CellWaiting(cell_id=planned.cell_id, needs=needs))

    def _in_order(self) -> tuple[str, ...]:
        restored = self._parts.catch_up.restored
        if not restored:
            return self.cell_ids
        chosen = restored.keys() | set(self.cell_ids)
        return tuple(cell.id for cell in self._session.notebook if cell.id in chosen)

    def _has_prompts(self) -> bool:
        notebook = self._session.notebook
        return len(self._order) > 1 and any(
            cell_id in notebook and isinstance(notebook[cell_id], PromptCell)
            for cell_id in self.cell_ids
        )

    def _count_cells(self, count: int) -> list[int]:
        notebook = self._session.notebook
        counts = []
        for cell_id in self._order:
            runs = cell_id in notebook and cell_id not in self._parts.catch_up.restored
            if runs and notebook[cell_id].is_counted:
                count += 1
            counts.append(count)
        return counts

    def _take_count(self, index: int) -> int:
        """The number of a cell in the kernel's count, as document order gives it."""
        count, session = self._counts[index], self._session
        session.execution_count = max(session.execution_count, count)
        return count

    # One cell -----------------------------------------------------------------------------------

    async def _start_planned(
        self, planned: PlannedCell, state_read: Callable[[], None], failed: Sequence[PlannedCell]
    ) -> TurnOutcome:
        is_last = planned.index == len(self._order) - 1
        runs_ahead = self.options.parallel and not planned.holds_order and not is_last
        return await self._execute_cell(
            planned.cell_id, planned.index, state_read, failed, runs_ahead=runs_ahead
        )

    async def _execute_cell(
        self,
        cell_id: str,
        index: int,
        state_read: Callable[[], None],
        failed: Sequence[PlannedCell] = (),
        *,
        runs_ahead: bool = False,
    ) -> TurnOutcome:
        if cell_id in self._parts.catch_up.restored:
            return await self._restore(cell_id, index)
        outcome = TurnOutcome(ok=False, halts=True)  # where the engine itself fails
        try:
            outcome = await self._execute_current(cell_id, index, state_read, failed, runs_ahead)
        finally:
            self._parts.policy.cell_ended(cell_id, halts=outcome.halts)
        return outcome

    async def _restore(self, cell_id: str, index: int) -> TurnOutcome:
        """Give the kernel what a cell left that need not run for it."""
        notices: list[Output] = []
        try:
            for name, value in self._parts.catch_up.restored[cell_id].items():
                await self._parts.answers.set((name,), index, value, notices.append)
        except LLMReplError as error:
            self._fail(str(error), cell_id, index)
            return TurnOutcome(ok=False, halts=True)
        self._session.kernels.note_held(cell_id)
        return TurnOutcome(ok=True, halts=False)

    async def _execute_current(
        self,
        cell_id: str,
        index: int,
        state_read: Callable[[], None],
        failed: Sequence[PlannedCell],
        runs_ahead: bool,
    ) -> TurnOutcome:
        notebook, state = self._session.notebook, self._parts.state
        state.to_come.discard(cell_id)
        if cell_id in state.removed or cell_id not in notebook:
            self._pass_over(cell_id)
            return TurnOutcome(ok=True, halts=False)
        state.begun.add(cell_id)
        cell_runner = CellRunner(
            notebook[cell_id],
            index,
            self._session,
            self._parts,
            count=self._take_count(index),
            state_read=state_read,
            look_ahead=self._look_ahead,
            runs_ahead=runs_ahead,
            refusal=self._refusal(failed),
        )
        self._cell_runners[cell_id] = cell_runner
        try:
            outcome = await cell_runner.execute()
        finally:
            del self._cell_runners[cell_id]
        if outcome.withdrawn:
            state.to_come.add(cell_id)  # as if the run had not come to it
        self._note_progress()
        if outcome.error is not None and not outcome.withdrawn:
            self._fail(outcome.error, cell_id, index)
        if outcome.interrupted:
            self._note_interrupt()
        return TurnOutcome(
            ok=outcome.error is None,
            halts=outcome.interrupted or (outcome.error is not None and self.options.stop_on_error),
        )

    def _pass_over(self, cell_id: str) -> None:
        """Go on without a cell that was taken out of the run, or deleted, before its turn."""
        if cell_id in self._parts.catch_up.restored:
            return
        self._parts.state.to_come.discard(cell_id)
        self._parts.policy.cell_ended(cell_id, halts=False)  # so that no call waits for its own
        self._note_progress()

    def _note_progress(self) -> None:
        self._ended_cells += 1
        if len(self.cell_ids) > 1:
            self._parts.emitter.emit(RunProgress(ended=self._ended_cells, total=len(self.cell_ids)))

    def _refusal(self, failed: Sequence[PlannedCell]) -> str | None:
        """Why a cell cannot run whose answers are missing, in a sentence."""
        if not failed:
            return None
        needed = failed[0]
        what = f"`{needed.variable}`, the answer of" if needed.variable else "the output of"
        notebook, cell = self._session.notebook, "a cell"
        if needed.cell_id in notebook:  # else it was deleted meanwhile
            cell = f"cell {notebook.index(needed.cell_id) + 1}"
        return f"It needs {what} {cell}, which failed."

    # Ending -------------------------------------------------------------------------------------

    def _note_interrupt(self) -> None:
        self.interrupted = True
        if self._schedule is not None:
            self._schedule.halt()
        if not self.stopped and not self.cell_stopped:
            # Ctrl-C in code that runs in the caller's thread: it is meant for the whole run.
            others = [cell_runner.stop_with_run() for cell_runner in self._cell_runners.values()]
            self._stopping = asyncio.gather(*others) if others else None

    def _note_stop(self) -> None:
        self.interrupted = True
        self._fail(RUN_STOPPED)

    def _fail(self, error: str, cell_id: str | None = None, index: int = sys.maxsize) -> None:
        """Note what went wrong; the failure of the first cell in order is the run's."""
        self._failures.append(_Failure(index, error, cell_id))

    def _end(self, context: RunContext, started: float) -> RunResult:
        failure = min(self._failures, key=lambda failure: failure.index, default=None)
        error: str | None = None
        if failure is None:
            self._parts.emitter.emit(RunCompleted())
        else:
            error = failure.error
            to_come = self._parts.state.to_come
            not_run = tuple(cell_id for cell_id in self.cell_ids if cell_id in to_come)
            if error.startswith(_OF_BUDGETS) and not_run:
                error += f" Not run: {len(not_run)} of {len(self.cell_ids)} cells."
            self._parts.emitter.emit(
                RunFailed(
                    error=error,
                    cell_id=failure.cell_id,
                    interrupted=self.interrupted,
                    not_run=not_run,
                )
            )
        self._parts.emitter.end()
        result = RunResult(
            error=error,
            cell_id=None if failure is None else failure.cell_id,
            duration_s=time.perf_counter() - started,
        )
        self._session.plugins.notify("llm_repl_after_run", context=context, result=result)
        return result


class _Failure(Struct, frozen=True):
    index: int
    error: str
    cell_id: str | None
