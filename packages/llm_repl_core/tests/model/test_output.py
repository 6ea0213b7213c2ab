"""Outputs: their flat form, and streams that are joined."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llm_repl_core.model.output import Output, merge_streams

STREAMS = ("stdout", "stderr")
OUTPUTS = st.lists(
    st.builds(Output, st.sampled_from([*STREAMS, "markdown", "error"]), st.text(max_size=3))
)


@pytest.mark.parametrize(
    ("output", "flat"),
    [
        (Output.stdout("a"), {"type": "stdout", "content": "a"}),
        (Output.stderr("a"), {"type": "stderr", "content": "a"}),
        (Output.markdown("a"), {"type": "markdown", "content": "a"}),
        (Output.warning("a"), {"type": "warning", "content": "a"}),
        (
            Output.error("E", "v", iter(["t"])),
            {"type": "error", "content": "E: v", "ename": "E", "evalue": "v", "traceback": ["t"]},
        ),
        (
            Output.error("E", ""),
            {"type": "error", "content": "E", "ename": "E", "evalue": "", "traceback": []},
        ),
        (
            Output.display({"text/plain": "a", "text/html": "b"}),
            {
                "type": "display",
                "content": "a",
                "data": {"text/plain": "a", "text/html": "b"},
                "metadata": {},
            },
        ),
        (
            Output.display({"image/png": "b"}, {"width": 1}),
            {
                "type": "display",
                "content": "",
                "data": {"image/png": "b"},
                "metadata": {"width": 1},
            },
        ),
        (
            Output.llm_response("p", "c", model="m", usage={"n": 1}, more=True),
            {
                "type": "llm_response",
                "content": "c",
                "prompt": "p",
                "model": "m",
                "usage": {"n": 1},
                "more": True,
            },
        ),
        (
            Output.memory_update(["a", "b"], {"a": "1", "b": "2"}),
            {
                "type": "memory_update",
                "content": "a = 1\nb = 2",
                "added": ["a", "b"],
                "updated_state": {"a": "1", "b": "2"},
            },
        ),
    ],
)
def test_the_flat_form(output: Output, flat: dict[str, Any]) -> None:
    assert output.to_wire() == flat
    assert list(output.to_wire())[:2] == ["type", "content"]
    assert Output.from_wire(flat) == output


def test_content_may_be_absent_in_the_flat_form() -> None:
    assert Output.from_wire({"type": "new", "x": 1}) == Output("new", "", {"x": 1})


@pytest.mark.parametrize(
    "flat", [{}, {"content": "a"}, {"type": 1}, {"type": "a", "content": None}]
)
def test_a_flat_form_without_texts_is_refused(flat: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="text `type`"):
        Output.from_wire(flat)


def test_a_field_cannot_take_the_place_of_type_or_content() -> None:
    output = Output("stdout", "right", {"content": "wrong", "type": "wrong", "more": 1})
    assert output.to_wire() == {"type": "stdout", "content": "right", "more": 1}


@given(outputs=OUTPUTS)
def test_joined_streams_say_the_same_in_the_same_order(outputs: list[Output]) -> None:
    merged = merge_streams(iter(outputs))
    assert merge_streams(merged) == merged
    for before, after in pairwise(merged):
        assert before.type != after.type or before.type not in STREAMS
    # Cut into single characters, both are the same sequence.
    assert _characters(merged) == _characters(outputs)
    others = [output for output in outputs if output.type not in STREAMS]
    assert [output for output in merged if output.type not in STREAMS] == others


def _characters(outputs: list[Output]) -> list[tuple[str, str]]:
    return [
        (output.type, piece)
        for output in outputs
        for piece in (output.content if output.type in STREAMS else [output.content])
    ]


def test_streams_are_joined() -> None:
    outputs = [Output.stdout("a"), Output.stdout("b"), Output.stderr("c"), Output.stdout("d")]
    assert merge_streams(outputs) == [Output.stdout("ab"), Output.stderr("c"), Output.stdout("d")]


def test_a_streams_own_fields_are_not_lost() -> None:
    marked = Output("stdout", "a", {"more": 1})
    assert merge_streams([marked, Output.stdout("b")]) == [marked, Output.stdout("b")]
    assert merge_streams([Output.stdout("b"), marked]) == [Output.stdout("b"), marked]
