"""Which cells a prompt is sent along with, and as what."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from llm_repl_core import InvalidInput, Notebook, Output
from llm_repl_core.engine.prompts.context import context_cells, context_messages
from llm_repl_core.model.cell import CodeCell, ForeignCell, MarkdownCell, MemoryCell, PromptCell

LIMIT = 1000
FIGURE = {"text/plain": "<Figure>", "image/png": "aGVsbG8="}


def cells():
    return [
        MarkdownCell(content="# Title", id="title", pinned=True),
        CodeCell(content="x = 1", id="code"),
        MarkdownCell(content="hidden", id="hidden", skipped=True),
        MemoryCell(content="who = 'me'", id="memory"),
        PromptCell(content="Ask", id="prompt"),
        MarkdownCell(content="below", id="below", pinned=True),
    ]


def in_context(context, **changes):
    notebook = Notebook(cells=cells())
    for id_, fields in changes.items():
        notebook.change(id_, **fields)
    notebook.change("prompt", context=context)
    return [cell.id for cell in context_cells(notebook["prompt"], notebook)]


def test_an_isolated_prompt_has_the_pinned_cells_above():
    assert in_context("isolated") == ["title"]


def test_above_is_all_that_stands_above_and_is_not_skipped():
    assert in_context("above") == ["title", "code", "memory"]


def test_a_list_has_those_cells_and_the_pinned_ones_in_document_order():
    assert in_context(["memory", "code", "hidden"]) == ["title", "code", "memory"]
    assert in_context([]) == ["title"]


def test_skipped_wins_over_pinned():
    assert in_context("above", title={"skipped": True}) == ["code", "memory"]


@pytest.mark.parametrize(
    ("id_", "said"),
    [("nowhere", "does not have"), ("below", "is not above"), ("prompt", "is not above")],
)
def test_a_listed_cell_must_stand_above(id_, said):
    with pytest.raises(InvalidInput, match=f"'{id_}'.*{said}"):
        in_context(["code", id_])


def turns_of(cell):
    notebook = Notebook(cells=[cell, PromptCell(content="Ask", id="prompt", context="above")])
    messages = context_messages(notebook["prompt"], notebook, LIMIT).messages
    assert all(one.cell_id == cell.id for one in messages)
    return [(one.message.role, one.message.content) for one in messages]


def test_markdown_and_memory_are_sent_as_they_are():
    assert turns_of(MarkdownCell(content="# Über\n")) == [("user", "# Über\n")]
    assert turns_of(MemoryCell(content="a = 1\nb = 2")) == [("user", "a = 1\nb = 2")]


def test_code_is_sent_with_its_outputs():
    outputs = [
        Output.stdout("one\n"),
        Output.stdout("two\n"),
        Output.stderr("not sent"),
        Output.display({"text/plain": "42"}),
        Output.display(FIGURE),
        Output.error("ValueError", "no", ["Traceback …", "ValueError: no"]),
    ]
    [(role, text)] = turns_of(CodeCell(content="x = 1\n", outputs=outputs))
    assert role == "user"
    assert text == (
        "```python\nx = 1\n```\n\nOutput:\n\n```\n"
        "one\ntwo\n42\n<Figure> [image/png]\nValueError: no\n```"
    )


def test_code_without_outputs_has_none():
    assert turns_of(CodeCell(content="x = 1")) == [("user", "```python\nx = 1\n```")]


def test_a_fence_is_longer_than_any_in_the_code():
    [(_, text)] = turns_of(CodeCell(content='x = """\n````\n"""'))
    assert text.splitlines()[0] == "`````python"
    assert text.splitlines()[-1] == "`````"


@pytest.mark.parametrize("content", ["", " \n\t", "\n"])
@pytest.mark.parametrize("kind", [MarkdownCell, CodeCell, MemoryCell, PromptCell])
def test_an_empty_cell_gives_nothing(kind, content):
    assert turns_of(kind(content=content)) == []


def test_a_cell_of_an_unknown_type_gives_nothing():
    assert turns_of(ForeignCell(content="SELECT 1", foreign_type="SqlCell")) == []


def test_a_prompt_is_what_was_sent_and_the_answer():
    answer = Output.llm_response("Hi, Ann", "Hello!")
    cell = PromptCell(content="Hi, {who}", outputs=[answer])
    assert turns_of(cell) == [("user", "Hi, Ann"), ("assistant", "Hello!")]


def test_a_prompt_over_items_gives_a_pair_an_item():
    outputs = [Output.llm_response(f"p{n}", f"a{n}", item=n) for n in range(2)]
    outputs.insert(1, Output("tool_call", "f()", {"prompt": "no"}))
    assert turns_of(PromptCell(content="{item}", outputs=outputs)) == [
        ("user", "p0"), ("assistant", "a0"), ("user", "p1"), ("assistant", "a1"),
    ]  # fmt: skip


@pytest.mark.parametrize("more", [{"interrupted": True}, {"failed": True}])
def test_an_answer_that_is_not_whole_gives_nothing(more):
    assert turns_of(PromptCell(outputs=[Output.llm_response("p", "half", **more)])) == []


def test_a_prompt_that_has_not_run_gives_nothing():
    assert turns_of(PromptCell(content="Ask")) == []
    assert turns_of(PromptCell(outputs=[Output.llm_response("p", "")])) == []


def test_a_lone_surrogate_passes():
    [(_, text)] = turns_of(CodeCell(content="'\ud800'", outputs=[Output.stdout("\udfff\n")]))
    assert "\ud800" in text
    assert "\udfff" in text


@settings(max_examples=50)
@given(st.integers(0, 3 * LIMIT), st.integers(0, 3 * LIMIT))
def test_a_cell_is_bounded_and_says_what_is_left_out(code_length, output_length):
    code, shown = "a" * (code_length + 1), "b" * output_length
    [(_, text)] = turns_of(CodeCell(content=code, outputs=[Output.stdout(shown)]))
    assert len(text) <= LIMIT + 60  # the fences
    is_whole = code in text and shown in text
    assert is_whole == (len(code) + len(shown) <= LIMIT)
    assert is_whole != ("characters are left out here]" in text)


def test_head_and_tail_are_kept():
    shown = "START" + "b" * 3 * LIMIT + "END"
    [(_, text)] = turns_of(CodeCell(content="x", outputs=[Output.stdout(shown)]))
    assert "START" in text
    assert "END" in text
    left_out = len(shown) - text.count("b") - len("STARTEND")
    assert f"[{left_out:,} characters are left out here]" in text
