"""A type of cell: its data and how it is run."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable
from typing import Any, TypeAlias

from msgspec import Struct

from llm_repl_core.engine.calls import Caller
from llm_repl_core.kernels.base import Kernel
from llm_repl_core.model.cell import Cell
from llm_repl_core.model.notebook import Notebook
from llm_repl_core.model.output import Output

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


Executor: TypeAlias = Callable[[Any, Execution], AsyncGenerator[Output, None]]
"""Runs a cell and yields its outputs as they come: an async generator function.

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
    """

    cell_class: type[Cell]
    execute: Executor
    runs_in_kernel: bool = False
