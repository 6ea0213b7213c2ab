"""Notebooks and cells as the wire shows them."""

from __future__ import annotations

import json
from datetime import datetime
from hashlib import blake2b
from typing import Any

import msgspec
from msgspec import structs

from llm_repl_core import Cell, CellCompleted, CellFailed, ForeignCell, Notebook, Output
from llm_repl_core.ledger.record import CallRecord
from llm_repl_core.ledger.recorded_parts import part_documents
from llm_repl_core.model.cell import CellStatus
from llm_repl_core.model.output import merge_streams
from llm_repl_server.storage.run_record import RunRecord

__all__ = [
    "call_on_wire",
    "call_summary",
    "cell_on_wire",
    "cell_tag",
    "json_bytes",
    "notebook_header",
    "notebook_on_wire",
    "outputs_on_wire",
    "run_on_wire",
    "status_of",
    "time_on_wire",
]


_EXCERPT_LENGTH = 200  # characters


def json_bytes(document: Any) -> bytes:
    """A document as JSON; a number that is not one, or infinite, becomes ``null``."""
    try:
        return msgspec.json.encode(document)
    except (UnicodeEncodeError, OverflowError):
        # Half surrogate pairs of old files, or integers beyond 64 bits: JSON can say both.
        text = json.dumps(document)
        return json.dumps(json.loads(text, parse_constant=lambda _: None)).encode("ascii")


def time_on_wire(time: datetime) -> str:
    """ISO 8601 with an offset."""
    return time.isoformat()


def notebook_header(notebook: Notebook) -> dict[str, Any]:
    """What identifies a notebook."""
    return {
        "id": notebook.id,
        "notebook_id": notebook.id,
        "name": notebook.name,
        "created_at": time_on_wire(notebook.created_at),
        "updated_at": time_on_wire(notebook.updated_at),
    }


def notebook_on_wire(notebook: Notebook) -> dict[str, Any]:
    """A notebook with all its cells."""
    return notebook_header(notebook) | {
        "metadata": dict(notebook.metadata),
        "cells": [cell_on_wire(cell) for cell in notebook],
        "state_keys": list(notebook.state_keys),
    }


def cell_on_wire(cell: Cell) -> dict[str, Any]:
    """A cell with its outputs."""
    return {
        "id": cell.id,
        "cell_id": cell.id,
        "type": cell.foreign_type if isinstance(cell, ForeignCell) else cell.wire_type,
        "content": cell.content,
        "outputs": outputs_on_wire(merge_streams(cell.outputs)),
        "status": cell.status,
        "execution_count": cell.execution_count,
        "stale": cell.stale,
        "metadata": dict(cell.metadata),
        "version": cell_tag(cell),
    } | cell.options()


def status_of(ending: CellCompleted | CellFailed) -> CellStatus:
    """The status of a cell that has just run."""
    if isinstance(ending, CellCompleted):
        return "completed"
    return "interrupted" if ending.interrupted else "error"


def outputs_on_wire(outputs: list[Output] | tuple[Output, ...]) -> list[dict[str, Any]]:
    """Outputs in their flat form."""
    return [output.to_wire() for output in outputs]


def cell_tag(cell: Cell) -> str:
    """A word that changes when a client edits the cell, and not when it runs.

    It is made of what can be edited, so that it means the same after a restart and needs no
    place in the database.
    """
    edited = (type(cell).__name__, cell.content, cell.metadata, cell.options())
    return blake2b(json_bytes(edited), digest_size=8).hexdigest()


def run_on_wire(record: RunRecord) -> dict[str, Any]:
    """A run."""
    return {
        "id": record.id,
        "notebook_id": record.notebook_id,
        "state": record.state,
        "kind": record.kind,
        "cell_ids": list(record.cell_ids),
        "ended": record.completed,
        "total": record.total,
        "mode": record.mode,
        "error": record.error,
        "cell_id": record.cell_id,
        "created_at": time_on_wire(record.created_at),
        "started_at": None if record.started_at is None else time_on_wire(record.started_at),
        "ended_at": None if record.ended_at is None else time_on_wire(record.ended_at),
    }


def call_on_wire(record: CallRecord) -> dict[str, Any]:
    """All of a call to a model; attachments, and what models made, are named by their hash."""
    document: dict[str, Any] = msgspec.to_builtins(structs.replace(record, parts=()))
    document["parts"] = list(part_documents(record.parts))
    return document


def call_summary(record: CallRecord) -> dict[str, Any]:
    """A call in a list: who, where, when, what it cost, and how its texts begin."""
    usage = record.usage
    return {
        "id": record.id,
        "notebook_id": record.notebook_id,
        "run_id": record.run_id,
        "cell_id": record.place.cell_id,
        "item": record.place.item,
        "step": record.place.step,
        "provider": record.provider,
        "model": record.model,
        "source": record.source,
        "state": record.state,
        "started_at": time_on_wire(record.started_at),
        "duration_s": record.duration_s,
        "first_token_s": record.first_token_s,
        "input_tokens": None if usage is None else usage.input_tokens,
        "output_tokens": None if usage is None else usage.output_tokens,
        "price_usd": record.price_usd,
        "finish_reason": record.finish_reason,
        "provider_finish_reason": record.provider_finish_reason,
        "error": None if record.error is None else record.error.message,
        "prompt": _last_text(record)[:_EXCERPT_LENGTH],
        "answer": record.text[:_EXCERPT_LENGTH],
    }


def _last_text(record: CallRecord) -> str:
    """The last message that was sent."""
    messages = record.request.get("messages")
    last = messages[-1] if isinstance(messages, list) and messages else None
    content = last.get("content") if isinstance(last, dict) else None
    return content if isinstance(content, str) else ""
