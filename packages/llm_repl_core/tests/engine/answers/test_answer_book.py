"""The versions of an answer: listed, compared, taken into use, written by hand."""

from __future__ import annotations

import pytest

from llm_repl_core import Conflict, InvalidInput, MemoryLedger, Notebook, NotFound, Session
from llm_repl_core.errors import CellExecutionError
from llm_repl_core.formats.ipynb import IpynbFormat
from llm_repl_core.formats.llmn import LlmnFormat
from llm_repl_core.model.cell_types import CellTypes

THREE = "mock/list:one lamp|two lamps|three lamps"


def _asked_thrice() -> tuple[Notebook, Session, str]:
    notebook = Notebook()
    prompt = notebook.add_prompt("How many?", model=THREE, response_var="many")
    notebook.add_code("shown = many.upper()")
    session = Session(notebook)
    for _ in range(3):
        session.run()
    return notebook, session, prompt.id


def test_versions_are_listed_newest_first_and_by_page() -> None:
    _, session, prompt = _asked_thrice()
    with session:
        page = session.answers(prompt)
        assert [version.number for version in page.answers] == [3, 2, 1]
        assert [version.excerpt for version in page.answers] == [
            "three lamps",
            "two lamps",
            "one lamp",
        ]
        assert page.total == 3
        assert page.answers[0].in_use
        assert page.in_use == page.answers[0].id
        assert page.answers[0].words == 2
        first = session.answers(prompt, limit=2)
        assert first.next == 2
        assert [
            each.number for each in session.answers(prompt, limit=2, before=first.next).answers
        ] == [1]


def test_an_earlier_version_is_taken_into_use_and_dependents_turn_stale() -> None:
    notebook, session, prompt = _asked_thrice()
    with session:
        page = session.answers(prompt)
        assert page.dependents == [notebook.cells[1].id]
        change = session.use_answer(prompt, page.answers[2].id)
        assert change.stale == (notebook.cells[1].id,)
        [reason] = notebook.cells[1].staleness.reasons
        assert (reason.kind, reason.variable) == ("variable", "many")
        assert (reason.was, reason.now) == ("three lamps", "one lamp")
        assert session.state["many"] == "one lamp"
        assert notebook[prompt].outputs[-1].content == "one lamp"
        assert session.answers(prompt).version != page.version
        again = session.use_answer(prompt, page.answers[2].id)
        assert not again.changed
        session.run_stale()
        assert session.state["shown"] == "ONE LAMP"
        with pytest.raises(NotFound, match="no answer"):
            session.use_answer(prompt, "another")


def test_a_run_that_reuses_the_record_takes_the_version_in_use() -> None:
    _, session, prompt = _asked_thrice()
    with session:
        earliest = session.answers(prompt).answers[2]
        session.use_answer(prompt, earliest.id)
        session.run(mode="replay")
        assert session.state["many"] == "one lamp"
        session.edit_answer(prompt, "no lamp")
        session.run(mode="replay")
        assert session.state["many"] == "one lamp"


def test_an_edit_keeps_the_original_and_earlier_edits() -> None:
    notebook, session, prompt = _asked_thrice()
    with session:
        original = session.answers(prompt).answers[0].id
        change = session.edit_answer(prompt, "four lamps")
        assert change.stale == (notebook.cells[1].id,)
        assert session.state["many"] == "four lamps"
        shown = notebook[prompt].outputs[-1]
        assert shown.content == "four lamps"
        assert shown.fields["edited"]["original"] == {"content": "three lamps"}
        assert not session.edit_answer(prompt, "four lamps").changed
        session.edit_answer(prompt, "five lamps")
        page = session.answers(prompt)
        assert [each.kind for each in page.answers] == ["edited", "edited", *["answer"] * 3]
        assert [each.in_use for each in page.answers][:2] == [True, False]
        session.use_answer(prompt, original)
        assert session.state["many"] == "three lamps"
        assert "edited" not in notebook[prompt].outputs[-1].fields
        session.use_answer(prompt, page.answers[1].id)
        assert session.state["many"] == "four lamps"
        assert notebook[prompt].outputs[-1].fields["edited"]["id"] == page.answers[1].id
        session.run([prompt])
        assert [each.kind for each in session.answers(prompt).answers][:3] == [
            "answer",
            "edited",
            "edited",
        ]
        session.edit_answer(prompt, notebook[prompt].outputs[-1].content)  # as it is: no edit
        assert session.answers(prompt).total == 6


def test_an_edit_survives_other_cells_a_new_kernel_and_both_formats() -> None:
    notebook, session, prompt = _asked_thrice()
    with session:
        session.edit_answer(prompt, "four lamps")
        session.run([notebook.cells[1].id])
        assert session.state["shown"] == "FOUR LAMPS"
    for file_format in (LlmnFormat(CellTypes()), IpynbFormat(CellTypes())):
        loaded = file_format.decode(file_format.encode(notebook))
        with Session(loaded) as session:
            loaded.cells[1].stale = True
            session.run_stale()
            assert session.state["shown"] == "FOUR LAMPS"
            page = session.answers(prompt)
            assert [each.excerpt for each in page.answers] == ["four lamps", "three lamps"]
            session.use_answer(prompt, page.answers[1].id)
            assert session.state["many"] == "three lamps"
            session.use_answer(prompt, page.answers[0].id)
            assert session.state["many"] == "four lamps"


def test_a_structured_answer_is_edited_by_value_and_checked() -> None:
    notebook = Notebook()
    prompt = notebook.add_prompt("Ada", schema="name, age int", response_var="who").id
    with Session(notebook) as session:
        session.run()
        session.edit_answer(prompt, value={"name": "Ada", "age": 36})
        assert session.state["who"] == {"name": "Ada", "age": 36}
        assert notebook[prompt].outputs[-1].fields["value"] == {"name": "Ada", "age": 36}
        with pytest.raises(InvalidInput, match="age"):
            session.edit_answer(prompt, value={"name": "Ada", "age": "old"})
        with pytest.raises(InvalidInput, match="not JSON"):
            session.edit_answer(prompt, "old")
        assert session.state["who"]["age"] == 36
        answer = session.answer(prompt, session.answers(prompt).answers[1].id)
        assert [block.kind for block in answer.difference] == ["code"]


def test_an_instance_of_a_class_follows_and_is_kept_through_a_restart() -> None:
    notebook = Notebook()
    notebook.add_code("from dataclasses import dataclass\nfrom pydantic import BaseModel")
    notebook.add_code("class Person(BaseModel):\n    name: str")
    prompt = notebook.add_prompt("Ada", schema="Person", response_var="who").id
    notebook.add_code("name = who.name")
    ledger = MemoryLedger()
    with Session(notebook, ledger=ledger) as session:
        session.run()
        session.edit_answer(prompt, value={"name": "Grace"})
        assert session.state["who"].name == "Grace"
        session.restart()
        session.run_stale()
        assert session.state["name"] == "Grace"
    assert len(ledger.records) == 1


def test_items_have_versions_of_their_own() -> None:
    notebook = Notebook()
    prompt = notebook.add_prompt(
        "{item}", for_each="['a', 'b', 'c']", model="mock/echo", response_var="all"
    ).id
    with Session(notebook) as session:
        session.run()
        with pytest.raises(InvalidInput, match="item"):
            session.answers(prompt)
        session.edit_answer(prompt, "B", item=1)
        assert session.state["all"] == ["a", "B", "c"]
        page = session.answers(prompt, item=1)
        assert [each.excerpt for each in page.answers] == ["B", "b"]
        session.use_answer(prompt, page.answers[1].id, item=1)
        assert session.state["all"] == ["a", "b", "c"]
        with pytest.raises(InvalidInput, match="3 items"):
            session.edit_answer(prompt, "d", item=3)


def test_only_failed_items_are_asked_again() -> None:
    notebook = Notebook()
    notebook.add_code("models = iter([1])")
    prompt = notebook.add_prompt(
        "{item + ask(item)}", for_each="['a', 'b', 'c']", model="mock/echo", response_var="all"
    ).id
    notebook.cells[0].content = "def ask(item):\n    return ''"
    ledger = MemoryLedger()
    with Session(notebook, ledger=ledger) as session:
        session.run()
        session.edit_answer(prompt, "A", item=0)
        session.run([prompt], items=(2,))
        assert session.state["all"] == ["A", "b", "c"]
        assert [record.place.item for record in ledger.records] == [0, 1, 2, 2]
        session.run([prompt], items="failed")
        assert len(ledger.records) == 4
        notebook.change(notebook.cells[0].id, content="def ask(item):\n    return '!'")
        session.run(items="failed")  # the prompts are others now
        assert session.state["all"] == ["A", "b!", "c!"]


def test_a_failed_item_is_filled_by_hand() -> None:
    notebook = Notebook()
    prompt = notebook.add_prompt(
        "{item}",
        for_each="['{\"n\": 1}', 'no', 'nor']",
        schema="n int",
        model="mock/echo",
        response_var="all",
    ).id
    with Session(notebook) as session:
        with pytest.raises(CellExecutionError):
            session.run()
        error = notebook[prompt].outputs[-1]
        assert error.fields["total"] == 3
        assert [each["item"] for each in error.fields["failed_items"]] == [1, 2]
        session.edit_answer(prompt, value={"n": 2}, item=1)
        assert session.state["all"] == [{"n": 1}, {"n": 2}, None]
        assert notebook[prompt].outputs[-1].content.startswith("ItemsFailed: 1 of 3")
        assert notebook[prompt].status == "error"
        session.edit_answer(prompt, value={"n": 3}, item=2)
        assert notebook[prompt].status == "completed"
        assert session.state["all"] == [{"n": 1}, {"n": 2}, {"n": 3}]


def test_what_cannot_be_edited_is_said() -> None:
    notebook = Notebook()
    code = notebook.add_code("x = 1").id
    prompt = notebook.add_prompt("Hello", model="mock/echo").id
    with Session(notebook) as session:
        with pytest.raises(InvalidInput, match="cell 1 is a code cell"):
            session.answers(code)
        with pytest.raises(InvalidInput, match="run the cell first"):
            session.edit_answer(prompt, "x")
        assert session.answers(prompt).answers == []
        session.run()
        notebook[prompt].status = "running"
        with pytest.raises(Conflict, match="Cell 2 runs"):
            session.edit_answer(prompt, "x")


def test_tools_that_were_called_come_back_with_an_earlier_answer() -> None:
    notebook = Notebook()
    notebook.add_code("def add(n: int) -> int:\n    return n + 1")
    prompt = notebook.add_prompt(
        "Add", model='mock/call:add {"n": 4}', tools=["add"], response_var="sum"
    ).id
    with Session(notebook) as session:
        session.run()
        earlier = session.answers(prompt).answers[0].id
        notebook.change(prompt, model="mock/echo", tools=[])
        session.run([prompt])
        assert session.answers(prompt).total == 2
        session.use_answer(prompt, earlier)
        outputs = notebook[prompt].outputs
        assert [output.type for output in outputs] == ["tool_call", "llm_response"]
        assert outputs[0].fields["result"] == "5"
        assert outputs[1].fields["prompt"] == "Add"
        detail = session.answer(prompt, session.answers(prompt).answers[0].id)
        assert {change.path for change in detail.asked} >= {"model"}


def test_an_answer_is_not_lost_where_the_kernel_has_not_started() -> None:
    notebook = Notebook()
    prompt = notebook.add_prompt("Hello", model="mock/echo", response_var="said").id
    with Session(notebook) as session:
        session.run()
    with Session(notebook) as session:
        session.edit_answer(prompt, "Bye")
        assert notebook[prompt].outputs[-1].content == "Bye"
