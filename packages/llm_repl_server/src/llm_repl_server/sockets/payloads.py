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


class CellExecutionStarted(CellEvent, kw_only=True):
    """A cell began to run. It ends in exactly one `completed` or `failed`."""

    run_id: _RunId


class CellExecutionCompleted(CellEvent, kw_only=True):
    """A cell ended well, and its outputs are on disk."""

    run_id: _RunId
    outputs: list[OutputAnswer]
    execution_count: int
    status: Literal["completed"]


class CellExecutionFailed(CellEvent, kw_only=True):
    """A cell failed, was interrupted, or lost its kernel; its outputs are on disk."""

    run_id: _RunId
    error: Annotated[str, Meta(description="One line of text.")]
    outputs: Annotated[list[OutputAnswer], Meta(description="The last one is the error.")]
    execution_count: int
    status: Literal["error", "interrupted"]


class NotebookExecutionStarted(NotebookEvent, kw_only=True):
    """A run of all cells began."""

    run_id: _RunId


class NotebookExecutionCompleted(NotebookEvent, kw_only=True):
    """A run of all cells ended well."""

    run_id: _RunId


class NotebookExecutionFailed(NotebookEvent, kw_only=True):
    """A run of all cells ended at the first that failed, or was stopped."""

    run_id: _RunId
    error: Annotated[str, Meta(description="One line of text.")]
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
    """A cell was edited."""

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
    "cell_execution_started": CellExecutionStarted,
    "cell_execution_completed": CellExecutionCompleted,
    "cell_execution_failed": CellExecutionFailed,
    "notebook_execution_started": NotebookExecutionStarted,
    "notebook_execution_completed": NotebookExecutionCompleted,
    "notebook_execution_failed": NotebookExecutionFailed,
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
