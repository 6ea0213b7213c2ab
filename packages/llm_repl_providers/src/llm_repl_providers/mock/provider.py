"""The mock provider."""

from __future__ import annotations

import asyncio
import json
import re
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from typing import ClassVar, get_args

from msgspec import structs

from llm_repl_core.errors import RequestRejected
from llm_repl_core.providers.base import (
    Delta,
    FinishReason,
    Message,
    Provider,
    ProviderConfig,
    ReasoningEffort,
    Request,
    ToolCall,
    Usage,
)
from llm_repl_core.providers.finish_reasons import read_finish_reason
from llm_repl_core.providers.parts import Refusal, TokenLogprob
from llm_repl_providers.mock.behaviour import MODELS, Behaviour, read_behaviour
from llm_repl_providers.mock.fitting import fitting_value
from llm_repl_providers.mock.prompt_cache import PromptCache
from llm_repl_providers.mock.turns import (
    check_reasoning_is_back,
    logprob,
    made_media,
    reasoning_text,
    search_call,
    signed,
    source,
)

__all__ = ["MockProvider"]

_TOKENS_IN_ONE_GO = 64
"""After so many, others get their turn, also where there is nothing to wait for."""


class MockProvider(Provider):
    r"""Answers without a key, without a network, and the same each time.

    The model's name says how::

        name    = model { "+" setting }
        model   = "mock", or another name    a sentence that quotes the last user message
                | "echo"                     the last user message as it is
                | "list:" text { "|" text }  one text after the other, for each provider object
                | "call:" call { "|" call }  asks for these tools, all at once; when their results
                                             are there, the answer is the results' text
                | "call-forever:" call …     asks for them again and again
                | "fail:" code               the provider error of that code: rate_limited, …
        call    = tool [ arguments ]         add {"x": 1}; arguments may be broken JSON, too
        setting = "delay=" seconds           before the first piece
                | "per_token=" seconds       before each piece
                | "after=" number            so many pieces come before the failure
                | "retry_after=" seconds     what the error rate_limited asks for
                | "think=" text              thinks this first, and signs it
                | "refuse=" text             refuses, with these words
                | "cite=" url                says where the answer is from
                | "make=" media type         makes a picture (image/png) or a sound (audio/wav)
                | "search=" text             the server searches for this first
                | "finish=" word             the server's word for why the answer ended
                | "cache=1"                  usage tells what was cached

    as in ``echo+delay=0.5``. The options of a request, and before them those of the
    configuration, can say the same, calls apart, and more: ``echo``, ``answers``, ``fail``,
    ``fail_after_tokens``, ``retry_after_s``, ``delay_s``, ``delay_per_token_s``,
    ``reasoning_text``, ``refusal_text``, ``citation_url``, ``made_media_type``, ``server_search``,
    ``finish_word``, ``counts_cache``, and ``logprobs`` with ``top_logprobs``. The name goes before
    both. With a ``reasoning_effort`` and no text to think it says how much it thinks; with
    ``none`` it thinks nothing.

    Where the request has a schema for the answer, the sentence becomes the smallest JSON that
    fits, with the words of the last user message for its texts (see `fitting_value`); ``echo``
    and ``list:`` stay as they are. What is attached to the last user message is named behind it:
    ``[map.png, image/png, 120 bytes]``.

    A piece is a word with the white space after it. Usage counts words: of the messages, with one
    for each attachment and those of each call of a tool; `count_tokens` says the same.
    """

    name: ClassVar[str] = "mock"
    default_model: ClassVar[str] = "mock"
    reasoning_efforts: ClassVar[frozenset[ReasoningEffort]] = frozenset(get_args(ReasoningEffort))

    def __init__(self, config: ProviderConfig | None = None) -> None:
        super().__init__(config)
        self._given: Counter[tuple[str, ...]] = Counter()
        self._cache = PromptCache()

    async def stream(self, request: Request) -> AsyncIterator[Delta]:
        """Answer a request, piece by piece.

        Raises:
            ModelNotFound: The failure that is asked for does not exist.
            RequestRejected: A setting or an option has an unusable value, there is no tool to
                call, or no answer that fits the schema.
            ProviderError: The failure that was asked for.
        """
        behaviour = read_behaviour(request.model, {**self.config.options, **request.options})
        failure = behaviour.failure()
        check_reasoning_is_back(request.messages)
        calls = _calls(request, behaviour)
        refusal = behaviour.refusal_text
        answer = "" if calls or refusal is not None else self._answer(request, behaviour)
        thought = reasoning_text(behaviour.reasoning_text, request.reasoning_effort)
        await asyncio.sleep(behaviour.delay_s)
        for piece in _pieces(thought):
            await asyncio.sleep(behaviour.delay_per_token_s)
            yield Delta(reasoning=piece)
        if thought:
            yield Delta(parts=(signed(thought),))
        if behaviour.server_search is not None:
            yield Delta(parts=(search_call(behaviour.server_search),))
        for number, piece in enumerate(_pieces(answer)):
            if failure is not None and number == behaviour.fail_after_tokens:
                break
            if behaviour.delay_per_token_s or number % _TOKENS_IN_ONE_GO == _TOKENS_IN_ONE_GO - 1:
                await asyncio.sleep(behaviour.delay_per_token_s)
            yield Delta(text=piece, logprobs=_logprobs(piece, behaviour))
        if failure is not None:
            raise failure
        if refusal is not None:
            yield Delta(parts=(Refusal(text=refusal),))
        elif behaviour.citation_url is not None:
            yield Delta(parts=(source(behaviour.citation_url, answer),))
        if behaviour.made_media_type is not None:
            yield Delta(parts=(made_media(behaviour.made_media_type),))
        if calls:
            yield Delta(tool_calls=calls)
        reason, word = _ending(behaviour, calls, refusal)
        yield Delta(
            usage=self._usage(request, behaviour, answer, calls, thought),
            finish_reason=reason,
            provider_finish_reason=word,
            model=request.model,
        )

    async def count_tokens(self, request: Request) -> int:
        """How many words the messages have, which is what usage says."""
        return _count(request.messages)

    async def models(self) -> Sequence[str]:
        """One name of every form."""
        return list(MODELS)

    def _usage(
        self,
        request: Request,
        behaviour: Behaviour,
        answer: str,
        calls: Sequence[ToolCall],
        thought: str,
    ) -> Usage:
        said = len((behaviour.refusal_text or answer).split()) + _count_calls(calls)
        reasoning = len(thought.split())
        usage = Usage(
            input_tokens=_count(request.messages),
            output_tokens=said + reasoning,
            reasoning_tokens=reasoning if thought else None,
        )
        if not behaviour.counts_cache:
            return usage
        cached = self._cache.take(request)
        read, rest = _count(request.messages[:cached]), _count(request.messages[cached:])
        return structs.replace(usage, cached_input_tokens=read, cache_write_tokens=rest)

    def _answer(self, request: Request, behaviour: Behaviour) -> str:
        if behaviour.answers is not None:
            number = self._given[behaviour.answers]
            self._given[behaviour.answers] += 1
            return behaviour.answers[number % len(behaviour.answers)]
        results = _results(request.messages) if behaviour.calls else None
        prompt = _prompt(request.messages) if results is None else results
        if behaviour.echo:
            return prompt
        if request.answer_schema is not None:
            value = fitting_value(request.answer_schema.schema, prompt.split())
            return json.dumps(value, ensure_ascii=False)
        if results is not None:
            return results
        return f"This is the mock model. You asked: {prompt}"


def _pieces(text: str) -> list[str]:
    return re.findall(r"\S+\s*|\s+", text)


def _logprobs(piece: str, behaviour: Behaviour) -> tuple[TokenLogprob, ...]:
    return (logprob(piece, behaviour.top_logprobs),) if behaviour.logprobs else ()


def _ending(
    behaviour: Behaviour, calls: Sequence[ToolCall], refusal: str | None
) -> tuple[FinishReason, str | None]:
    if behaviour.finish_word is not None:
        return read_finish_reason(behaviour.finish_word)
    if refusal is not None:
        return "refusal", None
    return ("tool_calls" if calls else "stop"), None


def _calls(request: Request, behaviour: Behaviour) -> tuple[ToolCall, ...]:
    """The tools to be asked for now.

    Raises:
        RequestRejected: None are on offer.
    """
    done = _results(request.messages) is not None
    if not behaviour.calls or (done and not behaviour.calls_forever):
        return ()
    if not request.tools:
        raise RequestRejected(
            f"The mock model `{request.model}` asks for tools, and the request offers none: "
            "name them on the prompt."
        )
    before = sum(len(message.tool_calls) for message in request.messages)
    return tuple(
        ToolCall(id=f"call_{number}", name=call.name, arguments=call.arguments)
        for number, call in enumerate(behaviour.calls, start=before + 1)
    )


def _results(messages: Sequence[Message]) -> str | None:
    """What the tools gave whose results end the conversation; None: it ends otherwise."""
    results: list[str] = []
    for message in reversed(messages):
        if message.role != "tool":
            break
        results.insert(0, message.content)
    return "\n".join(results) if results else None


def _prompt(messages: Sequence[Message]) -> str:
    """The last user message, with the names of what is attached to it."""
    for message in reversed(messages):
        if message.role == "user":
            named = [
                f"[{attachment.name or 'unnamed'}, {attachment.media_type}, {len(attachment.data)} bytes]"
                for attachment in message.attachments
            ]
            return " ".join([message.content, *named] if message.content else named)
    return ""


def _count(messages: Sequence[Message]) -> int:
    return sum(
        len(message.content.split()) + len(message.attachments) + _count_calls(message.tool_calls)
        for message in messages
    )


def _count_calls(calls: Sequence[ToolCall]) -> int:
    return sum(1 + len(call.arguments.split()) for call in calls)
