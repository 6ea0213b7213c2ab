"""Calls to models: routed, watched by the plugins, answered from the record or sent and recorded."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from contextlib import nullcontext, suppress
from datetime import UTC, datetime

from llm_repl_core.engine.admission import Admitted
from llm_repl_core.engine.budget import Spending
from llm_repl_core.engine.call_ends import CallEnds
from llm_repl_core.engine.call_policies import CallPolicy
from llm_repl_core.engine.claims import CostBound
from llm_repl_core.engine.cost_bounds import CostBounds
from llm_repl_core.engine.limits import ProviderLimits
from llm_repl_core.engine.model_names import suggest_model
from llm_repl_core.engine.open_call import OpenCall
from llm_repl_core.engine.options import RunOptions
from llm_repl_core.engine.providers import Providers
from llm_repl_core.engine.request_builder import RequestBuilder, former_identity
from llm_repl_core.engine.retries import RetryPolicy, with_retries
from llm_repl_core.engine.routing import Route, route
from llm_repl_core.engine.speculative_call import BufferedListener, SpeculativeCall
from llm_repl_core.engine.tokens import estimate_tokens, output_allowance
from llm_repl_core.engine.unpriced import needs_prices, refuse_unpriced, unpriced
from llm_repl_core.errors import (
    LLMReplError,
    ModelNotFound,
    PriceUnknown,
    RateLimited,
    StorageError,
)
from llm_repl_core.execution.model_calls import CallListener, ModelCall, ModelReply
from llm_repl_core.ledger.base import Ledger
from llm_repl_core.ledger.bodies import recorded_body
from llm_repl_core.ledger.identity import canonical_request, identity_of
from llm_repl_core.ledger.prices import Prices
from llm_repl_core.ledger.record import (
    CallRecord,
    Mode,
)
from llm_repl_core.ledger.replay import answered_from
from llm_repl_core.model.cell import PromptCell
from llm_repl_core.model.ids import new_id
from llm_repl_core.model.json_value import JSONValue
from llm_repl_core.model.notebook import Notebook
from llm_repl_core.plugins.contexts import CallContext
from llm_repl_core.plugins.manager import PluginManager
from llm_repl_core.providers.base import Provider
from llm_repl_core.providers.secret import Redactor

__all__ = ["ModelCaller"]

_PAUSE_S = 1.0
"""How long a provider is left in peace that asks for patience and does not say how long."""


class ModelCaller:
    """Sends the requests of prompts. One an engine.

    Args:
        providers: Who can answer.
        plugins: Whose hooks watch.
        limits: How many calls each provider gets at once.
        ledger: Where calls are recorded.
        retry_policy: How often a call is tried.
        prices: What calls cost.
        cost_bounds: Bounds of what calls may follow one.

    Attributes:
        cost_bounds: Bounds of what calls may follow one.
        requests: Makes the requests that are sent.
        ends: Keeps how calls ended.
    """

    def __init__(
        self,
        providers: Providers,
        plugins: PluginManager,
        *,
        limits: ProviderLimits,
        ledger: Ledger,
        retry_policy: RetryPolicy,
        prices: Prices,
        cost_bounds: CostBounds,
    ) -> None:
        self.ledger = ledger
        self.prices = prices
        self._providers = providers
        self._plugins = plugins
        self._limits = limits
        self._retry_policy = retry_policy
        self.cost_bounds = cost_bounds
        self.requests = RequestBuilder(providers, plugins)
        self.ends = CallEnds(ledger)

    @property
    def attempts_limit(self) -> int:
        """How often a call is tried at most, the first time included."""
        return self._retry_policy.attempts

    @property
    def redactor(self) -> Redactor:
        """Takes the keys of providers out of texts."""
        return self._providers.redactor

    def route(self, cell: PromptCell, notebook: Notebook) -> Route:
        """Who answers a prompt, with the provider's own model where none is chosen.

        Args:
            cell: The prompt.
            notebook: Its notebook.
        """
        path = route(cell, notebook, self._providers.choice, self._providers.names())
        if path.model is not None:
            return path
        with suppress(LLMReplError):
            return Route(path.provider, self._providers.require(path.provider).default_model)
        return path

    async def check_prices(
        self, notebook: Notebook, cell_ids: Sequence[str], options: RunOptions
    ) -> None:
        """Refuse a run that would be refused at a prompt of it, as far as that is known before.

        Args:
            notebook: Whose run.
            cell_ids: What it may ask models for.
            options: How it is to go.

        Raises:
            PriceUnknown: A budget limits money, and there is no telling what a prompt costs.
        """
        # A plugin may send a prompt to another model.
        if needs_prices(notebook, options) and not self._plugins.implementations(
            "llm_repl_before_call"
        ):
            # In a thread, as it may read the list of prices.
            await asyncio.to_thread(
                refuse_unpriced, notebook, cell_ids, self._providers, self.prices
            )

    async def send_ahead(
        self, model_call: ModelCall, policy: CallPolicy, *, is_wanted: Callable[[], bool]
    ) -> SpeculativeCall | None:
        """Ask a model before the order of the document has come to the prompt.

        Args:
            model_call: What is asked.
            policy: What the run allows.
            is_wanted: Whether the order has not come to the prompt meanwhile.

        Returns:
            None: it was not sent, as the record may have its answer, or a budget that bears all
            else that the run may ask for may not bear this as well.

        Raises:
            LLMReplError: It cannot be sent.
        """
        if policy.mode == "replay":
            return None
        provider, context = self.requests.build(model_call)
        canonical = canonical_request(context.provider, context.request)
        identity = identity_of(canonical)
        if policy.mode == "reuse" and await policy.replay.has(identity):
            return None
        estimate: Spending | None = None
        if policy.admission.meters:
            estimate = self._estimate(context, policy)
        if not is_wanted():
            return None
        admitted: Admitted | None = None
        if estimate is not None:
            admitted = policy.admission.admit_ahead(model_call.place, estimate)
            if admitted is None:
                return None
        buffer = BufferedListener()
        call = self._open(model_call, provider, context, canonical, identity, buffer)
        return SpeculativeCall(
            self.requests.identity(model_call),
            asyncio.ensure_future(self._send(call, policy, admitted)),
            buffer,
            lambda reason: self._supersede(call, reason),
        )

    async def call(
        self,
        model_call: ModelCall,
        policy: CallPolicy,
        listener: CallListener,
        *,
        mode: Mode | None = None,
    ) -> ModelReply:
        """Ask a model, or the record. Cancelling closes the connection to the provider.

        Args:
            model_call: What is asked.
            policy: What the run allows.
            listener: Who hears of it while it is under way.
            mode: In place of the run's.

        Raises:
            ProviderNotFound: The cell or the notebook names one that is not installed.
            ProviderError: The call failed.
            PluginError: A plugin's hook failed.
            ReplayMiss: It has no recorded answer, and may not be sent.
            BudgetExceeded: It would cost more than is left.
            CallNotSent: A cell above it failed, and the run ends with that.
            PriceUnknown: A budget limits money, and there is no telling what it costs.
            StorageError: It cannot be recorded, and so is not sent.
        """
        provider, context = self.requests.build(model_call)
        mode = mode or policy.mode
        canonical = canonical_request(context.provider, context.request)
        identity = identity_of(canonical)
        if mode != "live":
            found = await policy.replay.find(identity, model_call.place)
            if found is None and model_call.recorded_as is not None:
                found = await policy.replay.find(
                    former_identity(context, model_call), model_call.place
                )
            if found is not None:
                if policy.admission.meters:
                    policy.admission.passed(model_call.place, self._cost_bound(model_call, context))
                return await self._take(found, model_call, mode, listener)
            if mode == "replay":
                raise await policy.replay.miss(canonical, model_call.place)
        call = self._open(model_call, provider, context, canonical, identity, listener)
        admitted: Admitted | None = None
        # Before a place is taken, and before plugins are: whoever waits for a budget waits for
        # calls that may need those.
        if policy.admission.meters:
            admitted = await self._admit(model_call, context, policy, listener)
        return await self._send(call, policy, admitted)

    def passed(self, model_call: ModelCall, policy: CallPolicy) -> None:
        """Note for the budgets that a call is answered by a call that was sent ahead.

        Args:
            model_call: What is asked.
            policy: What the run allows.
        """
        if policy.admission.meters:
            _, context = self.requests.build(model_call, preview=True)
            policy.admission.passed(model_call.place, self._cost_bound(model_call, context))

    def _open(
        self,
        model_call: ModelCall,
        provider: Provider,
        context: CallContext,
        canonical: dict[str, JSONValue],
        identity: str,
        listener: CallListener,
    ) -> OpenCall:
        record = CallRecord(
            id=new_id(),
            notebook_id=model_call.notebook.id,
            run_id=model_call.run_id,
            place=model_call.place,
            identity=identity,
            provider=context.provider,
            model=context.request.model,
            request=canonical,
            body=recorded_body(provider.body(context.request), context.request),
            started_at=datetime.now(UTC),
        )
        return OpenCall(provider, context, record, listener, self.prices, self.redactor)

    async def _send(
        self, call: OpenCall, policy: CallPolicy, admitted: Admitted | None
    ) -> ModelReply:
        with nullcontext() if admitted is None else admitted:
            async with self._plugins.around("llm_repl_around_call", context=call.context):
                try:
                    self._note_queue(call, policy)
                    async with policy.slots:
                        await with_retries(
                            lambda: self._attempt(call),
                            policy=self._retry_policy,
                            on_retry=call.listener.on_retry,
                        )
                finally:
                    self._end(call, admitted)
        return call.answer()

    def _note_queue(self, call: OpenCall, policy: CallPolicy) -> None:
        """Say so where a call has to wait for others."""
        provider = call.context.provider
        if policy.slots.locked():
            call.listener.on_queued("run", provider, policy.slots.waiting + 1, policy.slots.size)
        elif (place := self._limits.place(provider)) is not None:
            if pause_s := self._limits.waiting_s(provider):
                call.listener.on_queued("provider", provider, place, None, pause_s)
            else:
                call.listener.on_queued("provider", provider, place, self._limits.concurrency)

    async def _admit(
        self,
        model_call: ModelCall,
        context: CallContext,
        policy: CallPolicy,
        listener: CallListener,
    ) -> Admitted:
        """Wait until the budgets let a call in."""
        estimate = self._estimate(context, policy)
        cost_bound = self._cost_bound(model_call, context, estimate)
        return await policy.admission.admit(
            model_call.place,
            estimate,
            cost_bound,
            on_wait=lambda place: listener.on_queued("budget", context.provider, place, None),
        )

    def _estimate(self, context: CallContext, policy: CallPolicy) -> Spending:
        """The most that a call is thought to cost."""
        request = context.request
        tokens = estimate_tokens(request), output_allowance(request)
        usd = self.prices.estimate_usd(context.provider, request.model, *tokens)
        limits_money = any(meter.budget.usd is not None for meter in policy.admission.meters)
        if policy.unpriced_before and not policy.allow_unpriced:
            raise PriceUnknown(policy.unpriced_before)
        if usd is None and limits_money and not policy.allow_unpriced:
            sentence = unpriced(context.provider, request.model)
            raise PriceUnknown(sentence[:1].upper() + sentence[1:])
        return Spending(calls=1, tokens=sum(tokens), usd=usd or 0.0)

    def _cost_bound(
        self, model_call: ModelCall, context: CallContext, estimate: Spending | None = None
    ) -> CostBound:
        """The most that may follow a call."""
        if estimate is None:
            tokens = estimate_tokens(context.request) + output_allowance(context.request)
            estimate = Spending(calls=1, tokens=tokens)
        return self.cost_bounds.after(
            model_call.cell, context.provider, context.request.model, estimate
        )

    async def _take(
        self, found: CallRecord, model_call: ModelCall, mode: Mode, listener: CallListener
    ) -> ModelReply:
        record = answered_from(
            found,
            id=new_id(),
            run_id=model_call.run_id,
            place=model_call.place,
            mode=mode,
            started_at=datetime.now(UTC),
        )
        await self.ledger.begin(record)
        listener.on_begin(found.id)
        if found.reasoning:
            listener.on_reasoning(found.reasoning)
        if found.text:
            listener.on_text(found.text)
        return ModelReply(
            call_id=found.id,
            provider=found.provider,
            model=found.answered_by or found.model,
            turn=found.turn,
            source=mode,
        )

    async def _attempt(self, call: OpenCall) -> None:
        provider_name = call.context.provider
        async with self._limits.slot(provider_name):
            if not call.begun:
                await self._begin(call)
                call.listener.on_begin(call.record.id)
                self.prices.load(provider_name)
            try:
                await call.attempt()
            except RateLimited as error:
                # Where it asks for more patience than there is, only this call ends by it.
                pause_s = min(
                    error.retry_after_s or _PAUSE_S, self._retry_policy.longest_retry_after_s
                )
                self._limits.pause(provider_name, pause_s)
                raise
            except ModelNotFound as error:
                model = call.context.request.model
                meant = await suggest_model(call.provider, self.prices, model)
                raise ModelNotFound(f"{error}{meant}") from error

    async def _begin(self, call: OpenCall) -> None:
        # From here on: who is stopped while this is on its way to the disk has it there.
        call.begun = True
        try:
            await self.ledger.begin(call.record)
        except StorageError:
            call.begun = False
            raise

    def _end(self, call: OpenCall, admitted: Admitted | None) -> None:
        """Keep how it ended, whatever happened.

        Nobody waits for the disk here, or every prompt of a chain would: the answer goes on, and
        the run waits for all of its ends.
        """
        if not call.begun:
            return  # it was never sent
        if admitted is not None:
            admitted.settle(call.spending(), failed=not call.complete)
        self.ends.keep(call)
        self._plugins.notify(
            "llm_repl_after_call", context=call.context, result=call.result_for_hooks()
        )

    def _supersede(self, call: OpenCall, reason: str) -> None:
        call.superseded = reason
        if call.complete:
            self.ends.keep(call)
