"""What SIGINT does in a worker: it ends the user's code, and nothing of ours."""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType, TracebackType

from llm_repl_core.kernels.coroutine_cell import is_in_callback

__all__ = ["SigintGate"]


class SigintGate:
    """A handler that raises ``KeyboardInterrupt`` only where user code runs.

    Outside of a cell SIGINT has no effect, unless a request has come and its code has not begun:
    then it ends the code as it begins. Who interrupts has sent the request before, so that the
    signal cannot be meant for a later one. A task of an earlier cell that keeps the thread between
    two cells is ended as well. Within a ``with gate:`` block, where half of a write would break the
    stream of frames, it waits for the block's end. Only the main thread, where Python runs
    handlers, uses it; a signal may come between any two bytecodes, these included.

    Args:
        has_request: Whether a request has come that has not been taken up.
        take_interrupt: Ends the user's code in a better way than by an exception here, if there is
            one; gets the frame where the signal came.
    """

    def __init__(
        self,
        has_request: Callable[[], bool] = lambda: False,
        take_interrupt: Callable[[FrameType | None], bool] = lambda _frame: False,
    ) -> None:
        self._take_interrupt = take_interrupt
        self.running = False
        self._came = 0  # what waits is counted, so that none is lost while others are put away
        self._done = 0
        self.between_cells = False
        """Whether tasks go on that earlier cells have started."""
        self._has_request = has_request
        self._expecting = False
        self._depth = 0
        # Made once: each mention of a method is an object of its own, and would never be the
        # handler that is installed.
        self._handler = self._on_sigint

    def install(self) -> None:
        """Become the handler, which user code may have changed."""
        if signal.getsignal(signal.SIGINT) is not self._handler:
            signal.signal(signal.SIGINT, self._handler)

    @property
    def pending(self) -> bool:
        """Whether a signal waits to take effect."""
        return self._came != self._done

    @property
    def closed(self) -> bool:
        """Whether the main thread is within a ``with gate:`` block."""
        return self._depth > 0

    def __enter__(self) -> None:
        self._depth += 1

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._depth -= 1
        if self.running and not self._depth:
            self._raise_pending()

    @contextmanager
    def ignored(self) -> Iterator[None]:
        """What comes meanwhile has no effect: an interrupt has ended the code already."""
        with self:
            yield
            self._done = self._came

    def expect(self) -> None:
        """A request is being taken up, whose code may begin."""
        self._expecting = True

    def settle(self) -> None:
        """The answer is about to be sent: what has come was meant for its request.

        Not later, as who has the answer may at once send the next request, and interrupt that one.
        """
        self._expecting = False
        self._done = self._came

    def open(self) -> None:
        """User code begins.

        Raises:
            KeyboardInterrupt: It was interrupted before.
        """
        self.running = True
        self._raise_pending()

    def close(self) -> None:
        """User code has ended."""
        self.running = False
        self._done = self._came

    def _raise_pending(self) -> None:
        came = self._came
        if came != self._done:
            self._done = came
            raise KeyboardInterrupt

    def _on_sigint(self, _signum: int, frame: FrameType | None) -> None:
        if not self.running:
            self._came += self._expecting or self._has_request()
            if self.between_cells and is_in_callback(frame):
                raise KeyboardInterrupt
            return
        if self._depth:
            self._came += 1
            return
        if not self._take_interrupt(frame):
            raise KeyboardInterrupt
