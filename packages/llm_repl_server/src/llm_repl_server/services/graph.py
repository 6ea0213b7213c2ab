"""What depends on what in a notebook."""

from __future__ import annotations

import asyncio
from typing import Literal, TypeAlias

from msgspec import Struct
from msgspec.structs import asdict

from llm_repl_core.dataflow.drawings import draw_mermaid, draw_text
from llm_repl_core.dataflow.graph import Edge, Node
from llm_repl_core.dataflow.svg import draw_svg
from llm_repl_core.model.cell import CellStatus
from llm_repl_server.services.open_notebooks import OpenNotebooks

__all__ = ["Drawing", "GraphAnswer", "GraphService"]

Drawing: TypeAlias = Literal["text", "mermaid", "svg"]

_DRAW = {"text": draw_text, "mermaid": draw_mermaid, "svg": draw_svg}


class GraphNode(Node, frozen=True, kw_only=True):
    """A cell of the graph.

    Attributes:
        status: The outcome of its last run.
        stale: Whether the cell is stale.
    """

    status: CellStatus
    stale: bool


class GraphAnswer(Struct, frozen=True, kw_only=True):
    """The cells of a notebook, in order, and their dependencies."""

    nodes: list[GraphNode]
    edges: list[Edge]
    stale: list[str]


class GraphService:
    """The dependencies of notebooks.

    Args:
        open_notebooks: The notebooks in memory.
    """

    def __init__(self, open_notebooks: OpenNotebooks) -> None:
        self._open_notebooks = open_notebooks

    async def show(self, notebook_id: str) -> GraphAnswer:
        """The cells and what they need.

        Raises:
            NotebookNotFound: There is no such notebook.
        """
        opened = await self._open_notebooks.get(notebook_id)
        graph = opened.dependencies.graph()
        cells = opened.notebook
        return GraphAnswer(
            nodes=[
                GraphNode(**asdict(node), status=cells[node.id].status, stale=cells[node.id].stale)
                for node in graph.nodes
            ],
            edges=list(graph.edges),
            stale=opened.dependencies.stale(),
        )

    async def draw(self, notebook_id: str, drawing: Drawing) -> str:
        """The same as a drawing.

        Raises:
            NotebookNotFound: There is no such notebook.
        """
        opened = await self._open_notebooks.get(notebook_id)
        graph = opened.dependencies.graph()  # which nobody changes any more
        return await asyncio.to_thread(_DRAW[drawing], graph)
