"""What SIGINT does in a worker: it ends the user's code, and nothing of ours."""

from __future__ import annotations

import signal
from types import FrameType, TracebackType

__all__ = ["SigintGate"]


class SigintGate:
    """A handler that raises ``KeyboardInterrupt`` only where user code runs.

    Outside of a cell SIGINT has no effect. Within a ``with gate:`` block, where half of a write
    would break the stream of frames, it waits for the block's end. Only the main thread, where
    Python runs handlers, uses it.
    """

    def __init__(self) -> None:
        self.running = False
        self.pending = False
        self._depth = 0
        # Made once: each mention of a method is an object of its own, and would never be the
        # handler that is installed.
        self._handler = self._on_sigint

    def install(self) -> None:
        """Become the handler, which user code may have changed."""
        if signal.getsignal(signal.SIGINT) is not self._handler:
            signal.signal(signal.SIGINT, self._handler)

    def __enter__(self) -> None:
        self._depth += 1

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._depth -= 1
        if self.pending and not self._depth:
            self.pending = False
            if self.running:
                raise KeyboardInterrupt

    def open(self) -> None:
        """User code begins."""
        self.pending = False
        self.running = True

    def close(self) -> None:
        """User code has ended."""
        self.running = False
        self.pending = False

    def _on_sigint(self, _signum: int, _frame: FrameType | None) -> None:
        if not self.running:
            return
        if self._depth:
            self.pending = True
            return
        raise KeyboardInterrupt
