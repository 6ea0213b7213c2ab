"""`.py` and `.md` carry what is written by hand, there and back."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llm_repl_core import (
    CodeCell,
    InvalidInput,
    InvalidNotebook,
    MarkdownCell,
    MemoryCell,
    Notebook,
    Output,
    PromptCell,
)
from llm_repl_core.formats.text_notebooks import MarkdownNotebookFormat, PercentFormat

pytest.importorskip("jupytext", reason="jupytext is not installed")

FORMATS = [PercentFormat, MarkdownNotebookFormat]
LINES = st.sampled_from(
    ["x = 1", "", "    indented", "# a comment", "%timeit x", "!ls", "{x}", "- a", "```", "ü 🎈", "# %% y", "'''"]
)  # fmt: skip
TEXTS = st.lists(LINES, max_size=6).map("\n".join)
CELLS = st.lists(
    st.one_of(
        st.builds(CodeCell, content=TEXTS),
        st.builds(MarkdownCell, content=TEXTS),
        st.builds(MemoryCell, content=TEXTS),
        st.builds(
            PromptCell,
            content=TEXTS,
            model=st.sampled_from([None, "mock/echo"]),
            temperature=st.sampled_from([None, 0.5]),
            response_var=st.sampled_from([None, "answer"]),
            system=st.sampled_from([None, "Be brief."]),
            schema=st.sampled_from([None, "name, age int", {"type": "object"}]),
            pinned=st.booleans(),
        ),
    ),
    max_size=5,
)


def _written(cell):
    return (cell.id, cell.type, cell.content.rstrip("\n"), cell.options(), cell.metadata)


@pytest.mark.parametrize("format_class", FORMATS)
@given(cells=CELLS)
def test_there_and_back(format_class, cells):
    notebook = Notebook("Näme", cells=cells, metadata={"llm_repl": {"mode": "reuse"}, "mine": 1})
    notebook.memory["kept"] = [1, None, {"a": "b"}]
    try:
        data = format_class().encode(notebook)
    except InvalidInput:  # a text that the format takes for its own marks
        return
    again = format_class().decode(data)
    assert list(map(_written, again)) == list(map(_written, notebook))
    assert (again.id, again.name, again.metadata, again.memory) == (
        notebook.id,
        notebook.name,
        notebook.metadata,
        notebook.memory,
    )
    data = format_class().encode(again)
    assert format_class().encode(format_class().decode(data)) == data


@pytest.mark.parametrize("format_class", FORMATS)
def test_outputs_and_answers_stay_out(format_class):
    cell = CodeCell(content="1", status="completed", outputs=[Output.stdout("secret")])
    notebook = Notebook(cells=[cell])
    assert b"secret" not in format_class().encode(notebook)
    assert notebook.cells[0].outputs  # they are left where they are


def test_a_script_that_people_write_is_a_notebook():
    text = "# %% [markdown]\n# # Title\n\n# %%\nx = 1\n\n# %% tags=['parameters']\ny = 2\n"
    notebook = PercentFormat().decode(text.encode())
    assert [(cell.type, cell.content) for cell in notebook] == [
        ("markdown", "# Title"),
        ("code", "x = 1"),
        ("code", "y = 2"),
    ]
    assert notebook.cells[2].metadata["tags"] == ["parameters"]


def test_a_markdown_file_that_people_write_is_a_notebook():
    notebook = MarkdownNotebookFormat().decode(b"# Title\n\n```python\nx = 1\n```\n\nThe end.\n")
    assert [cell.type for cell in notebook] == ["markdown", "code", "markdown"]


def test_a_text_that_would_become_another_is_refused():
    with pytest.raises(InvalidInput, match=r"Cell 1 cannot be written to a \.py file"):
        PercentFormat().encode(Notebook(cells=[CodeCell(content="x = 1\n# %% y\nz = 2")]))


@pytest.mark.parametrize("format_class", FORMATS)
def test_half_a_character_is_refused(format_class):
    cells = [CodeCell(content="1"), CodeCell(content="'\ud800'")]
    with pytest.raises(InvalidInput, match=r"Cell 2 cannot be written .*'\\ud800'"):
        format_class().encode(Notebook(cells=cells))
    # In the head it is escaped.
    notebook = Notebook(metadata={"a": "\ud800"})
    assert format_class().decode(format_class().encode(notebook)).metadata["a"] == "\ud800"


@pytest.mark.parametrize(
    ("format_class", "data"),
    [
        (PercentFormat, b"\xff\xfe"),
        (MarkdownNotebookFormat, b"\xff\xfe"),
        (MarkdownNotebookFormat, b"---\njupyter: [\n---\n"),
    ],
)
def test_what_is_no_notebook_is_told_in_a_sentence(format_class, data):
    with pytest.raises(InvalidNotebook) as caught:
        format_class().decode(data)
    assert "\n" not in str(caught.value)
