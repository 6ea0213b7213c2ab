"""The words of a drawing."""

from __future__ import annotations

import unicodedata

from llm_repl_core.dataflow.graph import Edge, Graph, Node

__all__ = ["headline", "label_edges", "plain", "shortened"]

_TITLE_SHOWN = 60  # characters


def headline(node: Node) -> str:
    """A cell in one line: its type, its title and its variable."""
    variable = f" → {plain(node.variable)}" if node.variable else ""
    return f"[{plain(node.type)}] {shortened(plain(node.title), _TITLE_SHOWN)}{variable}"


def label_edges(graph: Graph) -> dict[tuple[str, str, str], list[str]]:
    """What stands at the arrows: by source, target and kind, each word once."""
    labels: dict[tuple[str, str, str], list[str]] = {}
    for edge in graph.edges:
        found = labels.setdefault((edge.source, edge.target, edge.kind), [])
        label = _label(edge)
        if label not in found:
            found.append(label)
    return labels


def shortened(text: str, limit: int) -> str:
    """The text within a limit of characters."""
    return text if len(text) <= limit else text[: limit - 1] + "…"


def plain(text: str) -> str:
    """The text without what moves a terminal's cursor, turns its writing, or breaks XML."""
    return "".join(
        "\N{REPLACEMENT CHARACTER}" if _is_hostile(letter) else letter for letter in text
    )


def _is_hostile(letter: str) -> bool:
    if letter == "\N{ZERO WIDTH JOINER}":
        return False  # it makes one picture of several emoji
    return unicodedata.category(letter) in ("Cc", "Cf", "Cs", "Cn", "Zl", "Zp")


def _label(edge: Edge) -> str:
    if edge.variable is None:
        return edge.kind
    variable = plain(edge.variable)
    return f"{variable}?" if edge.kind == "barrier" else variable
