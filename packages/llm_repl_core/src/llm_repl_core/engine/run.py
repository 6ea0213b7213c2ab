"""One run of some cells of a notebook: from its start to its one ending."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import sys
import time
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from msgspec import Struct

from llm_repl_core.engine.caller_thread import AsyncInbox, Inbox
from llm_repl_core.engine.catch_up import CatchUp
from llm_repl_core.engine.cell_run import CellRun
from llm_repl_core.engine.events import (
    Event,
    RunCompleted,
    RunFailed,
    RunProgress,
    RunStarted,
)
from llm_repl_core.engine.look_ahead import LookAhead
from llm_repl_core.engine.model_calls import CallPolicy, ModelCall
from llm_repl_core.engine.options import RunOptions
from llm_repl_core.engine.pending_answers import PendingAnswers
from llm_repl_core.engine.plan import Plan, PlannedCell
from llm_repl_core.engine.scheduler import Schedule, TurnOutcome
from llm_repl_core.engine.speculative_call import SpeculativeCall
from llm_repl_core.errors import BudgetExceeded, LLMReplError, PriceUnknown
from llm_repl_core.model.cell import PromptCell
from llm_repl_core.model.ids import new_id
from llm_repl_core.model.json_value import JSONValue
from llm_repl_core.model.output import Output
from llm_repl_core.plugins.contexts import RunContext, RunResult

if TYPE_CHECKING:
    from llm_repl_core.engine.live_session import LiveSession

__all__ = ["Run"]

_log = logging.getLogger(__name__)

HOOK_GRACE_S = 3.0
"""How long plugins have to leave a run that was stopped."""

_STOPPED = "The run was stopped."
_OF_BUDGETS = (BudgetExceeded.__name__, PriceUnknown.__name__)


class Run:
    """Some cells, run so that they leave what document order leaves. Made by a session.

    Used in the engine's loop.

    Args:
        session: Whose notebook and kernel.
        cell_ids: Which cells, in order.
        whole_notebook: Whether that is all of them, asked for as such.
        options: How it is to go.
        listener: Called with each event of this run, besides the session's listeners.
        inbox: Of the thread that asked for the run and lends itself for code, if any.
        catch_up: What the kernel lacked when the run was made; None: nothing.
    """

    def __init__(
        self,
        session: LiveSession,
        cell_ids: tuple[str, ...],
        *,
        whole_notebook: bool,
        options: RunOptions,
        listener: Callable[[Event], None] | None = None,
        inbox: Inbox | AsyncInbox | None = None,
        catch_up: CatchUp | None = None,
    ) -> None:
        self.id = new_id()
        self.session = session
        self.cell_ids = cell_ids
        self.options = options
        self.inbox = inbox
        self.stopped = False
        """Whether somebody called `stop`."""
        self.cell_stopped = False
        """Whether somebody called `stop_cell` for a cell that ran."""
        self.interrupted = False
        """Whether it ended because somebody stopped it, or pressed Ctrl-C."""
        self.waiting: asyncio.Task[Any] | None = None
        """What waits for its turn, until that comes."""
        self.kernel_turn = asyncio.Lock()
        """Whose turn it is to use the kernel, among the cells of this run."""
        self.begun: set[str] = set()
        """The cells that this run has come to."""
        self.answers = PendingAnswers(
            session.kernel,
            self.kernel_turn,
            session.ensure_kernel,
            lambda: session.kernel_generation,
        )
        self._look_ahead: LookAhead | None = None
        self._policy: asyncio.Task[CallPolicy] | None = None
        self._whole_notebook = whole_notebook
        self._catch_up = catch_up or CatchUp(cell_ids=cell_ids)
        self._order = self._in_order()
        self._listener = listener
        self._cell_runs: dict[str, CellRun] = {}
        self._schedule: Schedule | None = None
        self._task: asyncio.Task[Any] | None = None
        self._failures: list[_Failure] = []
        self._ended_cells = 0
        self._stopping: asyncio.Future[Any] | None = None
        self._to_come = set(cell_ids)
        self._counts: list[int] = []
        """The execution count of each cell of the run."""
        self._ended = asyncio.Event()

    @property
    def asked_cell_ids(self) -> tuple[str, ...]:
        """The cells of the run, but for prompts whose answers are the notebook's."""
        restored = self._catch_up.restored
        return tuple(cell_id for cell_id in self.cell_ids if cell_id not in restored)

    async def execute(self) -> RunResult:
        """Run the cells. Whatever happens, the run ends in exactly one event."""
        started = time.perf_counter()
        self._task = task = asyncio.current_task()
        self._counts = self._count_cells(self.session.execution_count)
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
        """End the cells that run and start no other; returns when the run has ended."""
        self.stopped = True
        if self._schedule is not None:
            self._schedule.halt()
        if self.waiting is not None:
            self.waiting.cancel()
        elif self._cell_runs:
            await asyncio.gather(*(one.stop_with_run() for one in tuple(self._cell_runs.values())))
        elif self._task is not None and not self._ended.is_set():
            self._task.cancel()  # it is within a plugin's hook
        while not self._ended.is_set():
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._ended.wait(), HOOK_GRACE_S)
            if not self._ended.is_set() and self._task is not None:
                self._task.cancel()

    async def stop_cell(self, cell_id: str) -> bool:
        """End one cell; returns when it has ended: whether it was running."""
        cell_run = self._cell_runs.get(cell_id)
        if cell_run is None:
            return False
        self.cell_stopped = True
        await cell_run.stop()
        return True

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
            self._note_stop()
            return
        plugins = self.session.plugins
        for hook in plugins.implementations("llm_repl_before_run"):
            hook(context=context)
        async with plugins.around("llm_repl_around_run", context=context):
            try:
                await self._execute_cells()
            finally:
                await self.session.call.settled()

    async def policy(self) -> CallPolicy:
        """What the run allows its calls; made for the first, as most runs make none.

        Raises:
            InvalidInput: The notebook's own mode or budget cannot be used.
            StorageError: What the notebook has spent cannot be read.
        """
        return await asyncio.shield(self._making_of_policy())

    def _making_of_policy(self) -> asyncio.Task[CallPolicy]:
        if self._policy is None:
            self._policy = asyncio.ensure_future(
                self.session.call_policy(self.options, self.cell_ids)
            )
            # Looked at, or asyncio logs an error that no call has come to be told.
            self._policy.add_done_callback(lambda made: made.cancelled() or made.exception())
        return self._policy

    @property
    def caller_has_left(self) -> bool:
        """Whether whoever lends their thread for code does so no more."""
        return self.inbox is not None and self.inbox.has_left

    def withdraw(self) -> None:
        """Take back what the caller's thread has not begun to run."""
        if self.inbox is not None:
            self.inbox.withdraw()

    def execution_count(self, index: int) -> int:
        """The number of a cell in the kernel's count, as document order gives it.

        Args:
            index: Where the cell stands among the cells of the run, from 0.
        """
        count = self._counts[index]
        self.session.execution_count = max(self.session.execution_count, count)
        return count

    def _count_cells(self, count: int) -> list[int]:
        notebook = self.session.notebook
        counts = []
        for cell_id in self._order:
            runs = cell_id in notebook and cell_id not in self._catch_up.restored
            if runs and notebook[cell_id].is_counted:
                count += 1
            counts.append(count)
        return counts

    def will_run(self, cell_id: str) -> bool:
        """Whether a cell of this run has not begun yet, and may still come."""
        return not self.stopped and cell_id in self._to_come

    async def _execute_cells(self) -> None:
        if self._has_prompts():
            # Made by now, so that no call overtakes another one while it waits for them.
            await asyncio.wait([self._making_of_policy()])
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
        session, options = self.session, self.options
        plan = Plan(
            session.notebook,
            self._order,
            plain=session.plain_names,
            ran=session.effects_of_former_code,
            mispredicted=session.mispredictions.holds,
        )
        self._look_ahead = look_ahead = LookAhead(
            plan,
            notebook=session.notebook,
            kernel=session.kernel,
            kernel_turn=self.kernel_turn,
            ensure_kernel=session.have_kernel,
            call=session.call,
            policy=self.policy,
            run_id=self.id,
            mispredictions=session.mispredictions,
            may_ask=self._may_ask,
            emit=self.emit,
            is_on=options.parallel and await self._speculates(),
        )
        self._schedule = Schedule(
            plan,
            self._start_planned,
            look_ahead,
            self.answers.settled,
            parallel=options.parallel,
        )
        try:
            await self._schedule.run()
        finally:
            await look_ahead.close()
            await self.answers.settled()

    async def _speculates(self) -> bool:
        try:
            return (await self.policy()).speculate
        except LLMReplError:
            return False  # each call is told why

    def _may_ask(self, cell: PromptCell) -> bool:
        """Whether a prompt asks a model at all, and from the start."""
        goes_on = cell.for_each is not None and cell.status in ("error", "interrupted")
        return not goes_on and not self.reruns(cell.id) and cell.id not in self._catch_up.restored

    def take_ahead(self, model_call: ModelCall) -> SpeculativeCall | None:
        """The call that was sent ahead for what a prompt asks; None: there is none."""
        return None if self._look_ahead is None else self._look_ahead.take(model_call)

    def note_answer(self, cell_id: str, value: JSONValue) -> None:
        """Note a prompt's answer, which the kernel does not have yet."""
        if self._look_ahead is not None:
            self._look_ahead.answered(cell_id, value)

    def _has_prompts(self) -> bool:
        notebook = self.session.notebook
        return len(self._order) > 1 and any(
            cell_id in notebook and isinstance(notebook[cell_id], PromptCell)
            for cell_id in self.cell_ids
        )

    async def _start_planned(
        self, planned: PlannedCell, placed: Callable[[], None], failed: Sequence[PlannedCell]
    ) -> TurnOutcome:
        is_last = planned.index == len(self._order) - 1
        goes_on = self.options.parallel and not planned.holds_order and not is_last
        return await self._execute_cell(
            planned.cell_id, planned.index, placed, failed, goes_on=goes_on
        )

    async def _execute_cell(
        self,
        cell_id: str,
        index: int,
        placed: Callable[[], None],
        failed: Sequence[PlannedCell] = (),
        *,
        goes_on: bool = False,
    ) -> TurnOutcome:
        if cell_id in self._catch_up.restored:
            return await self._restore(cell_id, index)
        outcome = TurnOutcome(ok=False, halts=True)  # where the engine itself fails
        try:
            outcome = await self._execute_current(cell_id, index, placed, failed, goes_on)
        finally:
            self._note_ended(cell_id, outcome)
        return outcome

    async def _restore(self, cell_id: str, index: int) -> TurnOutcome:
        """Give the kernel what a cell left that need not run for it."""
        notices: list[Output] = []
        try:
            for name, value in self._catch_up.restored[cell_id].items():
                await self.answers.set((name,), index, value, notices.append)
        except LLMReplError as error:
            self._fail(str(error), cell_id, index)
            return TurnOutcome(ok=False, halts=True)
        self.session.note_held(cell_id)
        return TurnOutcome(ok=True, halts=False)

    def _in_order(self) -> tuple[str, ...]:
        restored = self._catch_up.restored
        if not restored:
            return self.cell_ids
        chosen = restored.keys() | set(self.cell_ids)
        return tuple(cell.id for cell in self.session.notebook if cell.id in chosen)

    def reruns(self, cell_id: str) -> bool:
        """Whether a cell only runs for what the kernel lacks, and gives the same as before."""
        return cell_id in self._catch_up.rerun

    def _note_ended(self, cell_id: str, outcome: TurnOutcome) -> None:
        """Say that a cell asks no more, to the calls that wait for it."""
        policy = self._policy
        if (
            policy is not None
            and policy.done()
            and not policy.cancelled()
            and not policy.exception()
        ):
            policy.result().admission.cell_ended(cell_id, halts=outcome.halts)

    async def _execute_current(
        self,
        cell_id: str,
        index: int,
        placed: Callable[[], None],
        failed: Sequence[PlannedCell],
        goes_on: bool,
    ) -> TurnOutcome:
        notebook = self.session.notebook
        self._to_come.discard(cell_id)
        if cell_id not in notebook:
            return TurnOutcome(ok=True, halts=False)  # removed while it waited for its turn
        self.begun.add(cell_id)
        cell_run = CellRun(
            self,
            notebook[cell_id],
            index,
            placed,
            goes_on=goes_on,
            refusal=self._refusal(failed),
        )
        self._cell_runs[cell_id] = cell_run
        try:
            ending = await cell_run.execute()
        finally:
            del self._cell_runs[cell_id]
        self._ended_cells += 1
        if ending.withdrawn:
            self._to_come.add(cell_id)  # as if the run had not come to it
        if len(self.cell_ids) > 1:
            self.emit(RunProgress, ended=self._ended_cells, total=len(self.cell_ids))
        if ending.error is not None and not ending.withdrawn:
            self._fail(ending.error, cell_id, index)
        self.interrupted = self.interrupted or ending.interrupted
        if ending.interrupted and self._schedule is not None:
            self._schedule.halt()
        if ending.interrupted and not self.stopped and not self.cell_stopped:
            # Ctrl-C in code that runs in the caller's thread: it is meant for the whole run.
            others = [one.stop_with_run() for one in self._cell_runs.values()]
            self._stopping = asyncio.gather(*others) if others else None
        return TurnOutcome(
            ok=ending.error is None,
            halts=ending.interrupted or (ending.error is not None and self.options.stop_on_error),
        )

    def _refusal(self, failed: Sequence[PlannedCell]) -> str | None:
        """Why a cell cannot run whose answers are missing, in a sentence."""
        if not failed:
            return None
        needed = failed[0]
        what = f"`{needed.variable}`, the answer of" if needed.variable else "the output of"
        notebook, cell = self.session.notebook, "a cell"
        if needed.cell_id in notebook:  # else it was deleted meanwhile
            cell = f"cell {notebook.index(needed.cell_id) + 1}"
        return f"It needs {what} {cell}, which failed."

    def _note_stop(self) -> None:
        self.interrupted = True
        self._fail(_STOPPED)

    def _fail(self, error: str, cell_id: str | None = None, index: int = sys.maxsize) -> None:
        """Note what went wrong; the failure of the first cell in order is the run's."""
        self._failures.append(_Failure(index, error, cell_id))

    def _end(self, context: RunContext, started: float) -> RunResult:
        failure = min(self._failures, key=lambda failure: failure.index, default=None)
        error: str | None = None
        if failure is None:
            self.emit(RunCompleted)
        else:
            error = failure.error
            not_run = tuple(cell_id for cell_id in self.cell_ids if cell_id in self._to_come)
            if error.startswith(_OF_BUDGETS) and not_run:
                error += f" Left undone: {len(not_run)} of {len(self.cell_ids)} cells."
            self.emit(
                RunFailed,
                error=error,
                cell_id=failure.cell_id,
                interrupted=self.interrupted,
                not_run=not_run,
            )
        result = RunResult(
            error=error,
            cell_id=None if failure is None else failure.cell_id,
            duration_s=time.perf_counter() - started,
        )
        self.session.plugins.notify("llm_repl_after_run", context=context, result=result)
        return result


class _Failure(Struct, frozen=True):
    index: int
    error: str
    cell_id: str | None
