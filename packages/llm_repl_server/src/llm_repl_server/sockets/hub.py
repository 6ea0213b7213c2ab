"""Who hears what: every client every notebook, until it subscribes to some."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from flask import request
from flask_socketio import ConnectionRefusedError as Refused
from flask_socketio import SocketIO, join_room, leave_room

from llm_repl_core import InvalidInput
from llm_repl_server.services.decoding import to_struct
from llm_repl_server.services.wire_events import WireEvent
from llm_repl_server.sockets.messages import Subscribe, Unsubscribe

__all__ = ["EVERYTHING", "Broadcaster", "install_sockets"]

EVERYTHING = "everything"
"""The room of the clients that have not subscribed to anything."""


def install_sockets(socketio: SocketIO, admit: Callable[[Mapping[str, Any], object], bool]) -> None:
    """Answer the clients' events.

    Args:
        socketio: The server.
        admit: Whether a client may come in, from its request's environment and the ``auth`` that
            it sent.
    """

    def connect(auth: object = None) -> None:
        if not admit(request.environ, auth):
            raise Refused("The token is missing or wrong.")
        join_room(EVERYTHING)

    def subscribe(*arguments: object) -> dict[str, Any]:
        try:
            message = to_struct(_message(arguments), Subscribe, what="message")
        except InvalidInput as error:
            return _refusal(error)
        join_room(_room(message.notebook_id))
        leave_room(EVERYTHING)
        return {"success": True}

    def unsubscribe(*arguments: object) -> dict[str, Any]:
        try:
            message = to_struct(_message(arguments), Unsubscribe, what="message")
        except InvalidInput as error:
            return _refusal(error)
        leave_room(_room(message.notebook_id))
        return {"success": True}

    socketio.on_event("connect", connect)
    socketio.on_event("subscribe", subscribe)
    socketio.on_event("unsubscribe", unsubscribe)


class Broadcaster:
    """Sends events to those who want them.

    Args:
        socketio: The server.
    """

    def __init__(self, socketio: SocketIO) -> None:
        self._socketio = socketio

    def has_clients(self) -> bool:
        """Whether anybody is connected."""
        return bool(self._socketio.server.eio.sockets)

    def send(self, event: WireEvent) -> None:
        """Send an event."""
        if event.room is None:
            self._socketio.emit(event.wire_name, event)
        else:
            rooms = [EVERYTHING, _room(event.room)]
            self._socketio.emit(event.wire_name, event, to=rooms)


def _message(arguments: tuple[object, ...]) -> object:
    return arguments[0] if arguments else None


def _refusal(error: InvalidInput) -> dict[str, Any]:
    return {"success": False, "error": f'{error} Say which notebook: {{"notebook_id": "…"}}.'}


def _room(notebook_id: str) -> str:
    return f"notebook:{notebook_id}"
