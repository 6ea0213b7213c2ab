"""Ctrl-C while a plain thread waits for the engine."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable
from typing import Self

__all__ = ["CtrlC"]


class CtrlC:
    """Notes Ctrl-C where a ``KeyboardInterrupt`` would tear the machinery apart.

    A context manager around waiting. It is in force in the main thread only, and only where
    nobody else handles SIGINT. A cell that runs in this thread, and whoever listens to the
    events, get their ``KeyboardInterrupt`` as ever. The second Ctrl-C raises at once.

    Args:
        on_first: What the first one does; called in a signal handler.
    """

    def __init__(self, on_first: Callable[[], object]) -> None:
        self.noted = False
        self._on_first = on_first
        self._in_force = False

    def __enter__(self) -> Self:
        self._in_force = (
            threading.current_thread() is threading.main_thread()
            and signal.getsignal(signal.SIGINT) is signal.default_int_handler
        )
        if self._in_force:
            signal.signal(signal.SIGINT, self._handle)
        return self

    def __exit__(self, *_: object) -> None:
        if self._in_force:
            signal.signal(signal.SIGINT, signal.default_int_handler)

    def _handle(self, *_: object) -> None:
        if self.noted:
            raise KeyboardInterrupt
        self.noted = True
        self._on_first()
