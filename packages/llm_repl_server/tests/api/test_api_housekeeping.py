"""What the server keeps: the kernels that run, and how much is stored."""

from __future__ import annotations


def test_kernels_are_there_while_they_run(api):
    api.new_notebook("1", name="Without")
    path = api.new_notebook("a = 1", name="With")
    api.post(f"{path}/execute_all")
    kernels = api.get("/api/housekeeping").json["kernels"]
    assert (kernels["total"], kernels["idle_timeout_s"]) == (1, 0)
    [kernel] = kernels["running"]
    assert (kernel["notebook_id"], kernel["notebook_name"]) == (path.rpartition("/")[2], "With")
    assert kernel["kernel"]["state"] == "idle"
    assert kernel["unused_s"] >= 0
    api.delete(path)
    assert api.get("/api/housekeeping").json["kernels"]["running"] == []


def test_what_is_stored_is_counted(api):
    path = api.new_notebook(("prompt", "Hi"))
    api.delete(api.new_notebook("gone"))
    for mode in ("live", "live", "reuse"):  # what comes from the record is no further answer
        api.post(f"{path}/execute_all", {"mode": mode})
    storage = api.get("/api/housekeeping").json["storage"]
    counts = (storage["notebooks"], storage["deleted_notebooks"], storage["answers"])
    assert counts == (1, 1, 2)
    assert storage["size_bytes"] > 0
    assert storage["place"].endswith(".db")
    assert storage["bin_days"] == 30
