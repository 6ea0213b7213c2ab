"""What every provider must do, as tests that its author subclasses.

::

    class TestReverse(ProviderSuite):
        def make_provider(self):
            return ReverseProvider()
"""

from __future__ import annotations

import asyncio
import inspect
import json
import time
import traceback
from collections.abc import Awaitable, Callable
from contextlib import aclosing
from functools import partial
from typing import ClassVar, TypeVar, get_args

import msgspec
import pytest

from llm_repl_core.errors import (
    KeyMissing,
    LLMReplError,
    ModelNotFound,
    ProviderError,
    RequestRejected,
)
from llm_repl_core.providers.base import (
    Delta,
    FinishReason,
    Message,
    Provider,
    Request,
    Tool,
    ToolCall,
)
from llm_repl_core.providers.secret import Secret
from llm_repl_core.providers.streaming import deltas
from llm_repl_core.testing._provider_samples import (
    ADD,
    ATTACHMENTS,
    requests_of_each_kind,
    with_attachment,
)
from llm_repl_core.testing._turn_suite import TurnSuite, check_usage, collect

__all__ = ["ProviderSuite"]

T = TypeVar("T")

_HERE = "The mock turtle sang of beautiful soup."
_THERE = "Twelve lobsters danced a slow quadrille."
_CANARY_KEY = "canary-key-0123456789"
_CLOSE_LIMIT_S = 2.0


class ProviderSuite(TurnSuite):
    """Subclass it as ``class TestMine(ProviderSuite)`` and write `make_provider`.

    Attributes:
        deterministic: Whether the same request gets the same answer each time.
        rejects_unknown_models: Whether a model that does not exist is reported.
        lists_default_model: Whether `models` can be asked in a test, and names the default.
        limit_s: How long one test may take.
    """

    deterministic: ClassVar[bool] = True
    rejects_unknown_models: ClassVar[bool] = True
    lists_default_model: ClassVar[bool] = True
    limit_s: ClassVar[float] = 30.0

    def make_provider(self) -> Provider:
        """A provider that can be asked; where it needs a key, with one in its configuration.

        A provider opens nothing before its first call: one that is made need not be closed.
        """
        raise NotImplementedError

    def make_request(self, text: str = _HERE) -> Request:
        """A request that the provider answers with at least one character."""
        model = self.make_provider().default_model
        return Request(model=model, messages=(Message("user", text),))

    def expected_answer(self, text: str) -> str | None:
        """What ``make_request(text)`` is answered; None: there is no telling."""

    def make_tool_request(self, tool: Tool) -> Request | None:
        """A request whose answer asks for this tool at least once; None: it calls no tools."""

    def open_connections(self) -> int | None:
        """How many connections the far end has open now; None: there is no telling."""

    def test_the_class_says_who_it_is(self) -> None:
        """It has a name, a default model, and `stream`."""
        provider = self.make_provider()
        assert isinstance(provider, Provider), f"{type(provider).__name__} is no Provider"
        for attribute in ("name", "default_model"):
            value = getattr(provider, attribute, None)
            assert isinstance(value, str), f"`{attribute}` must be a text, not {value!r}"
            assert value, f"`{attribute}` must not be empty"
        assert "/" not in provider.name, "a name with `/` cannot be a model's prefix"
        assert inspect.isabstract(type(provider)) is False, "`stream` is not written"

    def test_an_answer_comes_in_deltas(self) -> None:
        """At least one delta comes, and the texts join to the answer."""
        pieces = self._run(lambda provider: collect(provider, self.make_request()))
        assert pieces, "not one delta came"
        answer = _text(pieces)
        assert answer, "the deltas' texts join to nothing"
        expected = self.expected_answer(_HERE)
        assert expected is None or answer == expected, f"{answer!r} is not {expected!r}"

    def test_the_end_is_told_once(self) -> None:
        """Usage comes at most once, the reason for the end at most once and last."""
        pieces = self._run(lambda provider: collect(provider, self.make_request()))
        counted = [piece.usage for piece in pieces if piece.usage is not None]
        assert len(counted) <= 1, f"usage comes once, at the end, not {len(counted)} times"
        ends = [number for number, piece in enumerate(pieces) if piece.finish_reason is not None]
        assert len(ends) <= 1, f"finish_reason comes once, not {len(ends)} times"
        assert ends in ([], [len(pieces) - 1]), "finish_reason comes with the last delta"
        told = {piece.finish_reason for piece in pieces} - {None}
        assert told <= set(get_args(FinishReason)), f"finish_reason is {told}: see FinishReason"
        for usage in counted:
            check_usage(usage)

    def test_the_same_request_gets_the_same_answer(self) -> None:
        """Where it says that it is deterministic, it is."""
        self._need(self.deterministic, "its answers differ")

        async def ask_twice(provider: Provider) -> tuple[str, str]:
            return (await self._ask(provider, _HERE), await self._ask(provider, _HERE))

        first, second = self._run(ask_twice)
        assert first == second, f"{first!r} and then {second!r}"

    def test_calls_at_the_same_time_do_not_mix(self) -> None:
        """One object serves many calls at once."""

        async def ask(provider: Provider) -> tuple[list[str], list[str]]:
            texts = [_HERE, _THERE] * 4
            alone = [await self._ask(provider, text) for text in (_HERE, _THERE)] * 4
            together = await asyncio.gather(*(self._ask(provider, text) for text in texts))
            return alone, list(together)

        alone, together = self._run(ask)
        assert all(together), f"an answer is empty: {together}"
        if self.deterministic:
            assert together == alone, f"alone {alone}, at the same time {together}"

    def test_leaving_early_leaves_it_usable(self) -> None:
        """A stream may be closed after its first delta."""

        async def leave_and_ask(provider: Provider) -> str:
            for _ in range(3):
                async with aclosing(deltas(provider, self.make_request())) as answer:
                    first = await anext(answer, None)
                assert first is not None, "no delta comes after a stream that was left"
            return await self._ask(provider, _HERE)

        assert self._run(leave_and_ask), "there is no answer after a stream that was left"

    def test_cancelling_leaves_it_usable(self) -> None:
        """A call may be cancelled before its first delta."""

        async def cancel_and_ask(provider: Provider) -> str:
            call = asyncio.create_task(self._ask(provider, _HERE))
            await asyncio.sleep(0)
            call.cancel()
            await asyncio.gather(call, return_exceptions=True)
            return await self._ask(provider, _HERE)

        assert self._run(cancel_and_ask), "there is no answer after a call that was cancelled"

    def test_cancelling_closes(self) -> None:
        """A call that is cancelled ends at once, and so does its connection."""

        async def cancel(provider: Provider) -> None:
            for wait_for_first in (True, False):
                first = asyncio.Event()
                call = asyncio.create_task(self._listen(provider, first))
                if wait_for_first:
                    arrival = asyncio.create_task(first.wait())
                    await asyncio.wait((arrival, call), return_when=asyncio.FIRST_COMPLETED)
                    arrival.cancel()
                else:
                    await asyncio.sleep(0.01)
                before_s = time.monotonic()
                call.cancel()
                _, unfinished = await asyncio.wait([call], timeout=_CLOSE_LIMIT_S)
                assert not unfinished, "the call goes on though it was cancelled"
                assert time.monotonic() - before_s < _CLOSE_LIMIT_S
            while self.open_connections():  # none is kept: an answer was on its way on each
                assert time.monotonic() - before_s < _CLOSE_LIMIT_S, "the connection stays open"
                await asyncio.sleep(0.01)

        self._run(cancel)

    def test_the_body_is_json_and_holds_no_key(self) -> None:
        """What is shown and recorded as sent can be written down, and shows no key."""
        config = self.make_provider().config
        if config.api_key is None:
            config = msgspec.structs.replace(config, api_key=Secret(_CANARY_KEY))
        provider = type(self.make_provider())(config)
        for kind, request in requests_of_each_kind(self.make_request()).items():
            try:
                body = provider.body(request)
            except RequestRejected:
                continue
            text = json.dumps(body, allow_nan=False, ensure_ascii=False)
            assert json.loads(text) == body, f"{kind}: its body is no plain JSON"
            assert isinstance(body, dict), f"{kind}: its body is no object"
            assert config.api_key is not None
            assert config.api_key.reveal() not in text, f"{kind}: its body shows the key"

    def test_the_same_request_has_the_same_body(self) -> None:
        """For any object of the class, and at any time."""
        for kind, request in requests_of_each_kind(self.make_request()).items():
            bodies = []
            for _ in range(2):
                try:
                    bodies.append(self.make_provider().body(request))
                except RequestRejected as error:
                    bodies.append({"rejected": str(error)})
            assert bodies[0] == bodies[1], f"{kind}: {bodies[0]} and then {bodies[1]}"

    def test_tool_calls_come_whole(self) -> None:
        """Each once, with an id of its own, before the end; and their results are taken."""
        request = self.make_tool_request(ADD)
        if request is None:
            pytest.skip("it calls no tools")
        pieces = self._run(lambda provider: collect(provider, request))
        calls = [call for piece in pieces for call in piece.tool_calls]
        assert calls, "it asked for no tool"
        for call in calls:
            assert isinstance(call, ToolCall), f"{call!r} is no ToolCall"
            assert call.id, "a call has no id"
            assert call.name == ADD.name, f"it asks for `{call.name}`"
            arguments = json.loads(call.arguments)
            assert isinstance(arguments, dict), f"the arguments are {call.arguments}"
        assert len({call.id for call in calls}) == len(calls), "two calls have the same id"
        assert pieces[-1].finish_reason is not None, "nothing says that the answer is complete"

        said = Message("assistant", _text(pieces), tool_calls=tuple(calls))
        results = (Message("tool", "3", tool_call_id=call.id) for call in calls)
        again = msgspec.structs.replace(request, messages=(*request.messages, said, *results))
        pieces = self._run(lambda provider: collect(provider, again))
        assert pieces, "the results are not answered"

    def test_attachments_work_or_are_rejected(self) -> None:
        """Either there is an answer, or `RequestRejected` with a sentence."""
        for kind, attachment in ATTACHMENTS.items():
            request = with_attachment(self.make_request(), attachment)
            answer, rejection = self._run(partial(_collect_or_reject, request))
            said = answer if rejection is None else str(rejection).strip()
            assert said, f"{kind}: neither the answer nor the error says anything"

    def test_tokens_are_counted_exactly_or_not_at_all(self) -> None:
        """What is counted beforehand is what usage says afterwards."""

        async def count(provider: Provider) -> tuple[int | None, list[Delta]]:
            request = self.make_request()
            return await provider.count_tokens(request), await collect(provider, request)

        counted, pieces = self._run(count)
        if counted is None:
            pytest.skip("it cannot count beforehand")
        assert isinstance(counted, int), f"{counted!r} is no number of tokens"
        for usage in (piece.usage for piece in pieces if piece.usage is not None):
            assert usage.input_tokens in {None, counted}, (
                f"counted beforehand: {counted}, by usage: {usage.input_tokens}"
            )

    def test_an_unknown_model_is_reported(self) -> None:
        """It is `ModelNotFound`, with a sentence."""
        self._need(self.rejects_unknown_models, "it takes any model")
        error = self._fail_with_unknown_model()
        assert isinstance(error, ModelNotFound), f"ModelNotFound was due, not {error!r}"
        assert str(error).strip(), "the error says nothing"

    def test_no_error_holds_the_key(self) -> None:
        """Neither its message nor its causes."""
        self._need(self.rejects_unknown_models, "it takes any model")
        secret = self.make_provider().config.api_key
        if secret is None:
            pytest.skip("it has no key")
        error = self._fail_with_unknown_model()
        shown = "".join(traceback.format_exception(error)) + repr(error) + repr(vars(error))
        assert secret.reveal() not in shown, "the error, or what caused it, shows the key"

    def test_a_missing_key_names_its_variable(self) -> None:
        """It is `KeyMissing`, before anything is sent."""
        provider = self.make_provider()
        if provider.key_variable is None:
            pytest.skip("it needs no key")
        bare = type(provider)(msgspec.structs.replace(provider.config, api_key=None, base_url=None))
        with pytest.raises(KeyMissing, match=provider.key_variable):
            asyncio.run(self._limited(_ask_and_close(bare, self.make_request())))

    def test_models_names_the_default(self) -> None:
        """The default model is on offer."""
        self._need(self.lists_default_model, "its models cannot be listed here")

        async def list_models(provider: Provider) -> tuple[str, list[str]]:
            default = provider.config.model or provider.default_model
            return default, list(await provider.models())

        default, models = self._run(list_models)
        assert default in models, f"{default} is not among {models}"

    def test_closing_twice_does_no_harm(self) -> None:
        """Nor does closing what was never used."""

        async def close(provider: Provider) -> None:
            await self._ask(provider, _HERE)
            await provider.close()  # and again when the test is left

        async def close_unused(provider: Provider) -> None:
            await provider.close()

        self._run(close)
        self._run(close_unused)

    async def _listen(self, provider: Provider, first: asyncio.Event) -> None:
        async with aclosing(deltas(provider, self.make_request())) as answer:
            async for _ in answer:
                first.set()
                await asyncio.Event().wait()

    def _need(self, capability: bool, reason: str) -> None:
        if not capability:
            pytest.skip(reason)

    def _run(self, use: Callable[[Provider], Awaitable[T]]) -> T:
        """Make a provider, use it within the limit, and close it."""

        async def main() -> T:
            provider = self.make_provider()
            try:
                return await use(provider)
            finally:
                await provider.close()

        return asyncio.run(self._limited(main()))

    async def _limited(self, work: Awaitable[T]) -> T:
        return await asyncio.wait_for(work, self.limit_s)

    async def _ask(self, provider: Provider, text: str) -> str:
        return _text(await collect(provider, self.make_request(text)))

    def _fail_with_unknown_model(self) -> LLMReplError:
        request = msgspec.structs.replace(self.make_request(), model="no-such-model-anywhere")
        with pytest.raises(ProviderError) as caught:
            self._run(lambda provider: collect(provider, request))
        return caught.value


async def _collect_or_reject(
    request: Request, provider: Provider
) -> tuple[str, RequestRejected | None]:
    try:
        return _text(await collect(provider, request)), None
    except RequestRejected as error:
        return "", error


async def _ask_and_close(provider: Provider, request: Request) -> None:
    try:
        await collect(provider, request)
    finally:
        await provider.close()


def _text(pieces: list[Delta]) -> str:
    return "".join(piece.text for piece in pieces)
