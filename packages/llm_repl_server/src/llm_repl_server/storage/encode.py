"""Changes → operations: the moment at which what may still change is written down."""

from __future__ import annotations

from msgspec import UNSET

from llm_repl_core.errors import InvalidInput, StorageError
from llm_repl_server.storage import statements
from llm_repl_server.storage.call_operations import CallInsertion, MediaInsertion
from llm_repl_server.storage.call_rows import call_to_row
from llm_repl_server.storage.changes import (
    BeginCall,
    Change,
    CreateNotebook,
    DeleteCell,
    DeleteNotebook,
    EndCall,
    InsertCell,
    MarkStale,
    PutMedia,
    PutSetting,
    ReorderCell,
    UpdateNotebook,
    WriteCell,
    WriteRun,
)
from llm_repl_server.storage.columns import encode_json, encode_text
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
from llm_repl_server.storage.rows import cell_to_row, notebook_to_row, notebook_values
from llm_repl_server.storage.run_operations import RunUpsert
from llm_repl_server.storage.run_rows import run_to_row

__all__ = ["encode_change"]

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
        case MarkStale(notebook_id, cell_ids):
            return StaleMark(encode_text(notebook_id), tuple(map(encode_text, cell_ids)))
        case CreateNotebook(notebook):
            return NotebookCreation(
                notebook_to_row(notebook), [cell_to_row(notebook.id, cell) for cell in notebook]
            )
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
