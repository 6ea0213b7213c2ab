"""What memory cells need in Jupyter: a cell that makes ``memory``, which LLM-REPL leaves out again."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Any

from llm_repl_core.formats._ipynb_text import joined, lines
from llm_repl_core.model.cell import Cell, CodeCell, MemoryCell

__all__ = ["is_memory_setup", "with_memory_setup"]

_SOURCE = """\
# Written by LLM-REPL, so that memory cells run in Jupyter too; here, nothing lasts.
class _Memory(dict):
    def update(self, *values, **named):
        super().update(*values, **named)
        globals().update(self)


memory = _Memory()"""
_METADATA = {"jupyter": {"source_hidden": True}, "llm_repl": {"generated": "memory"}}
_ID = "llm-repl-memory"
_USES_MEMORY = re.compile(r"\bmemory\b")


def with_memory_setup(
    cells: Sequence[Cell], documents: list[dict[str, Any]]
) -> list[dict[str, Any]]:
    """The cells of a file, with the one that makes ``memory`` before the first that uses it.

    Args:
        cells: The notebook's cells.
        documents: The same as they are written.
    """
    if not any(isinstance(cell, MemoryCell) for cell in cells):
        return documents
    place = next((place for place, cell in enumerate(cells) if _uses_memory(cell)), None)
    if place is None:
        return documents
    setup = {
        "cell_type": "code",
        "execution_count": None,
        "id": _free_id(document["id"] for document in documents),
        "metadata": _METADATA,
        "outputs": [],
        "source": lines(_SOURCE),
    }
    return [*documents[:place], setup, *documents[place:]]


def is_memory_setup(document: Any) -> bool:
    """Whether a cell of a file is what `with_memory_setup` put there, and nobody has changed it."""
    match document:
        case {"metadata": {"llm_repl": {"generated": "memory"}}, "source": source}:
            return bool(joined(source) == _SOURCE)
    return False


def _uses_memory(cell: Cell) -> bool:
    return isinstance(cell, CodeCell | MemoryCell) and bool(_USES_MEMORY.search(cell.content))


def _free_id(taken: Iterable[str]) -> str:
    ids = set(taken)
    free = _ID
    while free in ids:
        free += "-"
    return free
