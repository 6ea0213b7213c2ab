"""A graph as text for a terminal, as Mermaid and as SVG."""

from __future__ import annotations

from llm_repl_core.dataflow.graph import Graph

__all__ = ["draw_mermaid", "draw_svg", "draw_text"]


def draw_text(graph: Graph) -> str:
    """The graph as lines of text."""
    return ""


def draw_mermaid(graph: Graph) -> str:
    """The graph in the language of Mermaid."""
    return ""


def draw_svg(graph: Graph) -> str:
    """The graph as an SVG document."""
    return ""
