"""What is answered about calls to models: each answer's class is its form, and its description."""

from __future__ import annotations

from typing import Annotated, Any

from msgspec import Meta, Struct
from msgspec.structs import asdict

from llm_repl_core.ledger.record import CallRecord, CallSource, CallState
from llm_repl_core.ledger.recorded_parts import part_documents
from llm_repl_core.providers.base import FinishReason
from llm_repl_server.services.answers import Metadata, Time
from llm_repl_server.services.encoding import time_on_wire
from llm_repl_server.storage.call_totals import GroupedTotals

__all__ = [
    "CallAnswer",
    "CallList",
    "CallSummary",
    "CallTotalsAnswer",
    "SpendingAnswer",
    "call_answer",
    "call_summary",
    "totals_answer",
]

_EXCERPT_LENGTH = 200  # characters


class CallSummary(Struct, frozen=True, kw_only=True):
    """A call in the list."""

    id: str
    notebook_id: str
    run_id: str
    cell_id: str
    item: Annotated[
        int | None,
        Meta(description="The index of the item, in a prompt over items; null otherwise."),
    ]
    step: Annotated[int, Meta(description="Which request of the prompt, from 0.")]
    provider: str
    model: str
    source: CallSource
    state: CallState
    started_at: Time
    duration_s: float | None
    first_token_s: Annotated[
        float | None,
        Meta(description="From when the last attempt was sent until the first text came."),
    ]
    queued_s: Annotated[
        float | None,
        Meta(description="How long it waited before it was sent; null: it was not, or not yet."),
    ]
    last_attempt_s: Annotated[
        float | None,
        Meta(description="From `started_at` until the last attempt was sent; null: as above."),
    ]
    attempts: Annotated[int, Meta(ge=0, description="How many attempts have ended.")]
    answered_by: Annotated[
        str | None, Meta(description="The model that answered, if the provider says so.")
    ]
    input_tokens: int | None
    output_tokens: int | None
    price_usd: float | None
    finish_reason: Annotated[
        FinishReason | None,
        Meta(description="The finish reason; `length`: the answer was cut off at the token limit."),
    ]
    provider_finish_reason: Annotated[
        str | None,
        Meta(description="The provider's own word for `finish_reason`, if it differs."),
    ]
    error: str | None
    prompt: Annotated[str, Meta(description="The beginning of the last message.")]
    answer: Annotated[str, Meta(description="The beginning of the answer.")]


class CallList(Struct, frozen=True, kw_only=True):
    """A page of calls, the most recently started first."""

    calls: list[CallSummary]
    next: Annotated[str | None, Meta(description="The `cursor` of the next page; null: none.")]


class CallAnswer(CallRecord, frozen=True, kw_only=True):
    """A call in full. Attachments and generated media are identified by their hash.

    Attributes:
        parts: The whole turn, in order, with media by their hash; empty if the turn is only
            reasoning, text and tool calls.
    """

    parts: tuple[Metadata, ...] = ()  # type: ignore[assignment]  # the same, as JSON has it


class SpendingAnswer(Struct, frozen=True, kw_only=True):
    """What a notebook's calls have cost, as far as tokens were counted and prices are known."""

    calls: int
    tokens: int
    usd: float
    unpriced_calls: Annotated[
        int, Meta(description="How many calls have no known price; `usd` does not include them.")
    ]
    superseded_calls: Annotated[
        int, Meta(description="How many calls were sent ahead in vain (superseded).")
    ]
    superseded_usd: Annotated[
        float, Meta(description="What those cost, in US dollars; included in `usd`.")
    ]
    budget: Annotated[
        dict[str, Any] | None, Meta(description="The notebook's budget, from its metadata.")
    ]


class SumsAnswer(Struct, frozen=True, kw_only=True):
    """What some calls took and cost, as far as tokens were counted and prices are known."""

    calls: int
    recorded: Annotated[int, Meta(description="How many were answered from the record.")]
    failed: int
    unpriced: Annotated[int, Meta(description="How many were sent and have no known price.")]
    input_tokens: Annotated[int, Meta(description="Of those that were sent.")]
    output_tokens: Annotated[int, Meta(description="Of those that were sent.")]
    usd: float
    duration_s: Annotated[float, Meta(description="Of those that were sent, one after the other.")]
    saved_usd: Annotated[
        float, Meta(description="What those cost once that were answered from the record.")
    ]


class CellSums(SumsAnswer, frozen=True, kw_only=True):
    """The sums of a cell's calls."""

    cell_id: str


class ModelSums(SumsAnswer, frozen=True, kw_only=True):
    """The sums of the calls to a model."""

    provider: str
    model: Annotated[str, Meta(description="By the requested name.")]


class DaySums(SumsAnswer, frozen=True, kw_only=True):
    """The sums of the calls of a day."""

    day: Annotated[str, Meta(extra_json_schema={"format": "date"})]


class CallTotalsAnswer(Struct, frozen=True, kw_only=True):
    """What calls took and cost: all of them, and by cell, model and day."""

    total: SumsAnswer
    by_cell: Annotated[
        list[CellSums], Meta(description="Those that cost most come first; 200 at most.")
    ]
    by_model: Annotated[
        list[ModelSums], Meta(description="Those that cost most come first; 200 at most.")
    ]
    by_day: Annotated[list[DaySums], Meta(description="In order; the latest 366 with calls.")]


def totals_answer(totals: GroupedTotals) -> CallTotalsAnswer:
    """The sums as they are answered."""
    return CallTotalsAnswer(
        total=SumsAnswer(**asdict(totals.total)),
        by_cell=[CellSums(cell_id=cell_id, **asdict(sums)) for cell_id, sums in totals.by_cell],
        by_model=[
            ModelSums(provider=provider, model=model, **asdict(sums))
            for (provider, model), sums in totals.by_model
        ],
        by_day=[DaySums(day=day, **asdict(sums)) for day, sums in totals.by_day],
    )


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
        queued_s=_sent_after_s(record, 0),
        last_attempt_s=_sent_after_s(record, -1),
        attempts=len(record.attempts),
        answered_by=record.answered_by,
        input_tokens=None if usage is None else usage.input_tokens,
        output_tokens=None if usage is None else usage.output_tokens,
        price_usd=record.price_usd,
        finish_reason=record.finish_reason,
        provider_finish_reason=record.provider_finish_reason,
        error=None if record.error is None else record.error.message,
        prompt=_last_text(record)[:_EXCERPT_LENGTH],
        answer=record.text[:_EXCERPT_LENGTH],
    )


def _sent_after_s(record: CallRecord, attempt: int) -> float | None:
    """From when a call was put on record until an attempt was sent."""
    if not record.attempts:
        return None
    elapsed = record.attempts[attempt].started_at - record.started_at
    return round(max(0.0, elapsed.total_seconds()), 6)


def _last_text(record: CallRecord) -> str:
    """The last message that was sent."""
    messages = record.request.get("messages")
    last = messages[-1] if isinstance(messages, list) and messages else None
    content = last.get("content") if isinstance(last, dict) else None
    return content if isinstance(content, str) else ""
