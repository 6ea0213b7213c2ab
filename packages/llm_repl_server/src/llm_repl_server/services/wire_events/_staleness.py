"""Which cells are stale, and why."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta

from llm_repl_core import StaleReason
from llm_repl_server.services.wire_events._base import NotebookEvent, WireEvent

__all__ = ["CellsStale", "StaleReasonsChanged"]


_Reasons = Annotated[
    dict[str, list[StaleReason]],
    Meta(description="Why, by cell, of the first 200; of others, the cell itself says it."),
]


class CellsStale(NotebookEvent, frozen=True, kw_only=True):
    """Some cells have become stale, since what they depend on was run or edited."""

    run_id: Annotated[str | None, Meta(description="The run that caused it; null: an edit.")]
    cell_ids: Annotated[list[str], Meta(description="The cells that have become stale.")]
    reasons: _Reasons

    def if_not_written(self, error: BaseException) -> WireEvent:  # noqa: ARG002 - as its base has it
        """The same, or a number would be missing."""
        return self


class StaleReasonsChanged(NotebookEvent, frozen=True, kw_only=True):
    """Of some cells that were stale already, more is known why."""

    run_id: Annotated[str | None, Meta(description="The run that caused it; null: an edit.")]
    cell_ids: Annotated[list[str], Meta(description="These cells.")]
    reasons: _Reasons

    def if_not_written(self, error: BaseException) -> WireEvent:  # noqa: ARG002 - as its base has it
        """The same, or a number would be missing."""
        return self
