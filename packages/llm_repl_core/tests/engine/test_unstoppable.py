"""Stopping what can't be interrupted, whatever the kernel does: it ends, or its kernel does."""

from __future__ import annotations

import threading

import pytest

from llm_repl_core import CellExecutionError, CellStarted, Conflict, Notebook

LIMIT_S = 20.0

TOUGH = '''\
import builtins, os, time
from pathlib import Path
from pydantic import BaseModel, model_validator

def computes_in_c():
    """Never ends, not even where the interrupt comes before it has begun to compute."""
    while True:
        try:
            began()
            max(range(10**15))
        except BaseException:
            pass
def catches_everything():
    while True:
        try:
            began()
            time.sleep(0.05)
        except BaseException:
            pass
async def catches_cancellation():
    import asyncio
    while True:
        try:
            began()
            await asyncio.sleep(0.05)
        except BaseException:
            pass
def runs_a_program():
    print("running", flush=True)
    os.system("touch began; exec sleep 100")
    return "it went on"
class Answer(BaseModel):
    n: int
    @model_validator(mode="after")
    def check_it(self):
        computes_in_c()
class Slow:
    def __repr__(self):
        return str(computes_in_c())
class Items:
    def __iter__(self): return computes_in_c()
def began():
    Path("began").touch()
'''


@pytest.fixture
def session(open_session, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    notebook = Notebook()
    notebook.add_code(TOUGH)
    session = open_session(notebook, kernel="worker")
    session.run()
    return session


@pytest.fixture
def began(tmp_path, wait_for):
    return lambda: wait_for((tmp_path / "began").exists, "the work to begin")


def run_and_stop(session, cell, began):
    """Run a cell that does not end, stop it, and give the events of its run."""
    events = []
    runner = threading.Thread(target=lambda: events.extend(session.stream([cell.id])))
    runner.start()
    began()
    stopper = threading.Thread(target=session.interrupt)
    stopper.start()
    runner.join(5)
    assert not runner.is_alive(), "it ends within five seconds"
    stopper.join(LIMIT_S)
    assert cell.status == "interrupted"
    return events


def tool(name):
    return lambda notebook: notebook.add_prompt("go", model=f"mock/call:{name}", tools=[name])


ASKED = {
    "code": lambda notebook: notebook.add_code("computes_in_c()"),
    "memory": lambda notebook: notebook.add_memory("m = max(range(10**15))"),
    "template": lambda notebook: notebook.add_prompt("It is {computes_in_c()}."),
    "items": lambda notebook: notebook.add_prompt("{item}", for_each="Items()"),
    "validator": lambda notebook: notebook.add_prompt('{{"n": 1}}', model="echo", schema="Answer"),
    "tool in C": tool("computes_in_c"),
    "tool that catches everything": tool("catches_everything"),
    "tool that catches its cancellation": tool("catches_cancellation"),
}


@pytest.mark.parametrize("what", ASKED)
def test_what_cannot_be_interrupted_loses_its_kernel(session, began, check_law, tmp_path, what):
    notebook = session.notebook
    cell = ASKED[what](notebook)
    if what == "memory":
        # It can't say so itself; before its cell has started, there is nothing to stop.
        started = (tmp_path / "began").touch
        session.live.listen(lambda event: isinstance(event, CellStarted) and started())
    events = run_and_stop(session, cell, began)
    check_law(events)
    died = not session.kernel.alive
    assert died or what == "memory"  # where the interrupt may come before it computes
    after = notebook.add_code("1 + 1")
    session.run([after.id])
    assert [output.type for output in after.outputs] == [*["warning"] * died, "display"]
    assert not died or "started anew" in after.outputs[0].content


def test_what_was_flushed_before_the_kernel_was_lost_is_kept(session, began):
    cell = session.notebook.add_code("print('go', flush=True)\ncomputes_in_c()")
    run_and_stop(session, cell, began)
    assert not session.kernel.alive
    assert (cell.outputs[0].type, cell.outputs[0].content) == ("stdout", "go\n")


def test_a_program_that_a_tool_runs_is_ended_and_no_model_asked_again(session, began):
    cell = tool("runs_a_program")(session.notebook)
    run_and_stop(session, cell, began)
    assert session.kernel.alive
    # Python itself goes on after `os.system`, as in a terminal.
    printed, called, stopped = cell.outputs
    assert (printed.content, called.fields["result"]) == ("running\n", "it went on")
    assert stopped.content == "Interrupted: The cell was stopped."
    session.run([session.notebook.add_code("runs_a_program.__name__").id])


def test_a_question_that_does_not_end_is_stopped_and_holds_up_nobody(session, began, tmp_path):
    notebook = session.notebook
    session.run([notebook.add_code("slow = Slow()").id])
    outcome = []

    def ask():
        try:
            outcome.append(session.state["slow"])
        except Conflict as conflict:
            outcome.append(conflict)

    for end in (session.interrupt, session.restart, session.close):
        asking = threading.Thread(target=ask)
        asking.start()
        began()
        ending = threading.Thread(target=end)
        ending.start()
        ending.join(8)
        assert not ending.is_alive()
        asking.join(LIMIT_S)
        assert isinstance(outcome.pop(), Conflict)
        if end != session.close:
            (tmp_path / "began").unlink()
            session.run([notebook.cells[0].id, notebook.cells[1].id])


def test_a_timeout_ends_what_cannot_be_interrupted(open_session, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    notebook = Notebook()
    cell = notebook.add_prompt("It is {max(range(10**15))}.")
    session = open_session(notebook, kernel="worker", cell_timeout_s=2.0)
    with pytest.raises(CellExecutionError, match="longer than 2 s"):
        session.run()
    assert cell.status == "error"
