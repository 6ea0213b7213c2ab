"""The recordings that travel beside a notebook, so that anyone can replay it without a key."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Self

import msgspec
from msgspec import Struct, field

from llm_repl_core.errors import FileMissing
from llm_repl_core.files import read_bytes, write_atomically
from llm_repl_core.ledger.in_memory import MemoryLedger
from llm_repl_core.ledger.record import CallRecord, place_order
from llm_repl_core.ledger.recordings_text import (
    RecordedDefaults,
    as_recorded,
    decode_defaults,
    decode_recordings,
    encode_recordings,
)
from llm_repl_core.model.notebook import Notebook

__all__ = [
    "RecordedDefaults",
    "RecordingsLedger",
    "decode_recordings",
    "encode_recordings",
    "prune",
    "recordings_path",
]

_LIMIT_BYTES = 1024**3
_SUFFIX = ".calls.jsonl"


def recordings_path(notebook_path: str | os.PathLike[str]) -> Path:
    """Where a notebook's recordings are: ``analysis.llmn`` has ``analysis.calls.jsonl``.

    One of another format keeps its ending, ``analysis.ipynb.calls.jsonl``: the two may lie side
    by side and hold different cells, and neither may prune the other's recordings.
    """
    path = Path(notebook_path)
    stem = path.stem if path.suffix.lower() == ".llmn" else path.name
    return path.with_name(f"{stem}{_SUFFIX}")


def prune(records: Iterable[CallRecord], notebook: Notebook) -> list[CallRecord]:
    """The calls that belong into a notebook's file, in its order and as the file keeps them.

    For each cell that still exists these are the answered calls of its latest run. While a cell
    has not been completed (it failed, or was stopped half-way through its items), items that this
    run did not finish keep the calls that they had: what was paid for is not lost.

    Args:
        records: Calls in the order in which they began; those from a file come first.
        notebook: The notebook, after its run.
    """
    # What was sent ahead in vain is no call of its prompt.
    records = [record for record in records if record.state != "superseded"]
    originals = {record.id: record for record in records if record.source == "live"}
    taken_ids: set[str] = set()
    kept: list[CallRecord] = []
    runs_by_cell = _runs_by_cell(records)
    recorded_cells = 0
    for cell in notebook:
        runs = runs_by_cell.get(cell.id)
        if not runs:
            continue
        calls = _calls_of_cell(runs, is_whole=cell.status == "completed")
        for call in sorted(calls, key=lambda call: place_order(call.place)):
            live = _live(call, originals, taken_ids)
            taken_ids.add(live.id)
            kept.append(as_recorded(live, recorded_cells))
        recorded_cells += bool(calls)
    return kept


class Changes(Struct, frozen=True, kw_only=True):
    """What writing recordings has taken out of their file.

    Attributes:
        replaced: How many answers of one model have given way to those of another, by both:
            ``provider/model``.
        gone: How many answers were those of cells that the notebook no longer has.
    """

    replaced: dict[tuple[str, str], int] = field(default_factory=dict)
    gone: int = 0


class RecordingsLedger(MemoryLedger):
    """The records of a file beside a notebook, and those of the runs since.

    Args:
        path: The file.
        data: Its bytes; None: there is none.

    Attributes:
        defaults: Who answered, when the calls were recorded, where neither cell nor notebook
            says it.

    Raises:
        InvalidRecordings: The bytes are no recordings.
    """

    def __init__(self, path: str | os.PathLike[str], data: bytes | None = None) -> None:
        super().__init__()
        self.path = Path(path)
        self._take(data)

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> Self:
        """The ledger of a file; an empty one where there is none yet.

        Args:
            path: The file, from `recordings_path`.

        Raises:
            InvalidRecordings: It does not hold recordings.
            StorageError: It could not be read.
            TooLarge: It is over 1 GiB.
        """
        return cls(path, _bytes_of(path))

    @property
    def records(self) -> tuple[CallRecord, ...]:
        """Those of the file, then those of the runs since, in the order of `begin`."""
        since = super().records
        ids = {record.id for record in since}
        return (*(record for record in self._loaded if record.id not in ids), *since)

    async def answers(self, notebook_id: str, identity: str) -> Sequence[CallRecord]:
        """The calls that were sent with this identity and answered; the file's come first."""
        loaded = self._loaded_by_identity.get(identity, ())
        return _of_notebook(notebook_id, loaded, await super().answers(notebook_id, identity))

    async def answered(self, notebook_id: str) -> Sequence[CallRecord]:
        """All calls that were sent and answered; the file's come first."""
        return _of_notebook(notebook_id, self._loaded, await super().answered(notebook_id))

    def how_to_record(self) -> str:
        """What to do about a call that has no recorded answer."""
        name = self.path.name.removesuffix(_SUFFIX)
        notebook = self.path.with_name(name if Path(name).suffix else f"{name}.llmn")
        return (
            f"Run `llm-repl run --reuse --record {notebook}` to ask for the missing answers, "
            "and to keep it there."
        )

    def why_empty(self) -> str:
        """What to tell people where nothing is recorded."""
        if self._data is None:
            return f"there is no file {self.path} with its recorded calls"
        return f"the file {self.path} holds no recorded call"

    def save(
        self,
        path: str | os.PathLike[str],
        notebook: Notebook,
        *,
        defaults: RecordedDefaults | None = None,
    ) -> Changes:
        """Write what belongs to the notebook, see `prune`; a file that would not change is left.

        Args:
            path: The file.
            notebook: The notebook, after its runs.
            defaults: Who answered where neither cell nor notebook says it; what the file says
                already where None.

        Returns:
            Which answers that the file had are in it no more, or are another's.

        Raises:
            FileMissing: The folder does not exist.
            InvalidRecordings: Somebody put other things into the file meanwhile; it is as it was.
            StorageError: It could not be written; the file is as it was.
        """
        on_disk = _bytes_of(path)
        if on_disk is not None and on_disk != self._data:
            self._take(on_disk)  # another run has saved meanwhile
        earlier = self._loaded
        kept = prune(self.records, notebook)
        data = encode_recordings(kept, [cell.id for cell in notebook], defaults or self.defaults)
        if data == on_disk or (on_disk is None and not kept):
            return Changes()
        write_atomically(path, data)
        self._take(data)
        return _changes(earlier, kept)

    def _take(self, data: bytes | None) -> None:
        self._loaded = [] if data is None else decode_recordings(data, str(self.path))
        self.defaults = (
            RecordedDefaults() if data is None else decode_defaults(data, str(self.path))
        )
        self._data = data
        self._loaded_by_identity: dict[str, list[CallRecord]] = {}
        for record in self._loaded:
            self._loaded_by_identity.setdefault(record.identity, []).append(record)


def _changes(earlier: Sequence[CallRecord], kept: Sequence[CallRecord]) -> Changes:
    cells = {record.place.cell_id for record in kept}
    ids = {record.id for record in kept}
    now = {_key(record): _who(record) for record in kept}
    replaced = Counter(
        (_who(record), now[_key(record)])
        for record in earlier
        if record.id not in ids and now.get(_key(record), _who(record)) != _who(record)
    )
    gone = sum(record.id not in ids and record.place.cell_id not in cells for record in earlier)
    return Changes(replaced=dict(replaced), gone=gone)


def _key(record: CallRecord) -> tuple[str, int | None, int]:
    return (record.place.cell_id, record.place.item, record.place.step)


def _who(record: CallRecord) -> str:
    return f"{record.provider}/{record.model}"


def _of_notebook(
    notebook_id: str, loaded: Sequence[CallRecord], since: Sequence[CallRecord]
) -> list[CallRecord]:
    """Records of a file, which names no notebook, and those since; each call once."""
    ids = {record.id for record in since}
    return [
        *(
            msgspec.structs.replace(record, notebook_id=notebook_id)
            for record in loaded
            if record.id not in ids
        ),
        *since,
    ]


def _bytes_of(path: str | os.PathLike[str]) -> bytes | None:
    try:
        return read_bytes(path, _LIMIT_BYTES)
    except FileMissing:
        return None


def _runs_by_cell(records: Sequence[CallRecord]) -> dict[str, dict[str, list[CallRecord]]]:
    """The calls of each cell by run, the runs in the order in which they began."""
    runs_by_cell: dict[str, dict[str, list[CallRecord]]] = {}
    for record in records:
        runs = runs_by_cell.setdefault(record.place.cell_id, {})
        runs.setdefault(record.run_id, []).append(record)
    return runs_by_cell


def _calls_of_cell(runs: dict[str, list[CallRecord]], *, is_whole: bool) -> list[CallRecord]:
    """The calls to keep of one cell: its latest run's, and what that has not replaced."""
    by_item: dict[int | None, dict[int, CallRecord]] = {}
    for calls in runs.values():
        answered = _answered_items(calls)
        if is_whole and answered:
            by_item = answered
        else:
            by_item |= answered
    return [call for calls in by_item.values() for call in calls.values()]


def _answered_items(calls: Sequence[CallRecord]) -> dict[int | None, dict[int, CallRecord]]:
    """The calls of a run by item and step, of those items whose every call was answered."""
    broken = {call.place.item for call in calls if call.state != "completed"}
    by_item: dict[int | None, dict[int, CallRecord]] = {}
    for call in calls:
        if call.place.item not in broken:
            by_item.setdefault(call.place.item, {})[call.place.step] = call
    return by_item


def _live(call: CallRecord, originals: dict[str, CallRecord], taken_ids: set[str]) -> CallRecord:
    """The call that was paid for, at the place where its answer was used last."""
    original_id = call.original_id or call.id
    if original_id in taken_ids:
        return call  # two cells have the one answer: an id names one line only
    original = originals.get(original_id)
    if original is None:  # it is on record elsewhere, and its price with it
        original = msgspec.structs.replace(call, price_usd=None)
    return msgspec.structs.replace(original, id=original_id, place=call.place)
