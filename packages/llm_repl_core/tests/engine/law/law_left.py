"""What a run has left, and how it differs from what another has left."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from llm_repl_core import Notebook
from llm_repl_core.ledger.in_memory import MemoryLedger
from llm_repl_core.ledger.recordings import encode_recordings, prune

__all__ = ["Ran", "differs"]

_ADDRESS = re.compile(r"0x[0-9a-fA-F]+")
_NAMES_TOLD = re.compile(
    r"; a memory cell sees [^.]*|"
    r" \(did you mean [^)]*\)|[.] Did you mean: '\w+'\?|[.] Or did you forget to import '\w+'\?"
)
"""Which other names there are: a failing cell tells it, but does not wait for them."""


class Ran:
    """What a run has left.

    Attributes:
        requests: As recorded, in the order of the document, with their answers.
        unrecorded: How many calls were answered beside these.
        refused: Whether a provider refused one.
        sends_addresses: Whether an object's address is in one.
        cells: By id: status, execution count, whether it is stale, and outputs.
        state: What the kernel has, see `law_describe`.
        kept: The memory of the notebook.
        ends: The error of each run, and the cell that it names.
        recordings: The file's bytes.
    """

    def __init__(
        self,
        notebook: Notebook,
        ledger: MemoryLedger,
        state: Mapping[str, Any],
        ends: Sequence[tuple[Any, ...]],
    ) -> None:
        recorded = prune(ledger.records, notebook)
        self.refused = any(one.state == "failed" for one in ledger.records)
        self.sends_addresses = any(_ADDRESS.search(str(one.request)) for one in recorded)
        self.requests = [
            (
                f"{one.place.cell_id} item {one.place.item} step {one.place.step}",
                _plain(one.request),
                one.identity,
                one.text,
                [(call.name, call.arguments) for call in one.tool_calls],
            )
            for one in recorded
        ]
        answered = [one for one in ledger.records if one.state == "completed"]
        self.unrecorded = len({one.original_id or one.id for one in answered}) - len(recorded)
        self.cells = {
            cell.id: (
                cell.status,
                cell.execution_count,
                cell.stale,
                [(one.type, _plain(one.content), _told(one.fields)) for one in cell.outputs],
            )
            for cell in notebook
        }
        self.state = state
        self.kept = dict(notebook.memory)
        self.ends = [_plain(end) for end in ends]
        self.recordings = encode_recordings(recorded, [cell.id for cell in notebook])


def differs(expected: Ran, found: Ran) -> str | None:
    for what in ("requests", "cells", "ends", "kept", "state", "unrecorded"):
        first, second = getattr(expected, what), getattr(found, what)
        if first != second:
            return f"{what}: {_first_difference(first, second)}"
    return None


def _first_difference(first: Any, second: Any, where: str = "") -> str:
    """Where two values differ first, for people."""
    if isinstance(first, dict) and isinstance(second, dict):
        for key in [*first, *(key for key in second if key not in first)]:
            if key not in first or key not in second:
                return f"{where}.{key} is in {'the other' if key not in first else 'one'} only"
            if first[key] != second[key]:
                return _first_difference(first[key], second[key], f"{where}.{key}")
    is_list = isinstance(first, (list, tuple)) and isinstance(second, (list, tuple))
    if is_list and len(first) == len(second):
        for place, (one, other) in enumerate(zip(first, second, strict=True)):
            if one != other:
                return _first_difference(one, other, f"{where}[{place}]")
    return f"{where} is {second!r:.600}, not {first!r:.600}"


def _told(fields: Mapping[str, Any]) -> dict[str, Any]:
    return {name: _plain(value) for name, value in fields.items() if name not in _NOT_TOLD}


_NOT_TOLD = ("call_id", "source", "original_id", "price_usd", "duration_s")


def _plain(value: Any) -> Any:
    """Without what is another number in each run."""
    match value:
        case str():
            return _NAMES_TOLD.sub("", _ADDRESS.sub("0x…", value))
        case list() | tuple():
            return [_plain(one) for one in value]
        case dict():
            return {key: _plain(one) for key, one in value.items()}
    return value
