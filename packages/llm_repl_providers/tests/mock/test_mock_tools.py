"""Tools and attachments, as the mock provider takes them."""

from __future__ import annotations

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llm_repl_core.errors import RateLimited, RequestRejected
from llm_repl_core.providers.base import Attachment, Message, Request, Tool, ToolCall
from llm_repl_core.providers.streaming import deltas
from llm_repl_providers.mock.asked_calls import AskedCall, read_calls
from llm_repl_providers.mock.provider import MockProvider

TOOLS = (Tool(name="add", description="", parameters={"type": "object"}),)
ASK = Message("user", "Add them.")


def _listen(model, *messages, tools=TOOLS, **options):
    request = Request(model=model, messages=messages or (ASK,), tools=tools, options=options)

    async def main():
        return [delta async for delta in deltas(MockProvider(), request)]

    return asyncio.run(main())


def _calls(pieces):
    return [call for piece in pieces for call in piece.tool_calls]


def _turns(calls, *results):
    said = Message("assistant", "", tool_calls=tuple(calls))
    told = (
        Message("tool", result, tool_call_id=call.id)
        for call, result in zip(calls, results, strict=True)
    )
    return (ASK, said, *told)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("add", [("add", "{}")]),
        ('add {"x": 1}', [("add", '{"x": 1}')]),
        ('add{"x": "a|b {"}|sub [1]|c', [("add", '{"x": "a|b {"}'), ("sub", "[1]"), ("c", "{}")]),
        ('add {"x": |sub', [("add", '{"x":'), ("sub", "{}")]),
        ("", [("", "{}")]),
        (" é |b ", [("é", "{}"), ("b", "{}")]),
    ],
)
def test_calls_are_read_from_a_name(text, expected):
    assert read_calls(text) == tuple(AskedCall(*call) for call in expected)


@given(st.text())
def test_any_text_can_be_read(text):
    assert len(read_calls(text)) >= 1


def test_a_tool_is_asked_for_once_and_its_result_is_the_answer():
    *_, asked, last = pieces = _listen('call:add {"x": 1}+per_token=0')
    assert asked.tool_calls == (ToolCall(id="call_1", name="add", arguments='{"x": 1}'),)
    assert (last.finish_reason, last.usage.input_tokens, last.usage.output_tokens) == (
        "tool_calls",
        2,
        3,
    )
    messages = _turns(_calls(pieces), "three and four")
    answer = _listen('call:add {"x": 1}', *messages)
    assert "".join(piece.text for piece in answer) == "three and four"
    assert _calls(answer) == []
    assert answer[-1].finish_reason == "stop"
    # A new question is a new beginning, and ids go on.
    again = _calls(_listen("call:add", *messages, ASK))
    assert [call.id for call in again] == ["call_2"]


def test_several_tools_are_asked_for_at_once():
    calls = _calls(_listen('call:add {"x": 1}|add {"x": 2}'))
    assert [(call.id, call.arguments) for call in calls] == [
        ("call_1", '{"x": 1}'),
        ("call_2", '{"x": 2}'),
    ]
    answer = _listen("call:add|add", *_turns(calls, "1", "2"))
    assert "".join(piece.text for piece in answer) == "1\n2"


def test_a_model_may_never_stop_asking():
    messages, ids = (ASK,), []
    for _ in range(3):
        calls = _calls(_listen("call-forever:add", *messages))
        ids += [call.id for call in calls]
        messages += _turns(calls, "1")[1:]
    assert ids == ["call_1", "call_2", "call_3"]


def test_where_no_tool_is_offered_it_says_so():
    with pytest.raises(RequestRejected, match=r"offers none: name them on the prompt\.$"):
        _listen("call:add", tools=())
    assert _listen("call:add", *_turns([ToolCall(id="1", name="a", arguments="")], "x"), tools=())


def test_other_models_do_not_call_what_is_offered():
    assert _calls(_listen("mock")) == _calls(_listen("echo")) == []


def test_options_cannot_ask_for_tools():
    assert _calls(_listen("mock", calls=["add"], calls_forever=True)) == []


def test_a_failure_goes_before_the_calls():
    with pytest.raises(RateLimited):
        _listen("call:add", fail="rate_limited")


def test_attachments_are_named_and_counted():
    attachments = (
        Attachment(media_type="image/png", data=b"12345", name="map.png"),
        Attachment(media_type="text/plain", data=b""),
    )

    async def main(model, text):
        request = Request(model=model, messages=(Message("user", text, attachments),))
        provider = MockProvider()
        pieces = [delta async for delta in deltas(provider, request)]
        assert pieces[-1].usage.input_tokens == await provider.count_tokens(request)
        return "".join(piece.text for piece in pieces), pieces[-1].usage.input_tokens

    named = "[map.png, image/png, 5 bytes] [unnamed, text/plain, 0 bytes]"
    assert asyncio.run(main("echo", "Look at")) == (f"Look at {named}", 4)
    assert asyncio.run(main("echo", "")) == (named, 2)
    assert asyncio.run(main("mock", "x"))[0] == f"This is the mock model. You asked: x {named}"
