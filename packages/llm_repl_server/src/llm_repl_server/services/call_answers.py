"""What is answered about calls to models: each answer's class is its form, and its description."""

from __future__ import annotations

from typing import Annotated, Any

from msgspec import Meta, Struct

from llm_repl_core.ledger.record import CallRecord, CallSource, CallState
from llm_repl_core.ledger.recorded_parts import part_documents
from llm_repl_core.providers.base import FinishReason
from llm_repl_server.services.answers import Metadata, Time
from llm_repl_server.services.encoding import time_on_wire

__all__ = ["CallAnswer", "CallList", "CallSummary", "SpendingAnswer", "call_answer", "call_summary"]

_EXCERPT_LENGTH = 200  # characters


class CallSummary(Struct, frozen=True, kw_only=True):
    """A call in the list."""

    id: str
    notebook_id: str
    run_id: str
    cell_id: str
    item: Annotated[int | None, Meta(description="Of a prompt over items: which, from 0.")]
    step: Annotated[int, Meta(description="Which request of the prompt, from 0.")]
    provider: str
    model: str
    source: CallSource
    state: CallState
    started_at: Time
    duration_s: float | None
    first_token_s: float | None
    input_tokens: int | None
    output_tokens: int | None
    price_usd: float | None
    finish_reason: Annotated[
        FinishReason | None,
        Meta(description="Why the answer ended; `length`: it was cut off at the limit of tokens."),
    ]
    provider_finish_reason: Annotated[
        str | None,
        Meta(description="The provider's own word for `finish_reason`, where it is another."),
    ]
    error: str | None
    prompt: Annotated[str, Meta(description="How the last message begins.")]
    answer: Annotated[str, Meta(description="How the answer begins.")]


class CallList(Struct, frozen=True, kw_only=True):
    """A page of calls, the last that started first."""

    calls: list[CallSummary]
    next: Annotated[str | None, Meta(description="The `cursor` of the next page; null: none.")]


class CallAnswer(CallRecord, frozen=True, kw_only=True):
    """All of a call. Attachments, and what models made, are named by their hash.

    Attributes:
        parts: All that the turn was made of, in order, what was made by its hash; empty where it is
            its reasoning, its text and its tool calls.
    """

    parts: tuple[Metadata, ...] = ()  # type: ignore[assignment]  # the same, as JSON has it


class SpendingAnswer(Struct, frozen=True, kw_only=True):
    """What a notebook's calls have cost, where providers count and prices are known."""

    calls: int
    tokens: int
    usd: float
    unpriced_calls: Annotated[
        int, Meta(description="Of how many calls no price is known: `usd` is without them.")
    ]
    superseded_calls: Annotated[int, Meta(description="How many calls were sent ahead in vain.")]
    superseded_usd: Annotated[float, Meta(description="What those cost; `usd` is with them.")]
    budget: Annotated[
        dict[str, Any] | None, Meta(description="What it may cost, as its metadata say.")
    ]


def call_answer(record: CallRecord) -> CallAnswer:
    """All of a call."""
    fields = {name: getattr(record, name) for name in CallRecord.__struct_fields__}
    fields["parts"] = tuple(part_documents(record.parts))
    return CallAnswer(**fields)


def call_summary(record: CallRecord) -> CallSummary:
    """A call in a list: who, where, when, what it cost, and how its texts begin."""
    usage = record.usage
    return CallSummary(
        id=record.id,
        notebook_id=record.notebook_id,
        run_id=record.run_id,
        cell_id=record.place.cell_id,
        item=record.place.item,
        step=record.place.step,
        provider=record.provider,
        model=record.model,
        source=record.source,
        state=record.state,
        started_at=time_on_wire(record.started_at),
        duration_s=record.duration_s,
        first_token_s=record.first_token_s,
        input_tokens=None if usage is None else usage.input_tokens,
        output_tokens=None if usage is None else usage.output_tokens,
        price_usd=record.price_usd,
        finish_reason=record.finish_reason,
        provider_finish_reason=record.provider_finish_reason,
        error=None if record.error is None else record.error.message,
        prompt=_last_text(record)[:_EXCERPT_LENGTH],
        answer=record.text[:_EXCERPT_LENGTH],
    )


def _last_text(record: CallRecord) -> str:
    """The last message that was sent."""
    messages = record.request.get("messages")
    last = messages[-1] if isinstance(messages, list) and messages else None
    content = last.get("content") if isinstance(last, dict) else None
    return content if isinstance(content, str) else ""
