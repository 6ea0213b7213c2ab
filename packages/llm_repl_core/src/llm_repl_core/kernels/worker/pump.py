"""The one helper thread of a worker: sends output that waits, and watches for the owner's end."""

from __future__ import annotations

import contextlib
import os
import select
import signal
import threading
import time
from collections import deque
from collections.abc import Callable

from llm_repl_core.kernels.worker.capture import Capture

__all__ = ["Pump"]

_FLUSH_DELAY_MS = 20
_ENDED = select.POLLHUP | select.POLLERR | select.POLLNVAL


class Pump:
    """Reads the pipes under stdout and stderr, and flushes a moment after something came.

    Args:
        capture: Whose output it is.
        linger_s: How long the worker stays when nobody is connected.
        abandon: Called when that time is over.
    """

    def __init__(self, capture: Capture, linger_s: float, abandon: Callable[[], None]) -> None:
        self._capture = capture
        self._linger_s = linger_s
        self._abandon = abandon
        self._wake_reading, self._wake_writing = os.pipe()
        os.set_blocking(self._wake_reading, False)
        os.set_blocking(self._wake_writing, False)
        self._gone_at: float | None = time.monotonic()
        self._new_forks: deque[int] = deque()
        self._forks: set[int] = set()
        capture.nudge = self._nudge

    def start(self) -> None:
        """Begin."""
        threading.Thread(target=self._work, name="llm-repl-pump", daemon=True).start()

    def connection_changed(self) -> None:
        """There is a new connection, or none any more."""
        with contextlib.suppress(BlockingIOError):
            os.write(self._wake_writing, b"c")

    def collect_fork(self, pid: int) -> None:
        """Collect a child of ours when it ends, so that the user's code does not meet it."""
        with contextlib.suppress(OSError):  # there is no room: it stays until this process ends
            self._new_forks.append(os.pidfd_open(pid))
        with contextlib.suppress(BlockingIOError):
            os.write(self._wake_writing, b"f")

    def _nudge(self) -> None:
        if not self._capture.nudged:
            self._capture.nudged = True
            with contextlib.suppress(BlockingIOError):
                os.write(self._wake_writing, b"n")

    def _work(self) -> None:
        # Signals are for the main thread, whose system calls they are to end.
        signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
        poll = select.poll()
        for descriptor in (self._wake_reading, *self._capture.pipes):
            poll.register(descriptor, select.POLLIN)
        watched: int | None = None
        waiting_to_send = False
        while True:
            watched = self._watch(poll, watched, waiting_to_send)
            while self._new_forks:
                self._forks.add(fork := self._new_forks.popleft())
                poll.register(fork, select.POLLIN)
            # Lines that wait for another thread's are looked at again soon.
            events = dict(poll.poll(0 if self._capture.nudged else self._timeout_ms()))
            if watched is not None and events.get(watched, 0) & _ENDED:
                poll.unregister(watched)
                watched = None
                self._gone_at = time.monotonic()
            for fork in self._forks & events.keys():
                poll.unregister(fork)
                self._forks.discard(fork)
                _collect(fork)
            if self._wake_reading in events:
                with contextlib.suppress(BlockingIOError):
                    os.read(self._wake_reading, 4096)
            if self._gone_at is not None and self._left_s() <= 0:
                self._abandon()
            if self._capture.nudged or events.keys() & self._capture.pipes.keys():
                # More will come at once, most often; that goes with it.
                time.sleep(_FLUSH_DELAY_MS / 1000)
                self._capture.nudged = False
                self._capture.drain_pipes()
                if self._capture.buffer.tick():
                    self._capture.nudged = True
                self._capture.flush()
                if self._capture.flush_late():
                    self._capture.nudged = True
            waiting_to_send = not self._capture.channel.send_some()

    def _watch(self, poll: select.poll, watched: int | None, sending: bool) -> int | None:
        """Watch the present connection for its end, and for room where something waits."""
        connection = self._capture.channel.connection
        descriptor = connection.fileno() if connection is not None else -1
        if watched is not None and watched != descriptor:
            poll.unregister(watched)
        if descriptor < 0 or (self._gone_at is not None and _has_ended(descriptor)):
            if self._gone_at is None:
                self._gone_at = time.monotonic()
            return None
        self._gone_at = None
        # No event but the end of the connection is asked for: what arrives is the main thread's.
        poll.register(descriptor, select.POLLOUT if sending else 0)
        return descriptor

    def _timeout_ms(self) -> float | None:
        if self._gone_at is None:
            return None
        return max(self._left_s(), 0) * 1000 + 1

    def _left_s(self) -> float:
        assert self._gone_at is not None
        return self._gone_at + self._linger_s - time.monotonic()


def _collect(pidfd: int) -> None:
    with contextlib.suppress(ChildProcessError):  # the user's code has: it waited for any child
        os.waitid(os.P_PIDFD, pidfd, os.WEXITED)
    os.close(pidfd)


def _has_ended(descriptor: int) -> bool:
    poll = select.poll()
    poll.register(descriptor, 0)
    return bool(poll.poll(0))
