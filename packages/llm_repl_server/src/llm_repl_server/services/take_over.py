"""Makes a notebook in memory what a merged one is, by edits that the disk and the clients are told of."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Container, Sequence

from llm_repl_core import Notebook
from llm_repl_core.model.cell import Cell, ForeignCell
from llm_repl_server.services.cell_editor import CellEditor

__all__ = ["differing_cells", "take_over"]


def differing_cells(notebook: Notebook, other: Notebook) -> frozenset[str]:
    """The cells that both notebooks have and that differ, but for what is remembered of their runs."""
    return frozenset(
        cell.id
        for cell in other
        if cell.id in notebook and _compared(cell) != _compared(notebook[cell.id])
    )


def take_over(editor: CellEditor, merged: Notebook, changed: Container[str]) -> None:
    """Delete, put in, move and replace cells until the notebook has those of another, in its order.

    Args:
        editor: Edits the notebook.
        merged: The other.
        changed: The cells of both that differ.
    """
    notebook = editor.notebook
    for cell in notebook.cells:
        if cell.id not in merged:
            editor.delete(cell.id)
    common = [cell.id for cell in merged if cell.id in notebook]
    rising = _longest_rise([notebook.index(cell_id) for cell_id in common])
    staying = {common[place] for place in rising}
    previous: str | None = None
    for cell in merged:
        place = 0 if previous is None else notebook.index(previous) + 1
        previous = cell.id
        if cell.id not in notebook:
            editor.put(cell.copy(id=cell.id), place)
            continue
        if cell.id not in staying:
            at = notebook.index(cell.id)
            target = place if at >= place else place - 1  # it is taken out first
            if target != at:
                editor.move(cell.id, target)
    for cell in merged:
        if cell.id in changed:
            editor.replace(cell.copy(id=cell.id))


def _compared(cell: Cell) -> tuple[object, ...]:
    return (
        cell.foreign_type if isinstance(cell, ForeignCell) else cell.type,
        cell.content,
        cell.options(),
        cell.metadata,
        cell.extra,
        cell.status,
        cell.execution_count,
        cell.stale,
        [output.to_wire() for output in cell.outputs],
    )


def _longest_rise(numbers: Sequence[int]) -> list[int]:
    """Of different numbers, the places of the most that rise as they stand; the last place first."""
    lowest: list[int] = []
    ends: list[int] = []
    before: list[int | None] = []
    for place, number in enumerate(numbers):
        length = bisect_left(lowest, number)
        before.append(ends[length - 1] if length else None)
        if length == len(lowest):
            lowest.append(number)
            ends.append(place)
        else:
            lowest[length], ends[length] = number, place
    found: list[int] = []
    last = ends[-1] if ends else None
    while last is not None:
        found.append(last)
        last = before[last]
    return found
