"""Code cells: the kernel does the work."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import aclosing

from llm_repl_core.execution.cell_type import Execution
from llm_repl_core.model.cell import CodeCell
from llm_repl_core.model.output_changes import OutputChange

__all__ = ["execute_code"]


async def execute_code(cell: CodeCell, execution: Execution) -> AsyncGenerator[OutputChange, None]:
    """Run the code and pass its outputs on."""
    if cell.id in execution.notebook:  # else it was deleted a moment ago
        execution.kernel.number_next(execution.notebook.index(cell.id) + 1)
    async with aclosing(execution.kernel.execute(cell.content)) as outputs:
        async for output in outputs:
            yield output
