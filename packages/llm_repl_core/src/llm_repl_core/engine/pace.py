"""When to tell what comes fast, so that nobody is told more often than they can look."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

__all__ = ["INTERVAL_S", "Pace"]

INTERVAL_S = 0.02


class Pace:
    """Calls what tells: at once where nothing was told for an interval, else at the interval's end.

    Used in the loop in which it is made.

    Args:
        tell: Tells what waits, and calls `told` where there was anything.
        when_loop_comes_round: Whether at once is when the loop comes round, so that what came in
            one piece over the network goes on as one.
    """

    def __init__(self, tell: Callable[[], None], *, when_loop_comes_round: bool = False) -> None:
        self._tell = tell
        self._when_loop_comes_round = when_loop_comes_round
        self._loop = asyncio.get_running_loop()
        self._next_s = 0.0
        self._timer: asyncio.Handle | None = None

    def ask(self) -> None:
        """Have it told when it is time."""
        if self._timer is not None:
            return
        if self._loop.time() < self._next_s:
            self._timer = self._loop.call_at(self._next_s, self._tell)
        elif self._when_loop_comes_round:
            self._timer = self._loop.call_soon(self._tell)
        else:
            self._tell()

    def cancel(self) -> None:
        """Have nothing told that was asked for."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def told(self) -> None:
        """Note that something is told now."""
        self._next_s = self._loop.time() + INTERVAL_S
