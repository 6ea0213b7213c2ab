"""Why cells are stale: what changed, from what to what."""

from __future__ import annotations

import pytest

from llm_repl_core import CellsStale, Notebook, Session, StaleReason, StaleReasonsChanged
from llm_repl_core.model.cell import Cell
from llm_repl_core.model.staleness import REASONS_LIMIT, TEXT_LIMIT, Staleness, bounded_text


def _told(cell: Cell) -> list[tuple[str, str | None, str | None, str | None]]:
    return [
        (reason.kind, reason.variable or reason.field, reason.was, reason.now)
        for reason in cell.staleness.reasons
    ]


def test_a_prompt_says_which_value_it_saw_and_what_it_is_now() -> None:
    notebook = Notebook()
    city = notebook.add_code("city = 'Oslo'")
    prompt = notebook.add_prompt("What to see in {city}?", response_var="sights")
    after = notebook.add_code("print(sights)")
    with Session(notebook) as session:
        session.run()
        notebook.change(city.id, content="city = 'Bergen'")
        session.dependencies.mark_changed(city.id)
        assert _told(prompt) == [("edited", "city", None, None)]
        assert _told(after) == [("stale", "sights", None, None)]
        events = list(session.stream([city.id]))
        assert _told(prompt) == [("variable", "city", "Oslo", "Bergen")]
        (told,) = [event for event in events if isinstance(event, StaleReasonsChanged)]
        assert told.reasons == {prompt.id: prompt.staleness.reasons}
        assert not [event for event in events if isinstance(event, CellsStale)]
        notebook.change(city.id, content="city = 'Rome'")
        session.run([city.id])
        assert _told(prompt) == [("variable", "city", "Oslo", "Rome")], "as the answer saw it"
        session.run_stale()
        assert [cell.stale for cell in notebook] == [False, False, False]
        assert prompt.staleness == Staleness()
        assert prompt.staleness.reasons == ()


def test_code_says_what_the_variable_was_before_it_was_set_again() -> None:
    notebook = Notebook()
    source = notebook.add_code("rows = [1]\ntax = 0.2")
    reader = notebook.add_code("sum(rows) * tax")
    with Session(notebook) as session:
        session.run()
        notebook.change(source.id, content="rows = [1, 2]\ntax = 0.2")
        (told,) = [e for e in session.stream([source.id]) if isinstance(e, CellsStale)]
        assert told.cell_ids == (reader.id,)
        assert told.reasons == {reader.id: reader.staleness.reasons}
        assert _told(reader) == [("variable", "rows", "[1]", "[1, 2]")], "`tax` is as it was"


def test_an_answer_that_was_asked_again_is_told_without_asking_the_kernel() -> None:
    notebook = Notebook()
    prompt = notebook.add_prompt("Say {{a}}", response_var="said")
    reader = notebook.add_code("print(said)")
    with Session(notebook) as session:
        session.run()
        before = session.state["said"]
        notebook.change(prompt.id, content="Say b")
        session.run([prompt.id])
        assert _told(reader) == [
            (
                "variable",
                "said",
                bounded_text(str(before)),
                bounded_text(str(session.state["said"])),
            )
        ]


@pytest.mark.parametrize(
    ("edit", "expected"),
    [
        ({"content": "b"}, ("own_edit", "content", None, None)),
        ({"temperature": 0.5}, ("own_edit", "temperature", None, "0.5")),
        ({"tools": ["find"]}, ("own_edit", "tools", "", "find")),
        ({"model": "mock/echo"}, ("own_edit", "model", None, "mock/echo")),
        ({"system": "Be brief"}, ("own_edit", "system", None, "Be brief")),
    ],
)
def test_what_was_edited_of_a_cell_itself_is_named(edit, expected) -> None:
    notebook = Notebook()
    prompt = notebook.add_prompt("a")
    with Session(notebook) as session:
        session.run()
    notebook.change(prompt.id, **edit)
    assert _told(prompt) == [expected]
    assert prompt.stale


def test_edits_of_the_same_field_say_what_it_was_at_the_run() -> None:
    notebook = Notebook()
    prompt = notebook.add_prompt("a", model="mock/one")
    prompt.status = "completed"
    notebook.change(prompt.id, model="mock/two")
    notebook.change(prompt.id, model="mock/three")
    assert _told(prompt) == [("own_edit", "model", "mock/one", "mock/three")]


def test_a_cell_that_failed_was_deleted_or_moved_is_named_so() -> None:
    notebook = Notebook()
    first = notebook.add_code("x = 1")
    second = notebook.add_code("y = 1")
    third = notebook.add_code("z = 1")
    reader = notebook.add_code("x, y, z")
    with Session(notebook) as session:
        session.run()
        session.dependencies.mark_changed(first.id, happening="deleted")
        session.dependencies.mark_changed(second.id, happening="moved")
        notebook.change(third.id, content="z = 1 / 0")
        list(session.stream([third.id]))
    reasons = {reason.variable: reason for reason in reader.staleness.reasons}
    assert reasons["x"].kind == "deleted"
    assert reasons["x"].cell_number == 1
    assert reasons["y"].kind == "moved"
    assert reasons["z"].kind == "failed"


def test_a_prompt_that_is_sent_with_a_cell_says_that_it_ran() -> None:
    notebook = Notebook()
    first = notebook.add_code("1 + 1")
    prompt = notebook.add_prompt("a", context="above")
    with Session(notebook) as session:
        session.run()
        session.run([first.id])
    assert _told(prompt) == [("run", None, None, None)]
    assert prompt.staleness.reasons[0].cell_id == first.id


def test_what_prompts_inherit_of_the_notebook_makes_them_stale() -> None:
    notebook = Notebook()
    notebook.metadata = {"llm_repl": {"system": "Be brief"}}
    inherits = notebook.add_prompt("a", response_var="answer")
    own = notebook.add_prompt("b", system="Be long")
    reader = notebook.add_code("print(answer)")
    with Session(notebook) as session:
        session.run()
        before = notebook.own_metadata
        notebook.metadata = {"llm_repl": {"system": "Be kind"}}
        marked = session.dependencies.note_notebook_edit(before)
    assert marked.stale == (inherits.id, reader.id)
    assert _told(inherits) == [("notebook", "system", "Be brief", "Be kind")]
    assert _told(reader) == [("stale", "answer", None, None)]
    assert not own.stale


def test_reasons_are_few_and_their_texts_short() -> None:
    notebook = Notebook()
    sources = [notebook.add_code(f"x{at} = 'a' * {10**6}") for at in range(9)]
    reader = notebook.add_code(", ".join(f"x{at}" for at in range(9)))
    with Session(notebook) as session:
        session.run()
        for at, source in enumerate(sources):
            notebook.change(source.id, content=f"x{at} = 'b' * {10**6}")
            session.run([source.id])
    assert len(reader.staleness.reasons) == REASONS_LIMIT
    for reason in reader.staleness.reasons:
        assert reason.was is not None
        assert len(reason.was) == TEXT_LIMIT
        assert reason.was.startswith("aaa")
        assert reason.was.endswith("…")


def test_no_object_is_called_changed_because_it_lies_elsewhere() -> None:
    notebook = Notebook()
    source = notebook.add_code("thing = object()")
    reader = notebook.add_code("repr(thing)")
    with Session(notebook) as session:
        session.run()
        session.run([source.id])
    assert _told(reader) == [("variable", "thing", None, None)]


def test_a_key_is_no_part_of_a_reason(monkeypatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-" + "k" * 40)
    notebook = Notebook()
    source = notebook.add_code("value = 'a'")
    prompt = notebook.add_prompt("{value}")
    with Session(notebook) as session:
        session.run()
        key = "sk-" + "k" * 40
        notebook.change(source.id, content=f"value = {key!r}")
        session.run([source.id])
    assert prompt.staleness.reasons[0].was == "a"
    assert "kkkk" not in str(prompt.staleness)


def test_cells_are_equal_whatever_is_remembered_of_them() -> None:
    cell = Notebook().add_code("x")
    other = cell.copy(id=cell.id)
    other.staleness = other.staleness.with_reasons([StaleReason(kind="run", cell_id="a")])
    assert cell == other


def test_a_text_is_cut_and_put_on_one_line() -> None:
    assert bounded_text("a\n  b\tc") == "a b c"
    assert bounded_text("x" * 10**6) == "x" * (TEXT_LIMIT - 1) + "…"
    assert bounded_text("x" * TEXT_LIMIT) == "x" * TEXT_LIMIT
