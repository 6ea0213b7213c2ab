"""Mistakes in requests are errors that name the field; what answers contain may be sent back."""

from __future__ import annotations

import json

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

pytestmark = pytest.mark.one_python

MISSPELT = [
    ("POST", "{cell}/execute", {"budgt": {"usd": 0.01}}, "budgt", "budget"),
    ("POST", "{cell}/execute", {"budget": {"cals": 1}}, "budget.cals", "budget.calls"),
    ("POST", "{cell}/execute", {"stop_on_eror": True}, "stop_on_eror", "stop_on_error"),
    ("POST", "{notebook}/execute_all", {"paralel": False}, "paralel", "parallel"),
    ("POST", "{notebook}/execute_all", {"Mode": "replay"}, "Mode", "mode"),
    ("POST", "{notebook}/execute_stale", {"concurency": 2}, "concurency", "concurrency"),
    ("POST", "{notebook}/cells", {"type": "code", "contents": "x"}, "contents", "content"),
    ("POST", "{notebook}/cells", {"type": "prompt", "temprature": 1}, "temprature", "temperature"),
    ("PUT", "{cell}", {"contents": "x"}, "contents", "content"),
    ("PUT", "{cell}", {"responseVar": "x"}, "responseVar", "response_var"),
    ("POST", "{cell}/move", {"position": 0, "positon": 1}, "positon", "position"),
    ("POST", "/api/notebooks", {"nmae": "x"}, "nmae", "name"),
    ("PUT", "{notebook}", {"metdata": {}}, "metdata", "metadata"),
    ("POST", "{notebook}/save", {"file_path": "a.llmn"}, "file_path", "filepath"),
    ("POST", "/api/notebooks/load", {"filepath": "a.llmn", "fielpath": 1}, "fielpath", "filepath"),
    ("PUT", "/api/llm/provider", {"type": "mock", "baseurl": "http://a"}, "baseurl", "base_url"),
    ("POST", "{cell}/tool_calls/x", {"approved": True, "aproved": False}, "aproved", "approved"),
]


@pytest.fixture
def paths(api):
    notebook = api.new_notebook()
    return {"notebook": notebook, "cell": api.new_cell(notebook, "code", "ran = True")}


@pytest.mark.parametrize(("method", "path", "body", "wrong", "right"), MISSPELT)
def test_a_misspelt_field_is_refused_by_name(api, paths, method, path, body, wrong, right):
    before = api.get(paths["notebook"]).json
    answer = api(method, path.format(**paths), json=body)
    assert (answer.status_code, answer.json["code"]) == (400, "invalid")
    assert f"`{wrong}`" in answer.json["error"]
    assert f"did you mean `{right}`?" in answer.json["error"]
    assert api.get(paths["notebook"]).json == before
    assert api.get("/api/notebooks").json["notebooks"][1:] == []


def test_a_field_that_is_like_no_other_is_refused_with_what_there_is(api, paths):
    answer = api.post(f"{paths['cell']}/move", {"position": 0, "xyzzy": 1})
    assert answer.status_code == 400
    assert "`xyzzy`" in answer.json["error"]
    assert "`position`" in answer.json["error"]


@pytest.mark.parametrize("query", ["?fromat=svg", "?format=svg&fromat=text"])
def test_a_misspelt_parameter_of_the_address_is_refused(api, paths, query):
    answer = api.get(f"{paths['notebook']}/graph{query}")
    assert answer.status_code == 400
    assert "`fromat`" in answer.json["error"]
    assert "did you mean `format`?" in answer.json["error"]


WRONG = [
    ("{notebook}/execute_all", {"stop_on_error": None}, "stop_on_error"),
    ("{notebook}/execute_all", {"parallel": "no"}, "parallel"),
    ("{notebook}/execute_all", {"budget": []}, "budget"),
    ("{notebook}/execute_all", {"budget": {"usd": "1"}}, "budget.usd"),
    ("{notebook}/cells", {"type": "code", "content": None}, "content"),
    ("{notebook}/cells", {"type": "prompt", "tools": None}, "tools"),
    ("{notebook}/cells", {"type": "prompt", "tools": [1]}, "tools"),
    ("{notebook}/cells", {"type": None}, "type"),
]


@pytest.mark.parametrize(("path", "body", "field"), WRONG)
def test_a_wrong_value_is_refused_by_name(api, paths, path, body, field):
    answer = api.post(path.format(**paths), body)
    assert answer.status_code == 400
    assert f"`{field}" in answer.json["error"]


ONLY_OF_PROMPTS = {
    "model": "gpt", "temperature": 0, "response_var": "x", "provider": "mock",
    "parameters": {"a": 1}, "system": "", "context": "above", "schema": "name", "tools": ["f"],
    "tool_limit": 3, "approve_tools": True, "for_each": "xs", "attachments": ["a"],
}  # fmt: skip


@pytest.mark.parametrize("name", ONLY_OF_PROMPTS)
@pytest.mark.parametrize("kind", ["code", "MemoryCell", "markdown"])
def test_a_field_that_the_type_does_not_have_is_refused_where_it_says_something(api, name, kind):
    notebook = api.new_notebook()
    body = {"type": kind, "content": "x = 1", name: ONLY_OF_PROMPTS[name]}
    answer = api.post(f"{notebook}/cells", body)
    assert answer.status_code == 400
    assert f"no `{name}`" in answer.json["error"]
    assert "prompt" in answer.json["error"]
    cell = api.new_cell(notebook, kind, "x = 1")
    assert api.put(cell, {name: ONLY_OF_PROMPTS[name]}).status_code == 400
    nothing = {"system": None, "schema": None, "for_each": None, "model": None}
    assert api.put(cell, {name: nothing.get(name, prompt_default(api, name))}).status_code == 200


def prompt_default(api, name):
    notebook = api.new_notebook()
    return api.get(api.new_cell(notebook, "prompt", "Hi")).json[name]


KINDS = ["code", "prompt", "memory", "markdown"]


@pytest.mark.parametrize("other", KINDS)
@pytest.mark.parametrize("kind", KINDS)
def test_whole_cells_may_be_sent_back(api, kind, other):
    notebook = api.new_notebook()
    options = {"model": "mock", "temperature": 0.5, "tools": ["f"]} if kind == "prompt" else {}
    path = api.new_cell(notebook, kind, "x = 1", **options)
    api.post(f"{path}/execute")
    cell = api.get(path).json
    again = api.put(path, cell)
    assert (again.status_code, again.json) == (200, cell)
    changed = api.put(path, cell | {"content": "x = 2"})
    assert (changed.status_code, changed.json["content"]) == (200, "x = 2")
    turned = api.put(path, changed.json | {"type": other})  # as an editor turns a cell into another
    assert turned.status_code == 200, turned.json
    assert api.post(f"{notebook}/cells", turned.json).status_code == 201


def test_whole_notebooks_may_be_sent_back(api, root):
    notebook = api.new_notebook("x = 1", ("prompt", "Hi"))
    api.post(f"{notebook}/execute_all")
    whole = api.get(notebook).json
    assert api.put(notebook, whole).status_code == 200
    listed = api.get("/api/notebooks").json["notebooks"][0]
    assert api.put(notebook, listed).status_code == 200
    assert api.post("/api/notebooks", whole).status_code == 201
    saved = api.post(f"{notebook}/save", {"filepath": "a.llmn"}).json
    assert api.post(f"{notebook}/save", saved).status_code == 200
    assert api.post("/api/notebooks/load", saved).status_code == 201
    current = api.get("/api/llm/providers").json["current"]
    assert api.put("/api/llm/provider", current).status_code == 200


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(body=st.dictionaries(st.text(max_size=20), st.none() | st.booleans() | st.integers()))
def test_no_unknown_field_is_passed_over(api, body):
    known = {"mode", "concurrency", "budget", "stop_on_error", "parallel"}
    notebook = api.new_notebook()
    answer = api.post(f"{notebook}/execute_all", body)
    if body.keys() - known:
        assert answer.status_code == 400
    assert answer.status_code in (200, 400)


HOSTILE = {
    "10 MB": json.dumps({"content": "x" * 10_000_000}),
    "many fields": json.dumps({f"f{number}": 1 for number in range(100_000)}),
    "long name": json.dumps({"x" * 1_000_000: 1}),
    "deep": '{"metadata": ' + "[" * 100_000 + "]" * 100_000 + "}",
    "deep objects": '{"metadata": ' + '{"a":' * 5_000 + "1" + "}" * 5_001,
    "NaN": '{"temperature": NaN}',
    "Infinity": '{"temperature": Infinity}',
    "huge": '{"temperature": 1e999}',
    "long number": '{"temperature": ' + "9" * 5000 + "}",
    "surrogate in a name": '{"\\ud800": 1}',
    "surrogate in a text": '{"content": "\\ud800"}',
    "twice": '{"content": 1, "content": "x"}',
    "cut off": '{"content": "x',
    "nothing": " ",
    "null": "null",
    "list": "[1]",
    "text": '"content"',
    "BOM": '\ufeff{"content": "x"}',
    "NUL": '{"content": "\\u0000"}',
    "control": '{"content": "\x01"}',
    "trailing": '{"content": "x"}{"content": "y"}',
}


@pytest.mark.parametrize("name", HOSTILE)
@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("PUT", "{cell}"),
        ("POST", "{notebook}/cells"),
        ("POST", "{notebook}/execute_all"),
        ("PUT", "{notebook}"),
        ("PUT", "/api/llm/provider"),
    ],
)
def test_a_hostile_body_is_refused_or_taken(api, paths, name, method, path):
    data = HOSTILE[name].encode("utf-8", "surrogatepass")
    answer = api(method, path.format(**paths), data=data, content_type="application/json")
    assert answer.status_code in (200, 201, 400, 404, 413)
    assert len(answer.get_data()) < 11_000_000 if answer.status_code < 400 else 2_000
    if answer.status_code >= 400:
        assert isinstance(answer.json["error"], str)


@pytest.mark.parametrize(
    ("chosen", "said"),
    [
        ({"budgt": {"usd": 0.01}}, "did you mean `budget`?"),
        ({"budget": {"max_usd": 0.01}}, "there is no limit `max_usd`, only calls, tokens, usd"),
        ({"mode": "replays"}, "must be one of live, reuse, replay"),
        ({"model": ["a"]}, "`metadata.llm_repl.model` must be text"),
    ],
)
def test_a_choice_of_the_notebook_that_would_not_count_is_refused(api, paths, chosen, said):
    before = api.get(paths["notebook"]).json
    answer = api.put(paths["notebook"], {"metadata": {"llm_repl": chosen}})
    assert (answer.status_code, answer.json["code"]) == (400, "invalid")
    assert said in answer.json["error"]
    assert api.get(paths["notebook"]).json == before


def test_choices_that_a_file_came_with_may_be_sent_back(api, paths, root):
    document = {"cells": [], "metadata": {"llm_repl": {"budgt": {"usd": 1}}}}
    (root / "odd.llmn").write_text(json.dumps(document))
    path = f"/api/notebooks/{api.post('/api/notebooks/load', {'filepath': 'odd.llmn'}).json['id']}"
    metadata = api.get(path).json["metadata"]
    assert api.put(path, {"name": "Renamed", "metadata": metadata}).status_code == 200


def test_fields_of_a_form_that_are_left_empty_say_nothing(api, paths):
    answer = api.put(
        "/api/llm/provider", {"type": "mock", "api_key": "", "base_url": "", "model": ""}
    )
    assert answer.status_code == 200
    assert api.get("/api/llm/providers").json["current"] == {
        "type": "mock",
        "model": None,
        "base_url": None,
    }
    names = ("for_each", "model", "provider", "response_var", "schema")
    prompt = {"type": "prompt", "content": "Hi"} | dict.fromkeys(names, "")
    made = api.post(f"{paths['notebook']}/cells", prompt)
    assert made.status_code == 201
    assert [made.json[name] for name in names] == [None] * 5
    path = f"{paths['notebook']}/cells/{made.json['id']}"
    assert api.post(f"{path}/execute").json["status"] == "completed"
    api.put(path, {"response_var": "kept"})
    assert api.put(path, {"response_var": ""}).json["response_var"] is None
