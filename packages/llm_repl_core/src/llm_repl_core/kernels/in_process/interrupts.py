"""Ends code that runs in this process, and nothing else."""

from __future__ import annotations

import ctypes
import signal
import sys
import threading
from collections.abc import Callable
from types import FrameType
from typing import Any, TypeVar

from llm_repl_core.kernels.in_process.signal_wakeup import signals_watched

__all__ = ["InterruptGate"]

T = TypeVar("T")


class InterruptGate:
    """Lets an interrupt through only while code runs inside of it.

    In the main thread that is SIGINT, for which a handler of its own is in place meanwhile: the
    one that asyncio installs would cancel a task of the caller's instead. In another thread an
    exception is set from outside, which takes effect at its next bytecode.

    Args:
        take_interrupt: Ends the code in a better way, if there is one; gets the frame where it is.

    Attributes:
        took_sigint: Whether SIGINT has come to what ran last in the main thread.
    """

    def __init__(self, take_interrupt: Callable[[FrameType | None], bool]) -> None:
        self._take_interrupt = take_interrupt
        self._lock = threading.Lock()
        self._thread: int | None = None
        self._open = False
        self._sent = False
        """Whether SIGINT was sent from here, and has not come yet."""
        self.took_sigint = False

    def run(self, function: Callable[[], T]) -> T:
        """Call the function; an interrupt raises ``KeyboardInterrupt`` in it."""
        self.took_sigint = False
        thread = threading.current_thread()
        if thread is threading.main_thread():
            return self._run_in_main_thread(function)
        self._thread = threading.get_ident()
        try:
            with self._lock:
                self._open = True
            try:
                return function()
            finally:
                self._close()
        except BaseException:
            # The exception from outside may have come between the end and the closing.
            self._close()
            raise

    def interrupt(self) -> None:
        """End what runs; no effect where nothing does."""
        with self._lock:
            if not self._open or self._thread is None:
                return
            if self._thread == threading.main_thread().ident:
                self._sent = True
                signal.pthread_kill(self._thread, signal.SIGINT)
            elif not self._take_interrupt(sys._current_frames().get(self._thread)):
                _raise_in(self._thread, KeyboardInterrupt)

    def _run_in_main_thread(self, function: Callable[[], T]) -> T:
        came_beside = False

        def on_sigint(_signum: int, frame: FrameType | None) -> None:
            nonlocal came_beside
            was_sent, self._sent = self._sent, False
            if self._open:
                self.took_sigint = True
                if not self._take_interrupt(frame):
                    raise KeyboardInterrupt
            elif not was_sent:  # else it is late: what it was to end has ended
                came_beside = True

        previous = signal.getsignal(signal.SIGINT)
        self._sent = False
        signal.signal(signal.SIGINT, on_sigint)
        self._thread = threading.get_ident()
        try:
            with signals_watched():
                try:
                    self._open = True
                    return function()
                finally:
                    self._open = False
        except BaseException:
            self._open = False
            raise
        finally:
            # A handler that C code set can't be put back from here; Python then says None.
            signal.signal(signal.SIGINT, signal.SIG_DFL if previous is None else previous)
            if came_beside:
                # Somebody's Ctrl-C, before the function began or behind its end: the caller's.
                signal.raise_signal(signal.SIGINT)

    def _close(self) -> None:
        with self._lock:
            if self._open:
                self._open = False
                _raise_in(threading.get_ident(), None)


def _raise_in(thread: int, exception: Any) -> None:
    ctypes.pythonapi.PyThreadState_SetAsyncExc(
        ctypes.c_ulong(thread), None if exception is None else ctypes.py_object(exception)
    )
