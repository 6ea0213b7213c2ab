"""Forks a worker without a trace in what the user's code sees, whatever wants to have a say in it."""

from __future__ import annotations

import contextlib
import os
import random
import signal
import sys
import threading
import warnings
from collections.abc import Callable, Iterator
from typing import NoReturn

from llm_repl_core.kernels.worker.isolation import bind_life

__all__ = ["ForkRefused", "Forker"]

_HOOKS_TIMEOUT_S = 1.0
"""How long functions may take that are called before a fork."""
_NO_WARNINGS = [("ignore", None, Warning, None, 0)]


class ForkRefused(Exception):
    """Something that was imported does not want to be forked.

    Args:
        pid: The child that there is all the same, and ends at once.
    """

    def __init__(self, pid: int) -> None:
        super().__init__("something that is imported refuses")
        self.pid = pid


class _HookTimeUp(BaseException):
    """A function that is called before a fork has taken too long."""


class Forker:
    """Forks this process. To be made before user code runs, whose functions then run within its own.

    Args:
        mute: Says whether what this thread prints is to be dropped.
        lifetime_s: After which a child is ended by the system.
    """

    def __init__(self, mute: Callable[[bool], None], lifetime_s: float) -> None:
        self._mute = mute
        self._lifetime_s = lifetime_s
        self._parent = os.getpid()
        self._runs_hooks = False
        self._thread: int | None = None
        """The thread that forks; others are the user's."""
        self._problems: list[object] = []
        self._random_state: tuple[object, ...] = ()
        # Those before a fork run in the reverse order, so that this one is the last.
        os.register_at_fork(before=self._end_hooks, after_in_child=self._begin_child)

    def fork(self, run: Callable[[], NoReturn]) -> int:
        """Fork.

        Args:
            run: What the child does.

        Returns:
            The child's number.

        Raises:
            ForkRefused: Something that is imported refuses.
            OSError: The system refuses.
        """
        self._random_state = random.getstate()
        self._problems = []
        self._thread = threading.get_ident()
        filters, unraisable_hook = warnings.filters, sys.unraisablehook

        def collect(unraisable: sys.UnraisableHookArgs) -> None:
            if threading.get_ident() == self._thread:
                self._problems.append(unraisable.exc_type)
            else:
                unraisable_hook(unraisable)

        def restore() -> None:
            sys.unraisablehook = unraisable_hook
            warnings.filters = filters
            self._mute(False)
            self._thread = None

        self._mute(True)
        # Python warns of forks beside threads. `warnings.catch_warnings` would have it forget
        # which warnings it has shown already.
        warnings.filters = _NO_WARNINGS
        # What functions raise that are called at a fork, Python would print.
        sys.unraisablehook = collect
        try:
            with self._hooks_limited():
                pid = os.fork()
                if pid == 0:
                    # Here, as each return copies memory that is shared with the parent.
                    self._be_child(restore, run)
        finally:
            restore()
        if self._problems:
            raise ForkRefused(pid)
        return pid

    def _be_child(self, restore: Callable[[], None], run: Callable[[], NoReturn]) -> NoReturn:
        try:
            self._runs_hooks = False
            if not self._problems:
                restore()
                random.setstate(self._random_state)  # it has been seeded anew
                run()
        finally:
            os._exit(0)

    def _end_hooks(self) -> None:
        if threading.get_ident() == self._thread:
            self._runs_hooks = False

    def _begin_child(self) -> None:
        if threading.get_ident() == self._thread:
            # Before what others do in a child, which may hang.
            bind_life(self._parent, self._lifetime_s)

    @contextlib.contextmanager
    def _hooks_limited(self) -> Iterator[None]:
        """End functions that wait before the fork; the user's own timer waits meanwhile."""

        def on_alarm(_signum: int, _frame: object) -> None:
            if self._runs_hooks:
                raise _HookTimeUp

        handler = signal.signal(signal.SIGALRM, on_alarm)
        timer = signal.setitimer(signal.ITIMER_REAL, _HOOKS_TIMEOUT_S, _HOOKS_TIMEOUT_S)
        self._runs_hooks = True
        try:
            yield
        finally:
            self._runs_hooks = False
            signal.setitimer(signal.ITIMER_REAL, *timer)
            signal.signal(signal.SIGALRM, handler)
