from __future__ import annotations

import asyncio
import contextvars
import threading
import time
import traceback
from contextlib import aclosing

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from llm_repl_core.errors import ProviderError, RateLimited
from llm_repl_core.providers.base import Delta, Message, Provider, ProviderConfig, Request
from llm_repl_core.providers.secret import Secret
from llm_repl_core.providers.streaming import deltas

KEY = "sk-canary-0123456789"
REQUEST = Request(model="any", messages=(Message("user", "hello"),))


class _Base(Provider):
    name = "example"
    default_model = "any"


async def _text(provider, request=REQUEST):
    return "".join([delta.text async for delta in deltas(provider, request)])


def _provider(stream, **config):
    return type("Example", (_Base,), {"stream": stream})(ProviderConfig(**config))


def _keyed(stream):
    return _provider(stream, api_key=Secret(KEY))


def _plain(texts):
    def stream(self, request):
        for text in texts:
            yield Delta(text=text)

    return _provider(stream)


def _asynchronous(texts):
    async def stream(self, request):
        for text in texts:
            yield Delta(text=text)

    return _provider(stream)


@settings(max_examples=30, deadline=None)
@given(st.lists(st.text(max_size=5), max_size=200))
def test_both_kinds_of_generator_give_the_same_deltas(texts):
    async def collect(provider):
        return [delta.text async for delta in deltas(provider, REQUEST)]

    plain = asyncio.run(collect(_plain(texts)))
    assert plain == asyncio.run(collect(_asynchronous(texts)))
    # White space at the beginning waits for what comes after it.
    assert "".join(plain) == "".join(texts)


def test_a_plain_generator_does_not_block_the_loop():
    may_go_on = threading.Event()

    def stream(self, request):
        assert may_go_on.wait(10)
        yield Delta(text="done")

    async def main():
        answer = asyncio.create_task(_text(_provider(stream)))
        await asyncio.sleep(0)
        may_go_on.set()  # reached only while the generator waits
        return await answer

    assert asyncio.run(main()) == "done"


def test_plain_generators_run_at_the_same_time():
    together = threading.Barrier(40)  # more than a thread pool would let in

    def stream(self, request):
        together.wait(10)
        yield Delta(text=".")

    async def main():
        provider = _provider(stream)
        return await asyncio.gather(*(_text(provider) for _ in range(40)))

    assert asyncio.run(main()) == ["."] * 40


def test_a_plain_generator_runs_ahead_only_so_far():
    produced = []

    def stream(self, request):
        for number in range(10_000):
            produced.append(number)
            yield Delta(text="x")

    async def main():
        async with aclosing(deltas(_provider(stream), REQUEST)) as answer:
            await anext(answer)
            await asyncio.sleep(0.05)
            return len(produced)

    assert asyncio.run(main()) < 200


def test_the_callers_context_is_seen():
    variable = contextvars.ContextVar("variable", default="unset")

    def stream(self, request):
        yield Delta(text=variable.get())

    async def main():
        variable.set("set")
        return await _text(_provider(stream))

    assert asyncio.run(main()) == "set"


def test_leaving_early_closes_an_async_generator_at_once():
    closed = []

    async def stream(self, request):
        try:
            yield Delta(text="a")
            yield Delta(text="b")
        finally:
            closed.append(True)

    async def main():
        async with aclosing(deltas(_provider(stream), REQUEST)) as answer:
            await anext(answer)
        assert closed == [True]

    asyncio.run(main())


def test_leaving_early_closes_a_plain_generator():
    closed = threading.Event()

    def stream(self, request):
        try:
            while True:
                yield Delta(text="a")
        finally:
            closed.set()

    async def main():
        async with aclosing(deltas(_provider(stream), REQUEST)) as answer:
            await anext(answer)
        # While the loop lives: its end would close the generator as well.
        assert await asyncio.to_thread(closed.wait, 10)

    asyncio.run(main())


def test_cancelling_does_not_wait_for_a_plain_generator_that_hangs():
    started, let_go, closed = threading.Event(), threading.Event(), threading.Event()

    def stream(self, request):
        try:
            started.set()
            let_go.wait(10)
            yield Delta(text="late")
        finally:
            closed.set()

    async def main():
        answer = asyncio.create_task(_text(_provider(stream)))
        assert await asyncio.to_thread(started.wait, 10)
        before = time.monotonic()
        answer.cancel()
        with pytest.raises(asyncio.CancelledError):
            await answer
        assert time.monotonic() - before < 2

    asyncio.run(main())
    assert not closed.is_set()
    let_go.set()  # the loop is closed by now, which the thread must survive
    assert closed.wait(10)


def test_the_provider_is_named_where_it_fails():
    def plain(self, request):
        yield Delta(text="a")
        raise TypeError("this is odd")

    async def asynchronous(self, request):
        yield Delta(text="a")
        raise TypeError("this is odd")

    for stream in (plain, asynchronous):
        with pytest.raises(
            ProviderError,
            match=r"^The provider `example` failed: TypeError: this is odd "
            r"\(test_provider_streaming\.py, line \d+\)$",
        ) as caught:
            asyncio.run(_text(_provider(stream)))
        assert type(caught.value) is ProviderError


def test_a_failure_of_the_call_itself_is_described_too():
    def stream(self, request):
        raise ZeroDivisionError

    with pytest.raises(ProviderError, match=r"failed: ZeroDivisionError \("):
        asyncio.run(_text(_provider(stream)))


def test_provider_errors_pass_as_they_are():
    def stream(self, request):
        yield Delta(text="a")
        raise RateLimited("Slowly.", retry_after_s=3)

    with pytest.raises(RateLimited, match=r"^Slowly\.$") as caught:
        asyncio.run(_text(_provider(stream)))
    assert caught.value.retry_after_s == 3


def _raise_key_in_message(self, request):
    yield Delta(text="a")
    raise ValueError(f"bad key {KEY}")


def _raise_key_in_provider_error(self, request):
    yield Delta(text="a")
    raise RateLimited(f"no more for {KEY}")


def _raise_key_in_cause(self, request):
    yield Delta(text="a")
    try:
        raise ValueError(f"bad key {KEY}")
    except ValueError as error:
        raise RateLimited("Slowly.") from error


@pytest.mark.parametrize(
    "stream", [_raise_key_in_message, _raise_key_in_provider_error, _raise_key_in_cause]
)
def test_no_error_shows_the_key(stream):
    with pytest.raises(ProviderError) as caught:
        asyncio.run(_text(_keyed(stream)))
    shown = "".join(traceback.format_exception(caught.value))
    assert KEY not in shown
    assert KEY not in repr(caught.value)
    assert type(caught.value).__name__ in shown


def test_a_cause_without_the_key_stays():
    def stream(self, request):
        yield Delta(text="a")
        try:
            raise ValueError("harmless")
        except ValueError as error:
            raise RateLimited("Slowly.") from error

    with pytest.raises(RateLimited) as caught:
        asyncio.run(_text(_keyed(stream)))
    assert isinstance(caught.value.__cause__, ValueError)


def test_what_is_no_delta_is_named():
    def stream(self, request):
        yield "text"

    with pytest.raises(ProviderError, match="`example` yields a str where a Delta belongs"):
        asyncio.run(_text(_provider(stream)))


def test_what_is_no_generator_is_named():
    async def stream(self, request):
        return "text"

    with pytest.raises(ProviderError, match="`stream` must be a generator"):
        asyncio.run(_text(_provider(stream)))
