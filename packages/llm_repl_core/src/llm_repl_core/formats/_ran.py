"""What a cell's outputs belong to: found again when the file was edited elsewhere meanwhile.

A cell that has run is written with ``ran``: a digest of the source that ran, a hyphen, and a
digest of the outputs that it gave. The first is left out where the cell is stale. When the file is
read, another source beside the same outputs means that the cell was edited and not run since, and
other outputs mean that it was run elsewhere.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from hashlib import sha256
from typing import Any

from llm_repl_core.formats._fields import Fields
from llm_repl_core.formats._json_text import write_compact
from llm_repl_core.model.cell import Cell, CellStatus, ForeignCell
from llm_repl_core.model.output import Output

__all__ = ["edited_since", "inferred_status", "judge", "ran_of", "take_ran"]

_DIGITS = 16
_RAN = re.compile(rf"([0-9a-f]{{{_DIGITS}}})?-[0-9a-f]{{{_DIGITS}}}")
_NOT_WHAT_RUNS = frozenset({"pinned", "skipped", "foreign_type"})


def ran_of(cell: Cell) -> str | None:
    """What is written of a cell's last run; None where it has none, or cannot run here."""
    if isinstance(cell, ForeignCell) or (cell.status == "idle" and not cell.stale):
        return None
    return f"{'' if cell.stale else _digest_source(cell)}-{_digest_outputs(cell)}"


def take_ran(fields: Fields) -> str | None:
    """Take what `ran_of` gave; anything else is left with what is unknown."""
    ran = fields.rest.get("ran")
    if not isinstance(ran, str) or not _RAN.fullmatch(ran):
        return None
    del fields.rest["ran"]
    return ran


def judge(cell: Cell, ran: str | None) -> None:
    """Set a cell's status and whether it is stale by what was written of its last run.

    Args:
        cell: The cell, with what the file says of both.
        ran: What `ran_of` gave; None where the file does not say it.
    """
    if ran is None or isinstance(cell, ForeignCell):
        return
    if ran.partition("-")[2] != _digest_outputs(cell):
        cell.status, cell.stale = inferred_status(cell.execution_count, cell.outputs), False
    elif edited_since(cell, ran):
        cell.status, cell.stale = "idle", True


def edited_since(cell: Cell, ran: str) -> bool:
    """Whether another source ran than the cell has now."""
    source = ran.partition("-")[0]
    return bool(source) and source != _digest_source(cell)


def inferred_status(execution_count: int | None, outputs: Sequence[Output]) -> CellStatus:
    """What is known of a cell that something else ran."""
    if any(output.type == "error" for output in outputs):
        return "error"
    return "completed" if outputs or execution_count is not None else "idle"


def _digest_source(cell: Cell) -> str:
    options = cell.changed_options()
    runs = {name: options[name] for name in options if name not in _NOT_WHAT_RUNS}
    return _digest([cell.content, runs])


def _digest_outputs(cell: Cell) -> str:
    outputs = [[output.type, output.content, output.fields] for output in cell.outputs]
    return _digest([cell.execution_count, outputs])


def _digest(value: Any) -> str:
    return sha256(write_compact(value)).hexdigest()[:_DIGITS]
