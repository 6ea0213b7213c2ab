"""Has Python run the handler of a signal that came right before the main thread blocked."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import threading
from collections.abc import Iterator

__all__ = ["end_watching", "signals_watched"]

_WAKE = signal.SIGURG
"""Interrupts a call that blocks, and does nothing else: the system ignores it by default."""
_DELAYS_S = (0.02, 0.2, 1.0)
"""When the main thread is woken after a signal: the wake, too, may come right before it blocks."""


class _Watcher:
    """A thread that hears of each signal at once, and wakes the main thread behind it."""

    def __init__(self) -> None:
        self.owner_pid = os.getpid()
        self.previous_fd = -1
        """Where the signals went before: an event loop of the caller's waits for them there."""
        self.is_listening = False
        self._reading, self._writing = socket.socketpair()
        self._writing.setblocking(False)  # a signal handler writes to it
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="llm-repl-signals", daemon=True)
        self._thread.start()

    def listen(self) -> None:
        self.is_listening = True
        self.previous_fd = signal.set_wakeup_fd(self._writing.fileno(), warn_on_full_buffer=False)

    def leave(self) -> None:
        signal.set_wakeup_fd(self.previous_fd)
        self.is_listening = False

    def end(self) -> None:
        self._ended.set()
        self._writing.close()
        self._thread.join(_DELAYS_S[-1])
        self._reading.close()

    def _watch(self) -> None:
        main = threading.main_thread().ident
        assert main is not None
        while read := self._reading.recv(512):
            numbers = read.replace(bytes([_WAKE]), b"")
            if not numbers:
                continue
            if self.previous_fd != -1:
                with contextlib.suppress(OSError):
                    os.write(self.previous_fd, numbers)
            for delay_s in _DELAYS_S:
                if self._ended.wait(delay_s):
                    return
                if signal.getsignal(_WAKE) is not signal.SIG_DFL:
                    signal.pthread_kill(main, _WAKE)


_watcher: _Watcher | None = None  # one for the process, as there is one place that hears of signals


@contextlib.contextmanager
def signals_watched() -> Iterator[None]:
    """Within it, a signal's handler runs soon, whatever the code does. In the main thread.

    Python notes a signal, and runs its handler between two bytecodes. One that comes behind the
    last look and before ``time.sleep(100)`` begins waits for 100 s; until Python 3.12 a note is
    also lost at times while threads take turns. Who sends SIGTERM does not send it again.
    """
    global _watcher
    if signal.getsignal(_WAKE) is not signal.SIG_DFL:
        yield  # somebody uses it
        return
    if _watcher is None or _watcher.owner_pid != os.getpid():
        _watcher = _Watcher()
    watcher = _watcher
    watcher.listen()
    signal.signal(_WAKE, lambda *_: None)
    try:
        yield
    finally:
        signal.signal(_WAKE, signal.SIG_DFL)
        watcher.leave()


def end_watching() -> None:
    """End the thread that watches, unless code runs in the main thread; from any thread."""
    global _watcher
    watcher = _watcher
    if watcher is not None and watcher.owner_pid == os.getpid() and not watcher.is_listening:
        _watcher = None
        watcher.end()
