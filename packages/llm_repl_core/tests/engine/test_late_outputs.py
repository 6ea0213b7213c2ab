"""What threads, tasks and programs of a cell give after its end is the cell's."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import pytest

from llm_repl_core import Notebook, Session
from llm_repl_core.execution.events import CellOutput, CellOutputUpdated, Event

LIMIT_S = 30.0
THREAD = (
    "import os, threading, time\n"
    "def work():\n"
    "    while not os.path.exists('go'): time.sleep(0.005)\n"
    "    {work}\n"
    "thread = threading.Thread(target=work)\n"
    "thread.start()\n"
    "print('begun', end='')"
)


def until(condition: Callable[[], bool]) -> None:
    end_s = time.monotonic() + LIMIT_S
    while not condition():
        assert time.monotonic() < end_s
        time.sleep(0.01)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def go(folder: Path) -> None:
    (folder / "go").touch()


def texts(notebook: Notebook) -> list[list[str]]:
    return [[output.content for output in cell.outputs] for cell in notebook.cells]


def test_a_thread_is_told_of_its_cell_while_another_one_runs(folder: Path) -> None:
    notebook = Notebook()
    notebook.add_code(THREAD.format(work="print('late')"))
    notebook.add_code("open('go', 'w').close(); thread.join(); print('here')")
    heard: list[Event] = []
    with Session(notebook, kernel="worker") as session:
        session.live.listen(heard.append)
        session.run()
    assert texts(notebook) == [["begunlate\n"], ["here\n"]]
    first = notebook.cells[0].id
    assert [
        e.output.content for e in heard if isinstance(e, CellOutput) and e.cell_id == first
    ] == [
        "begun",
        "late\n",
    ]


def test_a_thread_is_told_of_its_cell_while_none_runs(folder: Path) -> None:
    notebook = Notebook()
    notebook.add_code(THREAD.format(work="print('\\rdone '); display(7); print('!')"))
    heard: list[Event] = []
    with Session(notebook, kernel="worker") as session:
        session.run()
        assert texts(notebook) == [["begun"]]
        session.live.listen(heard.append)
        go(folder)
        until(lambda: texts(notebook) == [["done\n", "7", "!\n"]])  # it went back in its line
        assert isinstance(heard[0], CellOutputUpdated)
        assert {event.cell_id for event in heard} == {notebook.cells[0].id}  # type: ignore[attr-defined]


def test_tasks_pools_and_programs_know_their_cells(folder: Path) -> None:
    notebook = Notebook()
    notebook.add_code(
        "import asyncio, concurrent.futures, subprocess\n"
        "async def work():\n    await asyncio.sleep(0.05)\n    print('task')\n"
        "task = asyncio.create_task(work())\n"
        "pool = concurrent.futures.ThreadPoolExecutor(1)\n"
        "pool.submit(print, 'first').result()"
    )
    notebook.add_code("await task; pool.submit(print, 'second').result()")
    notebook.add_code(
        "process = subprocess.Popen('until [ -e go ]; do sleep 0.01; done; echo program', shell=True)"
    )
    with Session(notebook, kernel="worker") as session:
        session.run()
        go(folder)
        until(lambda: bool(notebook.cells[2].outputs))
    assert texts(notebook) == [["first\ntask\n"], ["second\n"], ["program\n"]]


@pytest.mark.parametrize("act", ["edit", "delete", "run"])
def test_what_comes_for_a_cell_that_changed_is_dropped(folder: Path, act: str) -> None:
    notebook = Notebook()
    cell = notebook.add_code(THREAD.format(work="print('late'); open('printed', 'w').close()"))
    other = notebook.add_code("1")
    heard: list[Event] = []
    with Session(notebook, kernel="worker") as session:
        session.run()
        if act == "delete":
            notebook.remove(cell.id)
        else:
            notebook.change(cell.id, content="print('new')")
        if act == "run":
            session.run([cell.id])
        session.live.listen(heard.append)
        go(folder)
        until((folder / "printed").exists)
        session.run([other.id])  # what came before is here then
    assert not [event for event in heard if getattr(event, "cell_id", "") == cell.id]
    assert texts(notebook)[-1] == ["1"]
    if act == "run":
        assert texts(notebook)[0] == ["new\n"]


def test_a_flood_ends_at_the_limit_of_the_cell(folder: Path) -> None:
    from llm_repl_core.kernels.base import KernelOptions
    from llm_repl_core.kernels.worker import WorkerKernel

    notebook = Notebook()
    notebook.add_code(
        THREAD.format(work="[print('x' * 99) for _ in range(5000)]; open('printed', 'w').close()")
    )
    notebook.add_code("thread.join(); print('here')")
    kernel = WorkerKernel(KernelOptions(output_limit_bytes=20_000))
    with Session(notebook, kernel=kernel) as session:
        session.run([notebook.cells[0].id])
        go(folder)
        session.run([notebook.cells[1].id])
    flooded, here = notebook.cells
    assert 15_000 < sum(len(output.content) for output in flooded.outputs) < 21_000
    assert flooded.outputs[-1].type == "warning"
    assert texts(notebook)[1] == ["here\n"]
    assert here.status == "completed"
