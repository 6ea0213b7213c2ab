"""What can be changed in the storage: each a frozen value that is handed to `Store.submit`."""

from __future__ import annotations

from datetime import datetime
from typing import TypeAlias

from msgspec import UNSET, Struct, UnsetType

from llm_repl_core.ledger.record import CallRecord
from llm_repl_core.model.cell import Cell
from llm_repl_core.model.json_value import JSONValue
from llm_repl_core.model.notebook import Notebook
from llm_repl_server.storage.run_record import RunRecord

__all__ = [
    "BeginCall",
    "Change",
    "CreateNotebook",
    "DeleteCell",
    "DeleteNotebook",
    "EndCall",
    "InsertCell",
    "MarkStale",
    "PutMedia",
    "PutSetting",
    "ReorderCell",
    "UpdateNotebook",
    "WriteCell",
    "WriteRun",
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


class MarkStale(Struct, frozen=True):
    """Note that cells would give something else now; those that are gone are passed over."""

    notebook_id: str
    cell_ids: tuple[str, ...]


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
    | MarkStale
    | PutSetting
    | WriteRun
    | PutMedia
    | BeginCall
    | EndCall
)
