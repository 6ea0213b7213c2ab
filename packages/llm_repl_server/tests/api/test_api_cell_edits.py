"""Several edits of cells as one: all of them, or none."""

from __future__ import annotations

import uuid

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

NEW = str(uuid.uuid4())


def shown(api, path):
    return [(cell["id"], cell["content"]) for cell in api.cells(path)]


def test_cells_are_made_changed_moved_and_deleted_together(api):
    path = api.new_notebook(*"abc")
    a, b, c = (cell["id"] for cell in api.cells(path))
    before = len(api.told)
    answer = api.post(
        f"{path}/edit",
        {
            "edits": [
                {"do": "create", "cell_id": NEW, "type": "prompt", "content": "Hi", "position": 1},
                {"do": "delete", "cell_id": b},
                {"do": "move", "cell_id": c, "position": 0},
                {"do": "change", "cell_id": a, "content": "A", "pinned": True},
            ]
        },
    )
    assert answer.status_code == 200, answer.json
    assert shown(api, path) == [(c, "c"), (a, "A"), (NEW, "Hi")]
    versions = answer.json["versions"]
    assert versions == {cell["id"]: cell["version"] for cell in api.cells(path)}
    last = api.events("cell_changed")[-1].payload
    assert (answer.json["epoch"], answer.json["sequence"]) == (last["epoch"], last["sequence"])
    assert [told.event for told in api.told[before:]] == [
        "cell_created",
        "cell_deleted",
        "cell_moved",
        "cell_changed",
    ]
    assert [cell["id"] for cell in api.get(f"{path}/bin").json["cells"]] == [b]


def test_undoing_a_deletion_gives_the_notebook_as_it_was(api):
    path = api.new_notebook(*"abcd")
    api.post(f"{path}/execute_all")
    before = api.cells(path)
    gone = [before[0]["id"], before[2]["id"], before[3]["id"]]
    delete = {"edits": [{"do": "delete", "cell_id": cell_id} for cell_id in gone]}
    restore = {"edits": [{"do": "restore", "cell_id": cell_id} for cell_id in reversed(gone)]}
    for _ in range(2):  # each may be sent twice
        assert api.post(f"{path}/edit", delete).json["versions"] == {}
    assert len(api.cells(path)) == 1
    for _ in range(2):
        assert api.post(f"{path}/edit", restore).json["versions"].keys() == set(gone)
    assert [cell["outputs"] for cell in api.cells(path)] == [cell["outputs"] for cell in before]
    assert [cell["id"] for cell in api.cells(path)] == [cell["id"] for cell in before]


def test_a_cell_of_jupyter_comes_with_what_it_gave(api):
    path = api.new_notebook("a")
    there = api.cells(path)[0]["id"]
    code = {
        "cell_type": "code",
        "metadata": {"tags": ["kept"]},
        "source": ["6 *\n", "7"],
        "execution_count": 3,
        "outputs": [
            {"output_type": "stream", "name": "stdout", "text": "so\n"},
            {"output_type": "error", "ename": "E", "evalue": "e", "traceback": ["E: e"]},
        ],
    }
    answered = [{"type": "llm_response", "content": "Hi.", "prompt": "Hello", "response_var": "hi"}]
    own = {
        "type": "prompt",
        "response_var": "hi",
        "context": [there, "elsewhere"],
        "outputs": answered,
    }
    prompt = {
        "cell_type": "markdown",
        "metadata": {"solveit_ai": True, "llm_repl": own},
        "source": "Hello",
    }
    other = str(uuid.uuid4())
    edits = [
        {"do": "create", "cell_id": NEW, "nbformat": code, "position": 0},
        {"do": "create", "cell_id": other, "nbformat": prompt},
    ]
    for _ in range(2):  # it may be sent twice
        assert api.post(f"{path}/edit", {"edits": edits}).status_code == 200
    first, _, last = api.cells(path)
    assert (first["id"], first["content"], first["execution_count"]) == (NEW, "6 *\n7", 3)
    assert [output["type"] for output in first["outputs"]] == ["stdout", "error"]
    assert (first["status"], first["metadata"]) == ("error", {"tags": ["kept"]})
    assert (last["id"], last["type"], last["context"]) == (other, "PromptCell", [there])
    assert last["outputs"] == answered


@pytest.mark.parametrize(
    ("wrong", "status", "words"),
    [
        ({"do": "move", "cell_id": "{a}", "position": 7}, 400, "Edit 2"),
        ({"do": "move", "cell_id": "{a}"}, 400, "needs a `position`"),
        ({"do": "create", "cell_id": "no uuid", "type": "code"}, 400, "UUID"),
        ({"do": "create", "cell_id": NEW}, 400, "needs a `type`"),
        ({"do": "create", "cell_id": NEW, "type": "poem"}, 400, "not a cell type"),
        ({"do": "change", "cell_id": "nowhere", "content": "x"}, 404, "Edit 2"),
        ({"do": "change", "cell_id": "{a}", "content": "x", "version": "old"}, 412, "somebody"),
        ({"do": "restore", "cell_id": "nowhere"}, 404, "in its bin"),
        ({"do": "change", "cell_id": "{a}", "contents": "x"}, 400, "did you mean `content`"),
        ({"do": "burn", "cell_id": "{a}"}, 400, "burn"),
        ({"do": "create", "cell_id": NEW, "nbformat": {}}, 400, "edit 2 is no cell of a notebook"),
        ({"do": "move", "cell_id": "{a}", "position": 0, "nbformat": {}}, 400, "only a cell that"),
    ],
)
def test_nothing_is_done_where_one_edit_cannot_be(api, wrong, status, words):
    path = api.new_notebook("a", "b")
    a, b = (cell["id"] for cell in api.cells(path))
    before = shown(api, path)
    wrong = {name: a if value == "{a}" else value for name, value in wrong.items()}
    edits = [{"do": "delete", "cell_id": b}, wrong]
    answer = api.post(f"{path}/edit", {"edits": edits})
    assert answer.status_code == status
    assert words in answer.json["error"]
    assert shown(api, path) == before
    assert api.get(f"{path}/bin").json["cells"] == []


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(draws=st.lists(st.tuples(st.sampled_from("mdrc"), st.integers(0, 7), st.integers(0, 7))))
def test_edits_together_are_the_edits_one_by_one(api, draws):
    one_by_one, together = (api.new_notebook(*"abcd") for _ in range(2))
    names = [
        dict(enumerate(cell["id"] for cell in api.cells(one))) for one in (one_by_one, together)
    ]
    edits = []
    for kind, which, position in draws:
        present = [cell["id"] for cell in api.cells(one_by_one)]
        cell_id = names[0][which % 4]
        same = {"cell_id": names[1][which % 4]}
        path = f"{one_by_one}/cells/{cell_id}"
        if kind == "r":
            api.post(f"{one_by_one}/bin/{cell_id}/restore")
            edits.append({"do": "restore", **same})
        elif cell_id not in present:
            continue
        elif kind == "m":
            place = position % len(present)
            api.post(f"{path}/move", {"position": place})
            edits.append({"do": "move", "position": place, **same})
        elif kind == "d":
            api.delete(path)
            edits.append({"do": "delete", **same})
        else:
            api.put(path, {"content": f"{position}"})
            edits.append({"do": "change", "content": f"{position}", **same})
    answer = api.post(f"{together}/edit", {"edits": edits})
    restores = any(edit["do"] == "restore" for edit in edits)
    assert answer.status_code == 200 or (restores and answer.status_code == 404)
    if answer.status_code == 200 and not restores:
        assert [cell["content"] for cell in api.cells(together)] == [
            cell["content"] for cell in api.cells(one_by_one)
        ]


def test_a_notebook_is_copied_once_with_its_outputs_and_its_memory(api):
    path = api.new_notebook("1", ("memory", "kept = 5"), name="Report")
    api.post(f"{path}/execute_all")
    key = {"Idempotency-Key": str(uuid.uuid4())}
    for _ in range(2):
        copied = api.post(f"{path}/duplicate", {}, headers=key)
        assert copied.status_code == 201
    assert (copied.json["id"], copied.json["name"]) == (key["Idempotency-Key"], "Report copy")
    copy = f"/api/notebooks/{copied.json['id']}"
    assert [cell["outputs"] for cell in api.cells(copy)] == [
        cell["outputs"] for cell in api.cells(path)
    ]
    assert len(api.get("/api/notebooks").json["notebooks"]) == 2
    api.new_cell(copy, "code", "2")
    assert len(api.cells(path)) == 2
    named = api.post(f"{path}/duplicate", {"name": "Other"})
    assert named.json["name"] == "Other"
