"""What a server says, as the core's own cells and events."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

import msgspec

from llm_repl_core import (
    Cell,
    CellCompleted,
    CellFailed,
    CellOutput,
    CellOutputUpdated,
    CellRemoved,
    CellSuperseded,
    CellWaiting,
    CodeCell,
    Event,
    ForeignCell,
    InvalidInput,
    ItemsStarted,
    MarkdownCell,
    MemoryCell,
    Output,
    PromptCell,
    RunCompleted,
    RunFailed,
    RunStarted,
    StaleReason,
)
from llm_repl_core.model.cell import build_cell
from llm_repl_server.services import wire_events as wire
from llm_repl_server.services.engine_events import SAME_FIELDS

__all__ = ["decode_cell", "decode_event"]

_CELL_CLASSES: dict[str, type[Cell]] = {
    word: kind
    for kind in (CodeCell, PromptCell, MarkdownCell, MemoryCell)
    for word in (kind.type, kind.wire_type)
}
_STATE = ("content", "status", "execution_count", "metadata", "stale")


def decode_cell(document: Mapping[str, Any]) -> Cell:
    """A cell of an answer or an event, as it is on the server.

    Raises:
        InvalidInput: It is none.
    """
    kind = _CELL_CLASSES.get(document["type"], ForeignCell)
    names = {*kind.option_names(), *_STATE}
    fields = {name: document[name] for name in names if name in document}
    if kind is ForeignCell:
        fields["foreign_type"] = document["type"]
    cell = build_cell(kind, {**fields, "id": document["id"]})
    cell.outputs = decode_outputs(document["outputs"])
    if cell.stale:
        cell.be_stale(*msgspec.convert(document.get("stale_reasons", []), list[StaleReason]))
    return cell


def decode_outputs(documents: Iterable[Mapping[str, Any]]) -> list[Output]:
    """The outputs of an answer or an event.

    Raises:
        InvalidInput: One is none.
    """
    try:
        return [Output.from_wire(document) for document in documents]
    except ValueError as error:
        raise InvalidInput(f"The server sent an output that is none: {error}.") from None


_PLAIN: dict[str, type[Event]] = {
    **{told.wire_name: event for event, told in SAME_FIELDS.items()},
    wire.CellCallSuperseded.wire_name: CellSuperseded,
    wire.CellExecutionRemoved.wire_name: CellRemoved,
    wire.CellExecutionWaiting.wire_name: CellWaiting,
    wire.CellItemsStarted.wire_name: ItemsStarted,
}
"""Events that can be read as they are on the wire."""


def decode_event(name: str, payload: Mapping[str, Any]) -> Event | None:
    """An event of a run in the engine's words; None: it is about something else.

    Args:
        name: Its name on the wire.
        payload: What came with it.
    """
    if name in _PLAIN:
        return msgspec.convert(dict(payload), _PLAIN[name], strict=False)
    build = _BUILT.get(name)
    if build is None:
        return None
    event: Event = build(payload)
    common = {key: payload[key] for key in ("notebook_id", "run_id", "sequence") if key in payload}
    return msgspec.structs.replace(event, **common)


def _run_ended(payload: Mapping[str, Any]) -> Event:
    if payload["state"] == "completed":
        return RunCompleted()
    return RunFailed(
        error=payload["error"] or "",
        cell_id=payload["cell_id"],
        interrupted=payload["state"] == "interrupted",
        not_run=tuple(payload["not_run"]),
    )


def _failed(payload: Mapping[str, Any]) -> Event:
    return CellFailed(
        cell_id=payload["cell_id"],
        error=payload["error"],
        outputs=tuple(decode_outputs(payload["outputs"])),
        interrupted=payload["status"] == "interrupted",
        execution_count=payload["execution_count"],
        duration_s=0.0,
    )


_BUILT: dict[str, Callable[[Mapping[str, Any]], Event]] = {
    "run_started": lambda payload: RunStarted(
        cell_ids=tuple(payload["cell_ids"]), whole_notebook=False
    ),
    "run_ended": _run_ended,
    "cell_execution_output": lambda payload: CellOutput(
        cell_id=payload["cell_id"],
        index=payload["index"],
        output=Output.from_wire(payload["output"]),
    ),
    "cell_output_updated": lambda payload: CellOutputUpdated(
        cell_id=payload["cell_id"],
        index=payload["index"],
        output=Output.from_wire(payload["output"]),
        lines=payload["lines"],
    ),
    "cell_execution_completed": lambda payload: CellCompleted(
        cell_id=payload["cell_id"],
        outputs=tuple(decode_outputs(payload["outputs"])),
        execution_count=payload["execution_count"],
        duration_s=0.0,
    ),
    "cell_execution_failed": _failed,
}
