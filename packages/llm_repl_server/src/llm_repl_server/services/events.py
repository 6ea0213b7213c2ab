"""What the server tells its clients, and when: after it is on disk, in order."""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from typing import Any

from msgspec import Struct

from llm_repl_core import Output

__all__ = ["Announcement", "EventPublisher", "not_kept"]

_log = logging.getLogger(__name__)


class Announcement(Struct, frozen=True):
    """Something that clients are told.

    Attributes:
        event: The Socket.IO event's name.
        notebook_id: Which notebook it is about; None: it is for everybody.
        payload: JSON values.
    """

    event: str
    notebook_id: str | None
    payload: Mapping[str, Any]


class EventPublisher:
    """Passes announcements on in order, each when what it says is durable.

    Args:
        loop: The engine's loop, in which `announce` is called.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._waiting: deque[tuple[Future[None] | None, Announcement]] = deque()
        self._listeners: list[tuple[Callable[[Announcement], None], Callable[[], bool]]] = []

    def listen(
        self,
        listener: Callable[[Announcement], None],
        has_listeners: Callable[[], bool] = lambda: True,
    ) -> None:
        """Have announcements passed to a listener, in the engine's loop.

        Args:
            listener: Called with each announcement.
            has_listeners: Whether anybody would hear one now; where not, none is passed on.
        """
        self._listeners.append((listener, has_listeners))

    def has_listeners(self) -> bool:
        """Whether anybody would hear an announcement now."""
        return any(has_listeners() for _, has_listeners in self._listeners)

    def announce(self, announcement: Announcement, after: Future[None] | None = None) -> None:
        """Tell everybody.

        Args:
            announcement: What.
            after: The write that makes it true. Where it fails, nothing is told; only what is
                numbered is told all the same, that a cell ended as a failure.
        """
        if not self.has_listeners():
            return  # and the loop is not woken for it
        if after is None and not self._waiting:
            self._pass_on(announcement)
            return
        self._waiting.append((after, announcement))
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
            after, announcement = self._waiting[0]
            if after is not None and not after.done():
                return
            self._waiting.popleft()
            error = None if after is None else after.exception()
            if error is None:
                self._pass_on(announcement)
            elif "sequence" in announcement.payload:  # or a number would be missing
                self._pass_on(_not_stored(announcement, error))

    def _pass_on(self, announcement: Announcement) -> None:
        for listener, _ in self._listeners:
            try:
                listener(announcement)
            except Exception:  # noqa: BLE001 - telling must never stop what is told about
                _log.exception("an event of the type %s could not be told", announcement.event)


def not_kept(error: BaseException) -> Output:
    """What a cell says that has run and whose outputs could not be written."""
    return Output.error("StorageError", f"The outputs could not be kept: {error}")


def _not_stored(told: Announcement, error: BaseException) -> Announcement:
    """What is told where it could not be written: that it has failed."""
    name, payload = told.event, told.payload
    output = not_kept(error)
    failed: dict[str, Any] = {"error": output.content}
    match name:
        case "cell_execution_completed" | "cell_execution_failed":
            name = "cell_execution_failed"
            outputs = [*payload["outputs"], output.to_wire()]
            failed |= {"outputs": outputs, "status": "error"}
        case "notebook_execution_completed":
            name = "notebook_execution_failed"
            failed["cell_id"] = None
        case "run_ended" if payload["state"] == "completed":
            failed["state"] = "failed"
        case _:
            return told
    return Announcement(name, told.notebook_id, {**payload, **failed})
