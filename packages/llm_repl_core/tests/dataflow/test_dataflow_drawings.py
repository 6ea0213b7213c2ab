"""Graphs as text, Mermaid and SVG."""

from __future__ import annotations

import re
import time
from xml.etree import ElementTree

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from llm_repl_core.dataflow.drawings import draw_mermaid, draw_text
from llm_repl_core.dataflow.graph import Edge, Graph, Node
from llm_repl_core.dataflow.svg import draw_svg

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
).with_in_the_way([("id 1", "id 0"), ("id 0", "id 1"), ("id 1", "gone")])

STYLE = ElementTree.fromstring(draw_svg(Graph([], []))).findtext(f"{SVG}style")

HOSTILE = "<script>alert(1)</script> & \"'] --> end ]]> \x00\x1b[2J\u202e \ud800 `` %% {x} #quot;"


def test_text() -> None:
    assert (
        draw_text(GRAPH)
        == """\
1  [code] x = 1
2  [prompt] Tell {x} → answer
   ← 1 (x, was in the way)
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
    assert '  c0 -.->|"was in the way"| c1' in lines


def test_svg() -> None:
    root = ElementTree.fromstring(draw_svg(GRAPH))
    rows = ["".join(text.itertext()) for text in root.iter(f"{SVG}text")]
    assert rows == [
        *("x = 1", "1 code"),
        *("Tell {x} → answer", "2 prompt · was in the way ← 1; x ← 1"),
        *("exec('1')", "3 code · context ← 1; barrier ← 2"),
        *("answer, x", "4 code · x, y ← 1; answer ← 2; z? ← 3"),
        *("# Alone", "5 markdown"),
    ]
    arcs = root.findall(f"{SVG}path")
    hints = {arc.findtext(f"{SVG}title"): arc.attrib for arc in arcs}
    assert len(arcs) == len(hints) == 7
    assert {hint for hint, arc in hints.items() if arc["stroke-dasharray"] != "none"} == {
        "1 → 2: was in the way",
        "2 → 3: barrier",
        "3 → 4: z?",
    }
    assert "`exec()` sees every variable" in (root.findall(f"{SVG}g/{SVG}title")[2].text or "")


def test_an_svg_picture_tells_all_of_it_in_words() -> None:
    root = ElementTree.fromstring(draw_svg(GRAPH))
    assert root.attrib["role"] == "img"
    named = {part.attrib["id"]: part.text for part in root if "id" in part.attrib}
    assert root.attrib["aria-labelledby"].split() == ["title", "text"]
    assert named["title"] == "5 cells and what they need"
    assert named["text"] == draw_text(GRAPH)


def luminance(colour: str) -> float:
    parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    linear = [
        part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts
    ]
    return sum(weight * part for weight, part in zip((0.2126, 0.7152, 0.0722), linear, strict=True))


@pytest.mark.parametrize("theme", [0, 1], ids=["light", "dark"])
def test_all_colours_can_be_told_from_the_ground(theme: int) -> None:
    assert STYLE is not None
    both = re.findall(r"\.cells \.([\w-]+)\{color:var\(--\1,(#\w{6})\)\}", STYLE)
    assert len(both) == 14
    colours = dict(both[7 * theme : 7 * theme + 7])
    ground = luminance(colours.pop("paper"))
    for colour in colours.values():
        dark, light = sorted((ground, luminance(colour)))
        assert (light + 0.05) / (dark + 0.05) >= 4.5  # what WCAG asks of text


def test_all_arcs_are_within_the_picture_and_lead_down() -> None:
    size = 400
    pairs = [(0, size - 1), (0, 1), (3, 200), (200, 399)]
    graph = Graph(
        [node(place) for place in range(size)],
        [Edge(source=f"id {a}", target=f"id {b}", variable="x") for a, b in pairs],
    )
    root = ElementTree.fromstring(draw_svg(graph))
    width, height = float(root.attrib["width"]), float(root.attrib["height"])
    for arc in root.findall(f"{SVG}path"):
        numbers = [float(number) for number in re.findall(r"-?[\d.]+", arc.attrib["d"])]
        (x, start, *_, end), bends = numbers, numbers[2:5:2]
        assert 0 < start < end < height
        # The curve reaches three quarters of the way to the points that bend it.
        assert all(0 < x - 0.75 * (x - bend) < width for bend in bends)


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
    assert names == {
        *("svg", "title", "desc", "defs", "marker", "path", "rect", "g", "circle", "text", "tspan"),
        "style",
    }
    assert root.findtext(f"{SVG}style") == STYLE
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
