"""Everything that clients are told: each event is built where it happens, as an object of its class.

The class is the event's one definition: its name on the wire is the class's in snake case, its fields
are the payload, and the AsyncAPI description is made of both.
"""

from __future__ import annotations

import re
from typing import Annotated, ClassVar, Literal

from msgspec import Meta, Struct
from msgspec.structs import replace

from llm_repl_core import Output
from llm_repl_server.services.answers import CellAnswer, Metadata, NotebookHeader
from llm_repl_server.services.encoding import EncodedOutput, EncodedOutputs

__all__ = [
    "EMITTED",
    "CellCallSuperseded",
    "CellChanged",
    "CellCreated",
    "CellDeleted",
    "CellExecutionCompleted",
    "CellExecutionFailed",
    "CellExecutionOutput",
    "CellExecutionReasoning",
    "CellExecutionRetried",
    "CellExecutionStarted",
    "CellExecutionText",
    "CellMoved",
    "CellOutputUpdated",
    "CellOutputsCleared",
    "CellsStale",
    "KernelRestarted",
    "NotebookChanged",
    "NotebookCreated",
    "NotebookDeleted",
    "NotebookExecutionCompleted",
    "NotebookExecutionFailed",
    "NotebookExecutionStarted",
    "OutputsCleared",
    "RunEnded",
    "RunProgress",
    "RunStarted",
    "ServerStopping",
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


_Position = Annotated[int, Meta(ge=0, description="Where the cell stands now, from 0.")]


class NotebookEvent(WireEvent, frozen=True, kw_only=True):
    """Something happened to a notebook."""

    notebook_id: str

    @property
    def room(self) -> str:
        """The notebook."""
        return self.notebook_id


class CellEvent(NotebookEvent, frozen=True, kw_only=True):
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


class RunEvent(NotebookEvent, frozen=True, kw_only=True):
    """Something happened in a run."""

    run_id: _RunId
    sequence: _Sequence

    def if_not_written(self, error: BaseException) -> WireEvent:  # noqa: ARG002 - as above
        """The same, or a number would be missing."""
        return self


class RunCellEvent(RunEvent, frozen=True, kw_only=True):
    """Something happened to a cell of a run."""

    cell_id: str


class RunStarted(RunEvent, frozen=True, kw_only=True):
    """A run began: one of all cells, of some, or of one."""

    cell_ids: Annotated[list[str], Meta(description="The cells that it will run, in order.")]
    total: Annotated[int, Meta(ge=0, description="How many these are.")]


class RunProgress(RunEvent, frozen=True, kw_only=True):
    """More cells of a run of several have ended."""

    ended: Annotated[int, Meta(ge=1, description="How many have.")]
    total: Annotated[int, Meta(ge=1, description="How many there are.")]


class RunEnded(RunEvent, frozen=True, kw_only=True):
    """A run ended; nothing more comes of it."""

    state: Literal["completed", "failed", "interrupted"]
    error: Annotated[str | None, Meta(description="One line of text; null: it ended well.")]
    cell_id: Annotated[str | None, Meta(description="The cell at which it ended, if at one.")]
    not_run: Annotated[list[str], Meta(description="The cells that it did not come to.")]

    def if_not_written(self, error: BaseException) -> WireEvent:
        """That it failed."""
        if self.state != "completed":
            return self
        return replace(self, state="failed", error=storage_failure(error).content)


class CellExecutionStarted(RunCellEvent, frozen=True, kw_only=True):
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


class CellExecutionOutput(RunCellEvent, frozen=True, kw_only=True):
    """A cell gave an output, which is not on disk yet. Its ending holds all of them again.

    Pieces of `stdout` and `stderr` that come fast are joined: of each, a cell has at most one event
    in 20 ms. The text of such an event goes on with that of the output that stands there, if one does.
    """

    index: _Index
    display_id: _DisplayId
    output: EncodedOutput


class CellOutputUpdated(RunCellEvent, frozen=True, kw_only=True):
    """An output that was there changed, perhaps one of a cell that ran before.

    A display was updated, or a stream went back in its text, as progress bars do. Of each output,
    there is at most one such event in 20 ms. A cell that does not run is told by `cell_changed` as
    well, when it is on disk.
    """

    index: _Index
    display_id: _DisplayId
    output: Annotated[EncodedOutput, Meta(description="What stands there now.")]
    lines: Annotated[
        int | None,
        Meta(
            description="Of a stream: its text is cut into lines at each newline, so many at the end, "
            "the last and perhaps empty one included, give way, and the `content` of `output` stands "
            "there. Null: `output` takes the place of the whole output.",
        ),
    ]


class CellOutputsCleared(RunCellEvent, frozen=True, kw_only=True):
    """The code of a cell that runs removed the outputs that it had so far."""


class CellExecutionText(RunCellEvent, frozen=True, kw_only=True):
    """A model's answer grew. A cell has at most one such event in 20 ms; the whole answer is an output."""

    text: Annotated[str, Meta(description="What is added.")]
    item: _Item


class CellExecutionReasoning(RunCellEvent, frozen=True, kw_only=True):
    """What a model thinks before it answers grew; `cell_execution_retried` makes it void as well."""

    text: Annotated[str, Meta(description="What is added.")]
    item: _Item


class CellExecutionRetried(RunCellEvent, frozen=True, kw_only=True):
    """A call to a model failed and will be made again: the text that had come of its answer is void."""

    attempt: Annotated[int, Meta(ge=1, description="How many attempts have failed.")]
    error: _Line
    wait_s: Annotated[float, Meta(description="How long until the next, in seconds.")]
    item: _Item


class CellCallSuperseded(RunCellEvent, frozen=True, kw_only=True):
    """A call that was sent ahead of the prompt's place was in vain: its place asks something else."""

    item: _Item
    above_ids: Annotated[
        list[str],
        Meta(description="The cells that ran between, which may have changed what it asks."),
    ]


class ToolApprovalNeeded(RunCellEvent, frozen=True, kw_only=True):
    """A model asks for a tool, and somebody has to agree: see `POST …/tool_calls/<call_id>`."""

    call_id: Annotated[str, Meta(description="To be named in the answer.")]
    name: Annotated[str, Meta(description="The function.")]
    arguments: Annotated[str, Meta(description="JSON, as the model wrote it.")]
    item: _Item


class CellExecutionCompleted(RunCellEvent, frozen=True, kw_only=True):
    """A cell ended well, and its outputs are on disk."""

    outputs: EncodedOutputs
    execution_count: int
    status: Literal["completed"]

    def if_not_written(self, error: BaseException) -> WireEvent:
        """That it failed."""
        failure = storage_failure(error)
        return CellExecutionFailed(
            notebook_id=self.notebook_id,
            run_id=self.run_id,
            sequence=self.sequence,
            cell_id=self.cell_id,
            error=failure.content,
            outputs=self.outputs.with_output(failure),
            execution_count=self.execution_count,
            status="error",
        )


class CellExecutionFailed(RunCellEvent, frozen=True, kw_only=True):
    """A cell failed, was interrupted, or lost its kernel; its outputs are on disk."""

    error: _Line
    outputs: Annotated[EncodedOutputs, Meta(description="The last one is the error.")]
    execution_count: int
    status: Literal["error", "interrupted"]

    def if_not_written(self, error: BaseException) -> WireEvent:
        """That it failed for this as well."""
        failure = storage_failure(error)
        outputs = self.outputs.with_output(failure)
        return replace(self, error=failure.content, outputs=outputs, status="error")


class CellsStale(NotebookEvent, frozen=True, kw_only=True):
    """Some cells would give something else now, since what they depend on was run or edited."""

    run_id: Annotated[str | None, Meta(description="By which run; null: by an edit.")]
    sequence: _Sequence
    cell_ids: Annotated[list[str], Meta(description="Those that were not stale before.")]

    def if_not_written(self, error: BaseException) -> WireEvent:  # noqa: ARG002 - as above
        """The same, or a number would be missing."""
        return self


class NotebookExecutionStarted(RunEvent, frozen=True, kw_only=True):
    """A run of all cells began."""


class NotebookExecutionCompleted(RunEvent, frozen=True, kw_only=True):
    """A run of all cells ended well."""

    def if_not_written(self, error: BaseException) -> WireEvent:
        """That it failed."""
        return NotebookExecutionFailed(
            notebook_id=self.notebook_id,
            run_id=self.run_id,
            sequence=self.sequence,
            error=storage_failure(error).content,
            cell_id=None,
        )


class NotebookExecutionFailed(RunEvent, frozen=True, kw_only=True):
    """A run of all cells ended at the first that failed, or was stopped."""

    error: _Line
    cell_id: Annotated[str | None, Meta(description="Null: it did not end at a cell.")]


class KernelRestarted(NotebookEvent, frozen=True, kw_only=True):
    """A kernel began again with an empty state, by request."""


# Editing ------------------------------------------------------------------------------------------


class NotebookCreated(NotebookHeader, WireEvent, frozen=True, kw_only=True):
    """A notebook was made, or loaded from a file."""

    @property
    def room(self) -> str:
        """The notebook."""
        return self.notebook_id


class NotebookChanged(NotebookHeader, WireEvent, frozen=True, kw_only=True):
    """A notebook got another name, or other metadata."""

    metadata: Metadata

    @property
    def room(self) -> str:
        """The notebook."""
        return self.notebook_id


class NotebookDeleted(NotebookEvent, frozen=True, kw_only=True):
    """A notebook is gone, and its kernel with it."""


class CellCreated(CellEvent, frozen=True, kw_only=True):
    """A cell was made, or copied."""

    position: _Position
    cell: CellAnswer


class CellChanged(CellEvent, frozen=True, kw_only=True):
    """A cell was edited, or code that ran later has updated one of its outputs."""

    cell: CellAnswer


class CellMoved(CellEvent, frozen=True, kw_only=True):
    """A cell stands elsewhere."""

    position: _Position


class CellDeleted(CellEvent, frozen=True, kw_only=True):
    """A cell is gone."""


class OutputsCleared(NotebookEvent, frozen=True, kw_only=True):
    """The outputs of some cells were cleared."""

    cell_ids: list[str]


class ServerStopping(WireEvent, frozen=True, kw_only=True):
    """The server ends; everybody is told."""


EMITTED: dict[str, type[WireEvent]] = {
    event.wire_name: event
    for event in (
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
        CellCallSuperseded,
        ToolApprovalNeeded,
        CellExecutionCompleted,
        CellExecutionFailed,
        NotebookExecutionStarted,
        NotebookExecutionCompleted,
        NotebookExecutionFailed,
        CellsStale,
        KernelRestarted,
        NotebookCreated,
        NotebookChanged,
        NotebookDeleted,
        CellCreated,
        CellChanged,
        CellMoved,
        CellDeleted,
        OutputsCleared,
        ServerStopping,
    )
}
"""Every event that the server sends, by name."""


def storage_failure(error: BaseException) -> Output:
    """What a cell says that has run and whose outputs could not be written."""
    return Output.error("StorageError", f"The outputs could not be kept: {error}")
