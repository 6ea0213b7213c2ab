"""Which model may have been meant, where a provider has none of the name."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from llm_repl_core.errors import ProviderError
from llm_repl_core.ledger.prices import Prices
from llm_repl_core.providers.base import Provider
from llm_repl_core.suggestions import did_you_mean

__all__ = ["suggest_model"]

_LIMIT_S = 5.0
_MOST_NAMED = 5


async def suggest_model(provider: Provider, prices: Prices, model: str) -> str:
    """The end of a message, behind a blank: the nearest model that there is, or what is offered.

    Args:
        provider: Who does not have the model.
        prices: Whose list of models is taken where the provider has none of its own.
        model: What was asked for.
    """
    offered = await _offered(provider)
    # In a thread, as it reads the list of prices.
    known = offered or await asyncio.to_thread(prices.models, provider.name)
    others = [name for name in known if name != model]
    meant = did_you_mean(model, others)
    if meant or not offered or not others:
        return meant
    named = ", ".join(f"`{name}`" for name in others[:_MOST_NAMED])
    return f" It offers {named}{', …' if len(others) > _MOST_NAMED else ''}."


async def _offered(provider: Provider) -> Sequence[str]:
    """What the provider says that it offers; nothing, if it does not say it, or not in time."""
    if type(provider).models is Provider.models:
        return ()
    try:
        return await asyncio.wait_for(provider.models(), _LIMIT_S)
    except (ProviderError, TimeoutError):
        return ()
