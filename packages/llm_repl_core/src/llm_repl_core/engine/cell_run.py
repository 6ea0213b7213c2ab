"""One cell of a run: from its start to its one ending."""

from __future__ import annotations

import asyncio
import copy
import logging
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import aclosing, asynccontextmanager, suppress
from typing import TYPE_CHECKING, Any

from msgspec import Struct

from llm_repl_core.engine.cell_type import CellType, Deliver, Execution
from llm_repl_core.engine.events import (
    CellCompleted,
    CellFailed,
    CellOutput,
    CellOutputsCleared,
    CellOutputUpdated,
    CellsStale,
    CellStarted,
    Event,
    ToolApprovalNeeded,
)
from llm_repl_core.engine.model_calls import CallListener, CallPolicy, ModelCall, ModelReply
from llm_repl_core.errors import CallNotSent, KernelDied, KernelError, LLMReplError
from llm_repl_core.ledger.record import Mode
from llm_repl_core.model.cell import Cell, CellStatus
from llm_repl_core.model.json_value import JSONValue
from llm_repl_core.model.output import Output
from llm_repl_core.model.output_changes import (
    DisplayUpdate,
    OutputChange,
    OutputList,
    OutputsCleared,
    StreamEdit,
)
from llm_repl_core.plugins.contexts import CellContext, CellResult
from llm_repl_core.providers.base import ToolCall

if TYPE_CHECKING:
    from llm_repl_core.engine.run import Run

__all__ = ["CellOutcome", "CellRun"]

_log = logging.getLogger(__name__)

INTERRUPT_GRACE_S = 3.0
"""How long code has to end after an interrupt before its kernel is ended."""

SHUTDOWN_GRACE_S = 0.5
"""How long a cell has to notice that its kernel was ended."""


_STOPPED = "The cell was stopped."
_OWN_INTERRUPT = "Code that the cell uses raised KeyboardInterrupt, and nobody has stopped it."


class CellOutcome(Struct, frozen=True):
    """How a cell ended.

    Attributes:
        error: One line of text, or None where it ended well.
        interrupted: Whether somebody stopped it.
        withdrawn: Whether it asked nobody, since a cell above it ended the run meanwhile.
    """

    error: str | None
    interrupted: bool
    withdrawn: bool = False


class _PriorState(Struct, frozen=True):
    """What a cell had before it ran."""

    outputs: list[Output]
    status: CellStatus
    stale: bool
    execution_count: int | None

    def put_back(self, cell: Cell) -> None:
        cell.outputs = self.outputs
        cell.status = self.status
        cell.stale = self.stale
        cell.execution_count = self.execution_count


class _Stop(Struct, frozen=True):
    """Why a cell is stopped.

    Attributes:
        reason: Added as the cell's last output; None: whatever the stopping itself puts out.
    """

    reason: Output | None = None


class CellRun:
    """Runs one cell. Made by a run, used in the engine's loop.

    Args:
        run: Which run.
        cell: The cell.
        index: Where it stands among the cells of the run, from 0.
        placed: Called when the cell has read all that it reads of the state.
        goes_on: Whether cells below run while it waits for an answer.
        refusal: Why it cannot run, in a sentence; it ends with that then.
    """

    def __init__(
        self,
        run: Run,
        cell: Cell,
        index: int,
        placed: Callable[[], None],
        *,
        goes_on: bool = False,
        refusal: str | None = None,
    ) -> None:
        self._run = run
        self._goes_on = goes_on
        self._placed = placed
        self._refusal = refusal
        self._session = run.session
        self._cell = cell
        self._index = index
        self._cell_type = run.session.cell_type(cell)
        self._task: asyncio.Task[Any] | None = None
        self._stop: _Stop | None = None
        self._stopping: asyncio.Task[None] | None = None
        self._has_answer = False
        self._ended = asyncio.Event()
        self._without_kernel = asyncio.Event()
        """Set while the kernel is not asked anything for the cell."""
        self._without_kernel.set()
        # The outputs belong to the content that ran: an edit meanwhile puts a list of its own in
        # this one's place, and then nothing is written back.
        self._outputs = OutputList()
        self._count = run.execution_count(index)
        self._prior_state = _PriorState(cell.outputs, cell.status, cell.stale, cell.execution_count)

    async def execute(self) -> CellOutcome:
        """Run the cell. It ends in exactly one event, whatever happens."""
        if self._cell_type is not None and not self._cell_type.shares_kernel:
            async with self._run.kernel_turn:
                if self._stop is not None:  # before it began
                    return CellOutcome(_STOPPED, interrupted=True)
                return await self._execute_whole()
        return await self._execute_whole()

    async def _execute_whole(self) -> CellOutcome:
        started = time.perf_counter()
        self._task = asyncio.current_task()
        self._claim()
        context = CellContext(notebook=self._session.notebook, cell=self._cell, run_id=self._run.id)
        self._run.emit(CellStarted, cell_id=self._cell.id)
        timer = self._start_timer()
        try:
            await self._produce(context)
        finally:
            if timer is not None:
                timer.cancel()
            if self._stop is not None and self._stop.reason is not None:
                self._put(self._stop.reason)
            ending = self._end(context, started)
        return ending

    async def stop(self) -> None:
        """End the cell; returns when it has ended.

        Code is interrupted as by Ctrl-C; where that does not end it, its kernel is ended.
        """
        await self._stop_for(_Stop())

    async def stop_with_run(self) -> None:
        """As `stop`, where all other cells are stopped, too.

        A prompt that has its whole answer, and only waits for the kernel to take it, ends well:
        what is stopped leaves the kernel to it.
        """
        if self._has_answer and await self._ends_within(INTERRUPT_GRACE_S):
            return
        await self.stop()

    # Producing outputs -------------------------------------------------------------------------

    async def _produce(self, context: CellContext) -> None:
        """Fill the outputs; whatever goes wrong becomes an error among them."""
        session = self._session
        task = self._task
        assert task is not None
        cancellations = task.cancelling()
        try:
            for hook in session.plugins.implementations("llm_repl_before_cell"):
                hook(context=context)
            async with session.plugins.around("llm_repl_around_cell", context=context):
                await self._execute()
        except LLMReplError as error:
            # Ctrl-C may come while the kernel is asked something in the caller's thread.
            by_ctrl_c = type(error) is KernelError and self._is_interrupted()
            if (self._stop is None and not by_ctrl_c) or isinstance(error, KernelDied):
                self._put(Output.error(type(error).__name__, str(error)))
            else:
                self._put_stopped()  # whatever failed, it did so because of that
        except asyncio.CancelledError:
            if self._stop is not None or self._is_interrupted():
                self._put_stopped()
            elif not any(one.type == "error" for one in self._outputs.outputs):
                self._put(Output.error("KeyboardInterrupt", _OWN_INTERRUPT))
            if self._stop is None and task.cancelling() > cancellations:
                raise  # the engine itself is closing
        except (Exception, SystemExit, KeyboardInterrupt) as error:  # noqa: BLE001  # a plugin's code may raise anything
            _log.exception("cell %s failed in the engine", self._cell.id)
            self._put(Output.error(type(error).__name__, str(error)))
        while self._stop is not None and task.cancelling() > cancellations:
            task.uncancel()

    async def _execute(self) -> None:
        session, cell, cell_type = self._session, self._cell, self._cell_type
        if self._refusal is not None:
            self._put(Output.error("DependencyFailed", self._refusal))
            return
        if cell_type is None:
            self._put(Output.error("UnknownCellType", session.why_not_run(cell)))
            return
        if cell_type.shares_kernel:
            await self._produce_with(cell_type)
            return
        await self._ensure_kernel()
        self._claim()  # again: what an edit meanwhile made of the content is what runs now
        if cell_type.runs_in_kernel:
            session.note_code(cell)
            self._without_kernel.clear()  # until it has ended
        with session.kernel.collect_outputs(self._put):
            await self._produce_with(cell_type)

    async def _produce_with(self, cell_type: CellType) -> None:
        execution = Execution(
            notebook=self._session.notebook,
            kernel=self._session.kernel,
            call=self._call,
            policy=self._run.policy,
            run_id=self._run.id,
            earlier_status=self._prior_state.status,
            reruns=self._run.reruns(self._cell.id),
            kernel_turn=self._kernel_turn,
            goes_on=self._goes_on,
            await_answer=self._await_answer,
            placed=self._placed,
            set_answer=self._set_answer,
            approve=self._approve,
            without_keys=self._session.call.redactor.value,
            tell=self._tell,
        )
        async with aclosing(cell_type.execute(self._cell, execution)) as produced:
            async for change in produced:
                self._put(change)

    async def _ensure_kernel(self) -> None:
        notice = await self._session.ensure_kernel()
        if notice is not None:
            self._put(notice)

    @asynccontextmanager
    async def _kernel_turn(self) -> AsyncIterator[None]:
        async with self._run.kernel_turn:
            self._refuse_stopped()
            await self._ensure_kernel()
            self._without_kernel.clear()
            try:
                # What a template or a class prints is the prompt's own.
                with self._session.kernel.collect_outputs(self._put):
                    yield
            finally:
                self._without_kernel.set()

    async def _call(
        self,
        model_call: ModelCall,
        policy: CallPolicy,
        listener: CallListener,
        *,
        mode: Mode | None = None,
    ) -> ModelReply:
        self._refuse_stopped()
        if mode is None and (ahead := self._run.take_ahead(model_call)) is not None:
            self._session.call.passed(model_call, policy)
            return await ahead.adopt(listener)
        return await self._session.call(model_call, policy, listener, mode=mode)

    def _refuse_stopped(self) -> None:
        """End the cell where it was stopped, and what the kernel did for it ended well all the same."""
        if self._stop is not None:
            raise asyncio.CancelledError

    async def _await_answer(self, names: Sequence[str]) -> None:
        await self._run.answers.set_pending(self._cell.id, names, self._why_pending(names[0]))

    def _why_pending(self, variable: str) -> str:
        return (
            f"`{variable}` is the answer of the cell `{self._cell.id}`, which is not there yet, and "
            "this cell was not seen to use it: name it here, or run the notebook in order "
            "(`--serial`)."
        )

    async def _set_answer(
        self, names: Sequence[str], value: JSONValue, deliver: Deliver | None
    ) -> None:
        self._has_answer = True
        if deliver is None:
            self._run.note_answer(self._cell.id, value)
            await self._run.answers.set(names, self._index, value, self._put, token=self._cell.id)
            return
        async with self._kernel_turn():
            for name in names:
                await deliver(name, copy.deepcopy(value))

    async def _approve(self, call: ToolCall, item: int | None) -> bool:
        if self._cell.id not in self._session.notebook:
            return False  # it was deleted: nobody can see the question
        with self._session.approvals.ask(
            cell_id=self._cell.id, name=call.name, arguments=call.arguments, item=item
        ) as (request, decision):
            self._tell(
                ToolApprovalNeeded,
                call_id=request.call_id,
                name=call.name,
                arguments=call.arguments,
                item=item,
            )
            return await decision

    def _tell(self, kind: Callable[..., Event], **fields: Any) -> None:
        self._run.emit(kind, cell_id=self._cell.id, **fields)

    def _put(self, change: OutputChange) -> None:
        """Make a change of the outputs, and tell it."""
        change = self._session.call.redactor.value(change)
        match change:
            case Output():
                index = self._outputs.add(change)
                self._tell(CellOutput, output=change, index=index)
                if change.display_id is not None:
                    self._session.displays.add(self._cell, self._outputs, change.display_id)
            case StreamEdit():
                output = Output(change.stream, change.text)
                edited = self._outputs.edit_stream(change)
                if edited is None:  # somebody has cleared it meanwhile
                    self._put(output)
                else:
                    self._tell(CellOutputUpdated, index=edited, output=output, lines=change.lines)
            case DisplayUpdate():
                for cell_id, index in self._session.displays.update(change.output):
                    self._run.emit(
                        CellOutputUpdated, cell_id=cell_id, index=index, output=change.output
                    )
            case OutputsCleared():
                self._outputs.clear()
                self._tell(CellOutputsCleared)

    def _put_stopped(self) -> None:
        if self._stop is None or self._stop.reason is None:
            self._put(Output.error("Interrupted", _STOPPED))

    def _claim(self) -> None:
        """Make this run the one whose outputs the cell has."""
        self._cell.outputs = self._outputs.outputs
        self._cell.status = "running"
        self._cell.stale = False  # what is edited from now on makes it so again
        self._cell.execution_count = self._count

    # Ending ------------------------------------------------------------------------------------------

    def _end(self, context: CellContext, started: float) -> CellOutcome:
        cell = self._cell
        self._outputs.join_streams()
        # Again: a key may have been printed in pieces.
        self._outputs.outputs[:] = self._session.call.redactor.value(self._outputs.outputs)
        outputs = tuple(self._outputs.outputs)
        ending = self._judge(outputs)
        if cell.outputs is self._outputs.outputs:
            if ending.withdrawn:
                self._prior_state.put_back(cell)
            else:
                cell.status = _status(ending)
        duration_s = time.perf_counter() - started
        fields: dict[str, Any] = {
            "cell_id": cell.id,
            "outputs": outputs,
            "execution_count": self._count,
            "duration_s": duration_s,
        }
        if ending.error is None:
            self._run.emit(CellCompleted, **fields)
        else:
            self._run.emit(CellFailed, **fields, error=ending.error, interrupted=ending.interrupted)
        self._ended.set()
        self._without_kernel.set()
        self._run.answers.give_up(cell.id)
        self._mark_stale(ending)
        self._session.plugins.notify(
            "llm_repl_after_cell",
            context=context,
            result=CellResult(outputs=fields["outputs"], error=ending.error, duration_s=duration_s),
        )
        return ending

    def _mark_stale(self, ending: CellOutcome) -> None:
        if ending.withdrawn:
            return
        if ending.error is None:
            self._session.note_held(self._cell.id)
            if self._run.reruns(self._cell.id):
                return  # nothing has changed by it
        else:
            self._session.note_not_held(self._cell.id)
        # What this run has come to already stands where document order has it, and saw all it needs.
        stale = self._session.dependencies.mark_changed(self._cell.id, except_ids=self._run.begun)
        # Those that this very run comes to are not told to be stale for a moment.
        stale = tuple(cell_id for cell_id in stale if not self._run.will_run(cell_id))
        if stale:
            self._run.emit(CellsStale, cell_ids=stale)

    def _judge(self, outputs: Sequence[Output]) -> CellOutcome:
        last_error = next((one for one in reversed(outputs) if one.type == "error"), None)
        if last_error is None:
            return CellOutcome(None, interrupted=False)
        if last_error.fields.get("ename") == CallNotSent.__name__:
            return CellOutcome(last_error.content, interrupted=False, withdrawn=True)
        if self._stop is None:
            # Else code has raised it, as it may raise anything.
            interrupted = (
                last_error.fields.get("ename") in ("KeyboardInterrupt", "Interrupted")
                and self._is_interrupted()
            )
        else:
            interrupted = self._stop.reason is None
        return CellOutcome(last_error.content, interrupted=interrupted)

    def _is_interrupted(self) -> bool:
        """Whether somebody ends the cell without `stop`: by Ctrl-C, leaving, or closing the engine."""
        is_closing = self._task is not None and self._task.cancelling() > 0
        return is_closing or self._session.kernel.took_ctrl_c or self._run.caller_has_left

    # Stopping ----------------------------------------------------------------------------------

    def _start_timer(self) -> asyncio.TimerHandle | None:
        timeout_s = self._session.cell_timeout_s
        if not timeout_s:
            return None
        return asyncio.get_running_loop().call_later(timeout_s, self._time_out, timeout_s)

    def _time_out(self, timeout_s: float) -> None:
        reason = Output.error(
            "CellTimeout", f"The cell ran longer than {timeout_s:g} s and was stopped."
        )
        # Held on to, or it might be collected while it runs.
        self._stopping = asyncio.ensure_future(self._stop_for(_Stop(reason)))

    async def _stop_for(self, stop: _Stop) -> None:
        if self._ended.is_set():
            return
        if self._stop is None:
            self._stop = stop
        if not self._without_kernel.is_set():
            self._run.withdraw()
            await self._free_kernel()
        while not self._ended.is_set() and self._task is not None:
            # Again and again: somebody's code may swallow it.
            self._task.cancel()
            if not await self._ends_within(INTERRUPT_GRACE_S) and not self._without_kernel.is_set():
                await self._tried(self._session.kernel.shutdown)

    async def _free_kernel(self) -> None:
        """Interrupt what the kernel does for the cell, so that the user's code sees it; else end it."""
        kernel = self._session.kernel
        # Twice, as an interrupt is lost that comes when code is just about to begin, or where
        # Python drops exceptions; and a kernel that is ended takes the state with it.
        for _ in range(2):
            if kernel.alive:
                await self._tried(kernel.interrupt)
            if await _set_within(self._without_kernel, INTERRUPT_GRACE_S / 2):
                return
        await self._tried(kernel.shutdown)
        await _set_within(self._without_kernel, SHUTDOWN_GRACE_S)

    async def _ends_within(self, timeout_s: float) -> bool:
        return await _set_within(self._ended, timeout_s)

    async def _tried(self, stop: Callable[[], Any]) -> None:
        try:
            await stop()
        except Exception:  # noqa: BLE001  # a plugin's kernel may raise anything
            _log.exception("the kernel of cell %s could not be stopped", self._cell.id)


async def _set_within(event: asyncio.Event, timeout_s: float) -> bool:
    with suppress(TimeoutError):
        await asyncio.wait_for(event.wait(), timeout_s)
    return event.is_set()


def _status(ending: CellOutcome) -> CellStatus:
    if ending.error is None:
        return "completed"
    return "interrupted" if ending.interrupted else "error"
