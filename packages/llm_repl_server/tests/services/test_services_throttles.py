"""What happens to a cell's outputs: joined within an interval, nothing lost, others not held up."""

from __future__ import annotations

import asyncio

from hypothesis import given
from hypothesis import strategies as st

from llm_repl_core import CellOutput, CellOutputsCleared, CellOutputUpdated, Output
from llm_repl_core.engine.throttle import INTERVAL_S
from llm_repl_core.model.output_changes import OutputList, StreamEdit
from llm_repl_server.services.throttles import OutputThrottle

OF_A_RUN = {"notebook_id": "n", "run_id": "r", "sequence": 1, "cell_id": "c"}
CLEARED = CellOutputsCleared(**OF_A_RUN)


def shown(type_, content, fields=None, index=0):
    return CellOutput(**OF_A_RUN, output=Output(type_, content, fields or {}), index=index)


def updated(content, index=0, lines=None, type_="display"):
    output = Output(type_, content)
    return CellOutputUpdated(**OF_A_RUN, output=output, index=index, lines=lines)


def edited(content, lines, index=0):
    return updated(content, index, lines, "stdout")


def events_of(scenario):
    told = []

    async def inside():
        await scenario(OutputThrottle(told.append))

    asyncio.run(inside())
    return told


def run(scenario):
    return [(event.output.type, event.output.content) for event in events_of(scenario)]


def test_the_first_piece_is_told_at_once():
    async def scenario(throttle):
        throttle.add(shown("stdout", "a"))

    assert run(scenario) == [("stdout", "a")]


def test_what_follows_is_joined_and_told_at_the_end_of_the_interval():
    async def scenario(throttle):
        for text in "abcd":
            throttle.add(shown("stdout", text))
        throttle.add(shown("stderr", "x", index=1))
        throttle.add(shown("stdout", "e", index=2))
        await asyncio.sleep(INTERVAL_S * 5)
        throttle.add(shown("stdout", "f", index=2))

    assert run(scenario) == [("stdout", "a"), ("stdout", "bcde"), ("stderr", "x"), ("stdout", "f")]


def test_another_output_goes_on_at_once_behind_what_waits():
    async def scenario(throttle):
        for text in "ab":
            throttle.add(shown("stdout", text))
        throttle.add(shown("display", "picture", index=1))
        throttle.add(shown("stdout", "c", index=2))
        throttle.flush()
        throttle.flush()

    assert run(scenario) == [
        ("stdout", "a"), ("stdout", "b"), ("display", "picture"), ("stdout", "c")
    ]  # fmt: skip


def test_a_piece_with_fields_of_its_own_stays_one():
    async def scenario(throttle):
        for _ in range(3):
            throttle.add(shown("stdout", "a", {"of": "a newer version"}))

    assert run(scenario) == [("stdout", "a")] * 3


def test_of_many_updates_the_latest_is_told():
    async def scenario(throttle):
        throttle.add(shown("display", "0"))
        for number in range(1, 100):
            throttle.add(updated(str(number)))
            throttle.add(updated(f"other {number}", index=3))
        throttle.flush()

    told = events_of(scenario)
    assert [(event.index, event.output.content) for event in told] == [
        (0, "0"), (0, "1"), (3, "other 99"), (0, "99")
    ] or [(event.index, event.output.content) for event in told] == [
        (0, "0"), (0, "1"), (0, "99"), (3, "other 99")
    ]  # fmt: skip


def test_of_what_is_cleared_nothing_more_is_told():
    async def scenario(throttle):
        throttle.add(shown("stdout", "0"))
        for number in range(1, 100):
            throttle.add(CLEARED)
            throttle.add(shown("display", f"picture {number}"))
            throttle.add(shown("stdout", f"{number}\n", index=1))
        throttle.flush()

    first, cleared, picture, text = events_of(scenario)
    assert first.output.content == "0"
    assert cleared == CLEARED
    assert (picture.index, picture.output.content) == (0, "picture 99")
    assert (text.index, text.output.content) == (1, "99\n")


def told_outputs(events):
    """The outputs of a cell as a client has them that knows nothing but what it was told."""
    outputs = []
    for event in events:
        match event:
            case CellOutputsCleared():
                outputs.clear()
            case CellOutput() if event.index == len(outputs):
                outputs.append((event.output.type, event.output.content))
            case CellOutput():
                type_, before = outputs[event.index]
                assert type_ == event.output.type == "stdout"
                outputs[event.index] = (type_, before + event.output.content)
            case CellOutputUpdated():
                type_, before = outputs[event.index]
                assert type_ == event.output.type
                edit = StreamEdit(type_, event.lines or 0, event.output.content)
                text = event.output.content if event.lines is None else edit.apply(before)
                outputs[event.index] = (type_, text)
    return outputs


@given(
    changes=st.lists(
        st.one_of(
            st.tuples(st.just("print"), st.text("a\n", min_size=1, max_size=4)),
            st.tuples(st.integers(1, 2), st.text("b\n", max_size=4)),
            st.tuples(st.just("display"), st.text("c", max_size=2)),
            st.tuples(st.just("update"), st.text("d", max_size=2)),
            st.tuples(st.just("clear"), st.none()),
            st.tuples(st.just("wait"), st.none()),
        ),
        max_size=12,
    )
)
def test_who_knows_only_what_is_told_has_the_outputs(changes):
    outputs = OutputList()

    async def scenario(throttle):
        for what, text in changes:
            if what == "wait":
                throttle.flush()
                throttle._throttle._next_s = 0.0  # as after an interval
            elif what == "print":
                output = Output.stdout(text)
                throttle.add(shown("stdout", text, index=outputs.add(output)))
            elif what == "display":
                output = Output("display", text, display_id=f"d{len(outputs.outputs)}")
                throttle.add(shown("display", text, index=outputs.add(output)))
            elif what == "clear":
                outputs.clear()
                throttle.add(CLEARED)
            elif what == "update":
                ids = [one.display_id for one in outputs.outputs if one.display_id]
                if ids:
                    look = Output("display", text, display_id=ids[-1])
                    for index in outputs.update_display(look):
                        throttle.add(updated(text, index))
            else:
                index = outputs.edit_stream(StreamEdit("stdout", what, text))
                if index is not None:
                    throttle.add(edited(text, what, index))
        throttle.flush()

    told = told_outputs(events_of(scenario))
    expected = []  # without dropping what a stream has taken back
    for one in outputs.outputs:
        if one.type == "stdout" and expected and expected[-1][0] == "stdout":
            expected[-1] = ("stdout", expected[-1][1] + one.content)
        else:
            expected.append((one.type, one.content))
    assert told == expected


def test_a_line_that_is_rewritten_before_it_was_told_of_is_new():
    """As of a progress bar right behind a picture."""

    async def scenario(throttle):
        throttle.add(shown("stdout", "a"))
        throttle.add(shown("display", "picture", index=1))
        throttle.add(shown("stdout", "step 0", index=2))
        throttle.add(edited("step 1", 1, index=2))
        throttle.flush()

    *_, step = events_of(scenario)
    assert isinstance(step, CellOutput)
    assert (step.index, step.output.content) == (2, "step 1")


@given(
    changes=st.lists(
        st.one_of(
            st.tuples(st.just(0), st.text("a\n", min_size=1, max_size=4)),
            st.tuples(st.integers(1, 3), st.text("b\n", max_size=4)),
        ),
        min_size=1,
    )
)
def test_joined_edits_come_to_the_same_text(changes):
    async def scenario(throttle):
        throttle.add(shown("stdout", "start"))
        for lines, text in changes:
            throttle.add(edited(text, lines) if lines else shown("stdout", text))
        throttle.flush()

    one_by_one, joined = OutputList(), OutputList()
    one_by_one.add(Output.stdout("start"))
    for lines, text in changes:
        one_by_one.apply(StreamEdit("stdout", lines, text))
    told = events_of(scenario)
    assert len(told) <= 3
    for event in told:
        lines = event.lines if isinstance(event, CellOutputUpdated) else 0
        joined.apply(StreamEdit("stdout", lines, event.output.content) if lines else event.output)
    for outputs in (one_by_one, joined):
        outputs.join_streams()
    assert one_by_one.outputs == joined.outputs
