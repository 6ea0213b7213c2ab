"""What servers refuse to take, in their own words: the request is written otherwise, once."""

from __future__ import annotations

import asyncio
import json

import pytest

from llm_repl_core.errors import ProviderError, RateLimited, RequestRejected
from llm_repl_core.providers.base import AnswerSchema, Message, ProviderConfig, Request, Tool
from llm_repl_core.providers.streaming import deltas
from llm_repl_core.testing.openai_server import Reply
from llm_repl_providers.openai.chat.limitations import CHAT_LIMITATIONS
from llm_repl_providers.openai.provider import OpenAIProvider

SCHEMA = AnswerSchema(
    name="animal",
    schema={
        "type": "object",
        "properties": {"name": {"type": "string"}},
        "required": ["name"],
        "additionalProperties": False,
    },
)
NOW = Tool(name="now", description="", parameters={"type": "object", "properties": {}})


def _request(model="test-model", text="Say hello.", **fields):
    return Request(model=model, messages=(Message("user", text),), **fields)


def _answers(server, *requests):
    """The texts of requests that one provider answers, one after the other."""

    async def main():
        provider = OpenAIProvider(ProviderConfig(base_url=server.base_url))
        try:
            return [
                "".join([delta.text async for delta in deltas(provider, request)])
                for request in requests
            ]
        finally:
            await provider.close()

    return asyncio.run(main())


def _refuses(has, error, status=400):
    """A server that refuses requests which have something, and answers all others."""

    def reply(request):
        if has(request.body):
            return Reply(status=status, body=json.dumps(error).encode())
        return Reply(text="fine")

    return reply


def _form(body):
    return (body.get("response_format") or {}).get("type")


_VERIFY = (
    "Your organization must be verified to stream this model. Please go to: "
    "https://platform.openai.com/settings/organization/general and click on Verify Organization."
)
REFUSALS = {
    "stream_options": (
        lambda body: "stream_options" in body,
        {"detail": [{"loc": ["body", "stream_options"], "msg": "Extra inputs are not permitted"}]},
        422,
        _request(),
    ),
    "openai: not verified": (
        lambda body: body["stream"],
        {"error": {"message": _VERIFY, "param": "stream", "code": "unsupported_value"}},
        400,
        _request(),
    ),
    "streaming, in words": (
        lambda body: body["stream"],
        {"error": "Streaming is not supported for this model"},
        400,
        _request(),
    ),
    **{
        f"streaming: {words}": (
            lambda body: body["stream"],
            {"error": {"message": words}},
            400,
            _request(),
        )
        for words in (
            "Streaming is disabled for this account.",
            "This model only supports non-streaming requests.",
            "`stream` must be set to false for this model.",
            "Set stream=false to use this endpoint.",
        )
    },
    "streaming, the other way round": (
        lambda body: body["stream"],
        {"detail": "This deployment doesn't support streaming."},
        501,
        _request(),
    ),
    "groq: json_schema": (
        lambda body: _form(body) == "json_schema",
        {
            "error": {
                "message": "This model does not support response format `json_schema`.",
                "param": "response_format",
            }
        },
        400,
        _request(answer_schema=SCHEMA),
    ),
    "deepseek: json_schema": (
        lambda body: _form(body) == "json_schema",
        {"error": {"message": "This response_format type is unavailable now"}},
        400,
        _request(answer_schema=SCHEMA),
    ),
    "pydantic: json_schema": (
        lambda body: _form(body) == "json_schema",
        {
            "detail": [
                {
                    "type": "literal_error",
                    "loc": ["body", "response_format", "type"],
                    "msg": "Input should be 'text' or 'json_object'",
                }
            ]
        },
        422,
        _request(answer_schema=SCHEMA),
    ),
    "no response_format at all": (
        lambda body: "response_format" in body,
        {"error": {"message": "Unsupported parameter: 'response_format'"}},
        400,
        _request(answer_schema=SCHEMA),
    ),
    "openai: max_tokens": (
        lambda body: "max_tokens" in body,
        {
            "error": {
                "message": "Unsupported parameter: 'max_tokens' is not supported with this model."
                " Use 'max_completion_tokens' instead.",
                "param": "max_tokens",
                "code": "unsupported_parameter",
            }
        },
        400,
        _request(options={"max_tokens": 7}),
    ),
    "mistral: max_completion_tokens": (
        lambda body: "max_completion_tokens" in body,
        {
            "detail": [
                {"loc": ["body", "max_completion_tokens"], "msg": "Extra inputs are not permitted"}
            ]
        },
        422,
        _request(options={"max_completion_tokens": 7}),
    ),
    "parameters are required": (
        lambda body: any("parameters" not in tool["function"] for tool in body.get("tools", ())),
        {
            "detail": [
                {"loc": ["body", "tools", 0, "function", "parameters"], "msg": "Field required"}
            ]
        },
        422,
        _request(tools=(NOW,)),
    ),
    "everything, one after the other": (
        lambda body: body["stream"] or "response_format" in body or "max_tokens" in body,
        {
            "error": {
                "message": "stream_options; Streaming is not supported; response_format; "
                "json_object; use max_completion_tokens"
            }
        },
        400,
        _request(answer_schema=SCHEMA, options={"max_tokens": 7}),
    ),
}


@pytest.mark.parametrize(("has", "error", "status", "request_"), REFUSALS.values(), ids=REFUSALS)
def test_what_is_refused_is_written_otherwise_and_remembered(server, has, error, status, request_):
    server.reply = _refuses(has, error, status)
    assert _answers(server, request_, request_) == ["fine", "fine"]
    refused = [has(received.body) for received in server.requests]
    assert refused[-2:] == [False, False]
    assert refused.count(True) == len(refused) - 2


def test_it_is_known_of_the_model_that_refused_and_of_no_other(server):
    def reply(request):
        refused = request.body["model"] == "old" and request.body["stream"]
        return Reply(status=400, error="Streaming is not supported.") if refused else Reply()

    server.reply = reply
    _answers(server, _request("old"), _request("new"), _request("old"))
    sent = [(received.body["model"], received.body["stream"]) for received in server.requests]
    assert sent == [("old", True), ("old", False), ("new", True), ("old", False)]
    assert "stream_options" not in server.requests[-1].body


def test_a_refused_schema_is_told_in_words(server):
    server.reply = _refuses(lambda body: _form(body) == "json_schema", {"error": "response_format"})
    _answers(server, _request(answer_schema=SCHEMA), _request(text="", answer_schema=SCHEMA))
    told, empty = (received.body for received in server.requests[1:])
    assert told["response_format"] == {"type": "json_object"}
    content = told["messages"][-1]["content"]
    assert content.startswith("Say hello.\n\nAnswer with one JSON object")
    assert json.loads(content[content.index("{") :]) == SCHEMA.schema
    assert empty["messages"][-1]["content"].startswith("Answer with one JSON object")


def test_one_bad_schema_says_nothing_of_the_others(server):
    def reply(request):
        if _form(request.body) == "json_schema" and "bad" in str(request.body["response_format"]):
            return Reply(status=400, error="Invalid schema for response_format 'bad'.")
        return Reply()

    server.reply = reply
    bad = AnswerSchema(name="bad", schema=SCHEMA.schema)
    _answers(server, _request(answer_schema=bad), _request(answer_schema=SCHEMA))
    assert [_form(received.body) for received in server.requests] == [
        "json_schema",
        "json_object",
        "json_schema",
    ]


def test_an_answer_in_one_piece_may_take_longer_than_the_next_piece_of_a_stream(server):
    def reply(request):
        if request.body["stream"]:
            return Reply(status=400, error="Streaming is not supported.")
        return Reply(text="fine", delay_s=1.0)

    server.reply = reply

    async def main():
        config = ProviderConfig(base_url=server.base_url, timeout_s=0.6)
        provider = OpenAIProvider(config)
        try:
            return [delta.text async for delta in deltas(provider, _request())]
        finally:
            await provider.close()

    assert "".join(asyncio.run(main())) == "fine"


def test_what_did_not_help_is_not_remembered(server):
    server.reply = Reply(status=400, error="Streaming is not supported, and neither are you.")
    with pytest.raises(RequestRejected, match="neither are you"):
        _answers(server, _request())
    assert [received.body["stream"] for received in server.requests] == [True, False]
    server.script(Reply(status=400, error="no streaming: not supported"), Reply.rate_limited(1))
    with pytest.raises(RateLimited):
        _answers(server, _request())
    server.reply = Reply()
    _answers(server, _request())
    assert server.requests[-1].body["stream"] is True


@pytest.mark.parametrize(
    ("status", "words"),
    [
        (400, "Unsupported value: 'temperature' does not support 0.5 with this model."),
        (400, "Unknown parameter: 'parallel_tool_calls'."),
        (401, "Your organization must be verified to stream this model."),
        (429, "Streaming is not supported so fast."),
        (503, "response_format is not available"),
    ],
)
def test_what_a_user_asks_for_is_not_left_out_nor_asked_twice(server, status, words):
    server.reply = Reply(status=status, error=words)
    options = {"parallel_tool_calls": False}
    with pytest.raises(ProviderError, match=words):
        _answers(server, _request(temperature=0.5, options=options))
    assert len(server.requests) == 1


def test_a_server_that_refuses_for_ever_is_not_asked_for_ever(server, refuse_for_ever):
    everything = " ".join(limitation.name for limitation in CHAT_LIMITATIONS)
    refuse_for_ever(
        f"{everything} response_format invalid json_schema stream not supported "
        "max_completion_tokens unknown parameters messages."
    )
    with pytest.raises(RequestRejected):
        _answers(server, _request(tools=(NOW,), answer_schema=SCHEMA, options={"max_tokens": 7}))
    assert len(server.requests) <= len(CHAT_LIMITATIONS) + 1


def test_the_body_shows_what_has_been_known_limitations(server):
    server.reply = _refuses(lambda body: body["stream"], {"error": "no stream: not supported"})

    async def main():
        provider = OpenAIProvider(ProviderConfig(base_url=server.base_url))
        try:
            before = provider.body(_request())
            async for _ in deltas(provider, _request()):
                pass
            return before, provider.body(_request())
        finally:
            await provider.close()

    before, after = asyncio.run(main())
    assert (before["stream"], after["stream"]) == (True, False)
    assert after == server.requests[-1].body
