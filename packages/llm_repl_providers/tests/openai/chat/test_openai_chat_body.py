"""What is shown as sent is what is sent."""

from __future__ import annotations

import asyncio
import base64

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from llm_repl_core.errors import RequestRejected
from llm_repl_core.providers.base import (
    AnswerSchema,
    Attachment,
    Message,
    ProviderConfig,
    Request,
    Tool,
    ToolCall,
)
from llm_repl_core.providers.streaming import deltas
from llm_repl_core.testing.openai_server import Reply
from llm_repl_providers.openai.chat.body import request_body
from llm_repl_providers.openai.provider import OpenAIProvider

SCHEMA = {
    "type": "object",
    "properties": {"a": {"type": "string"}, "b": {"type": "array", "items": {"type": "number"}}},
    "required": ["a", "b"],
}

_options = st.dictionaries(
    st.sampled_from(["max_tokens", "seed", "stop", "top_k", "user", "a", "ä"]),
    st.recursive(
        st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(max_size=5),
        lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(), inner, max_size=2),
        max_leaves=4,
    ),
    max_size=3,
)
_attachments = st.builds(
    Attachment,
    media_type=st.sampled_from(
        ["image/png", "image/jpeg", "application/pdf", "audio/wav", "audio/mpeg", "", "x/y"]
    ),
    data=st.binary(max_size=40),
    name=st.text(max_size=8),
) | st.builds(
    Attachment,
    media_type=st.sampled_from(["text/plain", "text/csv; charset=utf-8", "application/json"]),
    data=st.text(max_size=20).map(str.encode),
    name=st.text(max_size=8),
)
_calls = st.builds(ToolCall, id=st.text(max_size=5), name=st.text(max_size=5), arguments=st.text())
_messages = st.one_of(
    st.builds(Message, st.just("system"), st.text()),
    st.builds(Message, st.just("user"), st.text(), st.lists(_attachments, max_size=3).map(tuple)),
    st.builds(
        Message,
        st.just("assistant"),
        st.text(max_size=5),
        tool_calls=st.lists(_calls, max_size=2).map(tuple),
    ),
    st.builds(Message, st.just("tool"), st.text(), tool_call_id=st.text(max_size=5)),
)
_schemas = st.sampled_from([SCHEMA, {**SCHEMA, "minProperties": 1}, {}])
_requests = st.builds(
    Request,
    model=st.text(min_size=1, max_size=10),
    messages=st.lists(_messages, min_size=1, max_size=4).map(tuple),
    temperature=st.none() | st.floats(0, 2),
    options=_options,
    tools=st.lists(
        st.builds(Tool, name=st.text(max_size=5), description=st.text(), parameters=_schemas),
        max_size=2,
    ).map(tuple),
    answer_schema=st.none() | st.builds(AnswerSchema, name=st.text(), schema=_schemas),
)


@pytest.fixture
def ask(server):
    """Ask by one provider and in one event loop, and give what the server received."""
    providers = {}

    async def listen(provider, request):
        return [delta async for delta in deltas(provider, request)]

    async def close():
        for provider in providers.values():
            await provider.close()

    with asyncio.Runner() as runner:

        def ask(request, **defaults):
            key = repr(defaults)
            if key not in providers:
                config = ProviderConfig(base_url=server.base_url, options=defaults)
                providers[key] = OpenAIProvider(config)
            body = providers[key].body(request)
            runner.run(listen(providers[key], request))
            return body, server.requests[-1].body

        yield ask
        runner.run(close())


def test_the_body_is_what_the_server_receives_for_every_kind_of_request(server, ask):
    server.reply = Reply(text="a")
    seen = []

    @settings(max_examples=100, deadline=None)
    @given(_requests)
    def check(request):
        body, received = ask(request, seed=3, top_p=0.5)
        assert body == received
        seen.append(request)

    check()
    assert len(server.requests) == len(seen)
    assert any(request.tools for request in seen)
    assert any(request.answer_schema for request in seen)
    assert any(message.attachments for request in seen for message in request.messages)


def test_without_stream_options_the_body_says_so(server):
    rejection = Reply(status=400, error={"message": "Unknown parameter: stream_options."})
    server.script(rejection)
    request = Request(model="m", messages=(Message("user", "a"),))

    async def main():
        provider = OpenAIProvider(ProviderConfig(base_url=server.base_url))
        before = provider.body(request)
        assert [delta async for delta in deltas(provider, request)]
        await provider.close()
        return before, provider.body(request)

    assert list(asyncio.run(main())) == [received.body for received in server.requests]
    assert ["stream_options" in received.body for received in server.requests] == [True, False]


def test_a_subclass_sends_its_own_body(server):
    class Mine(OpenAIProvider):
        def body(self, request):
            return {**super().body(request), "mine": 1}

    async def main():
        provider = Mine(ProviderConfig(base_url=server.base_url))
        async for _ in deltas(provider, Request(model="m", messages=(Message("user", "a"),))):
            pass
        await provider.close()

    asyncio.run(main())
    assert server.requests[0].body["mine"] == 1


def test_attachments_arrive_as_they_are(server, ask):
    attachments = (
        Attachment(media_type="image/png", data=b"\x89PNG\x00", name="a.png"),
        Attachment(media_type="application/pdf", data=b"%PDF", name="Größe.pdf"),
        Attachment(media_type="audio/x-wav", data=b"RIFF"),
        Attachment(media_type="text/csv", data=b"\xef\xbb\xbfa,b\n", name="t.csv"),
    )
    message = Message("user", "What is this?", attachments)
    ask(Request(model="m", messages=(message,)))
    (received,) = server.requests
    url = "data:image/png;base64," + base64.b64encode(b"\x89PNG\x00").decode()
    pdf = "data:application/pdf;base64," + base64.b64encode(b"%PDF").decode()
    assert received.body["messages"][0]["content"] == [
        {"type": "text", "text": "What is this?"},
        {"type": "image_url", "image_url": {"url": url}},
        {"type": "file", "file": {"filename": "Größe.pdf", "file_data": pdf}},
        {"type": "input_audio", "input_audio": {"data": "UklGRg==", "format": "wav"}},
        {"type": "text", "text": "t.csv:\n\na,b\n"},
    ]
    assert [one.data for one in received.attachments] == [b"\x89PNG\x00", b"%PDF", b"RIFF"]
    assert received.prompt == "What is this?\nt.csv:\n\na,b\n"


@pytest.mark.parametrize(
    ("role", "media_type", "data", "words"),
    [
        ("user", "audio/ogg", b"", "`a.b` is audio/ogg.*WAV or MP3"),
        ("user", "text/plain", b"\xff", "not UTF-8"),
        ("tool", "image/png", b"", "role `tool`"),
        ("system", "application/pdf", b"", "role `system`"),
    ],
)
def test_what_has_no_place_is_told_in_one_sentence(role, media_type, data, words):
    message = Message(role, "", (Attachment(media_type=media_type, data=data, name="a.b"),))
    with pytest.raises(RequestRejected, match=words) as caught:
        request_body(Request(model="m", messages=(message,)), {})
    assert str(caught.value).endswith(".")
    assert "\n" not in str(caught.value)


def test_a_conversation_with_tools_is_sent_as_openai_wants_it(ask):
    call = ToolCall(id="c1", name="add", arguments='{"x": 1}')
    messages = (
        Message("user", "Add."),
        Message("assistant", "", tool_calls=(call,)),
        Message("tool", "2", tool_call_id="c1"),
    )
    parameters = {"type": "object", "properties": {"x": {"type": "integer"}}}
    tool = Tool(name="add", description="Adds.", parameters=parameters)
    _, received = ask(Request(model="m", messages=messages, tools=(tool,)))
    assert received["messages"] == [
        {"role": "user", "content": "Add."},
        {
            "role": "assistant",
            "content": None,
            "tool_calls": [
                {
                    "id": "c1",
                    "type": "function",
                    "function": {"name": "add", "arguments": '{"x": 1}'},
                }
            ],
        },
        {"role": "tool", "tool_call_id": "c1", "content": "2"},
    ]
    assert received["tools"] == [
        {
            "type": "function",
            "function": {
                "name": "add",
                "description": "Adds.",
                "parameters": parameters,
            },
        }
    ]


@pytest.mark.parametrize(
    ("parameters", "sent"),
    [
        ({"type": "object", "properties": {}, "required": [], "additionalProperties": False}, None),
        ({"type": "object"}, None),
        ({}, None),
        *(
            (one, one)
            for one in (
                {"type": "object", "properties": {"x": {}}},
                {"type": "object", "properties": {}, "additionalProperties": True},
                {"$ref": "#/$defs/a", "$defs": {"a": {"type": "object"}}},
            )
        ),
    ],
)
def test_a_tool_without_parameters_is_sent_without(parameters, sent):
    tool = Tool(name="now", description="", parameters=parameters)
    body = request_body(Request(model="m", messages=(), tools=(tool,)), {})
    assert body["tools"][0]["function"].get("parameters") == sent


def test_an_option_does_not_go_before_what_the_request_says():
    plain = {"model": "m", "messages": (Message("user", "a"),)}
    said = {
        "temperature": {"temperature": 0.5},
        "tools": {"tools": (Tool(name="t", description="", parameters={}),)},
        "response_format": {"answer_schema": AnswerSchema(name="a", schema=SCHEMA)},
    }
    for name, fields in said.items():
        with pytest.raises(RequestRejected, match=rf"`{name}` repeats .*\.$"):
            request_body(Request(**plain, **fields, options={name: 1}), {})
        # As a default of the provider it gives way; where the request is silent, it counts.
        full = request_body(Request(**plain, **fields), {name: "default"})
        assert full[name] != "default"
        bare = request_body(Request(**plain, options={name: 1}), {name: 2})
        assert bare[name] == 1


def test_reserved_options_are_refused_before_anything_is_sent(server):
    for name in ("messages", "model", "stream_options"):
        for request_options, defaults in (({name: 1}, {}), ({}, {name: 1})):
            config = ProviderConfig(base_url=server.base_url, options=defaults)
            messages = (Message("user", "a"),)
            request = Request(model="m", messages=messages, options=request_options)
            with pytest.raises(RequestRejected, match=f"`{name}` cannot be set"):
                OpenAIProvider(config).body(request)
    assert server.requests == []


def test_streaming_can_be_switched_off():
    plain = {"model": "m", "messages": (Message("user", "a"),)}
    for options, defaults in (({"stream": False}, {}), ({}, {"stream": False})):
        body = request_body(Request(**plain, options=options), defaults)
        assert body["stream"] is False
        assert "stream_options" not in body
    body = request_body(Request(**plain, options={"stream": True}), {"stream": False})
    assert body["stream"] is True
    for value in (0, "no", None):
        with pytest.raises(RequestRejected, match=r"`stream` must be true or false, not .*\.$"):
            request_body(Request(**plain, options={"stream": value}), {})


def test_an_answer_that_is_not_streamed_is_one_delta(server):
    async def ask(request):
        provider = OpenAIProvider(ProviderConfig(base_url=server.base_url))
        said = [delta async for delta in deltas(provider, request)]
        await provider.close()
        return said

    messages = (Message("user", "Say all of this."),)
    said = asyncio.run(ask(Request(model="m", messages=messages, options={"stream": False})))
    assert [delta.text for delta in said if delta.text] == ["Say all of this."]
    assert said[-1].finish_reason == "stop"
    assert "stream_options" not in server.requests[0].body


def test_a_body_needs_no_key_and_no_server():
    request = Request(model="m", messages=(Message("user", "a"),))
    assert OpenAIProvider().body(request)["model"] == "m"


def test_a_schemas_name_is_made_one_that_the_protocol_takes():
    def name(given):
        schema = AnswerSchema(name=given, schema=SCHEMA)
        request = Request(model="m", messages=(), answer_schema=schema)
        body = request_body(request, {})
        return body["response_format"]["json_schema"]["name"]

    assert name("A person's age") == "A_person_s_age"
    assert name("") == "answer"
    assert len(name("x" * 100)) == 64
