"""Passes on how far something is, no more often than people can look."""

from __future__ import annotations

from collections.abc import Callable
from typing import Generic, TypeVar

from llm_repl_core.engine.throttle import Throttle

__all__ = ["LatestRelay"]

T = TypeVar("T")


class LatestRelay(Generic[T]):
    """Passes a value on at once where none was for a while, else the latest of an interval.

    Args:
        tell: Is given the values.
    """

    def __init__(self, tell: Callable[[T], None]) -> None:
        self._tell = tell
        self._latest: T | None = None
        self._throttle = Throttle(self.flush)

    def add(self, value: T) -> None:
        """Take a value; what it replaces is told to nobody."""
        self._latest = value
        self._throttle.request()

    def flush(self) -> None:
        """Pass on what waits."""
        self._throttle.cancel()
        latest, self._latest = self._latest, None
        if latest is not None:
            self._throttle.note_sent()
            self._tell(latest)
