"""Which recorded call is most like one that has no recorded answer."""

from __future__ import annotations

import re
from collections.abc import Sequence

from llm_repl_core.ledger.record import CallPlace, CallRecord
from llm_repl_core.model.json_value import JSONValue

__all__ = ["RecordedCalls"]

_COMPARED_RECORDS = 1_000
"""Among how many, the latest, the nearest is looked for."""

_SEARCHES = 50
"""How many calls of a run are compared with all records; for more, the latest is shown. Where a
thousand items miss, nobody reads each difference, and the time would grow with the square."""

_COMPARED_CHARACTERS = 2_000
"""By how much of its beginning and of its end a call's text is compared with another's."""


class RecordedCalls:
    """The recorded calls of a notebook, for the calls of one run that miss. Read, never changed.

    Args:
        records: All that were answered, the latest last.
    """

    def __init__(self, records: Sequence[CallRecord]) -> None:
        self._identities = {record.identity for record in records}
        self._of_cell: dict[str, list[CallRecord]] = {}
        self._of_place: dict[tuple[str, int | None, int], list[CallRecord]] = {}
        self._latest_first = records[: -_COMPARED_RECORDS - 1 : -1]
        self._words: dict[str, frozenset[str]] = {}
        self._searches = 0
        for record in reversed(records):
            place = record.place
            self._of_cell.setdefault(place.cell_id, []).append(record)
            key = (place.cell_id, place.item, place.step)
            self._of_place.setdefault(key, []).append(record)

    def __len__(self) -> int:
        return sum(map(len, self._of_cell.values()))

    def has(self, identity: str) -> bool:
        """Whether a call of that identity is among them."""
        return identity in self._identities

    def nearest(self, canonical: dict[str, JSONValue], place: CallPlace) -> CallRecord:
        """The call that is most like one that is asked now: of its own place, its cell, or any.

        Args:
            canonical: What is asked, from `canonical_request`.
            place: Where it is asked.

        Raises:
            IndexError: There are none.
        """
        candidates = (
            self._of_place.get((place.cell_id, place.item, place.step))
            or self._of_cell.get(place.cell_id)
            or self._latest_first
        )
        if len(candidates) > 1:
            self._searches += 1
            if self._searches > _SEARCHES:
                return candidates[0]
        words = _words(canonical)

        def likeness(record: CallRecord) -> tuple[bool, float]:
            others = self._words_of(record)
            shared = len(words & others)
            return (
                record.model == canonical.get("model"),
                shared / (len(words) + len(others) - shared or 1),
            )

        # `max` keeps the first of equals, which is the latest.
        return max(candidates[:_COMPARED_RECORDS], key=likeness)

    def _words_of(self, record: CallRecord) -> frozenset[str]:
        words = self._words.get(record.id)
        if words is None:
            self._words[record.id] = words = _words(record.request)
        return words


def _words(canonical: dict[str, JSONValue]) -> frozenset[str]:
    messages = canonical.get("messages")
    words: set[str] = set()
    if isinstance(messages, list):
        # The last message is the prompt itself; what stands above it may be long.
        for message in messages[-20:]:
            content = message.get("content") if isinstance(message, dict) else None
            if isinstance(content, str):
                words.update(re.findall(r"\w+", content[:_COMPARED_CHARACTERS]))
                words.update(re.findall(r"\w+", content[-_COMPARED_CHARACTERS:]))
    return frozenset(words)
