"""Cells over the API: made, changed, moved, copied, cleared, deleted."""

from __future__ import annotations

from typing import ClassVar

import pytest

from llm_repl_core import Cell, CellType, Output, hookimpl

WORDS = {
    "markdown": "MarkdownCell",
    "code": "ComputationCell",
    "prompt": "PromptCell",
    "memory": "MemoryCell",
}
EVERY_CELL = {"id", "cell_id", "type", "content", "outputs", "status", "execution_count"}
PROMPT = {"model", "temperature", "response_var"}


@pytest.mark.parametrize(("word", "answered"), [*WORDS.items(), *((w, w) for w in WORDS.values())])
def test_requests_take_both_spellings_of_a_type(api, word, answered):
    path = api.new_notebook()
    created = api.post(f"{path}/cells", {"type": word, "content": "x"})
    assert created.status_code == 201
    cell = created.json
    assert cell.keys() >= EVERY_CELL | (PROMPT if answered == "PromptCell" else set())
    assert (cell["type"], cell["content"], cell["outputs"]) == (answered, "x", [])
    assert (cell["status"], cell["execution_count"]) == ("idle", None)
    assert cell["id"] == cell["cell_id"]
    assert api.get(f"{path}/cells/{cell['id']}").json == cell
    assert api.cells(path) == [cell]


def test_a_prompt_has_its_options(api):
    path = api.new_notebook()
    options = {"model": "mock/echo", "temperature": 0.5, "response_var": "answer"}
    cell = api.post(f"{path}/cells", {"type": "prompt", "content": "Hi", **options}).json
    assert cell | options == cell
    bare = api.post(f"{path}/cells", {"type": "prompt"}).json
    assert {name: bare[name] for name in PROMPT} == dict.fromkeys(PROMPT)


class CountCell(Cell, kw_only=True):
    type: ClassVar[str] = "count"
    wire_type: ClassVar[str] = "CountCell"
    up_to: int = 3


async def execute_count(cell, execution):
    yield Output.stdout(" ".join(map(str, range(cell.up_to))))


class Counting:
    @hookimpl
    def llm_repl_cell_types(self):
        return [CellType(CountCell, execute_count)]


def test_options_of_a_type_that_a_plugin_brings(make_api):
    api = make_api(plugin=Counting())
    path = api.new_notebook()
    cell = api.post(f"{path}/cells", {"type": "count", "up_to": 2}).json
    assert (cell["type"], cell["up_to"]) == ("CountCell", 2)
    assert api.put(f"{path}/cells/{cell['id']}", {"up_to": 4}).json["up_to"] == 4
    ran = api.post(f"{path}/cells/{cell['id']}/execute").json
    assert ran["outputs"] == [{"type": "stdout", "content": "0 1 2 3"}]
    assert api.post(f"{path}/cells", {"type": "count", "up_to": "many"}).status_code == 400


def test_cells_stand_where_they_are_asked_to(api):
    path = api.new_notebook("a", "b")
    for position, content in (
        (0, "first"),
        (3, "last"),
        (2, "middle"),
        (None, "end"),
        (1.0, "one"),
    ):
        api.new_cell(path, "code", content, position=position)
    contents = [cell["content"] for cell in api.cells(path)]
    assert contents == ["first", "one", "a", "middle", "b", "last", "end"]
    assert [one.payload["position"] for one in api.events("cell_created")][2:] == [0, 3, 2, 5, 1]


def test_order_is_the_same_from_the_disk(make_api):
    api = make_api()
    path = api.new_notebook("a", "b", "c")
    ids = [cell["id"] for cell in api.cells(path)]
    api.post(f"{path}/cells/{ids[0]}/move", {"position": 2})
    api.post(f"{path}/cells/{ids[1]}/duplicate")
    api.new_cell(path, "code", "d", position=1)
    api.delete(f"{path}/cells/{ids[2]}")
    shown = api.cells(path)
    assert [cell["content"] for cell in shown] == ["b", "d", "b", "a"]
    assert make_api().cells(path) == shown


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "type"),
        ({"type": None}, "type"),
        ({"type": "zzz"}, "zzz"),
        ({"type": ""}, "type"),
        ({"type": "code", "content": None}, "content"),
        ({"type": "code", "content": ["x"]}, "content"),
        ({"type": "code", "position": -1}, "position"),
        ({"type": "code", "position": 99}, "position"),
        ({"type": "code", "position": 0.5}, "position"),
        ({"type": "code", "position": "1"}, "position"),
        ({"type": "code", "position": True}, "position"),
        ({"type": "code", "position": 10**400}, ""),
        ({"type": "code", "metadata": []}, "metadata"),
        ({"type": "prompt", "temperature": 2.1}, "temperature"),
        ({"type": "prompt", "temperature": "hot"}, "temperature"),
        ({"type": "prompt", "temperature": float("nan")}, ""),
        ({"type": "prompt", "response_var": "1x"}, "response_var"),
        ({"type": "prompt", "response_var": "a b"}, "response_var"),
        ({"type": "prompt", "model": 3}, "model"),
    ],
)
def test_unusable_cells_are_refused(api, body, field):
    path = api.new_notebook("x")
    answer = api.post(f"{path}/cells", body)
    assert (answer.status_code, answer.json["code"]) == (400, "invalid")
    assert field in answer.json["error"]
    assert len(api.cells(path)) == 1


def test_a_changed_content_clears_the_outputs(api):
    path = api.new_notebook("1 + 1")
    cell = f"{path}/cells/{api.cells(path)[0]['id']}"
    assert api.run(cell)["outputs"]
    same = api.put(cell, {"content": "1 + 1", "metadata": {"a": 1}}).json
    assert (same["status"], len(same["outputs"])) == ("completed", 1)
    changed = api.put(cell, {"content": "2 + 2"}).json
    assert (changed["outputs"], changed["status"]) == ([], "idle")
    assert changed["execution_count"] is None
    assert api.get(cell).json == changed
    assert [one.payload["cell"] for one in api.events("cell_changed")] == [same, changed]


def test_a_whole_cell_can_be_sent_back(api):
    path = api.new_notebook("1")
    cell = f"{path}/cells/{api.cells(path)[0]['id']}"
    api.run(cell)
    whole = api.get(cell).json
    assert api.put(cell, whole | {"status": "running"}).json == whole


def test_a_type_can_be_changed(api):
    path = api.new_notebook("x = {name}")
    cell = f"{path}/cells/{api.cells(path)[0]['id']}"
    changed = api.put(cell, {"type": "prompt", "temperature": 1}).json
    assert (changed["type"], changed["content"]) == ("PromptCell", "x = {name}")
    assert changed["temperature"] == 1
    assert api.put(cell, {"type": "MarkdownCell"}).json["type"] == "MarkdownCell"
    assert api.put(cell, {"type": "nothing"}).status_code == 400
    assert api.get(cell).json["type"] == "MarkdownCell"


def test_no_half_of_a_change_is_kept(api):
    path = api.new_notebook()
    cell = api.new_cell(path, "prompt", "Hi")
    before = api.get(cell).json
    answer = api.put(cell, {"content": "changed", "temperature": 7})
    assert (answer.status_code, answer.json["code"]) == (400, "invalid")
    assert api.get(cell).json == before


def test_the_version_is_the_etag_and_changes_with_every_edit(api):
    path = api.new_notebook("x = 1")
    cell = f"{path}/cells/{api.cells(path)[0]['id']}"
    answer = api.get(cell)
    assert answer.headers["ETag"] == f'"{answer.json["version"]}"'
    api.run(cell)
    assert api.get(cell).headers["ETag"] == answer.headers["ETag"]  # a run is no edit
    versions = {answer.json["version"]}
    for change in ({"content": "x = 2"}, {"metadata": {"a": 1}}, {"type": "prompt"}):
        versions.add(api.put(cell, change).json["version"])
    assert len(versions) == 4


@pytest.mark.parametrize("method", ["PUT", "DELETE"])
def test_if_match_keeps_from_overwriting_what_one_has_not_seen(api, method):
    path = api.new_notebook("x = 1")
    cell = f"{path}/cells/{api.cells(path)[0]['id']}"
    mine = api.get(cell).headers["ETag"]
    theirs = api.put(cell, {"content": "x = 2"}, headers={"If-Match": mine}).headers["ETag"]
    body = {"json": {"content": "x = 3"}} if method == "PUT" else {}
    for tag in (mine, '"other"', f'{mine}, "b"'):
        refused = api(method, cell, headers={"If-Match": tag}, **body)
        assert (refused.status_code, refused.json["code"]) == (412, "precondition_failed")
    assert api.get(cell).json["content"] == "x = 2"
    good = api(method, cell, headers={"If-Match": f'"a", {theirs}'}, **body)
    assert good.status_code == 200


def test_if_match_of_a_star_is_any_version(api):
    path = api.new_notebook("x")
    cell = f"{path}/cells/{api.cells(path)[0]['id']}"
    assert api.put(cell, {"content": "y"}, headers={"If-Match": "*"}).status_code == 200


def test_without_if_match_the_last_wins_and_everybody_is_told(api):
    path = api.new_notebook("x")
    cell = f"{path}/cells/{api.cells(path)[0]['id']}"
    for content in ("mine", "theirs"):
        assert api.put(cell, {"content": content}).status_code == 200
    told = [one.payload["cell"]["content"] for one in api.events("cell_changed")]
    assert told == ["mine", "theirs"]
    assert api.get(cell).json["content"] == "theirs"


def test_a_cell_is_moved(api):
    path = api.new_notebook("a", "b", "c")
    ids = [cell["id"] for cell in api.cells(path)]
    moved = api.post(f"{path}/cells/{ids[0]}/move", {"position": 2})
    assert (moved.status_code, moved.json["id"]) == (200, ids[0])
    assert [cell["content"] for cell in api.cells(path)] == ["b", "c", "a"]
    for body in ({"position": 3}, {"position": -1}, {}, {"position": None}):
        assert api.post(f"{path}/cells/{ids[0]}/move", body).status_code == 400
    (event,) = api.events("cell_moved")
    assert (event.payload["cell_id"], event.payload["position"]) == (ids[0], 2)


def test_a_copy_stands_behind_its_cell(api):
    path = api.new_notebook("1 + 1", "b")
    first = api.cells(path)[0]["id"]
    ran = api.run(f"{path}/cells/{first}")
    copy = api.post(f"{path}/cells/{first}/duplicate")
    assert copy.status_code == 201
    assert copy.json["id"] != first
    assert copy.json["outputs"] == ran["outputs"]
    assert [cell["content"] for cell in api.cells(path)] == ["1 + 1", "1 + 1", "b"]
    api.put(f"{path}/cells/{copy.json['id']}", {"content": "other", "metadata": {"a": 1}})
    assert api.get(f"{path}/cells/{first}").json["outputs"] == ran["outputs"]


def test_outputs_are_cleared(api):
    path = api.new_notebook("1", "2")
    api.post(f"{path}/execute_all")
    ids = [cell["id"] for cell in api.cells(path)]
    assert api.post(f"{path}/cells/{ids[0]}/clear_outputs").json == {"success": True}
    assert [len(cell["outputs"]) for cell in api.cells(path)] == [0, 1]
    assert api.post(f"{path}/clear_outputs").json == {"success": True}
    assert [(cell["outputs"], cell["status"]) for cell in api.cells(path)] == [([], "idle")] * 2
    told = [one.payload["cell_ids"] for one in api.events("outputs_cleared")]
    assert told == [[ids[0]], ids]


def test_a_cell_is_deleted(api):
    path = api.new_notebook("a", "b")
    first, second = (cell["id"] for cell in api.cells(path))
    assert api.delete(f"{path}/cells/{first}").json == {"success": True}
    assert [cell["id"] for cell in api.cells(path)] == [second]
    for method in ("GET", "PUT", "DELETE"):
        body = {"json": {}} if method == "PUT" else {}
        answer = api(method, f"{path}/cells/{first}", **body)
        assert (answer.status_code, answer.json["code"]) == (404, "no_such_cell")


CONTENTS = ["", "\x00", "\u2028", "🎉" * 3, "{" * 1000, "\x1a0000", "a\r\nb", "x" * 1_000_000]


@pytest.mark.parametrize("content", CONTENTS, ids=lambda text: ascii(text[:8]))
def test_contents_of_any_text_come_back(make_api, content):
    api = make_api()
    path = api.new_notebook()
    cell = api.new_cell(path, "code", content)
    assert api.get(cell).json["content"] == content
    assert make_api().get(cell).json["content"] == content
