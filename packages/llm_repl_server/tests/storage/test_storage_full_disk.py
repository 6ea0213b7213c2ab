"""A database that takes no more: what has happened is kept, read, and written when there is room."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from msgspec.structs import replace

from llm_repl_core.errors import StorageError
from llm_repl_core.ledger.record import CallRecord
from llm_repl_core.model.cell import CodeCell
from llm_repl_core.model.notebook import Notebook
from llm_repl_core.model.output import Output
from llm_repl_core.providers.base import Usage
from llm_repl_server.errors import NotYetWritten
from llm_repl_server.storage import sqlite, writer
from llm_repl_server.storage.changes import (
    CreateNotebook,
    DeleteCell,
    InsertCell,
    UpdateNotebook,
    WriteCell,
)
from llm_repl_server.storage.store import Store

MakeCall = Callable[..., CallRecord]
LONG = "x" * 2_000_000


class Disk:
    """How many pages SQLite's own file may have: it refuses more as it does where a disk is full."""

    def __init__(self) -> None:
        self.is_full = False


@pytest.fixture
def disk(monkeypatch: pytest.MonkeyPatch) -> Iterator[Disk]:
    made = Disk()
    begin = sqlite.SQLiteBackend.begin_changes

    def begin_changes(self: sqlite.SQLiteBackend, connection: Any) -> None:
        # It takes no number below what there is: whatever needs another page is refused.
        connection.execute(f"PRAGMA max_page_count = {1 if made.is_full else 2**30}")
        begin(self, connection)

    monkeypatch.setattr(sqlite.SQLiteBackend, "begin_changes", begin_changes)
    monkeypatch.setattr(writer, "_RETRY_S", 0.01)
    yield made
    made.is_full = False


def outputs_of(store: Store, *cell_ids: str) -> list[str]:
    notebook = store.load_notebook("n")
    assert notebook is not None
    return ["".join(output.content for output in notebook[one].outputs) for one in cell_ids]


def failure(future: Any) -> NotYetWritten:
    error = future.exception(10)
    assert isinstance(error, NotYetWritten)
    assert "disk is full" in str(error)
    return error


@pytest.fixture
def notebook(store: Store) -> Notebook:
    notebook = Notebook(id="n", cells=[CodeCell(id=one) for one in "abc"])
    store.submit(CreateNotebook(notebook)).result(10)
    return notebook


def test_the_end_of_a_call_is_kept_and_read(disk: Disk, store: Store, make_call: MakeCall) -> None:
    call = make_call()
    store.calls.begin_call(call).result(10)
    ended = replace(
        call,
        state="completed",
        text=LONG,
        usage=Usage(input_tokens=2, output_tokens=3),
        price_usd=0.5,
    )
    disk.is_full = True
    error = failure(store.calls.end_call(ended))

    def look() -> None:
        assert store.calls.load_call(call.id) == ended
        assert store.calls.list_calls() == [ended]
        assert store.calls.answers("n", call.identity) == store.calls.answered("n") == [ended]
        assert store.calls.answers("n", "1" * 64) == store.calls.answered("other") == []
        assert store.calls.spending("n") == (1, 5, 0.5, 0, 0, 0.0)
        assert store.calls.spending("other") == (0, 0, 0.0, 0, 0, 0.0)

    look()
    with pytest.raises(StorageError, match="disk is full") as refused:
        store.calls.begin_call(make_call(content=LONG)).result(10)
    assert not isinstance(refused.value, NotYetWritten)  # it has not been sent
    disk.is_full = False
    error.written.result(10)
    look()
    assert store.calls.unwritten == 0


def test_what_was_kept_is_written_first_and_in_order(
    disk: Disk, store: Store, notebook: Notebook
) -> None:
    a, b, c = notebook
    disk.is_full = True
    errors = []
    for cell, text in ((a, "1"), (b, "2"), (a, "3")):
        cell.outputs = [Output.stdout(text + LONG)]
        errors.append(failure(store.submit(WriteCell("n", cell), keep=True)))
    # A change that somebody makes is refused, whether or not there is room for it alone.
    c.content = "new"
    with pytest.raises(StorageError, match="disk is full"):
        store.submit(WriteCell("n", c)).result(10)
    with pytest.raises(StorageError, match="disk is full"):
        store.submit(UpdateNotebook(notebook_id="n", name="New")).result(10)
    assert outputs_of(store, "a", "b") == ["", ""]
    assert store.connection.kept == 2  # the first of `a` is overwritten by the last
    disk.is_full = False
    a.outputs = [Output.stdout("4")]
    store.submit(WriteCell("n", a)).result(10)
    assert outputs_of(store, "a", "b", "c") == ["4", "2" + LONG, ""]
    for error in errors:
        error.written.result(10)


def test_what_cannot_be_written_any_more_stops_nothing(
    disk: Disk, store: Store, notebook: Notebook
) -> None:
    a, b, _ = notebook
    disk.is_full = True
    errors = []
    for cell in (a, b):
        cell.outputs = [Output.stdout(LONG)]
        errors.append(failure(store.submit(WriteCell("n", cell), keep=True)))
    # A cell that is gone by the time that there is room.
    connection = store.connection.backend.engine.raw_connection()
    connection.cursor().execute("DELETE FROM cells WHERE id = 'a'")
    connection.commit()
    connection.close()
    disk.is_full = False
    with pytest.raises(StorageError, match="no cell"):
        errors[0].written.result(10)
    errors[1].written.result(10)
    assert outputs_of(store, "b") == [LONG]
    store.submit(InsertCell("n", CodeCell(id="a"), None)).result(10)
    store.submit(DeleteCell("n", "a")).result(10)


def test_a_store_that_closes_writes_what_it_has_kept(
    disk: Disk, store: Store, notebook: Notebook, database_url: str
) -> None:
    notebook["a"].outputs = [Output.stdout(LONG)]
    disk.is_full = True
    failure(store.submit(WriteCell("n", notebook["a"]), keep=True))
    disk.is_full = False
    store.close()
    with Store(database_url) as again:
        assert outputs_of(again, "a") == [LONG]


def test_a_store_that_closes_says_what_is_lost(
    disk: Disk, store: Store, notebook: Notebook, caplog: pytest.LogCaptureFixture
) -> None:
    notebook["a"].outputs = [Output.stdout(LONG)]
    disk.is_full = True
    failure(store.submit(WriteCell("n", notebook["a"]), keep=True))
    with caplog.at_level(logging.ERROR):
        store.close()
    assert "is lost (changes: 1)" in caplog.text
    assert "disk is full" in caplog.text
