"""A type of cell: its data and how it is run."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Awaitable, Callable, Iterable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from typing import Any, Literal, Protocol, TypeAlias, TypeVar

from msgspec import Struct

from llm_repl_core.execution.events import Event
from llm_repl_core.execution.model_calls import CallListener, ModelCall, ModelReply
from llm_repl_core.kernels.base import Kernel
from llm_repl_core.ledger.record import Mode
from llm_repl_core.model.cell import Cell, CellStatus
from llm_repl_core.model.json_value import JSONValue
from llm_repl_core.model.notebook import Notebook
from llm_repl_core.model.output import Output
from llm_repl_core.model.output_changes import OutputChange
from llm_repl_core.providers.base import ToolCall

__all__ = ["CellType", "Deliver", "Execution", "Executor", "ItemChoice"]

T = TypeVar("T")

ItemChoice: TypeAlias = Literal["failed"] | tuple[int, ...] | None
"""Items of a prompt over items: those that have no answer, these, or all."""

Deliver: TypeAlias = Callable[[str, JSONValue], Awaitable[None]]
"""Sets one variable to a value in the kernel, in a way of its own."""


class Execution(Protocol):
    """What an executor works with: one run of one cell.

    A cell whose type does not ``shares_kernel`` needs no more than `notebook`, `kernel`, `run_id`
    and `redact`.
    """

    @property
    def notebook(self) -> Notebook:
        """The notebook that the cell is in."""

    @property
    def kernel(self) -> Kernel:
        """The notebook's kernel, alive.

        Of a cell whose type ``shares_kernel``, to be used within `kernel_turn` only.
        """

    @property
    def run_id(self) -> str:
        """The run's UUID."""

    def redact(self, value: T) -> T:
        """Take the keys of providers out of a JSON value."""

    def emit(self, event: Event) -> None:
        """Pass an event to whoever listens; which run it belongs to is filled in."""

    # For a type that shares the kernel: see `CellType.shares_kernel` ----------------------------

    @property
    def runs_ahead(self) -> bool:
        """Whether cells below run while the cell waits for an answer."""

    def kernel_turn(self) -> AbstractAsyncContextManager[None]:
        """Have the kernel for the cell alone while this is entered."""

    def note_state_read(self) -> None:
        """Say that all has been read of the state that the cell reads: cells below may change it."""

    def note_seen(self, values: Mapping[str, str]) -> None:
        """Say which values the cell has read, to tell later what has changed.

        Args:
            values: By variable: its text.
        """

    async def await_answer(self, names: Sequence[str]) -> None:
        """Have variables be without a value until `set_answer` gives them one, or the cell ends.

        Within `kernel_turn`.
        """

    async def set_answer(
        self, names: Sequence[str], value: JSONValue, deliver: Deliver | None
    ) -> None:
        """Set variables to an answer, but for those that a cell below has bound meanwhile.

        Args:
            names: The variables; each gets a value of its own.
            value: The answer.
            deliver: Sets one of them, within `kernel_turn`; None: as plain data.
        """

    # For a type that asks models ----------------------------------------------------------------

    @property
    def prior_status(self) -> CellStatus:
        """The cell's status before this run."""

    @property
    def prior_outputs(self) -> Sequence[Output]:
        """The cell's outputs before this run."""

    @property
    def items(self) -> ItemChoice:
        """Which items of a prompt over items are asked for; the others keep their answers."""

    @property
    def reruns(self) -> bool:
        """Whether it would give the same as before, and runs for its variables only.

        What was answered is not paid for again.
        """

    async def mode(self) -> Mode:
        """Whether the run asks models, or the record.

        Raises:
            InvalidInput: The notebook's own mode or budget cannot be used.
            StorageError: What the notebook has spent cannot be read.
        """

    async def expect_conversations(self, items: Iterable[int | None]) -> None:
        """Say which conversations the cell has; each makes calls soon, or ends.

        Args:
            items: The indexes of its items; None alone: it is not over items.

        Raises:
            InvalidInput: As for `mode`.
            StorageError: As for `mode`.
        """

    async def call(
        self, model_call: ModelCall, listener: CallListener, *, mode: Mode | None = None
    ) -> ModelReply:
        """Ask a model, or the record. Cancelling closes the connection to the provider.

        Args:
            model_call: What is asked.
            listener: Who hears of the call while it is under way.
            mode: In place of the run's.

        Raises:
            LLMReplError: There is no answer; see `llm_repl_core.engine.calls.ModelCaller`.
        """

    @property
    def attempts_limit(self) -> int:
        """How often a call is tried at most, the first time included."""

    def end_conversation(
        self,
        item: int | None,
        *,
        error: Exception | None = None,
        price_usd: float | None = None,
        is_asked: bool = True,
    ) -> None:
        """Say that a conversation makes no more calls.

        Args:
            item: Which one.
            error: Why the cell fails with it; None: it does not.
            price_usd: What it cost, in US dollars; None: not known.
            is_asked: Whether a model was asked; else the answer was there before.
        """

    async def approve(self, call: ToolCall, item: int | None) -> bool:
        """Ask somebody whether a tool may be called.

        Args:
            call: What the model asks for.
            item: The index of the item; None: the prompt is not over items.
        """

    def resume_hint(self) -> str:
        """How to ask only for the items that have no answer, in a sentence."""


Executor: TypeAlias = Callable[[Any, Execution], AsyncGenerator[OutputChange, None]]
"""Runs a cell and yields its outputs, and what changes them, as they come: an async generator
function.

An ``error`` output, or an exception, fails the cell; an `LLMReplError` is shown to the user as one
sentence. Being cancelled stops the cell.
"""


class CellType(Struct, frozen=True):
    """A type of cell.

    Attributes:
        cell_class: Its data; the class says by which words it is called.
        execute: Runs a cell of it.
        runs_in_kernel: Whether a cell is stopped by interrupting the kernel, so that the user's
            code sees it; others are cancelled.
        shares_kernel: Whether a cell has the kernel only within `Execution.kernel_turn`, so that
            other cells may run meanwhile. A cell of any other type has it from start to end.
    """

    cell_class: type[Cell]
    execute: Executor
    runs_in_kernel: bool = False
    shares_kernel: bool = False
