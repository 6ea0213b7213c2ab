"""Which cells see a change of another."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from llm_repl_core.dataflow.dependents import Dependents
from llm_repl_core.model.cell import CodeCell, PromptCell
from llm_repl_core.model.notebook import Notebook


def _notebook(*codes: str) -> Notebook:
    return Notebook(cells=[CodeCell(content=code, id=str(n)) for n, code in enumerate(codes)])


@pytest.mark.parametrize(
    ("codes", "expected"),
    [
        (["x = 1", "print(x)"], ["1"]),
        (["x = 1", "y = x", "print(y)"], ["1", "2"]),
        (["x = 1", "x = 2", "print(x)"], []),
        (["x = 1", "x += 2", "print(x)"], ["1", "2"]),
        (["x = []", "x.append(1)", "print(x)"], ["1", "2"]),
        (["x = 1", "if y: x = 2", "print(x)"], ["2"]),
        (["x = 1", "def f(): return x", "print(f())"], ["2"]),
        (["x = 1", "def f(): return x", "def g(): return f()", "print(g())"], ["3"]),
        (["x = 1", "print(z)"], []),
        (["print(x)", "x = 1"], []),
        (["import json", "json.dumps({})"], ["1"]),
    ],
)
def test_the_cells_that_see_a_change(codes: list[str], expected: list[str]) -> None:
    assert Dependents(_notebook(*codes)).of("0") == expected


def test_an_edit_is_seen_by_what_was_read_before_it_and_what_is_now() -> None:
    notebook = _notebook("x = 1", "print(x)", "print(y)")
    dependents = Dependents(notebook)
    assert dependents.of("0") == ["1"]
    notebook.change("0", content="y = 1")
    assert dependents.of("0") == ["1", "2"], "x is gone, and y is new"
    assert dependents.of("0") == ["2"]


def test_moves_and_removals_are_seen() -> None:
    notebook = _notebook("x = 1", "print(x)")
    dependents = Dependents(notebook)
    assert dependents.of("0") == ["1"]
    notebook.move("1", 0)
    assert dependents.of("0") == []
    notebook.remove("1")
    assert dependents.of("0") == []
    assert dependents.of("1") == [], "it is gone"


def test_prompts_see_their_template_their_system_text_and_their_context() -> None:
    notebook = _notebook("x = 1", "y = 2")
    for number, options in enumerate(
        [
            {"content": "{x}"},
            {"content": "a", "system": "{x}"},
            {"content": "a", "context": "above"},
            {"content": "a", "context": ["0"]},
            {"content": "a", "context": ["1"]},
            {"content": "a"},
        ]
    ):
        cell = PromptCell(id=f"p{number}", response_var=f"r{number}")
        cell.change(**options)
        notebook.insert(cell)
    dependents = Dependents(notebook)
    assert dependents.of("0") == ["p0", "p1", "p2", "p3"]
    notebook.change("0", skipped=True)
    assert dependents.of("0") == ["p0", "p1", "p2"], "the third is sent with the first two"
    notebook.change("0", skipped=False, pinned=True)
    assert dependents.of("0") == ["p0", "p1", "p2", "p3", "p4", "p5"]


def test_the_last_answer_may_be_that_of_any_prompt_above() -> None:
    notebook = Notebook()
    first = notebook.add_prompt("a", response_var="a")
    second = notebook.add_prompt("b", response_var="b")
    reader = notebook.add_code("print(_)")
    dependents = Dependents(notebook)
    assert dependents.of(first.id) == [reader.id], "where it is run alone"
    assert dependents.of(second.id) == [reader.id]


_NAMES = st.sampled_from("abc")
_CODES = st.one_of(
    st.builds("{} = 1".format, _NAMES),
    st.builds("{} = {}".format, _NAMES, _NAMES),
    st.builds("print({})".format, _NAMES),
    st.builds("{}.append({})".format, _NAMES, _NAMES),
    st.builds("def {}(): return {}".format, _NAMES, _NAMES),
)


@settings(max_examples=200, deadline=None)
@given(
    codes=st.lists(_CODES, min_size=1, max_size=6),
    edits=st.lists(
        st.tuples(st.integers(0, 5), _CODES, st.sampled_from(["change", "move", "remove"])),
        max_size=6,
    ),
)
def test_an_index_that_is_kept_up_says_what_a_new_one_says(
    codes: list[str], edits: list[tuple[int, str, str]]
) -> None:
    notebook = _notebook(*codes)
    kept = Dependents(notebook)
    for place, code, what in edits:
        if not len(notebook):
            break
        cell_id = notebook.cells[place % len(notebook)].id
        kept.of(cell_id)
        if what == "change":
            notebook.change(cell_id, content=code)
        elif what == "move":
            notebook.move(cell_id, (place * 7) % len(notebook))
        else:
            notebook.remove(cell_id)
    for cell in notebook:
        kept.of(cell.id)  # what it gave before an edit counts once
        assert kept.of(cell.id) == Dependents(notebook).of(cell.id)
