"""Running cells over the API, stopping them, and the state that they leave."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator

import pytest

from llm_repl_core import Delta, Provider, Request, hookimpl

KERNELS = ["in_process", "worker"]


@pytest.fixture(params=KERNELS)
def api(request, make_api):
    return make_api(kernel=request.param)


def only_cell(api, path, place=0):
    return f"{path}/cells/{api.cells(path)[place]['id']}"


def wait_running(api, until, cell):
    until(lambda: api.get(cell).json["status"] == "running", "the cell runs")


def test_a_cell_is_run(api):
    path = api.new_notebook("x = 41\nprint('hi')\nx + 1")
    cell = only_cell(api, path)
    answer = api.run(cell)
    assert answer.keys() >= {"id", "outputs", "status"}
    assert (answer["status"], answer["execution_count"]) == ("completed", 1)
    stdout, shown = answer["outputs"]
    assert stdout == {"type": "stdout", "content": "hi\n"}
    assert (shown["type"], shown["content"]) == ("display", "42")
    assert shown["data"]["text/plain"] == "42"
    assert "metadata" in shown
    stored = api.get(cell).json
    assert (stored["outputs"], stored["status"]) == (answer["outputs"], "completed")


def test_a_cell_that_raises_is_an_answer(api):
    cell = only_cell(api, api.new_notebook("print(1)\nprint(2)\n1 / 0"))
    answer = api.run(cell)
    assert answer["status"] == "error"
    *_, error = answer["outputs"]
    assert (error["type"], error["content"]) == ("error", "ZeroDivisionError: division by zero")
    assert (error["ename"], error["evalue"]) == ("ZeroDivisionError", "division by zero")
    assert isinstance(error["traceback"], list)
    assert "ZeroDivisionError" in "".join(error["traceback"])


def test_every_type_of_cell_runs(api):
    path = api.new_notebook("who = 'world'", ("markdown", "# T"))
    prompt = api.new_cell(path, "prompt", "Hello {who}", model="echo", response_var="said")
    memory = api.new_cell(path, "memory", "kept = said.upper()")
    assert api.post(f"{path}/execute_all").json == {"success": True}
    (response,) = api.get(prompt).json["outputs"]
    assert response["type"] == "llm_response"
    assert (response["prompt"], response["content"]) == ("Hello world", "Hello world")
    assert response.keys() >= {"model", "usage"}
    (update,) = api.get(memory).json["outputs"]
    assert (update["type"], update["added"]) == ("memory_update", ["kept"])
    assert update["updated_state"] == {"kept": "HELLO WORLD"}
    assert api.cells(path)[1]["outputs"] == [{"type": "markdown", "content": "# T"}]
    state = api.get(f"{path}/state").json["state"]
    assert state["kept"] == "HELLO WORLD"
    assert state["said"] == "Hello world"


def test_execute_all_stops_at_the_first_that_fails(api):
    path = api.new_notebook("a = 1", "1 / 0", "b = 2")
    answer = api.post(f"{path}/execute_all")
    assert answer.status_code == 200
    assert answer.json == {
        "success": False,
        "error": "ZeroDivisionError: division by zero",
        "cell_id": api.cells(path)[1]["id"],
    }
    assert [cell["status"] for cell in api.cells(path)] == ["completed", "error", "idle"]
    assert api.get(f"{path}/state").json["state"] == {"a": 1}


def test_execute_all_of_nothing(api):
    assert api.post(f"{api.new_notebook()}/execute_all").json == {"success": True}


def test_a_syntax_error_is_an_answer(api):
    answer = api.run(only_cell(api, api.new_notebook("for")))
    assert (answer["status"], answer["outputs"][-1]["ename"]) == ("error", "SyntaxError")


def test_a_failing_provider_is_an_answer(api):
    path = api.new_notebook()
    cell = api.new_cell(path, "prompt", "Hi", model="mock/fail:rate_limited")
    answer = api.run(cell)
    assert (answer["status"], answer["outputs"][-1]["ename"]) == ("error", "RateLimited")
    missing = api.new_cell(path, "prompt", "Hi {nobody}")
    assert "nobody" in api.run(missing)["outputs"][-1]["content"]


def test_a_notebook_has_its_own_state(api):
    first, second = api.new_notebook("x = 1"), api.new_notebook("x")
    api.run(only_cell(api, first))
    assert api.run(only_cell(api, second))["outputs"][-1]["ename"] == "NameError"


def test_executions_of_one_notebook_queue_and_of_another_do_not_wait(make_api, until, in_thread):
    api = make_api(kernel="worker")
    slow = "import time\nwhile not go:\n    time.sleep(0.01)\norder.append('slow')"
    path = api.new_notebook("import pathlib\norder = []\ngo = False", slow, "order.append('next')")
    setup, slow_cell, next_cell = (f"{path}/cells/{cell['id']}" for cell in api.cells(path))
    api.run(setup)
    # What the slow cell waits for is a file: nothing else can reach into its kernel.
    marker = api.services.settings.root_folder() / "go"
    api.put(
        slow_cell,
        {"content": slow.replace("not go", f"not pathlib.Path({str(marker)!r}).exists()")},
    )
    first = in_thread(api.run, slow_cell)
    wait_running(api, until, slow_cell)
    second = in_thread(api.run, next_cell)
    other = api.new_notebook("1 + 1")
    assert api.run(only_cell(api, other))["status"] == "completed"
    assert api.get(slow_cell).json["status"] == "running"
    assert api.get(next_cell).json["status"] == "idle"
    marker.touch()
    assert first.result()["status"] == second.result()["status"] == "completed"
    assert api.get(f"{path}/state").json["state"]["order"] == ["slow", "next"]


def test_interrupt_stops_what_runs_and_what_waits(make_api, until, in_thread):
    api = make_api(kernel="worker")
    path = api.new_notebook("kept = 1", "import time\ntime.sleep(100)", "never = 1")
    first, slow, last = (f"{path}/cells/{cell['id']}" for cell in api.cells(path))
    api.run(first)
    running = in_thread(api.run, slow)
    wait_running(api, until, slow)
    waiting = in_thread(api.run, last)

    def both():
        runs = api.get(f"{path}/runs").json["runs"]
        return [one["state"] for one in runs if one["ended_at"] is None] == ["queued", "running"]

    until(both, "both are there")
    assert api.post(f"{path}/interrupt").json == {"success": True}
    stopped = running.result()
    assert (stopped["status"], stopped["outputs"][-1]["type"]) == ("interrupted", "error")
    assert waiting.result()["status"] == "idle"
    assert api.get(f"{path}/state").json == {"state": {"kept": 1}, "busy": False}


def test_interrupt_stops_a_prompt(api, until, in_thread):
    path = api.new_notebook()
    cell = api.new_cell(path, "prompt", "Hi", model="mock/echo+delay=100")
    running = in_thread(api.run, cell)
    wait_running(api, until, cell)
    api.post(f"{path}/interrupt")
    assert running.result()["status"] == "interrupted"


@pytest.mark.parametrize("what", ["interrupt", "restart"])
def test_there_may_be_nothing_to_stop(api, what):
    path = api.new_notebook("1")
    assert api.post(f"{path}/{what}").json == {"success": True}


def test_restart_begins_with_the_memory_only(api):
    path = api.new_notebook("x = 1", ("memory", "kept = 2"))
    api.post(f"{path}/execute_all")
    assert api.post(f"{path}/restart").json == {"success": True}
    state = api.get(f"{path}/state").json["state"]
    assert "x" not in state
    assert state["kept"] == 2
    assert api.run(only_cell(api, path))["execution_count"] == 1
    (event,) = api.events("kernel_restarted")
    assert event.payload["notebook_id"] == path[15:]


def test_restart_while_a_cell_runs(make_api, until, in_thread):
    api = make_api(kernel="worker")
    path = api.new_notebook("import time\ntime.sleep(100)")
    cell = only_cell(api, path)
    running = in_thread(api.run, cell)
    wait_running(api, until, cell)
    assert api.post(f"{path}/restart").status_code == 200
    assert running.result()["status"] == "interrupted"
    api.put(cell, {"content": "1"})
    assert api.run(cell)["status"] == "completed"


def test_a_kernel_that_dies_is_an_answer_and_the_next_run_has_a_new_one(make_api):
    api = make_api(kernel="worker")
    path = api.new_notebook("import os\nos._exit(7)", "1 + 1")
    died, after = (f"{path}/cells/{cell['id']}" for cell in api.cells(path))
    answer = api.run(died)
    assert (answer["status"], answer["outputs"][-1]["ename"]) == ("error", "KernelDied")
    assert api.get(path).json["kernel"]["state"] == "ended"
    answer = api.run(after)
    assert [one["type"] for one in answer["outputs"]] == ["warning", "display"]
    assert api.get(path).json["kernel"]["state"] == "idle"


def test_a_notebook_is_deleted_while_it_runs(make_api, until, in_thread):
    api = make_api(kernel="worker")
    path = api.new_notebook("import time\ntime.sleep(100)")
    cell = only_cell(api, path)
    running = in_thread(api.run, cell)
    wait_running(api, until, cell)
    assert api.delete(path).json == {"success": True}
    assert running.result()["status"] == "interrupted"
    assert api.get(path).status_code == 404
    names = [
        one.event
        for one in api.events()
        if one.event.endswith(("_started", "_failed", "_ended", "_deleted"))
    ]
    assert names == [
        "run_started", "cell_execution_started", "cell_execution_failed", "run_ended",
        "notebook_deleted",
    ]  # fmt: skip


def test_a_cell_is_deleted_while_it_runs(make_api, until, in_thread):
    api = make_api(kernel="worker")
    path = api.new_notebook("import time\ntime.sleep(0.5)\ndone = 1")
    cell = only_cell(api, path)
    running = in_thread(api.run, cell)
    wait_running(api, until, cell)
    assert api.delete(cell).status_code == 200
    assert running.result()["status"] == "completed"
    assert api.cells(path) == []
    assert api.get(f"{path}/state").json["state"]["done"] == 1
    assert len(api.events("cell_execution_completed")) == 1


def test_an_edit_during_a_run_stays(make_api, until, in_thread, root):
    api = make_api(kernel="worker")
    code = "import pathlib, time\npathlib.Path('began').touch()\ntime.sleep(0.5)\nprint('old')"
    path = api.new_notebook(code)
    cell = only_cell(api, path)
    running = in_thread(api.run, cell)
    until((root / "began").exists, "the code runs")
    assert api.put(cell, {"content": "print('new')"}).status_code == 200
    running.result()
    edited = api.get(cell).json
    assert (edited["content"], edited["outputs"], edited["status"]) == ("print('new')", [], "idle")
    (ended,) = api.events("cell_execution_completed")
    assert ended.payload["outputs"] == [{"type": "stdout", "content": "old\n"}]
    assert make_api(kernel="worker").get(cell).json == edited


def test_everything_else_answers_while_a_cell_runs(make_api, until, in_thread):
    api = make_api(kernel="worker")
    path = api.new_notebook("x = 1", "import time\ntime.sleep(100)", "b")
    first, slow, other = (f"{path}/cells/{cell['id']}" for cell in api.cells(path))
    api.run(first)
    api.get(f"{path}/state")
    running = in_thread(api.run, slow)
    wait_running(api, until, slow)
    assert api.get(f"{path}/state").json == {"state": {"x": 1}, "busy": True}
    assert api.get(path).json["state_keys"] == []
    assert api.put(other, {"content": "c"}).status_code == 200
    assert api.post(f"{other}/move", {"position": 0}).status_code == 200
    assert api.post(f"{other}/duplicate").status_code == 201
    assert api.post(f"{path}/save").status_code == 200
    assert api.get(f"{path}/download").status_code == 200
    assert api.put(path, {"name": "Renamed"}).status_code == 200
    api.post(f"{path}/interrupt")
    running.result()


WEIRD = r"""
import math
class Slow:
    def __repr__(self):
        import time
        time.sleep(10)
        return "slow"
class Broken:
    def __repr__(self):
        raise ValueError("no text")
nan = float("nan")
infinite = [1.0, math.inf]
raw = b"\x00\xff"
circle = []
circle.append(circle)
lone = "\ud800"
lone_key = {"\udfff": 1}
numbers_as_keys = {1: 2}
huge = 10 ** 5000
wide = 2 ** 70
deep = []
for _ in range(5000):
    deep = [deep]
a_set = {1}
tuple_ = (1, "b")
slow = Slow()
broken = Broken()
long = "x" * 3_000_000
good = {"a": [1, 2.5, None, True, "é"]}
"""


def test_state_of_weird_values(make_api):
    api = make_api(kernel="worker")
    pytest.importorskip("pandas")
    path = api.new_notebook(WEIRD, "import pandas\nframe = pandas.DataFrame({'a': [1, 2]})")
    assert api.post(f"{path}/execute_all").json == {"success": True}
    state = api.get(f"{path}/state").json["state"]
    assert state["good"] == {"a": [1, 2.5, None, True, "é"]}
    assert state["nan"] == "nan"
    assert state["infinite"] == "[1.0, inf]"
    assert state["circle"] == "[[...]]"
    assert state["raw"] == "b'\\x00\\xff'"
    assert state["wide"] in (2**70, str(2**70))
    assert "a" in state["frame"]
    assert state["tuple_"] == [1, "b"]
    assert "no text" in state["broken"]
    for name in ("lone", "lone_key", "numbers_as_keys", "huge", "deep", "a_set", "slow", "long"):
        assert isinstance(state[name], str | dict), name
    assert len(state["long"]) < 3_000_000


def test_outputs_of_weird_values(make_api):
    api = make_api(kernel="worker")
    code = (
        "from IPython.display import display\n"
        "display({'application/json': {'n': float('nan'), 's': '\\ud800', 'h': 2**70}}, raw=True)\n"
        "print('\\ud800', 'x\\0y')"
    )
    path = api.new_notebook(code)
    answer = api.run(only_cell(api, path))
    assert answer["status"] == "completed"
    cell = only_cell(api, path)
    assert make_api().get(cell).json["outputs"] == answer["outputs"]


def test_a_cell_of_a_type_that_nobody_knows_says_so(api, root):
    (root / "foreign.llmn").write_text(
        '{"notebook_id": "n", "name": "F", "cells": [{"cell_id": "c", "type": "Robot", "arm": 1}]}'
    )
    path = (
        f"/api/notebooks/{api.post('/api/notebooks/load', {'filepath': 'foreign.llmn'}).json['id']}"
    )
    answer = api.run(f"{path}/cells/c")
    assert (answer["status"], answer["outputs"][0]["ename"]) == ("error", "UnknownCellType")
    shown = api.get(f"{path}/cells/c").json
    assert shown["type"] == "Robot"
    assert api.put(f"{path}/cells/c", shown | {"content": "new"}).json["type"] == "Robot"


def test_a_kernel_that_nobody_has_is_named(make_api):
    api = make_api()
    path = api.new_notebook("1")
    api.put(path, {"metadata": {"llm_repl": {"kernel": "abacus"}}})
    answer = api.post(f"{only_cell(api, path)}/execute")
    assert (answer.status_code, answer.json["code"]) == (404, "no_such_kernel")
    assert "abacus" in answer.json["error"]


def test_a_cell_that_was_running_when_the_server_died_is_shown_as_interrupted(make_api, folders):
    import sqlite3

    path = make_api().new_notebook("1")
    api = make_api()
    cell = only_cell(api, path)
    make_api(database_url=f"sqlite:///{folders / 'other.db'}")  # lets go of the first database
    with sqlite3.connect(folders / "data" / "llm-repl.db") as database:
        assert database.execute("UPDATE cells SET status = 'running'").rowcount == 1
    database.close()
    assert make_api().get(cell).json["status"] == "interrupted"


def test_a_cell_that_was_deleted_while_it_ran_can_be_stopped(api, in_thread, until):
    path = api.new_notebook("import time\nwhile True: time.sleep(0.01)")
    cell = only_cell(api, path)
    running = in_thread(api.run, cell)
    wait_running(api, until, cell)
    assert api.delete(cell).status_code == 200
    assert api.post(f"{cell}/interrupt").status_code == 200
    running.result()
    assert api.post(f"{cell}/interrupt").status_code == 404


def test_what_a_running_cell_puts_out_after_its_outputs_were_cleared_is_kept(
    api, in_thread, until, tmp_path
):
    go = tmp_path / "go"
    path = api.new_notebook(
        "import pathlib, time\nprint('before', flush=True)\n"
        f"while not pathlib.Path({str(go)!r}).exists(): time.sleep(0.01)\nprint('after')"
    )
    cell = only_cell(api, path)
    running = in_thread(api.run, cell)
    until(lambda: api.events("cell_execution_output"), "it has printed")
    assert api.post(f"{cell}/clear_outputs").status_code == 200
    assert (api.get(cell).json["status"], api.get(cell).json["outputs"]) == ("running", [])
    go.touch()
    running.result()
    shown = api.get(cell).json
    assert (shown["status"], shown["execution_count"]) == ("completed", 1)
    assert [output["content"] for output in shown["outputs"]] == ["after\n"]


def test_code_of_another_language_is_refused_and_a_raw_cell_left_as_it_is(api, root):
    raw = {
        "cell_type": "raw", "id": "r", "metadata": {"format": "text/latex"}, "source": ["\\x\n", "y"]
    }  # fmt: skip
    code = {
        "cell_type": "code", "id": "c", "metadata": {}, "source": ["ls"],
        "execution_count": None, "outputs": [],
    }  # fmt: skip
    document = {"cells": [raw, code], "metadata": {}, "nbformat": 4, "nbformat_minor": 5}
    document["metadata"]["kernelspec"] = {"name": "no-such-julia", "language": "julia"}
    (root / "other.ipynb").write_text(json.dumps(document))
    loaded = api.post("/api/notebooks/load", {"filepath": "other.ipynb"}).json
    path = f"/api/notebooks/{loaded['id']}"
    for refused in (f"{path}/cells/c/execute", f"{path}/execute_all"):
        answer = api.post(refused)
        assert answer.status_code == 409
        assert "code is Julia" in answer.json["error"]
    assert api.post(f"{path}/cells/r/execute").status_code == 200
    assert api.get(f"{path}/cells/r").json["status"] == "idle"
    api.post(f"{path}/save", {"filepath": "again.ipynb"})
    assert json.loads((root / "again.ipynb").read_text())["cells"][0] == raw


@pytest.mark.parametrize("which", ["execute_all", "execute_stale", "with=upstream"])
@pytest.mark.parametrize("prefer", [{}, {"Prefer": "respond-async"}])
def test_a_budget_that_has_no_price_for_a_prompt_is_refused_before_anything_runs(
    api, which, prefer
):
    path = api.new_notebook(("code", "n = 1"), ("prompt", "Say {n}."))
    code, prompt = [f"{path}/cells/{cell['cell_id']}" for cell in api.get(path).json["cells"]]
    api.post(f"{path}/execute_all")
    api.put(code, {"content": "n = 2"})
    api.put(prompt, {"model": "openai/of-ones-own"})
    body = {"budget": {"usd": 1}}
    asked = f"{prompt}/execute?{which}" if "=" in which else f"{path}/{which}"
    answer = api.post(asked, body, headers=prefer)
    assert (answer.status_code, answer.json["code"]) == (409, "price_unknown")
    assert answer.json["error"].startswith(
        "Cell 2 cannot be run: no price is known for the model `of-ones-own` of `openai`"
    )
    assert api.get(f"{path}/state").json["state"]["n"] == 1
    assert len(api.get(f"{path}/runs").json) == 1
    assert api.post(f"{code}/execute", body).json["status"] == "completed"


class Unlisted(Provider):
    """Of which nobody knows what it costs."""

    name = "unlisted"
    default_model = "unlisted"

    async def stream(self, request: Request) -> AsyncIterator[Delta]:
        yield Delta(text="Hello.")


class WithUnlisted:
    @hookimpl
    def llm_repl_providers(self) -> list[type[Provider]]:
        return [Unlisted]


def test_earlier_calls_without_a_price_are_not_free_in_the_budget_of_a_notebook(make_api):
    api = make_api(plugin=WithUnlisted())
    path = api.new_notebook("n = 1")
    prompt = api.new_cell(path, "prompt", "Say hello.", provider="unlisted")
    assert api.run(prompt)["status"] == "completed"
    api.put(prompt, {"provider": "mock", "model": "echo"})
    api.put(path, {"metadata": {"llm_repl": {"budget": {"usd": 1}}}})
    for asked in (f"{path}/execute_all", f"{prompt}/execute"):
        answer = api.post(asked)
        assert (answer.status_code, answer.json["code"]) == (409, "price_unknown")
        assert (
            "no price is known for 1 earlier call to the model `unlisted`" in answer.json["error"]
        )
    assert api.post(f"{path}/execute_all", {"allow_unpriced": True}).json["success"] is True
