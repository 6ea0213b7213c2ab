"""What calls cost: by a table of the user's own, else by the list that ``genai-prices`` brings."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Mapping
from typing import Any

import msgspec

from llm_repl_core.ledger.token_counts import TokenCounts
from llm_repl_core.model.output import Output
from llm_repl_core.providers.usage import Usage
from llm_repl_core.settings import ModelPrice

__all__ = ["Prices", "load_prices"]

_FREE = frozenset({"mock"})
"""Providers that nobody pays."""

_NOBODYS_TERMS = {"service_tier": "of nobody"}

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
            usage: What the provider counted. What was cached, reasoned, heard or seen has its own
                price, and so have other terms of service.

        Returns:
            US dollars; None where no price is known, or the provider did not count both sides.
        """
        if provider in _FREE:
            return 0.0
        counts = TokenCounts.of(usage)
        if counts is None:
            return None
        own = self._own(provider, model)
        if own is not None:
            return _own_price_usd(own, counts)
        return _listed_price_usd(provider, model, counts)

    def estimate_usd(
        self,
        provider: str,
        model: str,
        input_tokens: int,
        output_tokens: int,
        cached_tokens: int = 0,
    ) -> float | None:
        """What a call of that size would cost.

        Args:
            provider: The provider's name.
            model: The model's name, without the provider's.
            input_tokens: Of the messages.
            output_tokens: Of the answer.
            cached_tokens: Of the messages: taken from the provider's cache.

        Returns:
            US dollars; None where no price is known.
        """
        usage = Usage(
            input_tokens=input_tokens,
            output_tokens=output_tokens,
            cached_input_tokens=cached_tokens or None,
        )
        return self.price_usd(provider, model, usage)

    def answer_price_usd(self, answer: Output) -> float | None:
        """What an answer in a notebook cost, by what its provider counted.

        Args:
            answer: An output ``llm_response``; of a file, its fields may hold anything.

        Returns:
            US dollars; None where no price is known.
        """
        provider, model = answer.fields.get("provider"), answer.fields.get("model")
        if not isinstance(provider, str) or not isinstance(model, str):
            return None
        try:
            usage = msgspec.convert(answer.fields.get("usage"), Usage)
        except msgspec.ValidationError:
            return None
        return self.price_usd(provider, model, usage)

    def models(self, provider: str) -> list[str]:
        """The models of a provider whose prices are known: those of one's own table, then the list's.

        Args:
            provider: The provider's name.
        """
        names = [name.partition("/")[2] for name in self._table if name.startswith(f"{provider}/")]
        with contextlib.suppress(Exception):  # nothing depends on the list
            from genai_prices.data_snapshot import get_snapshot

            for listed in get_snapshot().providers:
                if listed.id == provider.lower():
                    names += [model.id for model in listed.models if not model.deprecated]
        return [name for name in dict.fromkeys(names) if name != "*"]

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
        one_token = TokenCounts(input_tokens=1)
        read = threading.Thread(
            target=_listed_price_usd, args=("openai", "gpt-4o", one_token), daemon=True
        )
        read.start()


def _own_price_usd(price: ModelPrice, counts: TokenCounts) -> float | None:
    factor = 1.0
    if counts.service_tier is not None:
        known = price.service_tiers.get(counts.service_tier)
        if known is None:
            return None
        factor = known
    read = price.input if price.cached_input is None else price.cached_input
    write = price.input if price.cache_write is None else price.cache_write
    reasoning = price.output if price.reasoning is None else price.reasoning
    total = counts.cached * read + counts.cache_write * write + counts.reasoning * reasoning
    for kind, count in counts.input_by_modality.items():
        total += count * price.input_by_modality.get(kind, price.input)
    for kind, count in counts.output_by_modality.items():
        total += count * price.output_by_modality.get(kind, price.output)
    total += counts.plain_input * price.input + counts.plain_output * price.output
    return total * factor / _MILLION


def _listed_price_usd(provider: str, model: str, counts: TokenCounts) -> float | None:
    # A missing or surprising price must never fail a call that has been answered and paid for.
    with contextlib.suppress(Exception):
        # Heavy: it brings pydantic and an HTTP client. It asks the network for newer prices only
        # where its `UpdatePrices` is started, which nobody does here.
        import genai_prices

        usage = genai_prices.Usage(**counts.listed())

        def calculate(terms: dict[str, str] | None) -> Any:
            return genai_prices.calc_price(
                usage, model, provider_id=provider.lower(), price_context=terms
            )

        tier = counts.service_tier
        price = calculate(None if tier is None else {"service_tier": tier})
        # Terms that the list does not know have the prices of those that nobody has.
        if tier is not None and price.model_price == calculate(_NOBODYS_TERMS).model_price:
            return None
        # A model whose answers have no price in the list would count them as free.
        listed = price.model_price
        if listed.input_mtok is not None and (
            not counts.output_tokens or listed.output_mtok is not None
        ):
            return float(price.total_price)
    return None
