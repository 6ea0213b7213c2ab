"""A type of cell: its data and how it is run."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from typing import TYPE_CHECKING, Protocol

from msgspec import Struct

from llm_repl_core.kernels.base import Kernel
from llm_repl_core.model.cell import Cell
from llm_repl_core.model.notebook import Notebook
from llm_repl_core.model.output import Output

if TYPE_CHECKING:
    from llm_repl_core.engine.calls import Caller

__all__ = ["CellType", "Execution", "Executor"]


class Execution(Struct, frozen=True, kw_only=True):
    """What an executor works with.

    Attributes:
        notebook: The notebook that the cell is in.
        kernel: The notebook's kernel, alive.
        call: Sends a request to a model.
        run_id: The run's UUID.
    """

    notebook: Notebook
    kernel: Kernel
    call: Caller
    run_id: str


class Executor(Protocol):
    """Runs cells of one type."""

    def __call__(self, cell: Cell, execution: Execution) -> AsyncIterator[Output]:
        """Run a cell and yield its outputs as they come.

        An ``error`` output, or an exception, fails the cell; an `LLMReplError` is shown to the
        user as one sentence. Being cancelled stops the cell.
        """


class CellType(Struct, frozen=True):
    """A type of cell.

    Attributes:
        cell_class: Its data; the class says by which words it is called.
        execute: Runs a cell of it: an async generator function.
    """

    cell_class: type[Cell]
    execute: Callable[..., AsyncIterator[Output]] | Executor
