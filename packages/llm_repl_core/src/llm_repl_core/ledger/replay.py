"""Answers from the record: which recorded call answers which prompt of a run."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from datetime import datetime
from typing import TypeAlias

import msgspec

from llm_repl_core.errors import ReplayMiss
from llm_repl_core.ledger.base import Ledger
from llm_repl_core.ledger.differences import describe_differences, format_differences
from llm_repl_core.ledger.identity import identity_of
from llm_repl_core.ledger.nearest import RecordedCalls
from llm_repl_core.ledger.record import CallPlace, CallRecord, CallSource, place_order
from llm_repl_core.model.json_value import JSONValue

__all__ = ["Replay", "answered_from"]

_Key: TypeAlias = tuple[str, int | None, int]
"""A place without its position, which changes as cells are put in above."""


class Replay:
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
        in_use: The calls whose answers the cells show: one of these goes before a later one.
    """

    def __init__(
        self,
        ledger: Ledger,
        notebook_id: str,
        *,
        cell_ids: Iterable[str] = (),
        in_use: frozenset[str] = frozenset(),
    ) -> None:
        self._ledger = ledger
        self._notebook_id = notebook_id
        self._in_use = in_use
        self._cell_ids = tuple(cell_ids)
        self._owners = set(self._cell_ids)
        self._reading = asyncio.Lock()
        self._found: dict[str, dict[_Key, CallRecord]] = {}
        self._claimed: set[str] = set()
        self._heirs: dict[str, str] = {}
        self._is_settled = False
        self._recorded: RecordedCalls | None = None
        """For those that miss; read once, as a thousand items may."""

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
        chosen = records.get(_key(place))
        if chosen is None or chosen.id in self._claimed:
            if not records:
                return None
            await self._settle_inheritance()
            chosen = self._taken_over(records.values(), place)
            if chosen is None:
                return None
            self._heirs.setdefault(chosen.place.cell_id, place.cell_id)
        self._claimed.add(chosen.id)
        return chosen

    async def has(self, identity: str) -> bool:
        """Whether an answered call of that identity is on record, whoever may take it.

        Args:
            identity: The hash of what is asked.

        Raises:
            StorageError: The records cannot be read.
        """
        return bool(await self._of(identity))

    async def miss(self, canonical: dict[str, JSONValue], place: CallPlace) -> ReplayMiss:
        """The error of a call that has no recorded answer; it shows how the nearest one differs.

        Args:
            canonical: What is asked, from `canonical_request`.
            place: Where it is asked.

        Raises:
            StorageError: The records cannot be read.
        """
        who = _told(place)
        advice = self._ledger.how_to_record()
        recorded = await self._all_recorded()
        if not recorded:
            return ReplayMiss(f"{who} cannot be replayed: {self._ledger.why_empty()}. {advice}")
        if recorded.has(identity_of(canonical)):
            return ReplayMiss(
                f"{who} cannot be replayed: its request has recorded answers, but each counts "
                f"once and was used by another call of the run. {advice}"
            )
        nearest = recorded.nearest(canonical, place)
        same_cell = nearest.place.cell_id == place.cell_id
        differences = format_differences(describe_differences(nearest.request, canonical))
        indented = "\n".join(f"  {line}" for line in differences.split("\n"))
        return ReplayMiss(
            f"{who} cannot be replayed: its request has no recorded answer. The nearest recorded call, "
            f"of {'the same' if same_cell else 'another'} cell, differs (- recorded, + asked "
            f"now):\n{indented}\n{advice}"
        )

    async def _of(self, identity: str) -> dict[_Key, CallRecord]:
        """The records of an identity, one of each place, in the order of the document.

        It is the one that the cell shows, as somebody may have chosen it, else the latest.

        They are read once: what this run adds to the ledger is not taken for an old answer.
        """
        if identity not in self._found:
            async with self._reading:
                if identity not in self._found:
                    records = await self._ledger.answers(self._notebook_id, identity)
                    latest: dict[_Key, CallRecord] = {}
                    for record in records:
                        held = latest.get(_key(record.place))
                        if held is None or held.id not in self._in_use:
                            latest[_key(record.place)] = record
                    self._found[identity] = dict(
                        sorted(latest.items(), key=lambda pair: place_order(pair[1].place))
                    )
        return self._found[identity]

    async def _all_recorded(self) -> RecordedCalls:
        async with self._reading:
            if self._recorded is None:
                self._recorded = RecordedCalls(await self._ledger.answered(self._notebook_id))
            return self._recorded

    async def _settle_inheritance(self) -> None:
        """Find out which cells that are gone belong to which that have no record of their own.

        Where there are as many of these as of those, as in a copied notebook, they belong together
        in the order of the document, whoever asks first. Otherwise who takes one answer of a cell
        is its heir.
        """
        if self._is_settled:
            return
        async with self._reading:
            if not self._is_settled:
                records = await self._ledger.answered(self._notebook_id)
                places = {record.place.cell_id: record.place.position for record in records}
                known = set(self._cell_ids)
                gone = sorted(places.keys() - known, key=lambda cell_id: (places[cell_id], cell_id))
                new = [cell_id for cell_id in self._cell_ids if cell_id not in places]
                if len(new) == len(gone):
                    self._heirs.update(zip(gone, new, strict=True))
                self._is_settled = True

    def _taken_over(self, records: Iterable[CallRecord], place: CallPlace) -> CallRecord | None:
        """An unclaimed record of another place that no other cell of the notebook owns."""

        def rank(record: CallRecord) -> tuple[object, ...]:
            owner = record.place.cell_id
            heir = self._heirs.get(owner)
            return (
                owner != place.cell_id,
                heir != place.cell_id,
                heir is not None,
                record.place.position,
                (record.place.item, record.place.step) != (place.item, place.step),
                place_order(record.place),
            )

        return min(
            (
                record
                for record in records
                if record.id not in self._claimed
                and (
                    record.place.cell_id == place.cell_id
                    or record.place.cell_id not in self._owners
                )
            ),
            key=rank,
            default=None,
        )


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


def _key(place: CallPlace) -> _Key:
    return (place.cell_id, place.item, place.step)


def _told(place: CallPlace) -> str:
    item = "" if place.item is None else f", item {place.item + 1}"
    step = "" if not place.step else f", step {place.step}"
    return f"Cell {place.position + 1}{item}{step}"
