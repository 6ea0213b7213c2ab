"""Flask-SocketIO, set up so that no client can hurt the others, the memory or the log."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any

from flask import Flask
from flask_socketio import SocketIO
from socketio import Manager
from socketio.packet import Packet

from llm_repl_server.services.encoding import json_bytes
from llm_repl_server.sockets.lobby import Lobby

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse

__all__ = ["make_socketio"]


def make_socketio(app: Flask, loop: asyncio.AbstractEventLoop, **options: Any) -> SocketIO:
    """The Socket.IO server of an application. The origin of a client is judged before, elsewhere.

    Args:
        app: The application.
        loop: Serves the websockets and keeps the clients' time.
        options: Further options of Engine.IO, such as ``ping_interval``.
    """
    logger = _client_logger()
    socketio = SocketIO(
        app,
        # Threading, whatever is installed: an engine in a thread of its own and monkey-patched
        # sockets do not go together.
        async_mode="threading",
        # An event is handled where it has been received, so in the order in which it came.
        async_handlers=False,
        cors_allowed_origins="*",
        json=_PacketJSON,
        serializer=_TextPacket,
        client_manager=_Rooms(),
        logger=logger,
        engineio_logger=logger,
        # A timer for each client does what the library has a thread for.
        monitor_clients=False,
        **options,
    )
    _check_handshakes(socketio.server.eio)
    Lobby(socketio.server, loop).install()
    return socketio


class _Rooms(Manager):  # type: ignore[misc]  # it brings no types
    """The library's rooms; one that somebody is just leaving as the last costs nobody an event."""

    def get_participants(self, namespace: str, room: Any) -> Iterator[tuple[str, str]]:
        """The clients in a room, or in any of several."""
        present = self.rooms.get(namespace, {})
        clients: dict[str, str] = {}
        for name in room if isinstance(room, list) else [room]:
            members = present.get(name)
            if members is not None:
                clients |= members._fwdm.copy()  # in one step: other threads change it
        yield from clients.items()


class _PacketJSON:
    """The JSON module of the packets: the same text as REST answers for the same values."""

    @staticmethod
    def dumps(document: Any, **_options: Any) -> str:
        return json_bytes(document).decode()

    @staticmethod
    def loads(text: str, **_options: Any) -> Any:
        return json.loads(text)


class _TextPacket(Packet):  # type: ignore[misc]  # it brings no types
    """A packet that is not searched for binary values, of which we send none."""

    uses_binary_events = False


class _OneLine(logging.Filter):
    """Makes a line of what the libraries log with a traceback when a client sends nonsense."""

    def filter(self, record: logging.LogRecord) -> bool:
        if record.exc_info and record.exc_info[1] is not None:
            error = record.exc_info[1]
            record.msg, record.args = f"{record.getMessage()}: {type(error).__name__}", None
            record.exc_info = record.exc_text = None
        return True


def _client_logger() -> logging.Logger:
    logger = logging.getLogger("llm_repl_server.sockets.clients")
    # Never lower: the libraries log every packet, the one with the token too.
    logger.setLevel(logging.WARNING)
    if not logger.filters:
        logger.addFilter(_OneLine())
    return logger


def _check_handshakes(engine: Any) -> None:
    """Have half a request for a websocket refused, at which the libraries fail.

    Args:
        engine: The Engine.IO server, which brings no types.
    """
    library_handle = engine.handle_request

    def handle_request(environ: dict[str, Any], start_response: StartResponse) -> Iterable[bytes]:
        if _is_half_a_handshake(environ):
            sentence = (
                "A websocket needs the headers of RFC 6455: Connection, and Sec-WebSocket-Key."
            )
            body = json_bytes({"error": sentence, "code": "invalid"})
            length = ("Content-Length", str(len(body)))
            start_response("400 Bad Request", [("Content-Type", "application/json"), length])
            return [body]
        answer: Iterable[bytes] = library_handle(environ, start_response)
        return answer

    engine.handle_request = handle_request


def _is_half_a_handshake(environ: dict[str, Any]) -> bool:
    if environ.get("HTTP_UPGRADE", "").strip().lower() != "websocket":
        return False
    connection = environ.get("HTTP_CONNECTION", "").lower().split(",")
    return (
        "upgrade" not in [word.strip() for word in connection]
        or not environ.get("HTTP_SEC_WEBSOCKET_KEY")
        or environ.get("HTTP_SEC_WEBSOCKET_VERSION") != "13"
    )
