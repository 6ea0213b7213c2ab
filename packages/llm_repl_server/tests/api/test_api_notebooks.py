"""Notebooks over the API: made, listed, shown, changed, deleted."""

from __future__ import annotations

import platform
import threading
from datetime import datetime
from uuid import UUID

import pytest

HEADER = {"id", "notebook_id", "name", "created_at", "updated_at"}


def test_a_server_without_notebooks_lists_none(api):
    assert api.get("/api/notebooks").json == {"notebooks": []}


def test_a_notebook_is_made(api):
    answer = api.post("/api/notebooks", {"name": "Sales"})
    assert answer.status_code == 201
    notebook = answer.json
    assert notebook.keys() >= HEADER
    assert notebook["name"] == "Sales"
    assert notebook["id"] == notebook["notebook_id"] == str(UUID(notebook["id"]))
    for field in ("created_at", "updated_at"):
        assert datetime.fromisoformat(notebook[field]).utcoffset() is not None


@pytest.mark.parametrize("options", [{}, {"json": {}}, {"data": b""}])
def test_a_notebook_without_a_name_has_the_default_one(api, options):
    answer = api("POST", "/api/notebooks", **options)
    assert (answer.status_code, answer.json["name"]) == (201, "Untitled Notebook")


def test_notebooks_are_listed_in_the_order_in_which_they_were_made(api):
    paths = [api.new_notebook("1", "2", name="A"), api.new_notebook(name="B")]
    listed = api.get("/api/notebooks").json["notebooks"]
    assert [f"/api/notebooks/{one['id']}" for one in listed] == paths
    assert [(one["name"], one["cell_count"]) for one in listed] == [("A", 2), ("B", 0)]
    assert all(one.keys() >= HEADER | {"cell_count"} for one in listed)


def test_a_notebook_is_shown_with_its_cells(api):
    path = api.new_notebook("x = 1", ("markdown", "# T"))
    shown = api.get(path).json
    assert shown.keys() >= HEADER | {"metadata", "cells", "state_keys"}
    assert shown["cells"] == api.cells(path)
    assert [cell["type"] for cell in shown["cells"]] == ["ComputationCell", "MarkdownCell"]


def test_state_keys_are_the_names_after_a_run(api):
    path = api.new_notebook("x = 1\n_hidden = 2\nimport os")
    assert api.get(path).json["state_keys"] == []
    api.post(f"{path}/execute_all")
    assert api.get(path).json["state_keys"] == ["x"]


def test_the_kernel_is_none_until_the_first_run_and_then_idle(api):
    path = api.new_notebook("x = 1", "y = 2")
    first, second = (cell["id"] for cell in api.cells(path))
    python = {"language": "python", "version": platform.python_version()}
    shown = api.get(path).json
    assert (shown["kernel"], shown["ran_cell_ids"]) == ({"state": "none"} | python, [])
    api.post(f"{path}/cells/{second}/execute")
    shown = api.get(path).json
    assert (shown["kernel"], shown["ran_cell_ids"]) == ({"state": "idle"} | python, [second])
    api.post(f"{path}/execute_all")
    assert api.get(path).json["ran_cell_ids"] == [first, second]


def test_of_a_kernel_of_another_language_no_version_is_known_before_it_runs(api):
    path = api.new_notebook("1")
    api.put(path, {"metadata": {"kernelspec": {"name": "ir", "language": "R"}}})
    kernel = {"state": "none", "language": "r", "version": None}
    assert api.get(path).json["kernel"] == kernel


def test_a_notebook_is_renamed(api):
    path = api.new_notebook(name="Old")
    before = api.get(path).json
    answer = api.put(path, {"name": "New", "metadata": {"kernel": "python3", "n": [1, None]}})
    assert answer.status_code == 200
    assert answer.json.keys() >= HEADER
    shown = api.get(path).json
    assert (shown["name"], shown["metadata"]) == ("New", {"kernel": "python3", "n": [1, None]})
    assert shown["created_at"] == before["created_at"]
    assert shown["updated_at"] > before["updated_at"]
    (event,) = api.events("notebook_changed")
    assert (event.payload["name"], event.payload["metadata"]["n"]) == ("New", [1, None])


def test_a_new_notebook_may_have_its_choices_from_the_start(api):
    choices = {"llm_repl": {"model": "mock/echo", "budget": {"usd": 5}}, "mine": [1]}
    created = api.post("/api/notebooks", {"name": "New", "metadata": choices}).json
    assert api.get(f"/api/notebooks/{created['id']}").json["metadata"] == choices
    refused = api.post("/api/notebooks", {"metadata": {"llm_repl": {"budget": 5}}})
    assert (refused.status_code, "budget" in refused.json["error"]) == (400, True)


def test_a_change_of_the_name_leaves_the_metadata(api):
    path = api.new_notebook()
    api.put(path, {"metadata": {"a": 1}})
    api.put(path, {"name": "Other"})
    assert api.get(path).json["metadata"] == {"a": 1}


@pytest.mark.parametrize(
    "body",
    [
        {"name": ""},
        {"name": " \n"},
        {"name": None},
        {"name": 3},
        {"name": "x" * 1001},
        {"metadata": None},
        {"metadata": []},
    ],
)
def test_unusable_values_change_nothing(api, body):
    path = api.new_notebook(name="Kept")
    before = api.get(path).json
    answer = api.put(path, body)
    assert (answer.status_code, answer.json["code"]) == (400, "invalid")
    assert f"`{next(iter(body))}`" in answer.json["error"]
    assert api.get(path).json == before


def test_a_whole_notebook_renames_it(api):
    path = api.new_notebook()
    whole = api.get(path).json | {"name": "Whole", "cells": 7}
    assert api.put(path, whole).status_code == 200
    assert api.get(path).json["name"] == "Whole"


def test_a_notebook_is_deleted(api):
    path, other = api.new_notebook("x = 1"), api.new_notebook()
    api.post(f"{path}/execute_all")
    assert api.delete(path).json == {"success": True}
    for method in ("GET", "PUT", "DELETE"):
        answer = api(method, path, **({"json": {}} if method == "PUT" else {}))
        assert (answer.status_code, answer.json["code"]) == (404, "no_such_notebook")
    assert [one["id"] for one in api.get("/api/notebooks").json["notebooks"]] == [other[15:]]
    (event,) = api.events("notebook_deleted")
    assert event.payload.keys() == {"notebook_id", "epoch", "sequence"}
    assert event.payload["notebook_id"] == path[15:]


def test_two_who_delete_at_once_are_both_answered(api):
    path = api.new_notebook("x = 1")
    api.post(f"{path}/execute_all")
    statuses = []
    threads = [
        threading.Thread(target=lambda: statuses.append(api.delete(path).status_code))
        for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert sorted(statuses) == [200, 404, 404, 404]
    assert len(api.events("notebook_deleted")) == 1


NAMES = ["Ünïcödé 日本 🎉", "a/b", "..", "<script>", "\x00\x07", "\u202e", "x" * 1000, "'; DROP--"]


@pytest.mark.parametrize("name", NAMES, ids=ascii)
def test_names_of_any_text_come_back(make_api, name):
    api = make_api()
    path = api.new_notebook(name=name)
    assert api.get(path).json["name"] == name
    assert make_api().get(path).json["name"] == name  # from the disk as well
