"""What the engine says, in the words of the wire."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeAlias

from msgspec.structs import fields

from llm_repl_core import (
    CallQueued,
    CallSent,
    CellCompleted,
    CellFailed,
    CellOutput,
    CellOutputsCleared,
    CellOutputUpdated,
    CellReasoning,
    CellRemoved,
    CellRetried,
    CellStarted,
    CellSuperseded,
    CellText,
    CellWaiting,
    Event,
    ItemsProgress,
    ItemsStarted,
    RunProgress,
    ToolApprovalNeeded,
)
from llm_repl_core.execution.events import CandidateEnded, CandidateRetried, CandidateText
from llm_repl_server.services import wire_events as wire
from llm_repl_server.services.encoding import EncodedOutput, EncodedOutputs

__all__ = ["SAME_FIELDS", "PublishedEvent", "to_wire"]

PublishedEvent: TypeAlias = (
    CallQueued
    | CallSent
    | CandidateEnded
    | CandidateRetried
    | CandidateText
    | CellCompleted
    | CellFailed
    | CellOutput
    | CellOutputUpdated
    | CellOutputsCleared
    | CellReasoning
    | CellRemoved
    | CellRetried
    | CellStarted
    | CellSuperseded
    | CellText
    | CellWaiting
    | ItemsProgress
    | ItemsStarted
    | RunProgress
    | ToolApprovalNeeded
)
"""The events of the engine that clients are told one by one."""


SAME_FIELDS: Mapping[type[Event], type[wire.WireEvent]] = {
    CallQueued: wire.CellCallQueued,
    CallSent: wire.CellCallSent,
    CandidateEnded: wire.CandidateEnded,
    CandidateRetried: wire.CandidateRetried,
    CandidateText: wire.CandidateText,
    CellOutputsCleared: wire.CellOutputsCleared,
    CellReasoning: wire.CellExecutionReasoning,
    CellRetried: wire.CellExecutionRetried,
    CellStarted: wire.CellExecutionStarted,
    CellText: wire.CellExecutionText,
    ItemsProgress: wire.CellItemEnded,
    RunProgress: wire.RunProgress,
    ToolApprovalNeeded: wire.ToolApprovalNeeded,
}
"""Events of the engine that say on the wire what they say here, and what they are there."""

_FIELDS = {
    told: tuple(field.name for field in fields(told) if field.required)
    for told in SAME_FIELDS.values()
}
"""What is said; the publisher numbers the events."""


def to_wire(event: PublishedEvent) -> wire.WireEvent:
    """What clients are told of an event of the engine."""
    match event:
        case CellOutput():
            return wire.CellExecutionOutput(
                notebook_id=event.notebook_id,
                run_id=event.run_id,
                cell_id=event.cell_id,
                index=event.index,
                display_id=event.output.display_id,
                output=EncodedOutput(event.output),
            )
        case CellOutputUpdated():
            return wire.CellOutputUpdated(
                notebook_id=event.notebook_id,
                run_id=event.run_id,
                cell_id=event.cell_id,
                index=event.index,
                display_id=event.output.display_id,
                output=EncodedOutput(event.output),
                lines=event.lines,
            )
        case CellWaiting():
            return wire.CellExecutionWaiting(
                notebook_id=event.notebook_id,
                run_id=event.run_id,
                cell_id=event.cell_id,
                needs=[
                    wire.CellNeed(cell_id=need.cell_id, variable=need.variable)
                    for need in event.needs
                ],
            )
        case CellRemoved():
            return wire.CellExecutionRemoved(
                notebook_id=event.notebook_id,
                run_id=event.run_id,
                cell_id=event.cell_id,
                dependents=list(event.dependents),
            )
        case CellSuperseded():
            return wire.CellCallSuperseded(
                notebook_id=event.notebook_id,
                run_id=event.run_id,
                cell_id=event.cell_id,
                item=event.item,
                above_ids=list(event.above_ids),
            )
        case ItemsStarted():
            return wire.CellItemsStarted(
                notebook_id=event.notebook_id,
                run_id=event.run_id,
                cell_id=event.cell_id,
                total=event.total,
                excerpts=list(event.excerpts),
            )
        case CellCompleted():
            return wire.CellExecutionCompleted(
                notebook_id=event.notebook_id,
                run_id=event.run_id,
                cell_id=event.cell_id,
                outputs=EncodedOutputs(event.outputs),
                execution_count=event.execution_count,
                status="completed",
            )
        case CellFailed():
            return wire.CellExecutionFailed(
                notebook_id=event.notebook_id,
                run_id=event.run_id,
                cell_id=event.cell_id,
                error=event.error,
                outputs=EncodedOutputs(event.outputs),
                execution_count=event.execution_count,
                status="interrupted" if event.interrupted else "error",
            )
    told = SAME_FIELDS[type(event)]
    return told(**{name: getattr(event, name) for name in _FIELDS[told]})
