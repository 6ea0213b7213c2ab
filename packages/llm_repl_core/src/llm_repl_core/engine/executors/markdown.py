"""Markdown cells: nothing runs, the text is the output."""

from __future__ import annotations

from collections.abc import AsyncGenerator

from llm_repl_core.execution.cell_type import Execution
from llm_repl_core.model.cell import MarkdownCell
from llm_repl_core.model.output import Output

__all__ = ["execute_markdown"]


async def execute_markdown(
    cell: MarkdownCell,
    execution: Execution,  # noqa: ARG001  # every executor has this signature
) -> AsyncGenerator[Output, None]:
    """Show the text."""
    yield Output.markdown(cell.content)
