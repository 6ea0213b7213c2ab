"""Prompts over REST, besides running them: fields, preview, tools; and what depends on what."""

from __future__ import annotations

import asyncio
import functools
import xml.etree.ElementTree as ElementTree
from collections.abc import AsyncIterator
from typing import ClassVar

import pytest

from llm_repl_core import Delta, Provider, Request, hookimpl
from llm_repl_core.engine import look_ahead
from llm_repl_core.kernels.worker import WorkerKernel
from llm_repl_server.services import prompts

LIMIT_S = 30.0

FIELDS = {
    "model": "mock/echo",
    "temperature": 0.5,
    "response_var": "answer",
    "provider": "mock",
    "parameters": {"max_tokens": 100, "top_p": 1.0},
    "system": "Be brief.",
    "context": "above",
    "schema": {"type": "object"},
    "tools": ["add"],
    "tool_limit": 3,
    "approve_tools": True,
    "for_each": "[1, 2]",
    "attachments": ["./picture.png"],
    "pinned": True,
    "skipped": True,
}


# Fields ----------------------------------------------------------------------------------------


def test_every_field_is_taken_shown_and_kept(make_api):
    api = make_api()
    path = api.new_notebook()
    made = api.new_cell(path, "prompt", "Hi", **FIELDS)
    changed = api.new_cell(path, "prompt", "Hi")
    api.put(changed, FIELDS | {"tool_limit": 3.0})
    for cell in (made, changed):
        shown = api.get(cell).json
        assert {name: shown[name] for name in FIELDS} == FIELDS
        assert shown["stale"] is False
    before = [api.get(cell).json for cell in (made, changed)]
    api = make_api()
    assert [api.get(cell).json for cell in (made, changed)] == before
    api.put(made, {"context": [before[1]["id"]], "schema": "name, age int", "system": None})
    assert api.get(made).json["context"] == [before[1]["id"]]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("parameters", []), ("system", 1), ("context", "below"), ("context", [1]), ("schema", 1),
        ("tools", ["not a name"]), ("tools", "add"), ("tool_limit", 0), ("tool_limit", 1.5),
        ("approve_tools", "yes"), ("for_each", 1), ("attachments", "x"), ("pinned", 1),
        ("skipped", None),
    ],
)  # fmt: skip
def test_a_value_that_does_not_fit_changes_nothing(api, name, value):
    path = api.new_notebook()
    cell = api.new_cell(path, "prompt", "Hi")
    before = api.get(cell).json
    for answer in (
        api.put(cell, {name: value}),
        api.post(f"{path}/cells", {"type": "prompt", name: value}),
    ):
        assert (answer.status_code, answer.json["code"]) == (400, "invalid")
    assert api.cells(path) == [before]


def test_every_type_of_cell_is_pinned_and_skipped(api):
    path = api.new_notebook("1", ("markdown", "Text"), ("memory", "a = 1"))
    for cell in api.cells(path):
        address = f"{path}/cells/{cell['id']}"
        changed = api.put(address, {"pinned": True, "skipped": True, "tools": []})
        assert (changed.json["pinned"], changed.json["skipped"]) == (True, True)
        assert "tools" not in changed.json


# Preview ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("kernel", ["in_process", "worker"])
def test_a_preview_is_what_is_then_sent(make_api, kernel):
    api = make_api(kernel=kernel)
    path = api.new_notebook("who = 'you'", ("markdown", "Background."))
    cell = api.new_cell(
        path, "prompt", "Ask {who}", context="above", system="Be brief.", temperature=0.5
    )
    api.run(f"{path}/cells/{api.cells(path)[0]['id']}")
    preview = api.get(f"{cell}/preview").json
    assert preview["messages"][-1]["content"] == "Ask you"
    assert preview["messages"][-1]["cell_id"] == cell.rpartition("/")[2]
    assert (preview["provider"], preview["calls"]) == ("mock", 1)
    assert preview["price_usd"] == 0.0
    (output,) = api.run(cell)["outputs"]
    sent = api.get(f"/api/calls/{output['call_id']}").json
    assert sent["body"] == preview["body"]
    assert sent["usage"]["input_tokens"] == preview["input_tokens"]
    assert len(api.get("/api/calls").json["calls"]) == 1  # looking is not asking


def test_a_preview_says_what_an_earlier_call_began_with(api):
    path = api.new_notebook()
    first, second = (
        api.new_cell(path, "prompt", text, system="Be brief.", model="echo")
        for text in ("One", "Two")
    )
    assert api.get(f"{second}/preview").json["shared_prefix"] is None
    (output,) = api.run(first)["outputs"]
    shared = api.get(f"{second}/preview").json["shared_prefix"]
    assert (shared["call_id"], shared["cell_id"]) == (output["call_id"], first.rpartition("/")[2])
    assert (shared["messages"], shared["saving_usd"]) == (1, 0.0)
    assert shared["tokens"] > 0
    assert shared["asked_at"]


def test_a_call_shows_its_parts_and_what_was_made_by_its_hash(api):
    path = api.new_notebook()
    cell = api.new_cell(
        path, "prompt", "Draw", model="echo+think=Hm.+make=image/png", reasoning_effort="low"
    )
    picture, output = api.run(cell)["outputs"]
    call = api.get(f"/api/calls/{output['call_id']}").json
    assert [part["type"] for part in call["parts"]] == ["reasoning", "text", "media"]
    assert call["parts"][0]["provider_data"].keys() == {"signature"}
    assert "data" not in call["parts"][2]
    assert call["parts"][2]["sha256"] == picture["metadata"]["llm_repl"]["sha256"]
    assert call["request"]["reasoning_effort"] == "low"
    assert call["usage"]["reasoning_tokens"] == 1


def test_an_effort_that_is_none_is_refused(api):
    path = api.new_notebook()
    cell = api.new_cell(path, "prompt", "Hi")
    assert api.put(cell, {"reasoning_effort": "huge"}).status_code == 400
    metadata = {"llm_repl": {"reasoning_effort": "huge"}}
    answer = api.put(path, {"metadata": metadata})
    assert answer.status_code == 400
    assert "none, minimal, low, medium, high" in answer.json["error"]


def test_what_has_no_preview_says_why(api):
    path = api.new_notebook("1")
    (code,) = api.cells(path)
    answer = api.get(f"{path}/cells/{code['id']}/preview")
    assert (answer.status_code, answer.json["code"]) == (400, "invalid")
    prompt = api.new_cell(path, "prompt", "Hi {nobody}")
    answer = api.get(f"{prompt}/preview")
    assert answer.status_code == 400
    assert "nobody" in answer.json["error"]


def test_a_preview_waits_for_what_runs_but_not_for_ever(make_api, until, in_thread, monkeypatch):
    monkeypatch.setattr(prompts, "BUSY_LIMIT_S", 0.2)
    api = make_api(kernel="worker")
    path = api.new_notebook("import time\ntime.sleep(100)")
    (slow,) = (f"{path}/cells/{cell['id']}" for cell in api.cells(path))
    prompt = api.new_cell(path, "prompt", "Hi")
    running = in_thread(api.run, slow)
    until(lambda: api.get(slow).json["status"] == "running", "it runs")
    answer = api.get(f"{prompt}/preview")
    assert (answer.status_code, answer.json["code"]) == (409, "conflict")
    assert "runs" in answer.json["error"]
    api.post(f"{path}/interrupt")
    running.result()
    assert api.get(f"{prompt}/preview").status_code == 200


@pytest.mark.parametrize("kernel", ["in_process", "worker"])
def test_a_template_that_takes_too_long_is_stopped(make_api, monkeypatch, kernel):
    monkeypatch.setattr(prompts, "FILL_LIMIT_S", 0.3)
    api = make_api(kernel=kernel)
    code = "import time\ndef slow():\n    for _ in range(300):\n        time.sleep(0.01)"
    path = api.new_notebook(code)
    (defines,) = (f"{path}/cells/{cell['id']}" for cell in api.cells(path))
    api.run(defines)
    prompt = api.new_cell(path, "prompt", "Hi {slow()}")
    answer = api.get(f"{prompt}/preview")
    assert answer.status_code == 409, answer.json
    assert "took longer" in answer.json["error"]
    api.put(prompt, {"content": "Hi"})
    assert api.run(prompt)["status"] == "completed"


# Tools -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("approved", [True, False])
def test_a_tool_waits_until_somebody_agrees(api, until, in_thread, approved):
    path = api.new_notebook(
        "called = []\ndef add(x: int) -> int:\n    called.append(x)\n    return x + 1"
    )
    (defines,) = (f"{path}/cells/{cell['id']}" for cell in api.cells(path))
    api.run(defines)
    cell = api.new_cell(
        path, "prompt", "Hi", model='mock/call:add {"x": 41}', tools=["add"], approve_tools=True
    )
    running = in_thread(api.run, cell)
    until(lambda: api.events("tool_approval_needed"), "somebody is asked")
    asked = api.events("tool_approval_needed")[0].payload
    assert (asked["name"], asked["arguments"]) == ("add", '{"x": 41}')
    assert api.post(f"{cell}/tool_calls/nobody", {"approved": True}).status_code == 404
    [waiting] = api.get(f"{path}/tool_calls").json["tool_calls"]
    assert {name: waiting[name] for name in asked.keys() & waiting.keys()} == waiting
    wrong = f"{defines}/tool_calls/{asked['call_id']}"
    assert api.post(wrong, {"approved": True}).status_code == 404, "another cell's"
    address = f"{cell}/tool_calls/{asked['call_id']}"
    for body in ({}, {"approved": "yes"}, {"approved": None}):
        assert api.post(address, body).status_code == 400
    assert api.post(address, {"approved": approved}).json == {"success": True}
    outputs = running.result()["outputs"]
    assert outputs[0]["type"] == "tool_call"
    assert api.get(f"{path}/state").json["state"]["called"] == ([41] if approved else [])
    assert api.post(address, {"approved": True}).status_code == 404
    assert api.get(f"{path}/tool_calls").json == {"tool_calls": []}


def test_a_deleted_prompt_waits_for_nobody(api, in_thread, until) -> None:
    path = api.new_notebook("def add(x: int) -> int:\n    return x + 1")
    (defines,) = (f"{path}/cells/{cell['id']}" for cell in api.cells(path))
    api.run(defines)
    cell = api.new_cell(
        path, "prompt", "Hi", model='mock/call:add {"x": 41}', tools=["add"], approve_tools=True
    )
    running = in_thread(api.run, cell)
    until(lambda: api.events("tool_approval_needed"), "somebody is asked")
    assert api.delete(cell).status_code == 200
    running.result()
    api.run(defines)


def test_a_deleted_prompt_asks_no_second_time(api, in_thread, until) -> None:
    path = api.new_notebook("def add(x: int) -> int:\n    return x + 1")
    (defines,) = (f"{path}/cells/{cell['id']}" for cell in api.cells(path))
    api.run(defines)
    model = 'mock/call:add {"x": 1}|add {"x": 2}'
    cell = api.new_cell(path, "prompt", "Hi", model=model, tools=["add"], approve_tools=True)
    running = in_thread(api.run, cell)
    until(lambda: api.events("tool_approval_needed"), "somebody is asked")
    assert api.delete(cell).status_code == 200
    running.result()
    assert len(api.events("tool_approval_needed")) == 1
    assert api.get(f"{path}/tool_calls").json["tool_calls"] == []


# What depends on what --------------------------------------------------------------------------


def test_the_graph_names_cells_and_variables(api):
    path = api.new_notebook("a = 1", ("prompt", "Tell {a}"), "print(response_1)", "exec('b')")
    ids = [cell["id"] for cell in api.cells(path)]
    api.post(f"{path}/execute_all")
    api.put(f"{path}/cells/{ids[0]}", {"content": "a = 2"})
    graph = api.get(f"{path}/graph").json
    assert [node["id"] for node in graph["nodes"]] == ids
    assert graph["nodes"][1]["variable"] == "response_1"
    assert graph["nodes"][3]["barrier"]
    assert {"source": ids[0], "target": ids[1], "variable": "a", "kind": "variable"} in graph[
        "edges"
    ]
    assert graph["stale"][:3] == ids[:3]
    assert [node["stale"] for node in graph["nodes"]][:3] == [True] * 3
    assert graph["nodes"][0]["status"] == "idle"


def test_the_graph_is_drawn(api):
    path = api.new_notebook("a = '<script>alert(1)</script>'", "a")
    assert api.get(f"{path}/graph?format=text").mimetype == "text/plain"
    mermaid = api.get(f"{path}/graph?format=mermaid")
    assert (mermaid.mimetype, mermaid.get_data()[:9]) == ("text/vnd.mermaid", b"flowchart")
    svg = api.get(f"{path}/graph?format=svg")
    assert svg.mimetype == "image/svg+xml"
    assert "sandbox" in svg.headers["Content-Security-Policy"]
    assert ElementTree.fromstring(svg.get_data()).tag.endswith("svg")
    assert b"<script>" not in svg.get_data()
    assert api.get(f"{path}/graph?format=pdf").status_code == 400


class TwoAtOnce(Provider):
    """Answers when two have asked, and after that at once."""

    name = "two"
    default_model = "two"
    asked: ClassVar[list[str]] = []
    second: ClassVar[asyncio.Event]

    async def stream(self, request: Request) -> AsyncIterator[Delta]:
        self.asked.append(request.messages[-1].content)
        if len(self.asked) == 2:
            self.second.set()
        async with asyncio.timeout(LIMIT_S):
            await self.second.wait()
        yield Delta(text="Oslo")


class Two:
    @hookimpl
    def llm_repl_providers(self) -> list[type[Provider]]:
        return [TwoAtOnce]


def test_the_graph_says_which_cell_was_in_the_way(make_api, monkeypatch):
    # As long as it takes on a busy machine.
    monkeypatch.setattr(look_ahead, "_RENDER_LIMIT_S", LIMIT_S)
    start = functools.partialmethod(WorkerKernel.__init__, fork_limit_s=LIMIT_S)
    monkeypatch.setattr(WorkerKernel, "__init__", start)
    monkeypatch.setattr(TwoAtOnce, "asked", [])
    monkeypatch.setattr(TwoAtOnce, "second", asyncio.Event(), raising=False)
    api = make_api(kernel="worker", provider="two", plugin=Two())
    path = api.new_notebook("raw = bytearray(b'a')\nview = memoryview(raw)")
    api.new_cell(path, "prompt", "Name a city.", response_var="city")
    api.new_cell(path, "code", "print(city)\nraw[0] = 98")  # which nobody can see in the text
    api.new_cell(path, "prompt", "{bytes(view)}", response_var="dish")
    assert api.get(f"{path}/graph?format=text").text.count("in the way") == 0
    api.post(f"{path}/execute_all")
    assert TwoAtOnce.asked == ["Name a city.", "b'a'", "b'b'"]
    _, _, changes, prompt = api.cells(path)
    edges = api.get(f"{path}/graph").json["edges"]
    seen = {"source": changes["id"], "target": prompt["id"], "variable": None, "kind": "in_the_way"}
    assert [edge for edge in edges if edge["kind"] == "in_the_way"] == [seen]
    assert "   ← 3 (was in the way)\n" in api.get(f"{path}/graph?format=text").text
    assert 'c2 -.->|"was in the way"| c3' in api.get(f"{path}/graph?format=mermaid").text
    assert "<title>3 → 4: was in the way</title>" in api.get(f"{path}/graph?format=svg").text
    api.put(f"{path}/cells/{changes['id']}", {"content": "print(city)"})
    assert "in_the_way" not in api.get(f"{path}/graph").text


def stale(api, path):
    return [cell["stale"] for cell in api.cells(path)]


def test_what_an_edit_makes_stale(api):
    path = api.new_notebook("a = 1", "b = a", "c = b", "d = 1")
    cells = [f"{path}/cells/{cell['id']}" for cell in api.cells(path)]
    api.post(f"{path}/execute_all")
    api.put(cells[1], {"metadata": {"note": 1}})
    assert stale(api, path) == [False] * 4
    changed = api.put(cells[1], {"content": "b = a + 1"}).json
    assert changed["stale"] is True
    assert stale(api, path) == [False, True, True, False]
    api.run(cells[1])
    assert stale(api, path) == [False, False, True, False]
    api.run(cells[2])
    assert stale(api, path) == [False] * 4


def test_what_other_changes_make_stale(make_api):
    api = make_api()
    path = api.new_notebook("a = 1", "a = 2", "b = a", "c = 1")
    cells = [f"{path}/cells/{cell['id']}" for cell in api.cells(path)]

    def fresh():
        assert api.post(f"{path}/execute_all").json == {"success": True}
        assert not any(stale(api, path))

    fresh()
    api.put(cells[1], {"content": "other = 2"})  # who read it reads another now
    assert stale(api, path) == [False, True, True, False]
    fresh()
    api.put(cells[0], {"type": "markdown"})
    assert stale(api, path) == [True, False, True, False]
    api.put(cells[0], {"type": "code"})
    fresh()
    api.post(f"{cells[3]}/move", {"position": 0})
    assert not any(stale(api, path))
    api.post(f"{cells[2]}/move", {"position": 1})  # above the cell that it reads from
    assert stale(api, path) == [False, True, False, False]
    api.post(f"{cells[2]}/move", {"position": 3})
    fresh()
    api.put(cells[1], {"content": "a = 2"})
    fresh()
    assert [cell["content"] for cell in api.cells(path)] == ["c = 1", "a = 1", "a = 2", "b = a"]
    api.post(f"{cells[0]}/move", {"position": 2})  # what it sets is read from then on
    assert stale(api, path) == [False, False, False, True]
    api.post(f"{cells[0]}/move", {"position": 1})
    api.put(cells[1], {"content": "other = 2"})
    fresh()
    api.delete(cells[0])
    assert stale(api, path) == [False, False, True]
    assert stale(make_api(), path) == [False, False, True]


def test_a_prompt_is_stale_when_other_cells_are_sent_along(api):
    path = api.new_notebook(("markdown", "Background."), ("prompt", "Hi"))
    background, prompt = (f"{path}/cells/{cell['id']}" for cell in api.cells(path))
    for pinned in (True, False):
        api.run(prompt)
        assert stale(api, path) == [False, False]
        api.put(background, {"pinned": pinned})
        assert stale(api, path) == [False, True]


def test_an_edit_that_is_refused_makes_nothing_stale(api, until):
    path = api.new_notebook("a = 1", "b = a")
    cells = [f"{path}/cells/{cell['id']}" for cell in api.cells(path)]
    api.post(f"{path}/execute_all")
    until(lambda: api.events("run_ended"), "clients know that the run has ended")
    api.told.clear()
    assert api.put(cells[0], {"content": 3}).status_code == 400
    assert api.put(cells[0], {"content": "x"}, headers={"If-Match": '"no"'}).status_code == 412
    assert api.post(f"{cells[0]}/move", {"position": 9}).status_code == 400
    assert api.delete(cells[0], headers={"If-Match": '"no"'}).status_code == 412
    assert stale(api, path) == [False, False]
    assert not api.events()
