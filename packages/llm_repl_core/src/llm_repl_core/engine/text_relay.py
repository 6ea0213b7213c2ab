"""Joins the pieces of an answer, so that nobody is told more often than they can look."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

__all__ = ["TextRelay"]

_INTERVAL_S = 0.02


class TextRelay:
    """Passes text on at once where none was for a while, else joined, at most once an interval.

    At once is when the loop comes round: what came in one piece over the network goes on as one.

    Args:
        tell: Is given what has come.
    """

    def __init__(self, tell: Callable[[str], None]) -> None:
        self._tell = tell
        self._loop = asyncio.get_running_loop()
        self._pieces: list[str] = []
        self._next_s = 0.0
        self._timer: asyncio.Handle | None = None

    def add(self, text: str) -> None:
        """Take a piece."""
        self._pieces.append(text)
        if self._timer is not None:
            return
        if self._loop.time() >= self._next_s:
            self._timer = self._loop.call_soon(self.flush)
        else:
            self._timer = self._loop.call_at(self._next_s, self.flush)

    def flush(self) -> None:
        """Pass on what waits."""
        self._cancel_timer()
        if self._pieces:
            text = "".join(self._pieces)
            self._pieces.clear()
            self._next_s = self._loop.time() + _INTERVAL_S
            self._tell(text)

    def drop(self) -> None:
        """Forget what waits: its answer is void."""
        self._cancel_timer()
        self._pieces.clear()

    def _cancel_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
