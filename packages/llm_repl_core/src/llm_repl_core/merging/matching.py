"""Which cells of a file are those of before, where another program has not kept their ids."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from difflib import SequenceMatcher

from llm_repl_core.model.cell import Cell, ForeignCell
from llm_repl_core.model.notebook import Notebook

__all__ = ["match_cells"]

_ALIKE = 0.5
_LOOKED_AT_CHARACTERS = 2000
_MOST_COMPARED = 2500
"""Pairs of one gap whose texts are compared: beyond, only cells with the same text are found."""


def match_cells(before: Notebook, after: Notebook) -> dict[str, str]:
    """The ids of cells that are cells of before under other ids: the new id to the one of before.

    Cells that have their ids are not looked at. Of the others, those are the same that have the same
    text, in order, and of what stands between those the ones that are alike.

    Args:
        before: The notebook as it was.
        after: As another program has written it.
    """
    lost = [cell for cell in before if cell.id not in after]
    new = [cell for cell in after if cell.id not in before]
    if not lost or not new:
        return {}
    found: dict[str, str] = {}
    matcher = SequenceMatcher(a=_keys(lost), b=_keys(new), autojunk=False)
    for kind, lost_start, lost_end, new_start, new_end in matcher.get_opcodes():
        pairs: Iterator[tuple[Cell, Cell]] | zip[tuple[Cell, Cell]]
        if kind == "equal":
            pairs = zip(lost[lost_start:lost_end], new[new_start:new_end], strict=True)
        else:
            pairs = _alike(lost[lost_start:lost_end], new[new_start:new_end])
        found |= {new_cell.id: lost_cell.id for lost_cell, new_cell in pairs}
    return found


def _alike(lost: Sequence[Cell], new: Sequence[Cell]) -> Iterator[tuple[Cell, Cell]]:
    if len(lost) * len(new) > _MOST_COMPARED:
        return
    at = 0
    for new_cell in new:
        for place in range(at, len(lost)):
            if _is_alike(lost[place], new_cell):
                yield lost[place], new_cell
                at = place + 1
                break


def _is_alike(one: Cell, other: Cell) -> bool:
    if _kind(one) != _kind(other):
        return False
    old, new = (cell.content[:_LOOKED_AT_CHARACTERS] for cell in (one, other))
    # Not by the order of the letters, which would take long.
    ratio: float = SequenceMatcher(a=old, b=new, autojunk=False).quick_ratio()
    return ratio >= _ALIKE


def _keys(cells: Sequence[Cell]) -> list[tuple[str, str]]:
    return [(_kind(cell), cell.content) for cell in cells]


def _kind(cell: Cell) -> str:
    return cell.foreign_type if isinstance(cell, ForeignCell) else cell.type
