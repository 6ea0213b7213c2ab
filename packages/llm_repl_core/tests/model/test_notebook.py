"""A notebook's cells: order, ids, and what a change does."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from llm_repl_core.errors import CellNotFound, InvalidInput
from llm_repl_core.model.cell import CodeCell, MarkdownCell, MemoryCell, PromptCell
from llm_repl_core.model.notebook import DEFAULT_NAME, Notebook

LONG_AGO = datetime(2000, 1, 1, tzinfo=UTC)


def ids(notebook: Notebook) -> list[str]:
    return [cell.id for cell in notebook]


def three() -> Notebook:
    return Notebook("N", cells=[CodeCell(id=word) for word in "abc"], created_at=LONG_AGO)


def test_a_new_notebook_has_defaults() -> None:
    notebook = Notebook()
    assert notebook.name == DEFAULT_NAME
    assert len(notebook) == 0
    assert notebook.created_at == notebook.updated_at
    assert notebook.created_at.tzinfo is not None
    assert notebook.id != Notebook().id
    assert bool(notebook.cells) is False


def test_cells_are_found_by_id() -> None:
    notebook = three()
    assert notebook["b"] is notebook.cells[1]
    assert "b" in notebook
    assert "x" not in notebook
    assert notebook.index("c") == 2


@pytest.mark.parametrize(
    "ask",
    [
        lambda notebook: notebook["x"],
        lambda notebook: notebook.index("x"),
        lambda notebook: notebook.move("x", 0),
        lambda notebook: notebook.duplicate("x"),
        lambda notebook: notebook.remove("x"),
        lambda notebook: notebook.change("x", content=""),
        lambda notebook: notebook.replace(CodeCell(id="x")),
    ],
)
def test_a_cell_that_does_not_exist_is_named(ask: Any) -> None:
    notebook = three()
    with pytest.raises(CellNotFound, match="Notebook 'N' has no cell 'x'"):
        ask(notebook)
    assert ids(notebook) == ["a", "b", "c"]
    assert notebook.updated_at == LONG_AGO


@pytest.mark.parametrize("position", [-1, 4, 100])
def test_a_position_outside_is_refused(position: int) -> None:
    notebook = three()
    with pytest.raises(InvalidInput, match=f"`position` is {position}, but must be from 0 to 3"):
        notebook.insert(CodeCell(), position)
    with pytest.raises(InvalidInput, match="from 0 to 2"):
        notebook.move("a", position)
    assert ids(notebook) == ["a", "b", "c"]


def test_an_id_is_taken_once() -> None:
    notebook = three()
    with pytest.raises(InvalidInput, match="has a cell 'b' already"):
        notebook.insert(CodeCell(id="b"))
    with pytest.raises(InvalidInput, match="has a cell 'b' already"):
        Notebook(cells=[CodeCell(id="b"), CodeCell(id="b")])


def test_a_cell_moves_to_where_it_stands_then() -> None:
    notebook = three()
    notebook.move("a", 2)
    assert ids(notebook) == ["b", "c", "a"]
    notebook.move("a", 1)
    assert ids(notebook) == ["b", "a", "c"]


def test_a_duplicate_stands_behind_and_shares_nothing() -> None:
    notebook = three()
    notebook["a"].metadata["list"] = [1]
    copy = notebook.duplicate("a")
    assert ids(notebook) == ["a", copy.id, "b", "c"]
    copy.metadata["list"].append(2)  # type: ignore[union-attr]
    assert notebook["a"].metadata == {"list": [1]}


def test_a_cell_is_replaced_by_one_of_another_type() -> None:
    notebook = three()
    cell = MarkdownCell(id="b", content="text")
    assert notebook.replace(cell) is cell
    assert notebook.cells[1] is notebook["b"] is cell


@pytest.mark.parametrize(
    "change",
    [
        lambda notebook: notebook.insert(CodeCell()),
        lambda notebook: notebook.move("a", 1),
        lambda notebook: notebook.duplicate("a"),
        lambda notebook: notebook.remove("a"),
        lambda notebook: notebook.replace(CodeCell(id="a")),
        lambda notebook: notebook.change("a", content="x"),
        lambda notebook: notebook.touch(),
    ],
)
def test_every_change_is_noted(change: Any) -> None:
    notebook = three()
    change(notebook)
    assert notebook.updated_at > LONG_AGO
    assert notebook.created_at == LONG_AGO


def test_cells_are_written_by_hand() -> None:
    notebook = Notebook()
    notebook.add_markdown("# a")
    notebook.add_code("x = 1")
    prompt = notebook.add_prompt("{x}", response_var="y", temperature=1, model="m")
    notebook.add_memory("z = 1")
    assert [type(cell) for cell in notebook] == [MarkdownCell, CodeCell, PromptCell, MemoryCell]
    assert (prompt.response_var, prompt.temperature, prompt.model) == ("y", 1, "m")


def test_a_prompt_with_a_bad_option_is_not_added() -> None:
    notebook = Notebook()
    with pytest.raises(InvalidInput, match="has no field `colour`"):
        notebook.add_prompt("", colour="red")
    with pytest.raises(InvalidInput, match="temperature"):
        notebook.add_prompt("", temperature=9)
    assert len(notebook) == 0


@pytest.mark.parametrize(
    "name", ["name", "metadata", "memory", "state_keys", "extra", "created_at", "updated_at", "id"]
)
def test_notebooks_differ_in_any_field(name: str) -> None:
    changed, same = three(), three()
    changed.id = same.id = "n"
    assert changed == same
    value = {"name": "other", "id": "other", "state_keys": ["x"]}.get(name, {"x": 1})
    setattr(changed, name, value)
    assert changed != same


def test_notebooks_differ_in_their_cells_and_from_other_things() -> None:
    first, second = three(), three()
    second.id = first.id
    second["b"].content = "x"
    assert first != second
    assert first != "N"
    with pytest.raises(TypeError):
        hash(first)
    assert repr(first) == "<Notebook 'N', 3 cells>"


class LikeAList(RuleBasedStateMachine):
    """Whatever is done, a notebook's cells are those of a plain list."""

    def __init__(self) -> None:
        super().__init__()
        self.notebook = Notebook()
        self.cells: list[Any] = []

    @rule(data=st.data())
    def insert(self, data: st.DataObject) -> None:
        place = data.draw(st.none() | st.integers(0, len(self.cells)))
        cell = CodeCell()
        self.notebook.insert(cell, place)
        self.cells.insert(len(self.cells) if place is None else place, cell)

    @precondition(lambda self: self.cells)
    @rule(data=st.data())
    def move(self, data: st.DataObject) -> None:
        place, target = (data.draw(st.integers(0, len(self.cells) - 1)) for _ in range(2))
        cell = self.cells.pop(place)
        self.cells.insert(target, cell)
        assert self.notebook.move(cell.id, target) is cell

    @precondition(lambda self: self.cells)
    @rule(data=st.data())
    def duplicate(self, data: st.DataObject) -> None:
        place = data.draw(st.integers(0, len(self.cells) - 1))
        self.cells.insert(place + 1, self.notebook.duplicate(self.cells[place].id))

    @precondition(lambda self: self.cells)
    @rule(data=st.data())
    def remove(self, data: st.DataObject) -> None:
        cell = self.cells.pop(data.draw(st.integers(0, len(self.cells) - 1)))
        assert self.notebook.remove(cell.id) is cell
        assert cell.id not in self.notebook

    @precondition(lambda self: self.cells)
    @rule(data=st.data())
    def replace(self, data: st.DataObject) -> None:
        place = data.draw(st.integers(0, len(self.cells) - 1))
        self.cells[place] = self.notebook.replace(MarkdownCell(id=self.cells[place].id))

    @precondition(lambda self: self.cells)
    @rule(data=st.data())
    def refuse(self, data: st.DataObject) -> None:
        cell = data.draw(st.sampled_from(self.cells))
        with pytest.raises(InvalidInput):
            self.notebook.insert(CodeCell(id=cell.id))
        with pytest.raises(InvalidInput):
            self.notebook.move(cell.id, len(self.cells))

    @invariant()
    def agree(self) -> None:
        assert len(self.notebook) == len(self.cells)
        for place, cell in enumerate(self.cells):
            assert self.notebook.cells[place] is self.notebook[cell.id] is cell
            assert self.notebook.index(cell.id) == place


TestLikeAList = LikeAList.TestCase
TestLikeAList.settings = settings(max_examples=40, stateful_step_count=25, deadline=None)


def test_one_more_cell_makes_another_notebook() -> None:
    notebook = three()
    notebook.metadata["llm_repl"] = {"model": "m"}
    more = notebook.with_cell(PromptCell(id="d"))
    assert (ids(notebook), ids(more)) == (["a", "b", "c"], ["a", "b", "c", "d"])
    assert more["a"] is notebook["a"]
    assert (more.id, more.name, more.created_at) == (notebook.id, notebook.name, LONG_AGO)
    assert more.preference("model") == "m"
    assert notebook.updated_at == LONG_AGO
    with pytest.raises(InvalidInput, match="has a cell 'b' already"):
        notebook.with_cell(CodeCell(id="b"))


def test_a_notebook_takes_over_what_another_holds_but_for_its_id() -> None:
    notebook, other = three(), Notebook("Other", cells=[CodeCell(id="c"), CodeCell(id="x")])
    other.metadata["llm_repl"] = {"model": "m"}
    other.memory["visits"] = "3"
    own_id, revision = notebook.id, notebook.revision
    assert notebook.index("b") == 1
    notebook.replace_contents(other)
    assert notebook.id == own_id != other.id
    assert (notebook.name, ids(notebook), notebook.memory) == ("Other", ["c", "x"], {"visits": "3"})
    assert notebook.preference("model") == "m"
    assert notebook.updated_at == other.updated_at
    assert notebook.revision > revision
    # What was known of the former cells is forgotten.
    assert notebook.index("x") == 1
    assert notebook["c"] is other["c"]
    assert "a" not in notebook
    notebook.remove("c")
    assert ids(other) == ["c", "x"]


@pytest.mark.parametrize("noted", [None, "odd", ["model"], {"model": 7}, {"model": ""}, {}])
def test_what_a_notebook_asks_for_is_a_text(noted: Any) -> None:
    notebook = Notebook(metadata={"llm_repl": noted})
    assert notebook.preference("model") is None
    assert isinstance(notebook.own_metadata, dict)
