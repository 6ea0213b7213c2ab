"""Answers as the servers of this protocol give them, each in its own form."""

from __future__ import annotations

import asyncio
import base64
import gzip
import io
import json
import wave

import pytest

from llm_repl_core.errors import (
    AnswerBroken,
    AnswerEmpty,
    AnswerUnreadable,
    ContextTooLong,
    ProviderError,
    ProviderServerError,
    RateLimited,
)
from llm_repl_core.providers.base import Message, ProviderConfig, Request, ToolCall, Usage
from llm_repl_core.providers.parts import Citation, Media, Refusal, ServerToolCall
from llm_repl_core.providers.streaming import deltas
from llm_repl_core.providers.turn import TurnBuilder
from llm_repl_core.testing.openai_server import Reply
from llm_repl_providers.openai.provider import OpenAIProvider

ADD = ToolCall(id="a", name="add", arguments='{"x": 1}')
REQUEST = Request(model="m", messages=(Message("user", "x"),))


def _listen(server, reply, request=REQUEST):
    if reply is not None:
        server.script(reply)

    async def main():
        provider = OpenAIProvider(ProviderConfig(base_url=server.base_url, timeout_s=5.0))
        try:
            return [delta async for delta in deltas(provider, request)]
        finally:
            await provider.close()

    return asyncio.run(main())


def _text(said):
    pieces = []
    for delta in said:
        if delta.replaces_text:
            pieces.clear()
        pieces.append(delta.text)
    return "".join(pieces)


def _turn(said):
    builder = TurnBuilder()
    for delta in said:
        builder.add(delta)
    return builder.turn()


def _request(**options):
    return Request(model="m", messages=(Message("user", "one two three"),), options=options)


def _reasoning(said):
    return "".join(delta.reasoning for delta in said)


def _chunk(delta=None, reason=None, **fields):
    return {"choices": [{"index": 0, "delta": delta or {}, "finish_reason": reason}], **fields}


def _events(*documents, end="\n\n", field="data: ", done=True):
    lines = [json.dumps(one) if not isinstance(one, str) else one for one in documents]
    body = "".join(f"{field}{line}{end}" for line in lines)
    return Reply(body=(body + (f"{field}[DONE]{end}" if done else "")).encode())


def _whole(message, reason="stop", **fields):
    document = {"choices": [{"index": 0, "message": message, "finish_reason": reason}], **fields}
    return Reply(body=json.dumps(document).encode(), headers={"Content-Type": "application/json"})


@pytest.mark.parametrize("cut_bytes", [None, 7])
def test_a_compressed_answer_is_read(server, cut_bytes):
    plain = _events(_chunk({"content": "Hello"}), _chunk({"content": " there"}, "stop"))
    assert plain.body is not None
    compressed = Reply(
        body=gzip.compress(plain.body), headers={"Content-Encoding": "gzip"}, cut_bytes=cut_bytes
    )
    assert _text(_listen(server, compressed)) == "Hello there"


def test_done_without_a_reason_is_a_whole_answer(server):
    said = _listen(server, Reply(text="a b", finish_reason=None))
    assert (_text(said), said[-1].finish_reason) == ("a b", "stop")
    *_, calls, last = _listen(server, Reply(tool_calls=(ADD,), finish_reason=None))
    assert (calls.tool_calls, last.finish_reason) == ((ADD,), "tool_calls")
    assert len(server.requests) == 2


@pytest.mark.parametrize("mark", ["[DONE] ", " [DONE]", "[done]", "[DONE]\t\r"])
def test_done_is_read_however_it_is_written(server, mark):
    said = _listen(server, _events(_chunk({"content": "a"}), mark, done=False))
    assert (_text(said), said[-1].finish_reason) == ("a", "stop")


@pytest.mark.parametrize("as_stream", [False, True])
def test_a_text_in_the_choice_itself_is_read(server, as_stream):
    """As the protocol for completing texts has it."""
    document = {"choices": [{"index": 0, "text": "a b", "finish_reason": "stop"}]}
    reply = _events(document) if as_stream else Reply(body=json.dumps(document).encode())
    assert _text(_listen(server, reply)) == "a b"


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b"Service is warming up", "Service is warming up"),
        (b"\n upstream said:\r\nno GPU\n", "upstream said: no GPU"),
        (b'"no GPU"', "no GPU"),
        (b'{"status": "error", "reason": "no GPU"}', "no GPU"),
        (b'{"success": false, "result": null, "reason": "no GPU"}', "no GPU"),
    ],
)
def test_words_in_place_of_an_answer_are_told(server, body, words):
    with pytest.raises(ProviderServerError, match=words):
        _listen(server, Reply(body=body))


@pytest.mark.parametrize("body", [b"", b"da", b"data: {", b": wait\n\n", b"event: message\n"])
def test_the_beginning_of_a_stream_is_no_sentence(server, body):
    with pytest.raises(AnswerBroken):
        _listen(server, Reply(body=body))


def test_a_stream_that_ends_without_either_is_broken(server):
    for reply in (Reply(text="a", finish_reason=None, done=False), _events(_chunk(), done=False)):
        with pytest.raises(AnswerBroken, match="broke off"):
            _listen(server, reply)
    said = _listen(server, Reply(text="a", done=False))  # a reason is enough
    assert _text(said) == "a"


@pytest.mark.parametrize(
    ("told", "reason"),
    [
        *((word, "stop") for word in ("stop", "eos", "EOS", "stop_sequence", "COMPLETE", "")),
        *((word, "length") for word in ("length", "max_tokens", "MAX_TOKENS", "model_length")),
        *((word, "tool_calls") for word in ("tool_use", "function_call", "TOOL_CALL")),
        *((word, "content_filter") for word in ("content_filter", "SAFETY", "recitation")),
        ("something new", "other"),
    ],
)
def test_why_it_ended_is_told_in_the_protocols_words(server, told, reason):
    said = _listen(server, _events(_chunk({"content": "a"}), _chunk(reason=told)))
    assert (_text(said), said[-1].finish_reason) == ("a", reason)
    word = None if told in ("", reason) else told
    assert said[-1].provider_finish_reason == word


@pytest.mark.parametrize(
    ("told", "error_class"),
    [
        ("error", AnswerBroken),
        ("abort", AnswerBroken),
        ("insufficient_system_resource", AnswerBroken),
    ],
)
def test_an_answer_that_was_ended_is_no_answer(server, told, error_class):
    with pytest.raises(error_class):
        _listen(server, _events(_chunk({"content": "a"}), _chunk(reason=told)))


BLOCKS = {
    "a text": ("ab", "ab", ""),
    "Mistral: thinking and text": (
        [
            {"type": "thinking", "thinking": [{"type": "text", "text": "Hm."}], "closed": True},
            {"type": "text", "text": "ab"},
        ],
        "ab",
        "Hm.",
    ),
    "Mistral: with a reference": (
        [{"type": "text", "text": "a"}, {"type": "reference", "reference_ids": [1]}, "b"],
        "ab",
        "",
    ),
    "Anthropic: thinking as a text": (
        [
            {"type": "thinking", "thinking": "Hm.", "signature": "s"},
            {"type": "redacted_thinking", "data": "x"},
            {"type": "text", "text": "ab"},
        ],
        "ab",
        "Hm.",
    ),
    "Responses": (
        [
            {"type": "reasoning", "summary": [{"type": "summary_text", "text": "Hm."}]},
            {"type": "output_text", "text": "ab", "annotations": []},
        ],
        "ab",
        "Hm.",
    ),
    "one block": ({"type": "text", "text": "ab"}, "ab", ""),
    "without a type": ([{"text": "a"}, {"text": "b"}], "ab", ""),
    "a text with a value": ([{"type": "text", "text": {"value": "ab"}}], "ab", ""),
    "texts": (["a", "b"], "ab", ""),
}


@pytest.mark.parametrize(("content", "text", "reasoning"), BLOCKS.values(), ids=BLOCKS)
def test_content_in_blocks_is_read(server, content, text, reasoning):
    for reply in (
        _events(_chunk({"content": content}), _chunk(reason="stop")),
        _whole({"content": content}),
    ):
        said = _listen(server, reply)
        assert (_text(said), _reasoning(said)) == (text, reasoning)


@pytest.mark.parametrize(
    "content",
    [
        [{"type": "image_url", "image_url": {"url": "data:"}}],
        [{"type": "hologram"}],
        {"parts": [{"text": "a"}]},
        {"type": ["text"], "text": "a"},
        [[1]],
        7,
        True,
    ],
)
def test_content_of_an_unknown_form_is_an_error_and_not_asked_again(server, content):
    for reply in (
        _events(_chunk({"content": "so far"}), _chunk({"content": content}), _chunk(reason="stop")),
        _whole({"content": content}),
    ):
        with pytest.raises(AnswerUnreadable, match="cannot read") as caught:
            _listen(server, reply)
        assert caught.value.retryable is False


@pytest.mark.parametrize("field", ["reasoning_content", "reasoning", "thinking"])
def test_reasoning_beside_the_content_is_kept_apart(server, field):
    streamed = _events(
        _chunk({"role": "assistant", "content": None, field: "H"}),
        _chunk({"content": "", field: "m."}),
        _chunk({"content": "Yes", field: None}),
        _chunk(reason="stop"),
    )
    for reply in (streamed, _whole({"content": "Yes", field: "Hm."})):
        said = _listen(server, reply)
        assert (_text(said), _reasoning(said)) == ("Yes", "Hm.")


def test_reasoning_in_the_text_is_kept_apart(server):
    reply = Reply(pieces=("<th", "ink>", "H", "m.</thi", "nk>\n\nYes"), cut_bytes=3)
    said = _listen(server, reply)
    assert (_text(said), _reasoning(said)) == ("Yes", "Hm.")
    said = _listen(server, Reply(text="Hm.\n</think>\n\nYes"))
    assert (_text(said), _reasoning(said)) == ("Yes", "Hm.")


def test_a_whole_answer_in_place_of_a_stream_is_taken(server):
    usage = {"prompt_tokens": 3, "completion_tokens": 2}
    call = {
        "id": "a",
        "type": "function",
        "function": {"name": "add", "arguments": '{"x": 1}'},
    }
    for headers in ({"Content-Type": "application/json"}, {}, {"Content-Type": "text/plain"}):
        for mark in (b"", b"\xef\xbb\xbf", b"\r\n \n"):
            document = {
                "model": "real",
                "usage": usage,
                "choices": [{"message": {"content": "Käse 🍣"}, "finish_reason": "stop"}],
            }
            body = mark + json.dumps(document).encode()
            *_, last = said = _listen(server, Reply(body=body, headers=headers, cut_bytes=5))
            assert _text(said) == "Käse 🍣"
            assert (last.model, last.usage.output_tokens) == ("real", 2)
    reply = _whole({"content": None, "tool_calls": [call]}, reason=None)
    *_, calls, last = _listen(server, reply)
    assert (calls.tool_calls, last.finish_reason) == ((ADD,), "tool_calls")


def test_a_message_that_repeats_what_has_come_is_not_taken_again(server):
    chunks = [
        {"choices": [{"delta": {"content": "a"}, "message": {"content": "a"}}]},
        {"choices": [{"delta": {"content": "b"}, "message": {"content": "ab"}}]},
        {"choices": [{"delta": {}, "message": {"content": "ab"}, "finish_reason": "stop"}]},
    ]
    assert _text(_listen(server, _events(*chunks))) == "ab"


def test_half_of_a_whole_answer_is_broken(server):
    body = json.dumps({"choices": [{"message": {"content": "a b c"}}]}).encode()
    with pytest.raises(AnswerBroken, match="broke off"):
        _listen(server, Reply(body=body[:-7]))


LINES = {
    "as everybody": {},
    "line feeds and returns": {"end": "\r\n\r\n"},
    "returns": {"end": "\r\r"},
    "no blank after the colon": {"field": "data:"},
    "no empty line between": {"end": "\n"},
    "comments between": {"end": "\n\n: OPENROUTER PROCESSING\n\n"},
    "names and ids": {"field": "event: message\nid: 1\ndata: "},
    "pings": {"end": "\n\nevent: ping\ndata: now\n\ndata:\n\n"},
    "a mark at the beginning": {"field": "\ufeffdata: "},
}


@pytest.mark.parametrize("cut_bytes", [None, 1, 5])
@pytest.mark.parametrize("form", LINES.values(), ids=LINES)
def test_events_are_read_in_every_form(server, form, cut_bytes):
    form = dict(form)
    mark = form.get("field", "").startswith("\ufeff")
    if mark:
        form.pop("field")
    chunks = (_chunk({"content": "Kä"}), _chunk({"content": "se\n\u2028🍣"}), _chunk(reason="stop"))
    body = (b"\xef\xbb\xbf" if mark else b"") + _events(*chunks, **form).body
    assert _text(_listen(server, Reply(body=body, cut_bytes=cut_bytes))) == "Käse\n\u2028🍣"


def test_an_event_of_several_lines_is_one_document(server):
    text = json.dumps(_chunk({"content": "ab"}, "stop"), indent=1)
    body = "".join(f"data: {line}\n" for line in text.splitlines()) + "\ndata: [DONE]\n\n"
    assert _text(_listen(server, Reply(body=body.encode()))) == "ab"


def test_halves_of_a_character_are_joined_wherever_they_come(server):
    pieces = ('"a\\ud83d"', '"\\ude00b"', '"\\ud83c"', '"c"', '"\\udf63"', '"\\ud83d"')
    chunks = [f'{{"choices":[{{"index":0,"delta":{{"content":{piece}}}}}]}}' for piece in pieces]
    said = _listen(server, _events(*chunks, _chunk(reason="stop")))
    assert _text(said) == "a😀b\ufffdc\ufffd\ufffd"
    assert all(delta.text.encode() is not None for delta in said)
    octets = "🍣".encode()
    body = b"".join(
        b'data: {"choices":[{"delta":{"content":"' + part + b'"}}]}\n\n'
        for part in (octets[:1], octets[1:3], octets[3:])
    )
    assert _text(_listen(server, Reply(body=body + b"data: [DONE]\n\n"))) == "🍣"
    arguments = ('"{\\"x\\": \\"\\ud83d"', '"\\ude00\\"}"')
    chunks = [
        '{"choices":[{"delta":{"tool_calls":[{"index":0,"id":"a","function":'
        f'{{"name":"f","arguments":{piece}}}}}]}}}}]}}'
        for piece in arguments
    ]
    *_, calls, _ = _listen(server, _events(*chunks))
    assert json.loads(calls.tool_calls[0].arguments) == {"x": "😀"}


SOURCE = {"type": "url_citation", "start_index": 0, "end_index": 1, "url": "http://x", "title": "X"}
CITED = Citation(start=0, end=1, url="http://x", title="X")


@pytest.mark.parametrize("stream", [True, False])
def test_all_that_a_turn_is_made_of_is_brought(server, stream):
    reply = Reply(
        reasoning="Hm. So.", text="a b", citations=(SOURCE,), image=b"png", logprobs=True,
        service_tier="flex",
    )  # fmt: skip
    turn = _turn(_listen(server, reply, _request(stream=stream)))
    assert (turn.text, turn.reasoning, turn.finish_reason) == ("a b", "Hm. So.", "stop")
    assert turn.of_kind(Citation) == (CITED,)
    assert turn.of_kind(Media) == (Media(media_type="image/png", data=b"png"),)
    assert [(entry.token, entry.logprob) for entry in turn.logprobs] == [("a ", -0.5), ("b", -0.5)]
    assert turn.usage.service_tier == "flex"
    assert turn.usage.reasoning_tokens == 2


@pytest.mark.parametrize("stream", [True, False])
def test_a_refusal_is_an_end_of_its_own(server, stream):
    turn = _turn(_listen(server, Reply(refusal="I will not."), _request(stream=stream)))
    assert turn.parts == (Refusal(text="I will not."),)
    assert (turn.text, turn.finish_reason) == ("", "refusal")


def test_pictures_in_blocks_and_sources_of_searches_are_brought(server):
    url = {"url": "data:image/webp;base64,cG5n"}
    content = [{"type": "text", "text": "a"}, {"type": "image_url", "image_url": url}]
    beside = {
        "citations": ["http://a", "http://b"],
        "search_results": [{"title": "A", "url": "http://a"}, 3, {"title": "no address"}],
    }
    said = _events(_chunk({"content": content}, **beside), _chunk(reason="stop", **beside))
    turn = _turn(_listen(server, said))
    assert turn.of_kind(Media) == (Media(media_type="image/webp", data=b"png"),)
    assert turn.of_kind(Citation) == (Citation(url="http://a", title="A"), Citation(url="http://b"))


def test_a_spoken_answer_is_a_sound_and_its_words(server):
    pieces = [
        {"id": "a", "transcript": "Good "},
        {"data": base64.b64encode(b"\1\2\3\4").decode(), "transcript": "day."},
        {"data": base64.b64encode(b"\5\6").decode(), "expires_at": 1},
        {"data": 3},
    ]
    chunks = [_chunk({"audio": piece}) for piece in pieces]
    options = {"modalities": ["text", "audio"], "audio": {"voice": "v", "format": "pcm16"}}
    turn = _turn(_listen(server, _events(*chunks, _chunk(reason="stop")), _request(**options)))
    assert turn.text == "Good day."
    (sound,) = turn.of_kind(Media)
    assert (sound.media_type, sound.text) == ("audio/wav", "Good day.")
    with wave.open(io.BytesIO(sound.data)) as file:
        assert (file.getnchannels(), file.getframerate()) == (1, 24_000)
        assert file.readframes(9) == b"\1\2\3\4\5\6"
    options["audio"]["format"] = "mp3"
    message = {"content": None, "audio": {"id": "a", "data": "//s=", "transcript": "Hi."}}
    turn = _turn(_listen(server, _whole(message), _request(**options, stream=False)))
    (sound,) = turn.of_kind(Media)
    assert (turn.text, sound.media_type, sound.data) == ("Hi.", "audio/mpeg", b"\xff\xfb")


def test_what_a_server_ran_by_itself_is_brought(server):
    tools = [{"index": 0, "type": "python", "arguments": '{"code": "1"}', "output": "1"}, "x"]
    turn = _turn(_listen(server, _whole({"content": "a", "executed_tools": tools})))
    assert turn.of_kind(ServerToolCall) == (
        ServerToolCall(id="0", name="python", arguments='{"code": "1"}', result="1"),
    )


@pytest.mark.parametrize(
    ("record", "usage"),
    [
        (
            {
                "prompt_tokens": 20, "completion_tokens": 9, "total_tokens": 29,
                "prompt_tokens_details": {"cached_tokens": 12, "audio_tokens": 2},
                "completion_tokens_details": {"reasoning_tokens": 4, "audio_tokens": 0},
            },
            {"input_tokens": 20, "output_tokens": 9, "cached_input_tokens": 12,
             "reasoning_tokens": 4, "input_by_modality": {"audio": 2}},
        ),
        # xAI counts the reasoning beside the answer.
        (
            {
                "prompt_tokens": 20, "completion_tokens": 5, "total_tokens": 29,
                "completion_tokens_details": {"reasoning_tokens": 4},
            },
            {"input_tokens": 20, "output_tokens": 9, "reasoning_tokens": 4},
        ),
        # DeepSeek, Moonshot.
        (
            {"prompt_tokens": 20, "completion_tokens": 5, "prompt_cache_hit_tokens": 7},
            {"input_tokens": 20, "output_tokens": 5, "cached_input_tokens": 7},
        ),
        (
            {"prompt_tokens": 20, "completion_tokens": 5, "cached_tokens": 7},
            {"input_tokens": 20, "output_tokens": 5, "cached_input_tokens": 7},
        ),
        # JavaScript and Lua have one type of number.
        (
            {"prompt_tokens": 20.0, "completion_tokens": 5.5},
            {"input_tokens": 20},
        ),
        # What is no count is unknown, and not 0.
        (
            {"prompt_tokens": True, "completion_tokens": -1, "prompt_tokens_details": [1],
             "completion_tokens_details": {"reasoning_tokens": "4"}},
            {},
        ),
    ],
)  # fmt: skip
def test_details_of_usage_are_read(server, record, usage):
    turn = _turn(_listen(server, _whole({"content": "a"}, usage=record)))
    assert turn.usage == Usage(**usage, raw=record)


def test_usage_is_taken_wherever_it_comes(server):
    each = ({"prompt_tokens": 3, "completion_tokens": n} for n in (1, 2))
    in_each = _events(*(_chunk({"content": "a"}, usage=one) for one in each), _chunk(reason="stop"))
    in_last = _events(
        _chunk({"content": "a"}),
        _chunk(reason="stop"),
        {"choices": [], "usage": {"prompt_tokens": 3, "completion_tokens": 2}},
    )
    for reply in (in_each, in_last):
        assert _listen(server, reply)[-1].usage.output_tokens == 2
    assert _listen(server, _events(_chunk({"content": "a"}, "stop")))[-1].usage is None


ERRORS = {
    "a document": (Reply(body=b'{"error": {"message": "Oh dear.", "code": 503}}'), "Oh dear"),
    "a text": (Reply(body=b'{"error": "Oh dear."}'), "Oh dear"),
    "vLLM": (Reply(body=b'{"object": "error", "message": "Oh dear.", "code": 500}'), "Oh dear"),
    "FastAPI": (Reply(body=b'{"detail": "Oh dear."}'), "Oh dear"),
    "an event": (_events({"error": {"message": "Oh dear."}}), "Oh dear"),
    "a named event": (
        Reply(body=b'event: error\ndata: {"message": "Oh dear.", "type": "x"}\n\n'),
        "Oh dear",
    ),
    "a named event of text": (Reply(body=b"event: error\ndata: Oh dear.\n\n"), "Oh dear"),
    "Anthropic": (
        _events({"type": "error", "error": {"type": "overloaded_error", "message": "Oh dear."}}),
        "Oh dear",
    ),
    "TGI": (_events({"error": "Oh dear.", "error_type": "generation"}), "Oh dear"),
    "OpenRouter, in a choice": (
        _events({"choices": [{"error": {"code": 502, "message": "Oh dear."}}]}),
        "Oh dear",
    ),
    "OpenRouter, of another": (
        _events(
            {
                "error": {
                    "message": "Provider returned error",
                    "code": 502,
                    "metadata": {"raw": '{"error": {"message": "Oh dear."}}'},
                }
            }
        ),
        "Provider returned error: Oh dear",
    ),
    "after text": (
        _events(_chunk({"content": "a"}), {"error": {"message": "Oh dear."}}),
        "Oh dear",
    ),
}


@pytest.mark.parametrize(("reply", "words"), ERRORS.values(), ids=ERRORS)
def test_an_error_with_status_200_is_told_in_the_servers_words(server, reply, words):
    with pytest.raises(ProviderServerError, match=words):
        _listen(server, reply)


def test_an_error_in_an_answer_has_the_class_that_it_means(server):
    for error, error_class in (
        ({"message": "Slow down.", "code": "rate_limit_exceeded"}, RateLimited),
        ({"message": "Oh.", "code": "429"}, RateLimited),
        ({"message": "The prompt is too long.", "code": 400}, ContextTooLong),
        ({"message": "x", "status": "RESOURCE_EXHAUSTED"}, RateLimited),
    ):
        for reply in (_events({"error": error}), Reply(body=json.dumps({"error": error}).encode())):
            with pytest.raises(ProviderError) as caught:
                _listen(server, reply)
            assert type(caught.value) is error_class


def test_no_error_stands_in_an_empty_field(server):
    for nothing in (None, "", {}, [], False):
        said = _listen(server, _events(_chunk({"content": "a"}, "stop", error=nothing)))
        assert _text(said) == "a"


def test_an_answer_without_an_answer_in_it_is_empty_and_not_asked_again(server):
    for reply in (_events(), _events({"choices": []}), Reply(body=b'{"choices": []}')):
        with pytest.raises(AnswerEmpty, match="without an answer in it") as caught:
            _listen(server, reply)
        assert caught.value.retryable is False


def test_the_old_function_call_is_a_tool_call(server):
    streamed = _events(
        _chunk({"content": None, "function_call": {"name": "add", "arguments": ""}}),
        _chunk({"function_call": {"arguments": '{"x":'}}),
        _chunk({"function_call": {"arguments": " 1}"}}),
        _chunk(reason="function_call"),
    )
    message = {"content": None, "function_call": {"name": "add", "arguments": '{"x": 1}'}}
    for reply in (streamed, _whole(message, "function_call")):
        *_, calls, last = _listen(server, reply)
        (call,) = calls.tool_calls
        assert (call.name, call.arguments, bool(call.id)) == ("add", '{"x": 1}', True)
        assert last.finish_reason == "tool_calls"
    said = _listen(server, _whole({"content": "a", "function_call": {"name": "", "arguments": ""}}))
    assert _text(said) == "a"


def _round_trip(server, *chunks):
    """The assistant's turn of the request that follows an answer with a tool call."""
    *_, calls, _ = said = _listen(server, _events(*chunks))
    turn = Message(
        "assistant",
        _text(said),
        tool_calls=calls.tool_calls,
        provider_data=calls.provider_data,
    )
    result = Message("tool", "2", tool_call_id=calls.tool_calls[0].id)
    _listen(server, Reply(text="done"), Request(model="m", messages=(turn, result)))
    return server.requests[-1].body["messages"][0]


def _call(**fields):
    function = {"name": "add", "arguments": '{"x": 1}'}
    return {"index": 0, "id": "a", "type": "function", "function": function, **fields}


def test_what_is_unknown_goes_back_as_it_came(server):
    signature = {"google": {"thought_signature": "c2ln"}}
    turn = _round_trip(
        server,
        _chunk({"reasoning_content": "H", "content": None}),
        _chunk({"reasoning_content": "m\ud83d"}),
        _chunk({"reasoning_content": "\ude00", "reasoning_details": [
            {"type": "reasoning.text", "index": 0, "id": "r", "text": "H"}]}),
        _chunk({"reasoning_details": [
            {"type": "reasoning.text", "index": 0, "id": "r", "text": "m", "signature": "s"},
            {"type": "reasoning.encrypted", "index": 1, "data": "x"}]}),
        _chunk({"tool_calls": [_call(extra_content=signature)], "annotations": [{"a": 1}]}),
        _chunk(reason="tool_calls"),
    )  # fmt: skip
    assert turn == {
        "role": "assistant",
        "content": None,
        "reasoning_content": "Hm😀",
        "reasoning_details": [
            {"type": "reasoning.text", "index": 0, "id": "r", "text": "Hm", "signature": "s"},
            {"type": "reasoning.encrypted", "index": 1, "data": "x"},
        ],
        "tool_calls": [
            {
                "id": "a",
                "type": "function",
                "function": {"name": "add", "arguments": '{"x": 1}'},
                "extra_content": signature,
            }
        ],
    }


def test_reasoning_in_the_content_goes_back_where_it_was(server):
    turn = _round_trip(
        server,
        _chunk({"content": "<think>H"}),
        _chunk({"content": "m.</think>\n\nLet me see."}),
        _chunk({"tool_calls": [_call()]}, "tool_calls"),
    )
    assert turn["content"] == "<think>Hm.</think>\n\nLet me see."
    thinking = {"type": "thinking", "thinking": [{"type": "text", "text": "ha"}]}
    turn = _round_trip(
        server,
        _chunk({"content": [thinking]}),
        _chunk({"content": [thinking]}),
        _chunk({"content": "Let"}),
        _chunk({"content": " me."}),
        _chunk({"tool_calls": [_call()]}, "tool_calls"),
    )
    assert turn["content"] == [
        {"type": "thinking", "thinking": [{"type": "text", "text": "haha"}]},
        {"type": "text", "text": "Let me."},
    ]


def test_a_server_that_refuses_its_own_fields_is_not_sent_them_again(server):
    def reply(request):
        if "reasoning_content" in str(request.body["messages"]):
            detail = [{"loc": ["body", "messages", 0, "assistant", "reasoning_content"],
                       "msg": "Extra inputs are not permitted"}]  # fmt: skip
            return Reply(status=422, body=json.dumps({"detail": detail}).encode())
        return Reply(text="done")

    chunks = (
        _chunk({"reasoning_content": "Hm."}),
        _chunk({"tool_calls": [_call(extra_content={"a": 1})]}, "tool_calls"),
    )
    *_, calls, _ = _listen(server, _events(*chunks))
    server.reply = reply
    turn = Message("assistant", "", tool_calls=calls.tool_calls, provider_data=calls.provider_data)
    result = Message("tool", "2", tool_call_id="a")
    said = _listen(server, None, Request(model="m", messages=(turn, result)))
    assert _text(said) == "done"
    sent = server.requests[-1].body["messages"][0]
    assert sent.keys() == {"role", "content", "tool_calls"}
    assert sent["tool_calls"][0].keys() == {"id", "type", "function"}


@pytest.mark.parametrize("arguments", ['{"x": ', "null", "[1]", '"x"', "NaN", "{" * 10_000])
def test_arguments_that_are_no_object_are_echoed_as_one(server, arguments):
    call = {"index": 0, "id": "a", "function": {"name": "add", "arguments": arguments}}
    turn = _round_trip(server, _chunk({"tool_calls": [call]}, "tool_calls"))
    assert turn["tool_calls"][0]["function"] == {"name": "add", "arguments": "{}"}
