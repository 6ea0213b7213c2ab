"""``/api/llm``: who answers prompts."""

from __future__ import annotations

from llm_repl_server.api.resource import Resource, services
from llm_repl_server.api.schemas import ProviderChange
from llm_repl_server.services.answers import Success
from llm_repl_server.services.llm import ProviderList

__all__ = ["llm"]

llm = Resource("llm")


@llm.operation("GET", "/api/llm/providers")
def list_providers() -> ProviderList:
    """List the providers, and name the default one."""
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
