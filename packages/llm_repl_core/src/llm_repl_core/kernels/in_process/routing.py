"""Sends what is printed to the kernel whose code prints it; everything else goes where it went.

``sys.stdout`` is one for the whole process. While a cell runs, or a thread that one has started,
it is a router, which finds the right kernel in a context variable. That is inherited by tasks and
by ``asyncio.to_thread``. Threads do not inherit it, so they are started through `_start`.
"""

from __future__ import annotations

import functools
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

from llm_repl_core.kernels.in_process.displaying import Displayer
from llm_repl_core.kernels.in_process.ipython_display import IPythonDisplay
from llm_repl_core.kernels.plotly_renderer import use_plotly_renderer
from llm_repl_core.kernels.text_stream import CapturedStream
from llm_repl_core.kernels.tqdm_text import use_text_bars

__all__ = ["Sink", "cell_routed", "close", "routed"]


class Sink:
    """Where the output of one kernel goes.

    Args:
        stdout: Takes the place of ``sys.stdout``.
        stderr: Takes the place of ``sys.stderr``.
        displayer: Shows what is given to IPython's ``display``.
    """

    def __init__(
        self, stdout: CapturedStream, stderr: CapturedStream, displayer: Displayer
    ) -> None:
        self.stdout = stdout
        self.stderr = stderr
        self.displayer = displayer
        self.threads = 0
        """How many threads of its cells are alive."""
        self.closed = False
        self.process_hook = threading.excepthook


_current: ContextVar[Sink | None] = ContextVar("llm_repl_sink", default=None)
_in_cell: ContextVar[bool] = ContextVar("llm_repl_in_cell", default=False)
_lock = threading.RLock()
_users = 0
_plain_start = threading.Thread.start


def _displayer() -> Displayer | None:
    sink = _current.get()
    return None if sink is None else sink.displayer


_ipython = IPythonDisplay(_displayer)


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


@contextmanager
def cell_routed(code: str) -> Iterator[None]:
    """Within `routed`, send on what IPython's display functions show and what new threads print.

    Args:
        code: Of the cell that is about to run.
    """
    with _lock:
        _ipython.install(code)
        _adapt_libraries()
    token = _in_cell.set(True)
    try:
        yield
    finally:
        _in_cell.reset(token)


@functools.cache
def _adapt_libraries() -> None:
    use_plotly_renderer(_show_bundle)
    use_text_bars(lambda: _displayer() is not None)


def _show_bundle(data: dict[str, Any]) -> bool:
    displayer = _displayer()
    if displayer is not None:
        displayer.show_bundle(data, {})
    return displayer is not None


def close(sink: Sink) -> None:
    """Keep ``sys.stdout`` a router no longer for a sink's threads, as its kernel has ended.

    Libraries have threads that never end.
    """
    with _lock:
        sink.closed = True
        for _ in range(sink.threads):
            _remove()
        sink.threads = 0


@contextmanager
def _thread_routed(sink: Sink) -> Iterator[None]:
    """Send what this thread prints to the sink, as long as its kernel lives."""
    with _lock:
        if not sink.closed:
            sink.threads += 1
            _install()
    _current.set(sink)
    _in_cell.set(True)  # for the threads that it starts
    try:
        yield
    finally:
        with _lock:
            if not sink.closed:
                sink.threads -= 1
                _remove()


def _start(thread: threading.Thread) -> None:
    """Take the place of ``Thread.start``: what a cell's thread prints is its kernel's, too."""
    sink = _current.get()
    if sink is not None and _in_cell.get():
        run = thread.run

        def run_routed() -> None:
            with _thread_routed(sink):
                try:
                    run()
                except BaseException as error:  # noqa: BLE001  as `threading` does, but in here
                    error = error.with_traceback(
                        error.__traceback__ and error.__traceback__.tb_next
                    )
                    hook = threading.excepthook
                    # The process's own would tell it elsewhere; one that a cell has set is the cell's.
                    report = threading.__excepthook__ if hook is sink.process_hook else hook
                    report(
                        threading.ExceptHookArgs((type(error), error, error.__traceback__, thread))
                    )

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
        _ipython.remove()
        for name in ("stdout", "stderr"):
            stream = getattr(sys, name)
            if isinstance(stream, _Router):
                setattr(sys, name, stream.fallback)
