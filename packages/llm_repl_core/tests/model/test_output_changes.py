from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from llm_repl_core.model.output import Output
from llm_repl_core.model.output_changes import (
    DisplayUpdate,
    OutputList,
    OutputReset,
    StreamEdit,
)

EDITS = st.builds(StreamEdit, st.just("stdout"), st.integers(0, 4), st.text("ab\n", max_size=6))


def shown(text: str, display_id: str | None = None) -> Output:
    return Output.display({"text/plain": text}, display_id=display_id)


@given(text=st.text("xy\n"), first=EDITS, second=EDITS)
def test_two_edits_as_one_do_the_same(text: str, first: StreamEdit, second: StreamEdit) -> None:
    assert first.then(second).apply(text) == second.apply(first.apply(text))


@given(pieces=st.lists(st.text("xy\n", min_size=1, max_size=5), min_size=1), edit=EDITS)
def test_pieces_are_edited_as_their_text_is(pieces: list[str], edit: StreamEdit) -> None:
    outputs = OutputList()
    outputs.add(shown("before"))
    for piece in pieces:
        outputs.add(Output.stdout(piece))
    text = edit.apply("".join(pieces))
    assert outputs.edit_stream(edit) == 1
    assert outputs.text_length == len("before") + len(text)
    outputs.join_streams()
    assert outputs.outputs == [shown("before"), *([Output.stdout(text)] if text else [])]


def test_an_index_counts_the_pieces_of_a_stream_once() -> None:
    outputs = OutputList()
    added = [
        Output.stdout("a"), Output.stdout("b"), shown("c", "id"), Output.stdout("d"),
        Output.stderr("e"), Output.stderr("f"), shown("g", "id"),
    ]  # fmt: skip
    assert [outputs.add(one) for one in added] == [0, 0, 1, 2, 3, 3, 4]
    assert outputs.update_display(shown("new", "id")) == [1, 4]
    assert outputs.update_display(shown("new", "id")) == []
    assert outputs.edit_stream(StreamEdit("stdout", 1, "D")) == 2
    outputs.join_streams()
    texts = [output.content for output in outputs.outputs]
    assert texts == ["ab", "new", "D", "ef", "new"]
    assert outputs.add(Output.stdout("h")) == 5


def test_the_list_may_be_cleared_by_others() -> None:
    outputs = OutputList()
    outputs.add(Output.stdout("a"))
    outputs.add(shown("b"))
    outputs.outputs.clear()
    assert outputs.edit_stream(StreamEdit("stdout", 1, "x")) is None
    assert outputs.apply(StreamEdit("stdout", 1, "x"))
    assert outputs.add(shown("c")) == 1
    outputs.apply(OutputReset())
    assert outputs.outputs == []
    assert outputs.add(shown("d")) == 0


def test_an_update_of_another_cells_display_is_not_its() -> None:
    outputs = OutputList()
    outputs.add(shown("a", "mine"))
    assert not outputs.apply(DisplayUpdate(shown("b", "other")))
    assert outputs.apply(DisplayUpdate(shown("b", "mine")))
    assert outputs.outputs == [shown("b", "mine")]
