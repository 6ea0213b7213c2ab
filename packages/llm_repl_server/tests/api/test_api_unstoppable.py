"""What the kernel does for something else than a code cell can be stopped, and holds up nobody."""

from __future__ import annotations

import pytest

pytestmark = pytest.mark.one_python

STUCK = "max(range(10**15))"
"""It computes in C for ever, and no interrupt reaches it."""


@pytest.fixture
def api(make_api):
    return make_api(kernel="worker")


def wait_running(api, until, cell):
    until(lambda: api.get(cell).json["status"] == "running", "the cell runs")


@pytest.mark.parametrize(
    ("type_", "content", "fields"),
    [
        ("memory", f"m = {STUCK}", {}),
        ("prompt", f"It is {{{STUCK}}}.", {}),
        ("prompt", "{item}", {"for_each": f"[{STUCK}]"}),
        ("prompt", "Go", {"tools": ["work"], "model": "mock/call:work"}),
        ("prompt", '{{"n": 1}}', {"schema": "Answer", "model": "echo"}),
    ],
)
@pytest.mark.parametrize("end", ["interrupt", "restart", "delete"])
def test_it_ends_and_everything_answers(api, until, in_thread, type_, content, fields, end):
    path = api.new_notebook(
        f"def work(): return {STUCK}\n"
        "class Answer:\n"
        "    @staticmethod\n"
        "    def model_json_schema(*_, **__): return {'type': 'object', 'title': 'Answer'}\n"
        "    @staticmethod\n"
        f"    def model_validate_json(*_, **__): return {STUCK}\n"
        "    model_validate = model_validate_json\n"
    )
    first = f"{path}/cells/{api.cells(path)[0]['id']}"
    api.run(first)
    cell = api.new_cell(path, type_, content, **fields)
    running = in_thread(lambda: api.post(f"{cell}/execute"))
    wait_running(api, until, cell)
    if end == "delete":
        assert api.delete(path).status_code == 200
        running.join(30)
        assert api.get(path).status_code == 404
        return
    assert api.post(f"{path}/{end}").status_code == 200
    assert running.result().json["status"] == "interrupted"
    assert api.get(path).status_code == 200
    assert api.get(f"{path}/state").json["busy"] is False
    after = api.run(api.new_cell(path, "code", "1 + 1"))
    assert after["status"] == "completed"
    assert api.post(f"{path}/restart").status_code == 200
    assert api.delete(path).status_code == 200


def test_a_look_at_a_variable_that_does_not_end_is_stopped(api, root, until, in_thread):
    path = api.new_notebook(
        "class Slow:\n"
        "    def __repr__(self):\n"
        "        open('began', 'w').close()\n"
        f"        return str({STUCK})\n"
        "slow = Slow()"
    )
    api.run(f"{path}/cells/{api.cells(path)[0]['id']}")
    looking = in_thread(lambda: api.get(f"{path}/state").json)
    until((root / "began").exists, "somebody looks")
    assert api.post(f"{path}/interrupt").status_code == 200
    assert looking.result()["busy"] is True
    assert api.run(api.new_cell(path, "code", "1 + 1"))["status"] == "completed"
