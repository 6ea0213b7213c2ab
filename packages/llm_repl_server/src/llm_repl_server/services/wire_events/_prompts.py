"""A prompt of a run: its calls, its items, and the answers as they come."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta

from llm_repl_server.services.items_under_way import (
    ItemError,
    ItemErrorName,
    ItemExcerpts,
    ItemIndex,
    ItemIsAsked,
    ItemPrice,
    ItemsTotal,
)
from llm_repl_server.services.wire_events._base import Item, Line, RunCellEvent

__all__ = [
    "CandidateEnded",
    "CandidateRetried",
    "CandidateText",
    "CellCallQueued",
    "CellCallSent",
    "CellCallSuperseded",
    "CellExecutionReasoning",
    "CellExecutionRetried",
    "CellExecutionText",
    "CellItemEnded",
    "CellItemsStarted",
    "ToolApprovalNeeded",
]


class CellExecutionText(RunCellEvent, frozen=True, kw_only=True):
    """A model's answer has grown. At most one event per 20 ms; the complete answer is an output."""

    text: Annotated[str, Meta(description="The text to append.")]
    item: Item


class CellExecutionReasoning(RunCellEvent, frozen=True, kw_only=True):
    """What a model thinks before it answers grew; `cell_execution_retried` makes it void as well."""

    text: Annotated[str, Meta(description="The text to append.")]
    item: Item


class CellExecutionRetried(RunCellEvent, frozen=True, kw_only=True):
    """A call to a model has failed and will be retried: discard the text of its answer so far."""

    attempt: Annotated[int, Meta(ge=1, description="The number of failed attempts so far.")]
    error: Line
    wait_s: Annotated[float, Meta(description="The pause before the next attempt, in seconds.")]
    attempts: Annotated[
        int, Meta(ge=0, description="How many attempts are made at most; 0: not known.")
    ]
    item: Item


class CellCallQueued(RunCellEvent, frozen=True, kw_only=True):
    """A call to a model waits; `cell_call_sent` follows, unless it is stopped."""

    limit: Annotated[
        Literal["provider", "run", "budget"],
        Meta(
            description="What it waits for. `provider`: as many calls as it gets at once are under "
            "way, or it asked for a pause; `run`: as many as the run makes at once are; "
            "`budget`: what the calls above it cost is not certain."
        ),
    ]
    provider: str
    place: Annotated[int, Meta(ge=1, description="Its place among those that wait, from 1.")]
    at_once: Annotated[
        int | None, Meta(description="How many calls are made at once; null: that is not it.")
    ]
    pause_s: Annotated[
        float | None,
        Meta(
            description="How long the provider is still left in peace, as it asked; null: that is "
            "not it."
        ),
    ]
    item: Item


class CellCallSent(RunCellEvent, frozen=True, kw_only=True):
    """A call that waited is sent."""

    item: Item


class CellCallSuperseded(RunCellEvent, frozen=True, kw_only=True):
    """A call that was sent ahead was in vain: the prompt's request turned out to be different."""

    item: Item
    above_ids: Annotated[
        list[str],
        Meta(description="The cells that ran in between and may have changed its request."),
    ]


class CellItemsStarted(RunCellEvent, frozen=True, kw_only=True):
    """A prompt over items is about to be asked for each of them; `cell_item_ended` follows of each."""

    total: ItemsTotal
    excerpts: ItemExcerpts


class CellItemEnded(RunCellEvent, frozen=True, kw_only=True):
    """An item of a prompt has its answer, or will have none; in whatever order.

    Its outputs come with those of the cell, which are in the order of the items.
    """

    item: ItemIndex
    ename: ItemErrorName
    error: ItemError
    price_usd: ItemPrice
    is_asked: ItemIsAsked
    ended: Annotated[int, Meta(ge=1, description="How many items have ended.")]
    failed: Annotated[int, Meta(ge=0, description="How many of them have no answer.")]
    total: Annotated[int, Meta(ge=1, description="How many there are.")]


class ToolApprovalNeeded(RunCellEvent, frozen=True, kw_only=True):
    """A model has called a tool that needs approval: see `POST …/tool_calls/<call_id>`."""

    call_id: Annotated[str, Meta(description="The id to use in the request that answers.")]
    name: Annotated[str, Meta(description="The function.")]
    arguments: Annotated[str, Meta(description="JSON, exactly as the model wrote it.")]
    item: Item


_Candidate = Annotated[int, Meta(ge=0, description="Which of those that are asked, from 0.")]


class CandidateText(RunCellEvent, frozen=True, kw_only=True):
    """An answer has grown of one of several that a prompt is asked of side by side.

    `run_id` is the id of the comparison: see `POST …/cells/<cell_id>/ask`.
    """

    candidate: _Candidate
    text: Annotated[str, Meta(description="The text to append.")]
    item: Item


class CandidateRetried(RunCellEvent, frozen=True, kw_only=True):
    """One of several is asked again: discard the text of its answer so far."""

    candidate: _Candidate
    error: Line
    item: Item


class CandidateEnded(RunCellEvent, frozen=True, kw_only=True):
    """One of several has answered, or will not; nothing of the notebook has changed by it."""

    candidate: _Candidate
    state: Literal["running", "completed", "failed", "interrupted"]
    error: Annotated[str | None, Meta(description="One line of text; null if it answered.")]
    item: Item
