"""Which cells of a notebook are meant: a list, from one to another, with what they need."""

from __future__ import annotations

from typing import Literal, TypeAlias

from msgspec import Struct

from llm_repl_core.engine.dependencies import Dependencies
from llm_repl_core.errors import InvalidInput
from llm_repl_core.model.notebook import Notebook

__all__ = ["CellSelection", "Include"]

Include: TypeAlias = Literal["upstream", "downstream"]
"""Which cells run along with others: those that they need, or those that need them."""


class CellSelection(Struct, frozen=True, kw_only=True):
    """A choice of cells. What is left out does not limit it.

    Attributes:
        cell_ids: These cells.
        first: From this cell on.
        last: Up to this cell, and with it.
        include: Which cells run along with them.
    """

    cell_ids: tuple[str, ...] | None = None
    first: str | None = None
    last: str | None = None
    include: Include | None = None

    @property
    def is_all(self) -> bool:
        """Whether nothing limits it."""
        return self.cell_ids is None and self.first is None and self.last is None

    def of(self, notebook: Notebook, dependencies: Dependencies) -> tuple[str, ...] | None:
        """The ids of the cells, in document order.

        Args:
            notebook: The notebook.
            dependencies: What its cells need.

        Returns:
            None: the whole notebook.

        Raises:
            CellNotFound: One of the ids does not exist.
            InvalidInput: The first cell is below the last one.
        """
        if self.is_all:
            return None
        start = 0 if self.first is None else notebook.index(self.first)
        end = len(notebook) if self.last is None else notebook.index(self.last) + 1
        if start >= end:
            raise InvalidInput(
                f"Cell {start + 1} is below cell {end}: from the first to the last, "
                "there is nothing to run."
            )
        listed = (
            None if self.cell_ids is None else {notebook[cell_id].id for cell_id in self.cell_ids}
        )
        chosen = {
            cell.id for cell in notebook.cells[start:end] if listed is None or cell.id in listed
        }
        if self.include is not None:
            graph = dependencies.graph()
            reach = graph.upstream if self.include == "upstream" else graph.downstream
            chosen |= {other for cell_id in tuple(chosen) for other in reach(cell_id)}
        return tuple(cell.id for cell in notebook if cell.id in chosen)
