"""``/api/llm``: who answers prompts."""

from __future__ import annotations

from typing import Any

from llm_repl_server.api.resource import Resource, services
from llm_repl_server.api.schemas import ProviderChange, ProviderList, Success

__all__ = ["llm"]

llm = Resource("llm")


@llm.operation("GET", "/api/llm/providers", answer=ProviderList)
def list_providers() -> dict[str, Any]:
    """List the providers, and say which one answers by default."""
    return services().loop.call(services().llm.providers())


@llm.operation(
    "PUT",
    "/api/llm/provider",
    body=ProviderChange,
    body_required=True,
    answer=Success,
    errors=(404,),
)
def choose_provider(body: ProviderChange) -> dict[str, Any]:
    """Choose who answers by default; a key goes to the keys file and is never shown."""
    services().loop.call(
        services().llm.choose(
            body.type,
            api_key=body.api_key,
            # Empty where the field of a form was.
            base_url=body.base_url or None,
            model=body.model or None,
        )
    )
    return {"success": True}
