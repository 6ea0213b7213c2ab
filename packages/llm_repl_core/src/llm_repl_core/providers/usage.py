"""What a call took, as the provider counts it."""

from __future__ import annotations

from collections import Counter
from typing import Any

from msgspec import Struct, field, structs

from llm_repl_core.model.json_value import JSONValue

__all__ = ["Usage", "usage_document"]


class Usage(Struct, frozen=True, kw_only=True):
    """The provider's token counts for a call. What it does not count is None, not 0.

    ``input_tokens`` and ``output_tokens`` are totals: the other counts are parts of these two,
    whichever way the provider itself adds up.

    Attributes:
        input_tokens: Tokens of the messages, including cached ones and those written to the cache.
        output_tokens: Tokens of the answer, including reasoning.
        cached_input_tokens: Input tokens that were read from the provider's cache.
        cache_write_tokens: Input tokens that were written to the provider's cache.
        reasoning_tokens: Output tokens that were spent on reasoning.
        input_by_modality: Input tokens by modality: ``audio``, ``image``, ``video`` and so on; text
            may be left out.
        output_by_modality: Output tokens by modality.
        service_tier: The provider's service tier, in its own words (``flex``, ``priority``).
        raw: The provider's own record, unchanged.
    """

    input_tokens: int | None = None
    output_tokens: int | None = None
    raw: dict[str, JSONValue] = field(default_factory=dict)
    cached_input_tokens: int | None = None
    cache_write_tokens: int | None = None
    reasoning_tokens: int | None = None
    input_by_modality: dict[str, int] = field(default_factory=dict)
    output_by_modality: dict[str, int] = field(default_factory=dict)
    service_tier: str | None = None

    def __add__(self, other: Usage) -> Usage:
        """What both took; the provider's own record and its terms are those of the other."""
        return Usage(
            **{name: _sum(getattr(self, name), getattr(other, name)) for name in _COUNTS},
            raw=other.raw,
            input_by_modality=dict(
                Counter(self.input_by_modality) + Counter(other.input_by_modality)
            ),
            output_by_modality=dict(
                Counter(self.output_by_modality) + Counter(other.output_by_modality)
            ),
            service_tier=other.service_tier,
        )


_COUNTS = (
    "input_tokens",
    "output_tokens",
    "cached_input_tokens",
    "cache_write_tokens",
    "reasoning_tokens",
)
_ALWAYS = frozenset({"input_tokens", "output_tokens", "raw"})


def usage_document(usage: Usage) -> dict[str, Any]:
    """Usage as outputs and recordings have it: what is not told is left out.

    ``input_tokens``, ``output_tokens`` and ``raw`` are always there, as in files of old.
    """
    told = structs.asdict(usage)
    return {
        name: value for name, value in told.items() if name in _ALWAYS or value not in (None, {})
    }


def _sum(one: int | None, other: int | None) -> int | None:
    return other if one is None else one + (other or 0)
