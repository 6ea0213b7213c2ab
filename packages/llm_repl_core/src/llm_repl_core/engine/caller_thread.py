"""The thread or loop that started a run: it gets the run's events and lends itself for code."""

from __future__ import annotations

import asyncio
import queue
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from concurrent.futures import Future
from typing import Any, TypeVar

from llm_repl_core.engine.events import Event

__all__ = ["AsyncInbox", "Inbox"]

T = TypeVar("T")


class _Task:
    """A function to be run by the caller, and the future that takes what became of it."""

    def __init__(self, function: Callable[[], Any]) -> None:
        self._function = function
        self.future: Future[Any] = Future()

    def run(self) -> None:
        if not self.future.set_running_or_notify_cancel():
            return
        try:
            result = self._function()
        except BaseException as error:  # noqa: BLE001  # it is raised again where it is awaited
            self.future.set_exception(error)
        else:
            self.future.set_result(result)


class Inbox:
    """Where a plain thread waits: for events to yield, and for functions to run."""

    def __init__(self) -> None:
        self._items: queue.SimpleQueue[Event | _Task | None] = queue.SimpleQueue()

    def put(self, event: Event) -> None:
        """Hand an event over; from the engine's thread."""
        self._items.put(event)

    def end(self) -> None:
        """Say that nothing more comes."""
        self._items.put(None)

    def run_in_caller(self, function: Callable[[], T]) -> Awaitable[T]:
        """Have the waiting thread run a function; from the engine's thread."""
        task = _Task(function)
        self._items.put(task)
        return asyncio.wrap_future(task.future)

    def events(self) -> Iterator[Event]:
        """Yield events and run functions until the end."""
        while (item := self._items.get()) is not None:
            if isinstance(item, _Task):
                item.run()
            else:
                yield item


class AsyncInbox:
    """The same for a caller that has an event loop of its own. Make it in that loop."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._items: asyncio.Queue[Event | None] = asyncio.Queue()

    def put(self, event: Event) -> None:
        """Hand an event over; from the engine's thread."""
        self._loop.call_soon_threadsafe(self._items.put_nowait, event)

    def end(self) -> None:
        """Say that nothing more comes."""
        self._loop.call_soon_threadsafe(self._items.put_nowait, None)

    def run_in_caller(self, function: Callable[[], T]) -> Awaitable[T]:
        """Have the caller's loop run a function; from the engine's thread."""
        task = _Task(function)
        self._loop.call_soon_threadsafe(task.run)
        return asyncio.wrap_future(task.future)

    async def events(self) -> AsyncIterator[Event]:
        """Yield events until the end."""
        while (item := await self._items.get()) is not None:
            yield item
