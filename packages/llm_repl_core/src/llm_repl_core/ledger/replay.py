"""Answers from the record: which recorded call answers which prompt of a run."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterable, Sequence
from datetime import datetime

import msgspec

from llm_repl_core.errors import ReplayMiss
from llm_repl_core.ledger.base import Ledger
from llm_repl_core.ledger.differences import describe_differences, format_differences
from llm_repl_core.ledger.identity import identity_of
from llm_repl_core.ledger.record import CallPlace, CallRecord, CallSource, place_order
from llm_repl_core.model.json_value import JSONValue

__all__ = ["Recall", "answered_from"]

_COMPARED_RECORDS = 1_000
"""Among how many, the latest, the call nearest to a missing one is looked for."""

_COMPARED_CHARACTERS = 2_000
"""By how much of its beginning and of its end a call's text is compared with another's."""


class Recall:
    """Answers the calls of one run from the record. Used in the engine's loop.

    Prompts run at the same time, so which record answers which of them depends on their places in
    the document and not on who asks first: a call takes the answer of its own cell, item and step.
    Only a call that has none there takes one over from a cell that is gone, so that a copied
    notebook, whose cells have new ids, is answered as well. Each record answers once a run: two
    samples of one prompt stay two.

    Args:
        ledger: Where the records are.
        notebook_id: The notebook.
        cell_ids: Its prompt cells in document order: no other cell takes over what is theirs.
    """

    def __init__(self, ledger: Ledger, notebook_id: str, *, cell_ids: Iterable[str] = ()) -> None:
        self._ledger = ledger
        self._notebook_id = notebook_id
        self._cell_ids = tuple(cell_ids)
        self._owners = set(self._cell_ids)
        self._reading = asyncio.Lock()
        self._found: dict[str, Sequence[CallRecord]] = {}
        self._claimed: set[str] = set()
        self._heirs: dict[str, str] | None = None

    async def find(self, identity: str, place: CallPlace) -> CallRecord | None:
        """An answered call of that identity that has not answered another one in this run.

        Args:
            identity: The hash of what is asked.
            place: Where it is asked.

        Raises:
            StorageError: The records cannot be read.
        """
        self._owners.add(place.cell_id)
        records = await self._of(identity)
        # Nothing waits between a choice and its claim, so that the two are one step.
        for record in records:
            if _same_place(record.place, place) and record.id not in self._claimed:
                self._claimed.add(record.id)
                return record
        if not records:
            return None
        heirs = await self._inheritance()
        chosen = self._taken_over(records, place, heirs)
        if chosen is None:
            return None
        self._claimed.add(chosen.id)
        if chosen.place.cell_id != place.cell_id:
            heirs.setdefault(place.cell_id, chosen.place.cell_id)
        return chosen

    async def miss(self, canonical: dict[str, JSONValue], place: CallPlace) -> ReplayMiss:
        """The error of a call that is not on record; it shows how the nearest one differs.

        Args:
            canonical: What is asked, from `canonical_request`.
            place: Where it is asked.

        Raises:
            StorageError: The records cannot be read.
        """
        who = _told(place)
        advice = "Run it in the mode `live` or `reuse` to record the answer."
        records = await self._ledger.answered(self._notebook_id)
        if not records:
            return ReplayMiss(f"{who} cannot be replayed: {self._ledger.why_empty()}. {advice}")
        identity = identity_of(canonical)
        if any(record.identity == identity for record in records):
            return ReplayMiss(
                f"{who} cannot be replayed: what it asks is on record, but each answer counts "
                f"once and has gone to another call of the run. {advice}"
            )
        nearest = _nearest(records, canonical, place)
        same_cell = nearest.place.cell_id == place.cell_id
        differences = format_differences(describe_differences(nearest.request, canonical))
        indented = "\n".join(f"  {line}" for line in differences.split("\n"))
        return ReplayMiss(
            f"{who} cannot be replayed: what it asks is not on record. The nearest recorded call, "
            f"of {'the same' if same_cell else 'another'} cell, differs (- recorded, + asked "
            f"now):\n{indented}\n{advice}"
        )

    async def _of(self, identity: str) -> Sequence[CallRecord]:
        """The records of an identity, the latest of each place, in the order of the document.

        They are read once: what this run adds to the ledger is not taken for an old answer.
        """
        if identity not in self._found:
            async with self._reading:
                if identity not in self._found:
                    records = await self._ledger.answers(self._notebook_id, identity)
                    by_place = {_key(record.place): record for record in records}
                    self._found[identity] = sorted(
                        by_place.values(), key=lambda record: place_order(record.place)
                    )
        return self._found[identity]

    async def _inheritance(self) -> dict[str, str]:
        """Which recorded cell that is gone belongs to which cell that has no record of its own.

        Where there are as many of these as of those, as in a copied notebook, they belong together
        in the order of the document, whoever asks first.
        """
        if self._heirs is None:
            async with self._reading:
                if self._heirs is None:
                    self._heirs = _heirs(
                        self._cell_ids, await self._ledger.answered(self._notebook_id)
                    )
        return self._heirs

    def _taken_over(
        self, records: Sequence[CallRecord], place: CallPlace, heirs: dict[str, str]
    ) -> CallRecord | None:
        """An unclaimed record of another place that no other cell of the notebook owns."""
        pool = [
            record
            for record in records
            if record.id not in self._claimed
            and (record.place.cell_id == place.cell_id or record.place.cell_id not in self._owners)
        ]
        inherited = {gone for cell_id, gone in heirs.items() if cell_id != place.cell_id}

        def rank(record: CallRecord) -> tuple[object, ...]:
            owner = record.place.cell_id
            return (
                owner != place.cell_id,
                owner != heirs.get(place.cell_id),
                owner in inherited,
                record.place.position,
                (record.place.item, record.place.step) != (place.item, place.step),
                place_order(record.place),
            )

        return min(pool, key=rank, default=None)


def answered_from(
    original: CallRecord,
    *,
    id: str,
    run_id: str,
    place: CallPlace,
    mode: CallSource,
    started_at: datetime,
) -> CallRecord:
    """The record of a call that was not sent, because the record had its answer.

    Args:
        original: The call that was sent.
        id: A new UUID.
        run_id: The run that asked.
        place: Where it asked.
        mode: The run's mode, ``reuse`` or ``replay``.
        started_at: When it asked.
    """
    return msgspec.structs.replace(
        original,
        id=id,
        run_id=run_id,
        place=place,
        source=mode,
        original_id=original.original_id or original.id,
        started_at=started_at,
        duration_s=0.0,
        first_token_s=None,
        attempts=(),
        body={},  # nothing was sent
        price_usd=0.0,
    )


def _key(place: CallPlace) -> tuple[str, int | None, int]:
    return (place.cell_id, place.item, place.step)


def _same_place(one: CallPlace, other: CallPlace) -> bool:
    return _key(one) == _key(other)


def _told(place: CallPlace) -> str:
    item = "" if place.item is None else f", item {place.item}"
    step = "" if not place.step else f", step {place.step}"
    return f"Cell {place.cell_id} (cells[{place.position}]{item}{step})"


def _heirs(cell_ids: Sequence[str], records: Sequence[CallRecord]) -> dict[str, str]:
    places = {record.place.cell_id: record.place.position for record in records}
    known = set(cell_ids)
    gone = sorted((cell_id for cell_id in places if cell_id not in known), key=places.__getitem__)
    new = [cell_id for cell_id in cell_ids if cell_id not in places]
    return dict(zip(new, gone, strict=True)) if len(new) == len(gone) else {}


def _nearest(
    records: Sequence[CallRecord], canonical: dict[str, JSONValue], place: CallPlace
) -> CallRecord:
    """The recorded call that is most like the one asked for; the same cell's come first."""
    words = _words(canonical)

    def likeness(record: CallRecord) -> tuple[bool, bool, bool, float]:
        others = _words(record.request)
        return (
            record.place.cell_id == place.cell_id,
            _same_place(record.place, place),
            record.model == canonical.get("model"),
            len(words & others) / (len(words | others) or 1),
        )

    # The latest first, as `max` keeps the first of equals.
    of_cell = [record for record in records if record.place.cell_id == place.cell_id]
    return max((of_cell or list(records))[: -_COMPARED_RECORDS - 1 : -1], key=likeness)


def _words(canonical: dict[str, JSONValue]) -> set[str]:
    messages = canonical.get("messages")
    words: set[str] = set()
    if isinstance(messages, list):
        # The last message is the prompt itself; what stands above it may be long.
        for message in messages[-20:]:
            content = message.get("content") if isinstance(message, dict) else None
            if isinstance(content, str):
                words.update(re.findall(r"\w+", content[:_COMPARED_CHARACTERS]))
                words.update(re.findall(r"\w+", content[-_COMPARED_CHARACTERS:]))
    return words
