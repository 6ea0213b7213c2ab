"""Cells: changing, copying and the words for their types."""

from __future__ import annotations

import pytest

from llm_repl_core.errors import InvalidInput, PluginError
from llm_repl_core.model.cell import (
    Cell,
    CodeCell,
    ForeignCell,
    MarkdownCell,
    MemoryCell,
    PromptCell,
    build_cell,
)
from llm_repl_core.model.cell_types import BUILTIN_CELL_CLASSES, CellTypes
from llm_repl_core.model.output import Output


def test_changed_content_clears_the_last_run() -> None:
    cell = CodeCell(content="1", outputs=[Output.stdout("1")], status="completed")
    cell.execution_count = 3
    cell.change(content="2")
    assert (cell.outputs, cell.status, cell.execution_count) == ([], "idle", None)


def test_other_changes_keep_the_last_run() -> None:
    cell = PromptCell(content="1", outputs=[Output.stdout("1")], status="completed")
    cell.change(content="1", model="m", metadata={"a": 1})
    assert (cell.outputs, cell.status) == ([Output.stdout("1")], "completed")
    assert (cell.model, cell.metadata) == ("m", {"a": 1})


@pytest.mark.parametrize(
    "changes",
    [
        {"colour": "red"},
        {"temperature": -0.1},
        {"temperature": 2.1},
        {"temperature": float("nan")},
        {"temperature": "1"},
        {"temperature": True},
        {"response_var": "1a"},
        {"response_var": ""},
        {"response_var": "a b"},
        {"response_var": "a\n"},
        {"content": 1},
        {"content": None},
        {"status": "frozen"},
        {"execution_count": "1"},
        {"metadata": []},
        {"id": 5},
    ],
)
def test_a_value_that_does_not_fit_changes_nothing(changes: dict[str, object]) -> None:
    cell = PromptCell(content="a", id="p", model="m")
    with pytest.raises(InvalidInput) as raised:
        cell.change(model="other", **changes)
    assert next(iter(changes)) in str(raised.value)
    assert cell == PromptCell(content="a", id="p", model="m")


@pytest.mark.parametrize("name", ["a", "größe", "_x1", "Δ"])
def test_names_of_variables(name: str) -> None:
    cell = PromptCell()
    cell.change(response_var=name)
    assert cell.response_var == name


def test_options_are_what_only_that_type_has() -> None:
    options = PromptCell(model="m").options()
    assert options["model"] == "m"
    assert options["temperature"] is None
    assert options["context"] == "isolated"
    assert not options.keys() & PromptCell.COMMON
    assert CodeCell().options() == {"pinned": False, "skipped": False}


def test_changed_options_are_those_that_are_not_as_by_default() -> None:
    assert PromptCell().changed_options() == {}
    changed = {"tools": ["f"], "parameters": {"seed": 1}, "pinned": True}
    assert PromptCell(**changed).changed_options() == changed


@pytest.mark.parametrize(
    "cell",
    [
        MarkdownCell(),
        CodeCell(),
        PromptCell(model="m"),
        MemoryCell(),
        ForeignCell(foreign_type="x"),
    ],
)
def test_a_copy_shares_nothing_changeable(cell: Cell) -> None:
    cell.metadata = {"a": {"b": [1]}}
    cell.extra = {"a": [{}]}
    copy = cell.copy()
    assert copy.id != cell.id
    assert cell.copy(id=cell.id) == cell
    copy.metadata["a"]["b"].append(2)  # type: ignore[index, call-overload, union-attr]
    copy.extra["a"].append(1)  # type: ignore[union-attr]
    copy.outputs.append(Output.stdout(""))
    assert (cell.metadata, cell.extra, cell.outputs) == ({"a": {"b": [1]}}, {"a": [{}]}, [])
    assert type(copy) is type(cell)
    assert copy.options() == cell.options()


def test_a_cell_is_built_from_plain_values() -> None:
    cell = build_cell(PromptCell, {"content": "a", "temperature": 1})
    assert isinstance(cell, PromptCell)
    assert cell.temperature == 1.0
    with pytest.raises(
        InvalidInput, match="A prompt cell has no field `colour`; it takes approve_tools"
    ):
        build_cell(PromptCell, {"colour": 1})
    with pytest.raises(InvalidInput, match="not a valid code cell"):
        build_cell(CodeCell, {"content": 1})


@pytest.mark.parametrize("cell_class", BUILTIN_CELL_CLASSES)
def test_types_are_found_by_either_word(cell_class: type[Cell]) -> None:
    types = CellTypes()
    assert types.find(cell_class.type) is types.find(cell_class.wire_type) is cell_class
    assert types.get(cell_class.type) is cell_class


def test_an_unknown_word_is_told_with_those_that_are_known() -> None:
    types = CellTypes()
    assert types.find("chart") is None
    with pytest.raises(
        InvalidInput, match=r"`chart` is not a cell type; .* markdown, code, prompt, memory"
    ):
        types.get("chart")


def test_a_plugins_class_is_added_once_and_takes_no_taken_word() -> None:
    chart = type("Chart", (Cell,), {"type": "chart", "wire_type": "ChartCell"})
    other = type("Other", (Cell,), {"type": "other", "wire_type": "ChartCell"})
    types = CellTypes()
    types.add(chart)
    types.add(chart)
    assert types.words() == ["markdown", "code", "prompt", "memory", "chart"]
    with pytest.raises(PluginError, match="`ChartCell` of Other is taken by Chart"):
        types.add(other)
    assert types.find("other") is None
    with pytest.raises(PluginError, match="needs a `type`"):
        types.add(type("Nameless", (Cell,), {}))
