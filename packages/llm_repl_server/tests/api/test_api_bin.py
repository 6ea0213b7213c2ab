"""What was deleted comes back, with its id, its outputs and its place, or goes for good."""

from __future__ import annotations

import random


def contents(api, path):
    return [cell["content"] for cell in api.cells(path)]


def ids(api, path):
    return [cell["id"] for cell in api.cells(path)]


def test_a_cell_comes_back_with_all_it_had(api):
    path = api.new_notebook("1", "x = 2; x", "3")
    api.post(f"{path}/execute_all")
    before = api.cells(path)
    cell_id = before[1]["id"]
    api.delete(f"{path}/cells/{cell_id}")
    [deleted] = api.get(f"{path}/bin").json["cells"]
    assert (deleted["id"], deleted["type"]) == (cell_id, "ComputationCell")
    assert deleted["excerpt"] == "x = 2; x"
    assert deleted["deleted_at"] < deleted["kept_until"]
    for _ in range(2):  # it may be sent twice
        restored = api.post(f"{path}/bin/{cell_id}/restore")
        assert restored.status_code == 200
    assert restored.json["outputs"] == before[1]["outputs"]
    assert ids(api, path) == [cell["id"] for cell in before]
    assert api.get(f"{path}/bin").json["cells"] == []
    [created] = [told for told in api.events("cell_created") if told.payload["cell"]["outputs"]]
    assert (created.payload["cell_id"], created.payload["position"]) == (cell_id, 1)


def test_cells_come_back_to_their_places_in_any_order(api):
    drawn = random.Random(20)
    for _ in range(6):
        path = api.new_notebook(*"abcdefg")
        before = ids(api, path)
        gone = drawn.sample(before, 5)
        for cell_id in gone:
            api.delete(f"{path}/cells/{cell_id}")
        drawn.shuffle(gone)
        for cell_id in gone:
            api.post(f"{path}/bin/{cell_id}/restore")
        assert ids(api, path) == before


def test_a_cell_comes_back_where_one_says_or_its_neighbours_are(api):
    path = api.new_notebook(*"abcd")
    a, b, c, d = ids(api, path)
    for cell_id in (b, c):
        api.delete(f"{path}/cells/{cell_id}")
    api.post(f"{path}/cells/{a}/move", {"position": 1})  # d a
    assert api.post(f"{path}/bin/{c}/restore").status_code == 200
    assert ids(api, path) == [c, d, a]
    assert api.post(f"{path}/bin/{b}/restore", {"position": 9}).status_code == 400
    api.post(f"{path}/bin/{b}/restore", {"position": 3})
    assert ids(api, path) == [c, d, a, b]
    assert api.post(f"{path}/bin/nowhere/restore").status_code == 404


def test_a_cell_that_is_deleted_while_it_runs_comes_back_with_what_it_gave(api, until):
    path = api.new_notebook("import time\nprint('one', flush=True)\ntime.sleep(.5)\nprint('two')")
    [cell_id] = ids(api, path)
    api.post(f"{path}/cells/{cell_id}/execute", {}, headers={"Prefer": "respond-async"})
    until(lambda: api.cells(path)[0]["status"] == "running", "it runs")
    api.delete(f"{path}/cells/{cell_id}")
    until(lambda: api.events("run_ended"), "it has ended")
    restored = api.post(f"{path}/bin/{cell_id}/restore").json
    assert restored["status"] == "completed"
    assert "".join(output["content"] for output in restored["outputs"]) == "one\ntwo\n"
    assert api.cells(path)[0]["outputs"] == restored["outputs"]


def test_a_cell_that_ran_when_it_was_first_deleted_comes_back_as_it_was_last(api, until):
    path = api.new_notebook("import time\ntime.sleep(.3)")
    [cell_id] = ids(api, path)
    cell = f"{path}/cells/{cell_id}"
    api.post(f"{cell}/execute", {}, headers={"Prefer": "respond-async"})
    until(lambda: api.cells(path)[0]["status"] == "running", "it runs")
    api.delete(cell)
    until(lambda: api.events("run_ended"), "it has ended")
    api.post(f"{path}/bin/{cell_id}/restore")
    # Another type is another object, which the one that ran knows nothing of.
    api.put(cell, {"type": "markdown", "content": "typed since"})
    api.delete(cell)
    assert api.post(f"{path}/bin/{cell_id}/restore").json["content"] == "typed since"


def test_a_cell_that_is_made_again_leaves_the_deleted_one_in_the_bin(api):
    path = api.new_notebook("1")
    new_id = "6f2c7c1e-7d1c-4ac5-9d0a-3f3a8a6f3c11"
    request = {"type": "code", "content": "sent, and its answer lost"}
    made = {"headers": {"Idempotency-Key": new_id}}
    api.post(f"{path}/cells", request, **made)
    api.put(f"{path}/cells/{new_id}", {"content": "changed elsewhere"})
    api.delete(f"{path}/cells/{new_id}")
    assert api.post(f"{path}/cells", request, **made).status_code == 201
    api.delete(f"{path}/cells/{new_id}")
    for deleted in api.get(f"{path}/bin").json["cells"]:
        assert api.post(f"{path}/bin/{deleted['id']}/restore").status_code == 200
    assert sorted(contents(api, path)) == ["1", "changed elsewhere", "sent, and its answer lost"]


def test_what_needs_a_cell_is_stale_without_it_and_with_it_again(api):
    path = api.new_notebook("x = 1", "x + 1")
    api.post(f"{path}/execute_all")
    first, second = ids(api, path)
    api.delete(f"{path}/cells/{first}")
    assert api.get(f"{path}/cells/{second}").json["stale"]
    api.post(f"{path}/execute_stale")
    api.post(f"{path}/bin/{first}/restore")
    assert api.get(f"{path}/cells/{second}").json["stale"]


def test_a_notebook_comes_back_after_a_restart_with_its_runs_and_its_memory(make_api):
    api = make_api()
    path = api.new_notebook("1", ("memory", "kept = 5"), ("prompt", "Say hi"), name="Old")
    api.post(f"{path}/execute_all")
    before = api.get(path).json
    notebook_id = before["id"]
    assert api.delete(path).status_code == 200
    assert api.get(path).status_code == 404
    assert api.get("/api/notebooks").json["notebooks"] == []
    api = make_api()
    [deleted] = api.get("/api/bin").json["notebooks"]
    assert (deleted["id"], deleted["name"], deleted["cell_count"]) == (notebook_id, "Old", 3)
    for _ in range(2):
        restored = api.post(f"/api/bin/{notebook_id}/restore")
        assert (restored.status_code, restored.json["name"]) == (200, "Old")
    after = api.get(path).json
    assert after["cells"] == before["cells"]
    assert len(api.get(f"{path}/runs").json["runs"]) == 1
    assert len(api.get(f"/api/calls?notebook_id={notebook_id}").json["calls"]) == 1
    [created] = api.events("notebook_created")
    assert created.notebook_id == notebook_id
    assert api.get("/api/bin").json["notebooks"] == []
    assert api.post("/api/bin/nowhere/restore").status_code == 404


def test_what_is_deleted_for_good_does_not_come_back(api):
    path = api.new_notebook("1", "2")
    [cell_id, _] = ids(api, path)
    api.delete(f"{path}/cells/{cell_id}")
    for _ in range(2):
        assert api.delete(f"{path}/bin/{cell_id}").status_code == 200
    assert api.post(f"{path}/bin/{cell_id}/restore").status_code == 404
    api.delete(path)
    notebook_id = path.rpartition("/")[2]
    for _ in range(2):
        assert api.delete(f"/api/bin/{notebook_id}").status_code == 200
    assert api.post(f"/api/bin/{notebook_id}/restore").status_code == 404
    other = api.new_notebook()
    assert api.delete(f"/api/bin/{other.rpartition('/')[2]}").status_code == 200
    assert api.get(other).status_code == 200  # one that is not deleted stays


def test_a_file_that_is_loaded_again_gets_its_id_and_the_bin_keeps_what_it_has(api):
    path = api.new_notebook("1")
    saved = api.post(f"{path}/save", {"filepath": "a.llmn"}).json
    api.new_cell(path, "code", "not in the file")
    api.delete(path)
    loaded = api.post("/api/notebooks/load", {"filepath": saved["filepath"]}).json
    assert loaded["id"] == path.rpartition("/")[2]
    assert contents(api, path) == ["1"]
    [deleted] = api.get("/api/bin").json["notebooks"]
    assert deleted["id"] != loaded["id"]
    api.post(f"/api/bin/{deleted['id']}/restore")
    assert contents(api, f"/api/notebooks/{deleted['id']}") == ["1", "not in the file"]


def test_the_bin_keeps_so_many_and_so_long(make_api):
    api = make_api(bin_limit=2)
    path = api.new_notebook(*"abc")
    notebooks = [api.new_notebook(name=name) for name in "abc"]
    for cell_id in ids(api, path):
        api.delete(f"{path}/cells/{cell_id}")
    for notebook in notebooks:
        api.delete(notebook)
    api.services.loop.call(api.services.bin.purge())
    assert [cell["excerpt"] for cell in api.get(f"{path}/bin").json["cells"]] == ["c", "b"]
    assert [one["name"] for one in api.get("/api/bin").json["notebooks"]] == ["c", "b"]
    assert api.post(f"/api/bin/{notebooks[0].rpartition('/')[2]}/restore").status_code == 404
    api = make_api(bin_days=0)
    api.services.loop.call(api.services.bin.purge())
    assert api.get(f"{path}/bin").json["cells"] == []
    assert api.get("/api/bin").json["notebooks"] == []
