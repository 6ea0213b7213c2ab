"""What is answered about notebooks and cells: each answer's class is its form, and its description."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from functools import cache
from hashlib import blake2b
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta, Struct

from llm_repl_core import Cell, ForeignCell, Notebook, StaleReason
from llm_repl_core.model.cell import CellStatus
from llm_repl_core.model.output import merge_streams
from llm_repl_server.services.encoding import EncodedOutputs, Time, json_bytes, time_on_wire
from llm_repl_server.services.event_numbers import LastEvent
from llm_repl_server.services.file_status import FileStatus
from llm_repl_server.services.items_under_way import ItemsOfCell
from llm_repl_server.services.notebook_kernel import NotebookKernel
from llm_repl_server.services.partial_answers import PartialAnswer
from llm_repl_server.services.under_way import PendingApproval, RunningCell, RunUnderWay
from llm_repl_server.storage.store import NotebookListing

__all__ = [
    "CellAnswer",
    "CellList",
    "LoadedNotebook",
    "Metadata",
    "NotebookAnswer",
    "NotebookHeader",
    "NotebookList",
    "NotebookSummary",
    "OpenedNotebook",
    "Saved",
    "Success",
    "Time",
    "cell_answer",
    "cell_tag",
    "cell_type_word",
    "notebook_answer",
    "notebook_header",
    "notebook_summary",
]

Metadata = dict[str, Any]


class NotebookHeader(Struct, frozen=True, kw_only=True):
    """The header of a notebook. `id` and `notebook_id` are the same."""

    id: str
    notebook_id: str
    name: str
    created_at: Time
    updated_at: Time


class NotebookSummary(NotebookHeader, frozen=True, kw_only=True):
    """A notebook in the list."""

    cell_count: int


class NotebookList(Struct):
    """All notebooks, in order of creation."""

    notebooks: list[NotebookSummary]


class CellAnswer(Struct, frozen=True, kw_only=True):
    """A cell, with the fields of its type. `id` and `cell_id` are the same."""

    id: str
    cell_id: str
    type: str
    content: str
    outputs: EncodedOutputs
    status: CellStatus
    execution_count: int | None
    stale: Annotated[
        bool, Meta(description="Whether it has run, but might give another result now.")
    ]
    stale_reasons: Annotated[
        list[StaleReason],
        Meta(description="Why it is stale, as far as that is known; the most telling first."),
    ]
    pinned: Annotated[bool, Meta(description="Include it in every prompt below it.")]
    skipped: Annotated[bool, Meta(description="Leave it out of every prompt.")]
    metadata: Metadata
    version: Annotated[str, Meta(description="For `If-Match`; changes with every edit.")]


class CellList(Struct):
    """All cells of a notebook, in order."""

    cells: list[CellAnswer]


class NotebookAnswer(NotebookHeader, frozen=True, kw_only=True):
    """A notebook with its cells."""

    metadata: Metadata
    cells: list[CellAnswer]
    state_keys: list[str]
    epoch: Annotated[
        str, Meta(description="That of the events; another one when their numbers start over.")
    ]
    sequence: Annotated[
        int,
        Meta(
            description="The `sequence` of the last event that this answer includes: later ones go "
            "on from it."
        ),
    ]
    partial_answers: Annotated[
        list[PartialAnswer], Meta(description="The answers that are being streamed.")
    ]
    items_under_way: Annotated[
        list[ItemsOfCell],
        Meta(description="How far the prompts over items are that are running."),
    ]
    runs: Annotated[
        list[RunUnderWay],
        Meta(description="What runs and what is queued, in the order in which it was asked for."),
    ]
    running_cells: Annotated[list[RunningCell], Meta(description="The cells that are running.")]
    pending_approvals: Annotated[
        list[PendingApproval], Meta(description="The tool calls that wait for a yes or a no.")
    ]
    kernel: NotebookKernel
    ran_cell_ids: Annotated[
        list[str],
        Meta(
            description="The cells that have run since the server read the notebook, in order: what "
            "the others show was there before."
        ),
    ]
    file: Annotated[
        FileStatus | None,
        Meta(description="The file that the notebook lives in; null: the database has it alone."),
    ]


class LoadedNotebook(NotebookHeader, frozen=True, kw_only=True):
    """The header of a notebook that was loaded from a file.

    Attributes:
        notices: What in the file is not supported, one sentence each.
    """

    notices: list[str]


class OpenedNotebook(LoadedNotebook, frozen=True, kw_only=True):
    """The header of a notebook that lives in a file, and how the file is."""

    file: FileStatus


class Saved(Struct, frozen=True):
    """Where a notebook was saved, relative to the root folder."""

    success: Literal[True]
    filepath: str


class Success(Struct, frozen=True):
    """The request succeeded."""

    success: Literal[True]


def notebook_header(notebook: Notebook) -> NotebookHeader:
    """What identifies a notebook."""
    return NotebookHeader(
        id=notebook.id,
        notebook_id=notebook.id,
        name=notebook.name,
        created_at=time_on_wire(notebook.created_at),
        updated_at=time_on_wire(notebook.updated_at),
    )


def notebook_summary(listing: NotebookListing) -> NotebookSummary:
    """A notebook in the list, from what the storage tells of it."""
    return NotebookSummary(
        id=listing.id,
        notebook_id=listing.id,
        name=listing.name,
        created_at=time_on_wire(listing.created_at),
        updated_at=time_on_wire(listing.updated_at),
        cell_count=listing.cell_count,
    )


def notebook_answer(
    notebook: Notebook,
    *,
    last: LastEvent,
    partial_answers: Sequence[PartialAnswer],
    items_under_way: Sequence[ItemsOfCell],
    runs: Sequence[RunUnderWay],
    running_cells: Sequence[RunningCell],
    pending_approvals: Sequence[PendingApproval],
    kernel: NotebookKernel,
    ran_cell_ids: Collection[str],
    file: FileStatus | None = None,
) -> NotebookAnswer:
    """A notebook with all its cells.

    Args:
        notebook: The notebook.
        last: The last event that clients are sent of what is in it.
        partial_answers: What has come of answers that are under way.
        items_under_way: How far prompts over items are.
        runs: What runs and what is queued.
        running_cells: The cells that run.
        pending_approvals: The tool calls that wait for a yes or a no.
        kernel: What is known of its kernel.
        ran_cell_ids: The cells that have run since it was read.
        file: The file that it lives in.
    """
    return NotebookAnswer(
        id=notebook.id,
        notebook_id=notebook.id,
        name=notebook.name,
        created_at=time_on_wire(notebook.created_at),
        updated_at=time_on_wire(notebook.updated_at),
        metadata=dict(notebook.metadata),
        cells=[cell_answer(cell) for cell in notebook],
        state_keys=list(notebook.state_keys),
        epoch=last.epoch,
        sequence=last.sequence,
        partial_answers=list(partial_answers),
        items_under_way=list(items_under_way),
        runs=list(runs),
        running_cells=list(running_cells),
        pending_approvals=list(pending_approvals),
        kernel=kernel,
        ran_cell_ids=[cell.id for cell in notebook if cell.id in ran_cell_ids],
        file=file,
    )


def cell_answer(cell: Cell) -> CellAnswer:
    """A cell as it is now, with its outputs and the fields of its type."""
    return _answer_class(type(cell))(
        id=cell.id,
        cell_id=cell.id,
        type=cell_type_word(cell),
        content=cell.content,
        outputs=EncodedOutputs(merge_streams(cell.outputs)),
        status=cell.status,
        execution_count=cell.execution_count,
        stale=cell.stale,
        stale_reasons=list(cell.staleness.reasons) if cell.stale else [],
        metadata=dict(cell.metadata),
        version=cell_tag(cell),
        **cell.options(),
    )


def cell_type_word(cell: Cell) -> str:
    """The word for a cell's type in answers."""
    return cell.foreign_type if isinstance(cell, ForeignCell) else cell.wire_type


def cell_tag(cell: Cell) -> str:
    """A word that changes when a client edits the cell, and not when it runs.

    It is made of what can be edited, so that it means the same after a restart and needs no
    place in the database.
    """
    edited = (type(cell).__name__, cell.content, cell.metadata, cell.options())
    return blake2b(json_bytes(edited), digest_size=8).hexdigest()


@cache
def _answer_class(cell_class: type[Cell]) -> type[CellAnswer]:
    """The class of the answers about one type of cell: it has the type's own fields, too."""
    own = [
        (name, Any)
        for name in cell_class.option_names()
        if name not in CellAnswer.__struct_fields__
    ]
    defined = msgspec.defstruct(
        f"{cell_class.__name__}Answer", own, bases=(CellAnswer,), frozen=True, kw_only=True
    )
    assert issubclass(defined, CellAnswer)
    return defined
