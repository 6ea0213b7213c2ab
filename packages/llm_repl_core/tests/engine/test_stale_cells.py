"""Cells that would give something else now."""

from __future__ import annotations

from llm_repl_core import CellsStale, CellStarted, Notebook, Session


def _run(notebook: Notebook, *runs: list[str] | None) -> list[tuple[str, ...]]:
    """The ids that each event told to be stale."""
    with Session(notebook) as session:
        return [
            event.cell_ids
            for cell_ids in runs
            for event in session.stream(cell_ids)
            if isinstance(event, CellsStale)
        ]


def test_running_a_cell_makes_stale_what_depends_on_it_and_has_run() -> None:
    notebook = Notebook()
    first = notebook.add_code("x = 1")
    second = notebook.add_code("y = x")
    third = notebook.add_code("print(y)")
    other = notebook.add_code("print(2)")
    assert _run(notebook, None, [first.id]) == [(second.id, third.id)]
    assert [cell.stale for cell in notebook] == [False, True, True, False]
    assert not other.stale


def test_a_run_of_all_leaves_nothing_stale_and_says_so_of_nothing() -> None:
    notebook = Notebook()
    notebook.add_code("x = 1")
    notebook.add_prompt("{x}", response_var="answer")
    notebook.add_code("print(answer)")
    assert _run(notebook, None, None) == []
    assert not any(cell.stale for cell in notebook)


def test_what_never_ran_is_not_stale() -> None:
    notebook = Notebook()
    first = notebook.add_code("x = 1")
    second = notebook.add_code("print(x)")
    assert _run(notebook, [first.id], [first.id]) == []
    assert not second.stale


def test_an_edit_makes_the_cell_and_what_depends_on_it_stale() -> None:
    notebook = Notebook()
    first = notebook.add_code("x = 1")
    second = notebook.add_code("print(x)")
    third = notebook.add_code("print(2)")
    with Session(notebook) as session:
        session.run()
        notebook.change(first.id, content="x = 2")
        assert session.dependencies.mark_changed(first.id) == (second.id,)
        assert session.dependencies.stale() == [first.id, second.id]
        session.run(session.dependencies.stale())
        assert session.dependencies.stale() == []
    assert second.outputs[0].content == "2\n"
    assert third.execution_count == 3, "it was not run again"


def test_a_changed_option_of_a_prompt_counts_as_an_edit_and_being_pinned_does_not() -> None:
    notebook = Notebook()
    prompt = notebook.add_prompt("a")
    with Session(notebook) as session:
        session.run()
    notebook.change(prompt.id, pinned=True)
    assert not prompt.stale
    notebook.change(prompt.id, temperature=0.5)
    assert prompt.stale


def test_a_late_answer_makes_no_cell_stale_that_ran_after_it_in_order() -> None:
    notebook = Notebook()
    notebook.add_prompt("a", model="mock/echo+delay=0.2")
    notebook.add_prompt("b", model="mock/echo")
    reader = notebook.add_prompt("I got {_}", model="mock/echo")
    notebook.add_code("print(_)")
    assert _run(notebook, None) == []
    assert not any(cell.stale for cell in notebook)
    assert reader.outputs[0].content == "I got b"


def test_an_option_that_is_changed_while_the_prompt_runs_makes_it_stale() -> None:
    notebook = Notebook()
    prompt = notebook.add_prompt("a", model="mock/echo")
    with Session(notebook) as session:
        for event in session.stream():
            if isinstance(event, CellStarted):
                notebook.change(prompt.id, response_var="other")
        assert (prompt.status, prompt.stale) == ("completed", True)
        session.run(session.dependencies.stale())
        assert session.state["other"] == "a"
    assert not prompt.stale
