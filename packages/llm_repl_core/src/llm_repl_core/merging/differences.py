"""What differs between two notebooks, cell by cell, by their ids."""

from __future__ import annotations

import difflib
from collections.abc import Iterator
from typing import Any, Literal

from msgspec import Struct

from llm_repl_core.model.cell import Cell
from llm_repl_core.model.notebook import Notebook

__all__ = ["CellDifference", "FieldDifference", "compare_notebooks"]

_NONE = object()


class FieldDifference(Struct, frozen=True):
    """A field that has another value.

    Attributes:
        name: The field's.
        old: Its value before; None: it had none.
        new: Its value now; None: it has none.
    """

    name: str
    old: Any
    new: Any


class CellDifference(Struct, frozen=True):
    """A cell that differs.

    Attributes:
        kind: Whether the cell is ``added``, ``removed``, ``moved`` or ``changed``; a cell that was moved
            and changed is ``changed``.
        old: The cell before; None: it is new.
        new: The cell now; None: it is gone.
        old_index: Its index before, from 0.
        new_index: Its index now, from 0.
        was_moved: Whether it stands in another order among the cells that both have.
        fields: The fields that differ, but for the text and the outputs.
    """

    kind: Literal["added", "removed", "moved", "changed"]
    old: Cell | None
    new: Cell | None
    old_index: int | None
    new_index: int | None
    was_moved: bool
    fields: list[FieldDifference]


def compare_notebooks(old: Notebook, new: Notebook) -> list[CellDifference]:
    """The cells that differ, in the order of the new notebook; a removed one where it was.

    What a run gave is compared by what it shows: outputs, not the count and the status.
    """
    moved = _moved_ids(old, new)
    differences: list[CellDifference] = []
    for cell_id in _order_of_both(old, new):
        before, after = _find(old, cell_id), _find(new, cell_id)
        fields = list(_fields(before, after)) if before and after else []
        kind = _kind(before, after, fields, was_moved=cell_id in moved)
        if kind is not None:
            differences.append(
                CellDifference(
                    kind=kind,
                    old=before,
                    new=after,
                    old_index=None if before is None else old.index(cell_id),
                    new_index=None if after is None else new.index(cell_id),
                    was_moved=cell_id in moved,
                    fields=fields,
                )
            )
    return differences


def _find(notebook: Notebook, cell_id: str) -> Cell | None:
    if cell_id not in notebook:
        return None
    return notebook[cell_id]


def _kind(
    old: Cell | None, new: Cell | None, fields: list[FieldDifference], *, was_moved: bool
) -> Literal["added", "removed", "moved", "changed"] | None:
    if old is None:
        return "added"
    if new is None:
        return "removed"
    if fields or old.content != new.content or old.outputs != new.outputs:
        return "changed"
    return "moved" if was_moved else None


def _fields(old: Cell, new: Cell) -> Iterator[FieldDifference]:
    if old.wire_type != new.wire_type:
        yield FieldDifference("type", old.type, new.type)
    for part in ("options", "metadata", "extra"):
        before, after = _values(old, part), _values(new, part)
        for name in sorted({*before, *after}):
            values = before.get(name, _NONE), after.get(name, _NONE)
            if values[0] != values[1]:
                known = [None if value is _NONE else value for value in values]
                yield FieldDifference(name if part == "options" else f"{part}.{name}", *known)


def _values(cell: Cell, part: str) -> dict[str, Any]:
    return cell.changed_options() if part == "options" else dict(getattr(cell, part))


def _moved_ids(old: Notebook, new: Notebook) -> frozenset[str]:
    """The cells of both that had to be moved: as few as explain the new order."""
    before = [cell.id for cell in old if cell.id in new]
    after = [cell.id for cell in new if cell.id in old]
    matcher = difflib.SequenceMatcher(None, before, after, autojunk=False)
    stay = {
        cell_id
        for block in matcher.get_matching_blocks()
        for cell_id in before[block.a :][: block.size]
    }
    return frozenset(before) - stay


def _order_of_both(old: Notebook, new: Notebook) -> list[str]:
    """The new order, each removed cell behind the one that it followed."""
    behind: dict[str | None, list[str]] = {}
    previous: str | None = None
    for cell in old:
        if cell.id in new:
            previous = cell.id
        else:
            behind.setdefault(previous, []).append(cell.id)
    order = list(behind.get(None, ()))
    for cell in new:
        order += [cell.id, *behind.get(cell.id, ())]
    return order
