"""What is under way in a notebook, for clients that come in the middle of it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Annotated, Literal

from msgspec import Meta, Struct

from llm_repl_core.engine.approvals import ToolApprovalRequest
from llm_repl_core.ledger.record import Mode
from llm_repl_server.services.encoding import Time, time_on_wire
from llm_repl_server.storage.run_record import RunRecord

__all__ = [
    "PendingApproval",
    "RunUnderWay",
    "RunningCell",
    "pending_approvals",
    "runs_under_way",
]


class RunUnderWay(Struct, frozen=True, kw_only=True):
    """A run that is running, or that waits for its turn."""

    run_id: str
    state: Literal["queued", "running"]
    cell_ids: Annotated[list[str], Meta(description="The cells of the run, in order.")]
    waiting_cell_ids: Annotated[
        list[str], Meta(description="Those of them that have not begun, in order.")
    ]
    started_at: Annotated[Time | None, Meta(description="Null while it waits for its turn.")]
    ended: Annotated[int, Meta(ge=0, description="How many cells have ended.")]
    total: Annotated[int, Meta(ge=0, description="How many there are.")]
    mode: Annotated[Mode, Meta(description="Where it takes answers from.")]


class RunningCell(Struct, frozen=True, kw_only=True):
    """A cell that is running."""

    cell_id: str
    run_id: str
    started_at: Time


class PendingApproval(Struct, frozen=True, kw_only=True):
    """A tool call that waits for a yes or a no: see `POST …/tool_calls/<call_id>`."""

    call_id: str
    cell_id: str
    name: Annotated[str, Meta(description="The function.")]
    arguments: Annotated[str, Meta(description="JSON, exactly as the model wrote it.")]
    item: Annotated[
        int | None,
        Meta(description="The index of the item, in a prompt over items; null otherwise."),
    ]


def runs_under_way(
    records: Iterable[RunRecord], waiting: Mapping[str, Iterable[str]]
) -> list[RunUnderWay]:
    """Those of some runs that have not ended.

    Args:
        records: The runs.
        waiting: Of each run that has got its turn: the cells that have not begun.
    """
    return [
        RunUnderWay(
            run_id=record.id,
            state=record.state,
            cell_ids=list(record.cell_ids),
            waiting_cell_ids=list(waiting.get(record.id, record.cell_ids)),
            started_at=None if record.started_at is None else time_on_wire(record.started_at),
            ended=record.completed,
            total=record.total,
            mode=record.mode,
        )
        for record in records
        if record.state in ("queued", "running")
    ]


def pending_approvals(questions: Sequence[ToolApprovalRequest]) -> list[PendingApproval]:
    """What waits for a yes or a no."""
    return [
        PendingApproval(
            call_id=question.call_id,
            cell_id=question.cell_id,
            name=question.name,
            arguments=question.arguments,
            item=question.item,
        )
        for question in questions
    ]
