"""Where a drawing puts the cells: each in a layer below all that it needs.

An arrow over several layers goes through a gap in each of those between, so that it crosses no
cell. Arrows of one cell share their gaps.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import TypeAlias

from msgspec import Struct

from llm_repl_core.dataflow.graph import Graph

__all__ = ["Layers", "Spot", "lay_out"]

_SWEEPS = 4
_MOST_GAPS = 4_000
"""With more gaps than this the arrows go straight, so that a large graph is drawn in time."""


class Spot(Struct, frozen=True):
    """Something that takes a place in a layer.

    Attributes:
        cell: The place of the cell in the document; of a gap, that of the cell whose arrows go
            through.
        layer: Which layer, from 0.
        is_gap: Whether it is a gap.
    """

    cell: int
    layer: int
    is_gap: bool = False


Layers: TypeAlias = list[list[Spot]]


def lay_out(graph: Graph) -> tuple[Layers, dict[tuple[int, int], list[Spot]], list[int]]:
    """Choose the layers.

    Args:
        graph: The graph.

    Returns:
        The layers, each from left to right; by source and target, where an arrow passes, both
        ends included; and the cells that nothing connects.
    """
    places = {node.id: place for place, node in enumerate(graph.nodes)}
    needs: dict[int, set[int]] = {}
    for edge in graph.edges:
        needs.setdefault(places[edge.target], set()).add(places[edge.source])
    connected = needs.keys() | {source for sources in needs.values() for source in sources}
    depth: dict[int, int] = {}
    for cell in sorted(connected):
        depth[cell] = max((depth[source] + 1 for source in needs.get(cell, ())), default=0)

    gaps_needed = sum(
        max(depth[target] - depth[source] - 1, 0)
        for target, sources in needs.items()
        for source in sources
    )
    layers: Layers = [[] for _ in range(max(depth.values(), default=-1) + 1)]
    for cell in sorted(connected):
        layers[depth[cell]].append(Spot(cell, depth[cell]))
    ways: dict[tuple[int, int], list[Spot]] = {}
    gaps: dict[tuple[int, int], Spot] = {}
    for target, sources in sorted(needs.items()):
        for source in sorted(sources):
            way = [Spot(source, depth[source])]
            if gaps_needed <= _MOST_GAPS:
                for layer in range(depth[source] + 1, depth[target]):
                    gap = gaps.get((source, layer))
                    if gap is None:
                        gap = gaps[source, layer] = Spot(source, layer, is_gap=True)
                        layers[layer].append(gap)
                    way.append(gap)
            ways[source, target] = [*way, Spot(target, depth[target])]
    _untangle(layers, ways)
    alone = [place for place in range(len(graph.nodes)) if place not in connected]
    return layers, ways, alone


def _untangle(layers: Layers, ways: Mapping[tuple[int, int], Sequence[Spot]]) -> None:
    """Order each layer by the middle of what its spots are joined to, down and up in turns."""
    above: dict[Spot, set[Spot]] = {}
    below: dict[Spot, set[Spot]] = {}
    for way in ways.values():
        for upper, lower in pairwise(way):
            above.setdefault(lower, set()).add(upper)
            below.setdefault(upper, set()).add(lower)
    position: dict[Spot, float] = {}
    for layer in layers:
        _number(layer, position)
    for sweep in range(_SWEEPS):
        neighbours, order = (above, layers) if sweep % 2 == 0 else (below, layers[::-1])
        for layer in order:
            middles = {
                spot: _middle([position[one] for one in neighbours.get(spot, ())], position[spot])
                for spot in layer
            }
            layer.sort(key=lambda spot: (middles[spot], spot.cell))
            _number(layer, position)


def _number(layer: Sequence[Spot], position: dict[Spot, float]) -> None:
    # From the middle, so that layers of different lengths can be compared.
    half = (len(layer) - 1) / 2
    for place, spot in enumerate(layer):
        position[spot] = place - half


def _middle(positions: Sequence[float], otherwise: float) -> float:
    return sum(positions) / len(positions) if positions else otherwise
