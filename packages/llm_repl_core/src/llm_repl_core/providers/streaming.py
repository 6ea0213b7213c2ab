"""One way to listen to any provider, whichever kind of generator it was written as."""

from __future__ import annotations

import asyncio
import contextlib
import contextvars
import threading
import traceback
from collections.abc import AsyncGenerator, AsyncIterator, Iterator
from pathlib import PurePath
from typing import Any, Final

import msgspec

from llm_repl_core.errors import ProviderError
from llm_repl_core.providers.base import Delta, Provider, Request
from llm_repl_core.providers.finish_reasons import read_finish_reason
from llm_repl_core.providers.secret import Secret, redact
from llm_repl_core.providers.thinking import Portion, ThinkingSplitter

__all__ = ["deltas"]

_NOTHING: Final = Delta()

_RUN_AHEAD_LIMIT: Final = 64
"""How many deltas a plain generator may be ahead of its listener."""


async def deltas(provider: Provider, request: Request) -> AsyncGenerator[Delta, None]:
    """Answer a request, piece by piece, and close the provider's stream whatever happens.

    A plain generator runs in a thread of its own, so that any number of them answer at the same
    time. When the listener leaves early, an async generator is closed before this returns; a
    plain one is closed in its thread as soon as it comes back from the piece that it is at.

    Reasoning that stands in the text, see `ThinkingSplitter`, comes as reasoning.

    To leave early and be sure that the stream is closed then, and not at some later garbage
    collection, listen within ``contextlib.aclosing``.

    Args:
        provider: Who answers.
        request: What is asked.

    Yields:
        The provider's deltas, as they come.

    Raises:
        ProviderError: What the provider raised. Anything else that it raised becomes a plain
            `ProviderError` which names the provider. No message holds its key.
    """
    failure: ProviderError | None = None
    splitter = ThinkingSplitter()
    try:
        source = _listen(provider, provider.stream(request))
        try:
            async for delta in source:
                if not isinstance(delta, Delta):
                    raise ProviderError(_not_a_delta(provider, delta))
                if delta.finish_reason is not None:
                    delta = _told_apart(_in_known_words(delta), splitter)
                elif delta.text and not splitter.passes(delta.text):
                    delta = _told_apart(delta, splitter)
                    if delta == _NOTHING:
                        continue  # it is held back until there is more of it
                yield delta
            rest = _told_apart(_NOTHING, splitter, is_end=True)
            if rest != _NOTHING:
                yield rest
        finally:
            if hasattr(source, "aclose"):
                await source.aclose()
    except ProviderError as error:
        _hide_key(error, provider.config.api_key)
        raise
    except Exception as error:  # noqa: BLE001 - a provider may be anybody's code
        failure = ProviderError(_describe(provider, error))
    if failure is not None:
        # Raised out here so that it carries no context: the error, and the frames that it
        # came through, may hold the key.
        raise failure


def _in_known_words(delta: Delta) -> Delta:
    """A delta whose reason is one of the six: a plugin may pass its server's word on."""
    reason, word = read_finish_reason(str(delta.finish_reason))
    if word is None:
        return delta
    return msgspec.structs.replace(
        delta,
        finish_reason=reason,
        provider_finish_reason=delta.provider_finish_reason or word,
    )


def _told_apart(delta: Delta, splitter: ThinkingSplitter, *, is_end: bool = False) -> Delta:
    """A delta of which the text is answer only; the last one brings what was held back."""
    portion = splitter.add(delta.text) if delta.text else Portion()
    text, reasoning, replaces_text = portion
    if is_end or delta.finish_reason is not None:
        rest = splitter.end()
        replaces_text = rest.replaces_text
        text = rest.text if replaces_text else text + rest.text
        reasoning += rest.reasoning
    if text == delta.text and not reasoning and not replaces_text:
        return delta
    return msgspec.structs.replace(
        delta, text=text, reasoning=delta.reasoning + reasoning, replaces_text=replaces_text
    )


def _listen(provider: Provider, stream: Any) -> AsyncIterator[Any]:
    if hasattr(stream, "__aiter__"):
        return aiter(stream)
    if hasattr(stream, "__iter__"):
        return _from_thread(iter(stream), f"provider-{provider.name}")
    if asyncio.iscoroutine(stream):
        stream.close()
    raise ProviderError(
        f"The provider `{provider.name}` answers with a {type(stream).__name__}: its `stream` "
        "must be a generator, one that yields deltas."
    )


async def _from_thread(iterator: Iterator[Any], thread_name: str) -> AsyncIterator[Any]:
    """Iterate in a thread; the loop is never blocked, not even by closing."""
    loop = asyncio.get_running_loop()
    arrived: asyncio.Queue[tuple[Any, BaseException | None]] = asyncio.Queue()
    places = threading.Semaphore(_RUN_AHEAD_LIMIT)
    left = threading.Event()
    end = object()

    def pump() -> None:
        error: BaseException | None = None
        try:
            while True:
                places.acquire()
                if left.is_set():
                    break
                item = next(iterator, end)
                if item is end:
                    break
                loop.call_soon_threadsafe(arrived.put_nowait, (item, None))
        except BaseException as caught:  # noqa: BLE001 - it is raised again by the listener
            error = caught
        try:
            close = getattr(iterator, "close", None)
            if close is not None:
                close()
        except BaseException as caught:  # noqa: BLE001 - the same
            error = error or caught
        # A loop that is closed has no listener any more.
        with contextlib.suppress(RuntimeError):
            loop.call_soon_threadsafe(arrived.put_nowait, (end, error))

    # A thread of its own: in a shared pool, slow answers would wait for each other.
    context = contextvars.copy_context()
    threading.Thread(target=context.run, args=(pump,), name=thread_name, daemon=True).start()
    try:
        while True:
            item, error = await arrived.get()
            if error is not None:
                raise error
            if item is end:
                return
            places.release()
            yield item
    finally:
        left.set()
        places.release()


def _not_a_delta(provider: Provider, item: object) -> str:
    return (
        f"The provider `{provider.name}` yields a {type(item).__name__} where a Delta belongs: "
        "for a piece of text, `yield Delta(text=…)`."
    )


def _describe(provider: Provider, error: Exception) -> str:
    """One sentence; with the place in the code, since the traceback is not passed on."""
    text = redact(str(error), provider.config.api_key).strip()
    summary = f"{type(error).__name__}: {text}" if text else type(error).__name__
    frames = traceback.extract_tb(error.__traceback__)
    place = f" ({PurePath(frames[-1].filename).name}, line {frames[-1].lineno})" if frames else ""
    return f"The provider `{provider.name}` failed: {summary}{place}"


def _hide_key(error: BaseException, secret: Secret | None) -> None:
    """Take the key out of an error of the provider's, and cut off causes that show it."""
    error.args = tuple(
        redact(value, secret) if isinstance(value, str) else value for value in error.args
    )
    behind = error.__cause__ or error.__context__
    while behind is not None:
        if redact(repr(behind), secret) != repr(behind):
            error.__cause__ = error.__context__ = None
            return
        behind = behind.__cause__ or behind.__context__
