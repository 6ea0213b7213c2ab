"""A graph as an SVG picture: the cells from top to bottom, and an arc for each that needs another."""

from __future__ import annotations

from math import sqrt
from xml.sax.saxutils import escape

from llm_repl_core.dataflow.drawings import draw_text, headline, label_edges, plain, shortened
from llm_repl_core.dataflow.graph import Graph, Node

__all__ = ["draw_svg"]

_MARGIN, _ROW, _TEXT_WIDTH = 16, 42, 620  # pixels
_SMALLEST_ARC, _LARGEST_ARC = 20, 260  # pixels
_NEEDS_SHOWN = 84  # characters

_DOTS = {"code": "#62666d", "markdown": "#b4b6ba", "memory": "#4b632a", "prompt": "#16598c"}
_ARCS = {"variable": "#62666d", "context": "#16598c", "barrier": "#7d4a00", "in_the_way": "#a3203a"}
_XMLNS = "http://www.w3.org/2000/svg"
_HEAD = 'role="img" aria-labelledby="title text" font-size="13" font-family="Inter, sans-serif"'
_DASHES = {"barrier": ' stroke-dasharray="5 4"', "in_the_way": ' stroke-dasharray="1.5 3"'}


def draw_svg(graph: Graph) -> str:
    """The graph as an SVG document, which any browser shows.

    Args:
        graph: The graph.
    """
    places = {node.id: place for place, node in enumerate(graph.nodes)}
    edges = [
        (places[source], places[target], kind, ", ".join(words))
        for (source, target, kind), words in label_edges(graph).items()
    ]
    left = _MARGIN + max((_reach(target - source) for source, target, _, _ in edges), default=0)
    needs: dict[int, list[str]] = {}
    for source, target, _, words in sorted(edges):
        needs.setdefault(target, []).append(f"{words} ← {source + 1}")
    # The long ones are drawn first, so that the short ones lie above them.
    edges.sort(key=lambda edge: edge[0] - edge[1])
    width, height = left + _TEXT_WIDTH + _MARGIN, 2 * _MARGIN + _ROW * len(graph.nodes)
    parts = [
        f'<svg xmlns="{_XMLNS}" {_HEAD} width="{width}" height="{height}" viewBox="0 0 {width} {height}">',
        f'<title id="title">{len(graph.nodes)} cells and what they need</title>',
        f'<desc id="text">{_escaped(draw_text(graph))}</desc>',
        f"<defs>{''.join(map(_arrowhead, _ARCS))}</defs>",
        '<rect width="100%" height="100%" fill="#ffffff"/>',
    ]
    parts += [_arc(left, *edge) for edge in edges]
    for place, node in enumerate(graph.nodes):
        parts += [_row(left, place, node, ", ".join(needs.get(place, [])))]
    return "\n".join([*parts, "</svg>\n"])


def _reach(rows: int) -> int:
    return min(round(_SMALLEST_ARC * sqrt(rows)), _LARGEST_ARC)


def _middle(place: int) -> float:
    return _MARGIN + _ROW * (place + 0.5)


def _arc(left: int, source: int, target: int, kind: str, words: str) -> str:
    # A curve goes three quarters of the way to the points that draw it.
    start, end, bend = _middle(source) + 4, _middle(target) - 4, _reach(target - source) / 0.75
    side = f"{left - bend:.1f}"
    curve = f"M{left - 5},{start} C{side},{start} {side},{end} {left - 7},{end}"
    return (
        f'<path d="{curve}" fill="none" stroke="{_ARCS[kind]}" stroke-width="1.3"'
        f'{_DASHES.get(kind, "")} stroke-opacity="0.75" marker-end="url(#{kind})">'
        f"<title>{source + 1} → {target + 1}: {_escaped(words)}</title></path>"
    )


def _row(left: int, place: int, node: Node, needs: str) -> str:
    x, y = left + 14, _middle(place)
    title = _escaped(shortened(plain(node.title), 72))
    variable = f" → {_escaped(shortened(plain(node.variable), 30))}" if node.variable else ""
    reason = f"\n{node.barrier}" if node.barrier else ""
    ring = f' stroke="{_ARCS["barrier"]}" stroke-width="2" stroke-dasharray="3 2"' if reason else ""
    about = f"{place + 1} {plain(node.type)}" + (f" · {needs}" if needs else "")
    return (
        f"<g><title>{_escaped(headline(node) + reason)}</title>"
        f'<circle cx="{left}" cy="{y}" r="5" fill="{_DOTS.get(node.type, "#62666d")}"{ring}/>'
        f'<text x="{x}" y="{y - 2}" fill="#1b1d20">{title}<tspan fill="#16598c">{variable}'
        f'</tspan></text><text x="{x}" y="{y + 14}" font-size="11" fill="#62666d">'
        f"{_escaped(shortened(about, _NEEDS_SHOWN))}</text></g>"
    )


def _arrowhead(kind: str) -> str:
    return (
        f'<marker id="{kind}" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="6" '
        f'markerHeight="6" orient="auto"><path d="M0,0 L8,4 L0,8 z" fill="{_ARCS[kind]}"/></marker>'
    )


def _escaped(text: str) -> str:
    return escape("".join(line if line == "\n" else plain(line) for line in text))
