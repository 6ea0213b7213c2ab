"""When clients are told: after what an event says is on disk, in order, each with its number."""

from __future__ import annotations

import asyncio
import logging
from collections import deque
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
        """Pass an event on."""


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
        self._waiting: deque[tuple[Future[None] | None, WireEvent]] = deque()
        self._listeners: list[EventListener] = []

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
        if after is None and not self._waiting:
            self._send(event)
            return
        self._waiting.append((after, event))
        if after is None or after.done():
            self._drain()
        else:
            after.add_done_callback(self._wake)

    def _wake(self, _: Future[None]) -> None:
        # Called in the storage's thread.
        if not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._drain)

    def _drain(self) -> None:
        while self._waiting:
            after, event = self._waiting[0]
            if after is not None and not after.done():
                return
            self._waiting.popleft()
            error = None if after is None else after.exception()
            published = event if error is None else _if_not_written(event, error)
            if published is not None:
                self._send(published)

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
