"""Which of the fields that a request gives are those of a cell."""

from __future__ import annotations

from typing import Any

from llm_repl_core import Cell, InvalidInput
from llm_repl_core.model.cell_types import CellTypes

__all__ = ["own_fields"]


def own_fields(
    cell_types: CellTypes,
    cell_class: type[Cell],
    fields: dict[str, Any],
    present: Cell | None = None,
) -> dict[str, Any]:
    """Those fields that a type of cell has.

    Args:
        cell_types: The known types.
        cell_class: The cell's.
        fields: What the request gives, perhaps with fields of an answer that was sent back.
        present: The cell as it is now, perhaps of another type.

    Raises:
        InvalidInput: Another one says something. One that says nothing, or what the cell of
            another type that it is now says, was sent back as it came.
    """
    own = {"content", "metadata", *cell_class.option_names()}
    option_names = cell_types.option_names()
    for name, value in fields.items():
        if name in own or name not in option_names or value is None:
            continue
        if present is not None and getattr(present, name, None) == value:
            continue
        classes = {word: cell_types.get(word) for word in cell_types.words()}
        owners = [word for word, known in classes.items() if name in known.option_names()]
        if all(value == classes[word].option_defaults()[name] for word in owners):
            continue
        raise InvalidInput(
            f"A {cell_class.type or 'foreign'} cell has no `{name}`, which is a field of "
            f"{' and '.join(owners)} cells: leave it out, or give the cell another type."
        )
    return {name: value for name, value in fields.items() if name in own}
