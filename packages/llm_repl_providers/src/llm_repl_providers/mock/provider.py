"""The mock provider."""

from __future__ import annotations

import asyncio
import re
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from typing import ClassVar

from llm_repl_core.providers.base import Delta, Provider, ProviderConfig, Request, Usage
from llm_repl_providers.mock.behaviour import MODELS, Behaviour, read_behaviour

__all__ = ["MockProvider"]


class MockProvider(Provider):
    r"""Answers without a key, without a network, and the same each time.

    The model's name says how::

        name    = model { "+" setting }
        model   = "mock", or another name   a sentence that quotes the last user message
                | "echo"                    the last user message as it is
                | "list:" text { "|" text } one text after the other, for each provider object
                | "fail:" code              the provider error of that code: rate_limited, …
        setting = "delay=" seconds          before the first piece
                | "per_token=" seconds      before each piece
                | "after=" number           so many pieces come before the failure
                | "retry_after=" seconds    what the error rate_limited asks for

    as in ``echo+delay=0.5``. The options of a request, and before them those of the
    configuration, can say the same, and more: ``echo``, ``answers``, ``fail``,
    ``fail_after_tokens``, ``retry_after_s``, ``delay_s``, ``delay_per_token_s``. The name goes before both.

    A piece is a word with the white space after it; usage counts words.
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
            RequestRejected: A setting or an option has an unusable value.
            ProviderError: The failure that was asked for.
        """
        behaviour = read_behaviour(request.model, {**self.config.options, **request.options})
        failure = behaviour.failure()
        answer = self._answer(request, behaviour)
        await asyncio.sleep(behaviour.delay_s)
        for number, piece in enumerate(re.findall(r"\S+\s*|\s+", answer)):
            if failure is not None and number == behaviour.fail_after_tokens:
                break
            await asyncio.sleep(behaviour.delay_per_token_s)
            yield Delta(text=piece)
        if failure is not None:
            raise failure
        asked = sum(len(message.content.split()) for message in request.messages)
        usage = Usage(input_tokens=asked, output_tokens=len(answer.split()))
        yield Delta(usage=usage, finish_reason="stop", model=request.model)

    async def models(self) -> Sequence[str]:
        """One name of every form."""
        return list(MODELS)

    def _answer(self, request: Request, behaviour: Behaviour) -> str:
        said = [message.content for message in request.messages if message.role == "user"]
        prompt = said[-1] if said else ""
        if behaviour.answers is not None:
            number = self._given[behaviour.answers]
            self._given[behaviour.answers] += 1
            return behaviour.answers[number % len(behaviour.answers)]
        if behaviour.echo:
            return prompt
        return f"This is the mock model. You asked: {prompt}"
