"""Cells of every type come back as they were, also those that no plugin knows any more."""

from __future__ import annotations

from typing import Any, ClassVar

import msgspec
import pytest

from llm_repl_core.model.cell import (
    Cell,
    CodeCell,
    ForeignCell,
    MarkdownCell,
    MemoryCell,
    PromptCell,
)
from llm_repl_core.model.cell_types import BUILTIN_CELL_CLASSES, CellTypes
from llm_repl_core.model.notebook import Notebook
from llm_repl_core.model.output import Output
from llm_repl_server.storage.changes import CreateNotebook, WriteCell
from llm_repl_server.storage.rows import cell_from_row, cell_to_row
from llm_repl_server.storage.store import Store


class Point(msgspec.Struct):
    x: int
    y: int


class ChartCell(Cell, kw_only=True):
    type: ClassVar[str] = "chart"
    wire_type: ClassVar[str] = "ChartCell"

    axis: str = "x"
    origin: Point | None = None


WITH_CHART = CellTypes([*BUILTIN_CELL_CLASSES, ChartCell])


def through(cell: Cell, cell_types: CellTypes | None = None) -> Cell:
    return cell_from_row(cell_to_row("n", cell), cell_types or CellTypes())


def all_fields(**more: Any) -> dict[str, Any]:
    return {
        "id": "a1\x00b2",
        "content": "x = '\ud800'",
        "outputs": [
            Output.stdout("1\n"),
            Output.error("ValueError", "bad", ["line 1", "line 2"]),
            Output.display({"text/plain": "5", "image/png": "aGk="}, {"width": 3}),
            Output.llm_response("p", "answer", model="m", usage={"input_tokens": 3}),
            Output.memory_update(["a"], {"a": "1"}),
            Output("of_tomorrow", "text", {"more": [None, 1.5]}),
        ],
        "status": "running",
        "execution_count": 7,
        "metadata": {"tags": ["a"], "deep": {"n": None}},
        "extra": {"of_another_tool": [1, 2]},
        **more,
    }


@pytest.mark.parametrize(
    "cell",
    [
        CodeCell(**all_fields()),
        MarkdownCell(**all_fields()),
        MemoryCell(**all_fields()),
        PromptCell(**all_fields(model="m", temperature=0.5, response_var="r", provider="mock")),
        PromptCell(content="hello"),
        ForeignCell(**all_fields(foreign_type="Chart\ud800Cell")),
        CodeCell(),
        CodeCell(**all_fields(stale=True, pinned=True)),
        ForeignCell(**all_fields(foreign_type="ChartCell", stale=True, skipped=True)),
        PromptCell(
            **all_fields(
                system="You are {who}.",
                context=["a", "b"],
                schema={"type": "object"},
                tools=["f"],
                tool_limit=3,
                approve_tools=True,
                for_each="rows",
                attachments=["picture.png"],
                skipped=True,
            )
        ),
    ],
)
def test_a_cell_comes_back(cell: Cell) -> None:
    back = through(cell)
    assert type(back) is type(cell)
    assert back == cell


def test_a_plugins_cell_comes_back() -> None:
    cell = ChartCell(**all_fields(axis="y", origin=Point(1, 2)))
    assert through(cell, WITH_CHART) == cell


def test_a_cell_whose_plugin_is_gone_keeps_all_and_comes_back_with_the_plugin() -> None:
    cell = ChartCell(**all_fields(axis="y", origin=Point(1, 2)))

    foreign = through(cell)
    assert isinstance(foreign, ForeignCell)
    assert foreign.foreign_type == "chart"
    assert foreign.extra == {"of_another_tool": [1, 2], "axis": "y", "origin": {"x": 1, "y": 2}}
    assert foreign.outputs == cell.outputs

    assert through(foreign) == foreign
    assert through(foreign, WITH_CHART) == cell

    cell.pinned = foreign.pinned = True
    assert through(cell) == foreign
    assert through(through(foreign), WITH_CHART) == cell


def test_a_cell_whose_fields_no_longer_fit_is_kept_as_it_is() -> None:
    cell = PromptCell(content="hi", id="a")
    cell.temperature = 7.0  # as an older plugin might have allowed
    back = through(cell)
    assert isinstance(back, ForeignCell)
    assert back.foreign_type == "prompt"
    assert back.extra["temperature"] == 7.0
    assert back.content == "hi"


def test_what_another_tool_calls_pinned_stays_as_it_is() -> None:
    cell = ForeignCell(id="a", foreign_type="chart", extra={"pinned": "by a nail"})
    assert through(cell) == cell


def test_a_cell_that_is_stale_stays_so_and_no_longer(store: Store) -> None:
    cell = CodeCell(id="a", stale=True)
    notebook = Notebook(cells=[cell])
    store.submit(CreateNotebook(notebook)).result(10)
    assert store.load_notebook(notebook.id) == notebook
    cell.stale = False
    store.submit(WriteCell(notebook.id, cell)).result(10)
    assert store.load_notebook(notebook.id) == notebook


def test_writing_a_cell_of_another_type_keeps_its_place(store: Store) -> None:
    notebook = Notebook(cells=[CodeCell(id="a"), CodeCell(id="b"), CodeCell(id="c")])
    prompt = PromptCell(id="b", content="hi", model="m")
    store.submit(CreateNotebook(notebook), WriteCell(notebook.id, prompt)).result(10)
    loaded = store.load_notebook(notebook.id)
    assert loaded is not None
    assert [cell.id for cell in loaded] == ["a", "b", "c"]
    assert loaded["b"] == prompt


def test_the_stores_cell_types_are_used(database_url: str) -> None:
    notebook = Notebook(cells=[ChartCell(id="a", axis="z")])
    with Store(database_url, WITH_CHART) as store:
        store.submit(CreateNotebook(notebook)).result(10)
        loaded = store.load_notebook(notebook.id)
        assert loaded is not None
        assert loaded.cells == notebook.cells
    with Store(database_url) as store:
        loaded = store.load_notebook(notebook.id)
        assert loaded is not None
        assert isinstance(loaded["a"], ForeignCell)
