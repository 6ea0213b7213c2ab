"""Runs the coroutine of a cell that uses ``await`` at its top level."""

from __future__ import annotations

import asyncio
import contextlib
import contextvars
import threading
from collections.abc import Coroutine
from typing import Any, TypeVar

__all__ = ["CoroutineRunner"]

T = TypeVar("T")


class CoroutineRunner:
    """An event loop that stays from cell to cell, so that tasks and connections do, too."""

    def __init__(self) -> None:
        self._loop: asyncio.AbstractEventLoop | None = None

    def run(self, coroutine: Coroutine[Any, Any, T]) -> T:
        """Run to the end, in this thread where it has no running loop, else in another one.

        Raises:
            BaseException: What the coroutine raises; ``KeyboardInterrupt`` also ends its task.
        """
        try:
            asyncio.get_running_loop()
        except RuntimeError:
            return self._run_here(coroutine)
        return self._run_in_thread(coroutine)

    def wake(self) -> None:
        """Let a loop that waits look around, so that an exception set from outside is raised."""
        loop = self._loop
        if loop is not None and loop.is_running():
            with contextlib.suppress(RuntimeError):  # closed meanwhile
                loop.call_soon_threadsafe(_nothing)

    def close(self) -> None:
        """End what still runs in the loop, and close it. Not in a thread with a running loop."""
        loop, self._loop = self._loop, None
        if loop is None or loop.is_running() or loop.is_closed():
            return
        try:
            loop.run_until_complete(_end_tasks())
        finally:
            loop.close()

    def _run_here(self, coroutine: Coroutine[Any, Any, T]) -> T:
        if self._loop is None or self._loop.is_closed():
            self._loop = asyncio.new_event_loop()
        loop = self._loop
        task = loop.create_task(coroutine)
        try:
            return loop.run_until_complete(task)
        except KeyboardInterrupt:
            task.cancel()
            # The task gets one second for its own clean-up.
            loop.run_until_complete(asyncio.wait({task}, timeout=1))
            if task.done() and not task.cancelled():
                task.exception()  # looked at, or asyncio logs that nobody did
            raise

    def _run_in_thread(self, coroutine: Coroutine[Any, Any, T]) -> T:
        results: list[T] = []
        errors: list[BaseException] = []

        def work() -> None:
            try:
                results.append(self._run_here(coroutine))
            except BaseException as error:  # noqa: BLE001  raised again by who waits
                errors.append(error)

        context = contextvars.copy_context()
        thread = threading.Thread(target=context.run, args=(work,), daemon=True)
        thread.start()
        try:
            thread.join()
        except BaseException:
            loop = self._loop
            if loop is not None and not loop.is_closed():
                loop.call_soon_threadsafe(_cancel_all, loop)
            raise
        if errors:
            raise errors[0]
        return results[0]


def _nothing() -> None:
    """Something for a loop to do."""


async def _end_tasks() -> None:
    tasks = asyncio.all_tasks() - {asyncio.current_task()}
    for task in tasks:
        task.cancel()
    if tasks:
        # User code may catch the cancellation, so that there is an end to waiting.
        await asyncio.wait(tasks, timeout=1)
    await asyncio.get_running_loop().shutdown_asyncgens()


def _cancel_all(loop: asyncio.AbstractEventLoop) -> None:
    for task in asyncio.all_tasks(loop):
        task.cancel()
