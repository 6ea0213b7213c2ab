"""Graphs as text, Mermaid and SVG."""

from __future__ import annotations

import re
import time
from xml.etree import ElementTree

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from llm_repl_core.dataflow.drawings import draw_mermaid, draw_svg, draw_text
from llm_repl_core.dataflow.graph import Edge, Graph, Node

SVG = "{http://www.w3.org/2000/svg}"


def node(place: int, title: str = "x = 1", **more: str) -> Node:
    return Node(**{"id": f"id {place}", "type": "code", "title": title} | more)


GRAPH = Graph(
    [
        node(0),
        node(1, "Tell {x}", type="prompt", variable="answer"),
        node(2, "exec('1')", barrier="`exec()` sees every variable"),
        node(3, "answer, x"),
        node(4, "# Alone", type="markdown"),
    ],
    [
        Edge(source="id 0", target="id 1", variable="x"),
        Edge(source="id 1", target="id 2", kind="barrier"),
        Edge(source="id 1", target="id 3", variable="answer"),
        Edge(source="id 0", target="id 3", variable="x"),
        Edge(source="id 0", target="id 3", variable="y"),
        Edge(source="id 2", target="id 3", variable="z", kind="barrier"),
        Edge(source="id 0", target="id 2", kind="context"),
    ],
)

HOSTILE = "<script>alert(1)</script> & \"'] --> end ]]> \x00\x1b[2J\u202e \ud800 `` %% {x} #quot;"


def test_text() -> None:
    assert (
        draw_text(GRAPH)
        == """\
1  [code] x = 1
2  [prompt] Tell {x} → answer
   ← 1 (x)
3  [code] exec('1')
   ! cannot be analysed: `exec()` sees every variable
   ← 1 (context)
   ← 2 (barrier)
4  [code] answer, x
   ← 1 (x, y)
   ← 2 (answer)
   ← 3 (z?)
5  [markdown] # Alone
"""
    )


def test_mermaid() -> None:
    lines = draw_mermaid(GRAPH).splitlines()
    assert lines[0] == "flowchart TD"
    assert '  c0["1 #91;code#93; x #61; 1"]:::code' in lines
    assert '  c1(["2 #91;prompt#93; Tell #123;x#125; → answer"]):::prompt' in lines
    assert "  class c2 barrier" in lines
    assert '  c0 -->|"x, y"| c3' in lines
    assert '  c1 -.->|"barrier"| c2' in lines
    assert '  c0 -->|"context"| c2' in lines


def test_svg() -> None:
    root = ElementTree.fromstring(draw_svg(GRAPH))
    texts = [text.text for text in root.iter(f"{SVG}text")]
    assert {"2 [prompt] → answer", "Tell {x}", "x, y", "answer", "# Alone"} <= set(texts)
    assert len(root.findall(f"{SVG}g")) == 5
    arrows = root.findall(f"{SVG}path")
    assert len(arrows) == 6
    assert sum("stroke-dasharray" in arrow.attrib for arrow in arrows) == 2
    assert "`exec()` sees every variable" in (root.findall(f"{SVG}g/{SVG}title")[2].text or "")


def test_no_boxes_overlap_and_all_are_within_the_picture() -> None:
    root = ElementTree.fromstring(draw_svg(GRAPH))
    width, height = float(root.attrib["width"]), float(root.attrib["height"])
    boxes = [
        tuple(float(box.attrib[name]) for name in ("x", "y", "width", "height"))
        for box in root.iter(f"{SVG}rect")
        if "rx" in box.attrib
    ]
    assert len(boxes) == 5
    for place, (x, y, w, h) in enumerate(boxes):
        assert 0 <= x <= width - w
        assert 0 <= y <= height - h
        for other_x, other_y, _, _ in boxes[:place]:
            assert abs(x - other_x) >= w or abs(y - other_y) >= h


def test_hostile_words_stay_words() -> None:
    graph = Graph(
        [node(0, HOSTILE, type=HOSTILE, variable=HOSTILE, barrier=HOSTILE), node(1, HOSTILE)],
        [Edge(source="id 0", target="id 1", variable=HOSTILE)],
    )
    for drawing in (draw_text(graph), draw_mermaid(graph), draw_svg(graph)):
        assert not re.search("[\x00-\x09\x0b-\x1f\u202e\ud800]", drawing)
        drawing.encode()
    root = ElementTree.fromstring(draw_svg(graph))
    names = {part.tag.removeprefix(SVG) for part in root.iter()}
    assert names == {"svg", "title", "defs", "marker", "path", "rect", "g", "text"}
    inside = re.findall(r'"([^"]*)"', draw_mermaid(graph))
    assert all(re.fullmatch(r"(?:[\w .,→…-]|#\d+;)*", text) for text in inside)
    assert len(inside) == 3


@pytest.mark.parametrize("draw", [draw_text, draw_mermaid, draw_svg])
def test_nothing_is_drawn_as_nothing(draw: object) -> None:
    assert callable(draw)
    assert isinstance(draw(Graph([], [])), str)
    ElementTree.fromstring(draw_svg(Graph([], [])))


@settings(max_examples=60)
@given(
    st.integers(1, 12).flatmap(
        lambda size: st.tuples(
            st.just(size),
            st.lists(
                st.tuples(st.integers(0, size - 1), st.integers(0, size - 1)).filter(
                    lambda pair: pair[0] < pair[1]
                ),
                max_size=20,
            )
            if size > 1
            else st.just([]),
        )
    ),
    st.text(max_size=90),
)
def test_any_graph_is_drawn(shape: tuple[int, list[tuple[int, int]]], title: str) -> None:
    size, pairs = shape
    graph = Graph(
        [node(place, title, variable=title) for place in range(size)],
        [Edge(source=f"id {a}", target=f"id {b}", variable=title) for a, b in pairs],
    )
    root = ElementTree.fromstring(draw_svg(graph))
    assert len(root.findall(f"{SVG}g")) == size
    assert len(root.findall(f"{SVG}path")) == len(set(pairs))
    assert draw_text(graph).count("← ") >= len(set(pairs))
    draw_mermaid(graph).encode()


def test_large_graphs_are_drawn_in_time() -> None:
    size = 1_000
    graph = Graph(
        [node(place) for place in range(size)],
        [
            Edge(source=f"id {source}", target=f"id {target}", variable="x")
            for target in range(size)
            for source in {0, target // 2, target - 1}
            if 0 <= source < target
        ],
    )
    began = time.monotonic()
    for draw in (draw_text, draw_mermaid, draw_svg):
        draw(graph)
    assert time.monotonic() - began < 10
