"""Answers of Responses: as OpenAI sends them, and as servers do that leave things out."""

from __future__ import annotations

import asyncio
import base64
import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from llm_repl_core.errors import (
    AnswerBroken,
    AnswerEmpty,
    AnswerUnreadable,
    ProviderError,
    ProviderServerError,
    RateLimited,
    RequestRejected,
)
from llm_repl_core.providers.base import Message, ProviderConfig, Request, Tool, ToolCall, Usage
from llm_repl_core.providers.parts import (
    Citation,
    Media,
    Reasoning,
    Refusal,
    ServerToolCall,
    Text,
    ToolCallPlace,
)
from llm_repl_core.providers.streaming import deltas
from llm_repl_core.providers.turn import TurnBuilder
from llm_repl_core.testing.openai_server import Reply
from llm_repl_providers.openai.provider import OpenAIProvider
from llm_repl_providers.openai.responses.answer import ResponsesAnswerReader

ADD = Tool(name="add", description="Adds.", parameters={"type": "object", "properties": {}})
CALLS = (
    ToolCall(id="c1", name="add", arguments='{"x": 1}'),
    ToolCall(id="c2", name="add", arguments='{"x": "Zwölf 🍣"}'),
)
SOURCE = {
    "type": "url_citation",
    "start_index": 0,
    "end_index": 5,
    "url": "https://a.example",
    "title": "A",
}
FULL = Reply(
    reasoning="First I think. Then I answer.",
    text="Grüße aus Köln 🍣",
    citations=(SOURCE,),
    image=b"\x89PNG",
    logprobs=True,
    tool_calls=CALLS,
    service_tier="flex",
    usage={
        "input_tokens": 20,
        "input_tokens_details": {"cached_tokens": 12, "cache_write_tokens": 3},
        "output_tokens": 9,
        "output_tokens_details": {"reasoning_tokens": 4},
        "total_tokens": 29,
    },
)


def _listen(server, reply=None, *, api="responses", **fields):
    if reply is not None:
        server.script(reply)
    options = {"api": api, **fields.pop("options", {})}
    request = Request(
        **{
            "model": "m",
            "messages": (Message("user", "one two three"),),
            "options": options,
            **fields,
        }
    )

    async def main():
        provider = OpenAIProvider(ProviderConfig(base_url=server.base_url, timeout_s=5.0))
        try:
            return [delta async for delta in deltas(provider, request)]
        finally:
            await provider.close()

    return asyncio.run(main())


def _turn(said):
    builder = TurnBuilder()
    for delta in said:
        builder.add(delta)
    return builder.turn()


def _events(*documents, end=b""):
    lines = (
        f"event: {document['type']}\ndata: {json.dumps(document)}\n\n" for document in documents
    )
    return Reply(body="".join(lines).encode() + end)


def _completed(*output, **fields):
    response = {"object": "response", "model": "m", "status": "completed", "output": list(output)}
    return {"type": "response.completed", "response": {**response, **fields}}


def _message(text, **fields):
    content = [{"type": "output_text", "text": text, "annotations": []}]
    return {"type": "message", "id": "msg_1", "role": "assistant", "content": content, **fields}


def _text_delta(text, **fields):
    return {"type": "response.output_text.delta", "delta": text, **fields}


@pytest.mark.parametrize("stream", [True, False])
@pytest.mark.parametrize("cut_bytes", [None, 7, 101])
def test_all_that_a_turn_is_made_of_is_brought(server, stream, cut_bytes):
    import msgspec

    reply = msgspec.structs.replace(FULL, cut_bytes=cut_bytes)
    said = _listen(server, reply, tools=(ADD,), options={"stream": stream})
    turn = _turn(said)
    assert turn.text == "Grüße aus Köln 🍣"
    assert turn.reasoning == "First I think. Then I answer."
    assert [(call.id, call.name, call.arguments) for call in turn.tool_calls] == [
        (call.id, call.name, call.arguments) for call in CALLS
    ]
    kinds = [type(part) for part in turn.parts]
    assert kinds == [Reasoning, Media, Text, Citation, ToolCallPlace, ToolCallPlace]
    (citation,) = turn.of_kind(Citation)
    assert (citation.start, citation.end, citation.url) == (0, 5, "https://a.example")
    (media,) = turn.of_kind(Media)
    assert (media.media_type, media.data, media.text) == ("image/png", b"\x89PNG", "A picture.")
    assert "".join(entry.token for entry in turn.logprobs) == turn.text
    assert turn.logprobs[0].top == (("Grüße ", -0.5),)
    assert turn.usage == Usage(
        input_tokens=20,
        output_tokens=9,
        cached_input_tokens=12,
        cache_write_tokens=3,
        reasoning_tokens=4,
        service_tier="flex",
        raw=FULL.usage,
    )
    assert (turn.finish_reason, turn.provider_finish_reason, turn.model) == (
        "tool_calls",
        None,
        "m",
    )
    ends = [delta for delta in said if delta.finish_reason is not None]
    assert ends == [said[-1]]


def test_a_whole_answer_is_one_delta_of_text(server):
    said = _listen(server, Reply(text="a b c"), options={"stream": False})
    assert [delta.text for delta in said if delta.text] == ["a b c"]
    assert server.requests[0].body["stream"] is False


@pytest.mark.parametrize("stream", [True, False])
def test_a_loop_of_tools_brings_each_item_back_as_it_came(server, stream):
    first = Reply(reasoning="Hm.", text="Let me see.", image=b"png", tool_calls=CALLS)
    asked = {"tools": (ADD,), "options": {"stream": stream}, "reasoning_effort": "low"}
    turn = _turn(_listen(server, first, **asked))
    said = Message(
        "assistant", turn.text, (), turn.tool_calls, None, turn.provider_data, turn.parts
    )
    results = [Message("tool", "3", tool_call_id=call.id) for call in turn.tool_calls]
    user = Message("user", "one two three")
    # The server refuses what it did not say itself, and reasoning that is not back unchanged.
    last = _turn(_listen(server, Reply(text="Done."), messages=(user, said, *results), **asked))
    assert (last.text, last.finish_reason) == ("Done.", "stop")
    items = server.requests[-1].body["input"]
    assert [item.get("type", item.get("role")) for item in items] == [
        "user", "reasoning", "image_generation_call", "message", "function_call", "function_call",
        "function_call_output", "function_call_output",
    ]  # fmt: skip
    assert items[1]["summary"] == [{"type": "summary_text", "text": "Hm."}]
    assert items[1]["encrypted_content"].startswith("enc-")
    assert items[2]["result"] == base64.b64encode(b"png").decode()
    assert items[3]["content"][0]["text"] == "Let me see."
    assert items[4]["id"] == "fc_1"
    assert server.requests[-1].body["store"] is False


def test_reasoning_that_was_changed_is_not_accepted_by_the_server(server):
    turn = _turn(_listen(server, Reply(reasoning="Hm.", tool_calls=CALLS[:1]), tools=(ADD,)))
    data = turn.parts[0].provider_data["responses_item"]
    parts = (Reasoning(provider_data={"responses_item": {**data, "encrypted_content": "x"}}),)
    said = Message("assistant", "", (), turn.tool_calls, parts=(*parts, *turn.parts[1:]))
    result = Message("tool", "3", tool_call_id="c1")
    with pytest.raises(RequestRejected, match="could not be verified"):
        _listen(server, messages=(Message("user", "a"), said, result), tools=(ADD,))


def test_an_answer_without_tools_is_plain(server):
    """Nothing of it goes back, so that nothing is kept of it but what it says."""
    assert _turn(_listen(server, Reply(reasoning="Hm.", text="a b"))).parts == ()


def test_reasoning_between_calls_stays_between_them(server):
    def call(number):
        return {
            "type": "function_call", "id": f"fc_{number}", "call_id": f"c{number}", "name": "add",
            "arguments": "{}",
        }  # fmt: skip

    def thought(number):
        return {"type": "reasoning", "id": f"rs_{number}", "summary": [], "encrypted_content": "x"}

    items = [thought(1), call(1), thought(2), call(2)]
    done = [
        {"type": "response.output_item.done", "output_index": index, "item": item}
        for index, item in enumerate(items)
    ]
    turn = _turn(_listen(server, _events(*done, _completed(*items)), tools=(ADD,)))
    assert [type(part) for part in turn.parts] == [
        Reasoning, ToolCallPlace, Reasoning, ToolCallPlace
    ]  # fmt: skip
    said = Message("assistant", "", (), turn.tool_calls, parts=turn.parts)
    body = OpenAIProvider().body(Request(model="m", messages=(Message("user", "a"), said)))
    assert [item["id"] for item in body["input"][1:]] == ["rs_1", "fc_1", "rs_2", "fc_2"]


def test_calls_of_an_answer_that_breaks_off_are_not_given():
    item = {"type": "function_call", "id": "f", "call_id": "c", "name": "add", "arguments": "{}"}
    reader = ResponsesAnswerReader("The server", keeps_items=True)
    assert reader.add({"type": "response.output_item.done", "output_index": 0, "item": item}) == []
    with pytest.raises(AnswerBroken):
        reader.end(is_complete=False)


@pytest.mark.parametrize("stream", [True, False])
def test_a_refusal_is_its_own_end(server, stream):
    said = _listen(server, Reply(refusal="I will not."), options={"stream": stream})
    turn = _turn(said)
    assert turn.parts == (Refusal(text="I will not."),)
    assert (turn.text, turn.finish_reason) == ("", "refusal")


@pytest.mark.parametrize(
    ("reason", "told", "word"),
    [
        ("length", "length", "max_output_tokens"),
        ("content_filter", "content_filter", None),
        ("max_messages", "other", "max_messages"),
    ],
)
def test_an_incomplete_response_says_why(server, reason, told, word):
    turn = _turn(_listen(server, Reply(text="a b", finish_reason=reason)))
    assert (turn.text, turn.finish_reason, turn.provider_finish_reason) == ("a b", told, word)


@pytest.mark.parametrize(
    ("error", "error_class", "words"),
    [
        ({"code": "server_error", "message": "Oh."}, ProviderServerError, "Oh"),
        ({"code": "rate_limit_exceeded", "message": "Try again in 2 s."}, RateLimited, "again"),
        ({"code": "invalid_image", "message": "No image."}, RequestRejected, "No image"),
        ({"code": "vector_store_timeout", "message": "Slow."}, ProviderError, "Slow"),
        (None, ProviderServerError, "failed"),
    ],
)
@pytest.mark.parametrize("stream", [True, False])
def test_a_response_that_failed_is_the_error_that_it_means(
    server, error, error_class, words, stream
):
    response = {"object": "response", "status": "failed", "output": [], "error": error}
    reply = Reply(body=json.dumps(response).encode())
    if stream:
        reply = _events(_text_delta("a"), {"type": "response.failed", "response": response})
    with pytest.raises(error_class, match=words):
        _listen(server, reply)


@pytest.mark.parametrize(
    "error",
    [
        {"type": "error", "code": "rate_limit_exceeded", "message": "Slow down.", "param": None},
        {"type": "error", "error": {"type": "rate_limit_error", "message": "Slow down."}},
    ],
)
def test_an_error_event_is_the_error_that_it_means(server, error):
    with pytest.raises(RateLimited, match="Slow down"):
        _listen(server, _events(_text_delta("a"), error))


def test_a_cancelled_response_is_broken(server):
    response = {"object": "response", "status": "cancelled", "output": []}
    with pytest.raises(AnswerBroken, match="cancelled"):
        _listen(server, _events({"type": "response.cancelled", "response": response}))


def test_without_a_last_event_the_answer_is_broken(server):
    with pytest.raises(AnswerBroken, match="broke off"):
        _listen(server, Reply(text="a b", finish_reason=None))
    # Unless the stream is ended in words.
    said = _listen(server, _events(_text_delta("a"), end=b"data: [DONE]\n\n"))
    assert (_turn(said).text, said[-1].finish_reason) == ("a", "stop")


def test_what_follows_the_last_event_is_not_waited_for(server):
    events = _events(_text_delta("a"), _completed(_message("a"))).body
    reply = Reply(body=events, cut_bytes=len(events), stall_after=1)
    assert _turn(_listen(server, reply)).text == "a"


@pytest.mark.parametrize(
    "documents",
    [
        # The deltas alone; the end alone; whole texts alone; the item alone.
        [_text_delta("a "), _text_delta("b"), _completed()],
        [_completed(_message("a b"))],
        [{"type": "response.output_text.done", "text": "a b"}, _completed()],
        [{"type": "response.output_item.done", "item": _message("a b")}, _completed()],
        # The rest of a text that was streamed in part.
        [_text_delta("a "), _completed(_message("a b"))],
        # Places and ids that do not agree.
        [_text_delta("a b", output_index=1, item_id="x"), _completed(_message("a b", id="y"))],
        [_text_delta("a b", output_index=1), _completed(_message("a b"))],
        [
            _text_delta("a b", output_index="0"),
            {"type": "response.output_item.done", "output_index": 3, "item": _message("a b")},
            _completed(_message("a b")),
        ],
        # What nobody knows yet.
        [
            {"type": "response.new.thing", "delta": "no"},
            {"type": "ping"},
            {"type": "response.output_text.delta", "delta": None},
            _text_delta("a b"),
            _completed(_message("a b"), new_field={"a": [1]}),
        ],
        # The content as a plain text.
        [_completed({"type": "message", "content": "a b"})],
        # A text that the whole contradicts was said already.
        [_text_delta("a b"), _completed(_message("else"))],
    ],
)
def test_a_text_comes_once_whatever_is_left_out(server, documents):
    turn = _turn(_listen(server, _events(*documents)))
    assert (turn.text, turn.finish_reason) == ("a b", "stop")


def test_the_names_of_events_count_where_the_documents_have_none(server):
    body = (
        b'event: response.output_text.delta\ndata: {"delta": "a"}\n\n'
        b'event: response.completed\ndata: {"response": {"status": "completed", "output": []}}\n\n'
    )
    assert _turn(_listen(server, Reply(body=body))).text == "a"


def test_halves_of_a_character_are_joined(server):
    body = (
        b'data: {"type": "response.output_text.delta", "delta": "a\\ud83c"}\n\n'
        b'data: {"type": "response.output_text.delta", "delta": "\\udf63b"}\n\n'
        b'data: {"type": "response.completed", "response": {"output": []}}\n\n'
    )
    assert _turn(_listen(server, Reply(body=body))).text == "a🍣b"


@pytest.mark.parametrize(
    ("documents", "error_class", "words"),
    [
        ([_text_delta({"text": "a"})], AnswerUnreadable, "a piece of text that is none"),
        ([_completed({"type": "message", "content": [{"type": "video"}]})], AnswerUnreadable,
         "`video`"),
        ([_completed({"type": "message", "content": [{"type": "output_text", "text": 3}]})],
         AnswerUnreadable, "a text that is none"),
        ([_completed({"type": "function_call", "call_id": "a"})], AnswerUnreadable,
         "without naming it"),
        ([_completed({"type": "computer_call", "id": "a"})], AnswerUnreadable,
         "`computer_call`.*option `tools`"),
        ([{"type": "ping"}], AnswerBroken, "set `api: chat`"),
    ],
)  # fmt: skip
def test_what_cannot_be_read_is_told_in_one_sentence(server, documents, error_class, words):
    with pytest.raises(error_class, match=words) as caught:
        _listen(server, _events(*documents))
    assert str(caught.value).endswith(".")
    assert len(server.requests) == 1


def test_an_answer_of_chat_completions_is_none_of_responses(server):
    document = {"choices": [{"index": 0, "message": {"content": "a"}, "finish_reason": "stop"}]}
    with pytest.raises(AnswerEmpty, match="set `api: chat`"):
        _listen(server, Reply(body=json.dumps(document).encode()))


def test_a_server_without_responses_says_so(server):
    with pytest.raises(RequestRejected, match="does not know this address"):
        _listen(server, Reply(status=404, body=b'{"detail": "Not Found"}'))


SERVER_ITEMS = [
    (
        {"type": "web_search_call", "id": "a", "status": "completed",
         "action": {"type": "search", "query": "q", "sources": [{"type": "url", "url": "http://x"}]}},
        ServerToolCall(id="a", name="web_search", arguments='{"type": "search", "query": "q"}',
                       result="http://x"),
    ),
    (
        {"type": "file_search_call", "id": "a", "queries": ["q"], "status": "completed",
         "results": [{"filename": "f.txt", "text": "said"}]},
        ServerToolCall(id="a", name="file_search", arguments='{"queries": ["q"]}',
                       result="f.txt:\nsaid"),
    ),
    (
        {"type": "code_interpreter_call", "id": "a", "code": "1 + 1", "status": "completed",
         "outputs": [{"type": "logs", "logs": "2"}]},
        ServerToolCall(id="a", name="code_interpreter", arguments='{"code": "1 + 1"}', result="2"),
    ),
    (
        {"type": "mcp_call", "id": "a", "server_label": "s", "name": "f", "arguments": '{"x": 1}',
         "output": "3", "error": None},
        ServerToolCall(id="a", name="s.f", arguments='{"x": 1}', result="3"),
    ),
    (
        {"type": "mcp_call", "id": "a", "server_label": "s", "name": "f", "arguments": "{}",
         "error": {"message": "no"}},
        ServerToolCall(id="a", name="s.f", result='{"message": "no"}', failed=True),
    ),
    (
        {"type": "mcp_list_tools", "id": "a", "server_label": "s", "tools": [{"name": "f"}]},
        ServerToolCall(id="a", name="mcp_list_tools", arguments='{"server_label": "s"}', result="f"),
    ),
    (
        {"type": "image_generation_call", "id": "a", "status": "failed", "result": None},
        ServerToolCall(id="a", name="image_generation", failed=True),
    ),
    ({"type": "invented_call", "id": "a"}, ServerToolCall(id="a", name="invented")),
]  # fmt: skip


@pytest.mark.parametrize(
    ("item", "part"), SERVER_ITEMS, ids=[part.name for _, part in SERVER_ITEMS]
)
@pytest.mark.parametrize("stream", [True, False])
def test_what_the_servers_own_tools_did_is_a_part(server, item, part, stream):
    import msgspec

    turn = _turn(_listen(server, Reply(items=(item,), text="ok"), options={"stream": stream}))
    assert turn.text == "ok"
    assert turn.of_kind(ServerToolCall) == (
        msgspec.structs.replace(part, provider_data={"responses_item": item}),
    )


def test_citations_count_in_the_whole_answer_and_files_are_named(server):
    first = _message("one ")
    second = _message("two", id="msg_2")
    second["content"][0]["annotations"] = [
        {**SOURCE, "end_index": 3},
        {"type": "file_citation", "file_id": "f1", "filename": "a.txt", "index": 3},
        {"type": "container_file_citation", "file_id": "f2", "filename": "b.csv",
         "container_id": "c", "start_index": 0, "end_index": 1},
        {"type": "nothing"},
        "nonsense",
    ]  # fmt: skip
    turn = _turn(_listen(server, _events(_completed(first, second))))
    assert turn.text == "one two"
    assert turn.of_kind(Citation) == (
        Citation(start=4, end=7, url="https://a.example", title="A"),
        Citation(start=7, end=7, title="a.txt", source="f1"),
        Citation(start=4, end=5, title="b.csv", source="f2"),
    )


@pytest.mark.parametrize(
    ("words", "sent_again_without"),
    [
        ("Your organization must be verified to stream this model.", "stream"),
        ("Your organization must be verified to generate reasoning summaries.", "summary"),
        ("Encrypted content is not supported with this model.", "include"),
        ("Unknown parameter: 'store'.", "store"),
    ],
)
def test_what_a_model_does_not_accept_is_left_out_and_remembered(server, words, sent_again_without):
    def reply(request):
        body = request.body
        has = {
            "stream": body["stream"],
            "summary": "summary" in body.get("reasoning", {}),
            "include": "include" in body,
            "store": "store" in body,
        }
        if has[sent_again_without]:
            return Reply(status=400, error={"message": words, "type": "invalid_request_error"})
        return Reply(text="ok")

    server.reply = reply
    request = Request(
        model="m", messages=(Message("user", "a"),), tools=(ADD,), reasoning_effort="low",
        options={"api": "responses"},
    )  # fmt: skip

    async def main():
        provider = OpenAIProvider(ProviderConfig(base_url=server.base_url))
        texts = []
        for _ in range(2):
            said = [delta async for delta in deltas(provider, request)]
            texts.append("".join(delta.text for delta in said))
        await provider.close()
        return texts

    assert asyncio.run(main()) == ["ok", "ok"]
    assert len(server.requests) == 3
    assert server.requests[1].body == server.requests[2].body
    assert server.requests[1].body.get("reasoning", {}).get("effort") == "low"


@pytest.mark.parametrize(
    ("words", "options"),
    [
        ("Unsupported parameter: 'temperature' is not supported with this model.", {"temperature": 1}),
        ("Your organization must be verified to generate reasoning summaries.",
         {"reasoning": {"effort": "low", "summary": "detailed"}}),
        ("Unknown value in parameter 'include'.", {"include": ["mine"]}),
        ("Your messages include what is not allowed.", {"include": ["mine"]}),
    ],
)  # fmt: skip
def test_what_a_cell_asks_for_is_not_left_out(server, words, options):
    server.reply = Reply(status=400, error={"message": words})
    with pytest.raises(RequestRejected, match=words.rstrip(".")):
        _listen(server, options=options)
    assert len(server.requests) == 1


@pytest.mark.parametrize("first", ["chat", "responses"])
def test_a_model_that_only_the_other_api_has_is_asked_there(server, monkeypatch, first):
    """As OpenAI says it: of `o1-pro` in chat completions, of models for search in Responses."""
    other = "responses" if first == "chat" else "chat"
    paths = {"chat": "v1/chat/completions", "responses": "v1/responses"}

    def reply(request):
        if request.path.endswith(paths[other]):
            return Reply(text="ok")
        message = f"This model is only supported in {paths[other]} and not in {paths[first]}."
        return Reply(status=404, error={"message": message, "type": "invalid_request_error"})

    if first == "responses":  # as if the server were OpenAI's own
        monkeypatch.setattr("llm_repl_providers.openai.provider.is_openai", lambda _: True)
    server.reply = reply

    async def main(**options):
        provider = OpenAIProvider(ProviderConfig(base_url=server.base_url, options=options))
        request = Request(model="m", messages=(Message("user", "a"),))
        try:
            for _ in range(2):
                said = [delta async for delta in deltas(provider, request)]
                assert "".join(delta.text for delta in said) == "ok"
        finally:
            await provider.close()

    asyncio.run(main())
    asked = [received.path.removeprefix("/") for received in server.requests]
    assert asked == [paths[first], paths[other], paths[other]]
    # Who says which API it is to be is not overruled.
    with pytest.raises(ProviderError, match="only supported in"):
        asyncio.run(main(api=first))


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-2, 3) | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=3)
    | st.dictionaries(
        st.sampled_from(
            ["type", "delta", "item", "output_index", "item_id", "id", "content", "summary", "text",
             "response", "output", "status", "arguments", "name", "call_id", "annotations", "action",
             "annotation", "result", "logprobs", "error", "usage", "incomplete_details"]
        ),
        inner,
        max_size=4,
    ),
    max_leaves=12,
)  # fmt: skip
KINDS = st.sampled_from(
    ["response.output_text.delta", "response.output_item.added", "response.output_item.done",
     "response.completed", "response.incomplete", "response.output_text.done",
     "response.function_call_arguments.delta", "response.function_call_arguments.done",
     "response.output_text.annotation.added", "response.refusal.delta", "response.created",
     "response.reasoning_summary_text.delta", "message", "reasoning", "function_call",
     "image_generation_call", "web_search_call", "mcp_call", "output_text", "refusal"]
)  # fmt: skip


@settings(max_examples=300, deadline=None)
@given(
    st.lists(
        st.builds(
            lambda kind, rest: {**rest, "type": kind},
            KINDS,
            JSON.filter(lambda value: isinstance(value, dict)),
        ),
        max_size=6,
    ),
    st.booleans(),
)
def test_nothing_that_a_server_sends_is_more_than_an_answer_that_cannot_be_read(documents, keeps):
    from llm_repl_providers.openai.error_in_answer import ErrorInAnswer

    reader = ResponsesAnswerReader("The server", keeps_items=keeps)
    try:
        said = [delta for document in documents for delta in reader.add(document)]
        said += reader.end(is_complete=True)
    except (ProviderError, ErrorInAnswer):
        return
    assert said[-1].finish_reason is not None
    ids = [call.id for delta in said for call in delta.tool_calls]
    assert len({*ids}) == len(ids)
