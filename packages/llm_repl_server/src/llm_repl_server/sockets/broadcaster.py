"""Who hears which notebook, and how an event reaches all of them: as one frame, made once."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from itertools import groupby
from operator import itemgetter

from llm_repl_server.services.encoding import json_bytes
from llm_repl_server.services.event_numbers import EventNumbers
from llm_repl_server.services.wire_events import NotebookEvent, Resync, WireEvent
from llm_repl_server.sockets.event_history import EventHistory
from llm_repl_server.sockets.session import SocketSession
from llm_repl_server.sockets.websocket import text_frame

__all__ = ["Broadcaster"]

_EVENT = b"2"  # Socket.IO's packet of an event in the default namespace
_MESSAGE = b"4"  # Engine.IO's packet around it


class Broadcaster:
    """Sends events to the clients that are to hear them. All of it is called in the loop.

    Events of one turn of the loop leave together: of a short run, a client is sent two or three
    pieces instead of four or five.

    Args:
        loop: The engine's loop.
        numbers: How far the events of each notebook have come.
    """

    def __init__(
        self, loop: asyncio.AbstractEventLoop, numbers: EventNumbers | None = None
    ) -> None:
        self._loop = loop
        #: By client: the notebooks that it has subscribed to; None: it has not, and hears all.
        self._subscriptions: dict[SocketSession, set[str] | None] = {}
        self._of_all: dict[SocketSession, None] = {}
        self._of_notebook: dict[str, dict[SocketSession, None]] = {}
        self._waiting: list[tuple[str | None, bytes]] = []
        self._numbers = numbers or EventNumbers()
        self._history = EventHistory(loop.time)

    def add(self, session: SocketSession) -> None:
        """Send a client the events of every notebook, until it subscribes to some."""
        self.remove(session)  # where it comes in twice
        self._subscriptions[session] = None
        self._of_all[session] = None
        self._history.all_joined()

    def remove(self, session: SocketSession) -> None:
        """Send a client nothing of what happens from now on."""
        self.flush()
        for notebook_id in self._subscriptions.pop(session, None) or ():
            self._leave(session, notebook_id)
        self._hear_all_no_more(session)

    def subscribe(self, session: SocketSession, notebook_id: str) -> None:
        """Send a client a notebook's events, and of others those that it has subscribed to."""
        if session not in self._subscriptions:
            return  # it has gone meanwhile
        self.flush()
        subscribed = self._subscriptions[session] or set()
        self._hear_all_no_more(session)
        if notebook_id not in subscribed:
            # Also for who has not read the notebook yet: once it has, nothing is missing.
            last = self._numbers.last(notebook_id)
            self._history.keep(notebook_id, epoch=last.epoch, sequence=last.sequence)
            self._history.joined(notebook_id)
        self._subscriptions[session] = subscribed | {notebook_id}
        self._of_notebook.setdefault(notebook_id, {})[session] = None

    def resume(self, session: SocketSession, notebook_id: str, epoch: str, after: int) -> None:
        """Send a client what it has missed of a notebook, and then what is new.

        Args:
            session: The client.
            notebook_id: Which notebook.
            epoch: That of the last event that the client knows of.
            after: Its number. Where it is not known what came after it, the client is told to
                read the notebook again.
        """
        if session not in self._subscriptions:
            return  # it has gone meanwhile
        self.flush()
        last = self._numbers.last(notebook_id)
        self._history.keep(notebook_id, epoch=last.epoch, sequence=last.sequence)
        missed = self._history.missed(
            notebook_id, epoch=epoch, after=after, last_sequence=last.sequence
        )
        self.subscribe(session, notebook_id)
        if missed is None:
            resync = Resync(notebook_id=notebook_id, epoch=last.epoch, sequence=last.sequence)
            missed = [json_bytes((resync.wire_name, resync))]
        if missed:
            _send([session], missed)

    def unsubscribe(self, session: SocketSession, notebook_id: str) -> None:
        """Send a client a notebook's events no more."""
        subscribed = self._subscriptions.get(session)
        if subscribed and notebook_id in subscribed:
            self.flush()
            subscribed.remove(notebook_id)
            self._leave(session, notebook_id)

    def has_clients(self) -> bool:
        """Whether anybody would hear an event, now or when they come back."""
        return bool(self._subscriptions) or bool(self._history)

    def is_heard(self, notebook_id: str) -> bool:
        """Whether anybody has subscribed to this notebook."""
        return bool(self._of_notebook.get(notebook_id))

    def send(self, event: WireEvent) -> None:
        """Send an event, at the end of this turn of the loop."""
        encoded = json_bytes((event.wire_name, event))
        if not self._waiting:
            self._loop.call_soon(self.flush)
        self._waiting.append((event.room, encoded))
        if isinstance(event, NotebookEvent):
            self._history.add(event.notebook_id, event.epoch, event.sequence, encoded)

    def flush(self) -> None:
        """Send what waits, now."""
        waiting, self._waiting = self._waiting, []
        for notebook_id, events in groupby(waiting, itemgetter(0)):
            listeners = self._listeners(notebook_id)
            if listeners:
                _send(listeners, [event for _, event in events])

    def _listeners(self, notebook_id: str | None) -> list[SocketSession]:
        if notebook_id is None:
            return list(self._subscriptions)
        return [*self._of_all, *self._of_notebook.get(notebook_id, ())]

    def _hear_all_no_more(self, session: SocketSession) -> None:
        if session in self._of_all:
            del self._of_all[session]
            self._history.all_left()

    def _leave(self, session: SocketSession, notebook_id: str) -> None:
        self._history.left(notebook_id)
        listeners = self._of_notebook.get(notebook_id, {})
        listeners.pop(session, None)
        if not listeners:
            self._of_notebook.pop(notebook_id, None)


def _send(listeners: Iterable[SocketSession], events: Iterable[bytes]) -> None:
    packets = [_EVENT + event for event in events]
    frames = b"".join(text_frame(_MESSAGE + packet) for packet in packets)
    for session in listeners:
        session.send_events(packets, frames)
