"""What is stored is what is loaded."""

from __future__ import annotations

import asyncio
import threading
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from llm_repl_core.errors import InvalidInput, StorageError
from llm_repl_core.model.cell import CodeCell, MarkdownCell, PromptCell
from llm_repl_core.model.notebook import Notebook
from llm_repl_core.model.output import Output
from llm_repl_server.storage.changes import (
    CreateNotebook,
    DeleteCell,
    DeleteNotebook,
    InsertCell,
    PutSetting,
    UpdateNotebook,
    WriteCell,
)
from llm_repl_server.storage.store import NotebookListing, Store

EAST = timezone(timedelta(hours=5, minutes=30))
any_text = st.text(st.characters(codec=None) | st.sampled_from("\x00\x1a\ud83d\ude00"))


def full_notebook() -> Notebook:
    return Notebook(
        "A name \ud800",
        id="any text\x00",
        cells=[MarkdownCell(content="# hi"), PromptCell(content="{x}", temperature=0.0)],
        created_at=datetime(2026, 1, 2, 3, 4, 5, 678, EAST),
        updated_at=datetime(2026, 1, 2, 3, 4, 6, 789, UTC),
        metadata={"kernel": "python3", "nan": [None]},
        memory={"pi": 3.14, "big": 2**80, "inf": float("inf"), "none": None},
        state_keys=["x", "ü"],
        extra={"newer": {"a": [1]}},
    )


def test_a_notebook_comes_back(store: Store) -> None:
    notebook = full_notebook()
    store.submit(CreateNotebook(notebook)).result(10)
    loaded = store.load_notebook(notebook.id)
    assert loaded == notebook
    assert loaded is not None
    assert loaded.created_at.utcoffset() == timedelta(hours=5, minutes=30)


def test_a_notebook_comes_back_after_reopening(database_url: str) -> None:
    notebook = full_notebook()
    with Store(database_url) as store:
        store.submit(CreateNotebook(notebook), PutSetting("a", 1))  # closing waits for it
    with Store(database_url) as store:
        assert store.load_notebook(notebook.id) == notebook
        assert store.load_settings() == {"a": 1}


def test_an_unknown_notebook_is_none(store: Store) -> None:
    assert store.load_notebook("nowhere") is None


@given(name=any_text, content=any_text, output=any_text, cell_id=any_text)
@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_text_survives(
    store: Store, name: str, content: str, output: str, cell_id: str
) -> None:
    cell = CodeCell(id=cell_id, content=content, outputs=[Output("stdout", output, {name: output})])
    notebook = Notebook(name, cells=[cell], metadata={name: content})
    store.submit(CreateNotebook(notebook)).result(10)
    assert store.load_notebook(notebook.id) == notebook
    store.submit(WriteCell(notebook.id, cell)).result(10)
    assert store.load_notebook(notebook.id) == notebook
    store.submit(DeleteCell(notebook.id, cell_id), DeleteNotebook(notebook.id)).result(10)
    assert store.load_notebook(notebook.id) is None


def test_the_list_is_in_order_of_creation(store: Store) -> None:
    start = datetime(2026, 1, 1, tzinfo=UTC)
    notebooks = [
        Notebook("second", id="b", created_at=start + timedelta(hours=1)),
        # An hour later by the clock on the wall, and yet the first.
        Notebook("first", id="z", created_at=start.astimezone(timezone(timedelta(hours=2)))),
        Notebook("third", id="c", created_at=start + timedelta(hours=1), cells=[CodeCell()]),
    ]
    store.submit(*(CreateNotebook(notebook) for notebook in notebooks)).result(10)
    assert [summary.id for summary in store.list_notebooks()] == ["z", "b", "c"]
    third = notebooks[2]
    assert store.list_notebooks()[2] == NotebookListing(
        "c", "third", third.created_at, third.updated_at, 1
    )


def test_updating_changes_what_is_given_only(store: Store) -> None:
    notebook = full_notebook()
    store.submit(CreateNotebook(notebook)).result(10)
    later = datetime(2027, 1, 1, tzinfo=UTC)
    notebook.name, notebook.updated_at = "new", later
    update = UpdateNotebook(notebook_id=notebook.id, name="new", updated_at=later)
    store.submit(update).result(10)
    assert store.load_notebook(notebook.id) == notebook
    notebook.memory, notebook.state_keys, notebook.metadata, notebook.extra = {"a": 1}, [], {}, {}
    store.submit(
        UpdateNotebook(
            notebook_id=notebook.id, memory={"a": 1}, state_keys=[], metadata={}, extra={}
        )
    ).result(10)
    assert store.load_notebook(notebook.id) == notebook


def test_an_update_of_nothing_is_refused(store: Store) -> None:
    with pytest.raises(InvalidInput, match="at least one field"):
        store.submit(UpdateNotebook(notebook_id="a"))


def test_what_is_no_json_is_refused_with_one_sentence(store: Store) -> None:
    with pytest.raises(StorageError, match=r"A PutSetting holds a value .* object"):
        store.submit(PutSetting("a", object()))  # type: ignore[arg-type]  # that is the point


def test_updates_of_different_columns_keep_their_order(store: Store) -> None:
    notebook = Notebook("n", cells=[CodeCell(id="a")])
    store.submit(CreateNotebook(notebook)).result(10)
    times = [datetime(2026, 1, day, tzinfo=UTC) for day in (1, 2, 3)]
    store.submit(
        UpdateNotebook(notebook_id=notebook.id, updated_at=times[0]),
        WriteCell(notebook.id, CodeCell(id="a", content="1")),
        UpdateNotebook(notebook_id=notebook.id, name="x", updated_at=times[2]),
        WriteCell(notebook.id, CodeCell(id="a", content="2")),
        UpdateNotebook(notebook_id=notebook.id, updated_at=times[1]),
    ).result(10)
    loaded = store.load_notebook(notebook.id)
    assert loaded is not None
    assert (loaded.name, loaded.updated_at, loaded["a"].content) == ("x", times[1], "2")


def test_a_cell_that_is_made_anew_is_not_overwritten_by_what_came_before(store: Store) -> None:
    notebook = Notebook("n", cells=[CodeCell(id="a")])
    store.submit(
        CreateNotebook(notebook),
        WriteCell(notebook.id, CodeCell(id="a", content="old")),
        DeleteCell(notebook.id, "a"),
        InsertCell(notebook.id, CodeCell(id="a", content="new")),
    ).result(10)
    loaded = store.load_notebook(notebook.id)
    assert loaded is not None
    assert loaded["a"].content == "new"


def test_cells_of_different_notebooks_may_share_an_id(store: Store) -> None:
    one = Notebook(cells=[CodeCell(id="a", content="1")])
    two = Notebook(cells=[CodeCell(id="a", content="2")])
    store.submit(CreateNotebook(one), CreateNotebook(two)).result(10)
    store.submit(WriteCell(one.id, CodeCell(id="a", content="3"))).result(10)
    assert store.load_notebook(two.id) == two
    store.submit(DeleteNotebook(one.id)).result(10)
    assert store.load_notebook(two.id) == two


def test_what_changes_after_submit_is_not_stored(store: Store) -> None:
    cell = CodeCell(content="before", metadata={"tags": ["before"]})
    notebook = Notebook("before", cells=[cell])
    # Nothing is written before the first future, however slow or fast the writer is.
    futures = [store.submit(CreateNotebook(notebook)), store.submit(WriteCell(notebook.id, cell))]
    cell.content, notebook.name = "after", "after"
    cell.outputs.append(Output.stdout("after"))
    cell.metadata["tags"].append("after")  # type: ignore[union-attr]  # it is a list
    notebook.insert(CodeCell())
    for future in futures:
        future.result(10)
    loaded = store.load_notebook(notebook.id)
    assert loaded is not None
    assert loaded.name == "before"
    assert loaded.cells == (CodeCell(id=cell.id, content="before", metadata={"tags": ["before"]}),)


def test_settings_are_set_and_set_again(store: Store) -> None:
    assert store.load_settings() == {}
    store.submit(PutSetting("a", {"x": [1]}), PutSetting("b\x00", None)).result(10)
    store.submit(PutSetting("a", "new")).result(10)
    assert store.load_settings() == {"a": "new", "b\x00": None}


def test_nothing_submitted_is_a_barrier(store: Store) -> None:
    notebook = Notebook()
    store.submit(CreateNotebook(notebook))
    store.submit().result(10)
    assert store.load_notebook(notebook.id) == notebook


def test_who_stops_waiting_does_not_undo(store: Store) -> None:
    notebook = Notebook()

    async def give_up() -> None:
        waiting = asyncio.wrap_future(store.submit(CreateNotebook(notebook)))
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting

    asyncio.run(give_up())
    store.submit().result(10)
    assert store.load_notebook(notebook.id) == notebook


def test_reads_from_other_threads_see_what_has_resolved(store: Store) -> None:
    notebook = Notebook(cells=[CodeCell(id="a")])
    store.submit(CreateNotebook(notebook)).result(10)
    problems: list[str] = []

    def write_and_read(name: str) -> None:
        for number in range(30):
            cell = CodeCell(id=name, content=str(number))
            change = InsertCell(notebook.id, cell) if number == 0 else WriteCell(notebook.id, cell)
            store.submit(change).result(10)
            loaded = store.load_notebook(notebook.id)
            if loaded is None or loaded[name].content != str(number):
                problems.append(f"{name} {number}")

    threads = [threading.Thread(target=write_and_read, args=(f"t{n}",)) for n in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert problems == []


def test_a_closed_store_says_so(database_url: str) -> None:
    store = Store(database_url)
    with pytest.raises(StorageError, match="not open"):
        store.list_notebooks()
    store.open()
    with pytest.raises(StorageError, match="open already"):
        store.open()
    store.close()
    store.close()
    with pytest.raises(StorageError, match="not open"):
        store.submit(PutSetting("a", 1))
    with pytest.raises(StorageError, match="not open"):
        store.load_settings()
