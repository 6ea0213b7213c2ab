"""What a model is sent: who answers, the request as plugins leave it, and what makes two the same."""

from __future__ import annotations

import msgspec

from llm_repl_core.engine.cache_hints import cache_hint
from llm_repl_core.engine.providers import Providers
from llm_repl_core.engine.reasoning_efforts import chosen_effort, refuse_unknown_effort
from llm_repl_core.engine.routing import Route, route
from llm_repl_core.errors import (
    PluginError,
    RequestRejected,
)
from llm_repl_core.execution.model_calls import ModelCall
from llm_repl_core.ledger.identity import canonical_request, identity_of
from llm_repl_core.plugins.contexts import CallContext
from llm_repl_core.plugins.manager import PluginManager
from llm_repl_core.providers.base import Provider, Request

__all__ = ["RequestBuilder", "former_identity"]

_OF_SDK = frozenset({"extra_headers", "extra_query", "default_headers", "default_query"})


class RequestBuilder:
    """Makes the requests of prompts.

    Args:
        providers: Who can answer.
        plugins: Whose hooks may change a request.
    """

    def __init__(self, providers: Providers, plugins: PluginManager) -> None:
        self._providers = providers
        self._plugins = plugins

    def build(
        self, model_call: ModelCall, *, preview: bool = False
    ) -> tuple[Provider, CallContext]:
        """Find who answers, and make the request that is sent.

        Args:
            model_call: What is asked.
            preview: Whether it is only looked at.

        Raises:
            ProviderNotFound: The cell or the notebook names one that is not installed.
            ProviderError: It cannot be used.
            PluginError: A plugin's hook failed.
            RequestRejected: A parameter would be a header, and so may be a key; or the provider
                cannot be told how much to think.
        """
        path, provider = self._route(model_call)
        context = CallContext(
            notebook=model_call.notebook,
            cell=model_call.cell,
            run_id=model_call.run_id,
            provider=path.provider,
            request=self._request(model_call, path, provider),
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
        _refuse_headers(context.request)
        refuse_unknown_effort(context.request, provider)
        # Before anything is made of it: what is sent, its identity and the record agree.
        request = self._providers.redactor.value(context.request)
        if request.cache is None:
            hint = cache_hint(model_call.notebook, request)
            request = msgspec.structs.replace(request, cache=hint)
        return provider, msgspec.structs.replace(context, request=request)

    def _route(self, model_call: ModelCall) -> tuple[Route, Provider]:
        choice, names = self._providers.choice, self._providers.names()
        path = route(model_call.cell, model_call.notebook, choice, names)
        return path, self._providers.get(path.provider)

    def _request(self, model_call: ModelCall, path: Route, provider: Provider) -> Request:
        cell, choice = model_call.cell, self._providers.choice
        return Request(
            model=path.model or provider.config.model or provider.default_model,
            messages=model_call.messages,
            temperature=cell.temperature,
            options=dict(cell.parameters),
            tools=model_call.tools,
            answer_schema=model_call.answer_schema,
            reasoning_effort=chosen_effort(cell, model_call.notebook, choice),
        )

    def identity(self, model_call: ModelCall) -> str:
        """What makes two calls the same, before plugins make anything of them.

        Args:
            model_call: What is asked.

        Raises:
            ProviderNotFound: The cell or the notebook names one that is not installed.
            ProviderError: It cannot be used.
            InvalidInput: A parameter is something that JSON cannot hold.
        """
        path, provider = self._route(model_call)
        request = self._request(model_call, path, provider)
        return identity_of(canonical_request(path.provider, request))


def former_identity(context: CallContext, model_call: ModelCall) -> str:
    """The identity by which an earlier version recorded a call.

    Args:
        context: The call, as it is sent now.
        model_call: What is asked.
    """
    request = context.request
    if model_call.recorded_as is not None and request.messages == model_call.messages:
        request = msgspec.structs.replace(request, messages=model_call.recorded_as)
    return identity_of(canonical_request(context.provider, request))


def _refuse_headers(request: Request) -> None:
    """Refuse what OpenAI's SDK would take for headers and the like: parameters are no secret."""
    for name in sorted(_OF_SDK & request.options.keys()):
        raise RequestRejected(
            f"The parameter `{name}` cannot be set: parameters are saved with the notebook and "
            "recorded, and headers and queries may hold keys. Keep a key with `llm-repl keys set`; "
            "a server that wants other headers needs a provider of its own, see "
            "docs/how-to/write-a-provider.md."
        )
