"""A session as those use it who drive the loop: what it answers before, during and after runs."""

from __future__ import annotations

import asyncio

import pytest

from llm_repl_core import CellStarted, Conflict, Notebook, PromptCell
from llm_repl_core.engine.options import RunOptions
from llm_repl_core.model.cell import ForeignCell


def names_and_values(session):
    async def ask():
        values = await session.live.snapshot()
        return await session.live.names(), values and {
            key: value.json for key, value in values.items()
        }

    return session.loop.call(ask())


def test_variables_are_told_while_nothing_runs(kernel, open_session):
    session = open_session(["x = 1", "y = 2"], kernel=kernel)
    live = session.live
    assert names_and_values(session) == ([], {})
    assert (live.had_kernel, live.execution_count, live.closed) == (False, 0, False)
    during = []

    def listen(event):
        if isinstance(event, CellStarted):
            during.append(asyncio.get_running_loop().create_task(ask_both()))

    async def ask_both():
        return await live.names(), await live.snapshot()

    live.listen(listen)
    session.run()
    assert [task.result() for task in during] == [(None, None)] * 2
    assert names_and_values(session) == (["x", "y"], {"x": 1, "y": 2})
    assert (live.had_kernel, live.execution_count) == (True, 2)
    assert live.plain_names == set()
    session.assign({"z": [1]})
    assert live.plain_names == {"z"}
    assert live.plugins is session.live.plugins


def test_a_kernel_that_was_ended_is_told_by_the_next_run(kernel, open_session):
    session = open_session(["x = 1", "y = 2"], kernel=kernel)
    session.run()
    session.loop.call(session.live.end_kernel())
    session.live.note_lost_state()
    assert names_and_values(session) == ([], {})
    session.run([session.notebook.cells[1].id])
    outputs = session.notebook.cells[1].outputs
    assert [output.type for output in outputs] == ["warning"]
    assert names_and_values(session)[0] == ["y"]


def test_a_session_that_is_closed_does_nothing_more(open_session):
    session = open_session(["x = 1"])
    cell = session.notebook.add_prompt("Hello", model="mock/echo")
    session.run()
    live = session.live
    run = live.make_run(None, RunOptions())

    async def whole():
        await live.close()
        assert not live.kernel.alive
        problems = []
        for ask in (
            lambda: live.assign({"x": 1}),
            lambda: live.preview(cell.id),
            lambda: live.preview_draft(cell),
            lambda: live.forecast(run),
            live.restart,
        ):
            try:
                await ask()
            except Conflict as error:
                problems.append(str(error))
        return problems

    assert session.loop.call(whole()) == ["The session is closed: open the notebook again."] * 5
    with pytest.raises(Conflict, match="closed"):
        live.start()
    session._close_own_loop()


def test_a_prompt_that_is_not_in_the_notebook_yet_is_previewed_at_its_end(open_session):
    notebook = Notebook()
    notebook.add_code("x = [1, 2]")
    session = open_session(notebook)
    session.run()
    draft = PromptCell(content="Sum {x}", model="mock/echo")
    found = session.loop.call(session.live.preview_draft(draft))
    assert found.messages[-1].content == "Sum [1, 2]"
    assert len(notebook) == 1
    # What calls something is filled where somebody asks for it, or it has run as it is.
    calls = PromptCell(content="Sum {sum(x)}", model="mock/echo")
    assert (
        session.loop.call(session.live.preview_draft(calls)).messages[-1].content == "Sum {sum(x)}"
    )
    asked = session.loop.call(session.live.preview_draft(calls, may_call=True))
    assert asked.messages[-1].content == "Sum 3"
    notebook.insert(calls)
    session.run([calls.id])
    again = session.loop.call(session.live.preview_draft(calls))
    assert again.messages[-1].content == "Sum 3"


def test_raw_cells_are_never_run(open_session):
    notebook = Notebook()
    notebook.add_code("x = 1")
    raw = notebook.insert(ForeignCell(content="x = 2", foreign_type="raw"))
    session = open_session(notebook)
    live = session.live
    assert live.choose_cells(None) == (notebook.cells[0].id,)
    assert live.choose_cells([raw.id]) == ()
    assert live.choose_cells([raw.id, notebook.cells[0].id]) == (notebook.cells[0].id,)
    session.run()
    assert session.state["x"] == 1
    assert raw.status == "idle"
