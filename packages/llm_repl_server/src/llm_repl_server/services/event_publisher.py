"""When clients are told: after what an event says is on disk, in order, each with its number."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import threading
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future
from typing import Protocol

from msgspec.structs import replace

from llm_repl_server.services.event_numbers import EventNumbers
from llm_repl_server.services.wire_events import NotebookEvent, Resync, WireEvent

__all__ = ["EventListener", "EventPublisher"]

_log = logging.getLogger(__name__)


class EventListener(Protocol):
    """Somebody who passes events on to clients. Called in the engine's loop."""

    def has_clients(self) -> bool:
        """Whether anybody would hear an event now, or later; where not, none is sent."""

    def is_heard(self, notebook_id: str) -> bool:
        """Whether anybody follows this notebook, rather than all of them."""

    def send(self, event: WireEvent) -> None:
        """Pass an event on, soon; with others of this turn of the loop, where there are some."""

    def flush(self) -> None:
        """Pass on what waits for more, now."""


class EventPublisher:
    """Passes events on in order, each when what it says is durable. Used in the engine's loop.

    An event gets its number when it is published, so with the change in memory that it tells of: what
    is read of a notebook holds all events up to the last number, and nothing of later ones.

    Args:
        loop: The engine's loop.

    Attributes:
        numbers: How far the events of each notebook have come.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self.numbers = EventNumbers()
        self._loop = loop
        #: In order: a write, and the event that is told, or what is called, when it is done.
        self._waiting: deque[tuple[Future[None] | None, WireEvent | Callable[[], None]]] = deque()
        self._listeners: list[EventListener] = []
        #: Whether nothing is on its way to the listeners. Threads of requests look at it.
        self._all_left = True
        self._is_leaving = False

    def add_listener(self, listener: EventListener) -> None:
        """Have events passed to a listener from now on; from any thread."""
        self._loop.call_soon_threadsafe(self._listeners.append, listener)

    def remove_listener(self, listener: EventListener) -> None:
        """Have no more events passed to a listener; from any thread."""
        self._loop.call_soon_threadsafe(self._listeners.remove, listener)

    def has_clients(self) -> bool:
        """Whether anybody would hear an event now, or later."""
        return any(listener.has_clients() for listener in self._listeners)

    def is_heard(self, notebook_id: str) -> bool:
        """Whether anybody follows this notebook, rather than all of them."""
        return any(listener.is_heard(notebook_id) for listener in self._listeners)

    def skip(self, notebook_id: str) -> None:
        """Count an event that is not even made, since nobody would hear it."""
        self.numbers.next(notebook_id)

    def publish(self, event: WireEvent, after: Future[None] | None = None) -> None:
        """Tell everybody.

        Args:
            event: What.
            after: The write that makes it true. Where it fails, clients are told what the event
                says for that case.
        """
        is_heard = self.has_clients()
        if isinstance(event, NotebookEvent):
            number = self.numbers.next(event.notebook_id)
            if is_heard:
                event = replace(event, epoch=number.epoch, sequence=number.sequence)
        if not is_heard:
            return  # and the loop is not woken for it
        self._all_left = False
        if after is None and not self._waiting:
            self._send(event)
            self._leave_soon()
            return
        self._waiting.append((after, event))
        if after is None or after.done():
            self._drain()
        else:
            after.add_done_callback(self._wake)

    def wait_until_left(self, limit_s: float) -> None:
        """Wait, in any thread but the loop's, until all that was published so far has left.

        It is then written to the clients' connections or, where a client reads slowly, queued on
        its own. Where nothing is on its way, the loop is not asked.

        Args:
            limit_s: How long at most, where the loop or the disk is held up.
        """
        if self._all_left:
            return
        left = threading.Lock()
        left.acquire()
        with contextlib.suppress(RuntimeError):  # the loop has ended
            self._loop.call_soon_threadsafe(self._call_when_left, left.release)
            left.acquire(timeout=limit_s)

    def _call_when_left(self, function: Callable[[], None]) -> None:
        if self._waiting:
            self._waiting.append((None, function))
        else:
            self._leave()
            function()

    def _wake(self, _: Future[None]) -> None:
        # Called in the storage's thread.
        if not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._drain)

    def _drain(self) -> None:
        while self._waiting:
            after, event = self._waiting[0]
            if after is not None and not after.done():
                break
            self._waiting.popleft()
            if not isinstance(event, WireEvent):
                self._leave()
                event()
                continue
            error = None if after is None else after.exception()
            published = event if error is None else _if_not_written(event, error)
            if published is not None:
                self._send(published)
        self._leave_soon()

    def _leave_soon(self) -> None:
        if not self._is_leaving:
            self._is_leaving = True
            self._loop.call_soon(self._leave)

    def _leave(self) -> None:
        self._is_leaving = False
        for listener in self._listeners:
            try:
                listener.flush()
            except Exception:  # noqa: BLE001 - as below
                _log.exception("events could not be sent")
        self._all_left = not self._waiting

    def _send(self, event: WireEvent) -> None:
        for listener in self._listeners:
            try:
                listener.send(event)
            except Exception:  # noqa: BLE001 - a listener must never stop what it listens to
                _log.exception("an event of the type %s could not be sent", event.wire_name)


def _if_not_written(event: WireEvent, error: BaseException) -> WireEvent | None:
    """What is told in the place of an event whose change could not be written."""
    instead = event.if_not_written(error)
    if not isinstance(event, NotebookEvent):
        return instead
    if not isinstance(instead, NotebookEvent):
        instead = Resync(notebook_id=event.notebook_id)
    return replace(instead, epoch=event.epoch, sequence=event.sequence)
