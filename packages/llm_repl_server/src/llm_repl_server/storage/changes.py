"""What can be changed in the storage, and the operations that make the changes.

A change is a frozen value that is handed to `Store.submit`; there it becomes an operation, which
shares nothing with it that may still change.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import TypeAlias

from msgspec import UNSET, Struct, UnsetType

from llm_repl_core.errors import InvalidInput, StorageError
from llm_repl_core.ledger.record import CallRecord
from llm_repl_core.model.cell import Cell
from llm_repl_core.model.json_value import JSONValue
from llm_repl_core.model.notebook import Notebook
from llm_repl_core.model.staleness import Staleness
from llm_repl_server.storage import statements
from llm_repl_server.storage.bin_operations import (
    BinnedCellRemoval,
    BinnedNotebookRemoval,
    BinnedNotebookRenaming,
    BinPurge,
    CellBinning,
    CellRestoration,
    NotebookBinning,
    NotebookUnbinning,
)
from llm_repl_server.storage.call_rows import call_to_row
from llm_repl_server.storage.columns import encode_json, encode_text, encode_time
from llm_repl_server.storage.file_operations import (
    FilePendingMark,
    FileTieRemoval,
    FileTieUpsert,
)
from llm_repl_server.storage.file_tie import FileTie, tie_to_row
from llm_repl_server.storage.operations import (
    CellDeletion,
    CellInsertion,
    CellMove,
    NotebookCreation,
    NotebookDeletion,
    Operation,
    RowUpdate,
    SettingUpsert,
    StaleMark,
    missing_cell,
)
from llm_repl_server.storage.record_operations import CallInsertion, MediaInsertion, RunUpsert
from llm_repl_server.storage.rows import (
    cell_to_row,
    encode_staleness,
    notebook_to_row,
    notebook_values,
    run_to_row,
)
from llm_repl_server.storage.run_record import RunRecord

__all__ = [
    "BeginCall",
    "BinCell",
    "BinNotebook",
    "Change",
    "CreateNotebook",
    "DeleteCell",
    "DeleteNotebook",
    "EndCall",
    "ForgetBinnedCell",
    "ForgetBinnedNotebook",
    "ForgetFileTie",
    "InsertCell",
    "KeepFileTie",
    "MarkFilePending",
    "MarkStale",
    "PurgeBin",
    "PutMedia",
    "PutSetting",
    "RenameBinned",
    "ReorderCell",
    "RestoreCell",
    "RestoreNotebook",
    "UpdateNotebook",
    "WriteCell",
    "WriteRun",
    "encode_change",
]


class CreateNotebook(Struct, frozen=True):
    """Store a notebook with all its cells; fails where its id is taken."""

    notebook: Notebook


class UpdateNotebook(Struct, frozen=True, kw_only=True):
    """Change fields of a notebook; those that are left out stay. Fails where there is none."""

    notebook_id: str
    name: str | UnsetType = UNSET
    updated_at: datetime | UnsetType = UNSET
    metadata: dict[str, JSONValue] | UnsetType = UNSET
    memory: dict[str, JSONValue] | UnsetType = UNSET
    state_keys: list[str] | UnsetType = UNSET
    extra: dict[str, JSONValue] | UnsetType = UNSET


class DeleteNotebook(Struct, frozen=True):
    """Forget a notebook and its cells; fails where there is none."""

    notebook_id: str


class InsertCell(Struct, frozen=True):
    """Put a new cell before another, or at the end.

    Fails where its id is taken in the notebook, or the notebook or the other cell is missing.
    """

    notebook_id: str
    cell: Cell
    before_id: str | None = None


class ReorderCell(Struct, frozen=True):
    """Take a cell out and put it before another, or at the end; fails where one is missing."""

    notebook_id: str
    cell_id: str
    before_id: str | None = None


class WriteCell(Struct, frozen=True):
    """Write all of a cell, perhaps of another type now, in its place; fails where there is none."""

    notebook_id: str
    cell: Cell


class DeleteCell(Struct, frozen=True):
    """Forget a cell; fails where there is none."""

    notebook_id: str
    cell_id: str


class BinCell(Struct, frozen=True):
    """Move a cell into the bin, as it is on disk; fails where there is none."""

    notebook_id: str
    cell_id: str
    deleted_at: datetime


class RestoreCell(Struct, frozen=True):
    """Take a cell out of the bin and put it before another, or at the end; see `InsertCell`."""

    notebook_id: str
    cell: Cell
    before_id: str | None = None


class ForgetBinnedCell(Struct, frozen=True):
    """Take a cell out of the bin, where it is there."""

    notebook_id: str
    cell_id: str


class BinNotebook(Struct, frozen=True):
    """Put a notebook into the bin, with its cells, runs and memory; fails where there is none."""

    notebook_id: str
    deleted_at: datetime


class RestoreNotebook(Struct, frozen=True):
    """Take a notebook out of the bin, as it was; fails where it is not there."""

    notebook_id: str


class RenameBinned(Struct, frozen=True):
    """Give a notebook in the bin another id, where it is there: its own is needed again."""

    notebook_id: str
    new_id: str


class ForgetBinnedNotebook(Struct, frozen=True):
    """Delete a notebook for good, where it is in the bin."""

    notebook_id: str


class PurgeBin(Struct, frozen=True):
    """Delete for good what was deleted before a time, and the oldest above a number.

    The number counts the notebooks, and the cells of each notebook.
    """

    deleted_before: datetime
    limit: int


class MarkStale(Struct, frozen=True):
    """Note that cells would give something else now; those that are gone are passed over.

    Attributes:
        notebook_id: Whose cells.
        cells: Each with its id.
    """

    notebook_id: str
    cells: tuple[tuple[str, Staleness], ...]

    @classmethod
    def of(cls, notebook: Notebook, cell_ids: Iterable[str]) -> MarkStale:
        """The mark of some cells of a notebook; those that are gone are passed over."""
        return cls(
            notebook.id,
            tuple(
                (cell_id, notebook[cell_id].staleness)
                for cell_id in cell_ids
                if cell_id in notebook
            ),
        )


class KeepFileTie(Struct, frozen=True):
    """Note in which file a notebook lives, and what of it that has; new or not."""

    tie: FileTie


class MarkFilePending(Struct, frozen=True):
    """Note that a notebook has more than its file, where it has one."""

    notebook_id: str


class ForgetFileTie(Struct, frozen=True):
    """Note that a notebook lives in no file any more."""

    notebook_id: str


class PutSetting(Struct, frozen=True):
    """Set a setting of the server, new or not."""

    key: str
    value: JSONValue


class WriteRun(Struct, frozen=True):
    """Write all of a run, new or not; fails where there is no such notebook."""

    record: RunRecord


class PutMedia(Struct, frozen=True):
    """Keep what a model made under the SHA-256 of its bytes; once, however often it is put."""

    sha256: str
    data: bytes


class BeginCall(Struct, frozen=True):
    """Put a call on record, which this process makes; fails where its id is taken."""

    record: CallRecord


class EndCall(Struct, frozen=True):
    """Write all of a call that is on record; fails where there is none."""

    record: CallRecord


Change: TypeAlias = (
    CreateNotebook
    | UpdateNotebook
    | DeleteNotebook
    | InsertCell
    | ReorderCell
    | WriteCell
    | DeleteCell
    | BinCell
    | RestoreCell
    | ForgetBinnedCell
    | BinNotebook
    | RestoreNotebook
    | RenameBinned
    | ForgetBinnedNotebook
    | PurgeBin
    | MarkStale
    | KeepFileTie
    | MarkFilePending
    | ForgetFileTie
    | PutSetting
    | WriteRun
    | PutMedia
    | BeginCall
    | EndCall
)


_NOTEBOOK_FIELDS = tuple(name for name in UpdateNotebook.__struct_fields__ if name != "notebook_id")


def encode_change(change: Change) -> Operation:
    """The operation that makes a change; nothing of it is shared with the change.

    Raises:
        InvalidInput: An `UpdateNotebook` without any field.
        StorageError: It holds a value that is not JSON's.
    """
    try:
        return _encode(change)
    except (TypeError, ValueError, RecursionError) as error:
        raise StorageError(
            f"A {type(change).__name__} holds a value that cannot be stored: {error}."
        ) from error


def _encode(change: Change) -> Operation:
    match change:
        case WriteCell():
            return _encode_write(change)
        case UpdateNotebook():
            return _encode_update(change)
        case InsertCell(notebook_id, cell, before_id):
            return CellInsertion(cell_to_row(notebook_id, cell), _optional(before_id))
        case ReorderCell(notebook_id, cell_id, before_id):
            return CellMove(encode_text(notebook_id), encode_text(cell_id), _optional(before_id))
        case DeleteCell(notebook_id, cell_id):
            return CellDeletion(encode_text(notebook_id), encode_text(cell_id))
        case BinCell(notebook_id, cell_id, deleted_at):
            at = encode_time(deleted_at)
            return CellBinning(encode_text(notebook_id), encode_text(cell_id), at)
        case RestoreCell(notebook_id, cell, before_id):
            return CellRestoration(cell_to_row(notebook_id, cell), _optional(before_id))
        case ForgetBinnedCell(notebook_id, cell_id):
            return BinnedCellRemoval(encode_text(notebook_id), encode_text(cell_id))
        case BinNotebook(notebook_id, deleted_at):
            return NotebookBinning(encode_text(notebook_id), encode_time(deleted_at))
        case RestoreNotebook(notebook_id):
            return NotebookUnbinning(encode_text(notebook_id))
        case RenameBinned(notebook_id, new_id):
            return BinnedNotebookRenaming(encode_text(notebook_id), encode_text(new_id))
        case ForgetBinnedNotebook(notebook_id):
            return BinnedNotebookRemoval(encode_text(notebook_id))
        case PurgeBin(deleted_before, limit):
            return BinPurge(encode_time(deleted_before), limit)
        case MarkStale(notebook_id, marked):
            return StaleMark(
                encode_text(notebook_id),
                tuple(
                    (encode_text(cell_id), encode_staleness(staleness))
                    for cell_id, staleness in marked
                ),
            )
        case CreateNotebook(notebook):
            return NotebookCreation(
                notebook_to_row(notebook), [cell_to_row(notebook.id, cell) for cell in notebook]
            )
        case KeepFileTie(tie):
            return FileTieUpsert(tie_to_row(tie))
        case MarkFilePending(notebook_id):
            return FilePendingMark(encode_text(notebook_id))
        case ForgetFileTie(notebook_id):
            return FileTieRemoval(encode_text(notebook_id))
        case DeleteNotebook(notebook_id):
            return NotebookDeletion(encode_text(notebook_id))
        case PutSetting(key, value):
            return SettingUpsert(encode_text(key), encode_json(value))
        case PutMedia(sha256, data):
            return MediaInsertion(sha256, data)
        case BeginCall(record):
            return CallInsertion(call_to_row(record))
        case EndCall(record):
            row = call_to_row(record)
            row["for_id"] = row.pop("id")
            missing = f"There is no call {row['for_id']!r} on record that could end."
            return RowUpdate(statements.update_call, row, missing)
        case WriteRun(record):
            return RunUpsert(run_to_row(record))


def _encode_write(change: WriteCell) -> RowUpdate:
    row = cell_to_row(change.notebook_id, change.cell)
    row["for_notebook_id"] = row.pop("notebook_id")
    row["for_id"] = row.pop("id")
    missing = missing_cell(row["for_notebook_id"], row["for_id"])
    return RowUpdate(statements.update_cell, row, missing)


def _encode_update(change: UpdateNotebook) -> RowUpdate:
    fields = {
        name: value for name in _NOTEBOOK_FIELDS if (value := getattr(change, name)) is not UNSET
    }
    if not fields:
        raise InvalidInput("UpdateNotebook needs at least one field to change.")
    row = notebook_values(fields)
    row["for_id"] = encode_text(change.notebook_id)
    statement = statements.update_notebook(tuple(fields))
    return RowUpdate(statement, row, f"There is no notebook {row['for_id']!r} in the storage.")


def _optional(cell_id: str | None) -> str | None:
    return None if cell_id is None else encode_text(cell_id)
