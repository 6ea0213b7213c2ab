"""Calls to models: routed, watched by the plugins, answered from the record or sent and recorded."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable
from contextlib import aclosing
from datetime import UTC, datetime
from uuid import uuid4

import msgspec
from msgspec import Struct

from llm_repl_core.engine.budget import BudgetMeter, Reservation, Spending, reserve_all
from llm_repl_core.engine.limits import ProviderLimits
from llm_repl_core.engine.providers import Providers
from llm_repl_core.engine.retries import RetryPolicy, with_retries
from llm_repl_core.engine.routing import route
from llm_repl_core.engine.tokens import estimate_tokens, output_allowance
from llm_repl_core.errors import PluginError, ProviderError, RateLimited, StorageError
from llm_repl_core.ledger.base import Ledger
from llm_repl_core.ledger.bodies import recorded_body
from llm_repl_core.ledger.identity import canonical_request, identity_of
from llm_repl_core.ledger.prices import estimate_price_usd, load_prices, price_usd
from llm_repl_core.ledger.record import (
    Attempt,
    CallError,
    CallPlace,
    CallRecord,
    CallSource,
    CallState,
    Mode,
)
from llm_repl_core.ledger.replay import Recall, answered_from
from llm_repl_core.model.cell import PromptCell
from llm_repl_core.model.notebook import Notebook
from llm_repl_core.plugins.contexts import CallContext, CallResult
from llm_repl_core.plugins.manager import PluginManager
from llm_repl_core.providers.base import (
    AnswerSchema,
    Delta,
    Message,
    Provider,
    Request,
    Tool,
    ToolCall,
    Usage,
)
from llm_repl_core.providers.streaming import deltas

__all__ = ["Answer", "CallListener", "CallTerms", "Caller", "Question"]

_log = logging.getLogger(__name__)

_PAUSE_S = 1.0
"""How long a provider is left in peace that asks for patience and does not say how long."""


class CallTerms(Struct, frozen=True, kw_only=True):
    """What a run allows its calls.

    Attributes:
        mode: Whether they are sent.
        recall: Finds answers on record, for this run.
        slots: How many may be under way.
        meters: What they may spend.
    """

    mode: Mode
    recall: Recall
    slots: asyncio.Semaphore
    meters: tuple[BudgetMeter, ...] = ()


class Question(Struct, frozen=True, kw_only=True):
    """What a model is to be asked, before it is known who answers.

    Attributes:
        notebook: The cell's notebook.
        cell: The prompt, which may say who answers.
        run_id: The run's UUID.
        place: Where in the notebook.
        messages: The turns.
        tools: What the model may ask to have called.
        answer_schema: The form of the answer.
    """

    notebook: Notebook
    cell: PromptCell
    run_id: str
    place: CallPlace
    messages: tuple[Message, ...]
    tools: tuple[Tool, ...] = ()
    answer_schema: AnswerSchema | None = None


class CallListener(Struct, frozen=True, kw_only=True):
    """Who is told while a call is under way.

    Attributes:
        on_begin: Called with the call's id, before it is sent.
        on_text: Called with each piece of the answer.
        on_retry: Called with how many attempts have failed, why, and how long the wait is; what
            had come of the answer is void then.
    """

    on_begin: Callable[[str], None]
    on_text: Callable[[str], None]
    on_retry: Callable[[int, ProviderError, float], None]


class Answer(Struct, frozen=True, kw_only=True):
    """What a model gave back.

    Attributes:
        call_id: The call on record that was answered with this.
        text: The whole answer.
        provider: Who answered.
        model: The model that answered; the one that was asked for where the provider is silent.
        usage: What it cost, where the provider counts.
        finish_reason: Why it ended, where the provider says it.
        tool_calls: What the model asks to have called.
        source: Whether it was asked, or taken from the record.
    """

    call_id: str
    text: str
    provider: str
    model: str
    usage: Usage | None = None
    finish_reason: str | None = None
    tool_calls: tuple[ToolCall, ...] = ()
    source: CallSource = "live"


class Caller:
    """Sends the requests of prompts. One an engine.

    Args:
        providers: Who can answer.
        plugins: Whose hooks watch.
        limits: How many calls each provider gets at once.
        ledger: Where calls are recorded.
        retry_policy: How often a call is tried.
    """

    def __init__(
        self,
        providers: Providers,
        plugins: PluginManager,
        *,
        limits: ProviderLimits,
        ledger: Ledger,
        retry_policy: RetryPolicy,
    ) -> None:
        self.ledger = ledger
        self._providers = providers
        self._plugins = plugins
        self._limits = limits
        self._retry_policy = retry_policy

    def address(self, question: Question, *, preview: bool = False) -> tuple[Provider, CallContext]:
        """Find who answers, and make the request that is sent.

        Args:
            question: What is asked.
            preview: Whether it is only looked at.

        Raises:
            ProviderNotFound: The cell or the notebook names one that is not installed.
            ProviderError: It cannot be used.
            PluginError: A plugin's hook failed.
        """
        cell, notebook = question.cell, question.notebook
        path = route(cell, notebook, self._providers.choice, self._providers.names())
        provider = self._providers.get(path.provider)
        context = CallContext(
            notebook=notebook,
            cell=cell,
            run_id=question.run_id,
            provider=path.provider,
            request=Request(
                model=path.model or provider.config.model or provider.default_model,
                messages=question.messages,
                temperature=cell.temperature,
                options=dict(cell.parameters),
                tools=question.tools,
                answer_schema=question.answer_schema,
            ),
            preview=preview,
        )
        for implementation in self._plugins.implementations("llm_repl_before_call"):
            replacement = implementation(context=context)
            if replacement is None:
                continue
            if not isinstance(replacement, Request):
                raise PluginError(
                    "A plugin's llm_repl_before_call returned a "
                    f"{type(replacement).__name__}: it must return a Request, or None."
                )
            context = msgspec.structs.replace(context, request=replacement)
        return provider, context

    async def __call__(
        self,
        question: Question,
        terms: CallTerms,
        listener: CallListener,
        *,
        mode: Mode | None = None,
    ) -> Answer:
        """Ask a model, or the record. Cancelling closes the connection to the provider.

        Args:
            question: What is asked.
            terms: What the run allows.
            listener: Who is told.
            mode: In place of the run's.

        Raises:
            ProviderNotFound: The cell or the notebook names one that is not installed.
            ProviderError: The call failed.
            PluginError: A plugin's hook failed.
            ReplayMiss: It is not on record, and may not be sent.
            BudgetExceeded: It would cost more than is left.
            StorageError: It cannot be recorded, and so is not sent.
        """
        provider, context = self.address(question)
        mode = mode or terms.mode
        canonical = canonical_request(context.provider, context.request)
        identity = identity_of(canonical)
        if mode != "live":
            found = await terms.recall.find(identity, question.place)
            if found is not None:
                return await self._take(found, question, mode, listener)
            if mode == "replay":
                raise await terms.recall.miss(canonical, question.place)
        record = CallRecord(
            id=str(uuid4()),
            notebook_id=question.notebook.id,
            run_id=question.run_id,
            place=question.place,
            identity=identity,
            provider=context.provider,
            model=context.request.model,
            request=canonical,
            body=recorded_body(provider.body(context.request), context.request),
            started_at=datetime.now(UTC),
        )
        call = _Call(provider, context, record, listener)
        with _reserve(terms.meters, context) as reservation:
            async with self._plugins.around("llm_repl_around_call", context=context):
                try:
                    async with terms.slots:
                        await with_retries(
                            lambda: self._attempt(call),
                            policy=self._retry_policy,
                            on_retry=listener.on_retry,
                        )
                finally:
                    await self._end(call, reservation)
        return call.answer()

    async def _take(
        self, found: CallRecord, question: Question, mode: Mode, listener: CallListener
    ) -> Answer:
        record = answered_from(
            found,
            id=str(uuid4()),
            run_id=question.run_id,
            place=question.place,
            mode=mode,
            started_at=datetime.now(UTC),
        )
        await self.ledger.begin(record)
        listener.on_begin(found.id)
        if found.text:
            listener.on_text(found.text)
        return Answer(
            call_id=found.id,
            text=found.text,
            provider=found.provider,
            model=found.answered_by or found.model,
            usage=found.usage,
            finish_reason=found.finish_reason,
            tool_calls=found.tool_calls,
            source=mode,
        )

    async def _attempt(self, call: _Call) -> None:
        provider_name = call.context.provider
        async with self._limits.slot(provider_name):
            if not call.begun:
                await self.ledger.begin(call.record)
                call.begun = True
                call.listener.on_begin(call.record.id)
                load_prices(provider_name)
            try:
                await call.attempt()
            except RateLimited as error:
                # Where it asks for more patience than there is, only this call ends by it.
                pause_s = min(
                    error.retry_after_s or _PAUSE_S, self._retry_policy.longest_retry_after_s
                )
                self._limits.pause(provider_name, pause_s)
                raise

    async def _end(self, call: _Call, reservation: Reservation | None) -> None:
        """Keep how it ended, whatever happened."""
        if not call.begun:
            return  # it was never sent
        if reservation is not None:
            reservation.settle(call.spending())
        # What ended is on its way to the disk even where whoever waits for it is stopped again.
        with_record = asyncio.ensure_future(self._keep_end(call))
        self._plugins.notify(
            "llm_repl_after_call", context=call.context, result=call.result_for_hooks()
        )
        await asyncio.shield(with_record)

    async def _keep_end(self, call: _Call) -> None:
        try:
            await self.ledger.end(call.ended_record())
        except StorageError:
            # The answer is paid for: it is not thrown away because its record is incomplete.
            _log.exception("the end of call %s could not be recorded", call.record.id)


class _Call:
    """A call under way: its attempts, and what has come."""

    def __init__(
        self, provider: Provider, context: CallContext, record: CallRecord, listener: CallListener
    ) -> None:
        self.context = context
        self.record = record
        self.listener = listener
        self.begun = False
        self._provider = provider
        self._started = time.perf_counter()
        self._attempts: list[Attempt] = []
        self._error: ProviderError | None = None
        self._complete = False
        self._reset()

    def _reset(self) -> None:
        self._pieces: list[str] = []
        self._tool_calls: list[ToolCall] = []
        self._usage: Usage | None = None
        self._model: str | None = None
        self._finish_reason: str | None = None
        self._first_token_s: float | None = None

    async def attempt(self) -> None:
        """Send it, once."""
        self._reset()
        self._error = None
        started_at, started = datetime.now(UTC), time.perf_counter()
        error: str | None = "interrupted"
        pieces, on_text = self._pieces, self.listener.on_text
        try:
            async with aclosing(deltas(self._provider, self.context.request)) as stream:
                async for delta in stream:
                    text = delta.text
                    if text:
                        if self._first_token_s is None:
                            self._first_token_s = time.perf_counter() - started
                        pieces.append(text)
                        on_text(text)
                    else:
                        self._note(delta)
                        continue
                    if delta.finish_reason or delta.usage or delta.model or delta.tool_calls:
                        self._note(delta)
            error = None
            self._complete = True
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

    def answer(self) -> Answer:
        """What came, once it is complete."""
        return Answer(
            call_id=self.record.id,
            text="".join(self._pieces),
            provider=self.context.provider,
            model=self._model or self.context.request.model,
            usage=self._usage,
            finish_reason=self._finish_reason,
            tool_calls=tuple(self._tool_calls),
        )

    def spending(self) -> Spending:
        """What it cost, as far as is known; an attempt without usage is estimated."""
        usage = self._usage
        if usage is None:
            received = estimate_tokens(
                Request(model="", messages=(Message("assistant", "".join(self._pieces)),))
            )
            usage = Usage(
                input_tokens=estimate_tokens(self.context.request), output_tokens=received
            )
        tokens = (usage.input_tokens or 0) + (usage.output_tokens or 0)
        return Spending(calls=1, tokens=tokens, usd=self._price(usage) or 0.0)

    def ended_record(self) -> CallRecord:
        """The record, complete."""
        state: CallState = "completed" if self._complete else "interrupted"
        error: CallError | None = None
        if self._error is not None and not self._complete:
            state = "failed"
            error = CallError(type=type(self._error).__name__, message=str(self._error))
        return msgspec.structs.replace(
            self.record,
            state=state,
            duration_s=round(time.perf_counter() - self._started, 6),
            first_token_s=self._first_token_s and round(self._first_token_s, 6),
            attempts=tuple(self._attempts),
            text="".join(self._pieces),
            tool_calls=tuple(self._tool_calls),
            answered_by=self._model,
            finish_reason=self._finish_reason,
            usage=self._usage,
            price_usd=None if self._usage is None else self._price(self._usage),
            error=error,
        )

    def result_for_hooks(self) -> CallResult:
        """What plugins are told."""
        error: str | None = None
        if not self._complete:
            error = "interrupted" if self._error is None else str(self._error)
        return CallResult(
            text="".join(self._pieces),
            model=self._model,
            usage=self._usage,
            error=error,
            duration_s=time.perf_counter() - self._started,
        )

    def _note(self, delta: Delta) -> None:
        self._usage = delta.usage or self._usage
        self._model = delta.model or self._model
        self._finish_reason = delta.finish_reason or self._finish_reason
        self._tool_calls += delta.tool_calls

    def _price(self, usage: Usage) -> float | None:
        return price_usd(self.context.provider, self._model or self.context.request.model, usage)


class _NoReservation:
    """Where nothing is limited."""

    def __enter__(self) -> None:
        return None

    def __exit__(self, *_: object) -> None:
        return None


def _reserve(meters: tuple[BudgetMeter, ...], context: CallContext) -> Reservation | _NoReservation:
    if not meters:
        return _NoReservation()
    request = context.request
    input_tokens, output_tokens = estimate_tokens(request), output_allowance(request)
    usd = estimate_price_usd(context.provider, request.model, input_tokens, output_tokens) or 0.0
    return reserve_all(meters, Spending(calls=1, tokens=input_tokens + output_tokens, usd=usd))
