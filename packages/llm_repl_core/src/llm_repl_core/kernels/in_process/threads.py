"""A thread in which an in-process kernel's code runs, where nobody lends it one."""

from __future__ import annotations

import asyncio
import contextlib
import queue
import threading
from collections.abc import Callable
from typing import Any, TypeVar

__all__ = ["CodeThread"]

T = TypeVar("T")


class CodeThread:
    """One daemon thread that calls functions, one after the other."""

    def __init__(self) -> None:
        self._jobs: queue.SimpleQueue[Callable[[], None] | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._work, name="llm-repl-code", daemon=True)
        self._thread.start()

    async def run(self, function: Callable[[], T]) -> T:
        """Call the function in the thread and await its result."""
        loop = asyncio.get_running_loop()
        future: asyncio.Future[T] = loop.create_future()

        def finish(set_it: Callable[[Any], None], result: Any) -> None:
            if not future.done():
                set_it(result)

        def job() -> None:
            try:
                outcome: tuple[Callable[[Any], None], Any] = (future.set_result, function())
            except BaseException as error:  # noqa: BLE001  handed to who waits
                outcome = (future.set_exception, error)
            # Nobody waits any more where the loop is closed.
            with contextlib.suppress(RuntimeError):
                loop.call_soon_threadsafe(finish, *outcome)

        self._jobs.put(job)
        return await future

    def stop(self, timeout_s: float) -> None:
        """Let the thread end after what it does now, and wait for that for a while."""
        self._jobs.put(None)
        self._thread.join(timeout_s)

    def _work(self) -> None:
        while (job := self._jobs.get()) is not None:
            job()
