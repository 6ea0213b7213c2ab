"""Runs ↔ rows, given as dictionaries of column values."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from llm_repl_server.storage.columns import (
    decode_json,
    decode_text,
    decode_time,
    encode_json,
    encode_text,
    encode_time,
)
from llm_repl_server.storage.rows import Row
from llm_repl_server.storage.run_record import RunRecord

__all__ = ["run_from_row", "run_to_row"]


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
