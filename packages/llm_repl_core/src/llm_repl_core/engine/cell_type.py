"""A type of cell: its data and how it is run."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextlib import AbstractAsyncContextManager
from typing import Any, Protocol, TypeAlias

from msgspec import Struct

from llm_repl_core.engine.model_calls import CallListener, CallPolicy, ModelCall, ModelReply
from llm_repl_core.kernels.base import Kernel
from llm_repl_core.ledger.record import Mode
from llm_repl_core.model.cell import Cell, CellStatus
from llm_repl_core.model.json_value import JSONValue
from llm_repl_core.model.notebook import Notebook
from llm_repl_core.model.output_changes import OutputChange
from llm_repl_core.providers.base import ToolCall

__all__ = ["CellType", "Deliver", "Execution", "Executor"]

Deliver: TypeAlias = Callable[[str, JSONValue], Awaitable[None]]
"""Sets one variable to a value in the kernel, in a way of its own."""


class CallsModel(Protocol):
    """Asks a model, or the record; see `llm_repl_core.engine.calls.ModelCaller`."""

    async def __call__(
        self,
        model_call: ModelCall,
        policy: CallPolicy,
        listener: CallListener,
        *,
        mode: Mode | None = None,
    ) -> ModelReply:
        """Ask it."""


class Execution(Struct, frozen=True, kw_only=True):
    """What an executor works with.

    Attributes:
        notebook: The notebook that the cell is in.
        kernel: The notebook's kernel, alive; of a cell whose type ``shares_kernel``, to be used
            within `kernel_turn` only.
        call: Sends a request to a model.
        policy: Says what the run allows its calls.
        run_id: The run's UUID.
        earlier_status: The cell's status before this run.
        reruns: Whether it would give the same as before, and runs for its variables only: what
            was answered is not paid for again.
        kernel_turn: Has the kernel for the cell alone while it is entered; for a type that
            ``shares_kernel``.
        goes_on: Whether cells below run while the cell waits for an answer.
        await_answer: Has variables be without a value until `set_answer` gives them one, or the
            cell ends; within `kernel_turn`.
        placed: To be called when all has been read of the state that the cell reads: cells below
            may change it from then on.
        set_answer: Sets variables to an answer, but for those that a cell below has bound
            meanwhile; each gets a value of its own. Takes the names, the value and what sets one
            of them, within `kernel_turn`, or None: as plain data.
        approve: Asks somebody whether a tool may be called.
        without_keys: Takes the keys of providers out of a JSON value.
        tell: Emits an event about the cell: the class, and its fields but for those that every
            cell's event has.
    """

    notebook: Notebook
    kernel: Kernel
    call: CallsModel
    policy: Callable[[], Awaitable[CallPolicy]]
    run_id: str
    earlier_status: CellStatus
    reruns: bool
    kernel_turn: Callable[[], AbstractAsyncContextManager[None]]
    goes_on: bool
    await_answer: Callable[[Sequence[str]], Awaitable[None]]
    placed: Callable[[], None]
    set_answer: Callable[[Sequence[str], JSONValue, Deliver | None], Awaitable[None]]
    approve: Callable[[ToolCall, int | None], Awaitable[bool]]
    without_keys: Callable[[Any], Any]
    tell: Callable[..., None]


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
