"""A group is made whole or not at all, whatever it shares a transaction with."""

from __future__ import annotations

import threading
from collections.abc import Callable

import pytest

from llm_repl_core.errors import StorageError
from llm_repl_core.model.cell import CodeCell
from llm_repl_core.model.notebook import Notebook
from llm_repl_server.storage import writer
from llm_repl_server.storage.changes import (
    Change,
    CreateNotebook,
    DeleteCell,
    DeleteNotebook,
    InsertCell,
    PutSetting,
    ReorderCell,
    UpdateNotebook,
    WriteCell,
)
from llm_repl_server.storage.database import Database
from llm_repl_server.storage.operations import apply_operations
from llm_repl_server.storage.store import Store


@pytest.fixture
def hold(store: Store, monkeypatch: pytest.MonkeyPatch) -> Callable[[], threading.Event]:
    """Stops the writer, so that what is submitted meanwhile shares one transaction."""

    def stop() -> threading.Event:
        go_on, reached = threading.Event(), threading.Event()
        original = apply_operations

        def wait(database: object, operations: object) -> None:
            monkeypatch.setattr(writer, "apply_operations", original)
            reached.set()
            assert go_on.wait(10)

        monkeypatch.setattr(writer, "apply_operations", wait)
        store.submit()
        assert reached.wait(10)
        return go_on

    return stop


def test_a_wrong_group_fails_alone(store: Store, hold: Callable[[], threading.Event]) -> None:
    notebook = Notebook("n", cells=[CodeCell(id="a")])
    store.submit(CreateNotebook(notebook)).result(10)
    go_on = hold()
    good = [store.submit(WriteCell(notebook.id, CodeCell(id="a", content="1")))]
    wrong = store.submit(
        PutSetting("from the wrong group", 1),
        WriteCell(notebook.id, CodeCell(id="a", content="2")),
        WriteCell(notebook.id, CodeCell(id="missing")),
    )
    good.append(store.submit(InsertCell(notebook.id, CodeCell(id="b"))))
    taken = store.submit(InsertCell(notebook.id, CodeCell(id="b")))
    good.append(store.submit(PutSetting("good", 1)))
    go_on.set()
    for future in good:
        future.result(10)
    with pytest.raises(StorageError, match="no cell 'missing'"):
        wrong.result(10)
    with pytest.raises(StorageError, match="'b' cannot be put"):
        taken.result(10)
    loaded = store.load_notebook(notebook.id)
    assert loaded is not None
    assert [(cell.id, cell.content) for cell in loaded] == [("a", "1"), ("b", "")]
    assert store.load_settings() == {"good": 1}


def test_what_waits_shares_a_commit_and_keeps_its_order(
    store: Store, hold: Callable[[], threading.Event], monkeypatch: pytest.MonkeyPatch
) -> None:
    notebook = Notebook("n", cells=[CodeCell(id="a")])
    store.submit(CreateNotebook(notebook)).result(10)
    commits: list[Database] = []
    original = Database.commit

    def commit(database: Database) -> None:
        commits.append(database)
        original(database)

    monkeypatch.setattr(Database, "commit", commit)
    go_on = hold()
    futures = [
        store.submit(WriteCell(notebook.id, CodeCell(id="a", content=str(number))))
        for number in range(100)
    ]
    go_on.set()
    for future in futures:
        future.result(10)
    loaded = store.load_notebook(notebook.id)
    assert loaded is not None
    assert loaded["a"].content == "99"
    assert len(commits) == 2  # the one that was held, and the hundred


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (CreateNotebook(Notebook(id="n")), "There is a notebook 'n' already"),
        (UpdateNotebook(notebook_id="x", name="y"), "There is no notebook 'x'"),
        (DeleteNotebook("x"), "There is no notebook 'x'"),
        (InsertCell("x", CodeCell(id="c")), "there is no such notebook"),
        (InsertCell("n", CodeCell(id="a")), "has a cell of that id already"),
        (InsertCell("n", CodeCell(id="c"), "x"), "has no cell 'x'"),
        (ReorderCell("n", "x"), "has no cell 'x'"),
        (ReorderCell("n", "x", "x"), "has no cell 'x'"),
        (ReorderCell("n", "a", "x"), "has no cell 'x'"),
        (WriteCell("n", CodeCell(id="x")), "has no cell 'x'"),
        (WriteCell("x", CodeCell(id="a")), "'x' has no cell 'a'"),
        (DeleteCell("n", "x"), "has no cell 'x'"),
    ],
)
def test_what_cannot_be_done_says_so_in_one_sentence(
    store: Store, change: Change, sentence: str
) -> None:
    notebook = Notebook(id="n", cells=[CodeCell(id="a")])
    store.submit(CreateNotebook(notebook)).result(10)
    future = store.submit(PutSetting("half", True), change)
    with pytest.raises(StorageError, match=sentence):
        future.result(10)
    assert store.load_settings() == {}
    assert store.load_notebook("n") == notebook
    store.submit(PutSetting("after", True)).result(10)


def test_an_error_of_ours_fails_the_group_and_not_the_writer(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*arguments: object) -> None:
        raise ZeroDivisionError("a defect")

    with monkeypatch.context() as patch:
        patch.setattr(Database, "run", fail)
        with pytest.raises(StorageError, match="a defect"):
            store.submit(PutSetting("a", 1)).result(10)
    store.submit(PutSetting("a", 2)).result(10)
    assert store.load_settings() == {"a": 2}
