"""The versions of a prompt's answer over REST, and what other clients are told."""

from __future__ import annotations

import pytest

LIST = "mock/list:one lamp|two lamps|three lamps"


@pytest.fixture
def asked(api):
    """A notebook whose prompt was asked three times, and a cell that uses the answer."""
    path = api.new_notebook()
    prompt = api.new_cell(path, "prompt", "How many?", model=LIST, response_var="many")
    api.new_cell(path, "code", "shown = many.upper()")
    for _ in range(3):
        api.post(f"{path}/execute_all", {})
    return path, prompt


def test_versions_by_page_with_numbers_and_what_they_took(api, asked):
    path, prompt = asked
    page = api.get(f"{prompt}/answers", query_string={"limit": 2}).json
    assert [version["number"] for version in page["answers"]] == [3, 2]
    newest = page["answers"][0]
    assert (newest["excerpt"], newest["words"], newest["in_use"]) == ("three lamps", 2, True)
    assert newest["model"] == LIST[5:]
    assert newest["provider"] == "mock"
    assert newest["duration_s"] >= 0
    assert newest["output_tokens"] == 2
    assert page["dependents"] == [api.cells(path)[1]["id"]]
    last = api.get(f"{prompt}/answers", query_string={"before": page["next"]}).json
    assert [version["excerpt"] for version in last["answers"]] == ["one lamp"]
    assert last["next"] is None
    overview = api.get(f"{path}/answers").json
    assert [(cell["total"], cell["number"]) for cell in overview["cells"]] == [(3, 3)]
    assert [call["id"] for call in overview["calls"]] == [newest["id"]]


def test_an_earlier_one_is_taken_into_use_and_everybody_hears_of_it(api, asked, until):
    path, prompt = asked
    answer = api.get(f"{prompt}/answers")
    version, first = answer.json["version"], answer.json["answers"][2]["id"]
    assert answer.headers["ETag"] == f'"{version}"'
    shown = api.get(f"{prompt}/answers/{first}").json
    assert shown["text"] == "one lamp"
    assert [part["side"] for part in shown["difference"][0]["parts"]] == ["this", "in_use"]
    headers = {"If-Match": f'"{version}"'}
    used = api.post(f"{prompt}/answers/{first}/use", headers=headers)
    assert used.json["outputs"][-1]["content"] == "one lamp"
    (changed,) = until(lambda: api.events("cell_changed"), "the cell is told")
    assert changed.payload["cell"]["outputs"][-1]["content"] == "one lamp"
    stale = until(lambda: api.events("cells_stale"), "what depends on it is told")
    assert stale[-1].payload["cell_ids"] == [api.cells(path)[1]["id"]]
    assert api.get(f"{path}/state").json["state"]["many"] == "one lamp"
    again = api.post(f"{prompt}/answers/{first}/use", headers=headers)
    assert again.status_code == 200  # it is sent twice
    assert len(api.events("cell_changed")) == 1
    other = answer.json["answers"][1]["id"]
    late = api.post(f"{prompt}/answers/{other}/use", headers=headers)
    assert (late.status_code, late.json["code"]) == (412, "precondition_failed")


def test_an_edit_is_marked_kept_and_taken_back(make_api):
    api = make_api()
    path = api.new_notebook()
    prompt = api.new_cell(path, "prompt", "How many?", model=LIST, response_var="many")
    api.post(f"{prompt}/execute", {})
    version = api.get(f"{prompt}/answers").json["version"]
    headers = {"If-Match": f'"{version}"'}
    before = api.get(prompt).json["version"]
    edited = api.put(f"{prompt}/answer", {"content": "four"}, headers=headers)
    assert edited.json["outputs"][-1]["edited"]["original"] == {"content": "one lamp"}
    assert edited.json["version"] == before  # the prompt was not edited
    assert api.put(f"{prompt}/answer", {"content": "four"}, headers=headers).status_code == 200
    assert api.put(f"{prompt}/answer", {"content": "five"}, headers=headers).status_code == 412
    api = make_api()
    page = api.get(f"{prompt}/answers").json
    assert [(each["kind"], each["excerpt"]) for each in page["answers"]] == [
        ("edited", "four"),
        ("answer", "one lamp"),
    ]
    original = page["answers"][1]["id"]
    back = api.post(f"{prompt}/answers/{original}/use", {})
    assert back.json["outputs"][-1]["content"] == "one lamp"
    assert "edited" not in back.json["outputs"][-1]


def test_a_structured_answer_has_to_fit(api):
    path = api.new_notebook()
    prompt = api.new_cell(path, "prompt", "Ada", schema="name, age int", response_var="who")
    api.post(f"{prompt}/execute", {})
    answer = api.put(f"{prompt}/answer", {"value": {"name": "Ada", "age": "old"}})
    assert answer.status_code == 400
    assert "age" in answer.json["error"]
    assert api.put(f"{prompt}/answer", {"value": {"name": "Ada", "age": 36}}).status_code == 200
    assert api.get(f"{path}/state").json["state"]["who"] == {"name": "Ada", "age": 36}
    for wrong in ({}, {"content": "{}", "value": {}}):
        assert api.put(f"{prompt}/answer", wrong).status_code == 400


def test_items_are_looked_at_one_by_one_and_failed_ones_asked_again(api):
    path = api.new_notebook("texts = ['{\"n\": 1}', 'no']")
    prompt = api.new_cell(
        path, "prompt", "{item}", for_each="texts", schema="n int", model="mock/echo"
    )
    assert api.post(f"{path}/execute_all", {}).json["success"] is False
    assert api.get(f"{prompt}/answers").status_code == 400
    page = api.get(f"{prompt}/answers", query_string={"item": 0}).json
    assert page["total"] == 1
    error = api.get(prompt).json["outputs"][-1]
    assert (error["total"], [each["item"] for each in error["failed_items"]]) == (2, [1])
    calls = len(api.get("/api/calls").json["calls"])
    code = f"{path}/cells/{api.cells(path)[0]['id']}"
    api.put(code, {"content": "texts = ['{\"n\": 1}', '{\"n\": 2}']"})
    api.post(f"{code}/execute", {})
    again = api.post(f"{prompt}/execute", {"items": "failed"})
    assert again.json["status"] == "completed"
    assert len(api.get("/api/calls").json["calls"]) == calls + 1
    api.put(f"{prompt}/answer", {"value": {"n": 7}, "item": 1})
    assert api.get(f"{path}/state").json["state"]["response_1"] == [{"n": 1}, {"n": 7}]
    once = api.post(f"{prompt}/execute", {"items": [0]})
    assert once.json["outputs"][1]["value"] == {"n": 7}


def test_while_the_cell_runs_it_is_refused_in_a_sentence(api, until):
    path = api.new_notebook()
    prompt = api.new_cell(path, "prompt", "Hi", model="mock/echo")
    api.post(f"{prompt}/execute", {})
    api.put(prompt, {"model": "mock/echo+delay=20"})
    api.post(f"{prompt}/execute", {}, headers={"Prefer": "respond-async"})
    until(lambda: api.get(prompt).json["status"] == "running", "it runs")
    answer = api.put(f"{prompt}/answer", {"content": "x"})
    assert answer.status_code == 409
    assert "Cell 1 runs" in answer.json["error"]
    api.post(f"{path}/interrupt", {})


def test_what_is_not_there_is_said(api, asked):
    _, prompt = asked
    for answer in (
        api.get(f"{prompt}/answers/none"),
        api.post(f"{prompt}/answers/none/use", {}),
        api.get(f"{prompt[:-4]}none/answers"),
    ):
        assert answer.status_code == 404


def test_several_models_are_asked_side_by_side_and_stopped(api, until):
    path = api.new_notebook("who = 'Ada'")
    prompt = api.new_cell(path, "prompt", "Hello {who}", model="mock/echo", response_var="said")
    api.post(f"{path}/execute_all", {})
    models = [{"model": "mock/echo"}, {"model": "mock"}, {"model": "mock/echo+delay=60"}]
    key = {"Idempotency-Key": "3f2b6c0e-6a51-4d0e-9d1c-2b8f6f0a7a11"}
    asked = api.post(f"{prompt}/ask", {"models": models}, headers=key).json
    assert asked["id"] == key["Idempotency-Key"]
    assert api.post(f"{prompt}/ask", {"models": models}, headers=key).json["id"] == asked["id"]
    until(lambda: len(api.events("candidate_ended")) == 2, "two have answered")
    shown = api.get(f"{prompt}/ask/{asked['id']}").json
    assert [answer["state"] for answer in shown["answers"]] == ["completed", "completed", "running"]
    texts = [
        event.payload["text"]
        for event in api.events("candidate_text")
        if event.payload["candidate"] == 0
    ]
    assert "".join(texts) == "Hello Ada"
    stopped = api.post(f"{prompt}/ask/{asked['id']}/interrupt?candidate=2", {}).json
    assert stopped["ended"]
    assert stopped["answers"][2]["state"] == "interrupted"
    assert api.get(f"{path}/state").json["state"]["said"] == "Hello Ada"
    assert api.get(f"{prompt}/answers").json["total"] == 3
    other = shown["answers"][1]["call_id"]
    api.post(f"{prompt}/answers/{other}/use", {})
    assert api.get(f"{path}/state").json["state"]["said"].startswith("This is the mock model.")
    assert api.post(f"{prompt}/ask", {"times": 11}).status_code == 400
    assert api.get(f"{prompt}/ask/none").status_code == 404
