"""What the record of calls to models can be asked for, and what it answers."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

from msgspec import Meta, Struct
from msgspec.structs import asdict

from llm_repl_core.ledger.record import CallSource, CallState
from llm_repl_core.providers.base import FinishReason
from llm_repl_server.services.shapes import Metadata
from llm_repl_server.storage.call_filter import CallFilter

__all__ = ["CallAnswer", "CallList", "CallsQuery", "ExportQuery", "SpendingAnswer"]

_Time = Annotated[str, Meta(extra_json_schema={"format": "date-time"})]
_ProvidersWord = Annotated[
    str | None,
    Meta(description="The provider's own word for `finish_reason`, where it is another."),
]
_Text = Annotated[str, Meta(max_length=200)]


class ExportQuery(Struct, kw_only=True):
    """Which calls; what is left out does not matter."""

    notebook_id: _Text | None = None
    run_id: _Text | None = None
    cell_id: _Text | None = None
    provider: _Text | None = None
    model: Annotated[_Text | None, Meta(description="By the name that was asked for.")] = None
    state: CallState | None = None
    source: Annotated[
        CallSource | None, Meta(description="Where the answer came from: `live`, or a record.")
    ] = None
    since: Annotated[
        datetime | None, Meta(description="The first instant at which they may have started.")
    ] = None
    until: Annotated[
        datetime | None, Meta(description="The first instant at which they may not.")
    ] = None
    search: Annotated[
        _Text | None, Meta(description="Words that are all in the messages or the answer.")
    ] = None

    def filter(self) -> CallFilter:
        """The same for the storage."""
        return CallFilter(**asdict(self))


class CallsQuery(ExportQuery, kw_only=True):
    """Which calls, and which page of them."""

    limit: Annotated[int, Meta(ge=1, le=500, description="How many at most.")] = 100
    cursor: Annotated[_Text | None, Meta(description="What the page before said under `next`.")] = (
        None
    )

    def filter(self) -> CallFilter:
        """The same for the storage."""
        fields = asdict(self)
        return CallFilter(before=fields.pop("cursor"), **fields)


class CallSummary(Struct):
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
    started_at: _Time
    duration_s: float | None
    first_token_s: float | None
    input_tokens: int | None
    output_tokens: int | None
    price_usd: float | None
    finish_reason: Annotated[
        FinishReason | None,
        Meta(description="Why the answer ended; `length`: it was cut off at the limit of tokens."),
    ]
    provider_finish_reason: _ProvidersWord
    error: str | None
    prompt: Annotated[str, Meta(description="How the last message begins.")]
    answer: Annotated[str, Meta(description="How the answer begins.")]


class CallList(Struct):
    """A page of calls, the last that started first."""

    calls: list[CallSummary]
    next: Annotated[str | None, Meta(description="The `cursor` of the next page; null: none.")]


class CallAnswer(Struct):
    """All of a call. Attachments are named by their hash."""

    id: str
    notebook_id: str
    run_id: str
    place: Metadata
    identity: Annotated[str, Meta(description="Equal for equal requests.")]
    provider: str
    model: str
    request: Metadata
    body: Annotated[Metadata, Meta(description="What was sent, but for the key.")]
    source: CallSource
    original_id: str | None
    state: CallState
    started_at: _Time
    duration_s: float | None
    first_token_s: float | None
    attempts: list[Metadata]
    text: str
    reasoning: Annotated[str, Meta(description="What the model thought before, where it says it.")]
    tool_calls: list[Metadata]
    provider_fields: Annotated[
        Metadata, Meta(description="What goes back to the provider with this turn, unchanged.")
    ]
    answered_by: str | None
    finish_reason: FinishReason | None
    usage: dict[str, Any] | None
    price_usd: float | None
    error: dict[str, Any] | None
    parts: Annotated[
        list[Metadata],
        Meta(
            description="All that the turn was made of, in order, what was made by its hash; empty "
            "where it is its reasoning, its text and its tool calls."
        ),
    ]
    logprobs: Annotated[
        list[Metadata],
        Meta(description="Of the answer's tokens, where the request asked for them."),
    ]
    provider_finish_reason: _ProvidersWord


class SpendingAnswer(Struct):
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
