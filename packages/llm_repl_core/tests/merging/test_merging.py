"""Two changed versions of a notebook become one, which opens and has what both have written."""

from __future__ import annotations

import copy

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llm_repl_core import CodeCell, Conflict, MarkdownCell, Notebook, Output, PromptCell, Session
from llm_repl_core.formats.llmn import LlmnFormat
from llm_repl_core.merging.differences import compare_notebooks
from llm_repl_core.merging.notebooks import merge_notebooks
from llm_repl_core.merging.versions import Versions

LINES = st.lists(st.sampled_from(["a = 1", "b", "", "c c", "ü"]), max_size=4).map("\n".join)
NAMES = ["A", "B", "C", "D"]


def _base() -> Notebook:
    notebook = Notebook("Base")
    notebook.insert(MarkdownCell(id="A", content="# Title"))
    notebook.insert(CodeCell(id="B", content="x = 1\ny = 2\nz = 3"))
    notebook.insert(PromptCell(id="C", content="Say {x}", response_var="said", model="mock/echo"))
    notebook.insert(CodeCell(id="D", content="print(said)"))
    return notebook


def _copy(notebook: Notebook) -> Notebook:
    return LlmnFormat().decode(LlmnFormat().encode(notebook))


def _merge(base: Notebook, ours: Notebook, theirs: Notebook) -> tuple[Notebook, list[str]]:
    return merge_notebooks(Versions(base, ours, theirs))


def _texts(notebook: Notebook) -> dict[str, str]:
    return {cell.id: cell.content for cell in notebook}


ACTIONS = st.lists(
    st.one_of(
        st.tuples(st.just("edit"), st.sampled_from(NAMES), LINES),
        st.tuples(st.just("delete"), st.sampled_from(NAMES), st.none()),
        st.tuples(st.just("move"), st.sampled_from(NAMES), st.integers(0, 3)),
        st.tuples(st.just("add"), st.integers(0, 4), LINES),
        st.tuples(st.just("rename"), st.none(), st.sampled_from(["One", "Two"])),
    ),
    max_size=5,
)


def _act(notebook: Notebook, actions: list[tuple[str, object, object]], who: str) -> Notebook:
    changed = _copy(notebook)
    for number, (action, target, value) in enumerate(actions):
        if action == "rename":
            changed.name = str(value)
        elif action == "add":
            index = min(int(str(target)), len(changed))
            changed.insert(CodeCell(id=f"{who}{number}", content=str(value)), index)
        elif target in changed:
            if action == "edit":
                changed[str(target)].change(content=value)
            elif action == "delete":
                changed.remove(str(target))
            else:
                changed.move(str(target), min(int(str(value)), len(changed) - 1))
    return changed


@given(ACTIONS, ACTIONS)
def test_whatever_two_did_the_merge_opens_and_has_both(ours_did, theirs_did):
    base = _base()
    ours, theirs = _act(base, ours_did, "ours"), _act(base, theirs_did, "theirs")
    merged, conflicts = _merge(base, ours, theirs)
    before, left, right, both = (_texts(version) for version in (base, ours, theirs, merged))
    assert set(both) <= {*left, *right}
    for cell_id in {*left, *right} - set(both):  # deleted by one, and not touched by the other
        kept = left.get(cell_id, right.get(cell_id))
        assert kept == before[cell_id]
        assert cell_id not in left or cell_id not in right
    for side in (left, right):
        for cell_id, text in side.items():
            if text != before.get(cell_id):
                missing = [
                    line for line in text.split("\n") if line not in both[cell_id].split("\n")
                ]
                assert not missing or conflicts or _merged_away(before, left, right, cell_id)
    again, _ = _merge(base, theirs, ours)
    assert set(_texts(again)) == set(both)
    assert _texts(_copy(merged)) == both


def _merged_away(before, left, right, cell_id) -> bool:
    """Whether a line is gone since the other has deleted it, elsewhere than ours were changed."""
    return before.get(cell_id) not in (left.get(cell_id), right.get(cell_id))


@given(ACTIONS)
def test_who_has_changed_nothing_takes_over_what_the_other_did(did):
    base = _base()
    changed = _act(base, did, "theirs")
    for versions in ((base, changed, base), (base, base, changed), (base, changed, changed)):
        merged, conflicts = _merge(*map(copy.deepcopy, versions))
        assert conflicts == []
        assert compare_notebooks(merged, changed) == []
        assert merged.name == changed.name


@given(LINES, LINES)
def test_edits_of_different_cells_are_both_there_without_a_conflict(mine, yours):
    base = _base()
    ours, theirs = _copy(base), _copy(base)
    ours["B"].change(content=mine)
    theirs["C"].change(content=yours, temperature=0.9)
    merged, conflicts = _merge(base, ours, theirs)
    assert conflicts == []
    assert (merged["B"].content, merged["C"].content) == (mine, yours)
    assert merged["C"].options()["temperature"] == 0.9


def test_different_lines_of_one_cell_are_merged_and_the_cell_is_stale():
    base = _base()
    base["B"].status = "completed"
    base["B"].outputs = [Output.stdout("1")]
    ours, theirs = _copy(base), _copy(base)
    ours["B"].change(content="x = 10\ny = 2\nz = 3")
    theirs["B"].change(content="x = 1\ny = 2\nz = 30")
    merged, conflicts = _merge(base, ours, theirs)
    assert conflicts == []
    assert merged["B"].content == "x = 10\ny = 2\nz = 30"
    assert merged["B"].stale


def test_a_run_of_theirs_is_taken_over():
    base = _base()
    theirs = _copy(base)
    theirs["B"].status = "completed"
    theirs["B"].outputs = [Output.stdout("1")]
    merged, conflicts = _merge(base, _copy(base), theirs)
    assert conflicts == []
    assert merged["B"].outputs == [Output.stdout("1")]
    assert not merged["B"].stale


def test_the_same_line_is_a_cell_with_both_texts_which_does_not_run():
    base = _base()
    ours, theirs = _copy(base), _copy(base)
    ours["C"].change(content="Shout {x}", temperature=0.1)
    theirs["C"].change(content="Whisper {x}", temperature=0.3)
    merged, conflicts = _merge(base, ours, theirs)
    assert merged["C"].content == ("<<<<<<< ours\nShout {x}\n=======\nWhisper {x}\n>>>>>>> theirs")
    assert conflicts == [
        "Cell 3: of `temperature`, ours has `0.1`, theirs has `0.3`; that of ours is kept.",
        "Cell 3: ours and theirs have changed the same lines; it has both.",
    ]
    reopened = _copy(merged)
    with Session(reopened) as session:
        with pytest.raises(Conflict, match="Cell 3 holds both texts of a merge"):
            session.run()
        session.run(["B"])
        reopened["C"].change(content="Whisper {x}")
        session.run()
    assert "Whisper 1" in reopened["D"].outputs[0].content


def test_what_one_deleted_and_the_other_changed_stays_in_its_place():
    base = _base()
    ours, theirs = _copy(base), _copy(base)
    ours.remove("B")
    theirs["B"].change(content="x = 5")
    merged, conflicts = _merge(base, ours, theirs)
    assert [cell.id for cell in merged] == NAMES
    assert conflicts == ["Cell 2: ours has deleted it, theirs has changed it; it is kept."]


def test_two_notebooks_without_a_common_one():
    ours, theirs = Notebook("Ours"), Notebook("Theirs")
    ours.insert(CodeCell(id="a", content="1"))
    theirs.insert(CodeCell(id="b", content="2"))
    merged, conflicts = _merge(Notebook(""), ours, theirs)
    assert {cell.id for cell in merged} == {"a", "b"}
    assert conflicts == [
        "The notebook: of `name`, ours has `'Ours'`, theirs has `'Theirs'`; that of ours is kept."
    ]


def test_differences_are_told_cell_by_cell():
    base = _base()
    changed = _copy(base)
    changed.move("D", 0)
    changed["C"].change(content="Say {x}!", temperature=0.5)
    changed.remove("A")
    changed.insert(CodeCell(id="E", content="new"))
    found = [
        (one.kind, one.was_moved, [field.name for field in one.fields])
        for one in compare_notebooks(base, changed)
    ]
    assert found == [
        ("removed", False, []),
        ("moved", True, []),
        ("changed", False, ["temperature"]),
        ("added", False, []),
    ]


def test_the_note_of_a_conflict_goes_when_the_cell_gets_another_text():
    base, ours, theirs = (Notebook("N", cells=[CodeCell(id="A", content=text)]) for text in "abc")
    merged, conflicts = _merge(base, ours, theirs)
    assert len(conflicts) == 1
    both = merged["A"].metadata["llm_repl"]["merge_conflict"]
    assert (both["base"], both["ours"], both["theirs"]) == ("a", "b", "c")
    kept = _copy(merged)
    assert kept["A"].metadata == merged["A"].metadata
    merged["A"].change(content="b and c")
    assert merged["A"].metadata == {}
    # As a text editor leaves it.
    edited = LlmnFormat().encode(kept).replace(b"<<<<<<< ours", b"<<<<<<< mine", 1)
    assert _copy(LlmnFormat().decode(edited))["A"].content.startswith("<<<<<<<")
    kept["A"].content = "by hand"
    kept["A"].metadata["other"] = 1
    assert _copy(kept)["A"].metadata == {"other": 1}
