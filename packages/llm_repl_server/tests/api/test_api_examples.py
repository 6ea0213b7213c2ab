"""The examples of the description are examples: each is sent, and does what it says."""

from __future__ import annotations

import pytest

from llm_repl_server.api.examples import EXAMPLES
from llm_repl_server.app import RESOURCES

ENDPOINTS = {one.name: one for resource in RESOURCES for one in resource.endpoints}


def test_every_body_has_one(api):
    assert EXAMPLES.keys() == {name for name, one in ENDPOINTS.items() if one.body is not None}
    paths = api.get("/api/openapi.json").json["paths"].values()
    described = {one["operationId"]: one for item in paths for one in item.values()}
    for name, example in EXAMPLES.items():
        content = described[name]["requestBody"]["content"]["application/json"]
        assert content["example"] == example


@pytest.mark.parametrize("name", EXAMPLES)
def test_it_runs(api, until, name):
    notebook = api.new_notebook("who = 'you'")
    cell = f"{notebook}/cells/{api.cells(notebook)[0]['id']}"
    values = {"notebook_id": notebook[15:], "cell_id": cell.rpartition("/")[2], "call_id": "none"}
    values["provider"] = "lab" if name == "set_custom_provider" else "openai"
    if name in ("load_notebook", "open_notebook"):
        assert api.post(f"{notebook}/save", EXAMPLES["save_notebook"]).status_code == 200
    if name == "decide_tool_call":
        api.new_cell(notebook, "code", "def add(x: int): return x + 1")
        asks = api.new_cell(
            notebook,
            "prompt",
            "Hi",
            model='mock/call:add {"x": 41}',
            tools=["add"],
            approve_tools=True,
        )
        answer = api.post(f"{notebook}/execute_all", {}, headers={"Prefer": "respond-async"})
        assert answer.status_code == 202
        (needed,) = until(lambda: api.events("tool_approval_needed"), "somebody is asked")
        values |= {"cell_id": asks.rpartition("/")[2], "call_id": needed.payload["call_id"]}
    if name == "preview_draft":
        values["cell_id"] = api.new_cell(notebook, "prompt", "Hi").rpartition("/")[2]
    if name in ("edit_answer", "ask_several"):
        prompt = api.new_cell(notebook, "prompt", "Hi", model="mock/echo")
        api.post(f"{prompt}/execute", {})
        values |= {"cell_id": prompt.rpartition("/")[2]}
    if name == "restore_cell":
        api.delete(cell)
        values["deleted_id"] = values["cell_id"]
    endpoint = ENDPOINTS[name]
    path = endpoint.path.replace("<notebook:", "{").replace("<", "{").replace(">", "}")
    answer = api(endpoint.method, path.format(**values), json=EXAMPLES[name])
    assert answer.status_code == endpoint.status, answer.json
    if name.startswith("execute"):
        assert answer.json.get("status", "completed") == "completed"
        assert answer.json.get("success", True) is True
