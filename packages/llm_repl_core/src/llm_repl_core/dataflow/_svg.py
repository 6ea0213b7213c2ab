"""A graph as an SVG picture."""

from __future__ import annotations

import unicodedata
from xml.sax.saxutils import escape

from llm_repl_core.dataflow._labels import headline, label_edges, plain, shortened
from llm_repl_core.dataflow._layers import Layers, Spot, lay_out
from llm_repl_core.dataflow.graph import Graph, Node

__all__ = ["draw_svg"]

# All lengths are in pixels.
_MARGIN = 20
_BOX_WIDTH = 230
_BOX_HEIGHT = 46
_GAP_WIDTH = 30
_SPACE = 26
_LAYER = 122
_LETTERS_IN_BOX = 32
_LABEL_SHOWN = 28  # characters
_ALONE_IN_ROW = 5

_FILLS = {"code": "#f4f4f4", "markdown": "#ffffff", "memory": "#e9f7ec", "prompt": "#e8eefc"}
_STROKES = {"code": "#666666", "markdown": "#999999", "memory": "#2b8a3e", "prompt": "#3b5bdb"}
_COLOURS = {"variable": "#444444", "context": "#3b5bdb", "barrier": "#c92a2a"}


def draw_svg(graph: Graph) -> str:
    """The graph as an SVG document, which any browser shows.

    Args:
        graph: The graph. What no other cell needs, and needs none, stands at the bottom.
    """
    layers, ways, alone = lay_out(graph)
    places = {node.id: place for place, node in enumerate(graph.nodes)}
    widths = [sum(map(_width, layer)) + _SPACE * max(len(layer) - 1, 0) for layer in layers]
    row = min(len(alone), _ALONE_IN_ROW)
    inner = max([*widths, row * _BOX_WIDTH + max(row - 1, 0) * _SPACE, _BOX_WIDTH])
    middles = _middles(layers, widths, inner)
    arrows, labels = [], []
    for (source, target, kind), texts in label_edges(graph).items():
        way = [middles[spot] for spot in ways[places[source], places[target]]]
        arrows.append(_arrow(way, kind))
        labels.append(_label(way, ", ".join(texts), kind))
    top = _MARGIN + len(layers) * _LAYER - (_LAYER - _BOX_HEIGHT - _SPACE if layers else 0)
    boxes = [
        _box(middles[spot], spot.cell, graph.nodes[spot.cell])
        for layer in layers
        for spot in layer
        if not spot.is_gap
    ]
    for number, cell in enumerate(alone):
        down, right = divmod(number, _ALONE_IN_ROW)
        x = _MARGIN + right * (_BOX_WIDTH + _SPACE) + _BOX_WIDTH / 2
        y = top + down * (_BOX_HEIGHT + _SPACE) + _BOX_HEIGHT / 2
        boxes.append(_box((x, y), cell, graph.nodes[cell]))
    rows = -(-len(alone) // _ALONE_IN_ROW)
    bottom = top + rows * (_BOX_HEIGHT + _SPACE) - _SPACE
    width, height = inner + 2 * _MARGIN, max(bottom, 0) + _MARGIN
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" width="{width:.0f}" height="{height:.0f}" '
            f'viewBox="0 0 {width:.0f} {height:.0f}" role="img" '
            'font-family="system-ui, sans-serif" font-size="12">',
            f"<title>{len(graph.nodes)} cells and what they need</title>",
            f"<defs>{''.join(map(_marker, _COLOURS))}</defs>",
            '<rect width="100%" height="100%" fill="#ffffff"/>',
            *arrows,
            *boxes,
            *labels,
            "</svg>\n",
        ]
    )


def _width(spot: Spot) -> int:
    return _GAP_WIDTH if spot.is_gap else _BOX_WIDTH


def _middles(layers: Layers, widths: list[int], inner: int) -> dict[Spot, tuple[float, float]]:
    middles: dict[Spot, tuple[float, float]] = {}
    for number, (layer, width) in enumerate(zip(layers, widths, strict=True)):
        x = _MARGIN + (inner - width) / 2
        for spot in layer:
            middles[spot] = x + _width(spot) / 2, _MARGIN + number * _LAYER + _BOX_HEIGHT / 2
            x += _width(spot) + _SPACE
    return middles


def _arrow(way: list[tuple[float, float]], kind: str) -> str:
    half = _BOX_HEIGHT / 2
    x, y = way[0]
    y += half
    parts = [f"M{x:.1f},{y:.1f}"]
    for place, (next_x, next_y) in enumerate(way[1:], start=1):
        is_last = place == len(way) - 1
        end = next_y - half - (2 if is_last else 0)
        bend = (end - y) / 2
        parts.append(
            f"C{x:.1f},{y + bend:.1f} {next_x:.1f},{end - bend:.1f} {next_x:.1f},{end:.1f}"
        )
        x, y = next_x, end
        if not is_last:
            y = next_y + half
            parts.append(f"L{x:.1f},{y:.1f}")
    dashes = ' stroke-dasharray="6 4"' if kind == "barrier" else ""
    return (
        f'<path d="{" ".join(parts)}" fill="none" stroke="{_COLOURS[kind]}" '
        f'stroke-width="1.4"{dashes} marker-end="url(#{kind})"/>'
    )


def _label(way: list[tuple[float, float]], text: str, kind: str) -> str:
    # Nearer to the end than to the start, where the arrows of one cell have parted.
    (x, y), (end_x, end_y) = way[-2:]
    at_x, at_y = x + (end_x - x) * 0.72, y + (end_y - y) * 0.62 + 4
    return (
        f'<text x="{at_x:.1f}" y="{at_y:.1f}" text-anchor="middle" fill="{_COLOURS[kind]}" '
        'stroke="#ffffff" stroke-width="4" paint-order="stroke">'
        f"{_escaped(shortened(text, _LABEL_SHOWN))}</text>"
    )


def _box(middle: tuple[float, float], cell: int, node: Node) -> str:
    x, y = middle[0] - _BOX_WIDTH / 2, middle[1] - _BOX_HEIGHT / 2
    stroke = _COLOURS["barrier"] if node.barrier else _STROKES.get(node.type, "#666666")
    dashes = ' stroke-dasharray="6 4"' if node.barrier else ""
    about = f"{cell} [{node.type}]" + (f" → {node.variable}" if node.variable else "")
    hint = headline(node) + (f"\n{plain(node.barrier)}" if node.barrier else "")
    return (
        f"<g><title>{_escaped(hint)}</title>"
        f'<rect x="{x:.1f}" y="{y:.1f}" width="{_BOX_WIDTH}" height="{_BOX_HEIGHT}" rx="6" '
        f'fill="{_FILLS.get(node.type, "#f4f4f4")}" stroke="{stroke}"{dashes}/>'
        f'<text x="{x + 10:.1f}" y="{y + 18:.1f}" fill="#555555">'
        f"{_escaped(_cut(about))}</text>"
        f'<text x="{x + 10:.1f}" y="{y + 36:.1f}" fill="#111111">'
        f"{_escaped(_cut(node.title))}</text></g>"
    )


def _cut(text: str) -> str:
    """As much of a text as a box holds, where some letters are twice as wide as others."""
    room = float(_LETTERS_IN_BOX)
    for place, letter in enumerate(text):
        room -= 1.9 if unicodedata.east_asian_width(letter) in "WF" else 1
        if room < 0:
            return text[: max(place - 1, 0)] + "…"
    return text


def _marker(kind: str) -> str:
    return (
        f'<marker id="{kind}" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" '
        f'markerHeight="7" orient="auto"><path d="M0,0 L8,4 L0,8 z" fill="{_COLOURS[kind]}"/>'
        "</marker>"
    )


def _escaped(text: str) -> str:
    return escape(plain(text), {'"': "&quot;"})
