"""What stays in memory: notebooks that are used, and those with a kernel; nothing else."""

from __future__ import annotations

import gc
import weakref

import pytest


@pytest.fixture
def sweep(api):
    """Have the server look for what is not used, as if so many seconds had passed."""
    open_notebooks = api.services.open_notebooks

    def sweep(seconds=0.0):
        async def look():
            for opened in open_notebooks:
                opened.last_used_s -= seconds
            open_notebooks.let_go_of_unused()

        api.services.loop.call(look(), 30)
        api.events()
        gc.collect()

    return sweep


def opened(api, path):
    """A weak reference to a notebook in memory."""

    async def get():
        return weakref.ref(await api.services.open_notebooks.get(path.rpartition("/")[2]))

    return api.services.loop.call(get(), 30)


def test_a_notebook_that_nobody_uses_leaves_the_memory(api, sweep):
    path = api.new_notebook("1", ("prompt", "Hi {x}"))
    before = api.get(path).json
    notebook = opened(api, path)
    sweep(50)
    assert notebook() is not None
    sweep(50)
    assert notebook() is None
    assert api.get(path).json == before


def test_a_deleted_notebook_leaves_the_memory(api, sweep):
    path = api.new_notebook("print(1)")
    api.post(f"{path}/execute_all")
    notebook = opened(api, path)
    data = weakref.ref(notebook().session)
    api.delete(path)
    sweep()
    assert (notebook(), data()) == (None, None)


def test_one_with_a_kernel_stays_and_what_it_has(api, sweep):
    path = api.new_notebook("x = 1")
    api.post(f"{path}/execute_all")
    notebook = opened(api, path)
    sweep(10_000)
    assert notebook() is not None
    assert api.get(f"{path}/state").json["state"] == {"x": 1}


def test_one_that_somebody_holds_is_the_same_for_all(api, sweep):
    path = api.new_notebook("1")
    held = opened(api, path)()
    sweep(100)
    cell = api.new_cell(path, "code", "2")
    assert cell.rpartition("/")[2] in held.notebook


def test_numbers_go_on_after_it_came_back(make_api):
    api = make_api(kernel_idle_timeout_s=100)
    path = api.new_notebook("x = 1")
    api.post(f"{path}/execute_all")
    last = max(told.payload.get("sequence", 0) for told in api.events())
    notebook = opened(api, path)
    end_unused(api, 200)
    end_unused(api, 200)
    gc.collect()
    assert notebook() is None
    api.told.clear()
    api.post(f"{path}/execute_all")
    assert min(told.payload["sequence"] for told in api.events("run_started")) == last + 1


def end_unused(api, seconds):
    async def look():
        for opened in api.services.open_notebooks:
            opened.last_used_s -= seconds
        api.services.open_notebooks.let_go_of_unused()
        await api.services.open_notebooks.kernels_ended()

    api.services.loop.call(look(), 30)


@pytest.mark.parametrize("kernel", ["in_process", "worker"])
@pytest.mark.parametrize("left", ["in memory", "let go"])
def test_an_idle_kernel_ends_where_the_settings_say_so(make_api, kernel, left):
    api = make_api(kernel=kernel, kernel_idle_timeout_s=100)
    path = api.new_notebook("x = 1", "x")
    api.post(f"{path}/execute_all")
    end_unused(api, 50)
    assert api.get(f"{path}/state").json["state"] == {"x": 1}
    end_unused(api, 150)
    if left == "let go":
        end_unused(api, 150)
    assert api.get(f"{path}/state").json == {"state": {}, "busy": False}
    second = f"{path}/cells/{api.cells(path)[1]['id']}"
    outputs = api.run(second)["outputs"]
    assert [output["type"] for output in outputs] == ["warning", "error"]
    assert "started anew" in outputs[0]["content"]
    api.post(f"{path}/execute_all")
    assert api.get(f"{path}/state").json["state"] == {"x": 1}


def test_what_runs_is_not_ended(make_api, in_thread, until, root):
    api = make_api(kernel="worker", kernel_idle_timeout_s=100)
    code = (
        "import pathlib, time\npathlib.Path('began').touch()\n"
        "while not pathlib.Path('go').exists():\n    time.sleep(0.01)\nprint('done')"
    )
    path = api.new_notebook(code)
    running = in_thread(api.post, f"{path}/execute_all")
    until((root / "began").exists, "the cell runs")
    end_unused(api, 10_000)
    (root / "go").touch()
    assert running.result().json == {"success": True}
    (cell,) = api.cells(path)
    assert cell["outputs"] == [{"type": "stdout", "content": "done\n"}]
