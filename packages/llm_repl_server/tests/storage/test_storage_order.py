"""The order of cells under any changes is that of a plain list."""

from __future__ import annotations

import tempfile
from pathlib import Path

import pytest
import sqlalchemy as sa
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from llm_repl_core.model.cell import CodeCell
from llm_repl_core.model.notebook import Notebook
from llm_repl_server.storage import operations
from llm_repl_server.storage.changes import CreateNotebook, DeleteCell, InsertCell, ReorderCell
from llm_repl_server.storage.operations import RANK_STEP, rank_between, spread_ranks
from llm_repl_server.storage.store import Store


def order(store: Store, notebook_id: str) -> list[str]:
    loaded = store.load_notebook(notebook_id)
    assert loaded is not None
    return [cell.id for cell in loaded]


class Cells(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.folder = tempfile.TemporaryDirectory()
        self.store = Store(f"sqlite:///{Path(self.folder.name) / 'a.db'}")
        self.store.open()
        self.count = 0
        self.model: list[str] = []

    @initialize(count=st.integers(0, 4))
    def create(self, count: int) -> None:
        self.model = [f"first{number}" for number in range(count)]
        notebook = Notebook(id="n", cells=[CodeCell(id=name) for name in self.model])
        self.store.submit(CreateNotebook(notebook)).result(10)

    @rule(data=st.data())
    def insert(self, data: st.DataObject) -> None:
        before = data.draw(st.sampled_from([*self.model, None]))
        self.count += 1
        cell = CodeCell(id=f"cell{self.count}")
        self.store.submit(InsertCell("n", cell, before)).result(10)
        self.model.insert(len(self.model) if before is None else self.model.index(before), cell.id)

    @rule(data=st.data())
    def move(self, data: st.DataObject) -> None:
        if self.model:
            moved = data.draw(st.sampled_from(self.model))
            before = data.draw(st.sampled_from([*self.model, None]))
            self.store.submit(ReorderCell("n", moved, before)).result(10)
            if before != moved:
                self.model.remove(moved)
                place = len(self.model) if before is None else self.model.index(before)
                self.model.insert(place, moved)

    @rule(data=st.data())
    def delete(self, data: st.DataObject) -> None:
        if self.model:
            gone = data.draw(st.sampled_from(self.model))
            self.store.submit(DeleteCell("n", gone)).result(10)
            self.model.remove(gone)

    @invariant()
    def the_order_is_the_models(self) -> None:
        if self.store.load_notebook("n") is not None:
            assert order(self.store, "n") == self.model

    def teardown(self) -> None:
        self.store.close()
        self.folder.cleanup()


TestCells = Cells.TestCase
TestCells.settings = settings(max_examples=25, stateful_step_count=15, deadline=None)


def test_inserting_at_one_place_goes_on_when_the_room_is_used_up(store: Store) -> None:
    notebook = Notebook(cells=[CodeCell(id="first"), CodeCell(id="last")])
    store.submit(CreateNotebook(notebook)).result(10)
    before = "last"
    model: list[str] = []
    for number in range(100):
        cell = CodeCell(id=str(number))
        store.submit(InsertCell(notebook.id, cell, before))
        model.insert(0, cell.id)
        before = cell.id
    store.submit().result(10)
    assert order(store, notebook.id) == ["first", *model, "last"]


def test_moving_at_one_place_goes_on_when_the_room_is_used_up(store: Store) -> None:
    notebook = Notebook(cells=[CodeCell(id=name) for name in "abcd"])
    store.submit(CreateNotebook(notebook)).result(10)
    for _ in range(50):
        store.submit(ReorderCell(notebook.id, "b", "d"))
        store.submit(ReorderCell(notebook.id, "c", "d"))
    store.submit().result(10)
    assert order(store, notebook.id) == list("abcd")


def test_moving_to_the_end_goes_on_when_the_column_is_full(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(operations, "_RANK_LIMIT", 10 * RANK_STEP)
    notebook = Notebook(cells=[CodeCell(id=name) for name in "abc"])
    store.submit(CreateNotebook(notebook)).result(10)
    model = list("abc")
    for name in "abcabcbbaaccab":
        store.submit(ReorderCell(notebook.id, name)).result(10)
        model.remove(name)
        model.append(name)
        assert order(store, notebook.id) == model


def test_inserting_in_the_middle_writes_one_row(store: Store, database_url: str) -> None:
    notebook = Notebook(cells=[CodeCell(id=str(number)) for number in range(10)])
    store.submit(CreateNotebook(notebook)).result(10)
    engine = sa.create_engine(database_url)
    query = sa.text("SELECT id, rank FROM cells")
    with engine.connect() as connection:
        before = {(row[0], row[1]) for row in connection.execute(query)}
    store.submit(InsertCell(notebook.id, CodeCell(id="new"), "5")).result(10)
    store.submit(ReorderCell(notebook.id, "9", "2")).result(10)
    with engine.connect() as connection:
        after = {(row[0], row[1]) for row in connection.execute(query)}
    engine.dispose()
    assert {cell_id for cell_id, _ in after - before} == {"new", "9"}


def test_ranks_between() -> None:
    assert rank_between(None, None) is not None
    assert list(spread_ranks(3)) == [RANK_STEP, 2 * RANK_STEP, 3 * RANK_STEP]
    assert rank_between(1, 3) == 2
    assert rank_between(1, 2) is None
    assert rank_between(-2, -1) is None
    assert rank_between(None, 5) == 5 - RANK_STEP
    assert rank_between(5, None) == 5 + RANK_STEP
    assert rank_between(2**62 - 1, None) is None
    assert rank_between(None, -(2**62) + 1) is None
