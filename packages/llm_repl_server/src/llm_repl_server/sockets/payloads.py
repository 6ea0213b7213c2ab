"""What the events hold. The AsyncAPI description is made from these, and tests hold events to them.

Payloads are put together as plain dictionaries where something happens, in the services; an
event may hold more than is said here.
"""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta, Struct

from llm_repl_server.services.shapes import CellAnswer, Metadata, NotebookHeader, OutputAnswer

__all__ = ["EMITTED", "HANDLED", "Acknowledgement"]

_Place = Annotated[int, Meta(ge=0, description="Where the cell stands now, from 0.")]


class NotebookEvent(Struct, kw_only=True):
    """Something happened to a notebook."""

    notebook_id: str


class CellEvent(NotebookEvent, kw_only=True):
    """Something happened to a cell."""

    cell_id: str


# Running ------------------------------------------------------------------------------------------

_RunId = Annotated[str, Meta(description="The same for all events of one run.")]
_Sequence = Annotated[
    int,
    Meta(
        ge=1,
        description="Rises by one from event to event of the notebook, among those that have it; "
        "begins anew with the server.",
    ),
]
_Item = Annotated[int | None, Meta(description="Of a prompt over items: which, from 0.")]
_Line = Annotated[str, Meta(description="One line of text.")]


class RunEvent(NotebookEvent, kw_only=True):
    """Something happened in a run."""

    run_id: _RunId
    sequence: _Sequence


class RunCellEvent(RunEvent, kw_only=True):
    """Something happened to a cell of a run."""

    cell_id: str


class RunStarted(RunEvent, kw_only=True):
    """A run began: one of all cells, of some, or of one."""

    cell_ids: Annotated[list[str], Meta(description="The cells that it will run, in order.")]
    total: Annotated[int, Meta(ge=0, description="How many these are.")]


class RunProgress(RunEvent, kw_only=True):
    """More cells of a run of several have ended."""

    ended: Annotated[int, Meta(ge=1, description="How many have.")]
    total: Annotated[int, Meta(ge=1, description="How many there are.")]


class RunEnded(RunEvent, kw_only=True):
    """A run ended; nothing more comes of it."""

    state: Literal["completed", "failed", "interrupted"]
    error: Annotated[str | None, Meta(description="One line of text; null: it ended well.")]
    cell_id: Annotated[str | None, Meta(description="The cell at which it ended, if at one.")]
    not_run: Annotated[list[str], Meta(description="The cells that it did not come to.")]


class CellExecutionStarted(RunCellEvent, kw_only=True):
    """A cell began to run. It ends in exactly one `completed` or `failed`."""


_Index = Annotated[
    int,
    Meta(
        ge=0,
        description="Which output of the cell, from 0; pieces of a stream that follow one another are "
        "one output. Where text of several outputs is joined, the last of them.",
    ),
]
_DisplayId = Annotated[
    str | None,
    Meta(description="By which code can update it; null: it has none, or is no display."),
]


class CellExecutionOutput(RunCellEvent, kw_only=True):
    """A cell gave an output, which is not on disk yet. Its ending holds all of them again.

    Pieces of `stdout` and `stderr` that come fast are joined: of each, a cell has at most one event
    in 20 ms. The text of such an event goes on with that of the output that stands there, if one does.
    """

    index: _Index
    display_id: _DisplayId
    output: OutputAnswer


class CellOutputUpdated(RunCellEvent, kw_only=True):
    """An output that was there changed, perhaps one of a cell that ran before.

    A display was updated, or a stream went back in its text, as progress bars do. Of each output,
    there is at most one such event in 20 ms. A cell that does not run is told by `cell_changed` as
    well, when it is on disk.
    """

    index: _Index
    display_id: _DisplayId
    output: Annotated[OutputAnswer, Meta(description="What stands there now.")]
    lines: Annotated[
        int | None,
        Meta(
            description="Of a stream: its text is cut into lines at each newline, so many at the end, "
            "the last and perhaps empty one included, give way, and the `content` of `output` stands "
            "there. Null: `output` takes the place of the whole output.",
        ),
    ]


class CellOutputsCleared(RunCellEvent, kw_only=True):
    """The code of a cell that runs removed the outputs that it had so far."""


class CellExecutionText(RunCellEvent, kw_only=True):
    """A model's answer grew. A cell has at most one such event in 20 ms; the whole answer is an output."""

    text: Annotated[str, Meta(description="What is added.")]
    item: _Item


class CellExecutionReasoning(RunCellEvent, kw_only=True):
    """What a model thinks before it answers grew; `cell_execution_retried` makes it void as well."""

    text: Annotated[str, Meta(description="What is added.")]
    item: _Item


class CellExecutionRetried(RunCellEvent, kw_only=True):
    """A call to a model failed and will be made again: the text that had come of its answer is void."""

    attempt: Annotated[int, Meta(ge=1, description="How many attempts have failed.")]
    error: _Line
    wait_s: Annotated[float, Meta(description="How long until the next, in seconds.")]
    item: _Item


class CellCallSuperseded(RunCellEvent, kw_only=True):
    """A call that was sent ahead of the prompt's place was in vain: its place asks something else."""

    item: _Item
    above_ids: Annotated[
        list[str],
        Meta(description="The cells that ran between, which may have changed what it asks."),
    ]


class ToolApprovalNeeded(RunCellEvent, kw_only=True):
    """A model asks for a tool, and somebody has to agree: see `POST …/tool_calls/<call_id>`."""

    call_id: Annotated[str, Meta(description="To be named in the answer.")]
    name: Annotated[str, Meta(description="The function.")]
    arguments: Annotated[str, Meta(description="JSON, as the model wrote it.")]
    item: _Item


class CellExecutionCompleted(RunCellEvent, kw_only=True):
    """A cell ended well, and its outputs are on disk."""

    outputs: list[OutputAnswer]
    execution_count: int
    status: Literal["completed"]


class CellExecutionFailed(RunCellEvent, kw_only=True):
    """A cell failed, was interrupted, or lost its kernel; its outputs are on disk."""

    error: _Line
    outputs: Annotated[list[OutputAnswer], Meta(description="The last one is the error.")]
    execution_count: int
    status: Literal["error", "interrupted"]


class CellsStale(NotebookEvent, kw_only=True):
    """Some cells would give something else now, since what they depend on was run or edited."""

    run_id: Annotated[str | None, Meta(description="By which run; null: by an edit.")]
    sequence: _Sequence
    cell_ids: Annotated[list[str], Meta(description="Those that were not stale before.")]


class NotebookExecutionStarted(RunEvent, kw_only=True):
    """A run of all cells began."""


class NotebookExecutionCompleted(RunEvent, kw_only=True):
    """A run of all cells ended well."""


class NotebookExecutionFailed(RunEvent, kw_only=True):
    """A run of all cells ended at the first that failed, or was stopped."""

    error: _Line
    cell_id: Annotated[str | None, Meta(description="Null: it did not end at a cell.")]


class KernelRestarted(NotebookEvent, kw_only=True):
    """A kernel began again with an empty state, by request."""


# Editing ------------------------------------------------------------------------------------------


class NotebookCreated(NotebookHeader, kw_only=True):
    """A notebook was made, or loaded from a file."""


class NotebookChanged(NotebookHeader, kw_only=True):
    """A notebook got another name, or other metadata."""

    metadata: Metadata


class NotebookDeleted(NotebookEvent, kw_only=True):
    """A notebook is gone, and its kernel with it."""


class CellCreated(CellEvent, kw_only=True):
    """A cell was made, or copied."""

    position: _Place
    cell: CellAnswer


class CellChanged(CellEvent, kw_only=True):
    """A cell was edited, or code that ran later has updated one of its outputs."""

    cell: CellAnswer


class CellMoved(CellEvent, kw_only=True):
    """A cell stands elsewhere."""

    position: _Place


class CellDeleted(CellEvent, kw_only=True):
    """A cell is gone."""


class OutputsCleared(NotebookEvent, kw_only=True):
    """The outputs of some cells were cleared."""

    cell_ids: list[str]


class ServerStopping(Struct, kw_only=True):
    """The server ends; everybody is told."""


EMITTED: dict[str, type[Struct]] = {
    "run_started": RunStarted,
    "run_progress": RunProgress,
    "run_ended": RunEnded,
    "cell_execution_started": CellExecutionStarted,
    "cell_execution_output": CellExecutionOutput,
    "cell_output_updated": CellOutputUpdated,
    "cell_outputs_cleared": CellOutputsCleared,
    "cell_execution_text": CellExecutionText,
    "cell_execution_reasoning": CellExecutionReasoning,
    "cell_execution_retried": CellExecutionRetried,
    "cell_call_superseded": CellCallSuperseded,
    "tool_approval_needed": ToolApprovalNeeded,
    "cell_execution_completed": CellExecutionCompleted,
    "cell_execution_failed": CellExecutionFailed,
    "notebook_execution_started": NotebookExecutionStarted,
    "notebook_execution_completed": NotebookExecutionCompleted,
    "notebook_execution_failed": NotebookExecutionFailed,
    "cells_stale": CellsStale,
    "kernel_restarted": KernelRestarted,
    "notebook_created": NotebookCreated,
    "notebook_changed": NotebookChanged,
    "notebook_deleted": NotebookDeleted,
    "cell_created": CellCreated,
    "cell_changed": CellChanged,
    "cell_moved": CellMoved,
    "cell_deleted": CellDeleted,
    "outputs_cleared": OutputsCleared,
    "server_stopping": ServerStopping,
}
"""Every event that the server sends, by name."""


# What clients say ---------------------------------------------------------------------------------


class Subscribe(Struct, kw_only=True):
    """Hear the events of this notebook; from the first time on, of no other that is not named."""

    notebook_id: Annotated[str, Meta(min_length=1, max_length=1000)]


class Unsubscribe(Struct, kw_only=True):
    """Hear the events of this notebook no more."""

    notebook_id: Annotated[str, Meta(min_length=1, max_length=1000)]


class Acknowledgement(Struct, kw_only=True, omit_defaults=True):
    """The answer to a client's event."""

    success: bool
    error: Annotated[str, Meta(description="One sentence, where it was not done.")] = ""


HANDLED: dict[str, type[Struct]] = {"subscribe": Subscribe, "unsubscribe": Unsubscribe}
"""Every event of a client that the server answers, by name."""
