"""An event loop in a thread of its own: where engines live."""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import Coroutine
from concurrent.futures import Future
from typing import Any, Generic, Self, TypeVar

from llm_repl_core.errors import Conflict, EngineClosed

__all__ = ["EngineLoop"]

T = TypeVar("T")

_log = logging.getLogger(__name__)

_CLOSED = "The engine is closed: open the notebook again."


class _Waiter(Generic[T]):
    """A thread that waits for a coroutine: one lock, where a future of two kinds costs twice."""

    def __init__(self, loop: asyncio.AbstractEventLoop, coroutine: Coroutine[Any, Any, T]) -> None:
        self._loop = loop
        self._coroutine = coroutine
        self._task: asyncio.Task[T] | None = None
        self._done = threading.Lock()
        self._done.acquire()

    def start(self) -> None:
        """Begin; in the loop."""
        self._task = self._loop.create_task(self._coroutine)
        self._task.add_done_callback(self._end)

    def result(self, timeout_s: float | None) -> T:
        """Wait; in the thread."""
        if not self._done.acquire(timeout=-1 if timeout_s is None else timeout_s):
            raise TimeoutError
        assert self._task is not None
        try:
            return self._task.result()
        except asyncio.CancelledError:
            raise EngineClosed(_CLOSED) from None

    def _end(self, _: asyncio.Task[T]) -> None:
        self._done.release()


class EngineLoop:
    """Runs coroutines for threads that have no loop. A server has one, a script's session its own.

    Use it as a context manager, or call `close`.
    """

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._closing = threading.Event()
        # A daemon, so that a script which forgets to close its session still ends.
        self._thread = threading.Thread(target=self._serve, name="llm-repl-engine", daemon=True)
        self._thread.start()

    @property
    def loop(self) -> asyncio.AbstractEventLoop:
        """The loop itself, for ``call_soon_threadsafe``."""
        return self._loop

    def submit(self, coroutine: Coroutine[Any, Any, T]) -> Future[T]:
        """Start a coroutine from any other thread.

        Raises:
            EngineClosed: The loop is closed.
        """
        if self._closing.is_set():
            coroutine.close()
            raise EngineClosed(_CLOSED)
        return asyncio.run_coroutine_threadsafe(coroutine, self._loop)

    def call(self, coroutine: Coroutine[Any, Any, T], timeout_s: float | None = None) -> T:
        """Start a coroutine from any other thread and wait for its result.

        Raises:
            EngineClosed: The loop is closed.
            Conflict: This is its own thread, which cannot wait for itself.
            TimeoutError: It took longer than ``timeout_s``; it goes on.
        """
        if threading.current_thread() is self._thread:
            coroutine.close()
            raise Conflict(
                "This would wait for itself: in the engine's thread, where hooks and listeners "
                "are called, nothing can wait for the engine."
            )
        if self._closing.is_set():
            coroutine.close()
            raise EngineClosed(_CLOSED)
        waiter = _Waiter(self._loop, coroutine)
        self._loop.call_soon_threadsafe(waiter.start)
        return waiter.result(timeout_s)

    def close(self) -> None:
        """Cancel what still runs, wait for it, and end the thread. May be called twice."""
        if not self._closing.is_set():
            self._closing.set()
            self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _serve(self) -> None:
        asyncio.set_event_loop(self._loop)
        while True:
            try:
                self._loop.run_forever()
                break  # `close` stopped it
            except (KeyboardInterrupt, SystemExit):
                # A plugin's `sys.exit()` must not take the other notebooks with it. The task
                # that raised has it as its exception, too.
                _log.exception("a task asked to end the process; the engine goes on")
                if self._closing.is_set():
                    self._loop.call_soon(self._loop.stop)
        try:
            self._cancel_all()
            self._loop.run_until_complete(self._loop.shutdown_asyncgens())
            self._loop.run_until_complete(self._loop.shutdown_default_executor())
            self._cancel_all()  # what was started while the rest ended
        finally:
            self._loop.close()

    def _cancel_all(self) -> None:
        # One more round of the loop: what was handed over last becomes a task in it.
        self._loop.run_until_complete(asyncio.sleep(0))
        while pending := asyncio.all_tasks(self._loop):
            for task in pending:
                task.cancel()
            self._loop.run_until_complete(asyncio.gather(*pending, return_exceptions=True))
