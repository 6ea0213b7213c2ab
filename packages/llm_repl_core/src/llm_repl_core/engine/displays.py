"""What is displayed under which id, in all cells of a session."""

from __future__ import annotations

from collections.abc import Iterator

from llm_repl_core.model.cell import Cell
from llm_repl_core.model.notebook import Notebook
from llm_repl_core.model.output import Output
from llm_repl_core.model.output_changes import OutputList

__all__ = ["Displays"]


class Displays:
    """Finds the outputs that running code updates by their display ids, whatever cell they are of.

    Args:
        notebook: Whose cells these are.
    """

    def __init__(self, notebook: Notebook) -> None:
        self._notebook = notebook
        self._shown: dict[str, tuple[Cell, OutputList, set[str]]] = {}
        """By cell id: the cell, its outputs as of the run that showed them, and their ids."""

    def has(self, cell: Cell) -> bool:
        """Whether a cell is in the notebook."""
        return cell.id in self._notebook and self._notebook[cell.id] is cell

    def add(self, cell: Cell, outputs: OutputList, display_id: str) -> None:
        """A cell shows something with an id."""
        known = self._shown.get(cell.id)
        if known is None or known[1] is not outputs:
            known = self._shown[cell.id] = (cell, outputs, set())
        known[2].add(display_id)

    def update(self, output: Output) -> Iterator[tuple[str, int]]:
        """Give what has the output's id its new look.

        Yields:
            The cell's id and the index of each output that changed.
        """
        for cell, outputs, display_ids in list(self._shown.values()):
            if cell.outputs is not outputs.outputs or cell.id not in self._notebook:
                del self._shown[cell.id]  # edited, run again or removed meanwhile
            elif output.display_id in display_ids:
                for index in outputs.update_display(output):
                    yield cell.id, index
