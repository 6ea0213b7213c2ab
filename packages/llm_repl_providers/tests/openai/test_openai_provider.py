"""The provider and the real SDK against a server on loopback."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
import threading
import time
from contextlib import aclosing

import pytest

from llm_repl_core.errors import (
    InvalidSetting,
    KeyMissing,
    KeyRejected,
    ProviderError,
    RequestRejected,
)
from llm_repl_core.providers.base import (
    Message,
    ProviderConfig,
    Request,
    Usage,
)
from llm_repl_core.providers.secret import Secret
from llm_repl_core.providers.streaming import deltas
from llm_repl_core.testing.openai_server import OpenAIServer, Reply
from llm_repl_providers.openai.provider import OpenAIProvider

KEY = "sk-canary-0123456789"
LIMIT_S = 10.0


def _provider(server, **config):
    config = {"base_url": server.base_url, "api_key": Secret(KEY), "timeout_s": 5.0, **config}
    return OpenAIProvider(ProviderConfig(**config))


def _request(text="Say hello.", **fields):
    messages = (Message("system", "Be kind."), Message("user", text))
    return Request(**{"model": "test-model", "messages": messages, **fields})


async def _ask(provider, request=None):
    try:
        return [delta async for delta in deltas(provider, request or _request())]
    finally:
        await provider.close()


def _answer(provider, request=None):
    return "".join(delta.text for delta in asyncio.run(_ask(provider, request)))


def test_a_request_is_sent_as_it_is(server):
    request = _request(temperature=0.5, options={"max_tokens": 7, "top_k": 3, "seed": 1})
    asyncio.run(_ask(_provider(server, options={"seed": 2, "user": "u"}), request))
    (received,) = server.requests
    assert received.body == {
        "model": "test-model",
        "messages": [
            {"role": "system", "content": "Be kind."},
            {"role": "user", "content": "Say hello."},
        ],
        "stream": True,
        "stream_options": {"include_usage": True},
        "temperature": 0.5,
        "max_tokens": 7,
        "top_k": 3,
        "seed": 1,
        "user": "u",
    }
    assert received.headers["authorization"] == f"Bearer {KEY}"


def test_the_end_carries_usage_model_and_reason(server):
    server.script(Reply(text="a b c", finish_reason="length"))
    *_, last = asyncio.run(_ask(_provider(server)))
    raw = {"prompt_tokens": 4, "completion_tokens": 3, "total_tokens": 7}
    assert last.usage == Usage(input_tokens=4, output_tokens=3, raw=raw)
    assert (last.finish_reason, last.model) == ("length", "test-model")


@pytest.mark.parametrize("cut_bytes", [1, 2, 3, 7, 64])
def test_cuts_at_any_byte_do_not_show(server, cut_bytes):
    text = "Grüße aus Köln — 寿司 🍣🍣 and e\u0301, on\ntwo lines\r\nor three.\u2028"
    server.script(Reply(pieces=tuple(text), cut_bytes=cut_bytes))
    assert _answer(_provider(server)) == text


def test_an_empty_answer_is_an_answer(server):
    server.script(Reply(text=""))
    (only,) = asyncio.run(_ask(_provider(server)))
    assert (only.text, only.finish_reason) == ("", "stop")


def test_strange_chunks_are_passed_over(server):
    server.script(
        Reply(
            body=b": a comment\n\n"
            b'data: {"choices": [], "prompt_filter_results": []}\n\n'
            b'data: {"choices": [{"index": 0, "delta": null}]}\n\n'
            b'data: {"choices": [{"index": 1, "delta": {"content": "other"}}]}\n\n'
            b'data: {"choices": null}\n\n'
            b'data: {"choices": [{"index": 0, "delta": {"content": null}}]}\n\n'
            b'data: {"choices": [{"index": 0, "delta": {"content": "ok"}}], "usage": "x"}\n\n'
            b'data: {"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}],'
            b' "usage": {"prompt_tokens": "many", "completion_tokens": 1, "speed": {"a": 1}}}\n\n'
        )
    )
    first, last = asyncio.run(_ask(_provider(server)))
    assert first.text == "ok"
    raw = {"prompt_tokens": "many", "completion_tokens": 1, "speed": {"a": 1}}
    assert last.usage == Usage(output_tokens=1, raw=raw)


@pytest.mark.parametrize("status", [400, 422])
def test_a_server_without_stream_options_is_asked_again_without(server, status):
    rejection = Reply(status=status, error={"message": "Unknown parameter: stream_options."})
    server.script(rejection, Reply(text="one"), Reply(text="two"))
    provider = _provider(server)

    async def main():
        texts = []
        for _ in range(2):
            async with aclosing(deltas(provider, _request())) as answer:
                texts.append("".join([delta.text async for delta in answer]))
        await provider.close()
        return texts

    assert asyncio.run(main()) == ["one", "two"]
    asked = ["stream_options" in received.body for received in server.requests]
    assert asked == [True, False, False]


def test_nothing_else_is_asked_again(server):
    server.script(Reply(status=400), Reply(status=500))
    provider = _provider(server)
    for number in (1, 2):
        with pytest.raises(ProviderError):
            asyncio.run(_ask(provider))
        assert len(server.requests) == number
    assert _answer(provider) == "Say hello."


def test_options_that_are_ours_are_rejected(server):
    for name in ("messages", "model", "stream_options"):
        with pytest.raises(RequestRejected, match=f"`{name}` cannot be set"):
            asyncio.run(_ask(_provider(server), _request(options={name: 1})))
    assert server.requests == []


STALL = Reply(stall_after=2)
LONG = Reply(text="word " * 1000, delay_per_piece_s=0.01)


async def _leave_by_closing(provider, server):
    async with aclosing(deltas(provider, _request())) as answer:
        await anext(answer)
        return time.monotonic()


async def _leave_by_cancelling(provider, server):
    known = len(server.requests)
    call = asyncio.create_task(_text(provider, _request()))
    await _until(lambda: len(server.requests) > known)
    await asyncio.sleep(0.05)
    left_s = time.monotonic()
    call.cancel()
    with pytest.raises(asyncio.CancelledError):
        await call
    return left_s


@pytest.mark.parametrize(
    ("reply", "leave"),
    [
        (Reply(delay_s=60), _leave_by_cancelling),
        (STALL, _leave_by_cancelling),
        (STALL, _leave_by_closing),
        (LONG, _leave_by_cancelling),
        (LONG, _leave_by_closing),
    ],
)
def test_the_server_sees_at_once_that_the_client_left(server, reply, leave):
    async def main():
        provider = _provider(server)
        await provider.models()  # the SDK is imported, and the connection open
        delays_s = []
        for _ in range(3):
            server.script(reply)
            left_s = await leave(provider, server)
            received = server.requests[-1]
            assert await asyncio.to_thread(received.disconnected.wait, LIMIT_S)
            delays_s.append(received.disconnected_at_s - left_s)
        await provider.close()
        return min(delays_s)

    assert asyncio.run(asyncio.wait_for(main(), 2 * LIMIT_S)) <= 0.2


async def _until(condition):
    """Wait for what happens in the server's thread."""
    deadline = time.monotonic() + LIMIT_S
    while not condition():
        assert time.monotonic() < deadline
        await asyncio.sleep(0.005)


def test_calls_share_a_connection_that_is_closed_in_the_end(server):
    async def main():
        provider = _provider(server)
        for _ in range(3):
            async with aclosing(deltas(provider, _request())) as answer:
                assert [delta async for delta in answer]
        await _until(lambda: server.open_connections == 1)
        assert not any(received.closed.is_set() for received in server.requests)
        await provider.close()
        await provider.close()
        await _until(lambda: server.open_connections == 0)

    asyncio.run(main())


def test_one_object_serves_several_event_loops(server):
    provider = _provider(server)
    for _ in range(2):
        assert _answer(provider) == "Say hello."


def test_it_can_be_closed_from_another_event_loop(server):
    provider = _provider(server)

    async def ask_and_wait(asked, closed):
        assert await _text(provider, _request()) == "Say hello."
        asked.set()
        await asyncio.to_thread(closed.wait, LIMIT_S)

    async def close():
        await provider.close()
        await _until(lambda: server.open_connections == 0)

    asked, closed = threading.Event(), threading.Event()
    other = threading.Thread(target=lambda: asyncio.run(ask_and_wait(asked, closed)))
    other.start()
    try:
        assert asked.wait(LIMIT_S)
        asyncio.run(close())
    finally:
        closed.set()
        other.join(LIMIT_S)


def test_many_calls_at_once_get_their_own_answers(server):
    async def main():
        provider = _provider(server)
        calls = [
            asyncio.wait_for(_text(provider, _request(f"number {number}")), LIMIT_S)
            for number in range(16)
        ]
        texts = await asyncio.gather(*calls)
        await provider.close()
        return texts

    assert asyncio.run(main()) == [f"number {number}" for number in range(16)]


def test_many_calls_are_sent_at_once(server):
    server.reply = Reply(stall_before_head=True)

    async def main():
        provider = _provider(server)
        await provider.models()
        before = len(server.requests)
        calls = [asyncio.ensure_future(_text(provider, _request("x"))) for _ in range(16)]
        # None of them is answered: one after the other, there would be one.
        await _until(lambda: len(server.requests) == before + 16)
        for call in calls:
            call.cancel()
        await asyncio.gather(*calls, return_exceptions=True)
        await provider.close()

    asyncio.run(asyncio.wait_for(main(), 2 * LIMIT_S))


async def _text(provider, request):
    async with aclosing(deltas(provider, request)) as answer:
        return "".join([delta.text async for delta in answer])


def test_models_are_listed():
    with OpenAIServer(models=("b", "a")) as server:

        async def main():
            provider = _provider(server)
            try:
                return await provider.models()
            finally:
                await provider.close()

        assert asyncio.run(main()) == ["a", "b"]


@pytest.mark.parametrize(
    "listing",
    [
        [{"id": "b"}, {"id": "a"}],
        {"models": [{"name": "b"}, {"name": "a"}]},
        {"data": ["b", "a", "a", None, 5, "\x1b[2Ja"]},
        {"data": None, "models": [{"model": "a"}, {"id": None, "model": "b"}]},
    ],
)
@pytest.mark.parametrize("media_type", ["application/json", "text/plain"])
def test_models_are_listed_in_other_forms(listing, media_type):
    with OpenAIServer() as server:
        server.models_reply = Reply(
            body=json.dumps(listing).encode(), headers={"Content-Type": media_type}
        )

        async def main():
            provider = _provider(server)
            try:
                return await provider.models()
            finally:
                await provider.close()

        assert asyncio.run(main()) == ["a", "b"]


def test_without_a_key_nothing_is_sent_to_openai():
    for key in (None, Secret(""), Secret(" \n")):
        provider = OpenAIProvider(ProviderConfig(api_key=key))
        with pytest.raises(KeyMissing, match=r"OPENAI_API_KEY.*`mock` needs none"):
            asyncio.run(_ask(provider))
        assert provider._connections == {}


def test_a_server_of_ones_own_needs_no_key(server, monkeypatch):
    monkeypatch.setenv("OPENAI_API_KEY", KEY)  # who configures this provider has decided
    assert _answer(_provider(server, api_key=None)) == "Say hello."
    assert server.requests[0].headers["authorization"] == "Bearer none"


def test_white_space_around_a_key_is_not_sent(server):
    assert _answer(_provider(server, api_key=Secret(f" {KEY}\n"))) == "Say hello."
    assert server.requests[0].headers["authorization"] == f"Bearer {KEY}"


def test_what_cannot_be_a_key_is_not_sent(server):
    for text in (f"{KEY}\nX-Other: 1", f"{KEY}€", f"{KEY} {KEY}"):
        with pytest.raises(KeyRejected, match="characters that no key has") as caught:
            asyncio.run(_ask(_provider(server, api_key=Secret(text))))
        assert KEY not in str(caught.value)
    assert server.requests == []


def test_the_environment_says_where_the_server_is(server, monkeypatch):
    monkeypatch.setenv("OPENAI_BASE_URL", server.base_url)
    assert _answer(OpenAIProvider()) == "Say hello."
    monkeypatch.setenv("OPENAI_BASE_URL", "http://127.0.0.1:1/v1")
    assert _answer(_provider(server)) == "Say hello."
    monkeypatch.setenv("OPENAI_BASE_URL", "nonsense")
    with pytest.raises(InvalidSetting, match="OPENAI_BASE_URL must be a URL"):
        OpenAIProvider()
    monkeypatch.setenv("OPENAI_BASE_URL", "")
    with pytest.raises(KeyMissing):
        asyncio.run(_ask(OpenAIProvider()))


@pytest.mark.parametrize(
    "url",
    [
        "localhost:11434",
        "ftp://localhost/v1",
        "http://",
        "http://[::1/v1",
        "http://localhost:notaport/v1",
        "http://local host/v1",
        "http://localhost/v1\n",
        f"http://{'x' * 70}.example/v1",
        KEY,
        f"http://user:{KEY}@localhost/v1",
        f"http://localhost/v1?key={KEY}",
    ],
)
def test_a_bad_url_is_one_sentence_that_does_not_repeat_it(url):
    with pytest.raises(InvalidSetting, match=r"^`base_url` must [^\n]*\.$") as caught:
        OpenAIProvider(ProviderConfig(base_url=url))
    assert KEY not in str(caught.value)


def test_the_sdk_is_imported_by_the_first_call_only():
    code = (
        "import sys; from llm_repl_providers.openai.plugin import llm_repl_providers as hook;"
        "(provider_class,) = hook(); provider_class();"
        "assert not {'openai', 'httpx', 'httpx2', 'pydantic',"
        " 'llm_repl_providers.openai.translation'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)
