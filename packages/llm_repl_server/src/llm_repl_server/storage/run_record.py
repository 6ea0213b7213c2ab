"""A run of a notebook as it is kept: data only."""

from __future__ import annotations

from datetime import datetime
from typing import Literal, TypeAlias

from msgspec import Struct

from llm_repl_core.ledger.record import Mode

__all__ = ["RunRecord", "RunState"]

RunState: TypeAlias = Literal["queued", "running", "completed", "failed", "interrupted"]


class RunRecord(Struct, frozen=True, kw_only=True):
    """A run of some or all cells of a notebook.

    Attributes:
        id: A UUID.
        number: Higher than those of all runs that were asked for before; no time says that, as
            clocks are set back.
        notebook_id: Which notebook.
        state: The state of the run.
        kind: What was asked for: ``notebook``, ``cells``, ``stale``.
        cell_ids: The cells to run, in order.
        mode: Where answers come from.
        completed: How many cells have run.
        total: How many cells are to run.
        error: Why it failed or was interrupted, in one sentence.
        cell_id: The cell at which it failed.
        created_at: When it was asked for.
        started_at: When its first cell started; None while it waits.
        ended_at: When it ended; for one that the server's end cut off, when that was found.
    """

    id: str
    number: int = 0
    notebook_id: str
    state: RunState = "queued"
    kind: str = "notebook"
    cell_ids: tuple[str, ...] = ()
    mode: Mode = "live"
    completed: int = 0
    total: int = 0
    error: str | None = None
    cell_id: str | None = None
    created_at: datetime
    started_at: datetime | None = None
    ended_at: datetime | None = None
