"""What calls took and cost, in sums."""

from __future__ import annotations


def _totals(api, path, **query):
    notebook_id = path.rpartition("/")[2]
    terms = "&".join(f"{name}={value}" for name, value in query.items())
    answer = api.get(f"/api/calls/totals?notebook_id={notebook_id}&{terms}")
    assert answer.status_code == 200, answer.json
    return answer.json


def test_calls_are_summed_by_cell_model_and_day(api):
    path = api.new_notebook()
    first = api.new_cell(path, "prompt", "a", model="mock/one").rpartition("/")[2]
    api.new_cell(path, "prompt", "b", model="mock/two")
    api.post(f"{path}/execute_all")
    api.post(f"{path}/execute_all", {"mode": "reuse"})
    totals = _totals(api, path)
    assert totals["total"]["calls"] == 4
    assert totals["total"]["recorded"] == 2
    assert {sums["cell_id"]: sums["calls"] for sums in totals["by_cell"]}[first] == 2
    assert {sums["model"]: sums["calls"] for sums in totals["by_model"]} == {"one": 2, "two": 2}
    (day,) = totals["by_day"]
    assert day["calls"] == 4
    assert day["day"] == api.get("/api/calls").json["calls"][0]["started_at"][:10]
    assert _totals(api, path, cell_id=first)["total"]["calls"] == 2
    assert _totals(api, path, source="live")["total"]["recorded"] == 0
    moved = _totals(api, path, utc_offset_minutes=1440)["by_day"][0]["day"]
    assert moved > day["day"]


def test_nothing_sums_up_to_nothing(api):
    totals = _totals(api, api.new_notebook())
    assert totals["total"]["calls"] == 0
    assert totals["total"]["usd"] == 0
    assert totals["by_cell"] == totals["by_model"] == totals["by_day"] == []
    refused = api.get("/api/calls/totals?utc_offset_minutes=9999")
    assert refused.status_code == 400


def test_a_call_says_how_long_it_waited_and_how_often_it_was_tried(api):
    path = api.new_notebook()
    api.new_cell(path, "prompt", "a")
    api.post(f"{path}/execute_all")
    (call,) = api.get("/api/calls").json["calls"]
    assert call["attempts"] == 1
    assert 0 <= call["queued_s"] == call["last_attempt_s"] < call["duration_s"]
