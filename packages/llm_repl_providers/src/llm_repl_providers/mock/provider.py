"""The mock provider."""

from __future__ import annotations

import asyncio
import json
import re
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from typing import ClassVar

from llm_repl_core.errors import RequestRejected
from llm_repl_core.providers.base import (
    Delta,
    Message,
    Provider,
    ProviderConfig,
    Request,
    ToolCall,
    Usage,
)
from llm_repl_providers.mock.behaviour import MODELS, Behaviour, read_behaviour
from llm_repl_providers.mock.fitting import fitting_value

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

    as in ``echo+delay=0.5``. The options of a request, and before them those of the
    configuration, can say the same, calls apart, and more: ``echo``, ``answers``, ``fail``,
    ``fail_after_tokens``, ``retry_after_s``, ``delay_s``, ``delay_per_token_s``. The name goes
    before both.

    Where the request has a schema for the answer, the sentence becomes the smallest JSON that
    fits, with the words of the last user message for its texts (see `fitting_value`); ``echo``
    and ``list:`` stay as they are. What is attached to the last user message is named behind it:
    ``[map.png, image/png, 120 bytes]``.

    A piece is a word with the white space after it. Usage counts words: of the messages, with one
    for each attachment and those of each call of a tool; `count_tokens` says the same.
    """

    name: ClassVar[str] = "mock"
    default_model: ClassVar[str] = "mock"

    def __init__(self, config: ProviderConfig | None = None) -> None:
        super().__init__(config)
        self._given: Counter[tuple[str, ...]] = Counter()

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
        calls = _calls(request, behaviour)
        answer = "" if calls else self._answer(request, behaviour)
        await asyncio.sleep(behaviour.delay_s)
        for number, piece in enumerate(re.findall(r"\S+\s*|\s+", answer)):
            if failure is not None and number == behaviour.fail_after_tokens:
                break
            if behaviour.delay_per_token_s or number % _TOKENS_IN_ONE_GO == _TOKENS_IN_ONE_GO - 1:
                await asyncio.sleep(behaviour.delay_per_token_s)
            yield Delta(text=piece)
        if failure is not None:
            raise failure
        if calls:
            yield Delta(tool_calls=calls)
        usage = Usage(
            input_tokens=_count(request.messages),
            output_tokens=len(answer.split()) + _count_calls(calls),
        )
        reason = "tool_calls" if calls else "stop"
        yield Delta(usage=usage, finish_reason=reason, model=request.model)

    async def count_tokens(self, request: Request) -> int:
        """How many words the messages have, which is what usage says."""
        return _count(request.messages)

    async def models(self) -> Sequence[str]:
        """One name of every form."""
        return list(MODELS)

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
                f"[{one.name or 'unnamed'}, {one.media_type}, {len(one.data)} bytes]"
                for one in message.attachments
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
