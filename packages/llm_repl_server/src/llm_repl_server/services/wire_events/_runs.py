"""Runs as wholes, and the kernel that they have."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta
from msgspec.structs import replace

from llm_repl_core.ledger.record import Mode
from llm_repl_server.services.wire_events._base import (
    Line,
    NotebookEvent,
    RunEvent,
    WireEvent,
    storage_failure,
)

__all__ = [
    "KernelRestarted",
    "NotebookExecutionCompleted",
    "NotebookExecutionFailed",
    "NotebookExecutionStarted",
    "RunEnded",
    "RunProgress",
    "RunQueued",
    "RunStarted",
]


_RunMode = Annotated[
    Mode | None, Meta(description="Where the run takes answers from; null: it is not known.")
]


class RunQueued(RunEvent, frozen=True, kw_only=True):
    """A run waits for its turn, as another one has the kernel; `run_started` follows."""

    cell_ids: Annotated[list[str], Meta(description="The cells of the run, in order.")]
    total: Annotated[int, Meta(ge=0, description="The number of cells.")]
    mode: _RunMode = None


class RunStarted(RunEvent, frozen=True, kw_only=True):
    """A run has started."""

    cell_ids: Annotated[list[str], Meta(description="The cells of the run, in order.")]
    total: Annotated[int, Meta(ge=0, description="The number of cells.")]
    mode: _RunMode = None


class RunProgress(RunEvent, frozen=True, kw_only=True):
    """More cells of the run have ended."""

    ended: Annotated[int, Meta(ge=1, description="How many have.")]
    total: Annotated[int, Meta(ge=1, description="How many there are.")]


class RunEnded(RunEvent, frozen=True, kw_only=True):
    """A run has ended; this is its last event."""

    state: Literal["completed", "failed", "interrupted"]
    error: Annotated[str | None, Meta(description="One line of text; null if it completed.")]
    cell_id: Annotated[str | None, Meta(description="The cell that ended the run, if any.")]
    not_run: Annotated[list[str], Meta(description="The cells that were not run.")]

    def if_not_written(self, error: BaseException) -> WireEvent:
        """That it failed."""
        if self.state != "completed":
            return self
        return replace(self, state="failed", error=storage_failure(error).content)


class NotebookExecutionStarted(RunEvent, frozen=True, kw_only=True):
    """A run of all cells has started."""


class NotebookExecutionCompleted(RunEvent, frozen=True, kw_only=True):
    """A run of all cells has completed."""

    def if_not_written(self, error: BaseException) -> WireEvent:
        """That it failed."""
        return NotebookExecutionFailed(
            notebook_id=self.notebook_id,
            run_id=self.run_id,
            error=storage_failure(error).content,
            cell_id=None,
        )


class NotebookExecutionFailed(RunEvent, frozen=True, kw_only=True):
    """A run of all cells has failed or was interrupted."""

    error: Line
    cell_id: Annotated[str | None, Meta(description="Null if no cell ended it.")]


class KernelRestarted(NotebookEvent, frozen=True, kw_only=True):
    """A kernel was restarted by request, with an empty state."""
