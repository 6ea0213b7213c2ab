"""Sends what is printed to the kernel whose code prints it; everything else goes where it went.

``sys.stdout`` is one for the whole process. While a cell runs, or a thread that one has started,
it is a router, which finds the right kernel in a context variable. That is inherited by tasks and
by ``asyncio.to_thread``. Threads do not inherit it, so they are started through `_start`.
"""

from __future__ import annotations

import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

from llm_repl_core.kernels.text_stream import CapturedStream

__all__ = ["Sink", "routed"]


class Sink:
    """Where the output of one kernel goes.

    Args:
        stdout: Takes the place of ``sys.stdout``.
        stderr: Takes the place of ``sys.stderr``.
    """

    def __init__(self, stdout: CapturedStream, stderr: CapturedStream) -> None:
        self.stdout = stdout
        self.stderr = stderr


_current: ContextVar[Sink | None] = ContextVar("llm_repl_sink", default=None)
_lock = threading.RLock()
_users = 0
_plain_start = threading.Thread.start


class _Router:
    """Stands in for ``sys.stdout`` or ``sys.stderr``."""

    def __init__(self, name: str, fallback: Any) -> None:
        self._name = name
        self.fallback = fallback

    def _target(self) -> Any:
        sink = _current.get()
        return self.fallback if sink is None else getattr(sink, self._name)

    def write(self, text: str) -> int:
        written: int = self._target().write(text)
        return written

    def flush(self) -> None:
        self._target().flush()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._target(), name)


@contextmanager
def routed(sink: Sink) -> Iterator[None]:
    """Send what this context prints to the sink."""
    _install()
    token = _current.set(sink)
    try:
        yield
    finally:
        _current.reset(token)
        _remove()


def _start(thread: threading.Thread) -> None:
    """Take the place of ``Thread.start``: what a cell's thread prints is its kernel's, too."""
    sink = _current.get()
    if sink is not None:
        run = thread.run

        def run_routed() -> None:
            with routed(sink):
                run()

        # The thread's own attribute; its class may have a `run` of its own.
        vars(thread)["run"] = run_routed
    _plain_start(thread)


def _install() -> None:
    global _users  # one router for the process, as there is one sys.stdout
    with _lock:
        _users += 1
        if _users == 1:
            threading.Thread.start = _start  # type: ignore[method-assign, assignment]  # put back in `_remove`
        for name in ("stdout", "stderr"):
            stream = getattr(sys, name)
            if not isinstance(stream, _Router):
                setattr(sys, name, _Router(name, stream))


def _remove() -> None:
    global _users
    with _lock:
        _users -= 1
        if _users:
            return
        if threading.Thread.start is _start:
            threading.Thread.start = _plain_start  # type: ignore[method-assign]
        for name in ("stdout", "stderr"):
            stream = getattr(sys, name)
            if isinstance(stream, _Router):
                setattr(sys, name, stream.fallback)
