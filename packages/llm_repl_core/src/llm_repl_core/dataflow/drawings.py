"""A graph as text for a terminal, and in the language of Mermaid."""

from __future__ import annotations

import re
import unicodedata

from llm_repl_core.dataflow.graph import Edge, Graph, Node
from llm_repl_core.short_text import cut_short

__all__ = ["draw_mermaid", "draw_text", "headline", "label_edges", "plain"]

_TITLE_SHOWN = 60  # characters
_SHAPES = {
    "code": ('["', '"]'),
    "markdown": ('>"', '"]'),
    "memory": ('[("', '")]'),
    "prompt": ('(["', '"])'),
}
_CLASSES = """\
  classDef prompt fill:#e8eefc,stroke:#3b5bdb,color:#111
  classDef code fill:#f4f4f4,stroke:#666,color:#111
  classDef memory fill:#e9f7ec,stroke:#2b8a3e,color:#111
  classDef markdown fill:#fff,stroke:#999,color:#111
  classDef barrier stroke:#c92a2a,stroke-dasharray:5 4"""
_ARROWS = {"variable": "-->", "context": "-->", "barrier": "-.->", "in_the_way": "-.->"}
_WORDS = {"in_the_way": "was in the way"}
_MERMAID_SPECIAL = re.compile(r"[^\w .,→…-]")
_HOSTILE = ("Cc", "Cf", "Cs", "Cn", "Zl", "Zp")


def draw_text(graph: Graph) -> str:
    """The graph as lines for a terminal: each cell with what it needs.

    >>> cells = [Node(id=name, type="code", title=name) for name in ("x = 1", "y = x")]
    >>> print(draw_text(Graph(cells, [Edge(source="x = 1", target="y = x", variable="x")])), end="")
    1  [code] x = 1
    2  [code] y = x
       ← 1 (x)
    """
    numbers = {node.id: number for number, node in enumerate(graph.nodes, start=1)}
    needs: dict[str, dict[int, list[str]]] = {}
    for (source, target, _), words in label_edges(graph).items():
        needs.setdefault(target, {}).setdefault(numbers[source], []).extend(words)
    width = len(str(len(graph.nodes)))
    indent = " " * (width + 2)
    lines = []
    for number, node in enumerate(graph.nodes, start=1):
        lines.append(f"{number:>{width}}  {headline(node)}")
        if node.barrier is not None:
            lines.append(f"{indent}! cannot be analysed: {plain(node.barrier)}")
        needed = sorted(needs.get(node.id, {}).items())
        lines += [f"{indent}← {above} ({', '.join(words)})" for above, words in needed]
    return "".join(f"{line}\n" for line in lines)


def draw_mermaid(graph: Graph) -> str:
    """The graph in the language of Mermaid, which Markdown pages and forges show as a picture.

    >>> draw_mermaid(Graph([Node(id="a", type="code", title="f()")], [])).splitlines()[1]
    '  c0["1 #91;code#93; f#40;#41;"]:::code'
    """
    names = {node.id: f"c{index}" for index, node in enumerate(graph.nodes)}
    lines = ["flowchart TD"]
    for index, node in enumerate(graph.nodes):
        kind = node.type if node.type in _SHAPES else "code"
        opening, closing = _SHAPES[kind]
        text = _mermaid_text(f"{index + 1} {headline(node)}")
        lines.append(f"  {names[node.id]}{opening}{text}{closing}:::{kind}")
        if node.barrier is not None:
            lines.append(f"  class {names[node.id]} barrier")
    for (source, target, kind), words in label_edges(graph).items():
        text = _mermaid_text(", ".join(words))
        lines.append(f'  {names[source]} {_ARROWS[kind]}|"{text}"| {names[target]}')
    return "\n".join([*lines, _CLASSES, ""])


def _mermaid_text(text: str) -> str:
    # Mermaid takes characters by number, and reads no meaning into those.
    return _MERMAID_SPECIAL.sub(lambda found: f"#{ord(found[0])};", text)


def headline(node: Node) -> str:
    """A cell in one line: its type, its title and its variable.

    >>> headline(Node(id="a", type="prompt", title="Hello, {name}", variable="reply"))
    '[prompt] Hello, {name} → reply'
    """
    variable = f" → {plain(node.variable)}" if node.variable else ""
    return f"[{plain(node.type)}] {cut_short(plain(node.title), _TITLE_SHOWN)}{variable}"


def label_edges(graph: Graph) -> dict[tuple[str, str, str], list[str]]:
    """What stands at the arrows: by source, target and kind, each word once."""
    labels: dict[tuple[str, str, str], dict[str, None]] = {}
    for edge in graph.edges:
        labels.setdefault((edge.source, edge.target, edge.kind), {})[_label(edge)] = None
    return {ends: [*words] for ends, words in labels.items()}


def _label(edge: Edge) -> str:
    if edge.variable is None:
        return _WORDS.get(edge.kind, edge.kind)
    return f"{plain(edge.variable)}?" if edge.kind == "barrier" else plain(edge.variable)


def plain(text: str) -> str:
    """The text without what moves a terminal's cursor, turns its writing, or breaks XML."""
    return "".join(
        "\N{REPLACEMENT CHARACTER}"
        if unicodedata.category(letter) in _HOSTILE and letter != "\N{ZERO WIDTH JOINER}"
        else letter
        for letter in text
    )
