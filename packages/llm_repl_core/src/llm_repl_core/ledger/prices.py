"""What calls cost, by the list of prices that the library ``genai-prices`` brings along."""

from __future__ import annotations

import contextlib
import threading
from typing import Any

from llm_repl_core.model.json_value import JSONValue
from llm_repl_core.providers.base import Usage

__all__ = ["estimate_price_usd", "load_prices", "price_usd"]

_FREE = frozenset({"mock"})
"""Providers that nobody pays."""

_SMALL_CALL = ("openai", "gpt-4o", {"input_tokens": 1})

_loading = threading.Event()  # the library keeps its list for the process, and so its loading too


def price_usd(provider: str, model: str, usage: Usage) -> float | None:
    """What a call cost.

    Args:
        provider: The provider's name.
        model: The model that answered.
        usage: What the provider counted; tokens that it took from its cache, by its own record,
            have the cache's price.

    Returns:
        US dollars; None where the list has no price, or the provider did not count.
    """
    if provider in _FREE:
        return 0.0
    if usage.input_tokens is None and usage.output_tokens is None:
        return None
    counts = {"input_tokens": usage.input_tokens or 0, "output_tokens": usage.output_tokens or 0}
    cached = _cached_tokens(usage.raw)
    if 0 < cached <= counts["input_tokens"]:
        counts["cache_read_tokens"] = cached
    return _listed_price_usd(provider, model, counts)


def estimate_price_usd(
    provider: str, model: str, input_tokens: int, output_tokens: int
) -> float | None:
    """What a call of that size would cost, nothing taken from a cache.

    Args:
        provider: The provider's name.
        model: The model's name without the provider's.
        input_tokens: Of the messages.
        output_tokens: Of the answer.

    Returns:
        US dollars; None where the list has no price.
    """
    return price_usd(provider, model, Usage(input_tokens=input_tokens, output_tokens=output_tokens))


def load_prices(provider: str) -> None:
    """Begin to read the list of prices, which takes some 0.3 s, in a thread; only once.

    Call it when a call is sent, so that its end need not wait for the list.

    Args:
        provider: Whose call it is; for those that nobody pays nothing is read.
    """
    if provider not in _FREE and not _loading.is_set():
        _loading.set()
        threading.Thread(target=_listed_price_usd, args=_SMALL_CALL, daemon=True).start()


def _listed_price_usd(provider: str, model: str, counts: dict[str, int]) -> float | None:
    # A missing or surprising price must never fail a call that has been answered and paid for.
    with contextlib.suppress(Exception):
        # Heavy: it brings pydantic and an HTTP client. It asks the network for newer prices only
        # where its `UpdatePrices` is started, which nobody does here.
        import genai_prices

        price = genai_prices.calc_price(
            genai_prices.Usage(**counts), model, provider_id=provider.lower()
        )
        return float(price.total_price)
    return None


def _cached_tokens(raw: dict[str, JSONValue]) -> int:
    """How many of the input's tokens the provider had in its cache, as OpenAI says it."""
    details: Any = raw.get("prompt_tokens_details") or raw.get("input_tokens_details")
    cached = details.get("cached_tokens") if isinstance(details, dict) else None
    return cached if isinstance(cached, int) and not isinstance(cached, bool) else 0
