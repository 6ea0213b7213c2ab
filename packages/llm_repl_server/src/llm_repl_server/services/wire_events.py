"""Everything that clients are told: each event is built where it happens, as an object of its class.

The class is the event's one definition: its name on the wire is the class's in snake case, its fields
are the payload, and the AsyncAPI description is made of both.
"""

from __future__ import annotations

import re
from typing import Annotated, ClassVar, Literal

from msgspec import Meta, Struct
from msgspec.structs import replace

from llm_repl_core import Output, StaleReason
from llm_repl_core.ledger.record import Mode
from llm_repl_server.services.answers import CellAnswer, Metadata
from llm_repl_server.services.encoding import EncodedOutput, EncodedOutputs, Time
from llm_repl_server.services.file_status import FileStatus
from llm_repl_server.services.items_under_way import (
    ItemError,
    ItemErrorName,
    ItemExcerpts,
    ItemIndex,
    ItemIsAsked,
    ItemPrice,
    ItemsTotal,
)

__all__ = [
    "EMITTED",
    "CandidateEnded",
    "CandidateRetried",
    "CandidateText",
    "CellCallQueued",
    "CellCallSent",
    "CellCallSuperseded",
    "CellChanged",
    "CellCreated",
    "CellDeleted",
    "CellExecutionCompleted",
    "CellExecutionFailed",
    "CellExecutionOutput",
    "CellExecutionReasoning",
    "CellExecutionRemoved",
    "CellExecutionRetried",
    "CellExecutionStarted",
    "CellExecutionText",
    "CellExecutionWaiting",
    "CellItemEnded",
    "CellItemsStarted",
    "CellMoved",
    "CellNeed",
    "CellOutputUpdated",
    "CellOutputsCleared",
    "CellsStale",
    "KernelRestarted",
    "NotebookChanged",
    "NotebookCreated",
    "NotebookDeleted",
    "NotebookEvent",
    "NotebookExecutionCompleted",
    "NotebookExecutionFailed",
    "NotebookExecutionStarted",
    "NotebookFileState",
    "NotebookFileTaken",
    "OutputsCleared",
    "Resync",
    "RunEnded",
    "RunProgress",
    "RunQueued",
    "RunStarted",
    "ServerStopping",
    "StaleReasonsChanged",
    "ToolApprovalNeeded",
    "WireEvent",
    "storage_failure",
]


class WireEvent(Struct, frozen=True, kw_only=True):
    """Something that clients are told."""

    wire_name: ClassVar[str] = ""
    """What clients know it by."""

    def __init_subclass__(cls) -> None:
        super().__init_subclass__()
        cls.wire_name = re.sub(r"(?<=[a-z])(?=[A-Z])", "_", cls.__name__).lower()

    @property
    def room(self) -> str | None:
        """The notebook that it is about; None: it is for everybody."""
        return None

    def if_not_written(self, error: BaseException) -> WireEvent | None:  # noqa: ARG002 - for subclasses
        """What is told where what it says could not be written; None: nothing."""
        return None


_Position = Annotated[int, Meta(ge=0, description="The cell's index in the notebook, from 0.")]


_Epoch = Annotated[
    str,
    Meta(
        description="Another one when the numbers start over: when the server does, or a deleted "
        "notebook is loaded again."
    ),
]
_Sequence = Annotated[
    int, Meta(ge=1, description="Increases by one from event to event of the notebook.")
]


class NotebookEvent(WireEvent, frozen=True, kw_only=True):
    """Something happened to a notebook.

    Its `epoch` and `sequence` are given when it is published, and always sent.
    """

    notebook_id: str
    epoch: _Epoch = ""
    sequence: _Sequence = 0

    @property
    def room(self) -> str:
        """The notebook."""
        return self.notebook_id


class CellEvent(NotebookEvent, frozen=True, kw_only=True):
    """Something happened to a cell."""

    cell_id: str


# Running ------------------------------------------------------------------------------------------

_RunId = Annotated[str, Meta(description="The same for all events of a run.")]
_Item = Annotated[
    int | None, Meta(description="The index of the item, in a prompt over items; null otherwise.")
]
_Line = Annotated[str, Meta(description="One line of text.")]
_RunMode = Annotated[
    Mode | None, Meta(description="Where the run takes answers from; null: it is not known.")
]


class RunEvent(NotebookEvent, frozen=True, kw_only=True):
    """Something happened in a run."""

    run_id: _RunId

    def if_not_written(self, error: BaseException) -> WireEvent:  # noqa: ARG002 - as above
        """The same, or a number would be missing."""
        return self


class RunCellEvent(RunEvent, frozen=True, kw_only=True):
    """Something happened to a cell of a run."""

    cell_id: str


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


class CellExecutionText(RunCellEvent, frozen=True, kw_only=True):
    """A model's answer has grown. At most one event per 20 ms; the complete answer is an output."""

    text: Annotated[str, Meta(description="The text to append.")]
    item: _Item


class CellExecutionReasoning(RunCellEvent, frozen=True, kw_only=True):
    """What a model thinks before it answers grew; `cell_execution_retried` makes it void as well."""

    text: Annotated[str, Meta(description="The text to append.")]
    item: _Item


class CellExecutionRetried(RunCellEvent, frozen=True, kw_only=True):
    """A call to a model has failed and will be retried: discard the text of its answer so far."""

    attempt: Annotated[int, Meta(ge=1, description="The number of failed attempts so far.")]
    error: _Line
    wait_s: Annotated[float, Meta(description="The pause before the next attempt, in seconds.")]
    attempts: Annotated[
        int, Meta(ge=0, description="How many attempts are made at most; 0: not known.")
    ]
    item: _Item


class CellNeed(Struct, frozen=True, kw_only=True):
    """What a cell waits for."""

    cell_id: str
    variable: Annotated[
        str | None,
        Meta(description="The variable that it sets; null: it goes along, or may change anything."),
    ]


class RunQueued(RunEvent, frozen=True, kw_only=True):
    """A run waits for its turn, as another one has the kernel; `run_started` follows."""

    cell_ids: Annotated[list[str], Meta(description="The cells of the run, in order.")]
    total: Annotated[int, Meta(ge=0, description="The number of cells.")]
    mode: _RunMode = None


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


class CellCallQueued(RunCellEvent, frozen=True, kw_only=True):
    """A call to a model waits; `cell_call_sent` follows, unless it is stopped."""

    limit: Annotated[
        Literal["provider", "run", "budget"],
        Meta(
            description="What it waits for. `provider`: as many calls as it gets at once are under "
            "way, or it asked for a pause; `run`: as many as the run makes at once are; "
            "`budget`: what the calls above it cost is not certain."
        ),
    ]
    provider: str
    place: Annotated[int, Meta(ge=1, description="Its place among those that wait, from 1.")]
    at_once: Annotated[
        int | None, Meta(description="How many calls are made at once; null: that is not it.")
    ]
    pause_s: Annotated[
        float | None,
        Meta(
            description="How long the provider is still left in peace, as it asked; null: that is "
            "not it."
        ),
    ]
    item: _Item


class CellCallSent(RunCellEvent, frozen=True, kw_only=True):
    """A call that waited is sent."""

    item: _Item


class CellItemsStarted(RunCellEvent, frozen=True, kw_only=True):
    """A prompt over items is about to be asked for each of them; `cell_item_ended` follows of each."""

    total: ItemsTotal
    excerpts: ItemExcerpts


class CellItemEnded(RunCellEvent, frozen=True, kw_only=True):
    """An item of a prompt has its answer, or will have none; in whatever order.

    Its outputs come with those of the cell, which are in the order of the items.
    """

    item: ItemIndex
    ename: ItemErrorName
    error: ItemError
    price_usd: ItemPrice
    is_asked: ItemIsAsked
    ended: Annotated[int, Meta(ge=1, description="How many items have ended.")]
    failed: Annotated[int, Meta(ge=0, description="How many of them have no answer.")]
    total: Annotated[int, Meta(ge=1, description="How many there are.")]


class CellCallSuperseded(RunCellEvent, frozen=True, kw_only=True):
    """A call that was sent ahead was in vain: the prompt's request turned out to be different."""

    item: _Item
    above_ids: Annotated[
        list[str],
        Meta(description="The cells that ran in between and may have changed its request."),
    ]


class ToolApprovalNeeded(RunCellEvent, frozen=True, kw_only=True):
    """A model has called a tool that needs approval: see `POST …/tool_calls/<call_id>`."""

    call_id: Annotated[str, Meta(description="The id to use in the request that answers.")]
    name: Annotated[str, Meta(description="The function.")]
    arguments: Annotated[str, Meta(description="JSON, exactly as the model wrote it.")]
    item: _Item


_Candidate = Annotated[int, Meta(ge=0, description="Which of those that are asked, from 0.")]


class CandidateText(RunCellEvent, frozen=True, kw_only=True):
    """An answer has grown of one of several that a prompt is asked of side by side.

    `run_id` is the id of the comparison: see `POST …/cells/<cell_id>/ask`.
    """

    candidate: _Candidate
    text: Annotated[str, Meta(description="The text to append.")]
    item: _Item


class CandidateRetried(RunCellEvent, frozen=True, kw_only=True):
    """One of several is asked again: discard the text of its answer so far."""

    candidate: _Candidate
    error: _Line
    item: _Item


class CandidateEnded(RunCellEvent, frozen=True, kw_only=True):
    """One of several has answered, or will not; nothing of the notebook has changed by it."""

    candidate: _Candidate
    state: Literal["running", "completed", "failed", "interrupted"]
    error: Annotated[str | None, Meta(description="One line of text; null if it answered.")]
    item: _Item


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

    error: _Line
    outputs: Annotated[EncodedOutputs, Meta(description="The last one is the error.")]
    execution_count: int
    status: Literal["error", "interrupted"]

    def if_not_written(self, error: BaseException) -> WireEvent:
        """That it failed for this as well."""
        failure = storage_failure(error)
        outputs = self.outputs.with_output(failure)
        return replace(self, error=failure.content, outputs=outputs, status="error")


_Reasons = Annotated[
    dict[str, list[StaleReason]],
    Meta(description="Why, by cell, of the first 200; of others, the cell itself says it."),
]


class CellsStale(NotebookEvent, frozen=True, kw_only=True):
    """Some cells have become stale, since what they depend on was run or edited."""

    run_id: Annotated[str | None, Meta(description="The run that caused it; null: an edit.")]
    cell_ids: Annotated[list[str], Meta(description="The cells that have become stale.")]
    reasons: _Reasons

    def if_not_written(self, error: BaseException) -> WireEvent:  # noqa: ARG002 - as above
        """The same, or a number would be missing."""
        return self


class StaleReasonsChanged(NotebookEvent, frozen=True, kw_only=True):
    """Of some cells that were stale already, more is known why."""

    run_id: Annotated[str | None, Meta(description="The run that caused it; null: an edit.")]
    cell_ids: Annotated[list[str], Meta(description="These cells.")]
    reasons: _Reasons

    def if_not_written(self, error: BaseException) -> WireEvent:  # noqa: ARG002 - as above
        """The same, or a number would be missing."""
        return self


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

    error: _Line
    cell_id: Annotated[str | None, Meta(description="Null if no cell ended it.")]


class KernelRestarted(NotebookEvent, frozen=True, kw_only=True):
    """A kernel was restarted by request, with an empty state."""


# Editing ------------------------------------------------------------------------------------------


class HeaderEvent(NotebookEvent, frozen=True, kw_only=True):
    """Something happened to the header of a notebook."""

    id: str
    name: str
    created_at: Time
    updated_at: Time


class NotebookCreated(HeaderEvent, frozen=True, kw_only=True):
    """A notebook was created, or loaded from a file."""


class NotebookChanged(HeaderEvent, frozen=True, kw_only=True):
    """A notebook's name or metadata was changed."""

    metadata: Metadata


class NotebookDeleted(NotebookEvent, frozen=True, kw_only=True):
    """A notebook was deleted, and its kernel shut down."""


class NotebookFileState(NotebookEvent, frozen=True, kw_only=True):
    """The file of a notebook is in another state than before, or it lives in another one, or in none."""

    file: Annotated[FileStatus | None, Meta(description="Null: it lives in none any more.")]


class NotebookFileTaken(NotebookEvent, frozen=True, kw_only=True):
    """What another program has written to a notebook's file was taken over.

    It comes after the events that say what is changed by it.
    """

    path: Annotated[str, Meta(description="The file, relative to the root folder.")]
    merged: Annotated[
        bool,
        Meta(
            description="Whether the notebook had changes that the file had not, so that the two "
            "were merged."
        ),
    ]
    conflicts: Annotated[
        list[str],
        Meta(
            description="What could not be merged, a sentence each. A cell whose same lines both have "
            "changed has both texts, and is not run until somebody has chosen."
        ),
    ]


class CellCreated(CellEvent, frozen=True, kw_only=True):
    """A cell was created or duplicated."""

    position: _Position
    cell: CellAnswer


class CellChanged(CellEvent, frozen=True, kw_only=True):
    """A cell was edited, or one of its outputs was updated by code that ran later."""

    cell: CellAnswer


class CellMoved(CellEvent, frozen=True, kw_only=True):
    """A cell was moved."""

    position: _Position


class CellDeleted(CellEvent, frozen=True, kw_only=True):
    """A cell was deleted."""


class Resync(NotebookEvent, frozen=True, kw_only=True):
    """What was missed is not known any more, or an edit could not be kept: read the notebook again.

    A client that subscribes with `epoch` and `after` gets it where the events since then are not
    there.
    """

    sequence: Annotated[
        int, Meta(ge=0, description="That of the last event so far; the next one follows it.")
    ] = 0


class OutputsCleared(NotebookEvent, frozen=True, kw_only=True):
    """The outputs of some cells were cleared."""

    cell_ids: list[str]


class ServerStopping(WireEvent, frozen=True, kw_only=True):
    """The server is shutting down; sent to every client."""


EMITTED: dict[str, type[WireEvent]] = {
    event.wire_name: event
    for event in (
        RunQueued,
        RunStarted,
        RunProgress,
        RunEnded,
        CellExecutionStarted,
        CellExecutionOutput,
        CellOutputUpdated,
        CellOutputsCleared,
        CellExecutionText,
        CellExecutionReasoning,
        CellExecutionRetried,
        CellExecutionWaiting,
        CellExecutionRemoved,
        CellCallQueued,
        CellCallSent,
        CellCallSuperseded,
        CellItemsStarted,
        CellItemEnded,
        ToolApprovalNeeded,
        CandidateText,
        CandidateRetried,
        CandidateEnded,
        CellExecutionCompleted,
        CellExecutionFailed,
        NotebookExecutionStarted,
        NotebookExecutionCompleted,
        NotebookExecutionFailed,
        CellsStale,
        StaleReasonsChanged,
        KernelRestarted,
        NotebookCreated,
        NotebookChanged,
        NotebookDeleted,
        NotebookFileState,
        NotebookFileTaken,
        CellCreated,
        CellChanged,
        CellMoved,
        CellDeleted,
        OutputsCleared,
        Resync,
        ServerStopping,
    )
}
"""Every event that the server sends, by name."""


def storage_failure(error: BaseException) -> Output:
    """What a cell says that has run and whose outputs could not be written."""
    return Output.error("StorageError", f"The outputs could not be kept: {error}")
