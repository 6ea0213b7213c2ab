"""Notebooks and cells as the wire shows them."""

from __future__ import annotations

import json
from datetime import datetime
from hashlib import blake2b
from typing import Any

import msgspec

from llm_repl_core import Cell, CellCompleted, CellEndedBadly, ForeignCell, Notebook, Output
from llm_repl_core.model.cell import CellStatus

__all__ = [
    "cell_on_wire",
    "cell_tag",
    "json_bytes",
    "notebook_header",
    "notebook_on_wire",
    "outputs_on_wire",
    "status_of",
    "time_on_wire",
]


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
        "outputs": outputs_on_wire(cell.outputs),
        "status": cell.status,
        "execution_count": cell.execution_count,
        "metadata": dict(cell.metadata),
        "version": cell_tag(cell),
    } | cell.options()


def status_of(ending: CellCompleted | CellEndedBadly) -> CellStatus:
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
