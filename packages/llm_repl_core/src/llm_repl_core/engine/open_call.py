"""A call to a model while it is under way."""

from __future__ import annotations

import asyncio
import time
from contextlib import aclosing
from datetime import UTC, datetime

import msgspec

from llm_repl_core.engine.answer_limits import refuse_empty
from llm_repl_core.engine.budget import Spending
from llm_repl_core.engine.tokens import estimate_tokens
from llm_repl_core.engine.without_keys import without_keys, without_keys_in_reasoning
from llm_repl_core.errors import ProviderError
from llm_repl_core.execution.model_calls import CallListener, ModelReply
from llm_repl_core.ledger.prices import Prices
from llm_repl_core.ledger.record import Attempt, CallError, CallRecord, CallState
from llm_repl_core.plugins.contexts import CallContext, CallResult
from llm_repl_core.providers.base import Message, Provider, Request
from llm_repl_core.providers.secret import Redactor
from llm_repl_core.providers.streaming import deltas
from llm_repl_core.providers.turn import Turn, TurnBuilder
from llm_repl_core.providers.usage import Usage

__all__ = ["OpenCall"]


class OpenCall:
    """A call under way: its attempts, and what has come.

    Args:
        provider: Who is asked.
        context: What is sent.
        record: Of the call, before it is sent.
        listener: Who is told.
        prices: What it costs.
        redactor: Takes out keys that the answer repeats.

    Attributes:
        provider: Who is asked.
        begun: Whether it is on record, and so may have been sent.
        complete: Whether the whole answer has come.
        superseded: Why a call that was sent ahead of its prompt's place does not count; None: it
            does.
    """

    def __init__(
        self,
        provider: Provider,
        context: CallContext,
        record: CallRecord,
        listener: CallListener,
        prices: Prices,
        redactor: Redactor,
    ) -> None:
        self.context = context
        self.record = record
        self.listener = listener
        self.begun = False
        self.superseded: str | None = None
        self._duration_s: float | None = None
        self.provider = provider
        self._prices = prices
        self._redactor = redactor
        self._started = time.perf_counter()
        self._attempts: list[Attempt] = []
        self._error: ProviderError | None = None
        self.complete = False
        self._reset()

    def _reset(self) -> None:
        self._builder = TurnBuilder()
        self._turn: Turn | None = None
        self._first_token_s: float | None = None

    async def attempt(self) -> None:
        """Send it, once."""
        self._reset()
        self._error = None
        started_at, started = datetime.now(UTC), time.perf_counter()
        error: str | None = "interrupted"
        builder, listener = self._builder, self.listener
        try:
            answer = deltas(self.provider, self.context.request)
            if self._redactor:
                answer = without_keys(answer, self._redactor)
            async with aclosing(answer) as stream:
                async for delta in stream:
                    builder.add(delta)
                    if delta.reasoning:
                        listener.on_reasoning(delta.reasoning)
                    if text := delta.text:
                        if not delta.replaces_text:  # what was told already is not told again
                            listener.on_text(text)
                        if self._first_token_s is None:
                            self._first_token_s = time.perf_counter() - started
                            await _let_listeners_tell()
            refuse_empty(self.turn, self.context.request.options)
            error = None
            self.complete = True
            await _let_listeners_tell()
        except ProviderError as failure:
            self._error, error = failure, str(failure)
            raise
        finally:
            self._attempts.append(
                Attempt(
                    started_at=started_at,
                    duration_s=round(time.perf_counter() - started, 6),
                    error=error,
                )
            )

    @property
    def turn(self) -> Turn:
        """What has come, without keys; to be read when an attempt has ended."""
        if self._turn is None:
            self._turn = without_keys_in_reasoning(self._builder.turn(), self._redactor)
        return self._turn

    def answer(self) -> ModelReply:
        """What came, once it is complete."""
        turn = self.turn
        return ModelReply(
            call_id=self.record.id,
            provider=self.context.provider,
            model=turn.model or self.context.request.model,
            turn=turn,
            price_usd=None if turn.usage is None else self._price(turn.usage, turn.model),
        )

    def spending(self) -> Spending:
        """What it cost, as far as is known; what the provider did not count is estimated."""
        turn = self.turn
        usage = turn.usage or Usage()
        if usage.input_tokens is None:
            usage = msgspec.structs.replace(
                usage, input_tokens=estimate_tokens(self.context.request)
            )
        if usage.output_tokens is None:
            received = Message("assistant", turn.reasoning + turn.text, (), turn.tool_calls)
            usage = msgspec.structs.replace(
                usage, output_tokens=estimate_tokens(Request(model="", messages=(received,)))
            )
        tokens = (usage.input_tokens or 0) + (usage.output_tokens or 0)
        price = self._price(usage, turn.model)
        if price is None:
            # Terms of service whose price nobody knows: that of the usual ones is nearer than none.
            usual = msgspec.structs.replace(usage, service_tier=None)
            price = self._price(usual, turn.model)
        return Spending(calls=1, tokens=tokens, usd=price or 0.0)

    def ended_record(self) -> CallRecord:
        """The record, complete."""
        state: CallState = "completed" if self.complete else "interrupted"
        error: CallError | None = None
        if self.superseded is not None:
            state, error = "superseded", CallError(type="Superseded", message=self.superseded)
        elif self._error is not None and not self.complete:
            state = "failed"
            error = CallError(type=type(self._error).__name__, message=str(self._error))
        if self._duration_s is None:
            self._duration_s = round(time.perf_counter() - self._started, 6)
        turn = self.turn
        return msgspec.structs.replace(
            self.record.with_turn(turn),
            state=state,
            duration_s=self._duration_s,
            first_token_s=self._first_token_s and round(self._first_token_s, 6),
            attempts=tuple(self._attempts),
            price_usd=None if turn.usage is None else self._price(turn.usage, turn.model),
            error=error,
        )

    def result_for_hooks(self) -> CallResult:
        """What plugins are told."""
        error: str | None = None
        if not self.complete:
            error = "interrupted" if self._error is None else str(self._error)
        turn = self.turn
        return CallResult(
            text=turn.text,
            model=turn.model,
            usage=turn.usage,
            error=error,
            duration_s=time.perf_counter() - self._started,
        )

    def _price(self, usage: Usage, answered_by: str | None) -> float | None:
        """By the model that answered; one of no known price answers at that of the one asked."""
        provider, asked = self.context.provider, self.context.request.model
        price = self._prices.price_usd(provider, answered_by or asked, usage)
        return self._prices.price_usd(provider, asked, usage) if price is None else price


async def _let_listeners_tell() -> None:
    """Let what was said reach whoever listens now, and not after all that is done next."""
    await asyncio.sleep(0)  # it is told
    await asyncio.sleep(0)  # it leaves: listeners gather what is told in one turn of the loop
