"""Calls to models: routed, watched by the plugins, and answered."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import aclosing

import msgspec
from msgspec import Struct

from llm_repl_core.engine.providers import Providers
from llm_repl_core.engine.routing import route
from llm_repl_core.errors import PluginError
from llm_repl_core.model.cell import PromptCell
from llm_repl_core.model.notebook import Notebook
from llm_repl_core.plugins.contexts import CallContext, CallResult
from llm_repl_core.plugins.manager import PluginManager
from llm_repl_core.providers.base import Delta, Message, Provider, Request, Usage
from llm_repl_core.providers.streaming import deltas

__all__ = ["Answer", "Caller"]


class Answer(Struct, frozen=True, kw_only=True):
    """What a model gave back.

    Attributes:
        text: The whole answer.
        provider: Who answered.
        model: The model that answered; the one that was asked for where the provider is silent.
        usage: What it cost, where the provider counts.
        finish_reason: Why it ended, where the provider says it.
    """

    text: str
    provider: str
    model: str
    usage: Usage | None = None
    finish_reason: str | None = None


class Caller:
    """Sends the requests of a notebook's prompts.

    Args:
        providers: Who can answer.
        plugins: Whose hooks watch.
    """

    def __init__(self, providers: Providers, plugins: PluginManager) -> None:
        self._providers = providers
        self._plugins = plugins

    async def __call__(
        self,
        notebook: Notebook,
        cell: PromptCell,
        messages: tuple[Message, ...],
        *,
        run_id: str,
        on_delta: Callable[[Delta], None] | None = None,
    ) -> Answer:
        """Ask a model. Cancelling closes the connection to the provider.

        Args:
            notebook: The cell's notebook.
            cell: The prompt, which may say who answers.
            messages: What is sent.
            run_id: The run's UUID.
            on_delta: Called with each piece of the answer as it arrives.

        Raises:
            ProviderNotFound: The cell or the notebook names one that is not installed.
            ProviderError: The call failed.
            PluginError: A plugin's hook failed.
        """
        path = route(cell, notebook, self._providers.choice, self._providers.names())
        provider = self._providers.get(path.provider)
        context = CallContext(
            notebook=notebook,
            cell=cell,
            run_id=run_id,
            provider=path.provider,
            request=Request(
                model=path.model or provider.config.model or provider.default_model,
                messages=messages,
                temperature=cell.temperature,
            ),
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
        async with self._plugins.around("llm_repl_around_call", context=context):
            return await self._watched(provider, context, on_delta)

    async def _watched(
        self,
        provider: Provider,
        context: CallContext,
        on_delta: Callable[[Delta], None] | None,
    ) -> Answer:
        started = time.perf_counter()
        collected = _Collected()
        error: str | None = "interrupted"
        try:
            async with aclosing(deltas(provider, context.request)) as stream:
                async for delta in stream:
                    collected.add(delta)
                    if on_delta is not None:
                        on_delta(delta)
            error = None
        except Exception as failure:
            error = str(failure)
            raise
        finally:
            self._plugins.notify(
                "llm_repl_after_call",
                context=context,
                result=CallResult(
                    text="".join(collected.pieces),
                    model=collected.model,
                    usage=collected.usage,
                    error=error,
                    duration_s=time.perf_counter() - started,
                ),
            )
        return Answer(
            text="".join(collected.pieces),
            provider=context.provider,
            model=collected.model or context.request.model,
            usage=collected.usage,
            finish_reason=collected.finish_reason,
        )


class _Collected:
    def __init__(self) -> None:
        self.pieces: list[str] = []
        self.usage: Usage | None = None
        self.model: str | None = None
        self.finish_reason: str | None = None

    def add(self, delta: Delta) -> None:
        if delta.text:
            self.pieces.append(delta.text)
        self.usage = delta.usage or self.usage
        self.model = delta.model or self.model
        self.finish_reason = delta.finish_reason or self.finish_reason
