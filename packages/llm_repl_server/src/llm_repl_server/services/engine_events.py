"""What the engine says, in the words of the wire."""

from __future__ import annotations

from typing import TypeAlias

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
    RunProgress,
    ToolApprovalNeeded,
)
from llm_repl_core.execution.events import CandidateEnded, CandidateRetried, CandidateText
from llm_repl_server.services import wire_events as wire
from llm_repl_server.services.encoding import EncodedOutput, EncodedOutputs

__all__ = ["PublishedEvent", "to_wire"]

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
    | RunProgress
    | ToolApprovalNeeded
)
"""The events of the engine that clients are told one by one."""


def to_wire(event: PublishedEvent) -> wire.WireEvent:
    """What clients are told of an event of the engine."""
    match event:
        case CellStarted():
            return wire.CellExecutionStarted(
                notebook_id=event.notebook_id,
                run_id=event.run_id,
                cell_id=event.cell_id,
            )
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
        case CellOutputsCleared():
            return wire.CellOutputsCleared(
                notebook_id=event.notebook_id,
                run_id=event.run_id,
                cell_id=event.cell_id,
            )
        case CellText():
            return wire.CellExecutionText(
                notebook_id=event.notebook_id,
                run_id=event.run_id,
                cell_id=event.cell_id,
                text=event.text,
                item=event.item,
            )
        case CellReasoning():
            return wire.CellExecutionReasoning(
                notebook_id=event.notebook_id,
                run_id=event.run_id,
                cell_id=event.cell_id,
                text=event.text,
                item=event.item,
            )
        case CellRetried():
            return wire.CellExecutionRetried(
                notebook_id=event.notebook_id,
                run_id=event.run_id,
                cell_id=event.cell_id,
                attempt=event.attempt,
                error=event.error,
                wait_s=event.wait_s,
                attempts=event.attempts,
                item=event.item,
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
        case CallQueued():
            return wire.CellCallQueued(
                notebook_id=event.notebook_id,
                run_id=event.run_id,
                cell_id=event.cell_id,
                limit=event.limit,
                provider=event.provider,
                place=event.place,
                at_once=event.at_once,
                item=event.item,
            )
        case CallSent():
            return wire.CellCallSent(
                notebook_id=event.notebook_id,
                run_id=event.run_id,
                cell_id=event.cell_id,
                item=event.item,
            )
        case CellSuperseded():
            return wire.CellCallSuperseded(
                notebook_id=event.notebook_id,
                run_id=event.run_id,
                cell_id=event.cell_id,
                item=event.item,
                above_ids=list(event.above_ids),
            )
        case ToolApprovalNeeded():
            return wire.ToolApprovalNeeded(
                notebook_id=event.notebook_id,
                run_id=event.run_id,
                cell_id=event.cell_id,
                call_id=event.call_id,
                name=event.name,
                arguments=event.arguments,
                item=event.item,
            )
        case CandidateText():
            return wire.CandidateText(
                notebook_id=event.notebook_id,
                run_id=event.run_id,
                cell_id=event.cell_id,
                candidate=event.candidate,
                text=event.text,
                item=event.item,
            )
        case CandidateRetried():
            return wire.CandidateRetried(
                notebook_id=event.notebook_id,
                run_id=event.run_id,
                cell_id=event.cell_id,
                candidate=event.candidate,
                error=event.error,
                item=event.item,
            )
        case CandidateEnded():
            return wire.CandidateEnded(
                notebook_id=event.notebook_id,
                run_id=event.run_id,
                cell_id=event.cell_id,
                candidate=event.candidate,
                state=event.state,
                error=event.error,
                item=event.item,
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
        case RunProgress():
            return wire.RunProgress(
                notebook_id=event.notebook_id,
                run_id=event.run_id,
                ended=event.ended,
                total=event.total,
            )
