"""Answers that are out of the ordinary: refused, edited, gone from the record, written late."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from concurrent.futures import Future
from typing import Any

import pytest

from llm_repl_core import Conflict, InvalidInput, MemoryLedger, Notebook, NotFound, Output, Session
from llm_repl_core.errors import CellExecutionError


def _prompt(content: str = "Hello", **options: Any) -> tuple[Notebook, str]:
    notebook = Notebook()
    prompt = notebook.add_prompt(
        content, **{"model": "mock/echo", "response_var": "said"} | options
    )
    return notebook, prompt.id


def _while_the_kernel_is_taken(
    session: Session, asked: Callable[[], Awaitable[Any]], meanwhile: Callable[[], object]
) -> Any:
    """What comes of something that has to wait for the kernel, while something else happens."""

    async def whole() -> Any:
        async with session.live._queue.between_runs():
            task = asyncio.ensure_future(asked())
            while not session.live._queue._questions:  # noqa: ASYNC110  until it waits
                await asyncio.sleep(0)
            meanwhile()
        return await task

    future: Future[Any] = session.loop.submit(whole())
    return future.result(20)


# `_` -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("options", "remembered"),
    [
        ({}, "Hello"),
        ({"content": '{"a": [1]}', "schema": {"type": "object"}}, {"a": [1]}),
        ({"content": "{item}", "for_each": "['a', 'b']"}, ["a", "b"]),
        ({"content": "{item}", "for_each": "[]"}, []),
    ],
)
def test_the_last_answer_is_had_under_its_short_name(kernel, open_session, options, remembered):
    notebook, prompt = _prompt(**options)
    session = open_session(notebook, kernel=kernel)
    session.run()
    session.loop.call(session.live.answers.remember(prompt))
    notebook.add_code("seen = _")
    session.run([notebook.cells[-1].id])
    assert session.state["seen"] == remembered


def test_an_answer_that_is_remembered_is_a_copy():
    notebook, prompt = _prompt('{"a": [1]}', schema={"type": "object"})
    code = notebook.add_code("_['a'].append(2)").id
    with Session(notebook) as session:
        session.run([prompt])
        session.loop.call(session.live.answers.remember(prompt))
        session.run([code])
        assert notebook[prompt].outputs[-1].fields["value"] == {"a": [1]}
        assert session.state["said"] == {"a": [1]}


def test_what_has_no_answer_is_not_remembered():
    notebook, prompt = _prompt()
    code = notebook.add_code("x = 1").id
    failed = notebook.add_prompt("no", model="mock/fail:request_rejected").id
    with Session(notebook) as session:
        with pytest.raises(CellExecutionError):
            session.run([code, failed])
        for cell_id, number in ((prompt, 1), (code, 2), (failed, 3)):
            with pytest.raises(Conflict, match=f"Cell {number} has no answer"):
                session.loop.call(session.live.answers.remember(cell_id))


# Mistakes ------------------------------------------------------------------------------------


def test_mistakes_are_told():
    notebook, prompt = _prompt()
    with Session(notebook) as session:
        session.run()
        with pytest.raises(InvalidInput, match="has no items"):
            session.answers(prompt, item=0)
        with pytest.raises(InvalidInput, match="either `content` or `value`"):
            session.edit_answer(prompt)
        with pytest.raises(InvalidInput, match="either `content` or `value`"):
            session.edit_answer(prompt, "a", value="b")
        with pytest.raises(InvalidInput, match="asks for a text"):
            session.edit_answer(prompt, value="a")
        with pytest.raises(NotFound, match="no answer `another`"):
            session.answer(prompt, "another")
        with pytest.raises(NotFound, match="There is no comparison `nobody`"):
            session.live.answers.asking("nobody")
        assert notebook[prompt].outputs[-1].content == "Hello"


def test_a_refusal_is_no_answer_to_choose():
    notebook, prompt = _prompt(model="mock/echo+refuse=I would rather not.")
    with Session(notebook) as session:
        with pytest.raises(CellExecutionError):
            session.run()
        notebook.change(prompt, model="mock/echo")
        session.run()
        [refused] = [
            version for version in session.answers(prompt).answers if version.id != session.answers(prompt).in_use
        ]  # fmt: skip
        with pytest.raises(InvalidInput, match="The model refused there"):
            session.use_answer(prompt, refused.id)
        assert session.state["said"] == "Hello"


def test_an_answer_on_record_that_has_not_the_form_is_shown_and_refused():
    notebook, prompt = _prompt("no JSON")
    with Session(notebook) as session:
        session.run()
        earlier = session.answers(prompt).in_use
        assert earlier is not None
        notebook.change(prompt, content='{"a": 1}', schema={"type": "object"})
        session.run()
        detail = session.answer(prompt, earlier)
        assert detail.text == "no JSON"
        assert detail.difference
        with pytest.raises(InvalidInput, match="not JSON"):
            session.use_answer(prompt, earlier)
        assert session.state["said"] == {"a": 1}


# Edits and what they were made of ------------------------------------------------------------


def test_an_edit_is_looked_at_beside_the_answer_in_use():
    notebook, prompt = _prompt("Hello there")
    with Session(notebook) as session:
        session.run()
        session.edit_answer(prompt, "Hello here")
        edited, original = session.answers(prompt).answers
        assert session.answer(prompt, edited.id).difference == []  # it is in use
        assert session.answer(prompt, edited.id).text == "Hello here"
        session.use_answer(prompt, original.id)
        detail = session.answer(prompt, edited.id)
        assert (detail.text, detail.kind) == ("Hello here", "edited")
        assert detail.difference


def test_an_answer_that_is_in_the_notebook_alone_can_be_looked_at_and_put_back():
    notebook, prompt = _prompt()
    with Session(notebook, ledger=MemoryLedger()) as session:
        session.run()
    # Elsewhere, where nothing of it is on record.
    notebook[prompt].outputs[-1].fields["reasoning"] = "Hm."
    with Session(notebook, ledger=MemoryLedger()) as session:
        original = session.answers(prompt).in_use
        assert original is not None
        detail = session.answer(prompt, original)
        assert (detail.text, detail.reasoning, detail.asked) == ("Hello", "Hm.", [])
        session.edit_answer(prompt, "Bye")
        edited = session.answers(prompt).in_use
        assert edited is not None
        session.use_answer(prompt, original)
        assert notebook[prompt].outputs[-1].content == "Hello"
        session.use_answer(prompt, edited)
        assert notebook[prompt].outputs[-1].content == "Bye"


@pytest.mark.parametrize("schema", [None, {"type": "object"}])
def test_an_edit_comes_back_with_the_answer_that_it_was_made_of(schema):
    notebook, prompt = _prompt('{"n": 1}', schema=schema)
    with Session(notebook) as session:
        session.run()
        first = notebook[prompt].outputs[-1].fields["call_id"]
        session.edit_answer(prompt, '{"n": 2}')
        edited = session.answers(prompt).in_use
        assert edited is not None
        notebook.change(prompt, content='{"n": 3}')
        session.run()
        assert notebook[prompt].outputs[-1].content == '{"n": 3}'
        session.use_answer(prompt, edited)
        [shown] = notebook[prompt].outputs
        assert (shown.content, shown.fields["call_id"]) == ('{"n": 2}', first)
        original = shown.fields["edited"]["original"]
        assert original == {
            "content": '{"n": 1}',
            **({} if schema is None else {"value": {"n": 1}}),
        }
        assert session.state["said"] == ('{"n": 2}' if schema is None else {"n": 2})


def test_an_edit_whose_answer_is_gone_is_made_of_the_one_in_use():
    notebook, prompt = _prompt()
    with Session(notebook, ledger=MemoryLedger()) as session:
        session.run()
        session.edit_answer(prompt, "Bye")
        edited = session.answers(prompt).in_use
        assert edited is not None
    notebook.change(prompt, content="Moin")
    with Session(notebook, ledger=MemoryLedger()) as session:
        session.run()
        session.use_answer(prompt, edited)
        [shown] = notebook[prompt].outputs
        assert (shown.content, shown.fields["edited"]["original"]) == ("Bye", {"content": "Moin"})


# While the kernel is taken -------------------------------------------------------------------


def test_an_edit_is_kept_in_the_moment_in_which_it_is_shown(open_session):
    notebook, prompt = _prompt()
    session = open_session(notebook)
    session.run()
    saved: list[bool] = []
    touch = notebook.touch

    def save() -> None:  # as one who writes the notebook at each change
        touch()
        extra = notebook[prompt].extra
        saved.append(notebook[prompt].outputs[-1].content in str(extra))

    notebook.touch = save  # type: ignore[method-assign]
    session.edit_answer(prompt, "Bye")
    assert saved[-1]


def test_an_answer_that_comes_late_changes_no_cell_that_is_gone(open_session):
    notebook, prompt = _prompt()
    session = open_session(notebook)
    session.run()
    answers = session.live.answers

    def put_another() -> None:
        notebook.replace(notebook[prompt].copy(id=prompt))

    with pytest.raises(Conflict, match="another one is in its place"):
        _while_the_kernel_is_taken(session, lambda: answers.edit(prompt, "Bye"), put_another)
    assert notebook[prompt].outputs[-1].content == "Hello"

    def run() -> None:
        notebook[prompt].status = "running"

    with pytest.raises(Conflict, match="Cell 1 runs"):
        _while_the_kernel_is_taken(session, lambda: answers.edit(prompt, "Bye"), run)
    notebook[prompt].status = "completed"
    with pytest.raises(Conflict, match="deleted meanwhile"):
        _while_the_kernel_is_taken(
            session, lambda: answers.edit(prompt, "Bye"), lambda: notebook.remove(prompt)
        )


# Items ---------------------------------------------------------------------------------------


def _items(error: Output | None = None) -> tuple[Notebook, str]:
    notebook, prompt = _prompt("{item}", for_each="['a', 'b', 'c']")
    cell = notebook[prompt]
    cell.status = "error"
    cell.outputs = [
        Output("llm_response", "a", {"item": 0}),
        Output("llm_response", "c", {"item": 2}),
    ]
    cell.outputs += [error] if error else []
    return notebook, prompt


def test_what_an_earlier_version_says_of_failed_items_stays_as_it_is():
    error = Output.error("ItemsFailed", "1 of 3 items have no answer.")
    notebook, prompt = _items(error)
    with Session(notebook) as session:
        session.edit_answer(prompt, "b", item=1)
        assert [output.content for output in notebook[prompt].outputs] == [
            *("a", "b", "c"),
            error.content,
        ]
        assert notebook[prompt].status == "error"


def test_an_edit_of_one_item_leaves_what_is_said_of_the_others():
    failed = [{"item": 1, "error": "no"}]
    error = Output("error", "E", {"ename": "ItemsFailed", "total": 3, "failed_items": failed})
    notebook, prompt = _items(error)
    with Session(notebook) as session:
        session.edit_answer(prompt, "A", item=0)
        assert notebook[prompt].outputs[-1] is error
        assert notebook[prompt].status == "error"
        assert session.answers(prompt, item=1).answers == []
