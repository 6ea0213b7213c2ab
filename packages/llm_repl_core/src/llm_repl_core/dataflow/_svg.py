"""A graph as an SVG picture."""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping, Sequence
from typing import TypeAlias
from xml.sax.saxutils import escape

from llm_repl_core.dataflow._labels import headline, label_edges, plain, shortened
from llm_repl_core.dataflow._layers import Layers, Spot, lay_out
from llm_repl_core.dataflow.graph import Graph, Node

__all__ = ["draw_svg"]

_Point: TypeAlias = tuple[float, float]

# All lengths are in pixels.
_MARGIN = 20
_BOX_WIDTH = 230
_BOX_HEIGHT = 46
_GAP_WIDTH = 30
_SPACE = 26
_LAYER = 122
_LETTERS_IN_BOX = 31
_LABEL_SHOWN = 28  # characters
_LABEL_LEVELS = 3  # neighbouring labels stand at different heights
_LABEL_HEIGHT = 15
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
    widths = [sum(map(_width, layer)) + _SPACE * max(len(layer) - 1, 0) for layer in layers]
    row = min(len(alone), _ALONE_IN_ROW)
    inner = max([*widths, row * _BOX_WIDTH + max(row - 1, 0) * _SPACE, _BOX_WIDTH])
    middles = _middles(layers, widths, inner)
    arrows, labels = _arrows(graph, ways, middles)
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
    head = (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width:.0f}" height="{height:.0f}" '
        f'viewBox="0 0 {width:.0f} {height:.0f}" role="img" '
        'font-family="system-ui, sans-serif" font-size="12">'
    )
    title = f"<title>{len(graph.nodes)} cells and what they need</title>"
    definitions = f"<defs>{''.join(map(_marker, _COLOURS))}</defs>"
    ground = '<rect width="100%" height="100%" fill="#ffffff"/>'
    return "\n".join([head, title, definitions, ground, *arrows, *boxes, *labels, "</svg>\n"])


def _width(spot: Spot) -> int:
    return _GAP_WIDTH if spot.is_gap else _BOX_WIDTH


def _middles(layers: Layers, widths: list[int], inner: int) -> dict[Spot, _Point]:
    middles: dict[Spot, _Point] = {}
    for number, (layer, width) in enumerate(zip(layers, widths, strict=True)):
        x = _MARGIN + (inner - width) / 2
        for spot in layer:
            middles[spot] = x + _width(spot) / 2, _MARGIN + number * _LAYER + _BOX_HEIGHT / 2
            x += _width(spot) + _SPACE
    return middles


def _arrows(
    graph: Graph, ways: Mapping[tuple[int, int], Sequence[Spot]], middles: Mapping[Spot, _Point]
) -> tuple[list[str], list[str]]:
    """All arrows, and the words at those that stand for a variable."""
    places = {node.id: place for place, node in enumerate(graph.nodes)}
    arriving: dict[str, list[tuple[list[_Point], str, list[str]]]] = {}
    for (source, target, kind), words in label_edges(graph).items():
        way = [middles[spot] for spot in ways[places[source], places[target]]]
        arriving.setdefault(target, []).append((way, kind, words))
    arrows, labels = [], []
    for found in arriving.values():
        # They end side by side, in the order in which they come.
        found.sort(key=lambda one: one[0][-2])
        for number, (way, kind, words) in enumerate(found):
            x, y = way[-1]
            way[-1] = x + _BOX_WIDTH * ((number + 1) / (len(found) + 1) - 0.5), y
            arrows.append(_arrow(way, kind))
            if kind == "variable":
                labels.append(_label(way[-1], number % _LABEL_LEVELS, ", ".join(words)))
    return arrows, labels


def _arrow(way: Sequence[_Point], kind: str) -> str:
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


def _label(end: _Point, level: int, text: str) -> str:
    x, y = end
    y -= _BOX_HEIGHT / 2 + 14 + level * _LABEL_HEIGHT
    return (
        f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="middle" fill="{_COLOURS["variable"]}" '
        'stroke="#ffffff" stroke-width="4" paint-order="stroke">'
        f"{_escaped(shortened(text, _LABEL_SHOWN))}</text>"
    )


def _box(middle: _Point, cell: int, node: Node) -> str:
    x, y = middle[0] - _BOX_WIDTH / 2, middle[1] - _BOX_HEIGHT / 2
    stroke = _COLOURS["barrier"] if node.barrier else _STROKES.get(node.type, "#666666")
    dashes = ' stroke-dasharray="6 4"' if node.barrier else ""
    about = f"{cell + 1} [{node.type}]" + (f" → {node.variable}" if node.variable else "")
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
