"""How much of a prompt an earlier call began with: what a provider's prompt cache may still have."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any

from msgspec import Struct, structs

from llm_repl_core.engine.tokens import ANSWER_TOKENS, estimate_tokens
from llm_repl_core.ledger.prices import Prices
from llm_repl_core.ledger.record import CallRecord
from llm_repl_core.ledger.text_changes import shared_start
from llm_repl_core.model.json_value import JSONValue
from llm_repl_core.providers.base import Message, Request

__all__ = ["RECENT_CALLS", "SharedPrefix", "find_shared_prefix"]

RECENT_CALLS = 200
"""How many of a notebook's latest calls are looked at: caches forget within minutes or hours."""

_NO_TIME = datetime(1970, 1, 1, tzinfo=UTC)
"""What calls from a file of recordings have, which keeps no times."""


class SharedPrefix(Struct, frozen=True, kw_only=True):
    """What a prompt has in common with the beginning of an earlier call.

    Attributes:
        call_id: The earlier call.
        cell_id: Its cell.
        asked_at: When it was made, by which one can tell whether a cache still has it; None: not
            known.
        messages: How many messages are the same, from the first on.
        tokens: About how many tokens that is, with the part of the next message that is the same.
        saving_usd: What the provider's cache would save of the price of one call, in US dollars;
            None if unknown.
    """

    call_id: str
    cell_id: str
    asked_at: datetime | None
    messages: int
    tokens: int
    saving_usd: float | None


def find_shared_prefix(
    records: Iterable[CallRecord],
    provider: str,
    request: Request,
    canonical: Mapping[str, JSONValue],
    prices: Prices,
) -> SharedPrefix | None:
    """The longest beginning that a request shares with an earlier one; the latest of equals.

    A cache takes a request from its beginning on: model, tools and schema have to be the same.

    Args:
        records: The earlier calls, the latest last.
        provider: Who would be asked.
        request: What would be sent.
        canonical: Its canonical form.
        prices: What calls cost.

    Returns:
        None: there is none.
    """
    best: tuple[int, int, CallRecord] | None = None
    for record in records:
        if any(record.request.get(name) != canonical.get(name) for name in _BEFORE_MESSAGES):
            continue
        shared = _shared(_messages(record.request), _messages(canonical))
        if shared > (0, 0) and (best is None or shared >= best[:2]):
            best = (*shared, record)
    if best is None:
        return None
    count, characters, record = best
    alike = list(request.messages[:count])
    if characters:
        alike.append(
            Message(request.messages[count].role, request.messages[count].content[:characters])
        )
    whole = estimate_tokens(request)
    tokens = min(
        estimate_tokens(structs.replace(request, messages=tuple(alike))) - ANSWER_TOKENS, whole
    )
    plain = prices.estimate_usd(provider, request.model, whole, 0)
    cached = prices.estimate_usd(provider, request.model, whole, 0, tokens)
    return SharedPrefix(
        call_id=record.id,
        cell_id=record.place.cell_id,
        asked_at=None if record.started_at == _NO_TIME else record.started_at,
        messages=count,
        tokens=tokens,
        saving_usd=None if plain is None or cached is None else max(0.0, plain - cached),
    )


_BEFORE_MESSAGES = ("provider", "model", "tools", "answer_schema")


def _messages(canonical: Mapping[str, JSONValue]) -> list[Any]:
    messages = canonical.get("messages")
    return messages if isinstance(messages, list) else []


def _shared(earlier: list[Any], now: list[Any]) -> tuple[int, int]:
    """How many messages are the same, and how many characters of the next one."""
    count = 0
    for message, other in zip(earlier, now, strict=False):
        if message != other:
            if message.get("role") != other.get("role"):
                return count, 0
            return count, shared_start(
                str(message.get("content", "")), str(other.get("content", ""))
            )
        count += 1
    return count, 0
