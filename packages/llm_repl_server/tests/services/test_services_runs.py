"""What is known of runs, and what of them is forgotten."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from msgspec.structs import replace

from llm_repl_server.services import run_registry
from llm_repl_server.services.run_registry import RunRegistry
from llm_repl_server.storage.run_record import RunRecord


def record(run_id, notebook_id="n", cell_ids=("c",)):
    return RunRecord(
        id=run_id,
        notebook_id=notebook_id,
        cell_ids=cell_ids,
        total=len(cell_ids),
        created_at=datetime.now(UTC),
    )


def test_a_run_goes_through_its_states():
    runs = RunRegistry()
    runs.begin(record("r", cell_ids=("a", "b")), kept=True)
    assert runs.find("r").state == "queued"
    assert runs.is_kept("r")
    assert runs.start("r").state == "running"
    runs.progress("r", 1)
    assert runs.find("r").completed == 1
    ended = runs.end("r", "completed")
    assert (ended.state, ended.completed) == ("completed", 2)
    assert ended.started_at <= ended.ended_at
    assert runs.end("r", "interrupted") is None
    assert runs.find("r") == ended
    assert not runs.is_kept("another")


def test_the_latest_that_ended_are_remembered(monkeypatch):
    monkeypatch.setattr(run_registry, "ENDED_LIMIT", 10)
    runs = RunRegistry()
    runs.begin(record("open"), kept=False)
    for number in range(30):
        runs.begin(record(str(number)), kept=False)
        runs.end(str(number), "completed")
    assert [runs.find(str(number)) is not None for number in (0, 19, 20, 29)] == [
        False, False, True, True
    ]  # fmt: skip
    assert runs.find("open") is not None
    assert len(runs.of_notebook("n")) == 11


def test_runs_stay_in_order_when_the_clock_is_set_back():
    runs = RunRegistry(last_number=5)
    noon = datetime(2026, 5, 5, 12, tzinfo=UTC)
    begun = [
        runs.begin(replace(record(name), created_at=noon - timedelta(hours=back)), kept=True)
        for name, back in (("a", 0), ("b", 2), ("c", 1))
    ]
    assert [one.number for one in begun] == [6, 7, 8]
    runs.end("b", "completed")
    assert [one.id for one in runs.of_notebook("n")] == ["a", "b", "c"]


def test_a_run_fails_whose_cells_could_not_be_written():
    runs = RunRegistry()
    runs.begin(record("ended"), kept=True)
    runs.end("ended", "completed")
    failed = runs.fail("ended", "No room.", "c")
    assert (failed.state, failed.error, failed.cell_id) == ("failed", "No room.", "c")
    assert runs.find("ended") == failed
    runs.begin(record("open"), kept=True)
    assert runs.fail("open", "No room.", "c") is None
    assert runs.end("open", "completed").state == "failed"
    runs.begin(record("stopped"), kept=True)
    runs.fail("stopped", "No room.", "c")
    assert runs.end("stopped", "interrupted", "Stopped.").error == "Stopped."
    assert runs.fail("stopped", "No room.", "c") is None
    assert runs.fail("nobody", "No room.", "c") is None


def test_what_is_not_known_is_passed_over():
    runs = RunRegistry()
    assert runs.start("nobody") is None
    runs.progress("nobody", 1)
    assert runs.end("nobody", "failed", "Why.") is None
    assert runs.find("nobody") is None


def test_only_runs_of_the_cell_alone_wait_for_it():
    runs = RunRegistry()
    for name, notebook_id, cell_ids in (
        ("alone", "n", ("c",)),
        ("along", "n", ("c", "d")),
        ("other", "m", ("c",)),
        ("runs", "n", ("c",)),
    ):
        runs.begin(record(name, notebook_id, cell_ids), kept=False)
    runs.start("runs")
    assert runs.waiting_for("c", "n") == ["alone"]
