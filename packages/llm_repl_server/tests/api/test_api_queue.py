"""What waits: its place, what for, and how one cell is taken out of a run."""

from __future__ import annotations

import pytest


@pytest.fixture
def waiting(api, in_thread, until):
    """A run whose first cell answers slowly; the paths of its cells."""
    path = api.new_notebook()
    cells = [
        api.new_cell(path, "prompt", "Hi", model="mock/echo+delay=0.6", response_var="city"),
        api.new_cell(path, "code", "here = city"),
        api.new_cell(path, "code", "other = 1"),
        api.new_cell(path, "code", "print(here, other)"),
    ]
    running = in_thread(api.post, f"{path}/execute_all")
    until(lambda: api.events("cell_execution_waiting"), "it waits for the answer")
    yield path, cells, running
    running.result()


def _id(path):
    return path.rpartition("/")[2]


def test_what_waits_has_a_place_and_says_what_for(api, waiting):
    path, cells, running = waiting
    city, here, other, last = map(_id, cells)
    answer = api.get(f"{path}/queue").json
    assert [(cell["cell_id"], cell["place"], cell["state"]) for cell in answer["cells"]] == [
        (here, 1, "waiting"),
        (other, 2, "queued"),
        (last, 3, "waiting"),
    ]
    assert answer["cells"][0]["needs"] == [{"cell_id": city, "variable": "city"}]
    assert {need["cell_id"] for need in answer["cells"][2]["needs"]} == {here, other}
    (told,) = api.events("cell_execution_waiting")
    assert told.payload["cell_id"] == here
    assert told.payload["needs"] == [{"cell_id": city, "variable": "city"}]
    running.result()
    assert api.get(f"{path}/queue").json["cells"] == []


def test_a_cell_that_is_taken_out_does_not_run_and_the_rest_does(api, waiting):
    path, cells, running = waiting
    other, last = _id(cells[2]), _id(cells[3])
    removed = api.delete(f"{path}/queue/{other}").json
    assert removed["dependents"] == [last], "which it says"
    assert len(removed["run_ids"]) == 1
    (told,) = api.events("cell_execution_removed")
    assert told.payload["dependents"] == [last]
    again = api.delete(f"{path}/queue/{other}")
    assert again.status_code == 404
    assert "does not wait" in again.json["error"]
    assert running.result().json["success"] is False
    statuses = [cell["status"] for cell in api.cells(path)]
    assert statuses == ["completed", "completed", "idle", "error"], "`other` never was"
    progress = api.events("run_progress")[-1].payload
    assert progress["ended"] == progress["total"] == 4


def test_a_run_that_waits_for_another_is_told_and_can_be_taken_out(api, waiting, in_thread, until):
    path, _, running = waiting
    alone = api.new_cell(path, "code", "print('late')")
    later = in_thread(api.post, f"{alone}/execute")
    until(lambda: api.events("run_queued"), "it is told")
    assert api.get(f"{path}/queue").json["cells"][-1]["cell_id"] == _id(alone)
    assert api.delete(f"{path}/queue/{_id(alone)}").status_code == 200
    later.result()
    running.result()
    assert api.get(alone).json["status"] == "idle"


def test_nothing_that_is_not_there_is_taken_out(api):
    path = api.new_notebook("1")
    assert api.get(f"{path}/queue").json["cells"] == []
    assert api.delete(f"{path}/queue/{api.cells(path)[0]['id']}").status_code == 404
    assert api.delete(f"{path}/queue/nothing").status_code == 404


def test_calls_that_wait_for_a_place_say_what_for(api):
    path = api.new_notebook()
    for _ in range(3):
        api.new_cell(path, "prompt", "Hi", model="mock/echo+delay=0.05")
    api.post(f"{path}/execute_all", {"concurrency": 1, "speculate": False})
    queued = [event.payload for event in api.events("cell_call_queued")]
    assert [(call["limit"], call["at_once"], call["place"]) for call in queued] == [
        ("run", 1, 1),
        ("run", 1, 2),
    ]
    assert len(api.events("cell_call_sent")) == 2


def test_a_call_that_waits_for_a_pause_of_its_provider_says_how_long(api):
    path = api.new_notebook()
    refused = api.new_cell(path, "prompt", "Hi", model="mock/fail:rate_limited+retry_after=1")
    second = api.new_cell(path, "prompt", "Hi", model="mock/echo")
    assert api.post(f"{refused}/execute").json["status"] == "error"
    assert api.post(f"{second}/execute").json["status"] == "completed"
    queued = api.events("cell_call_queued")[-1].payload
    assert (queued["limit"], queued["at_once"], queued["place"]) == ("provider", None, 1)
    assert 0 < queued["pause_s"] <= 1
