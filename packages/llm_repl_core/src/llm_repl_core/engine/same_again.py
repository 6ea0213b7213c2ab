"""Which stale cells will likely give the same again, as what they depend on is what it was."""

from __future__ import annotations

from llm_repl_core.model.notebook import Notebook

__all__ = ["SameAgain"]


class SameAgain:
    """Looks for cells that are stale although nothing is seen to differ.

    A cell that runs again makes what uses its variables stale, also where it sets them to what
    they were. The values tell, as far as they are remembered.

    Args:
        notebook: The notebook, which does not change meanwhile.
    """

    def __init__(self, notebook: Notebook) -> None:
        self._notebook = notebook
        self._known: dict[str, bool] = {}

    def gives_the_same(self, cell_id: str) -> bool:
        """Whether a cell has a result that another run would likely give again.

        Args:
            cell_id: Which cell.
        """
        path = [cell_id]
        while path:
            current = path[-1]
            waits_for = self._settle(current)
            if waits_for is None or waits_for in path:
                self._known.setdefault(current, False)
                path.pop()
            else:
                path.append(waits_for)
        return self._known[cell_id]

    def _settle(self, cell_id: str) -> str | None:
        """Decide about a cell; else the cell that has to be decided about before."""
        if cell_id in self._known:
            return None
        if cell_id not in self._notebook or self._notebook[cell_id].status != "completed":
            self._known[cell_id] = False
            return None
        cell = self._notebook[cell_id]
        reasons = cell.staleness.reasons
        same = not cell.stale or bool(reasons)
        for reason in reasons if cell.stale else ():
            if reason.kind == "stale" and reason.cell_id is not None:
                if reason.cell_id not in self._known:
                    return reason.cell_id
                same = same and self._known[reason.cell_id]
            else:
                same = same and reason.is_unchanged
        self._known[cell_id] = same
        return None
