"""What is answered about runs: each answer's class is its form, and its description."""

from __future__ import annotations

from typing import Annotated, Any

from msgspec import UNSET, Meta, Struct, UnsetType

from llm_repl_core.ledger.record import Mode
from llm_repl_core.model.cell import CellStatus
from llm_repl_server.services.answers import Time
from llm_repl_server.services.encoding import EncodedOutputs, time_on_wire
from llm_repl_server.storage.run_record import RunRecord, RunState

__all__ = [
    "AllExecuted",
    "CellRunAnswer",
    "RunAnswer",
    "RunList",
    "SomeExecuted",
    "StateAnswer",
    "run_answer",
]


class CellRunAnswer(Struct, frozen=True, kw_only=True):
    """The result of running a cell; the last three fields only if other cells were included."""

    id: str
    cell_id: str
    outputs: EncodedOutputs
    status: CellStatus
    execution_count: int | None
    cell_ids: Annotated[
        list[str] | UnsetType, Meta(description="All cells of the run, in order.")
    ] = UNSET
    error: Annotated[
        str | UnsetType, Meta(description="Why the run ended, if another cell ended it.")
    ] = UNSET
    failed_cell_id: str | UnsetType | None = UNSET


class AllExecuted(Struct, frozen=True, kw_only=True):
    """The result of running all cells of a notebook."""

    success: bool
    error: str | UnsetType = UNSET
    cell_id: str | UnsetType | None = UNSET


class SomeExecuted(Struct, frozen=True, kw_only=True):
    """The result of running the stale cells, or chosen ones."""

    success: bool
    cell_ids: Annotated[list[str], Meta(description="Those that were chosen, in order.")]
    error: str | UnsetType = UNSET
    cell_id: str | UnsetType | None = UNSET


class RunAnswer(Struct, frozen=True, kw_only=True):
    """A run of some cells of a notebook."""

    id: str
    notebook_id: str
    state: RunState
    kind: Annotated[
        str,
        Meta(
            description="What was requested: `cell`, `notebook`, `stale`, `cells`, or a cell with the "
            "cells `upstream` or `downstream` of it."
        ),
    ]
    cell_ids: list[str]
    ended: Annotated[int, Meta(description="How many cells have ended.")]
    total: int
    mode: Mode
    error: Annotated[str | None, Meta(description="One line of text, if it failed.")]
    cell_id: Annotated[str | None, Meta(description="The cell that ended the run, if any.")]
    created_at: Time
    started_at: Annotated[Time | None, Meta(description="Null while it waits for its turn.")]
    ended_at: Time | None


class RunList(Struct, frozen=True):
    """The latest runs of a notebook, the most recently requested first."""

    runs: list[RunAnswer]


class StateAnswer(Struct, frozen=True, kw_only=True):
    """The variables: JSON values, or text for values that JSON cannot hold."""

    state: dict[str, Any]
    busy: Annotated[
        bool,
        Meta(description="Whether something is running, in which case the values may be outdated."),
    ]


def run_answer(record: RunRecord) -> RunAnswer:
    """A run, as it is on record."""
    return RunAnswer(
        id=record.id,
        notebook_id=record.notebook_id,
        state=record.state,
        kind=record.kind,
        cell_ids=list(record.cell_ids),
        ended=record.completed,
        total=record.total,
        mode=record.mode,
        error=record.error,
        cell_id=record.cell_id,
        created_at=time_on_wire(record.created_at),
        started_at=None if record.started_at is None else time_on_wire(record.started_at),
        ended_at=None if record.ended_at is None else time_on_wire(record.ended_at),
    )
