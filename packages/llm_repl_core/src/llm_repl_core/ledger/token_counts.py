"""Usage as prices need it: how many tokens of each kind, none counted twice."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, Self

from msgspec import Struct, field

from llm_repl_core.model.json_value import JSONValue
from llm_repl_core.providers.usage import Usage

__all__ = ["TokenCounts"]

_USUAL_TERMS: Final = frozenset({"", "auto", "default", "standard", "on_demand"})
"""What providers call the terms that are the list's."""

_LISTED: Final = frozenset({"audio", "image", "video"})
"""Kinds of input and output that the list of prices may tell apart."""


class TokenCounts(Struct, frozen=True, kw_only=True):
    """The tokens of a call. Those of a kind are parts of the two totals.

    Attributes:
        input_tokens: All of the messages.
        output_tokens: All of the answer.
        cached: Of the input: read from the cache.
        cache_write: Of the input: written to the cache.
        reasoning: Of the output: reasoning.
        input_by_modality: Of the input, by kind, text apart.
        output_by_modality: Of the output, by kind, text apart.
        service_tier: By which terms; None: the usual ones.
    """

    input_tokens: int = 0
    output_tokens: int = 0
    cached: int = 0
    cache_write: int = 0
    reasoning: int = 0
    input_by_modality: dict[str, int] = field(default_factory=dict)
    output_by_modality: dict[str, int] = field(default_factory=dict)
    service_tier: str | None = None

    @classmethod
    def of(cls, usage: Usage) -> Self | None:
        """The counts of a call; None where the provider did not count both sides.

        A count that cannot be, as it would be more than the whole, is left out: its tokens have
        the price of the rest.
        """
        sent, received = usage.input_tokens, usage.output_tokens
        if sent is None or received is None or sent < 0 or received < 0:
            return None
        cached = usage.cached_input_tokens
        if cached is None:
            cached = _cached_by_record(usage.raw)
        cached = _part(cached, sent)
        written = _part(usage.cache_write_tokens, sent - cached)
        reasoning = _part(usage.reasoning_tokens, received)
        tier = (usage.service_tier or "").lower()
        return cls(
            input_tokens=sent,
            output_tokens=received,
            cached=cached,
            cache_write=written,
            reasoning=reasoning,
            input_by_modality=_kinds(usage.input_by_modality, sent - cached - written),
            output_by_modality=_kinds(usage.output_by_modality, received - reasoning),
            service_tier=None if tier in _USUAL_TERMS else tier,
        )

    @property
    def plain_input(self) -> int:
        """Tokens of the messages that are of no kind."""
        kinds = sum(self.input_by_modality.values())
        return self.input_tokens - self.cached - self.cache_write - kinds

    @property
    def plain_output(self) -> int:
        """Tokens of the answer that are of no kind."""
        return self.output_tokens - self.reasoning - sum(self.output_by_modality.values())

    def listed(self) -> dict[str, int]:
        """The same in the words of the list of prices; what is none is left out."""
        counts = {
            "cache_read_tokens": self.cached,
            "cache_write_tokens": self.cache_write,
            "output_reasoning_tokens": self.reasoning,
            **{f"input_{kind}_tokens": n for kind, n in self.input_by_modality.items()},
            **{f"output_{kind}_tokens": n for kind, n in self.output_by_modality.items()},
        }
        told = {name: count for name, count in counts.items() if count}
        return {"input_tokens": self.input_tokens, "output_tokens": self.output_tokens, **told}


def _kinds(told: Mapping[str, int], total: int) -> dict[str, int]:
    """Counts by kind, which cannot be told apart from what was cached: the rest bears them."""
    kinds = {kind: count for kind, count in told.items() if kind in _LISTED and count > 0}
    return kinds if sum(kinds.values()) <= total else {}


def _part(count: int | None, total: int) -> int:
    return count if count is not None and 0 < count <= total else 0


def _cached_by_record(raw: dict[str, JSONValue]) -> int | None:
    """How many of the input's tokens were cached, as OpenAI says it: calls of old have it there only."""
    details: Any = raw.get("prompt_tokens_details") or raw.get("input_tokens_details")
    cached = details.get("cached_tokens") if isinstance(details, dict) else None
    return cached if isinstance(cached, int) and not isinstance(cached, bool) else None
