"""The latest events of the notebooks that clients hear, for those that come back."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable

__all__ = ["EventHistory"]

EVENTS_LIMIT = 8_000
"""How many events of one notebook are kept: fewer than may wait for a client that polls."""

NOTEBOOK_LIMIT_BYTES = 4_000_000
"""How much of one notebook is kept."""

TOTAL_LIMIT_BYTES = 64_000_000
"""How much is kept of all notebooks; then that goes which was followed or new least recently."""

KEPT_FOR_S = 600.0
"""How long the events of a notebook are kept after the last that was heard, where nobody follows it."""

_LOOKED_EVERY_S = 10.0


class _KeptEvents:
    """The latest events of one notebook, with no number missing between the first and the last."""

    def __init__(self, epoch: str, base: int) -> None:
        self.epoch = epoch
        self.base = base  # the number before the first event that is here
        self.last = base
        self.events: deque[bytes] = deque()
        self.size_bytes = 0
        self.followers = 0
        self.left_at_s = 0.0

    def clear(self, epoch: str, base: int) -> None:
        """Begin anew behind an event."""
        self.epoch, self.base, self.last, self.size_bytes = epoch, base, base, 0
        self.events.clear()

    def add(self, epoch: str, sequence: int, event: bytes) -> int:
        """Take an event; by how many bytes there are more."""
        before = self.size_bytes
        if epoch != self.epoch or sequence > self.last + 1:
            self.clear(epoch, sequence - 1)
        elif sequence <= self.last:
            return 0  # it was there when the notebook was read
        self.events.append(event)
        self.last = sequence
        self.size_bytes += len(event)
        while len(self.events) > EVENTS_LIMIT or self.size_bytes > NOTEBOOK_LIMIT_BYTES:
            self.size_bytes -= len(self.events.popleft())
            self.base += 1
        return self.size_bytes - before


class EventHistory:
    """Keeps the latest events of each notebook that clients hear. Used in the engine's loop.

    That is each notebook of which there are events while anybody hears all, and those that somebody
    follows.

    Args:
        now_s: The loop's clock.
    """

    def __init__(self, now_s: Callable[[], float]) -> None:
        self._now_s = now_s
        self._notebooks: dict[str, _KeptEvents] = {}  # the one that was followed last is the last
        self._size_bytes = 0
        self._looked_at_s = 0.0
        self._hearing_all = 0

    def __bool__(self) -> bool:
        """Whether events of any notebook are kept."""
        self._let_go_of_old()
        return bool(self._notebooks)

    def add(self, notebook_id: str, epoch: str, sequence: int, event: bytes) -> None:
        """Keep an event that is sent."""
        kept = self._notebooks.get(notebook_id)
        if kept is None:
            if not self._hearing_all:
                return
            kept = self._notebooks[notebook_id] = _KeptEvents(epoch, sequence - 1)
        if self._hearing_all:
            kept.left_at_s = self._now_s()
        self._size_bytes += kept.add(epoch, sequence, event)
        if self._size_bytes > TOTAL_LIMIT_BYTES:
            self._let_go_of_oldest()

    def keep(self, notebook_id: str, *, epoch: str, sequence: int) -> None:
        """Keep the events of a notebook from now on, if they are not kept already.

        Args:
            notebook_id: Which notebook.
            epoch: Its epoch now.
            sequence: The number of its last event, sent or about to be.
        """
        kept = self._notebooks.pop(notebook_id, None) or _KeptEvents(epoch, sequence)
        self._notebooks[notebook_id] = kept
        kept.left_at_s = self._now_s()
        if kept.epoch != epoch:
            self._size_bytes -= kept.size_bytes
            kept.clear(epoch, sequence)

    def missed(
        self, notebook_id: str, *, epoch: str, after: int, last_sequence: int
    ) -> list[bytes] | None:
        """What a client has missed of a notebook.

        Args:
            notebook_id: Which notebook.
            epoch: That of the last event that the client knows of.
            after: Its number.
            last_sequence: The number of the notebook's last event.

        Returns:
            The events after that, in order; None: they are not known, or not any more.
        """
        kept = self._notebooks.get(notebook_id)
        if kept is None or epoch != kept.epoch or after > last_sequence:
            return None
        if after >= kept.last:
            return []
        if after < kept.base:
            return None
        return [event for number, event in enumerate(kept.events, kept.base + 1) if number > after]

    def joined(self, notebook_id: str) -> None:
        """Keep the events of a notebook for as long as somebody follows it."""
        kept = self._notebooks.get(notebook_id)
        if kept is not None:
            kept.followers += 1

    def left(self, notebook_id: str) -> None:
        """Somebody follows a notebook no more, and may come back."""
        kept = self._notebooks.get(notebook_id)
        if kept is not None and kept.followers:
            kept.followers -= 1
            kept.left_at_s = self._now_s()

    def all_joined(self) -> None:
        """Keep the events of every notebook while somebody hears all."""
        self._hearing_all += 1

    def all_left(self) -> None:
        """Somebody hears all no more, and may come back."""
        self._hearing_all -= 1
        now_s = self._now_s()
        for kept in self._notebooks.values():
            kept.left_at_s = now_s

    def _let_go_of_oldest(self) -> None:
        notebook_id, oldest = next(item for item in self._notebooks.items() if item[1].size_bytes)
        self._size_bytes -= oldest.size_bytes
        if oldest.followers:
            oldest.clear(oldest.epoch, oldest.last)
        else:
            del self._notebooks[notebook_id]

    def _let_go_of_old(self) -> None:
        now_s = self._now_s()
        if now_s < self._looked_at_s + _LOOKED_EVERY_S:
            return
        self._looked_at_s = now_s
        for notebook_id, kept in tuple(self._notebooks.items()):
            if not kept.followers and kept.left_at_s < now_s - KEPT_FOR_S:
                self._size_bytes -= self._notebooks.pop(notebook_id).size_bytes
