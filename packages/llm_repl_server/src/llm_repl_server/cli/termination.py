"""SIGTERM, by which schedulers and service managers end a command."""

from __future__ import annotations

import os
import signal
import sys
import threading
from types import FrameType
from typing import Self

__all__ = ["Termination"]


class Termination:
    """Has SIGTERM do what Ctrl-C does. A context manager.

    It is in force in the main thread only, and only where nobody else handles SIGTERM.

    Attributes:
        asked: Whether SIGTERM has come.
    """

    def __init__(self) -> None:
        self.asked = False
        self._owner_pid = os.getpid()
        self._in_force = False

    @property
    def exit_code(self) -> int:
        """Of a command that was stopped, by SIGTERM or by Ctrl-C."""
        return 143 if self.asked else 130

    def __enter__(self) -> Self:
        self._in_force = (
            threading.current_thread() is threading.main_thread()
            and signal.getsignal(signal.SIGTERM) is signal.SIG_DFL
        )
        if self._in_force:
            signal.signal(signal.SIGTERM, self._handle)
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if self._in_force:
            signal.signal(signal.SIGTERM, signal.SIG_DFL)
        if kind is KeyboardInterrupt:
            sys.exit(self.exit_code)

    def _handle(self, number: int, frame: FrameType | None) -> None:
        if os.getpid() != self._owner_pid:
            # A process that a cell has forked ends as it would without this handler.
            signal.signal(number, signal.SIG_DFL)
            signal.raise_signal(number)
            return
        self.asked = True
        # Called and not raised as a signal: a command in the background may ignore SIGINT.
        ctrl_c = signal.getsignal(signal.SIGINT)
        if not callable(ctrl_c):
            raise KeyboardInterrupt
        ctrl_c(signal.SIGINT, frame)
