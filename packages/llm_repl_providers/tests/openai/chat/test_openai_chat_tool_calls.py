"""Calls of tools as the servers of this protocol send them."""

from __future__ import annotations

import asyncio
import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from llm_repl_core.errors import AnswerBroken, AnswerUnreadable
from llm_repl_core.providers.base import Message, ProviderConfig, Request, ToolCall
from llm_repl_core.providers.streaming import deltas
from llm_repl_core.testing.openai_server import Reply
from llm_repl_providers.openai.chat.tool_calls import ToolCalls
from llm_repl_providers.openai.provider import OpenAIProvider

ADD = ToolCall(id="a", name="add", arguments='{"x": 1, "y": 2}')
SUB = ToolCall(id="b", name="sub", arguments='{"x": 3}')
WHERE = "The server"


def _piece(index=None, id_=None, name=None, arguments=None):
    function = {"name": name, "arguments": arguments}
    piece = {"index": index, "id": id_, "function": function}
    return {key: value for key, value in piece.items() if value is not None}


def _put_together(*chunks, before=0):
    calls = ToolCalls(before)
    for chunk in chunks:
        calls.add(chunk)
    return calls.whole(WHERE)


def _listen(server, reply, *messages):
    server.script(reply)

    async def main():
        provider = OpenAIProvider(ProviderConfig(base_url=server.base_url))
        try:
            request = Request(model="m", messages=messages or (Message("user", "x"),))
            return [delta async for delta in deltas(provider, request)]
        finally:
            await provider.close()

    return asyncio.run(main())


@pytest.mark.parametrize("cut_bytes", [None, 1, 50])
def test_several_calls_come_whole_before_the_end(server, cut_bytes):
    *texts, calls, last = _listen(
        server, Reply(text="Let me see.", tool_calls=(ADD, SUB), cut_bytes=cut_bytes)
    )
    assert "".join(delta.text for delta in texts) == "Let me see."
    assert calls.tool_calls == (ADD, SUB)
    assert (last.finish_reason, last.tool_calls) == ("tool_calls", ())


def test_calls_of_an_answer_that_breaks_off_are_not_given(server):
    with pytest.raises(AnswerBroken):
        _listen(server, Reply(tool_calls=(ADD,), break_after=3))
    with pytest.raises(AnswerBroken):
        _listen(server, Reply(tool_calls=(ADD,), finish_reason=None, done=False))


FORMS = {
    "openai": [
        [_piece(0, "a", "add", "")],
        [_piece(0, arguments='{"x": 1,')],
        [_piece(1, "b", "sub", "")],
        [_piece(0, arguments=' "y": 2}')],
        [_piece(1, arguments='{"x": 3}')],
    ],
    "all in one chunk": [
        [_piece(0, "a", "add", ADD.arguments), _piece(1, "b", "sub", SUB.arguments)]
    ],
    "no index": [
        [_piece(None, "a", "add", ADD.arguments)],
        [_piece(None, "b", "sub", SUB.arguments)],
    ],
    "no index, in pieces": [
        [_piece(None, "a", "add", '{"x": 1,')],
        [_piece(None, None, None, ' "y": 2}')],
        [_piece(None, "b", "sub")],
        [_piece(None, "b", None, SUB.arguments)],
    ],
    "every index is 0": [
        [_piece(0, "a", "add", ADD.arguments)],
        [_piece(0, "b", "sub", SUB.arguments)],
    ],
    "a new id for each piece": [
        [_piece(0, "a", "add", '{"x": 1,')],
        [_piece(0, "other", None, ' "y": 2}')],
        [_piece(1, "b", "sub", SUB.arguments)],
    ],
    "everything again each time": [
        [_piece(0, "a", "add", '{"x": 1,')],
        [_piece(0, "a", "add", ' "y": 2}')],
        [_piece(1, "b", "sub", SUB.arguments)],
    ],
    "a name in pieces": [
        [_piece(0, "a", "ad")],
        [_piece(0, None, "d", ADD.arguments)],
        [_piece(1, "b", "sub", SUB.arguments)],
    ],
    "nonsense between": [
        None,
        "x",
        [None, 3, {"index": 0, "function": 3}, _piece(0, "a", "add", ADD.arguments)],
        [_piece(1, "b", "sub", SUB.arguments)],
    ],
}


@pytest.mark.parametrize("chunks", FORMS.values(), ids=FORMS)
def test_every_form_is_understood(chunks):
    assert _put_together(*chunks) == (ADD, SUB)


@pytest.mark.parametrize(
    "pieces",
    [
        {"id": "a", "function": {"name": "add", "arguments": "{}"}},
        [{"id": "a", "name": "add", "arguments": "{}"}],
        [{"id": "a", "type": "function", "name": "add", "arguments": {}}],
    ],
)
def test_a_call_without_its_list_or_its_function_is_understood(pieces):
    assert _put_together(pieces) == (ToolCall(id="a", name="add", arguments="{}"),)


def test_arguments_that_are_an_object_become_its_text():
    (call,) = _put_together([_piece(0, "a", "add", {"x": 1, "é": [2]})])
    assert json.loads(call.arguments) == {"x": 1, "é": [2]}


@pytest.mark.parametrize("index", [None, 0])
def test_calls_without_ids_are_told_apart_and_numbered(index):
    pieces = [_piece(index, None, "add", {"x": 1}), _piece(index, None, "add", {"x": 2})]
    calls = _put_together(pieces, before=3)
    assert [(call.id, call.arguments) for call in calls] == [
        ("call_4", '{"x":1}'),
        ("call_5", '{"x":2}'),
    ]
    same = [_piece(0, "same", "add", "{}"), _piece(1, "same", "add", "{}")]
    assert [call.id for call in _put_together(same)] == ["same", "call_2"]


def test_ids_that_are_made_up_differ_from_those_of_the_turns_before(server):
    said = Message("assistant", "", tool_calls=(ADD, SUB))
    reply = Reply(deltas=({"tool_calls": [_piece(0, None, "add", "{}")]},))
    *_, calls, _ = _listen(server, reply, Message("user", "x"), said)
    assert [call.id for call in calls.tool_calls] == ["call_3"]


def test_no_arguments_are_an_empty_object_and_broken_ones_stay():
    assert _put_together([_piece(0, "a", "add")])[0].arguments == "{}"
    assert _put_together([_piece(0, "a", "add", "")])[0].arguments == "{}"
    assert _put_together([_piece(0, "a", "add", '{"x": ')])[0].arguments == '{"x":'


def test_a_call_without_a_name_is_an_answer_that_cannot_be_read(server):
    with pytest.raises(AnswerUnreadable, match=r"without naming it\.$"):
        _listen(server, Reply(deltas=({"tool_calls": [_piece(0, "a", None, "{}")]},)))


_names = st.text("abc_", min_size=1, max_size=6)
_arguments = st.dictionaries(st.text(max_size=3), st.integers() | st.text(max_size=4), max_size=3)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(_names, _arguments), max_size=4), st.data())
def test_pieces_of_any_size_in_any_interleaving_give_the_calls(wanted, data):
    calls = [
        ToolCall(id=f"id{number}", name=name, arguments=json.dumps(arguments))
        for number, (name, arguments) in enumerate(wanted)
    ]
    rows = []
    for index, call in enumerate(calls):
        size = data.draw(st.integers(1, 9))
        cuts = range(0, len(call.arguments), size)
        texts = [call.arguments[start : start + size] for start in cuts]
        rows.append(
            [_piece(index, call.id, call.name, ""), *(_piece(index, arguments=t) for t in texts)]
        )
    chunks = []
    while any(rows):
        at = data.draw(st.sampled_from([index for index, row in enumerate(rows) if row]))
        chunks.append([rows[at].pop(0)])
    found = {call.id: call for call in _put_together(*chunks)}
    assert found == {call.id: call for call in calls}


_json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=3),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["index", "id", "function", "name", "arguments"]), inner, max_size=3
        )
    ),
    max_leaves=8,
)


@settings(max_examples=60, deadline=None)
@given(st.lists(_json))
def test_nothing_that_a_server_sends_is_more_than_an_answer_that_cannot_be_read(chunks):
    try:
        calls = _put_together(*chunks)
    except AnswerUnreadable:
        return
    assert len({call.id for call in calls}) == len(calls)
    assert all(call.name and call.arguments for call in calls)
