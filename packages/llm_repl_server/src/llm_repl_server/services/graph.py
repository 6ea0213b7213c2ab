"""What depends on what in a notebook."""

from __future__ import annotations

import asyncio
from typing import Any, Literal, TypeAlias

import msgspec

from llm_repl_core.dataflow.drawings import draw_mermaid, draw_text
from llm_repl_core.dataflow.svg import draw_svg
from llm_repl_server.services.open_notebooks import OpenNotebooks

__all__ = ["Drawing", "GraphService"]

Drawing: TypeAlias = Literal["text", "mermaid", "svg"]

_DRAW = {"text": draw_text, "mermaid": draw_mermaid, "svg": draw_svg}


class GraphService:
    """The dependencies of notebooks.

    Args:
        open_notebooks: The notebooks in memory.
    """

    def __init__(self, open_notebooks: OpenNotebooks) -> None:
        self._open_notebooks = open_notebooks

    async def show(self, notebook_id: str) -> dict[str, Any]:
        """The cells and what they need.

        Raises:
            NotebookNotFound: There is no such notebook.
        """
        opened = await self._open_notebooks.get(notebook_id)
        graph = opened.dependencies.graph()
        cells = opened.notebook
        return {
            "nodes": [
                {
                    **msgspec.to_builtins(node),
                    "status": cells[node.id].status,
                    "stale": cells[node.id].stale,
                }
                for node in graph.nodes
            ],
            "edges": msgspec.to_builtins(graph.edges),
            "stale": opened.dependencies.stale(),
        }

    async def draw(self, notebook_id: str, drawing: Drawing) -> str:
        """The same as a drawing.

        Raises:
            NotebookNotFound: There is no such notebook.
        """
        opened = await self._open_notebooks.get(notebook_id)
        graph = opened.dependencies.graph()  # which nobody changes any more
        return await asyncio.to_thread(_DRAW[drawing], graph)
