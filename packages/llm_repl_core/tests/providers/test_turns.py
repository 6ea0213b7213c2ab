from __future__ import annotations

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from llm_repl_core.providers.base import Delta, ToolCall
from llm_repl_core.providers.finish_reasons import read_finish_reason
from llm_repl_core.providers.parts import (
    Citation,
    Media,
    Part,
    Reasoning,
    Refusal,
    ServerToolCall,
    Text,
    ToolCallPlace,
)
from llm_repl_core.providers.turn import TurnBuilder, reasoning_of, refusal_of, text_of

CALL = ToolCall(id="c1", name="add", arguments="{}")

datas = st.dictionaries(st.text(max_size=3), st.none() | st.integers() | st.text(), max_size=2)
texts = st.text(max_size=5)
parts = st.one_of(
    st.builds(Text, text=texts, provider_data=datas),
    st.builds(Reasoning, text=texts, provider_data=datas),
    st.builds(Refusal, text=texts, provider_data=datas),
    st.builds(Citation, url=texts, start=st.none() | st.integers(0, 9), provider_data=datas),
    st.builds(Media, media_type=st.just("image/png"), data=st.binary(max_size=5), name=texts),
    st.builds(ServerToolCall, id=texts, name=texts, result=texts, failed=st.booleans()),
)
pieces = st.lists(
    st.builds(
        Delta,
        text=texts,
        reasoning=texts,
        parts=st.lists(parts, max_size=2).map(tuple),
        tool_calls=st.sampled_from(((), (CALL,))),
    ),
    max_size=8,
)


def built(*deltas):
    builder = TurnBuilder()
    for delta in deltas:
        builder.add(delta)
    return builder.turn()


@given(pieces)
def test_the_parts_say_all_that_the_texts_say(deltas):
    turn = built(*deltas)
    if not any(delta.parts for delta in deltas):
        assert turn.parts == ()
    else:
        assert text_of(turn.parts) == turn.text
        assert reasoning_of(turn.parts) == turn.reasoning
        places = [part for part in turn.parts if isinstance(part, ToolCallPlace)]
        assert [part.id for part in places] == [call.id for call in turn.tool_calls]


@given(pieces)
def test_no_part_is_lost_or_comes_in_another_order(deltas):
    turn = built(*deltas)

    def whole(all_parts):
        kinds = (Text, Reasoning, ToolCallPlace)
        return [part for part in all_parts if not isinstance(part, kinds)]

    assert whole(turn.parts) == whole(part for delta in deltas for part in delta.parts)
    told = [
        part.provider_data
        for delta in deltas
        for part in delta.parts
        if isinstance(part, Text | Reasoning) and part.provider_data
    ]
    kept = [
        part.provider_data
        for part in turn.parts
        if isinstance(part, Text | Reasoning) and part.provider_data
    ]
    assert kept == told


@given(st.lists(parts, max_size=5))
def test_parts_survive_json(some):
    wire = msgspec.json.encode(tuple(some))
    assert msgspec.json.decode(wire, type=tuple[Part, ...]) == tuple(some)


def test_what_was_streamed_gets_its_signature():
    turn = built(
        Delta(reasoning="Hm"),
        Delta(reasoning="."),
        Delta(parts=(Reasoning(provider_data={"signature": "s"}),)),
        Delta(text="Let me "),
        Delta(text="see."),
        Delta(tool_calls=(CALL,)),
    )
    assert turn.parts == (
        Reasoning(text="Hm.", provider_data={"signature": "s"}),
        Text(text="Let me see."),
        ToolCallPlace(id="c1"),
    )
    assert (turn.reasoning, turn.text) == ("Hm.", "Let me see.")


def test_what_was_not_streamed_is_whole():
    turn = built(
        Delta(reasoning="a"),
        Delta(parts=(Reasoning(text="b"), Text(text="c", provider_data={"k": 1}))),
        Delta(text="d"),
    )
    assert turn.parts == (
        Reasoning(text="a"),
        Reasoning(text="b"),
        Text(text="c", provider_data={"k": 1}),
        Text(text="d"),
    )


def test_reasoning_that_nobody_may_read_is_kept():
    turn = built(Delta(text="a"), Delta(parts=(Reasoning(provider_data={"encrypted": "x"}),)))
    assert turn.parts == (Text(text="a"), Reasoning(provider_data={"encrypted": "x"}))


def test_text_that_is_void_is_gone_from_the_parts():
    turn = built(
        Delta(text="Hm.</think>"),
        Delta(parts=(Citation(url="u"),)),
        Delta(text="Yes", reasoning="Hm.", replaces_text=True),
    )
    assert turn.text == text_of(turn.parts) == "Yes"
    assert Citation(url="u") in turn.parts


def test_a_refusal_is_told():
    assert refusal_of(built(Delta(parts=(Refusal(text="No."),))).parts) == "No."
    assert refusal_of(()) is None


@pytest.mark.parametrize(
    ("word", "reason", "beside"),
    [
        ("stop", "stop", None),
        ("refusal", "refusal", None),
        ("STOP", "stop", "STOP"),
        ("end_turn", "stop", "end_turn"),
        ("MAX_TOKENS", "length", "MAX_TOKENS"),
        ("SAFETY", "content_filter", "SAFETY"),
        ("pause_turn", "other", "pause_turn"),
        ("", "other", ""),
    ],
)
def test_why_it_ended_is_one_of_six_words(word, reason, beside):
    assert read_finish_reason(word) == (reason, beside)
