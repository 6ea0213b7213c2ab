"""Who hears what: every client every notebook, until it subscribes to some."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from flask import request
from flask_socketio import ConnectionRefusedError as Refused
from flask_socketio import SocketIO, join_room, leave_room

from llm_repl_core import InvalidInput
from llm_repl_server.services.decoding import to_struct
from llm_repl_server.services.events import Announcement
from llm_repl_server.sockets.payloads import Subscribe, Unsubscribe

__all__ = ["EVERYTHING", "install_sockets", "pass_on"]

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


def pass_on(socketio: SocketIO, announcement: Announcement) -> None:
    """Send an announcement to those who want it."""
    if announcement.notebook_id is None:
        socketio.emit(announcement.event, announcement.payload)
    else:
        rooms = [EVERYTHING, _room(announcement.notebook_id)]
        socketio.emit(announcement.event, announcement.payload, to=rooms)


def _message(arguments: tuple[object, ...]) -> object:
    return arguments[0] if arguments else None


def _refusal(error: InvalidInput) -> dict[str, Any]:
    return {"success": False, "error": f'{error} Say which notebook: {{"notebook_id": "…"}}.'}


def _room(notebook_id: str) -> str:
    return f"notebook:{notebook_id}"
