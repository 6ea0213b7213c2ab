"""An event loop in a thread of its own: where engines live."""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import Coroutine
from concurrent.futures import Future
from typing import Any, Self, TypeVar

from llm_repl_core.errors import Conflict

__all__ = ["EngineLoop"]

T = TypeVar("T")

_log = logging.getLogger(__name__)


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
            Conflict: The loop is closed.
        """
        if self._closing.is_set():
            coroutine.close()
            raise Conflict("The engine is closed: open the notebook again.")
        return asyncio.run_coroutine_threadsafe(coroutine, self._loop)

    def call(self, coroutine: Coroutine[Any, Any, T], timeout_s: float | None = None) -> T:
        """Start a coroutine from any other thread and wait for its result.

        Raises:
            Conflict: The loop is closed, or this is its own thread, which cannot wait for itself.
            TimeoutError: It took longer than ``timeout_s``; it goes on.
        """
        if threading.current_thread() is self._thread:
            coroutine.close()
            raise Conflict(
                "This would wait for itself: in the engine's thread, where hooks and listeners "
                "are called, nothing can wait for the engine."
            )
        return self.submit(coroutine).result(timeout_s)

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
        finally:
            self._loop.close()

    def _cancel_all(self) -> None:
        pending = asyncio.all_tasks(self._loop)
        for task in pending:
            task.cancel()
        self._loop.run_until_complete(asyncio.gather(*pending, return_exceptions=True))
