"""The record of calls over REST."""

from __future__ import annotations

import json

import pytest


@pytest.fixture
def asked(api):
    """A notebook whose two prompts were asked twice: its path."""
    path = api.new_notebook(("prompt", "Tell of rivers"), ("prompt", "Tell of hills"))
    for _ in range(2):
        assert api.post(f"{path}/execute_all").json == {"success": True}
    return path


def calls(api, **query):
    answer = api.get("/api/calls", query_string=query)
    assert answer.status_code == 200, answer.json
    return answer.json["calls"]


def test_every_call_is_on_record(api, asked):
    found = calls(api)
    assert len(found) == 4
    newest = found[0]
    cells = api.cells(asked)
    assert newest["notebook_id"] == asked[15:]
    assert newest["cell_id"] in [cell["id"] for cell in cells]
    assert (newest["provider"], newest["model"]) == ("mock", "mock")
    assert (newest["state"], newest["source"], newest["error"]) == ("completed", "live", None)
    assert newest["prompt"] in ("Tell of rivers", "Tell of hills")
    assert newest["prompt"] in newest["answer"]
    assert newest["input_tokens"] == 3
    assert found == sorted(found, key=lambda one: one["started_at"], reverse=True)


def test_an_output_names_its_call(api, asked):
    (output,) = api.cells(asked)[0]["outputs"]
    call = api.get(f"/api/calls/{output['call_id']}").json
    assert call["text"] == output["content"]
    assert call["request"]["messages"][-1]["content"] == "Tell of rivers"
    assert call["place"]["cell_id"] == api.cells(asked)[0]["id"]
    assert len(call["attempts"]) == 1
    runs = api.get(f"{asked}/runs").json["runs"]
    assert call["run_id"] == runs[0]["id"]
    assert {one["run_id"] for one in calls(api, run_id=runs[1]["id"])} == {runs[1]["id"]}


def test_they_are_filtered(api, asked):
    cell = api.cells(asked)[0]["id"]
    assert len(calls(api, notebook_id=asked[15:])) == 4
    assert len(calls(api, cell_id=cell)) == 2
    assert len(calls(api, search="rivers tell")) == 2
    assert len(calls(api, provider="mock", model="mock", state="completed", source="live")) == 4
    for nothing in (
        {"notebook_id": "nobody"}, {"cell_id": "x"}, {"search": "deserts"}, {"state": "failed"},
        {"source": "replay"}, {"provider": "openai"}, {"since": "2999-01-01T00:00:00Z"},
        {"until": "2000-01-01T00:00:00+02:00"},
    ):  # fmt: skip
        assert calls(api, **nothing) == [], nothing


def test_pages_follow_one_another(api, asked):
    everything = calls(api)
    found, cursor = [], None
    for _ in range(10):
        query = {"limit": 3} | ({} if cursor is None else {"cursor": cursor})
        page = api.get("/api/calls", query_string=query).json
        found += page["calls"]
        cursor = page["next"]
        if cursor is None:
            break
    assert found == everything
    assert api.get("/api/calls", query_string={"limit": 4}).json["next"] is None


@pytest.mark.parametrize(
    "query",
    [
        {"limit": 0}, {"limit": 501}, {"limit": "x"}, {"cursor": "nobody"}, {"state": "lost"},
        {"since": "yesterday"}, {"source": ""}, {"search": "x " * 60},
        {"since": "0000-01-01T00:00:00Z"}, {"until": "x" * 500}, {"notebook_id": "x" * 201},
    ],
)  # fmt: skip
def test_a_query_that_cannot_be_used_is_told(api, query):
    answer = api.get("/api/calls", query_string=query)
    assert (answer.status_code, answer.json["code"]) == (400, "invalid")


@pytest.mark.parametrize(
    "search", ['"', "a AND", "NEAR(", "*", "col:x", "-", "\x00", "é" * 50, "';--"]
)
def test_no_search_is_a_language(api, asked, search):
    assert api.get("/api/calls", query_string={"search": search}).status_code == 200
    assert api.get("/api/calls/export", query_string={"search": search}).status_code == 200


def test_a_failed_call_says_why(api):
    path = api.new_notebook()
    api.run(api.new_cell(path, "prompt", "Hi", model="mock/fail:content_refused"))
    (call,) = calls(api, state="failed")
    assert "fail" in call["error"]
    shown = api.get(f"/api/calls/{call['id']}").json
    assert shown["error"]["type"] == "ContentRefused"
    assert shown["attempts"][0]["error"]


def test_the_export_is_all_of_them_as_lines(api, asked, monkeypatch):
    monkeypatch.setattr("llm_repl_server.services.calls._PAGE", 3)
    answer = api.get("/api/calls/export", query_string={"notebook_id": asked[15:]})
    assert answer.mimetype == "application/x-ndjson"
    lines = [json.loads(line) for line in answer.get_data().splitlines()]
    assert [one["id"] for one in lines] == [one["id"] for one in calls(api)]
    assert lines[0] == api.get(f"/api/calls/{lines[0]['id']}").json
    assert api.get("/api/calls/export", query_string={"cell_id": "x"}).get_data() == b""


def test_a_call_that_nobody_made_is_not_found(api):
    answer = api.get("/api/calls/nobody")
    assert (answer.status_code, answer.json["code"]) == (404, "not_found")


def test_what_a_notebook_has_spent(api, asked):
    spent = api.get(f"{asked}/spending").json
    assert (spent["calls"], spent["usd"], spent["budget"]) == (4, 0.0, None)
    assert spent["tokens"] > 0
    budget = {"calls": 4}
    api.put(asked, {"metadata": {"llm_repl": {"budget": budget}}})
    assert api.get(f"{asked}/spending").json["budget"] == budget
    assert "budget" in api.post(f"{asked}/execute_all").json["error"]
    other = api.new_notebook()
    assert api.get(f"{other}/spending").json["calls"] == 0


def test_the_record_outlives_the_notebook_and_the_server(make_api):
    api = make_api()
    path = api.new_notebook(("prompt", "Hi"))
    api.post(f"{path}/execute_all")
    (call,) = calls(api)
    api.delete(path)
    assert calls(api) == [call]
    assert calls(make_api()) == [call]


def test_odd_texts_come_as_json(api):
    path = api.new_notebook("odd = '\\ud800\\x00'", ("prompt", "Say {odd}"))
    api.post(f"{path}/execute_all")
    (call,) = calls(api)
    assert call["prompt"].startswith("Say ")
    assert api.get(f"/api/calls/{call['id']}").status_code == 200
    assert json.loads(api.get("/api/calls/export").get_data())["id"] == call["id"]
