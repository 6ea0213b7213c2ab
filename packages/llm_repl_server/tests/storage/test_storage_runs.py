"""Runs come back as they were written, and end when their server does."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from msgspec.structs import replace

from llm_repl_core.errors import StorageError
from llm_repl_core.model.notebook import Notebook
from llm_repl_server.storage.changes import CreateNotebook, DeleteNotebook, WriteRun
from llm_repl_server.storage.run_record import RunRecord
from llm_repl_server.storage.store import Store

START = datetime(2026, 1, 31, 10, tzinfo=UTC)


def run(id: str = "r", **fields: Any) -> RunRecord:
    return RunRecord(**{"id": id, "notebook_id": "n", "created_at": START, **fields})


@pytest.fixture(autouse=True)
def notebook(store: Store) -> None:
    store.submit(CreateNotebook(Notebook(id="n"))).result(10)


def test_every_field_of_a_run_comes_back(store: Store) -> None:
    full = run(
        "any\x00",
        number=7,
        state="failed",
        kind="cells",
        cell_ids=("a", "\ud800"),
        mode="replay",
        completed=1,
        total=2,
        error="It \x00 failed.",
        cell_id="\ud800",
        started_at=START + timedelta(seconds=1),
        ended_at=START + timedelta(seconds=2),
    )
    store.submit(WriteRun(full)).result(10)
    assert store.runs.load_run(full.id) == full
    assert store.runs.load_run("nowhere") is None


def test_a_run_is_written_over(store: Store) -> None:
    store.submit(WriteRun(run())).result(10)
    changed = run(state="running", started_at=START, total=3)
    store.submit(WriteRun(changed)).result(10)
    assert store.runs.load_run("r") == changed
    assert store.runs.list_runs("n") == [changed]


def test_a_run_belongs_to_a_notebook(store: Store) -> None:
    with pytest.raises(StorageError, match="'r' cannot be stored: there is no notebook 'other'"):
        store.submit(WriteRun(run(notebook_id="other"))).result(10)
    store.submit(WriteRun(run())).result(10)
    store.submit(DeleteNotebook("n")).result(10)
    assert store.runs.load_run("r") is None


def test_the_latest_runs_come_first(store: Store) -> None:
    # The clock runs backwards: the numbers count.
    runs = [run(str(n), number=n, created_at=START - timedelta(hours=n)) for n in range(5)]
    assert store.runs.last_run_number() == 0
    store.submit(*(WriteRun(one) for one in (*runs[3:], *runs[:3]))).result(10)
    assert store.runs.list_runs("n") == runs[::-1]
    assert store.runs.list_runs("n", 2) == [runs[4], runs[3]]
    assert store.runs.list_runs("other") == []
    assert store.runs.last_run_number() == 4


def test_what_a_server_left_running_is_interrupted(store: Store, database_url: str) -> None:
    runs = [run("q"), run("u", state="running"), run("c", state="completed", ended_at=START)]
    store.submit(*(WriteRun(one) for one in runs)).result(10)
    store.close()
    with Store(database_url) as again:
        for one in runs[:2]:
            found = again.runs.load_run(one.id)
            assert found is not None
            assert found.ended_at is not None
            assert found == replace(
                one,
                state="interrupted",
                error="The server ended while it ran.",
                ended_at=found.ended_at,
            )
        assert again.runs.load_run("c") == runs[2]
