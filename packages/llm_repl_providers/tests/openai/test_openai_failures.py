"""What goes wrong, and what is said about it."""

from __future__ import annotations

import asyncio
import json
import logging
import socket
import threading
import traceback
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest

from llm_repl_core.errors import (
    AnswerBroken,
    AnswerEmpty,
    AnswerUnreadable,
    ContentRefused,
    ContextTooLong,
    KeyMissing,
    KeyRejected,
    ModelNotFound,
    ProviderError,
    ProviderServerError,
    ProviderTimeout,
    ProviderUnreachable,
    RateLimited,
    RequestRejected,
)
from llm_repl_core.providers.base import Message, ProviderConfig, Request
from llm_repl_core.providers.secret import Secret
from llm_repl_core.providers.streaming import deltas
from llm_repl_core.testing.openai_server import OpenAIServer, Reply
from llm_repl_providers.openai.provider import OpenAIProvider

KEY = "sk-canary-0123456789"
REQUEST = Request(model="test-model", messages=(Message("user", "one two three"),))


def _provider(base_url, **config):
    config = {"base_url": base_url, "api_key": Secret(KEY), "timeout_s": 5.0, **config}
    return OpenAIProvider(ProviderConfig(**config))


async def _ask(provider):
    try:
        return [delta async for delta in deltas(provider, REQUEST)]
    finally:
        await provider.close()


def _fail(provider):
    with pytest.raises(ProviderError) as caught:
        asyncio.run(_ask(provider))
    return caught.value


def _fail_alone(provider):
    """Fail without `deltas`, which takes keys out, too."""

    async def main():
        try:
            async for _ in provider.stream(REQUEST):
                pass
        finally:
            await provider.close()

    with pytest.raises(ProviderError) as caught:
        asyncio.run(main())
    return caught.value


def _rejection(status, message="Something.", **fields):
    return Reply(status=status, error={"message": message, **fields})


def _in_stream(document):
    return Reply(body=b'data: {"error": ' + document + b"}\n\n")


CASES = {
    "401": (_rejection(401, "Incorrect API key provided: sk-c***789."), KeyRejected),
    "401 as text": (Reply(status=401, body=b'{"error": "unauthorized"}'), KeyRejected),
    "403": (_rejection(403, "Country not supported."), KeyRejected),
    "402": (_rejection(402, "Insufficient balance."), KeyRejected),
    "no credit": (_rejection(429, code="insufficient_quota"), KeyRejected),
    "no model": (_rejection(404, code="model_not_found"), ModelNotFound),
    "no model, in words": (_rejection(404, "model 'x' not found, try pulling it"), ModelNotFound),
    "no model, as 400": (_rejection(400, code="invalid_model"), ModelNotFound),
    "wrong path": (Reply(status=404, body=b'{"detail": "Not Found"}'), RequestRejected),
    "429": (_rejection(429, "Slow down."), RateLimited),
    "too long": (_rejection(400, code="context_length_exceeded"), ContextTooLong),
    "too long, by type": (_rejection(400, type="exceed_context_size_error"), ContextTooLong),
    "too long, in words": (
        _rejection(400, "This model's maximum context length is 4096 tokens."),
        ContextTooLong,
    ),
    "filter": (_rejection(400, code="content_filter"), ContentRefused),
    "400": (_rejection(400, "Unsupported parameter: 'top_k'."), RequestRejected),
    "409": (_rejection(409), RequestRejected),
    "422": (_rejection(422), RequestRejected),
    "500": (_rejection(500), ProviderServerError),
    "503 in HTML": (Reply(status=503, body=b"<html><h1>Sorry</h1></html>"), ProviderServerError),
    "504": (Reply(status=504, body=b""), ProviderTimeout),
    "error in the stream": (_in_stream(b'{"message": "Oh.", "code": null}'), ProviderServerError),
    "429 in the stream": (_in_stream(b'{"message": "Oh.", "code": 429}'), RateLimited),
    "text in the stream": (_in_stream(b'"Oh."'), ProviderServerError),
    "break in the answer": (Reply(break_after=2), AnswerBroken),
    "break inside an event": (Reply(cut_bytes=50, break_after=2), AnswerBroken),
    "end without an end": (Reply(finish_reason=None, done=False), AnswerBroken),
    "hang-up": (Reply(hang_up=True), AnswerBroken),
    "no JSON": (Reply(body=b"data: {nonsense\n\n"), AnswerUnreadable),
    "no UTF-8": (Reply(body=b"data: \xff\xfe\n\n"), AnswerUnreadable),
    "HTML": (Reply(body=b"<html></html>", headers={"Content-Type": "text/html"}), RequestRejected),
    "no choice": (Reply(body=b'data: {"choices": []}\n\ndata: [DONE]\n\n'), AnswerEmpty),
    "strange choices": (Reply(body=b'data: {"choices": 3}\n\ndata: 7\n\n'), AnswerBroken),
    "nothing": (Reply(body=b""), AnswerBroken),
    "bytes": (Reply(body=bytes(range(256))), ProviderServerError),
}


@pytest.mark.parametrize(("reply", "error_class"), CASES.values(), ids=CASES)
def test_what_the_server_does_is_told_in_one_sentence(server, reply, error_class):
    server.script(reply)
    error = _fail(_provider(server.base_url))
    assert type(error) is error_class, error
    assert server.base_url in str(error) or "refused" in str(error)
    assert "\n" not in str(error)
    assert "<" not in str(error)
    assert str(error).endswith((".", "?"))
    assert ".." not in str(error)
    assert str(error).isprintable()
    assert len(server.requests) == 1


def test_the_servers_own_words_are_passed_on(server):
    server.script(_rejection(400, "Unsupported parameter:\n 'top_k'."))
    assert "Unsupported parameter: 'top_k'." in str(_fail(_provider(server.base_url)))
    server.script(_rejection(400, "long " * 1000))
    assert len(str(_fail(_provider(server.base_url)))) < 500


def test_after_a_failure_the_next_call_succeeds(server):
    server.script(Reply(status=500), Reply(break_after=2), Reply(text="fine"))
    provider = _provider(server.base_url)
    assert isinstance(_fail(provider), ProviderServerError)
    assert isinstance(_fail(provider), AnswerBroken)
    assert asyncio.run(_ask(provider))[0].text == "fine"


def test_what_came_before_the_break_was_given(server):
    server.script(Reply(text="one two three", break_after=3))
    came = []

    async def main():
        provider = _provider(server.base_url)
        try:
            async for delta in deltas(provider, REQUEST):
                came.append(delta.text)
        finally:
            await provider.close()

    with pytest.raises(AnswerBroken):
        asyncio.run(main())
    assert came == ["one ", "two "]


@pytest.mark.parametrize(
    "failure",
    [b'data: {"error": {"message": "Oh."}}\n\n', b"data: {nonsense\n\n"],
    ids=["an error", "no JSON"],
)
def test_what_comes_together_with_a_failure_was_given(server, failure):
    piece = b'data: {"choices": [{"index": 0, "delta": {"content": "one "}}]}\n\n'
    server.script(Reply(body=piece + failure))
    came = []

    async def main():
        provider = _provider(server.base_url)
        try:
            async for delta in deltas(provider, REQUEST):
                came.append(delta.text)
        finally:
            await provider.close()

    with pytest.raises(ProviderError):
        asyncio.run(main())
    assert came == ["one "]


@pytest.mark.parametrize(
    ("headers", "expected_s"),
    [
        ({"Retry-After": "20"}, 20),
        ({"Retry-After": "0.5"}, 0.5),
        ({"Retry-After": "-3"}, 0),
        ({"retry-after-ms": "1500", "Retry-After": "2"}, 1.5),
        ({"Retry-After": "Wed, 21 Oct 2015 07:28:00 GMT"}, 0),
    ],
)
def test_it_is_passed_on_how_long_to_wait(server, headers, expected_s):
    server.script(Reply(status=429, headers=headers))
    error = _fail(_provider(server.base_url))
    assert isinstance(error, RateLimited)
    assert error.retry_after_s == expected_s


def test_it_is_passed_on_until_when_to_wait(server):
    # Made here: what is collected may run many minutes later.
    until = format_datetime(datetime.now(UTC) + timedelta(hours=1))
    server.script(Reply(status=429, headers={"Retry-After": until}))
    error = _fail(_provider(server.base_url))
    assert isinstance(error, RateLimited)
    assert error.retry_after_s == pytest.approx(3600, abs=60)


@pytest.mark.parametrize(
    "headers", [{}, {"Retry-After": "soon"}, {"Retry-After": "nan"}, {"Retry-After": "inf"}]
)
def test_an_unreadable_wait_is_none(server, headers):
    server.script(Reply(status=429, headers=headers))
    assert _fail(_provider(server.base_url)).retry_after_s is None


@pytest.mark.parametrize("reply", [Reply(stall_after=0), Reply(stall_after=2), Reply(delay_s=60)])
def test_a_stall_becomes_a_timeout(server, reply):
    server.script(reply)
    error = _fail(_provider(server.base_url, timeout_s=0.2))
    assert type(error) is ProviderTimeout
    assert "sent nothing for 0.2 s" in str(error)
    assert server.requests[0].disconnected.wait(10)


def test_slow_is_not_stalled(server):
    server.script(Reply(text="a b c d e f", delay_per_piece_s=0.1))
    deltas_ = asyncio.run(_ask(_provider(server.base_url, timeout_s=0.5)))
    assert "".join(delta.text for delta in deltas_) == "a b c d e f"


def test_a_refused_connection_is_unreachable():
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{unused.getsockname()[1]}/v1"
        error = _fail(_provider(url))
    assert type(error) is ProviderUnreachable
    assert url in str(error)


def test_an_unknown_host_is_unreachable():
    error = _fail(_provider("http://no-such-host.invalid/v1"))
    assert type(error) is ProviderUnreachable
    assert "no-such-host.invalid" in str(error)


def test_a_failed_handshake_is_unreachable():
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def answer_in_clear():
            connection, _ = listener.accept()
            with connection:
                connection.recv(1000)
                connection.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")

        thread = threading.Thread(target=answer_in_clear)
        thread.start()
        error = _fail(_provider(f"https://127.0.0.1:{listener.getsockname()[1]}/v1"))
        thread.join(10)
    assert type(error) is ProviderUnreachable, error
    assert "SSL" in str(error)


def test_models_say_it_too_when_offline(server):
    async def main(provider):
        try:
            await provider.models()
        finally:
            await provider.close()

    with pytest.raises(ProviderUnreachable, match=r"is this machine online\?$"):
        asyncio.run(main(_provider("http://no-such-host.invalid/v1")))
    server.models_reply = Reply(body=b"<html>", headers={"Content-Type": "text/html"})
    with pytest.raises(AnswerBroken, match="without a list of models"):
        asyncio.run(main(_provider(server.base_url)))
    with pytest.raises(RequestRejected, match="does not know this address"):
        asyncio.run(main(_provider(server.base_url + "/v2")))


@pytest.mark.parametrize("status", [301, 302, 307, 308])
def test_a_redirect_takes_nothing_elsewhere(server, status):
    with OpenAIServer() as elsewhere:
        location = f"{elsewhere.base_url}/chat/completions"
        server.script(Reply(status=status, headers={"Location": location}))
        error = _fail(_provider(server.base_url))
        assert elsewhere.requests == []
    assert type(error) is RequestRejected
    assert "redirects elsewhere" in str(error)


def test_a_server_that_wants_a_key_says_which_variable():
    with OpenAIServer(key=KEY) as server:
        error = _fail(_provider(server.base_url, api_key=None))
        assert type(error) is KeyMissing
        assert "OPENAI_API_KEY" in str(error)

        class Named(OpenAIProvider):
            name = "lab"
            key_variable = None

        named = _fail(Named(ProviderConfig(base_url=server.base_url)))
    assert type(named) is KeyMissing
    assert "Run `llm-repl keys set lab`." in str(named)
    assert "OPENAI_API_KEY" not in str(named)


LEAKS_OF_RESPONSES = {
    "failed": {"type": "response.failed", "response": {"error": {"message": f"{KEY} is used up"}}},
    "in an error event": {"type": "error", "message": f"{KEY} is used up", "code": None},
    "in a form that is unknown": {"type": "response.output_text.delta", "delta": {KEY: KEY}},
}


@pytest.mark.parametrize("document", LEAKS_OF_RESPONSES.values(), ids=LEAKS_OF_RESPONSES)
def test_no_key_is_seen_in_an_error_of_responses(server, document, caplog):
    body = f"data: {json.dumps(document)}\n\n".encode()
    test_no_key_is_seen_anywhere(server, Reply(body=body), "responses", caplog)


LEAKS = {
    "in the message": _rejection(400, f"You sent {KEY}, which is bad."),
    "in a 401": _rejection(401, f"Incorrect API key provided: {KEY}."),
    "in a text": Reply(status=500, body=f"Bearer {KEY} failed".encode()),
    "in the stream": _in_stream(f'{{"message": "{KEY} is used up"}}'.encode()),
    "in what cannot be read": Reply(body=f"data: {{{KEY}\n\n".encode()),
    "in the reason": Reply(status=403, error=f"{KEY} may not"),
}


@pytest.mark.parametrize(
    "reply", [*LEAKS.values(), *(reply for reply, _ in CASES.values())], ids=[*LEAKS, *CASES]
)
@pytest.mark.parametrize("api", ["chat", "responses"])
def test_no_key_is_seen_anywhere(server, reply, api, caplog):
    caplog.set_level(logging.DEBUG)
    server.script(reply)
    provider = _provider(server.base_url, options={"api": api})
    error = _fail_alone(provider)
    logging.getLogger("test").error("The call failed.", exc_info=error)
    shown = [
        str(error),
        repr(error),
        repr(vars(error)),
        repr(provider.config),
        "".join(traceback.TracebackException.from_exception(error, capture_locals=True).format()),
        repr(error.__cause__),
        repr(error.__context__),
        caplog.text,
        *(str(vars(record)) for record in caplog.records),
    ]
    assert not [text for text in shown if KEY in text]
    assert error.__cause__ is None
    assert error.__context__ is None
    assert server.requests[0].headers["authorization"] == f"Bearer {KEY}"
