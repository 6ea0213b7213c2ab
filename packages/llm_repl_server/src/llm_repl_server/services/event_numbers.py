"""The numbers of a notebook's events: who knows the last one knows what was missed since."""

from __future__ import annotations

from msgspec import Struct

from llm_repl_core.model.ids import new_id

__all__ = ["EventNumbers", "LastEvent"]


class LastEvent(Struct):
    """How far the events of a notebook have come.

    Attributes:
        epoch: A word that is another one when the numbers start over.
        sequence: The number of the last event.
    """

    epoch: str
    sequence: int = 0


class EventNumbers:
    """Numbers the events of each notebook. Used in the engine's loop.

    They rise while nobody listens, too: who comes back sees that something was missed. They start
    over, with another epoch, when the server does, and for a notebook that was deleted and is
    there again.
    """

    def __init__(self) -> None:
        self._last: dict[str, LastEvent] = {}

    def last(self, notebook_id: str) -> LastEvent:
        """How far the events of a notebook have come."""
        last = self._last.get(notebook_id)
        if last is None:
            last = self._last[notebook_id] = LastEvent(new_id())
        return last

    def next(self, notebook_id: str) -> LastEvent:
        """Count one more event."""
        last = self.last(notebook_id)
        last.sequence += 1
        return last

    def forget(self, notebook_id: str) -> None:
        """Let go of a notebook that is gone."""
        self._last.pop(notebook_id, None)
