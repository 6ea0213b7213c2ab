"""In which order a run's events are shown, where several cells run at the same time."""

from __future__ import annotations

import abc
from collections import deque
from collections.abc import Iterator

from llm_repl_core import (
    CellCompleted,
    CellFailed,
    CellOutput,
    CellOutputsCleared,
    CellOutputUpdated,
    CellStarted,
    CellText,
    Event,
    RunCompleted,
    RunFailed,
    RunStarted,
)

__all__ = ["AsItComes", "CellOrder", "DocumentOrder"]

_OF_A_CELL = (
    CellStarted,
    CellOutput,
    CellOutputUpdated,
    CellOutputsCleared,
    CellCompleted,
    CellFailed,
    CellText,
)


class CellOrder(abc.ABC):
    """Holds events back until it is their turn."""

    @abc.abstractmethod
    def take(self, event: Event) -> Iterator[Event]:
        """Take the next event of the run; yields those whose turn it is now."""

    @abc.abstractmethod
    def rest(self) -> Iterator[Event]:
        """What is still held back when the run is over."""


class DocumentOrder(CellOrder):
    """Cell after cell, as the document has them, so that a file gets the same text each time.

    The outputs of the first cell that has not ended are shown as they come; those of cells further
    down wait. Pieces of answers are left out: the whole answer comes in the end.
    """

    def __init__(self) -> None:
        self._to_show: deque[str] = deque()
        self._held: dict[str, list[Event]] = {}
        self._ended: set[str] = set()

    def take(self, event: Event) -> Iterator[Event]:
        """See `CellOrder.take`."""
        if isinstance(event, CellText):
            return
        if isinstance(event, RunStarted):
            self._to_show.extend(event.cell_ids)
        if isinstance(event, RunCompleted | RunFailed):
            yield from self.rest()
        if not isinstance(event, _OF_A_CELL):
            yield event
            return
        if event.cell_id not in self._to_show:
            yield event  # another cell changes what was shown, in this run or before it
            return
        self._held.setdefault(event.cell_id, []).append(event)
        if isinstance(event, CellCompleted | CellFailed):
            self._ended.add(event.cell_id)
        while self._to_show:
            yield from self._held.pop(self._to_show[0], ())
            if self._to_show[0] not in self._ended:
                return
            self._to_show.popleft()

    def rest(self) -> Iterator[Event]:
        """See `CellOrder.rest`."""
        while self._to_show:
            yield from self._held.pop(self._to_show.popleft(), ())


class AsItComes(CellOrder):
    """At once, for somebody who watches.

    An answer is shown as it grows where its cell is the only one that runs. Until it is complete,
    what other cells give that have started meanwhile waits.
    """

    def __init__(self) -> None:
        self._running: set[str] = set()
        self._growing: str | None = None
        self._missed: set[str] = set()
        """Cells of whose answers a piece was left out."""
        self._held: deque[Event] = deque()

    def take(self, event: Event) -> Iterator[Event]:
        """See `CellOrder.take`."""
        if not isinstance(event, _OF_A_CELL):
            yield event
            return
        if isinstance(event, CellStarted):
            self._running.add(event.cell_id)
        elif isinstance(event, CellCompleted | CellFailed):
            self._running.discard(event.cell_id)
        if isinstance(event, CellText) and not self._may_grow(event):
            return
        if self._growing not in (None, event.cell_id):
            self._held.append(event)
            return
        yield event
        if self._growing is not None and self._growing not in self._running:
            yield from self.rest()

    def rest(self) -> Iterator[Event]:
        """See `CellOrder.rest`."""
        self._growing = None
        while self._held:
            yield self._held.popleft()

    def _may_grow(self, event: CellText) -> bool:
        cell_id = event.cell_id
        is_alone = self._growing is None and self._running == {cell_id}
        if is_alone and event.item is None and cell_id not in self._missed:
            self._growing = cell_id
        if self._growing != cell_id:
            self._missed.add(cell_id)
        return self._growing == cell_id
