"""Which cells depend on which, and by which variables."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Literal, TypeAlias

from msgspec import Struct

from llm_repl_core.dataflow.effects import Effects
from llm_repl_core.dataflow.transitive import ALWAYS_THERE, Names, TransitiveEffects
from llm_repl_core.model.cell import Cell, PromptCell
from llm_repl_core.model.notebook import Notebook

__all__ = ["Edge", "Graph", "Node", "build_graph"]

EdgeKind: TypeAlias = Literal["variable", "context", "barrier", "in_the_way"]

_TITLE_LENGTH = 80  # characters


class Node(Struct, frozen=True, kw_only=True):
    """A cell of a graph.

    Attributes:
        id: The cell's.
        type: The cell's type, in its short form.
        title: The first line of its content.
        variable: The variable of the answer, if the cell is a prompt.
        barrier: Why the cell cannot be analysed; None if it can.
        holds_order: Whether nothing below it begins before it has ended, as its tools may change
            what is there.
    """

    id: str
    type: str
    title: str
    variable: str | None = None
    barrier: str | None = None
    holds_order: bool = False


class Edge(Struct, frozen=True, kw_only=True):
    """One cell depends on another, or was seen to.

    Attributes:
        source: The cell that is needed; it is above the target.
        target: The cell that needs it.
        variable: The variable; None if there is none.
        kind: ``variable``; ``context``: the source is sent to the model with the target;
            ``barrier``: the target cannot be analysed; ``in_the_way``: the source ran after the
            target was sent ahead, and the target's request then turned out to be different.
    """

    source: str
    target: str
    variable: str | None = None
    kind: EdgeKind = "variable"


class Graph:
    """The cells of a notebook in document order, and what they need.

    Args:
        nodes: The cells, in document order.
        edges: Each from a cell to one below it.
        makers: By variable: the cells that may bind or change it, in document order.
    """

    def __init__(
        self,
        nodes: Iterable[Node],
        edges: Iterable[Edge],
        makers: Mapping[str, Sequence[str]] | None = None,
    ) -> None:
        self.nodes = tuple(nodes)
        self.edges = tuple(edges)
        self.makers: Mapping[str, Sequence[str]] = makers or {}
        self._indexes = {node.id: index for index, node in enumerate(self.nodes)}
        self._above: dict[str, set[str]] = {}
        self._below: dict[str, set[str]] = {}
        for edge in self.edges:
            if edge.kind == "in_the_way":
                continue  # one of several cells was the reason, and nobody knows which
            self._above.setdefault(edge.target, set()).add(edge.source)
            self._below.setdefault(edge.source, set()).add(edge.target)

    def with_in_the_way(self, pairs: Iterable[tuple[str, str]]) -> Graph:
        """The graph with what runs have seen as well; `upstream` and `downstream` stay as they are.

        Args:
            pairs: A prompt that was sent ahead in vain, and a cell that was in the way.
        """
        places = self._indexes
        seen = [
            Edge(source=above, target=prompt, kind="in_the_way")
            for prompt, above in pairs
            if above in places and prompt in places and places[above] < places[prompt]
        ]
        return Graph(self.nodes, [*self.edges, *seen], self.makers) if seen else self

    def downstream(self, cell_id: str) -> list[str]:
        """The ids of the cells that need a cell, directly or not, in document order.

        >>> nodes = [Node(id=name, type="code", title="") for name in "abc"]
        >>> edges = [Edge(source="a", target="b"), Edge(source="b", target="c")]
        >>> Graph(nodes, edges).downstream("a"), Graph(nodes, edges).upstream("b")
        (['b', 'c'], ['a'])
        """
        return self._reached(cell_id, self._below)

    def upstream(self, cell_id: str) -> list[str]:
        """The ids of the cells that a cell needs, directly or not, in document order."""
        return self._reached(cell_id, self._above)

    def _reached(self, start: str, nearby: Mapping[str, set[str]]) -> list[str]:
        found: set[str] = set()
        waiting = [start]
        while waiting:
            new = nearby.get(waiting.pop(), set()) - found
            found |= new
            waiting += new
        return sorted(found - {start}, key=self._indexes.__getitem__)


def build_graph(notebook: Notebook, effects: Sequence[Effects]) -> Graph:
    """The graph of a notebook.

    >>> from llm_repl_core.dataflow.code import analyse_code
    >>> notebook = Notebook()
    >>> codes = ["x = 1", "y = x"]
    >>> ids = [notebook.add_code(code).id for code in codes]
    >>> [edge.variable for edge in build_graph(notebook, [*map(analyse_code, codes)]).edges]
    ['x']

    Args:
        notebook: The notebook.
        effects: Of each of its cells, in document order.
    """
    names = Names(effects)
    builder = _Builder()
    for index, (cell, own) in enumerate(zip(notebook, effects, strict=True)):
        builder.add(index, cell, names.by_name(own), own.rebinds)
    return Graph(builder.nodes, builder.edges, builder.makers)


_LONGEST_CHAIN = 12
"""Cells that bind or change one name and are drawn to each cell that reads it. What came before
them is reached through them, since who changes a thing also reads it."""


class _Builder:
    """Goes through the cells from top to bottom."""

    def __init__(self) -> None:
        self.nodes: list[Node] = []
        self.edges: list[Edge] = []
        self.makers: dict[str, list[str]] = {}
        self._chains: dict[str, list[str]] = {}
        self._barrier: str | None = None
        self._prompts: list[str] = []  # the next barrier waits for them
        self._pinned: list[str] = []
        self._open: list[str] = []  # the next prompt with the context `above` is sent with them

    def add(self, index: int, cell: Cell, use: TransitiveEffects, rebinds: set[str]) -> None:
        barrier = use.sees_all
        lines = (line.strip() for line in cell.content.splitlines())
        self.nodes.append(
            Node(
                id=cell.id,
                type=cell.type or getattr(cell, "foreign_type", ""),
                title=next(filter(None, lines), "")[:_TITLE_LENGTH],
                variable=cell.answer_variable(index) if isinstance(cell, PromptCell) else None,
                barrier=barrier,
                holds_order=isinstance(cell, PromptCell) and bool(cell.tools),
            )
        )
        self._connect_variables(cell.id, use)
        if barrier is not None:
            self._connect(self._prompts, cell.id, "barrier")
        if isinstance(cell, PromptCell):
            self._connect(self._context(cell), cell.id, "context")
            self._prompts.append(cell.id)
        if barrier is not None:
            self._barrier = cell.id
            # Prompts above this barrier are reached through it, which stands for them.
            self._prompts = [cell.id] if self._prompts else []
        for name in use.writes | use.changes:
            self.makers.setdefault(name, []).append(cell.id)
            chain = self._chains.setdefault(name, [])
            if name in rebinds:
                chain.clear()
            chain.append(cell.id)
            if len(chain) > _LONGEST_CHAIN:
                del chain[1]
        self._pinned += [cell.id] if cell.pinned else []
        self._open += [] if cell.skipped else [cell.id]

    def _connect(
        self, sources: Iterable[str], target: str, kind: EdgeKind, variable: str | None = None
    ) -> None:
        for source in sources:
            self.edges.append(Edge(source=source, target=target, variable=variable, kind=kind))

    def _connect_variables(self, target: str, use: TransitiveEffects) -> None:
        for name in sorted(use.reads):
            if chain := self._chains.get(name):
                self._connect(chain, target, "variable", name)
            elif self._barrier is not None and name not in ALWAYS_THERE:
                self._connect([self._barrier], target, "barrier", name)  # it may bind any name

    def _context(self, cell: PromptCell) -> Iterable[str]:
        chosen: list[str] = []
        if isinstance(cell.context, list):
            known = {node.id for node in self.nodes} - {cell.id}
            chosen = [above for above in cell.context if above in known]
        elif cell.context == "above":
            # Behind another prompt with this context, what is above that one is reached by it.
            chosen, self._open = self._open, []
        return dict.fromkeys([*self._pinned, *chosen])
