"""What the executor of one cell works with, in one run."""

from __future__ import annotations

import copy
from collections.abc import AsyncIterator, Callable, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import TypeVar

from msgspec.structs import replace

from llm_repl_core.engine.cell_outputs import CellOutputs
from llm_repl_core.engine.cell_stopper import CellStopper
from llm_repl_core.engine.look_ahead import LookAhead
from llm_repl_core.engine.run_resources import RunResources
from llm_repl_core.engine.session_resources import SessionResources
from llm_repl_core.engine.value_watch import value_excerpt
from llm_repl_core.execution.cell_type import Deliver, ItemChoice
from llm_repl_core.execution.events import Event, ItemsProgress, ToolApprovalNeeded
from llm_repl_core.execution.model_calls import CallListener, ModelCall, ModelReply
from llm_repl_core.kernels.base import Kernel
from llm_repl_core.ledger.record import Mode
from llm_repl_core.model.cell import Cell, CellStatus
from llm_repl_core.model.json_value import JSONValue
from llm_repl_core.model.notebook import Notebook
from llm_repl_core.model.output import Output
from llm_repl_core.providers.base import ToolCall
from llm_repl_core.short_text import cut_short

__all__ = ["CellExecution"]

T = TypeVar("T")

_ERROR_CHARACTERS = 300
_SEEN_LIMIT = 8
"""How many of the variables that a cell has read are remembered."""


class CellExecution:
    """The engine's `Execution`.

    Args:
        cell: The cell.
        index: Where it stands among the cells of the run, from 0.
        session: The parts of the session.
        run: The parts of the run.
        outputs: The cell's outputs.
        stopper: Stops the cell.
        look_ahead: What was sent ahead; None: nothing.
        prior_status: The cell's status before this run.
        runs_ahead: Whether cells below run while it waits for an answer.
        state_read: Called when the cell has read all that it reads of the state.
    """

    def __init__(
        self,
        cell: Cell,
        index: int,
        session: SessionResources,
        run: RunResources,
        *,
        outputs: CellOutputs,
        stopper: CellStopper,
        look_ahead: LookAhead | None,
        prior_status: CellStatus,
        runs_ahead: bool,
        state_read: Callable[[], None],
    ) -> None:
        self._cell = cell
        self._index = index
        self._session = session
        self._run = run
        self._outputs = outputs
        self._stopper = stopper
        self._look_ahead = look_ahead
        self._prior_status = prior_status
        self._prior_outputs = tuple(cell.outputs)
        self._runs_ahead = runs_ahead
        self._state_read = state_read
        self._items_total = 0
        self._items_ended = 0
        self._items_failed = 0

    @property
    def notebook(self) -> Notebook:
        """See `Execution`, as for all that follows."""
        return self._session.notebook

    @property
    def kernel(self) -> Kernel:
        """The notebook's kernel."""
        return self._session.kernel

    @property
    def run_id(self) -> str:
        """The run's UUID."""
        return self._run.run_id

    @property
    def prior_status(self) -> CellStatus:
        """The cell's status before this run."""
        return self._prior_status

    @property
    def prior_outputs(self) -> Sequence[Output]:
        """The cell's outputs before this run."""
        return self._prior_outputs

    @property
    def items(self) -> ItemChoice:
        """Which items of a prompt over items are asked for."""
        return self._run.items

    @property
    def reruns(self) -> bool:
        """Whether it would give the same as before."""
        return self._run.reruns(self._cell.id)

    @property
    def runs_ahead(self) -> bool:
        """Whether cells below run while the cell waits for an answer."""
        return self._runs_ahead

    def redact(self, value: T) -> T:
        """Take the keys of providers out of a JSON value."""
        return self._session.model_caller.redactor.value(value)

    def emit(self, event: Event) -> None:
        """Pass an event to whoever listens."""
        self._run.emitter.emit(event)

    async def ensure_kernel(self) -> None:
        """Have a kernel that is alive; where state was lost, the cell's outputs say it.

        Raises:
            KernelStartFailed: None can be started.
        """
        notice = await self._session.kernels.ensure_with_notice()
        if notice is not None:
            self._outputs.put(notice)

    @asynccontextmanager
    async def kernel_turn(self) -> AsyncIterator[None]:
        """Have the kernel for the cell alone."""
        async with self._run.kernel_turn:
            self._stopper.refuse_stopped()
            await self.ensure_kernel()
            self._stopper.take_kernel()
            try:
                # What a template or a class prints is the prompt's own.
                with self.kernel.collect_outputs(self._outputs.put):
                    yield
            finally:
                self._stopper.leave_kernel()

    def note_state_read(self) -> None:
        """Say that all has been read of the state that the cell reads."""
        self._state_read()

    def note_seen(self, values: Mapping[str, str]) -> None:
        """Say which values the cell has read."""
        seen = {
            name: value_excerpt(values[name], self._session) for name in [*values][:_SEEN_LIMIT]
        }
        self._cell.staleness = replace(self._cell.staleness, seen=seen)

    async def await_answer(self, names: Sequence[str]) -> None:
        """Have variables be without a value until there is an answer."""
        await self._run.answers.set_pending(self._cell.id, names, self._why_pending(names[0]))

    def _why_pending(self, variable: str) -> str:
        id_, notebook = self._cell.id, self.notebook
        cell = f"cell {notebook.index(id_) + 1}" if id_ in notebook else "a cell that is gone"
        return (
            f"`{variable}` is the answer of {cell}, which is not there yet, and "
            "this cell was not seen to use it: name it here, or run the notebook in order "
            "(`--serial`)."
        )

    async def set_answer(
        self, names: Sequence[str], value: JSONValue, deliver: Deliver | None
    ) -> None:
        """Set variables to an answer."""
        self._stopper.note_answer()
        cell_id = self._cell.id
        if deliver is None:
            if self._look_ahead is not None:
                self._look_ahead.answered(cell_id, value)
            await self._run.answers.set(names, self._index, value, self._outputs.put, token=cell_id)
            return
        async with self.kernel_turn():
            for name in names:
                await deliver(name, copy.deepcopy(value))

    async def mode(self) -> Mode:
        """Whether the run asks models, or the record."""
        return (await self._run.policy.get()).mode

    async def expect_conversations(self, items: Iterable[int | None]) -> None:
        """Say which conversations the cell has."""
        policy = await self._run.policy.get()
        conversations = list(items)
        self._items_total = sum(item is not None for item in conversations)
        policy.admission.prepared(self._cell.id, conversations)

    @property
    def attempts_limit(self) -> int:
        """How often a call is tried at most, the first time included."""
        return self._session.model_caller.attempts_limit

    def end_conversation(
        self,
        item: int | None,
        *,
        error: Exception | None = None,
        price_usd: float | None = None,
        is_asked: bool = True,
    ) -> None:
        """Say that a conversation makes no more calls."""
        failed = error is not None
        self._run.policy.conversation_ended(self._cell.id, item, failed=failed)
        if item is not None:
            self._items_ended += 1
            self._items_failed += failed
            self.emit(
                ItemsProgress(
                    cell_id=self._cell.id,
                    ended=self._items_ended,
                    failed=self._items_failed,
                    total=self._items_total,
                    item=item,
                    ename=None if error is None else type(error).__name__,
                    error=None if error is None else _one_line(error),
                    price_usd=price_usd,
                    is_asked=is_asked,
                )
            )

    async def call(
        self, model_call: ModelCall, listener: CallListener, *, mode: Mode | None = None
    ) -> ModelReply:
        """Ask a model, or the record."""
        self._stopper.refuse_stopped()
        caller, policy = self._session.model_caller, await self._run.policy.get()
        if mode is None and self._look_ahead is not None:
            ahead = self._look_ahead.take(model_call)
            if ahead is not None:
                caller.passed(model_call, policy)
                return await ahead.adopt(listener)
        return await caller.call(model_call, policy, listener, mode=mode)

    async def approve(self, call: ToolCall, item: int | None) -> bool:
        """Ask somebody whether a tool may be called."""
        if self._cell.id not in self.notebook:
            return False  # it was deleted: nobody can see the question
        if call.name in self._run.allowed_tools:
            return True
        with self._session.approvals.ask(
            cell_id=self._cell.id,
            name=call.name,
            arguments=call.arguments,
            item=item,
            allowed=self._run.allowed_tools,
        ) as (request, decision):
            self.emit(
                ToolApprovalNeeded(
                    cell_id=self._cell.id,
                    call_id=request.call_id,
                    name=call.name,
                    arguments=call.arguments,
                    item=item,
                )
            )
            return await decision

    def resume_hint(self) -> str:
        """How to ask only for the items that have no answer, in a sentence."""
        return self._session.model_caller.ledger.how_to_go_on()


def _one_line(error: Exception) -> str:
    return cut_short(" ".join(str(error).split()), _ERROR_CHARACTERS)
