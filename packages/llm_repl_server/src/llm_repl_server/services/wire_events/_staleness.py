"""Which cells are stale, and why."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta

from llm_repl_core import StaleReason
from llm_repl_server.services.wire_events._base import NotebookEvent, WireEvent

__all__ = ["CellsStale", "StaleReasonsChanged"]


class StalenessEvent(NotebookEvent, frozen=True, kw_only=True):
    """More is known of which cells are stale, and why."""

    run_id: Annotated[str | None, Meta(description="The run that caused it; null: an edit.")]
    cell_ids: Annotated[list[str], Meta(description="The cells.")]
    reasons: Annotated[
        dict[str, list[StaleReason]],
        Meta(description="Why, by cell, of the first 200; of others, the cell itself says it."),
    ]

    def if_not_written(self, error: BaseException) -> WireEvent:  # noqa: ARG002 - as its base has it
        """The same, or a number would be missing."""
        return self


class CellsStale(StalenessEvent, frozen=True, kw_only=True):
    """Some cells have become stale, since what they depend on was run or edited."""


class StaleReasonsChanged(StalenessEvent, frozen=True, kw_only=True):
    """Of some cells that were stale already, more is known why."""
