"""What will be sent and what it costs, over REST: before it is sent, and while something runs."""

from __future__ import annotations

import pytest


def cell_id(address):
    return address.rpartition("/")[2]


@pytest.mark.parametrize("kernel", ["in_process", "worker"])
def test_a_draft_is_looked_at_and_not_kept(make_api, kernel):
    api = make_api(kernel=kernel)
    path = api.new_notebook("orders = [1, 2]")
    cell = api.new_cell(path, "prompt", "Saved", model="mock/echo", response_var="check")
    api.run(f"{path}/cells/{api.cells(path)[0]['id']}")
    saved = api.get(cell).json
    found = api.post(
        f"{cell}/preview",
        {
            "content": "Which of {orders}? {order}",
            "temperature": 0.5,
            "system": "Be brief.",
            "models": ["mock/echo", "openai/nobody-knows-it"],
        },
    ).json
    assert [message["content"] for message in found["messages"]] == [
        "Be brief.",
        "Which of [1, 2]? {order}",
    ]
    assert [(field["state"], field["nearest"]) for field in found["fields"]] == [
        ("known", None),
        ("unknown", "orders"),
    ]
    assert found["models"][0]["price_usd"] == 0
    assert found["models"][1]["price_usd"] is None
    assert (found["mode"], found["on_record"], found["values"]) == ("live", 0, "now")
    # Null fields and those of an answer are passed over, as in a PUT.
    again = api.post(f"{cell}/preview", saved | {"schema": None, "for_each": ""}).json
    assert again["messages"][0]["content"] == "Saved"
    assert api.get(cell).json == saved
    assert api.get("/api/calls").json["calls"] == []


@pytest.mark.parametrize("kernel", ["in_process", "worker"])
def test_a_prompt_is_looked_at_that_is_not_there_yet(make_api, kernel):
    api = make_api(kernel=kernel)
    path = api.new_notebook("orders = [1, 2]")
    pinned = api.new_cell(path, "markdown", "Orders of today.", pinned=True)
    before = api.get(path).json
    found = api.post(f"{path}/preview", {"content": "Of {orders}?", "model": "mock/echo"}).json
    assert [field["state"] for field in found["fields"]] == ["later"]
    api.run(f"{path}/cells/{before['cells'][0]['id']}")
    before = api.get(path).json
    found = api.post(f"{path}/preview", {"content": "Of {orders}?", "context": "above"}).json
    assert [message["content"] for message in found["messages"]][-1] == "Of [1, 2]?"
    assert found["messages"][0]["cell_id"] in (cell_id(pinned), before["cells"][0]["id"])
    assert found["price_usd"] == 0
    assert api.get(path).json == before
    for body, said in (({"temperature": 3}, "temperature"), ({"contents": "x"}, "contents")):
        answer = api.post(f"{path}/preview", body)
        assert (answer.status_code, said in answer.json["error"]) == (400, True)
    assert api.post("/api/notebooks/none/preview", {}).status_code == 404


def test_only_what_a_prompt_has_is_taken(api):
    path = api.new_notebook("1")
    code = f"{path}/cells/{api.cells(path)[0]['id']}"
    prompt = api.new_cell(path, "prompt", "Hi")
    for address, body, said in (
        (f"{code}/preview", {"content": "x"}, "Only a prompt has a preview"),
        (f"{prompt}/preview", {"temperature": 3}, "temperature"),
        (f"{prompt}/preview", {"tempereture": 1}, "temperature"),
        (f"{prompt}/preview", {"mode": "dead"}, "mode"),
        (f"{prompt}/preview", {"type": "nonsense"}, "nonsense"),
        (f"{path}/plan", {"from": cell_id(prompt), "to": cell_id(code)}, "is below"),
    ):
        answer = api.post(address, body)
        assert (answer.status_code, answer.json["code"]) == (400, "invalid")
        assert said in answer.json["error"]
    for address in (f"{path}/cells/none/preview", "/api/notebooks/none/plan"):
        assert api.post(address, {}).status_code == 404
    assert api.post(f"{path}/plan", {"cells": ["none"]}).status_code == 404


def test_a_plan_says_what_a_run_does(api):
    path = api.new_notebook("city = 'Oslo'")
    first = api.new_cell(path, "prompt", "In {city}?", model="mock/echo", response_var="check")
    second = api.new_cell(path, "prompt", "So {check}", model="mock/echo")
    before = api.cells(path)
    plan = api.post(f"{path}/plan", {"mode": "reuse"}).json
    assert [(cell["state"], cell["wave"]) for cell in plan["cells"]] == [
        ("runs", None), ("asked", 1), ("asked", 2),
    ]  # fmt: skip
    assert api.cells(path) == before
    assert api.get("/api/calls").json["calls"] == []
    api.post(f"{path}/execute_all", {"mode": "reuse"})
    api.put(second, {"content": "Thus {check}"})
    plan = api.post(f"{path}/plan", {"mode": "reuse"}).json
    assert [cell["state"] for cell in plan["cells"]] == ["runs", "on_record", "asked"]
    assert plan["cells"][2]["reason"] == "the text was edited"
    ways = {way["mode"]: way for way in plan["ways"]}
    assert ways["replay"]["missing"] == [cell_id(second)]
    assert (ways["live"]["asked_calls"], ways["reuse"]["asked_calls"]) == (2, 1)
    stale = api.post(f"{path}/plan", {"stale": True}).json
    assert [cell["cell_id"] for cell in stale["cells"]] == [cell_id(second)]
    one = api.post(f"{path}/plan", {"cells": [cell_id(first)], "with": "upstream"}).json
    assert len(one["cells"]) == 2


def test_chosen_cells_run(api):
    path = api.new_notebook("a = 1", "b = a + 1", "c = b", "d = 4")
    ids = [cell["id"] for cell in api.cells(path)]
    done = api.post(f"{path}/execute", {"from": ids[0], "to": ids[1]}).json
    assert done == {"success": True, "cell_ids": ids[:2]}
    done = api.post(f"{path}/execute", {"cells": [ids[1]], "with": "downstream"}).json
    assert done["cell_ids"] == ids[1:3]
    assert api.post(f"{path}/execute", {}).json["cell_ids"] == ids
    accepted = api.post(f"{path}/execute", {"from": ids[3]}, headers={"Prefer": "respond-async"})
    assert (accepted.status_code, accepted.json["kind"]) == (202, "cells")


def test_it_answers_while_a_cell_runs(api, in_thread, until):
    path = api.new_notebook("orders = [1, 2]", "import time\ntime.sleep(60)")
    ids = [cell["id"] for cell in api.cells(path)]
    prompt = api.new_cell(path, "prompt", "Of {orders}", model="mock/echo")
    api.run(f"{path}/cells/{ids[0]}")
    api.post(f"{prompt}/preview", {})
    running = in_thread(api.post, f"{path}/cells/{ids[1]}/execute")
    try:
        until(lambda: api.cells(path)[1]["status"] == "running", "the cell runs")
        found = api.post(f"{prompt}/preview", {"content": "Of {orders}, {order}"}).json
        assert found["values"] == "before"
        assert found["messages"][0]["content"] == "Of [1, 2], {order}"
        assert api.post(f"{path}/plan", {}).json["values"] == "before"
    finally:
        api.post(f"{path}/interrupt")
        running.result()
