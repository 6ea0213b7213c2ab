"""What of a notebook depends on what: for its graph, and for what has become stale."""

from __future__ import annotations

from collections.abc import Callable, Container, Iterable

from llm_repl_core.dataflow.dependents import Dependents
from llm_repl_core.dataflow.graph import Graph, build_graph
from llm_repl_core.engine.plan import analyse_notebook
from llm_repl_core.model.notebook import Notebook

__all__ = ["Dependencies"]


class Dependencies:
    """The dependencies of one notebook, kept up with its edits.

    Args:
        notebook: The notebook, whose edits are found by its ``revision``.
        in_the_way: What runs have seen: a prompt that was sent ahead in vain, and a cell that was
            in the way, as they are at the moment.
    """

    def __init__(
        self,
        notebook: Notebook,
        in_the_way: Callable[[], Iterable[tuple[str, str]]] = lambda: (),
    ) -> None:
        self._notebook = notebook
        self._in_the_way = in_the_way
        self._dependents = Dependents(notebook)
        self._graph: tuple[int, Graph] | None = None

    def graph(self) -> Graph:
        """Which cells need which, by which variables, and which were in the way of a prompt."""
        revision = self._notebook.revision
        if self._graph is None or self._graph[0] != revision:
            self._graph = revision, build_graph(self._notebook, analyse_notebook(self._notebook))
        return self._graph[1].with_in_the_way(self._in_the_way())

    def upstream(self, cell_id: str) -> list[str]:
        """The ids of the cells that a cell needs, directly or not, in document order.

        Raises:
            CellNotFound: There is no such cell.
        """
        return self.graph().upstream(self._notebook[cell_id].id)

    def downstream(self, cell_id: str) -> list[str]:
        """The ids of the cells that need a cell, directly or not, in document order.

        Raises:
            CellNotFound: There is no such cell.
        """
        return self.graph().downstream(self._notebook[cell_id].id)

    def stale(self) -> list[str]:
        """The ids of the cells that would give something else now, in document order."""
        return [cell.id for cell in self._notebook if cell.stale]

    def mark_changed(
        self, cell_id: str, *, except_ids: Container[str] = frozenset()
    ) -> tuple[str, ...]:
        """Mark what depends on a cell that has run, was edited, or is about to be removed.

        Args:
            cell_id: The cell; one that does not exist changes nothing.
            except_ids: Those that are known to have seen the change.

        Returns:
            The ids of the cells that have become stale by it, in document order: those that have
            run, and were not stale before.
        """
        changed = []

        def fresh(dependent_id: str) -> bool:
            cell = self._notebook[dependent_id]
            return not cell.stale and cell.status != "idle" and dependent_id not in except_ids

        # What depends on a cell that is stale, or was edited and not run since, is stale already.
        for dependent in self._dependents.of(
            cell_id, ends_at=lambda dependent_id: not fresh(dependent_id)
        ):
            if fresh(dependent):
                self._notebook[dependent].stale = True
                changed.append(dependent)
        return tuple(changed)
