"""A cell of a run: what it waits for, what it gives, and how it ends."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta, Struct
from msgspec.structs import replace

from llm_repl_server.services.encoding import EncodedOutput, EncodedOutputs
from llm_repl_server.services.wire_events._base import (
    Line,
    RunCellEvent,
    WireEvent,
    storage_failure,
)

__all__ = [
    "CellExecutionCompleted",
    "CellExecutionFailed",
    "CellExecutionOutput",
    "CellExecutionRemoved",
    "CellExecutionStarted",
    "CellExecutionWaiting",
    "CellNeed",
    "CellOutputUpdated",
    "CellOutputsCleared",
]


class CellExecutionStarted(RunCellEvent, frozen=True, kw_only=True):
    """A cell has started. Exactly one event says that it has completed or failed."""


_Index = Annotated[
    int,
    Meta(
        ge=0,
        description="The index of the output, from 0; consecutive pieces of a stream are one "
        "output. If text of several outputs is joined, the last of them.",
    ),
]


_DisplayId = Annotated[
    str | None,
    Meta(description="The id by which code can update it; null: it has none, or is not a display."),
]


class CellExecutionOutput(RunCellEvent, frozen=True, kw_only=True):
    """A cell produced an output, not yet on disk; the event that ends it repeats all outputs.

    It may come after the one that ends the cell, also when no cell runs: a thread or a program of the
    cell goes on. A `cell_changed` follows when that is on disk.

    Frequent pieces of `stdout` and `stderr` are joined: a cell has at most one event of each per 20
    ms. If there is already an output at this index, the text continues it.
    """

    index: _Index
    display_id: _DisplayId
    output: EncodedOutput


class CellOutputUpdated(RunCellEvent, frozen=True, kw_only=True):
    """An existing output has changed, perhaps one of a cell that ran earlier.

    A display was updated, or a stream overwrote its text, as progress bars do. Each output has at
    most one such event per 20 ms. If its cell is not running, `cell_changed` follows when the
    change is on disk.
    """

    index: _Index
    display_id: _DisplayId
    output: Annotated[EncodedOutput, Meta(description="The output as it is now.")]
    lines: Annotated[
        int | None,
        Meta(
            description="For a stream: split its text at newlines, remove this many lines from "
            "the end (counting the last one, even if it is empty), and append the "
            "`content` of `output`. Null: `output` replaces the whole output.",
        ),
    ]


class CellOutputsCleared(RunCellEvent, frozen=True, kw_only=True):
    """The code of a running cell has cleared the cell's outputs so far."""


class CellNeed(Struct, frozen=True, kw_only=True):
    """What a cell waits for."""

    cell_id: str
    variable: Annotated[
        str | None,
        Meta(description="The variable that it sets; null: it goes along, or may change anything."),
    ]


class CellExecutionWaiting(RunCellEvent, frozen=True, kw_only=True):
    """It is a cell's turn, but it waits for the answers of prompts above it."""

    needs: Annotated[list[CellNeed], Meta(description="What it waits for; at most 20.")]


class CellExecutionRemoved(RunCellEvent, frozen=True, kw_only=True):
    """A cell was taken out of a run that had not come to it; the rest of the run goes on."""

    dependents: Annotated[
        list[str],
        Meta(
            description="Cells of the run that need it: they use the values that its variables "
            "have from before."
        ),
    ]


class CellExecutionCompleted(RunCellEvent, frozen=True, kw_only=True):
    """A cell has completed, and its outputs are on disk."""

    outputs: EncodedOutputs
    execution_count: int
    status: Literal["completed"]

    def if_not_written(self, error: BaseException) -> WireEvent:
        """That it failed."""
        failure = storage_failure(error)
        return CellExecutionFailed(
            notebook_id=self.notebook_id,
            run_id=self.run_id,
            cell_id=self.cell_id,
            error=failure.content,
            outputs=self.outputs.with_output(failure),
            execution_count=self.execution_count,
            status="error",
        )


class CellExecutionFailed(RunCellEvent, frozen=True, kw_only=True):
    """A cell has failed, was interrupted, or lost its kernel; its outputs are on disk."""

    error: Line
    outputs: Annotated[EncodedOutputs, Meta(description="The last one is the error.")]
    execution_count: int
    status: Literal["error", "interrupted"]

    def if_not_written(self, error: BaseException) -> WireEvent:
        """That it failed for this as well."""
        failure = storage_failure(error)
        outputs = self.outputs.with_output(failure)
        return replace(self, error=failure.content, outputs=outputs, status="error")
