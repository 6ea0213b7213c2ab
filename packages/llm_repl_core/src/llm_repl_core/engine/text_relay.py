"""Joins the pieces of an answer, so that nobody is told more often than they can look."""

from __future__ import annotations

from collections.abc import Callable

from llm_repl_core.engine.throttle import Throttle

__all__ = ["TextRelay"]


class TextRelay:
    """Passes text on at once where none was for a while, else joined, at most once an interval.

    At once is when the loop comes round: what came in one piece over the network goes on as one.

    Args:
        send: Is given what has come.
    """

    def __init__(self, send: Callable[[str], None]) -> None:
        self._send = send
        self._pieces: list[str] = []
        self._throttle = Throttle(self.flush, when_loop_comes_round=True)

    def add(self, text: str) -> None:
        """Take a piece."""
        self._pieces.append(text)
        self._throttle.request()

    def flush(self) -> None:
        """Pass on what waits."""
        if not self._pieces:
            return  # so it is with each word of an answer, for its reasoning
        self._throttle.cancel()
        text = "".join(self._pieces)
        self._pieces.clear()
        self._throttle.note_sent()
        self._send(text)

    def drop(self) -> None:
        """Forget what waits: its answer is void."""
        self._throttle.cancel()
        self._pieces.clear()
