"""What a notebook was: kept without its outputs, and as good to merge against as all of it."""

from __future__ import annotations

import copy

from hypothesis import given
from hypothesis import strategies as st

from llm_repl_core import CodeCell, Notebook, Output
from llm_repl_core.formats.llmn import LlmnFormat
from llm_repl_core.merging.bases import MergeBase
from llm_repl_core.merging.matching import match_cells
from llm_repl_core.merging.notebooks import merge_notebooks
from llm_repl_core.merging.versions import Versions

CELL = st.tuples(
    st.sampled_from(["x = 1", "y = 2", "x = 1\ny = 3"]), st.sampled_from([None, "1", "2"])
)
VERSION = st.dictionaries(st.sampled_from("ABCD"), CELL, max_size=4)


def _notebook(version: dict[str, tuple[str, str | None]]) -> Notebook:
    notebook = Notebook("N", id="n")
    for cell_id, (content, gave) in version.items():
        cell = CodeCell(id=cell_id, content=content)
        if gave is not None:
            cell.outputs, cell.status, cell.execution_count = [Output("text", gave)], "completed", 1
        notebook.insert(cell)
    return notebook


@given(VERSION, VERSION, VERSION)
def test_a_merge_against_it_is_one_against_the_whole_notebook(base, ours, theirs):
    before, mine, yours = map(_notebook, (base, ours, theirs))
    kept = MergeBase.from_text(MergeBase.of(before).text()).notebook(mine)
    small = merge_notebooks(Versions(kept, copy.deepcopy(mine), copy.deepcopy(yours)))
    whole = merge_notebooks(Versions(before, mine, yours))
    small[0].updated_at = whole[0].updated_at
    assert LlmnFormat().encode(small[0]) == LlmnFormat().encode(whole[0])
    assert small[1] == whole[1]


def test_outputs_are_not_in_it():
    notebook = _notebook({"A": ("x = 1", "1")})
    notebook.cells[0].outputs = [Output("text", "long" * 100_000)]
    base = MergeBase.of(notebook)
    assert len(base.text()) < 1000
    assert base.notebook_id == "n"
    other = MergeBase.of(_notebook({"A": ("x = 1", "2")}))
    assert not base.says_as_much_as(other)
    notebook.touch()
    assert base.says_as_much_as(MergeBase.of(notebook))


@given(
    st.lists(st.sampled_from(["import os", "a = 1", "b = 22", "print(a, b)"]), max_size=6),
    st.lists(st.booleans(), min_size=6, max_size=6),
)
def test_cells_that_only_lost_their_ids_get_them_back_in_order(contents, loses):
    before = Notebook(
        "N", cells=[CodeCell(id=str(at), content=text) for at, text in enumerate(contents)]
    )
    after = Notebook(
        "N",
        cells=[
            cell.copy(id=f"new-{cell.id}" if lost else cell.id)
            for cell, lost in zip(before, loses, strict=False)
        ],
    )
    found = match_cells(before, after)
    assert found == {cell.id: cell.id[4:] for cell in after if cell.id.startswith("new-")}


def test_of_what_was_rewritten_what_is_alike_is_the_same_cell():
    before = Notebook(
        "N", cells=[CodeCell(id="A", content="total = 1"), CodeCell(id="B", content="print(7)")]
    )
    after = Notebook("N")
    after.insert(CodeCell(id="1", content="import pandas"))
    after.insert(CodeCell(id="2", content="total = 12"))
    assert match_cells(before, after) == {"2": "A"}
