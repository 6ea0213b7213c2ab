"""What a call took, in the words of either API and of the servers that speak them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

from llm_repl_core.providers.base import Usage
from llm_repl_providers.openai.lenient_json import without_surrogates

__all__ = ["read_usage"]

_MODALITIES: Final = ("audio", "image", "video")


def read_usage(record: Any, *, service_tier: Any = None) -> Usage | None:
    """Read the record of a usage; None: it is none.

    Args:
        record: As it came in JSON.
        service_tier: By which terms the server says that it served the call.
    """
    if not isinstance(record, dict):
        return None
    raw = {name: value for name, value in without_surrogates(record).items() if value is not None}
    inward = _details(raw, ("input_tokens_details", "prompt_tokens_details"))
    outward = _details(raw, ("output_tokens_details", "completion_tokens_details"))
    input_tokens = _first_count(raw, ("input_tokens", "prompt_tokens"))
    output_tokens = _first_count(raw, ("output_tokens", "completion_tokens"))
    reasoning = _first_count(outward, ("reasoning_tokens",))
    total = _count(raw.get("total_tokens"))
    if None not in (input_tokens, output_tokens, reasoning, total):
        # Some servers count the reasoning beside the answer, and not within it.
        assert input_tokens is not None
        assert output_tokens is not None
        assert reasoning is not None
        if reasoning and total == input_tokens + output_tokens + reasoning:
            output_tokens += reasoning
    cached = _first_count(inward, ("cached_tokens",))
    if cached is None:
        cached = _first_count(raw, ("prompt_cache_hit_tokens", "cached_tokens"))
    return Usage(
        input_tokens=input_tokens,
        output_tokens=output_tokens,
        cached_input_tokens=cached,
        cache_write_tokens=_first_count(inward, ("cache_write_tokens",)),
        reasoning_tokens=reasoning,
        input_by_modality=_by_modality(inward),
        output_by_modality=_by_modality(outward),
        service_tier=service_tier if isinstance(service_tier, str) and service_tier else None,
        raw=raw,
    )


def _by_modality(details: dict[str, Any]) -> dict[str, int]:
    counts = {kind: _count(details.get(f"{kind}_tokens")) for kind in _MODALITIES}
    return {kind: count for kind, count in counts.items() if count}


def _details(raw: dict[str, Any], names: Iterable[str]) -> dict[str, Any]:
    found = (raw.get(name) for name in names)
    return next((details for details in found if isinstance(details, dict)), {})


def _first_count(record: dict[str, Any], names: Iterable[str]) -> int | None:
    counts = (_count(record.get(name)) for name in names)
    return next((count for count in counts if count is not None), None)


def _count(value: object) -> int | None:
    if isinstance(value, float) and value.is_integer():
        value = int(value)  # of servers whose language has one type of number
    is_count = isinstance(value, int) and not isinstance(value, bool) and value >= 0
    return value if is_count and isinstance(value, int) else None
