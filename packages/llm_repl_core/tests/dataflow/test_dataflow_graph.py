"""The graph of a notebook: what needs what, and by which variable."""

from __future__ import annotations

import time

import pytest

from llm_repl_core.dataflow.cells import analyse_cell
from llm_repl_core.dataflow.graph import Graph, build_graph
from llm_repl_core.model.cell import Cell, CodeCell, ForeignCell, MarkdownCell, PromptCell
from llm_repl_core.model.notebook import Notebook


def graph_of(*cells: Cell | str) -> Graph:
    """Of cells whose ids are their places; text is code."""
    made = [CodeCell(content=cell) if isinstance(cell, str) else cell for cell in cells]
    notebook = Notebook(cells=[cell.copy(id=str(place)) for place, cell in enumerate(made)])
    effects = []
    for place, cell in enumerate(notebook):
        variable = None
        if isinstance(cell, PromptCell):
            variable = cell.response_var or f"response_{place}"
        effects.append(analyse_cell(cell, variable))
    return build_graph(notebook, effects)


def edges(graph: Graph) -> set[str]:
    return {
        f"{edge.source}-{edge.target} {edge.variable or ''}"
        + ("" if edge.kind == "variable" else f"({edge.kind})")
        for edge in graph.edges
    }


@pytest.mark.parametrize(
    ("cells", "expected"),
    [
        (["x = 1", "y = x", "x = y"], {"0-1 x", "1-2 y"}),
        (["x = 1", "x = 2", "x"], {"1-2 x"}),
        (["x = 1", "if a:\n    x = 2", "x"], {"0-2 x", "1-2 x"}),
        (["x = []", "x.append(1)", "x.append(2)", "x"], {"0-1 x", "0-2 x", "1-2 x", "0-3 x", "1-3 x", "2-3 x"}),
        (["x = 1", "x += 1", "x"], {"0-1 x", "1-2 x"}),
        (["x = 1", "del x", "x"], {"0-1 x", "0-2 x", "1-2 x"}),
        # Through functions.
        (["def f(): return x", "x = 1", "f()"], {"0-2 f", "1-2 x"}),
        (["def f(): return x", "x = 1", "g = f", "g()"], {"0-2 f", "1-2 x", "2-3 g"}),
        (["def f(): xs.append(1)", "xs = []", "f()", "xs"], {"0-2 f", "1-2 xs", "1-3 xs", "2-3 xs"}),
        (["def f():\n    global x\n    x = 1", "f()", "x"], {"0-1 f", "1-2 x"}),
        (["class C:\n    def m(self): return x", "c = C()", "x = 1", "c.m()"], {"0-1 C", "1-3 c"}),
        (["class C:\n    def m(self): return x", "x = 1", "C"], {"0-2 C", "1-2 x"}),
        # Nothing is needed from below, or from oneself.
        (["x", "x = 1"], set()),
        (["x = 1\nx"], set()),
    ],
)  # fmt: skip
def test_variables(cells: list[str], expected: set[str]) -> None:
    assert edges(graph_of(*cells)) == expected


def test_prompts() -> None:
    graph = graph_of(
        "x = 1",
        PromptCell(content="{x}", response_var="a"),
        PromptCell(content="{x} {a} {response_3}"),
        PromptCell(content="{response_2} {_}"),
        "a, response_3",
    )
    assert edges(graph) == {
        *("0-1 x", "0-2 x", "1-2 a", "2-3 response_2", "2-3 _", "1-4 a", "3-4 response_3"),
    }
    assert [node.variable for node in graph.nodes] == [None, "a", "response_2", "response_3", None]
    assert {node.type for node in graph.nodes} == {"code", "prompt"}


def test_barriers_wait_for_the_prompts_above() -> None:
    graph = graph_of(
        "y = 1", PromptCell(content="1"), PromptCell(content="2"), "exec('x = 1')", "print(x, y)"
    )
    assert edges(graph) == {
        *("1-3 (barrier)", "2-3 (barrier)"),
        # Nobody knows where `x` comes from; the prompts are reached through the barrier above.
        *("3-4 x(barrier)", "3-4 (barrier)", "0-4 y"),
    }
    assert graph.upstream("4") == ["0", "1", "2", "3"]
    assert [node.id for node in graph.nodes if node.barrier] == ["3", "4"]
    assert graph_of("exec('')", "exec('')").edges == ()
    assert graph.nodes[3].barrier == "`exec()` sees every variable"


def test_unknown_types_are_nodes_too() -> None:
    node = graph_of(ForeignCell(foreign_type="SQLCell", content="select 1")).nodes[0]
    assert (node.type, node.title) == ("SQLCell", "select 1")
    assert node.barrier is not None


def test_titles() -> None:
    graph = graph_of("\n\n  x = 1\ny = 2", MarkdownCell(content=""), "z" * 1_000)
    assert [node.title for node in graph.nodes] == ["x = 1", "", "z" * 80]


def test_context() -> None:
    graph = graph_of(
        MarkdownCell(content="pinned", pinned=True),
        MarkdownCell(content="skipped", skipped=True),
        "1 + 1",
        PromptCell(content="isolated"),
        PromptCell(content="list", context=["2", "missing", "5", "4"]),
        PromptCell(content="above", context="above"),
        PromptCell(content="above", context="above"),
    )
    assert edges(graph) == {
        "0-3 (context)",
        *("0-4 (context)", "2-4 (context)"),
        *("0-5 (context)", "2-5 (context)", "3-5 (context)", "4-5 (context)"),
        # All that is above the other one is reached through it.
        *("0-6 (context)", "5-6 (context)"),
    }
    assert graph.upstream("6") == ["0", "2", "3", "4", "5"]


def test_downstream_and_upstream_are_in_document_order() -> None:
    graph = graph_of("x = 1", "z = 0", "y = x", PromptCell(content="{y}"), "x, response_3", "z")
    assert graph.downstream("0") == ["2", "3", "4"]
    assert graph.downstream("1") == ["5"]
    assert graph.upstream("4") == ["0", "2", "3"]
    assert graph.downstream("5") == graph.upstream("0") == []
    assert graph.downstream("missing") == []


def test_what_is_changed_often_stays_reached() -> None:
    texts = ["x = []", *["x.append(1)"] * 200, "x"]
    graph = graph_of(*texts)
    assert len(graph.edges) < 200 * 13
    assert len(graph.upstream("201")) == 201
    assert len(graph.downstream("0")) == 201


def test_a_thousand_cells_take_no_time() -> None:
    cells: list[Cell | str] = ["def load(n): return [n]\nitems = []"]
    for place in range(1, 1_000, 4):
        cells += [
            f"x{place} = load({place})\ndef f{place}(a): return a + x{place}",
            PromptCell(content=f"Tell {{x{place}}}", response_var=f"answer_{place}"),
            f"y = f{place}(answer_{place})\nitems.append(y)",
            PromptCell(content="All", context="above"),
        ]
    graph_of(*cells)
    began = time.monotonic()
    graph = graph_of(*cells)
    # Some tens of milliseconds; the bound is for machines that do much else.
    assert time.monotonic() - began < 2
    assert len(graph.nodes) == len(cells)
    assert len(graph.edges) < 8 * len(cells)
