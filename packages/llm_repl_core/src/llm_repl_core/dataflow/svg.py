"""A graph as an SVG picture: the cells from top to bottom, and an arc for each that needs another."""

from __future__ import annotations

from xml.sax.saxutils import escape

from llm_repl_core.dataflow.drawings import draw_text, headline, label_edges, plain
from llm_repl_core.dataflow.graph import Graph, Node
from llm_repl_core.short_text import cut_short

__all__ = ["draw_svg"]

_MARGIN, _ROW, _TEXT_WIDTH, _SMALLEST_ARC, _LARGEST_ARC = 16, 42, 620, 20, 260  # pixels
_COLOURS = {  # the defaults on light ground, on dark: in a page, its variables of these names hold
    "paper": ("#fefefd", "#16181b"), "ink": ("#1b1d20", "#e5e6e7"), "ink-3": ("#62666d", "#989da4"),
    "accent": ("#16598c", "#84bce8"), "code-text": ("#4b632a", "#b3c98a"),
    "warn": ("#7d4a00", "#e8b65f"), "bad": ("#9b2915", "#f29684"),
}  # fmt: skip
_DOTS = {"memory": "code-text", "prompt": "accent"}
_ARCS = {"variable": "ink-3", "context": "accent", "barrier": "warn", "in_the_way": "bad"}
_DASHES = {"barrier": "5 4", "in_the_way": "1.5 3"}
_HEAD = 'class="cells" role="img" aria-labelledby="title text" fill="currentColor" font-size="13"'


def draw_svg(graph: Graph) -> str:
    """The graph as an SVG document, which any browser shows.

    >>> "0 cells and what they need" in draw_svg(Graph([], []))
    True
    """
    indexes = {node.id: index for index, node in enumerate(graph.nodes)}
    edges = [
        (indexes[source], indexes[target], kind, ", ".join(words))
        for (source, target, kind), words in label_edges(graph).items()
    ]
    left = _MARGIN + max((_reach(target - source) for source, target, _, _ in edges), default=0)
    needs: list[dict[str, list[str]]] = [{} for _ in graph.nodes]
    for source, target, _, words in sorted(edges):
        needs[target].setdefault(words, []).append(str(source + 1))
    width, height = left + _TEXT_WIDTH + _MARGIN, 2 * _MARGIN + _ROW * len(graph.nodes)
    heads = "".join(
        f'<marker id="{kind}" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="6" markerHeight="6" '
        f'orient="auto"><path d="M0,0 L8,4 L0,8 z" {_in(colour)}/></marker>'
        for kind, colour in _ARCS.items()
    )
    light, dark = (
        "".join(f".cells .{key}{{color:var(--{key},{own[at]})}}" for key, own in _COLOURS.items())
        for at in (0, 1)
    )
    return "\n".join([
        f'<svg xmlns="http://www.w3.org/2000/svg" {_HEAD} font-family="Inter, sans-serif"',
        f'width="{width}" height="{height}" viewBox="0 0 {width} {height}">',
        f'<title id="title">{len(graph.nodes)} cells and what they need</title>',
        f'<desc id="text">{_escaped(draw_text(graph))}</desc><defs>{heads}</defs>',
        f"<style>{light}@media (prefers-color-scheme:dark){{{dark}}}",
        ".cells path:hover{stroke-width:3}</style>",
        f'<rect width="100%" height="100%" {_in("paper")}/>',
        # The long arcs are drawn first, so that the short ones lie above them.
        *[_arc(left, *edge) for edge in sorted(edges, key=lambda edge: edge[0] - edge[1])],
        *[_row(left, at, node, needs[at]) for at, node in enumerate(graph.nodes)], "</svg>\n",
    ])  # fmt: skip


def _in(colour: str) -> str:
    return f'class="{colour}" color="{_COLOURS[colour][0]}"'  # some programs know no variables


def _reach(rows: int) -> int:
    return min(int(_SMALLEST_ARC * rows**0.5), _LARGEST_ARC)


def _arc(left: int, source: int, target: int, kind: str, words: str) -> str:
    start, end = _MARGIN + _ROW * (source + 0.5) + 4, _MARGIN + _ROW * (target + 0.5) - 4
    # A curve goes three quarters of the way to the points that draw it.
    side, dashes = f"{left - _reach(target - source) / 0.75:.1f}", _DASHES.get(kind, "none")
    return (
        f'<path d="M{left - 5},{start} C{side},{start} {side},{end} {left - 7},{end}" {_in(_ARCS[kind])} '
        f'fill="none" stroke="currentColor" stroke-width="1.3" stroke-dasharray="{dashes}" '
        f'stroke-opacity="0.75" marker-end="url(#{kind})">'
        f"<title>{source + 1} → {target + 1}: {_escaped(words)}</title></path>"
    )


def _row(left: int, index: int, node: Node, needs: dict[str, list[str]]) -> str:
    x, y = left + 14, _MARGIN + _ROW * (index + 0.5)
    dot = ' fill="none"' if node.type == "markdown" else ""
    colour = "warn" if node.barrier else _DOTS.get(node.type, "ink-3")
    variable = f" → {cut_short(plain(node.variable), 30)}" if node.variable else ""
    needed = "; ".join(f"{words} ← {', '.join(above)}" for words, above in needs.items())
    about = f"{index + 1} {plain(node.type)}" + (f" · {needed}" if needed else "")
    return (
        f"<g><title>{_escaped(chr(10).join(filter(None, [headline(node), node.barrier])))}</title>"
        f'<circle cx="{left}" cy="{y}" r="5"{dot} stroke="currentColor" {_in(colour)}/>'
        f'<text x="{x}" y="{y - 2}" {_in("ink")}>{_escaped(cut_short(plain(node.title), 72))}'
        f'<tspan {_in("accent")}>{_escaped(variable)}</tspan></text><text x="{x}" y="{y + 14}" '
        f'font-size="11" {_in("ink-3")}>{_escaped(cut_short(about, 84))}</text></g>'
    )


def _escaped(text: str) -> str:
    return escape("".join(line if line == "\n" else plain(line) for line in text))
