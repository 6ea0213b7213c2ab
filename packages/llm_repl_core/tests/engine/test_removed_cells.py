"""Cells that are taken out of runs, deleted under them, or stopped while they wait."""

from __future__ import annotations

import asyncio

import pytest

from llm_repl_core import (
    CellRemoved,
    CellStarted,
    Notebook,
    RunCompleted,
    RunFailed,
    RunProgress,
    RunResult,
)
from llm_repl_core.execution.events import CellNeed


def chain(*, with_prompt: bool) -> Notebook:
    notebook = Notebook()
    notebook.add_code("a = 1")
    if with_prompt:
        notebook.add_prompt("{a}", model="mock/echo", response_var="b")
    else:
        notebook.add_code("b = a + 1")
    notebook.add_code("c = b")
    notebook.add_code("d = 4")
    return notebook


def when_started(session, cell, action):
    """Do something in the engine's loop when a cell begins; what it gives comes into the list."""
    results = []

    def listen(event):
        if isinstance(event, CellStarted) and event.cell_id == cell.id:
            # Behind the event, as one does who hears of it from elsewhere.
            asyncio.get_running_loop().call_soon(lambda: results.append(action()))

    session.live.listen(listen)
    return results


@pytest.mark.parametrize("with_prompt", [False, True])
def test_a_cell_is_taken_out_of_a_run_that_has_not_come_to_it(open_session, check_law, with_prompt):
    notebook = chain(with_prompt=with_prompt)
    session = open_session(notebook)
    first, second, third, _fourth = notebook.cells
    removed = when_started(
        session,
        first,
        lambda: [session.live.remove_cell(cell.id) for cell in (second, second, first)],
    )
    events = list(session.stream(stop_on_error=False))
    check_law(events)
    [(runs, again, running)] = removed
    assert len(runs) == 1
    assert (again, running) == ([], [])  # once, and not what it has come to
    [told] = [event for event in events if isinstance(event, CellRemoved)]
    assert (told.cell_id, told.dependents) == (second.id, (third.id,))
    assert [cell.status for cell in notebook] == ["completed", "idle", "error", "completed"]
    assert third.outputs[-1].fields["ename"] == "NameError"
    progress = [event for event in events if isinstance(event, RunProgress)]
    assert [(event.ended, event.total) for event in progress] == [(at, 4) for at in (1, 2, 3, 4)]
    assert isinstance(events[-1], RunFailed)


@pytest.mark.parametrize("with_prompt", [False, True])
def test_a_cell_that_is_deleted_under_a_run_is_counted_as_ended(
    open_session, check_law, with_prompt
):
    notebook = chain(with_prompt=with_prompt)
    session = open_session(notebook)
    first, _, third, _ = notebook.cells
    when_started(session, first, lambda: notebook.remove(third.id))
    events = list(session.stream())
    check_law(events)
    assert isinstance(events[-1], RunCompleted)
    progress = [event.ended for event in events if isinstance(event, RunProgress)]
    assert progress == [1, 2, 3, 4]
    assert third.status == "idle"


def test_a_prompt_that_was_sent_ahead_is_given_up_where_it_is_taken_out(open_session, check_law):
    notebook = Notebook()
    notebook.add_code("import time\ntime.sleep(0.2)")
    prompt = notebook.add_prompt("Hello", model="mock/echo+delay=30", response_var="said")
    notebook.add_code("after = 1")
    session = open_session(notebook, kernel="worker")
    when_started(session, notebook.cells[0], lambda: session.live.remove_cell(prompt.id))
    events = list(session.stream())
    check_law(events)
    assert isinstance(events[-1], RunCompleted)
    assert (prompt.status, prompt.outputs) == ("idle", [])


def test_what_is_still_to_run_is_told_with_what_it_waits_for(open_session):
    notebook = chain(with_prompt=False)
    session = open_session(notebook)
    first, second, third, fourth = notebook.cells
    told = when_started(session, first, session.live.waiting)
    session.run()
    [waiting] = told
    assert [(cell.cell_id, cell.place) for cell in waiting] == [
        (second.id, 1),
        (third.id, 2),
        (fourth.id, 3),
    ]
    assert waiting[0].needs == (CellNeed(cell_id=first.id, variable="a"),)
    assert waiting[1].needs == (CellNeed(cell_id=second.id, variable="b"),)
    assert session.live.waiting() == []


def test_a_removed_cell_of_one_run_waits_in_another(open_session):
    notebook = chain(with_prompt=False)
    session = open_session(notebook)
    first, *_, fourth = notebook.cells
    removed = when_started(session, first, lambda: session.live.remove_cell(fourth.id))

    async def whole() -> tuple[list[str], list[RunResult]]:
        runs = [session.live.start(), session.live.start([fourth.id])]
        return [id_ for id_, _ in runs], await asyncio.gather(*(task for _, task in runs))

    ids, results = session.loop.call(whole())
    assert removed[0] == ids  # neither has come to it
    assert [result.error for result in results] == [None, None]
    assert fourth.status == "idle"


def test_a_run_is_stopped_by_its_id_while_it_waits(open_session):
    notebook = chain(with_prompt=False)
    session = open_session(notebook)
    fourth = notebook.cells[-1]

    async def whole() -> tuple[bool, bool, bool, RunResult, RunResult]:
        async with session.live._queue.between_runs():
            id_, task = session.live.start([fourth.id])
            _, other = session.live.start([notebook.cells[0].id])
            stopped = await session.live.interrupt(run_id=id_)
            no_such = await session.live.interrupt(run_id="nobody")
            no_cell = await session.live.interrupt(cell_id=fourth.id)
        return stopped, no_such, no_cell, await task, await other

    stopped, no_such, no_cell, result, other = session.loop.call(whole())
    assert (stopped, no_such, no_cell) == (True, False, False)
    assert result.error is not None
    assert "stopped" in result.error
    assert other.error is None
    assert fourth.status == "idle"


@pytest.mark.parametrize("is_told", [True, False])
def test_a_prompt_that_is_deleted_takes_nothing_of_the_budget(open_session, check_law, is_told):
    notebook = Notebook()
    notebook.add_code("a = 1")
    above = notebook.add_prompt("{a}", model="mock/echo", response_var="b")
    below = notebook.add_prompt("Hello", model="mock/echo", response_var="c")
    notebook.metadata["llm_repl"] = {"budget": {"calls": 1}}
    session = open_session(notebook)

    def delete():
        if is_told:
            session.live.remove_cell(above.id)
        notebook.remove(above.id)

    when_started(session, notebook.cells[0], delete)
    events = list(session.stream(parallel=False))
    check_law(events)
    assert isinstance(events[-1], RunCompleted)
    assert below.outputs[-1].content == "Hello"
    progress = [event.ended for event in events if isinstance(event, RunProgress)]
    assert progress == [1, 2, 3]
