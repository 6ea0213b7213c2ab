"""What is told of what happens: in which order, and not before it is on disk."""

from __future__ import annotations

import json
import sqlite3
import threading
from concurrent.futures import Future

import pytest

from llm_repl_core import StorageError

ENDINGS = ("cell_execution_completed", "cell_execution_failed")


def check_order(told):
    """Every cell that starts ends in exactly one ending, before it starts again."""
    running = set()
    for announced in told:
        cell = announced.payload.get("cell_id")
        if announced.event == "cell_execution_started":
            assert cell not in running
            running.add(cell)
        elif announced.event in ENDINGS:
            assert cell in running
            running.remove(cell)
    assert not running


EXECUTIONS = {
    f"{what}_execution_{how}"
    for what in ("cell", "notebook")
    for how in ("started", "completed", "failed")
}


def executions(api):
    """What was told of starts and ends; what comes between is looked at elsewhere."""
    return [announced for announced in api.events() if announced.event in EXECUTIONS]


def test_a_cell_starts_and_completes(api):
    path = api.new_notebook("print(1)")
    cell_id = api.cells(path)[0]["id"]
    answer = api.run(f"{path}/cells/{cell_id}")
    started, completed = executions(api)
    assert started.event == "cell_execution_started"
    assert completed.event == "cell_execution_completed"
    for announced in (started, completed):
        assert announced.payload["notebook_id"] == path[15:]
        assert announced.payload["cell_id"] == cell_id
    assert completed.payload["outputs"] == answer["outputs"]
    assert completed.payload["execution_count"] == answer["execution_count"]
    assert started.payload["run_id"] == completed.payload["run_id"]


def test_a_cell_starts_and_fails(api):
    path = api.new_notebook("1 / 0")
    answer = api.run(f"{path}/cells/{api.cells(path)[0]['id']}")
    started, failed = executions(api)
    assert (started.event, failed.event) == ("cell_execution_started", "cell_execution_failed")
    assert failed.payload["error"] == "ZeroDivisionError: division by zero"
    assert failed.payload["outputs"] == answer["outputs"]
    assert failed.payload["status"] == "error"


@pytest.mark.parametrize("kernel", ["in_process", "worker"])
def test_execute_all_is_told_around_the_cells(make_api, kernel):
    api = make_api(kernel=kernel)
    good, bad = api.new_notebook("1", "2"), api.new_notebook("1", "1 / 0", "3")
    api.post(f"{good}/execute_all")
    cell = ["cell_execution_started", "cell_execution_completed"]
    assert [announced.event for announced in executions(api)] == [
        "notebook_execution_started", *cell, *cell, "notebook_execution_completed"
    ]  # fmt: skip
    api.told.clear()
    api.post(f"{bad}/execute_all")
    assert [announced.event for announced in executions(api)] == [
        "notebook_execution_started", *cell,
        "cell_execution_started", "cell_execution_failed", "notebook_execution_failed",
    ]  # fmt: skip
    failed = executions(api)[-1].payload
    assert failed["error"] == "ZeroDivisionError: division by zero"
    assert failed["cell_id"] == api.cells(bad)[1]["id"]


def test_one_cell_is_no_notebook(api):
    path = api.new_notebook("1")
    api.run(f"{path}/cells/{api.cells(path)[0]['id']}")
    assert not api.events("notebook_execution_started", "notebook_execution_completed")


@pytest.mark.parametrize("how", ["interrupt", "restart", "kernel dies", "delete", "stop"])
def test_every_start_has_its_end(make_api, until, how, root):
    api = make_api(kernel="worker")
    code = "import os, pathlib, time\npathlib.Path('pid').write_text(str(os.getpid()))\ntime.sleep(100)"
    path = api.new_notebook("1", code, "3")
    run = threading.Thread(target=api.post, args=(f"{path}/execute_all",), daemon=True)
    run.start()
    until((root / "pid").exists, "the second cell runs")
    if how == "kernel dies":
        import os
        import signal

        until((root / "pid").read_text, "the process says who it is")
        os.kill(int((root / "pid").read_text()), signal.SIGKILL)
    elif how == "delete":
        api.delete(path)
    elif how == "stop":
        api.services.close()
    else:
        api.post(f"{path}/{how}")
    run.join(30)
    assert not run.is_alive()
    until(
        lambda: any(announced.event == "notebook_execution_failed" for announced in api.told),
        "the end",
    )
    told = [announced for announced in api.told if announced.event in EXECUTIONS]
    check_order(told)
    assert [announced.event for announced in told][-3:] == [
        "cell_execution_started", "cell_execution_failed", "notebook_execution_failed"
    ]  # fmt: skip
    status = "error" if how == "kernel dies" else "interrupted"
    assert told[-2].payload["status"] == status
    assert told[-2].payload["outputs"][-1]["type"] == "error"


def test_what_is_told_is_on_disk(make_api, folders):
    api = make_api()
    database = sqlite3.connect(folders / "data" / "llm-repl.db", check_same_thread=False)
    seen = []

    def look(announced):
        """In the engine's loop, at the moment of telling: what another process would find."""
        notebook_id = announced.notebook_id
        (count,) = database.execute(
            "SELECT count(*) FROM notebooks WHERE id = ? AND deleted_at IS NULL", (notebook_id,)
        ).fetchone()
        cells = database.execute(
            "SELECT id, content, outputs, status FROM cells WHERE notebook_id = ?", (notebook_id,)
        ).fetchall()
        seen.append((announced, count, {cell[0]: cell[1:] for cell in cells}))

    api.listen(look)
    path = api.new_notebook("print('x' * 1000)")
    cell = f"{path}/cells/{api.cells(path)[0]['id']}"
    for _ in range(20):
        api.run(cell)
        api.put(cell, {"content": f"print('{'y' * 1000}')"})
        api.run(cell)
        api.put(cell, {"content": "print('x' * 1000)"})
    api.delete(cell)
    api.delete(path)
    # Each run has its start and end, each cell its start and its end; and its output, the line end
    # of which may come later than the text, in an event of its own.
    whole = [announced for announced, _, _ in seen if announced.event != "cell_execution_output"]
    assert len(whole) == 2 + 20 * (2 * 4 + 2) + 2
    assert len(seen) - len(whole) >= 2 * 20
    for announced, count, cells in seen:
        content, outputs, status = cells.get(announced.payload.get("cell_id"), (None, None, None))
        match announced.event:
            case "notebook_created" | "cell_deleted":
                assert (count, cells) == (1, {})
            case "cell_created" | "cell_changed":
                assert content == announced.payload["cell"]["content"]
                assert (json.loads(outputs), status) == ([], "idle")
            case "cell_execution_completed":
                assert json.loads(outputs) == announced.payload["outputs"]
                assert status == "completed"
            case "notebook_deleted":
                assert (count, cells) == (0, {})
    database.close()


def test_an_ending_that_cannot_be_stored_is_a_failure(make_api, monkeypatch):
    api = make_api()
    path = api.new_notebook("print(1)")
    cell = f"{path}/cells/{api.cells(path)[0]['id']}"
    submit = api.services.store.submit

    def full(*changes, keep=False):
        submit(*changes).result()
        future: Future[None] = Future()
        future.set_exception(StorageError("The disk is full."))
        return future

    monkeypatch.setattr(api.services.store, "submit", full)
    answer = api.post(f"{cell}/execute")
    assert (answer.status_code, answer.json["code"]) == (409, "storage")
    started, failed = executions(api)
    assert (started.event, failed.event) == ("cell_execution_started", "cell_execution_failed")
    assert "The disk is full." in failed.payload["error"]
    assert [one["type"] for one in failed.payload["outputs"]] == ["stdout", "error"]
    assert failed.payload["status"] == "error"


def test_what_could_not_be_stored_is_not_told(make_api, monkeypatch):
    api = make_api()
    path = api.new_notebook("x")
    api.told.clear()
    future: Future[None] = Future()
    future.set_exception(StorageError("The disk is full."))
    monkeypatch.setattr(api.services.store, "submit", lambda *changes, keep=False: future)
    assert api.put(path, {"name": "New"}).status_code == 409
    # Who has read the notebook meanwhile is to read it again.
    assert {told.event for told in api.events()} == {"resync"}
    numbers = [told.payload["sequence"] for told in api.events()]
    assert numbers == list(range(numbers[0], numbers[0] + len(numbers)))


def test_a_listener_that_fails_stops_nobody(make_api, caplog):
    api = make_api()

    def fail(announced):
        raise RuntimeError("broken listener")

    api.listen(fail)
    path = api.new_notebook("1")
    assert api.post(f"{path}/execute_all").json == {"success": True}
    assert api.events("notebook_execution_completed")
    assert "broken listener" in caplog.text


def test_many_at_once_are_told_in_order(make_api):
    api = make_api()
    paths = [api.new_notebook("1", "2", "3") for _ in range(4)]

    def work(path):
        for _ in range(5):
            api.post(f"{path}/execute_all")

    threads = [threading.Thread(target=work, args=(path,)) for path in paths for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    for path in paths:
        told = [announced for announced in executions(api) if announced.notebook_id == path[15:]]
        assert len(told) == 10 * (2 + 3 * 2)
        check_order(told)
