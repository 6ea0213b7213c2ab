"""Passes on how far something is, no more often than people can look."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Generic, TypeVar

__all__ = ["LatestRelay"]

T = TypeVar("T")

_INTERVAL_S = 0.02


class LatestRelay(Generic[T]):
    """Passes a value on at once where none was for a while, else the latest of an interval.

    Args:
        tell: Is given the values.
    """

    def __init__(self, tell: Callable[[T], None]) -> None:
        self._tell = tell
        self._loop = asyncio.get_running_loop()
        self._latest: T | None = None
        self._next_s = 0.0
        self._timer: asyncio.TimerHandle | None = None

    def add(self, value: T) -> None:
        """Take a value; what it replaces is told to nobody."""
        self._latest = value
        if self._timer is not None:
            return
        if self._loop.time() >= self._next_s:
            self.flush()
        else:
            self._timer = self._loop.call_at(self._next_s, self.flush)

    def flush(self) -> None:
        """Pass on what waits."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        latest, self._latest = self._latest, None
        if latest is not None:
            self._next_s = self._loop.time() + _INTERVAL_S
            self._tell(latest)
