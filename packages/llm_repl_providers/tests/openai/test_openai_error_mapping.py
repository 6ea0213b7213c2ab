"""Errors as servers really word them: each has its class, and the server's words are shown."""

from __future__ import annotations

import asyncio
import json

import pytest

from llm_repl_core.errors import (
    ContentRefused,
    ContextTooLong,
    KeyRejected,
    ModelNotFound,
    ProviderError,
    ProviderServerError,
    RateLimited,
    RequestRejected,
)
from llm_repl_core.providers.base import Message, ProviderConfig, Request
from llm_repl_core.providers.secret import Secret
from llm_repl_core.testing.openai_server import Reply
from llm_repl_providers.openai.error_body import codes_in, message_in, status_in
from llm_repl_providers.openai.error_mapping import ErrorReply, to_provider_error
from llm_repl_providers.openai.provider import OpenAIProvider

REQUEST = Request(model="test-model", messages=(Message("user", "one two three"),))

WORDINGS = {
    ContextTooLong: [
        (400, ("This model's maximum context length is 4096 tokens. However, your messages"
              " resulted in 5000 tokens. Please reduce the length of the messages.")),
        (400, "This model's maximum context length is 65536 tokens. However, you requested 70000"),
        (400, "prompt is too long: 210000 tokens > 200000 maximum"),
        (413, "Prompt is too long"),
        (400, "Input is too long for requested model."),
        (400, ("The input token count (1200000) exceeds the maximum number of tokens allowed"
              " (1048576).")),
        (400, ("Prompt contains 32796 tokens and 0 draft tokens, too large for model with 32768"
              " maximum context length")),
        (400, "the request exceeds the available context size, try increasing it"),
        (500, "Context size has been exceeded."),
        (400, ("Trying to keep the first 6248 tokens when context the overflows. However, the model"
              " is loaded with context length of only 4096 tokens")),
        (422, ("Input validation error: `inputs` tokens + `max_new_tokens` must be <= 4096. Given:"
              " 5000 `inputs` tokens and 20 `max_new_tokens`")),
        (422, "Input validation error: `inputs` must have less than 4095 tokens. Given: 5000"),
        (400, "too many tokens: total number of tokens in the prompt cannot exceed 4081"),
        (400, ("This model's maximum prompt length is 131072 but the request contains 537812"
              " tokens.")),
        (400, "The decoder prompt (length 5000) is longer than the maximum model length of 4096."),
        (400, ("Please reduce the length of the messages or completion. Current length is 9000"
              " while limit is 8192")),
        (413, ("Request too large for model `x` on tokens per minute (TPM): Limit 6000, Requested"
              " 9000, please reduce your message size and try again.")),
        (429, "Request too large for gpt-4 on tokens per min (TPM): Limit 10000, Requested 12345."),
        (400, ("<400> InternalError.Algo.InvalidParameter: Range of input length should be"
              " [1, 129024]")),
        (400, "Invalid request: Your request exceeded model token limit: 8192"),
        (400, "Prompt exceeds max length"),
        (400, "Requested token count exceeds the model's maximum context length of 4096 tokens."),
        (400, "Input length 9000 exceeds maximum allowed token size 4096"),
        (400, "tokens in request more than max tokens allowed"),
        (400, ("Invalid 'messages[0].content': string too long. Expected a string with maximum"
              " length 10485760")),
    ],
    RateLimited: [
        (429, "Rate limit reached for gpt-4 on tokens per min (TPM): Limit 10000, Used 9900."),
        (429, "Resource has been exhausted (e.g. check quota)."),
        (429, "You exceeded your current quota, please check your plan. Please retry in 33.2s."),
        (429, "Too many tokens, please wait before trying again."),
        (429, "The engine is currently overloaded, please try again later"),
        (400, "Rate limit exceeded: free-models-per-min."),
        (403, "Too many requests, slow down."),
        (429, ("This request would exceed your organization's rate limit of 40,000 input tokens per"
              " minute. Reduce the prompt length or the maximum tokens requested.")),
    ],
    KeyRejected: [
        (400, "API key not valid. Please pass a valid API key."),
        (400, "Incorrect API key provided: x. You can obtain an API key from the console."),
        (400, "Invalid API Key"),
        (401, "Unauthorized"),
        (403, "Forbidden"),
        (400, "Authentication Error, No api key passed in."),
        (429, "You exceeded your current quota, please check your plan and billing details."),
        (400, "Your credit balance is too low to access the API. Please go to Plans & Billing."),
        (402, "Insufficient Balance"),
        (402, "This request requires more credits, or fewer max_tokens."),
        (403, ("Your team has either used all available credits or reached its monthly spending"
              " limit.")),
        (400, "Access denied, please make sure your account is in good standing."),
        (429, "Your account is suspended due to insufficient balance, please recharge"),
    ],
    ModelNotFound: [
        (404, "The model `x` does not exist or you do not have access to it."),
        (400, "Model Not Exist"),
        (404, "model 'x' not found"),
        (404, 'model "x" not found, try pulling it first'),
        (400, "x is not a valid model ID"),
        (404, "No endpoints found for x/y."),
        (400, "Invalid model: x"),
        (400, "Invalid model 'x'. Permitted models can be found in the documentation."),
        (404, "Unable to access model x. Please visit the models page."),
        (404, ("models/x is not found for API version v1main, or is not supported for"
              " generateContent.")),
        (400, "Invalid model name passed in model=x. Call `/v1/models` to view available models."),
        (404, "The API deployment for this resource does not exist."),
        (400, "The requested model 'x' is not supported by any provider you have enabled."),
        (404, "Model x does not exist or you do not have access to it."),
        (404, "Model not found, inaccessible, and/or not deployed"),
        (404, "Not found the model x or Permission denied"),
        (403, "Project `p` does not have access to model `x`"),
        (400, "No models loaded. Please load a model in the developer page."),
        (422, "Unknown model: x"),
        (404, "model: claude-x"),
    ],
    ContentRefused: [
        (400, ("The response was filtered due to the prompt triggering Azure OpenAI's content"
              " management policy.")),
        (403, "x requires moderation. Your input was flagged."),
        (400, "Input data may contain inappropriate content."),
    ],
    ProviderServerError: [
        (500, "The server had an error while processing your request."),
        (503, "The model is overloaded. Please try again later."),
        (529, "Overloaded"),
        (502, "Bad gateway"),
        (400, "Server is busy, try again"),
    ],
    RequestRejected: [
        (400, "max_tokens is too large: 5000. This model supports at most 4096 completion tokens."),
        (400, "Unsupported value: 'temperature' does not support 0.5 with this model."),
        (400, "This model does not support image input."),
        (400, "registry.ollama.ai/library/x does not support tools"),
        (404, "No endpoints found that support tool use."),
        (404, "Not Found"),
        (404, "404 page not found"),
        (404, "Unknown request URL: POST /v1/chat. Please check the URL for typos."),
        (405, "Method Not Allowed"),
        (500, "image input is not supported - hint: you may need to provide the mmproj"),
        (501, "This server does not support embeddings: not implemented"),
        (400, "Invalid 'messages': empty array."),
        (422, "Field required"),
        (400, "Invalid model parameter: top_k"),
    ],
}  # fmt: skip


@pytest.mark.parametrize(
    ("error_class", "status", "words"),
    [(cls, status, words) for cls, cases in WORDINGS.items() for status, words in cases],
)
def test_words_alone_tell_which_error_it_is(error_class, status, words):
    reply = ErrorReply(status=status, message=words.rstrip("."), codes=frozenset())
    error = to_provider_error(reply, where="The server at http://a/v1", has_key=True)
    assert type(error) is error_class
    assert words.rstrip(".") in str(error)


@pytest.mark.parametrize(
    ("words", "wait_s"),
    [
        ("Please try again in 1.5s.", 1.5),
        ("Please try again in 6m0s.", 360),
        ("Please try again in 250ms.", 0.25),
        ("Please retry in 33.2s.", 33.2),
        ("Retry after 20 seconds", 20),
        ("Try again later", None),
    ],
)
def test_how_long_to_wait_is_read_from_the_words(words, wait_s):
    reply = ErrorReply(status=429, message=words, codes=frozenset())
    assert to_provider_error(reply, where="The server", has_key=True).retry_after_s == wait_s


BODIES = {
    "OpenAI": ({"error": {"message": "Oh dear.", "type": "x", "code": None}}, "Oh dear"),
    "a text": ({"error": "Oh dear."}, "Oh dear"),
    "vLLM": ({"object": "error", "message": "Oh dear.", "type": "B", "code": 400}, "Oh dear"),
    "FastAPI": ({"detail": "Oh dear."}, "Oh dear"),
    "FastAPI, a list": (
        {"detail": [{"type": "missing", "loc": ["body", "messages", 0], "msg": "Oh dear."}]},
        "body.messages.0: Oh dear",
    ),
    "FastAPI, an object": ({"detail": {"error": "Oh dear."}}, "Oh dear"),
    "a message that is an object": ({"error": {"message": {"detail": "Oh dear."}}}, "Oh dear"),
    "Mistral": ({"message": {"detail": [{"loc": ["a"], "msg": "Oh dear."}]}}, "a: Oh dear"),
    "Gemini, in a list": ([{"error": {"code": 400, "message": "Oh dear."}}], "Oh dear"),
    "errors": ({"errors": [{"message": "Oh"}, {"message": "dear"}]}, "Oh; dear"),
    "texts": (["Oh", "dear."], "Oh; dear"),
    "a list of errors": ({"error": ["Oh dear."]}, "Oh dear"),
    "a problem": ({"title": "Oh", "detail": "dear.", "status": 400}, "dear: Oh"),
    "beside a word": ({"error": "Bad Request", "message": "Oh dear."}, "Oh dear: Bad Request"),
    "JSON in JSON": ({"error": {"message": '{"detail": "Oh dear."}'}}, "Oh dear"),
    "LiteLLM": (
        {"error": {"message": "litellm.BadRequestError: Oh dear.", "code": "400"}},
        "litellm.BadRequestError: Oh dear",
    ),
    "OpenRouter": (
        {
            "error": {
                "message": "Provider returned error",
                "metadata": {"raw": '{"error": {"message": "Oh dear."}}', "provider_name": "X"},
            }
        },
        "Provider returned error: Oh dear",
    ),
    "the same twice": ({"message": "Oh dear.", "detail": "Oh dear."}, "Oh dear"),
    "plain text": ("Oh dear.", "Oh dear"),
    "a page": ("<html><head><title>502 Bad Gateway</title></head></html>", "502 Bad Gateway"),
    "a page without a title": ("<html></html>", ""),
    "nothing": ("", ""),
    "null": (None, ""),
    "a number": (7, ""),
    "an empty object": ({}, ""),
}


@pytest.mark.parametrize(("body", "words"), BODIES.values(), ids=BODIES)
def test_the_servers_words_are_found_in_every_form(server, body, words):
    told = message_in(body)
    assert told.rstrip(".") == words
    raw = body.encode() if isinstance(body, str) else json.dumps(body).encode()
    server.script(Reply(status=422, body=raw))
    error = _fail(server)
    assert type(error) is RequestRejected
    assert words in str(error)
    assert "<" not in str(error)
    assert "\n" not in str(error)


def test_codes_are_found_wherever_they_stand():
    google = [
        {
            "error": {
                "code": 400,
                "status": "INVALID_ARGUMENT",
                "details": [{"reason": "API_KEY_INVALID"}],
            }
        }
    ]
    assert {"400", "INVALID_ARGUMENT", "API_KEY_INVALID"} <= codes_in(google)
    assert status_in({"error": {"code": "429"}}) == 429
    assert status_in({"error": {"code": "x", "status": 503}}) == 503
    assert [status_in(one) for one in ({"code": 200}, {"code": True}, [], "500", {})] == [None] * 5


def test_a_body_that_is_hostile_does_no_harm():
    deep: object = "end"
    for _ in range(10_000):
        deep = {"error": [deep]}
    assert message_in(deep) == ""
    assert codes_in(deep) == frozenset()
    assert message_in("[" * 100_000).startswith("[")
    many = {"detail": [{"msg": f"m{number}"} for number in range(100_000)]}
    assert message_in(many) == "m0; m1; m2"


def _fail(server):
    async def main():
        config = ProviderConfig(base_url=server.base_url, api_key=Secret("sk-canary-0123456789"))
        provider = OpenAIProvider(config)
        try:
            async for _ in provider.stream(REQUEST):
                pass
        finally:
            await provider.close()

    with pytest.raises(ProviderError) as caught:
        asyncio.run(main())
    return caught.value
