"""Cells in one line, as people know them: by number, variable and first words."""

from __future__ import annotations

from llm_repl_core import Notebook, PromptCell
from llm_repl_server.cli.terminal_text import escape_controls, one_line

__all__ = ["cell_title"]

_TITLE_COLUMNS = 60


def cell_title(notebook: Notebook, cell_id: str, *, columns: int | None = None) -> str:
    """A cell in one line: its number, the variable of its answer, and its first words.

    Args:
        notebook: Which has it.
        cell_id: Which cell.
        columns: How wide the line may be; None: as wide as it is.
    """
    number = notebook.index(cell_id) + 1
    cell = notebook[cell_id]
    first = next((line for line in cell.content.splitlines() if line.strip()), "")
    kind = cell.type or "foreign"
    variable = cell.response_var if isinstance(cell, PromptCell) else None
    whose = escape_controls(
        f"[{number}/{len(notebook)}] {' '.join(filter(None, (kind, variable)))}"
    )
    title = f"{whose}: {one_line(first, _TITLE_COLUMNS)}"
    return title if columns is None else one_line(title, columns)
