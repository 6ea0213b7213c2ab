"""When to send what comes fast, so that nobody gets messages more often than they can look."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

__all__ = ["INTERVAL_S", "Throttle"]

INTERVAL_S = 0.02


class Throttle:
    """Calls what sends: at once where nothing was sent for an interval, else at its end.

    Used in the loop in which it is made.

    Args:
        send: Sends what waits, and calls `note_sent` where there was anything.
        when_loop_comes_round: Whether at once is when the loop comes round, so that what came in
            one piece over the network goes on as one.
    """

    def __init__(self, send: Callable[[], None], *, when_loop_comes_round: bool = False) -> None:
        self._send = send
        self._when_loop_comes_round = when_loop_comes_round
        self._loop = asyncio.get_running_loop()
        self._next_s = 0.0
        self._timer: asyncio.Handle | None = None

    def request(self) -> None:
        """Have it sent when it is time."""
        if self._timer is not None:
            return
        if self._loop.time() < self._next_s:
            self._timer = self._loop.call_at(self._next_s, self._send)
        elif self._when_loop_comes_round:
            self._timer = self._loop.call_soon(self._send)
        else:
            self._send()

    def cancel(self) -> None:
        """Have nothing sent that was requested."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def note_sent(self) -> None:
        """Note that something is sent now."""
        self._next_s = self._loop.time() + INTERVAL_S
