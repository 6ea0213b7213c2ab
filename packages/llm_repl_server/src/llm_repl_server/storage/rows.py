"""Notebooks, cells and runs ↔ rows, given as dictionaries of column values."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime
from typing import Any, TypeAlias

import msgspec

from llm_repl_core.errors import InvalidInput
from llm_repl_core.model.cell import Cell, ForeignCell, build_cell
from llm_repl_core.model.cell_types import CellTypes
from llm_repl_core.model.notebook import Notebook
from llm_repl_core.model.output import Output
from llm_repl_core.model.staleness import Staleness
from llm_repl_server.storage.columns import (
    decode_json,
    decode_text,
    decode_time,
    encode_json,
    encode_text,
    encode_time,
)
from llm_repl_server.storage.run_record import RunRecord

__all__ = [
    "Row",
    "cell_from_row",
    "cell_to_row",
    "encode_staleness",
    "notebook_from_row",
    "notebook_to_row",
    "notebook_values",
    "run_from_row",
    "run_to_row",
]

Row: TypeAlias = dict[str, Any]

_NOTEBOOK_ENCODERS: dict[str, Callable[[Any], str]] = {
    "name": encode_text,
    "created_at": encode_time,
    "updated_at": encode_time,
    "metadata": encode_json,
    "memory": encode_json,
    "state_keys": encode_json,
    "extra": encode_json,
}


_SHARED_OPTIONS = ("pinned", "skipped")
"""The options that cells of every type have, also those of a type that is not known."""


def notebook_values(fields: Mapping[str, Any]) -> Row:
    """The columns of some fields of a notebook."""
    return {name: _NOTEBOOK_ENCODERS[name](value) for name, value in fields.items()}


def notebook_to_row(notebook: Notebook) -> Row:
    """The row of a notebook."""
    row = notebook_values({name: getattr(notebook, name) for name in _NOTEBOOK_ENCODERS})
    row["id"] = encode_text(notebook.id)
    return row


def notebook_from_row(row: Mapping[str, Any], cells: Iterable[Cell]) -> Notebook:
    """The notebook of a row and of the cells that belong to it.

    Raises:
        ValueError: A column does not hold what was written to it.
    """
    return Notebook(
        decode_text(row["name"]),
        id=decode_text(row["id"]),
        cells=cells,
        created_at=decode_time(row["created_at"]),
        updated_at=decode_time(row["updated_at"]),
        metadata=decode_json(row["metadata"]),
        memory=decode_json(row["memory"]),
        state_keys=decode_json(row["state_keys"]),
        extra=decode_json(row["extra"]),
    )


def cell_to_row(notebook_id: str, cell: Cell) -> Row:
    """The row of a cell, without its rank.

    Options that are as they are by default are not in it: a later version's default is theirs.
    """
    foreign = isinstance(cell, ForeignCell)
    extra = cell.extra
    if foreign:
        extra = {**extra, **{name: True for name in _SHARED_OPTIONS if getattr(cell, name)}}
    return {
        "notebook_id": encode_text(notebook_id),
        "id": encode_text(cell.id),
        "type": encode_text(cell.foreign_type if isinstance(cell, ForeignCell) else cell.type),
        "content": encode_text(cell.content),
        "outputs": encode_json([output.to_wire() for output in cell.outputs]),
        "status": cell.status,
        "execution_count": cell.execution_count,
        "options": None if foreign else encode_json(cell.changed_options()),
        "metadata": encode_json(cell.metadata),
        "extra": encode_json(extra),
        "updated_at": encode_time(datetime.now(UTC)),
        "stale": cell.stale,
        "staleness": encode_staleness(cell.staleness),
    }


def encode_staleness(staleness: Staleness) -> str | None:
    """What is remembered of a cell's last run, as its column holds it."""
    if not staleness.reasons and not staleness.seen and staleness.answer is None:
        return None
    return encode_json(msgspec.to_builtins(staleness))


def decode_staleness(column: str | None) -> Staleness:
    """What a column holds; nothing where a later version wrote it."""
    if column is None:
        return Staleness()
    try:
        return msgspec.convert(decode_json(column), Staleness)
    except msgspec.ValidationError:
        return Staleness()


def cell_from_row(row: Mapping[str, Any], cell_types: CellTypes) -> Cell:
    """The cell of a row.

    Where no plugin knows its type any more, or the type's fields have changed so that they do
    not fit, it becomes a `ForeignCell` that carries the fields in ``extra``; from there they come
    back when the type is known again.

    Raises:
        ValueError: A column does not hold what was written to it.
    """
    fields: Row = {
        "id": decode_text(row["id"]),
        "content": decode_text(row["content"]),
        "outputs": [Output.from_wire(document) for document in decode_json(row["outputs"])],
        "status": row["status"],
        "execution_count": row["execution_count"],
        "metadata": decode_json(row["metadata"]),
        "stale": bool(row["stale"]),
        "staleness": decode_staleness(row["staleness"]),
    }
    extra = decode_json(row["extra"])
    word = decode_text(row["type"])
    cell_class = cell_types.find(word)
    was_foreign = row["options"] is None
    options = {} if was_foreign else decode_json(row["options"])
    if cell_class is not None:
        kept = dict(extra)
        if was_foreign:
            names = cell_class.option_names()
            options = {name: kept.pop(name) for name in names if name in kept}
        try:
            return build_cell(cell_class, {**fields, **options, "extra": kept})
        except InvalidInput:
            pass  # an older or newer plugin's fields: kept as they are, below
    extra = {**extra, **options}
    shared = {name: extra.pop(name) for name in _SHARED_OPTIONS if type(extra.get(name)) is bool}
    return ForeignCell(**fields, **shared, extra=extra, foreign_type=word)


def run_to_row(record: RunRecord) -> Row:
    """The row of a run."""
    return {
        "id": encode_text(record.id),
        "number": record.number,
        "notebook_id": encode_text(record.notebook_id),
        "state": record.state,
        "kind": encode_text(record.kind),
        "cell_ids": encode_json(list(record.cell_ids)),
        "mode": record.mode,
        "completed": record.completed,
        "total": record.total,
        "error": None if record.error is None else encode_text(record.error),
        "cell_id": None if record.cell_id is None else encode_text(record.cell_id),
        "created_at": encode_time(record.created_at),
        "started_at": None if record.started_at is None else encode_time(record.started_at),
        "ended_at": None if record.ended_at is None else encode_time(record.ended_at),
    }


def run_from_row(row: Mapping[str, Any]) -> RunRecord:
    """The run of a row.

    Raises:
        ValueError: A column does not hold what was written to it.
    """
    return RunRecord(
        id=decode_text(row["id"]),
        number=row["number"],
        notebook_id=decode_text(row["notebook_id"]),
        state=row["state"],
        kind=decode_text(row["kind"]),
        cell_ids=tuple(decode_json(row["cell_ids"])),
        mode=row["mode"],
        completed=row["completed"],
        total=row["total"],
        error=None if row["error"] is None else decode_text(row["error"]),
        cell_id=None if row["cell_id"] is None else decode_text(row["cell_id"]),
        created_at=decode_time(row["created_at"]),
        started_at=_optional_time(row["started_at"]),
        ended_at=_optional_time(row["ended_at"]),
    )


def _optional_time(column: str | None) -> datetime | None:
    return None if column is None else decode_time(column)
