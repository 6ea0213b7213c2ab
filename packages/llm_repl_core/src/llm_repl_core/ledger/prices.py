"""What calls cost: by a table of the user's own, else by the list that ``genai-prices`` brings."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Mapping
from typing import Any

from llm_repl_core.model.json_value import JSONValue
from llm_repl_core.providers.base import Usage
from llm_repl_core.settings import ModelPrice

__all__ = ["Prices", "load_prices"]

_FREE = frozenset({"mock"})
"""Providers that nobody pays."""

_SMALL_CALL = ("openai", "gpt-4o", {"input_tokens": 1})

_MILLION = 1_000_000

_loading = threading.Event()  # the library keeps its list for the process, and so its loading too


class Prices:
    """Prices of calls.

    Args:
        table: Prices of one's own, which go before the list: by ``provider/model``, by the model's
            name alone, or by ``provider/*`` for all its models.
    """

    def __init__(self, table: Mapping[str, ModelPrice] | None = None) -> None:
        self._table = dict(table or {})

    def price_usd(self, provider: str, model: str, usage: Usage) -> float | None:
        """What a call cost.

        Args:
            provider: The provider's name.
            model: The model that answered.
            usage: What the provider counted; tokens that it took from its cache, by its own
                record, have the cache's price.

        Returns:
            US dollars; None where no price is known, or the provider did not count both sides.
        """
        if provider in _FREE:
            return 0.0
        if usage.input_tokens is None or usage.output_tokens is None:
            return None
        cached = _cached_tokens(usage.raw)
        cached = cached if 0 < cached <= usage.input_tokens else 0
        own = self._own(provider, model)
        if own is not None:
            return _own_price_usd(own, usage.input_tokens, usage.output_tokens, cached)
        counts = {"input_tokens": usage.input_tokens, "output_tokens": usage.output_tokens}
        if cached:
            counts["cache_read_tokens"] = cached
        return _listed_price_usd(provider, model, counts)

    def estimate_usd(
        self, provider: str, model: str, input_tokens: int, output_tokens: int
    ) -> float | None:
        """What a call of that size would cost, nothing taken from a cache.

        Args:
            provider: The provider's name.
            model: The model's name, without the provider's.
            input_tokens: Of the messages.
            output_tokens: Of the answer.

        Returns:
            US dollars; None where no price is known.
        """
        usage = Usage(input_tokens=input_tokens, output_tokens=output_tokens)
        return self.price_usd(provider, model, usage)

    def context_window(self, provider: str, model: str) -> int | None:
        """How many tokens a model takes at most; None where the list does not say it."""
        if provider in _FREE:
            return None
        with contextlib.suppress(Exception):
            import genai_prices

            one_token = genai_prices.Usage(input_tokens=1)
            found = genai_prices.calc_price(one_token, model, provider_id=provider.lower())
            return found.model.context_window
        return None

    def load(self, provider: str) -> None:
        """Begin to read the list of prices, where a call of this provider needs it.

        Args:
            provider: Whose call is sent; for those that nobody pays nothing is read.
        """
        if provider not in _FREE:
            load_prices()

    def _own(self, provider: str, model: str) -> ModelPrice | None:
        for name in (f"{provider}/{model}", model, f"{provider}/*"):
            if name in self._table:
                return self._table[name]
        return None


def load_prices() -> None:
    """Begin to read the list of prices, which takes some 0.3 s, in a thread; only once.

    Call it when a call is sent, so that its end need not wait for the list.
    """
    if not _loading.is_set():
        _loading.set()
        threading.Thread(target=_listed_price_usd, args=_SMALL_CALL, daemon=True).start()


def _own_price_usd(
    price: ModelPrice, input_tokens: int, output_tokens: int, cached_tokens: int
) -> float | None:
    if input_tokens < 0 or output_tokens < 0:
        return None
    cached_price = price.input if price.cached_input is None else price.cached_input
    total = (
        (input_tokens - cached_tokens) * price.input
        + cached_tokens * cached_price
        + output_tokens * price.output
    )
    return total / _MILLION


def _listed_price_usd(provider: str, model: str, counts: dict[str, int]) -> float | None:
    # A missing or surprising price must never fail a call that has been answered and paid for.
    with contextlib.suppress(Exception):
        # Heavy: it brings pydantic and an HTTP client. It asks the network for newer prices only
        # where its `UpdatePrices` is started, which nobody does here.
        import genai_prices

        price = genai_prices.calc_price(
            genai_prices.Usage(**counts), model, provider_id=provider.lower()
        )
        # A model whose answers have no price in the list would count them as free.
        listed = price.model_price
        if listed.input_mtok is not None and (
            not counts.get("output_tokens") or listed.output_mtok is not None
        ):
            return float(price.total_price)
    return None


def _cached_tokens(raw: dict[str, JSONValue]) -> int:
    """How many of the input's tokens the provider had in its cache, as OpenAI says it."""
    details: Any = raw.get("prompt_tokens_details") or raw.get("input_tokens_details")
    cached = details.get("cached_tokens") if isinstance(details, dict) else None
    return cached if isinstance(cached, int) and not isinstance(cached, bool) else 0
