"""Joins the pieces of a cell's streams, so that nobody is told more often than they can look."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from llm_repl_core import Output

__all__ = ["StreamRelay"]

INTERVAL_S = 0.02


class StreamRelay:
    """Passes on what a cell puts out: pieces of a stream that come fast are joined.

    Within an interval the pieces of each stream make one output, in the order in which the streams
    first spoke; all other outputs go on at once, behind what waits.

    Args:
        tell: Is given the outputs.
    """

    def __init__(self, tell: Callable[[Output], None]) -> None:
        self._tell = tell
        self._loop = asyncio.get_running_loop()
        self._pieces: dict[str, list[str]] = {}
        self._next_s = 0.0
        self._timer: asyncio.TimerHandle | None = None

    def add(self, output: Output) -> None:
        """Take an output."""
        if output.type not in ("stdout", "stderr") or output.fields:
            self.flush()
            self._tell(output)
            return
        self._pieces.setdefault(output.type, []).append(output.content)
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
        if self._pieces:
            pieces, self._pieces = self._pieces, {}
            self._next_s = self._loop.time() + INTERVAL_S
            for stream, texts in pieces.items():
                self._tell(Output(stream, "".join(texts)))
