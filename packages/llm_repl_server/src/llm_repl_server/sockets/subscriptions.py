"""What clients ask for: to come in, and to hear some notebooks only."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from flask import request
from flask_socketio import ConnectionRefusedError as Refused
from flask_socketio import SocketIO
from msgspec import UNSET

from llm_repl_core import InvalidInput
from llm_repl_server.services.decoding import to_struct
from llm_repl_server.sockets.broadcaster import Broadcaster
from llm_repl_server.sockets.handshakes import SESSION_KEY
from llm_repl_server.sockets.messages import Subscribe, Unsubscribe
from llm_repl_server.sockets.session import SocketSession

__all__ = ["handle_subscriptions"]

_HALF = "`epoch` and `after` go together: give both as the notebook has them, or neither."


def handle_subscriptions(
    socketio: SocketIO,
    broadcaster: Broadcaster,
    admit: Callable[[Mapping[str, Any], object], bool],
) -> None:
    """Answer the clients' events.

    Args:
        socketio: The server.
        broadcaster: Sends the clients what they are to hear.
        admit: Whether a client may come in, from its request's environment and the ``auth`` that
            it sent.
    """

    def connect(auth: object = None) -> None:
        if not admit(request.environ, auth):
            raise Refused("The token is missing or wrong.")
        session = _session()
        session.is_authenticated = True
        session.in_loop(broadcaster.add, session)

    def disconnect(_reason: object = None) -> None:
        session = _session()
        session.is_authenticated = False
        session.in_loop(broadcaster.remove, session)

    def subscribe(*arguments: object) -> dict[str, Any]:
        try:
            message = to_struct(_message(arguments), Subscribe, what="message")
        except InvalidInput as error:
            return _failure(error)
        session = _session()
        epoch, after = message.epoch, message.after
        if epoch is UNSET and after is UNSET:
            session.in_loop(broadcaster.subscribe, session, message.notebook_id)
        elif epoch is UNSET or after is UNSET:
            return {"success": False, "error": _HALF}
        else:
            session.in_loop(broadcaster.resume, session, message.notebook_id, epoch, after)
        return {"success": True}

    def unsubscribe(*arguments: object) -> dict[str, Any]:
        try:
            message = to_struct(_message(arguments), Unsubscribe, what="message")
        except InvalidInput as error:
            return _failure(error)
        session = _session()
        session.in_loop(broadcaster.unsubscribe, session, message.notebook_id)
        return {"success": True}

    for handler in (connect, disconnect, subscribe, unsubscribe):
        socketio.on_event(handler.__name__, handler)


def _session() -> SocketSession:
    """The session of the client whose event is handled."""
    session: SocketSession = request.environ[SESSION_KEY]
    return session


def _message(arguments: tuple[object, ...]) -> object:
    return arguments[0] if arguments else None


def _failure(error: InvalidInput) -> dict[str, Any]:
    return {"success": False, "error": f'{error} Say which notebook: {{"notebook_id": "…"}}.'}
