"""The cells of recorded calls, as people know them: by number, or by what was asked."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from llm_repl_server.cli.terminal_text import one_line
from llm_repl_server.services.call_answers import call_summary

if TYPE_CHECKING:
    from llm_repl_core import CallRecord

__all__ = ["cell_numbers", "summed_cells", "where_asked"]

_TITLE_COLUMNS = 40


def cell_numbers(named: str | None) -> dict[str, int]:
    """The numbers of a notebook's cells, by their ids; empty unless it is named by its file."""
    if named is None or not Path(named).is_file():
        return {}
    from llm_repl_core import load_notebook

    return {cell.id: number for number, cell in enumerate(load_notebook(named), start=1)}


def where_asked(record: CallRecord, numbers: Mapping[str, int]) -> str:
    """The cell of a call by its number, where it has one, the item and the step, as in ``[3] item 2``."""
    place = record.place
    number = numbers.get(place.cell_id)
    parts = ["" if number is None else f"[{number}]"]
    parts.append("" if place.item is None else f"item {place.item + 1}")
    parts.append(f"step {place.step + 1}" if place.step else "")
    return " ".join(filter(None, parts))


def summed_cells(last: Mapping[str, CallRecord], numbers: Mapping[str, int]) -> dict[str, str]:
    """What the rows of sums by cell are called, by the cells' ids.

    Args:
        last: The last call of each cell.
        numbers: Those of the notebook's cells, if it is one notebook's sums.
    """
    titles = {}
    for cell_id, record in last.items():
        asked = one_line(call_summary(record).prompt, _TITLE_COLUMNS)
        number = numbers.get(cell_id)
        if number is not None:
            titles[cell_id] = f"{number} {asked}".rstrip()
        else:
            gone = " (a cell that is not there)" if numbers else ""
            titles[cell_id] = f"{asked or 'an empty prompt'}{gone}"
    return titles
