"""``/api/llm``: who answers prompts."""

from __future__ import annotations

from llm_repl_server.api.provider_schemas import CustomProviderChange, NewKey
from llm_repl_server.api.resource import Resource, services
from llm_repl_server.api.schemas import ProviderChange
from llm_repl_server.services.answers import Success
from llm_repl_server.services.llm import ProviderList
from llm_repl_server.services.providers import ModelList, ProviderDetails, ProviderTrial

__all__ = ["llm"]

llm = Resource("llm")


@llm.operation("GET", "/api/llm/providers")
def list_providers() -> ProviderList:
    """List the providers: which can answer, where their keys come from, and the default one."""
    return services().loop.call(services().llm.providers())


@llm.operation("PUT", "/api/llm/provider", body_required=True, errors=(404,))
def choose_provider(body: ProviderChange) -> Success:
    """Set the default provider; a key is stored in the keys file and never shown."""
    services().loop.call(
        services().llm.choose(
            body.type,
            api_key=body.api_key,
            # Empty where the field of a form was.
            base_url=body.base_url or None,
            model=body.model or None,
        )
    )
    return Success(success=True)


@llm.operation("PUT", "/api/llm/providers/<provider>", body_required=True, errors=(404, 409))
def set_custom_provider(provider: str, body: CustomProviderChange) -> ProviderDetails:
    """Give a server a name of its own, as in `name/model`, or change the one that has it."""
    return services().loop.call(
        services().providers.set_custom(
            provider,
            base_url=body.base_url,
            model=body.model or None,
            provider_type=body.type,
            api_key=body.api_key,
        )
    )


@llm.operation("DELETE", "/api/llm/providers/<provider>", errors=(404, 409))
def remove_custom_provider(provider: str) -> Success:
    """Forget a server that has a name of its own, and its keys."""
    services().loop.call(services().providers.remove_custom(provider))
    return Success(success=True)


@llm.operation("PUT", "/api/llm/providers/<provider>/key", body_required=True, errors=(404,))
def set_provider_key(provider: str, body: NewKey) -> ProviderDetails:
    """Keep a key in the keys file, for the address that the provider has now; it is never shown."""
    return services().loop.call(services().providers.set_key(provider, body.api_key))


@llm.operation("DELETE", "/api/llm/providers/<provider>/key", errors=(404,))
def remove_provider_key(provider: str) -> ProviderDetails:
    """Take the keys of a provider out of the keys file; one in the environment stays."""
    return services().loop.call(services().providers.remove_key(provider))


@llm.operation("GET", "/api/llm/providers/<provider>/models", errors=(404, 409))
def list_models(provider: str) -> ModelList:
    """Ask a provider which models it offers."""
    return services().loop.call(services().providers.models(provider))


@llm.operation("POST", "/api/llm/providers/<provider>/test", errors=(404,))
def test_provider(provider: str) -> ProviderTrial:
    """See whether a provider can be reached and takes the key; no prompt is sent."""
    return services().loop.call(services().providers.test(provider))
