"""What a provider must do of all that is no plain text: a part of the suite that authors subclass."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from contextlib import aclosing
from typing import TypeVar, get_args

import msgspec
import pytest

from llm_repl_core.errors import RequestRejected
from llm_repl_core.model.json_value import JSONValue
from llm_repl_core.providers.base import (
    CacheHint,
    Delta,
    Message,
    Provider,
    ReasoningEffort,
    Request,
    Tool,
)
from llm_repl_core.providers.parts import Media, Reasoning, Refusal, ToolCallPlace
from llm_repl_core.providers.streaming import deltas
from llm_repl_core.providers.turn import Turn, TurnBuilder, text_of
from llm_repl_core.providers.usage import Usage
from llm_repl_core.testing._provider_samples import ADD

__all__ = ["TurnSuite", "check_usage", "collect"]

T = TypeVar("T")


class TurnSuite:
    """Reasoning, refusals, caching, media. `ProviderSuite` has it; what a provider lacks is skipped."""

    def make_provider(self) -> Provider:
        """See `ProviderSuite.make_provider`."""
        raise NotImplementedError

    def make_request(self, text: str = "Hello.") -> Request:
        """See `ProviderSuite.make_request`."""
        raise NotImplementedError

    def _run(self, use: Callable[[Provider], Awaitable[T]]) -> T:
        """Make a provider, use it within the limit, and close it."""
        raise NotImplementedError

    def make_reasoning_request(self, tool: Tool) -> Request | None:
        """A request that makes it think, and then ask for this tool, in one turn; None: it cannot.

        Where what it thought has to come back, so does that: the suite sends the tool's result.
        """

    def make_refusal_request(self) -> Request | None:
        """A request that the model refuses; None: there is no telling how to make one."""

    def make_cached_request(self) -> Request | None:
        """A request of which usage says, when it is sent again, what was cached; None: it never does."""

    def make_media_request(self) -> Request | None:
        """A request whose answer has a picture or a sound; None: it makes none."""

    def test_reasoning_is_no_text_and_goes_back(self) -> None:
        """It is told apart from the answer, and what the provider wants back of it is sent back."""
        request = self.make_reasoning_request(ADD)
        if request is None:
            pytest.skip("it does not think")

        async def talk(provider: Provider) -> None:
            turn = await turn_of(provider, request)
            assert turn.reasoning or turn.of_kind(Reasoning), "it does not say that it thought"
            assert not turn.reasoning or turn.reasoning not in turn.text, "it is in the answer"
            assert turn.tool_calls, "it asked for no tool"
            _check_parts(turn)
            said = Message(
                "assistant",
                turn.text,
                tool_calls=turn.tool_calls,
                provider_data=turn.provider_data,
                parts=turn.parts,
            )
            results = [Message("tool", "3", tool_call_id=call.id) for call in turn.tool_calls]
            again = msgspec.structs.replace(request, messages=(*request.messages, said, *results))
            opaque = [turn.provider_data, *(call.provider_data for call in turn.tool_calls)]
            opaque += [getattr(part, "provider_data", {}) for part in turn.parts]
            if any(opaque):
                bare = msgspec.structs.replace(
                    said,
                    provider_data={},
                    parts=(),
                    tool_calls=tuple(
                        msgspec.structs.replace(call, provider_data={}) for call in turn.tool_calls
                    ),
                )
                without = (*request.messages, bare, *results)
                forgetful = msgspec.structs.replace(request, messages=without)
                assert provider.body(again) != provider.body(forgetful), (
                    "what it wants back with its turn is not in the next request"
                )
            answer = await turn_of(provider, again)
            assert answer.text or answer.tool_calls, "the results are not answered"

        self._run(talk)

    def test_a_refusal_is_told_as_one(self) -> None:
        """It is no text and no error: usage and the model's words are on record with it."""
        request = self.make_refusal_request()
        if request is None:
            pytest.skip("there is no telling what it refuses")
        turn = self._run(lambda provider: turn_of(provider, request))
        assert turn.finish_reason == "refusal", f"finish_reason is {turn.finish_reason}"
        for refusal in turn.of_kind(Refusal):
            assert refusal.text not in turn.text or not refusal.text, "it is in the answer, too"
        _check_parts(turn)

    def test_what_was_cached_is_counted(self) -> None:
        """A request that is sent again tells how much of it was cached, as a part of the input."""
        request = self.make_cached_request()
        if request is None:
            pytest.skip("it does not tell what was cached")
        hinted = msgspec.structs.replace(
            request, cache=CacheHint(key="conformance", prefixes=(len(request.messages),))
        )

        async def ask_twice(provider: Provider) -> Usage | None:
            await turn_of(provider, hinted)
            return (await turn_of(provider, hinted)).usage

        usage = self._run(ask_twice)
        assert usage is not None, "there is no usage"
        assert usage.cached_input_tokens, "nothing was cached"
        check_usage(usage)

    def test_what_it_makes_comes_whole(self) -> None:
        """A picture or a sound is a part of its own, with its bytes and their type."""
        request = self.make_media_request()
        if request is None:
            pytest.skip("it makes no pictures and no sounds")
        turn = self._run(lambda provider: turn_of(provider, request))
        made = turn.of_kind(Media)
        assert made, "nothing was made"
        for media in made:
            assert media.data, "it has no bytes"
            assert "/" in media.media_type, f"{media.media_type!r} is no media type"
        _check_parts(turn)

    def test_an_effort_that_it_claims_is_sent(self) -> None:
        """Each of its ``reasoning_efforts`` changes the body, or is rejected for this model."""
        provider, plain = self.make_provider(), self.make_request()
        unknown = provider.reasoning_efforts - set(get_args(ReasoningEffort))
        assert not unknown, f"there are no such efforts: {sorted(unknown)}"
        for effort in sorted(provider.reasoning_efforts):
            asked = msgspec.structs.replace(plain, reasoning_effort=effort)
            body, rejection = _body_or_rejection(provider, asked)
            assert rejection is None or "reasoning_effort" in rejection, (
                f"it does not name what it rejects: {rejection}"
            )
            assert body != provider.body(plain), f"`{effort}` is not sent"


async def collect(provider: Provider, request: Request) -> list[Delta]:
    async with aclosing(deltas(provider, request)) as answer:
        return [delta async for delta in answer]


async def turn_of(provider: Provider, request: Request) -> Turn:
    builder = TurnBuilder()
    for delta in await collect(provider, request):
        builder.add(delta)
    return builder.turn()


def _check_parts(turn: Turn) -> None:
    """The parts of a turn say what it says."""
    if turn.parts:
        assert text_of(turn.parts) == turn.text
        places = [part.id for part in turn.parts if isinstance(part, ToolCallPlace)]
        assert places == [call.id for call in turn.tool_calls], "the places of calls are others"
    json.dumps(msgspec.to_builtins(turn.parts), allow_nan=False)


def check_usage(usage: Usage) -> None:
    """The parts of usage are no more than the whole."""
    read, written = usage.cached_input_tokens or 0, usage.cache_write_tokens or 0
    counts = (usage.input_tokens, usage.output_tokens, usage.reasoning_tokens, read, written)
    assert all(count is None or count >= 0 for count in counts), f"{usage} counts less than nothing"
    if usage.input_tokens is not None:
        assert read + written <= usage.input_tokens, f"more is cached than was sent: {usage}"
        assert sum(usage.input_by_modality.values()) <= usage.input_tokens, f"{usage}"
    if usage.output_tokens is not None:
        assert (usage.reasoning_tokens or 0) <= usage.output_tokens, f"{usage}"
        assert sum(usage.output_by_modality.values()) <= usage.output_tokens, f"{usage}"


def _body_or_rejection(
    provider: Provider, request: Request
) -> tuple[dict[str, JSONValue] | None, str | None]:
    try:
        return provider.body(request), None
    except RequestRejected as error:
        return None, str(error)
