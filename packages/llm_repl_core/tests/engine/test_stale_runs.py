"""A run of what is stale, in a kernel that lacks the variables of the cells above."""

from __future__ import annotations

import asyncio

import pytest

from llm_repl_core import CellStarted, MemoryLedger, Notebook, PromptCell, Session
from llm_repl_core.errors import CellExecutionError


def _ran(notebook: Notebook, *, ledger: MemoryLedger | None = None, code: str = "") -> list[int]:
    """Run what is stale in a new session; the places of the cells that ran."""
    started: list[str] = []

    def listen(event: object) -> None:
        if isinstance(event, CellStarted):
            started.append(event.cell_id)

    with Session(notebook, ledger=ledger) as session:
        session.live.listen(listen)
        session.run_stale()
        if code:
            exec(code, {"state": session.state})
    return [notebook.index(cell_id) for cell_id in started]


def _asked(ledger: MemoryLedger) -> list[str]:
    return [record.source for record in ledger.records]


def test_a_new_kernel_gets_what_the_stale_cells_need_and_nothing_else() -> None:
    notebook = Notebook()
    notebook.add_code("import math")
    notebook.add_code("unused = print('not again')")
    notebook.add_code("def double(n):\n    return n * factor")
    notebook.add_code("factor = 2")
    notebook.add_code("base = math.floor(3.7)")
    notebook.add_code("other = base + 1")
    changed = notebook.add_code("result = double(base)")
    last = notebook.add_code("print(result)")
    with Session(notebook) as session:
        session.run()
    notebook.change(changed.id, content="result = double(base) + 1")
    last.stale = True
    assert _ran(notebook) == [0, 2, 3, 4, 6, 7]
    assert not any(cell.stale for cell in notebook)
    assert last.outputs[0].content == "7\n"


def test_what_the_kernel_has_is_not_run_again() -> None:
    notebook = Notebook()
    first = notebook.add_code("x = 1")
    notebook.add_code("y = x")
    notebook.add_code("z = y")
    with Session(notebook) as session:
        session.run()
        count = session.live.execution_count
        notebook.change(notebook.cells[2].id, content="z = y + 1")
        session.run_stale()
        assert session.live.execution_count == count + 1
        session.restart()
        notebook.change(notebook.cells[2].id, content="z = y + 2")
        session.run_stale()
        assert session.live.execution_count == 3
        assert session.state["z"] == 3
        session.run_stale()
        assert session.live.execution_count == 3
    assert not first.stale


def test_an_answer_that_the_notebook_has_is_not_asked_for_again() -> None:
    notebook = Notebook()
    notebook.add_code("city = 'Oslo'")
    notebook.add_prompt("What is {city}?", response_var="answer")
    notebook.add_prompt("A person", response_var="person", schema="name, age int")
    notebook.add_prompt("{item}", response_var="many", for_each="[city, 'Rome']")
    notebook.add_prompt("{item}", response_var="none", for_each="[]")
    used = notebook.add_code("shown = answer, person, many, none, _")
    ledger = MemoryLedger()
    with Session(notebook, ledger=ledger) as session:
        session.run()
        before = session.state["shown"]
    calls = len(ledger.records)
    notebook.change(used.id, content="shown = (answer, person, many, none, _)")
    place = notebook.index(used.id)
    answers = [list(cell.outputs) for cell in notebook if isinstance(cell, PromptCell)]
    # A prompt over no items has no output that tells it, and asks nobody.
    assert _ran(notebook, ledger=ledger, code=f"assert state['shown'] == {before!r}") in (
        [place],
        [4, place],
    )
    assert len(ledger.records) == calls
    assert answers == [list(cell.outputs) for cell in notebook if isinstance(cell, PromptCell)]


def test_an_instance_of_a_class_is_made_anew_from_the_record() -> None:
    notebook = Notebook()
    notebook.add_code("import pydantic\nclass Person(pydantic.BaseModel):\n    name: str")
    notebook.add_prompt("A person", response_var="person", schema="Person")
    used = notebook.add_code("name = person.name")
    ledger = MemoryLedger()
    with Session(notebook, ledger=ledger) as session:
        session.run()
    notebook.change(used.id, content="name = person.name.upper()")
    assert _ran(notebook, ledger=ledger) == [0, 1, 2]
    assert _asked(ledger) == ["live", "reuse"]


def test_a_stale_prompt_is_asked_and_one_that_never_ran_too() -> None:
    notebook = Notebook()
    first = notebook.add_prompt("one", response_var="a")
    notebook.add_prompt("{a} two", response_var="b")
    notebook.add_code("print(b)")
    ledger = MemoryLedger()
    with Session(notebook, ledger=ledger) as session:
        session.run([first.id])
    notebook.cells[2].stale = True
    assert _ran(notebook, ledger=ledger) == [1, 2]
    assert _asked(ledger) == ["live", "live"]
    notebook.change(first.id, content="ONE")
    notebook.cells[2].stale = True
    assert _ran(notebook, ledger=ledger) == [0, 2]
    assert _asked(ledger) == ["live"] * 3


def test_memory_keeps_its_values_at_its_place() -> None:
    notebook = Notebook()
    notebook.add_code("visits = 10\nunit = 'km'")
    notebook.add_memory("visits = visits + 1")
    used = notebook.add_code("print(visits, unit, memory['visits'])")
    with Session(notebook) as session:
        session.run()
    used.stale = True
    assert _ran(notebook) == [0, 2]
    assert used.outputs[0].content == "11 km 11\n"


def test_what_runs_for_its_variables_makes_nothing_else_stale() -> None:
    notebook = Notebook()
    notebook.add_code("x = 1")
    beside = notebook.add_code("y = x")
    used = notebook.add_code("z = x")
    with Session(notebook) as session:
        session.run()
    used.stale = True
    assert _ran(notebook) == [0, 2]
    assert not beside.stale


def test_code_that_cannot_be_analysed_has_no_prompt_asked_on_a_suspicion() -> None:
    notebook = Notebook()
    notebook.add_prompt("never asked")
    notebook.add_prompt("asked", response_var="known")
    used = notebook.add_code("exec('seen = known')")
    ledger = MemoryLedger()
    with Session(notebook, ledger=ledger) as session:
        session.run([notebook.cells[1].id])
    used.status, used.stale = "completed", True
    assert _ran(notebook, ledger=ledger, code="assert 'mock' in state['seen']") == [2]
    assert _asked(ledger) == ["live"]


def test_nothing_stale_runs_nothing() -> None:
    notebook = Notebook()
    notebook.add_code("x = 1")
    assert _ran(notebook) == []


@pytest.mark.parametrize("kernel", ["in_process", "worker"])
def test_what_fails_above_ends_the_run(kernel: str) -> None:
    notebook = Notebook()
    notebook.add_code("x = 1 / 0")
    used = notebook.add_code("print(x)")
    used.status, used.stale = "completed", True
    with Session(notebook, kernel=kernel) as session, pytest.raises(CellExecutionError) as failed:
        session.run_stale()
    assert failed.value.cell_id == notebook.cells[0].id
    assert used.stale


def test_what_has_failed_meanwhile_runs_again_for_those_that_need_it() -> None:
    notebook = Notebook()
    first = notebook.add_code("x = 1")
    asked = notebook.add_prompt("Say {x}", response_var="said", model="mock/echo")
    notebook.add_code("y = said.upper()")
    with Session(notebook) as session:
        session.run()
        notebook.change(first.id, content="x = 2")
        notebook.change(asked.id, model="mock/fail:request_rejected")
        with pytest.raises(CellExecutionError):
            session.run_stale()
        notebook.change(asked.id, model="mock/echo")
        session.run_stale()
        assert session.state["y"] == "SAY 2"
        assert not any(cell.stale for cell in notebook)


def test_chosen_cells_run_with_what_they_need_also_when_planned_or_awaited() -> None:
    notebook = Notebook()
    ledger = MemoryLedger()
    notebook.add_code("n = 2")
    notebook.add_prompt("Double {n}.", model="mock/echo", response_var="answer")
    last = notebook.add_code("print(answer)")
    notebook.add_code("other = 1")
    with Session(notebook, ledger=ledger) as session:
        planned = session.plan([last.id], with_needed=True)
        asyncio.run(session.arun([last.id], with_needed=True))
        assert [notebook.index(cell.cell_id) for cell in planned.cells] == [0, 1, 2]
        assert [cell.status for cell in notebook] == ["completed"] * 3 + ["idle"]
    with Session(notebook, ledger=ledger) as session:
        session.run([last.id], with_needed=True)
    assert last.outputs[0].content == "Double 2.\n"
    assert _asked(ledger) == ["live"]
