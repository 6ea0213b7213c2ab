"""The thread or loop that started a run: it gets the run's events and lends itself for code."""

from __future__ import annotations

import asyncio
import contextlib
import queue
import threading
import time
from collections import deque
from collections.abc import Awaitable, Callable
from concurrent.futures import Future
from typing import Any, TypeVar

from llm_repl_core.errors import KernelError
from llm_repl_core.execution.events import Event

__all__ = ["AsyncInbox", "Inbox"]

T = TypeVar("T")

_LOOK_UP_S = 0.5
"""How long a thread or a loop waits before it looks whether a signal has come."""
_BURST_S = 0.002
"""How long events wait for more, where others came right before."""


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
        except (KeyboardInterrupt, SystemExit):
            # Meant for this thread; in the engine's, either would end its loop.
            self.future.set_exception(KernelError("The code was interrupted."))
            raise
        except BaseException as error:  # noqa: BLE001  # it is raised again where it is awaited
            self.future.set_exception(error)
        else:
            self.future.set_result(result)


class _Functions:
    """The functions that the engine asks the caller to run: one at a time."""

    def __init__(self) -> None:
        self._task: _Task | None = None
        self._left = False
        self.ran_in_main_thread = False
        """Whether a function was run in the main thread, whose Ctrl-C it then got."""

    def withdraw(self) -> None:
        """Take a function back that the caller has not begun: who waits for it is cancelled."""
        task = self._task
        if task is not None:
            task.future.cancel()

    @property
    def has_left(self) -> bool:
        """Whether the caller runs no function any more."""
        return self._left

    def leave(self) -> None:
        """Run no function any more; by the caller, who has lost interest."""
        self._left = True
        self.withdraw()

    def _run(self, task: _Task) -> None:
        if self._left:
            task.future.cancel()
        else:
            self.ran_in_main_thread = threading.current_thread() is threading.main_thread()
            task.run()


class Inbox(_Functions):
    """Where a plain thread waits: for events to yield, and for functions to run.

    The thread is woken at once where nothing has come for a while, and else every `_BURST_S`: the
    two threads take turns at Python's lock for each time that it is woken.

    Attributes:
        ended: Whether the end has been taken out, behind which nothing comes.
    """

    def __init__(self) -> None:
        super().__init__()
        self.ended = False
        self._items: deque[Event | _Task | None] = deque()
        self._wakes: queue.SimpleQueue[None] = queue.SimpleQueue()
        self._waiting = False
        """Whether the thread waits for a wake, or is about to."""
        self._quiet_until_s = 0.0
        self._timer: asyncio.TimerHandle | None = None

    def put(self, event: Event) -> None:
        """Hand an event over; from the engine's thread."""
        self._items.append(event)
        if not self._waiting or self._timer is not None:
            return  # the thread looks again before it waits; or it is woken soon
        left_s = self._quiet_until_s - time.monotonic()
        if left_s > 0:
            self._timer = asyncio.get_running_loop().call_later(left_s, self._wake)
        else:
            self._wake()

    def end(self) -> None:
        """Say that nothing more comes; from the engine's thread."""
        self._items.append(None)
        self._wake()

    def run_in_caller(self, function: Callable[[], T]) -> Awaitable[T]:
        """Have the waiting thread run a function; from the engine's thread."""
        self._task = task = _Task(function)
        waiting = asyncio.wrap_future(task.future)
        self._items.append(task)
        self._wake()
        return waiting

    def next(self) -> list[Event]:
        """The next events, one or more; none at the end. Functions are run meanwhile."""
        while not self.ended:
            self._wait()
            if events := self._take_events():
                return events
            item = self._items.popleft()
            if isinstance(item, _Task):
                self._run(item)
            else:
                self.ended = True
        return []

    def drain(self) -> None:
        """Wait for the end and drop what comes until then."""
        while not self.ended:
            self.next()

    def _take_events(self) -> list[Event]:
        """The events that are there, up to a function or the end."""
        events: list[Event] = []
        while self._items and isinstance(item := self._items[0], Event):
            events.append(item)
            self._items.popleft()
        return events

    def _wait(self) -> None:
        while not self._items:
            # Said again each time, and before the last look: whoever takes it back sends a wake.
            self._waiting = True
            if not self._items:
                # A signal that comes right before the thread begins to wait does not wake it: Python
                # would see Ctrl-C with the next event only, which may be never.
                with contextlib.suppress(queue.Empty):
                    self._wakes.get(timeout=_LOOK_UP_S)
        self._waiting = False

    def _wake(self) -> None:
        timer, self._timer = self._timer, None
        if timer is not None:
            timer.cancel()
        self._quiet_until_s = time.monotonic() + _BURST_S
        self._waiting = False
        self._wakes.put(None)


class AsyncInbox(_Functions):
    """The same for a caller that has an event loop of its own. Make it in that loop."""

    def __init__(self) -> None:
        super().__init__()
        self._loop = asyncio.get_running_loop()
        self._items: asyncio.Queue[Event | _Task | None] = asyncio.Queue()

    def put(self, event: Event) -> None:
        """Hand an event over; from the engine's thread."""
        self._post(event)

    def end(self) -> None:
        """Say that nothing more comes."""
        self._post(None)

    def run_in_caller(self, function: Callable[[], T]) -> Awaitable[T]:
        """Have the one who waits for events run a function; from the engine's thread."""
        self._task = task = _Task(function)
        waiting = asyncio.wrap_future(task.future)
        if self.has_left or not self._post(task):
            task.future.cancel()  # nobody would take it out
        return waiting

    async def next(self) -> Event | None:
        """The next event, or None at the end; functions are run meanwhile."""
        self._look_for_signals()
        try:
            return await self._next()
        finally:
            self._looking.cancel()

    async def _next(self) -> Event | None:
        while isinstance(item := await self._items.get(), _Task):
            self._run(item)
        return item

    def _look_for_signals(self) -> None:
        """Have the loop look up soon: a signal right before it sleeps does not wake it.

        Python runs a handler between two bytecodes, and Ctrl-C has no descriptor that wakes a loop.
        """
        self._looking = self._loop.call_later(_LOOK_UP_S, self._look_for_signals)

    def _post(self, item: Event | _Task | None) -> bool:
        """Put something into the queue; whether there still is somebody to take it out."""
        with contextlib.suppress(RuntimeError):  # the loop is closed: its caller has gone
            self._loop.call_soon_threadsafe(self._items.put_nowait, item)
            return True
        return False
