"""Runs over REST: how they are to go, in the background, looked up, stopped, after a restart."""

from __future__ import annotations

import time

import pytest

PREFER = {"Prefer": "respond-async"}


def cells_of(api, path):
    return [f"{path}/cells/{cell['id']}" for cell in api.cells(path)]


def begin(api, address, body=None, **headers):
    """Ask for a run in the background: its path."""
    answer = api.post(address, body, headers=PREFER | headers)
    assert answer.status_code == 202, answer.json
    assert answer.headers["Preference-Applied"] == "respond-async"
    assert answer.headers["Location"] == f"/api/runs/{answer.json['id']}"
    return answer.headers["Location"]


def ended(api, until, run):
    until(lambda: api.get(run).json["ended_at"], "the run has ended")
    return api.get(run).json


# How a run is to go ----------------------------------------------------------------------------


def test_a_run_goes_on_behind_an_error_where_that_is_asked_for(api):
    path = api.new_notebook("1 / 0", "kept = 1")
    answer = api.post(f"{path}/execute_all", {"stop_on_error": False})
    assert answer.json["success"] is False
    assert answer.json["cell_id"] == api.cells(path)[0]["id"]
    assert [cell["status"] for cell in api.cells(path)] == ["error", "completed"]


def test_the_concurrency_is_heeded(api):
    path = api.new_notebook(*[("prompt", "Hi")] * 4)
    for cell in cells_of(api, path):
        api.put(cell, {"model": "mock/echo+delay=0.3"})
    started = time.monotonic()
    assert api.post(f"{path}/execute_all", {"concurrency": 2.0}).json == {"success": True}
    assert time.monotonic() - started >= 0.6
    started = time.monotonic()
    assert api.post(f"{path}/execute_all", {"parallel": False}).json == {"success": True}
    assert time.monotonic() - started >= 1.2


@pytest.mark.parametrize("budget", [{"call": 1}, {"calls": 1, "nope": None}])
def test_a_misspelt_limit_is_refused_and_nothing_runs(api, budget):
    path = api.new_notebook(("prompt", "one"))
    answer = api.post(f"{path}/execute_all", {"budget": budget})
    assert answer.status_code == 400
    assert (set(budget) - {"calls"}).pop() in answer.json["error"]
    assert [cell["status"] for cell in api.cells(path)] == ["idle"]


def test_a_budget_ends_a_run_and_says_so(api):
    path = api.new_notebook(("prompt", "one"), ("prompt", "two {response_0}"), "print(response_1)")
    answer = api.post(f"{path}/execute_all", {"budget": {"calls": 1}})
    assert answer.json["success"] is False
    assert "budget" in answer.json["error"]
    assert answer.json["error"].endswith("Not run: 1 of 3 cells.")
    assert [cell["status"] for cell in api.cells(path)] == ["completed", "error", "idle"]


def test_replay_over_rest_asks_nobody_and_gives_the_same(make_api):
    api = make_api()
    path = api.new_notebook(("prompt", "one"), ("prompt", "two {response_0}"))
    for cell in cells_of(api, path):
        api.put(cell, {"model": "mock/list:a|b|c|d"})
    assert api.post(f"{path}/execute_all").json == {"success": True}
    outputs = [cell["outputs"] for cell in api.cells(path)]
    api = make_api()  # whose provider would begin with its first answer again
    api.post(f"{path}/cells/{api.cells(path)[1]['id']}/clear_outputs")
    assert api.post(f"{path}/execute_all", {"mode": "replay"}).json == {"success": True}
    assert [cell["outputs"] for cell in api.cells(path)] == outputs
    calls = api.get("/api/calls", query_string={"notebook_id": path[15:]}).json["calls"]
    assert [call["source"] for call in calls] == ["replay"] * 2 + ["live"] * 2
    api.put(cells_of(api, path)[0], {"content": "another word"})
    answer = api.post(f"{path}/execute_all", {"mode": "replay"}).json
    assert answer["success"] is False
    assert "another word" in answer["error"]
    assert api.post(f"{path}/execute_all", {"mode": "reuse"}).json == {"success": True}


@pytest.mark.parametrize(
    "body",
    [
        {"mode": "dead"},
        {"concurrency": 0},
        {"concurrency": 1.5},
        {"concurrency": 10_001},
        {"concurrency": "1"},
        {"budget": 1},
        {"budget": {"calls": -1}},
        {"budget": {"tokens": 1.5}},
        {"budget": {"usd": -0.5}},
        {"budget": {"calls": 10**400}},
        {"stop_on_error": "yes"},
        {"parallel": None},
    ],
)
def test_options_that_cannot_be_used_run_nothing(api, body):
    path = api.new_notebook("ran = 1")
    for address in (
        f"{path}/execute_all",
        f"{path}/execute_stale",
        cells_of(api, path)[0] + "/execute",
    ):
        answer = api.post(address, body)
        assert (answer.status_code, answer.json["code"]) == (400, "invalid"), address
    assert api.cells(path)[0]["status"] == "idle"


def test_what_is_null_is_as_the_settings_say(api):
    path = api.new_notebook("1")
    body = {"budget": {"calls": None}, "concurrency": None}
    assert api.post(f"{path}/execute_all", body).json == {"success": True}


# Which cells -----------------------------------------------------------------------------------


def test_a_cell_runs_with_what_it_needs_and_with_what_needs_it(api):
    path = api.new_notebook("a = 1", "b = 2", "c = a + 1", "d = c + 1")
    ids = [cell["id"] for cell in api.cells(path)]
    middle = f"{path}/cells/{ids[2]}"
    answer = api.post(f"{middle}/execute?with=upstream").json
    assert (answer["cell_id"], answer["status"]) == (ids[2], "completed")
    assert answer["cell_ids"] == [ids[0], ids[2]]
    assert [cell["status"] for cell in api.cells(path)] == [
        "completed",
        "idle",
        "completed",
        "idle",
    ]
    answer = api.post(f"{middle}/execute?with=downstream").json
    assert answer["cell_ids"] == ids[2:]
    assert api.get(f"{path}/state").json["state"] == {"a": 1, "c": 2, "d": 3}


def test_where_another_cell_fails_the_answer_says_which(api):
    path = api.new_notebook("a = 1 / 0", "a")
    ids = [cell["id"] for cell in api.cells(path)]
    answer = api.post(f"{path}/cells/{ids[1]}/execute?with=upstream").json
    assert (answer["cell_id"], answer["status"]) == (ids[1], "idle")
    assert answer["failed_cell_id"] == ids[0]
    assert "division by zero" in answer["error"]


def test_a_word_that_is_not_known_is_refused(api):
    cell = cells_of(api, api.new_notebook("1"))[0]
    assert api.post(f"{cell}/execute?with=sidestream").status_code == 400
    assert api.post(f"{cell}/execute?with=").status_code == 400


def test_what_is_stale_runs_and_nothing_else(api):
    path = api.new_notebook("a = 1", "b = a", "c = 3")
    ids = [cell["id"] for cell in api.cells(path)]
    assert api.post(f"{path}/execute_stale").json == {"success": True, "cell_ids": []}
    api.post(f"{path}/execute_all")
    api.put(f"{path}/cells/{ids[0]}", {"content": "a = 2"})
    api.told.clear()
    assert api.post(f"{path}/execute_stale").json == {"success": True, "cell_ids": ids[:2]}
    started = [one.payload["cell_id"] for one in api.events("cell_execution_started")]
    assert started == ids[:2]
    assert api.get(f"{path}/state").json["state"]["b"] == 2
    assert api.post(f"{path}/execute_stale").json["cell_ids"] == []


def test_what_is_stale_runs_after_what_a_new_kernel_lacks(api):
    path = api.new_notebook("a = 1", ("prompt", "{a}"), "b = a + len(response_1)", "c = 3")
    ids = [cell["id"] for cell in api.cells(path)]
    api.post(f"{path}/execute_all")
    api.post(f"{path}/restart")
    api.put(f"{path}/cells/{ids[2]}", {"content": "b = a - len(response_1)"})
    answer = api.post(f"{path}/execute_stale").json
    assert answer == {"success": True, "cell_ids": [ids[0], ids[2]]}
    assert api.get(f"{path}/state").json["state"]["b"] < 0
    assert api.get(f"{path}/runs").json["runs"][0]["cell_ids"] == [ids[0], ids[2]]
    assert len(api.get("/api/calls", query_string={"notebook_id": path[15:]}).json["calls"]) == 1
    assert [cell.get("stale") for cell in api.cells(path)].count(True) == 0


# In the background -----------------------------------------------------------------------------


@pytest.mark.parametrize("kernel", ["in_process", "worker"])
def test_a_run_in_the_background_is_looked_up(make_api, until, kernel):
    api = make_api(kernel=kernel)
    path = api.new_notebook("a = 1", "1 / 0", "c = 3")
    ids = [cell["id"] for cell in api.cells(path)]
    run = begin(api, f"{path}/execute_all")
    shown = ended(api, until, run)
    assert shown["state"] == "failed"
    assert (shown["cell_ids"], shown["ended"], shown["total"]) == (ids, 2, 3)
    assert (shown["cell_id"], shown["error"]) == (ids[1], "ZeroDivisionError: division by zero")
    assert (shown["kind"], shown["mode"], shown["notebook_id"]) == ("notebook", "live", path[15:])
    assert shown["created_at"] <= shown["started_at"] <= shown["ended_at"]
    one = ended(api, until, begin(api, f"{path}/cells/{ids[0]}/execute"))
    assert (one["state"], one["kind"], one["cell_ids"]) == ("completed", "cell", [ids[0]])
    stale = ended(api, until, begin(api, f"{path}/execute_stale"))
    assert (stale["state"], stale["kind"], stale["total"]) == ("completed", "stale", 0)
    listed = api.get(f"{path}/runs").json["runs"]
    assert [run["kind"] for run in listed] == ["stale", "cell", "notebook"]
    # All of them are known to the next server too, as they were.
    assert make_api(kernel=kernel).get(f"{path}/runs").json["runs"] == listed


def test_the_header_is_read_as_the_standard_says(api, until):
    cell = cells_of(api, api.new_notebook("1"))[0]
    for value in (
        "respond-async",
        "Respond-Async; x=1",
        'a="b, c", respond-async',
        'respond-async=""',
    ):
        answer = api.post(f"{cell}/execute", headers={"Prefer": value})
        assert answer.status_code == 202, value
    for value in ("", "wait=10", "respond-asynchronously", 'note="x, respond-async"', ",;="):
        answer = api.post(f"{cell}/execute", headers={"Prefer": value})
        assert answer.status_code == 200, value
        assert "Preference-Applied" not in answer.headers


def test_one_cell_whose_client_waits_is_listed_and_not_kept(make_api):
    api = make_api()
    path = api.new_notebook("1")
    api.run(cells_of(api, path)[0])
    (run,) = api.get(f"{path}/runs").json["runs"]
    assert (run["state"], run["kind"], run["ended"]) == ("completed", "cell", 1)
    assert make_api().get(f"{path}/runs").json == {"runs": []}


def test_a_run_that_the_server_was_killed_in_is_interrupted(start_server, until):
    first = start_server()
    path, _ = first.new_notebook("import time\ntime.sleep(100)", "2")
    status, run = first("POST", f"{path}/execute_all", None, **PREFER)
    assert status == 202
    address = f"/api/runs/{run['id']}"
    until(lambda: first("GET", address)[1]["state"] == "running", "it runs")
    first.kill()
    second = start_server()
    shown = second("GET", address)[1]
    assert shown["state"] == "interrupted"
    assert shown["ended_at"] is not None
    assert "server" in shown["error"]
    assert second("POST", f"{address}/interrupt")[1] == shown


# Stopping --------------------------------------------------------------------------------------


def test_one_run_is_stopped_and_the_next_one_goes_on(make_api, until):
    api = make_api(kernel="worker")
    path = api.new_notebook("import time\ntime.sleep(100)", "after = 1")
    slow, after = cells_of(api, path)
    first = begin(api, f"{path}/execute_all")
    second = begin(api, f"{after}/execute")
    until(lambda: api.get(first).json["state"] == "running", "the first runs")
    assert api.get(second).json["state"] == "queued"
    stopped = api.post(f"{first}/interrupt").json
    assert stopped["state"] == "interrupted"
    assert ended(api, until, second)["state"] == "completed"
    assert api.get(slow).json["status"] == "interrupted"
    assert api.post(f"{first}/interrupt").json == stopped  # twice is as good as once


def test_a_run_that_waits_is_stopped_at_once(make_api, until):
    api = make_api(kernel="worker")
    path = api.new_notebook("import time\ntime.sleep(100)", "after = 1")
    first, second = (begin(api, f"{path}/execute_all") for _ in range(2))
    until(lambda: api.get(first).json["state"] == "running", "the first runs")
    stopped = api.post(f"{second}/interrupt").json
    assert (stopped["state"], stopped["started_at"]) == ("interrupted", None)
    assert api.get(first).json["state"] == "running"
    api.post(f"{path}/interrupt")
    until(lambda: len(api.events("run_ended")) == 2, "both have been told to have ended")
    runs = api.get(f"{path}/runs").json["runs"]
    assert [run["state"] for run in runs] == ["interrupted"] * 2
    assert make_api(kernel="worker").get(f"{path}/runs").json["runs"] == runs


def test_a_cell_that_waits_alone_is_stopped_before_it_begins(make_api, until):
    api = make_api(kernel="worker")
    path = api.new_notebook("import time\ntime.sleep(100)", "after = 1")
    slow, after = cells_of(api, path)
    first, second = begin(api, f"{slow}/execute"), begin(api, f"{after}/execute")
    until(lambda: api.get(first).json["state"] == "running", "the first runs")
    assert api.post(f"{after}/interrupt").json == {"success": True}
    assert api.get(second).json["state"] == "interrupted"
    assert api.get(first).json["state"] == "running"
    api.post(f"{slow}/interrupt")
    assert ended(api, until, first)["state"] == "interrupted"
    until(lambda: len(api.events("run_ended")) == 2, "both have been told to have ended")
    assert api.get(after).json["status"] == "idle"
    third, fourth = begin(api, f"{slow}/execute"), begin(api, f"{after}/execute")
    until(lambda: api.get(third).json["state"] == "running", "it runs again")
    api.post(f"{path}/interrupt")
    assert ended(api, until, third)["state"] == "interrupted"
    assert ended(api, until, fourth)["state"] == "interrupted"


def test_one_of_several_prompts_is_stopped(api, until):
    path = api.new_notebook(("prompt", "fast"), ("prompt", "slow"))
    fast, slow = cells_of(api, path)
    api.put(slow, {"model": "mock/echo+delay=100"})
    run = begin(api, f"{path}/execute_all")
    until(lambda: api.get(slow).json["status"] == "running", "the slow one runs")
    until(lambda: api.get(fast).json["status"] == "completed", "the fast one has ended")
    api.post(f"{slow}/interrupt")
    assert ended(api, until, run)["state"] == "interrupted"
    assert [cell["status"] for cell in api.cells(path)] == ["completed", "interrupted"]


def test_stopping_what_does_not_run_is_no_error(api):
    path = api.new_notebook("1")
    (cell,) = cells_of(api, path)
    assert api.post(f"{cell}/interrupt").json == {"success": True}
    api.run(cell)
    assert api.post(f"{cell}/interrupt").json == {"success": True}
    assert api.post(f"{path}/cells/nobody/interrupt").status_code == 404


def test_a_deleted_notebook_takes_its_runs_along(make_api, until):
    api = make_api()
    path = api.new_notebook("1", "2")
    run = begin(api, f"{path}/execute_all")
    ended(api, until, run)
    api.delete(path)
    assert api.get(f"{path}/runs").status_code == 404
    answer = make_api().get(run)
    assert (answer.status_code, answer.json["code"]) == (404, "not_found")


def test_a_notebook_is_deleted_while_its_run_waits(make_api, until):
    api = make_api(kernel="worker")
    path = api.new_notebook("import time\ntime.sleep(100)", "2")
    runs = [begin(api, f"{path}/execute_all") for _ in range(3)]
    until(lambda: api.get(runs[0]).json["state"] == "running", "the first runs")
    api.delete(path)
    assert [ended(api, until, run)["state"] for run in runs] == ["interrupted"] * 3
    assert api.post(f"{runs[0]}/interrupt").json["state"] == "interrupted"
