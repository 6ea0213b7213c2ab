"""Flask-SocketIO, set up so that no client can hurt the others, the memory or the log."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from flask import Flask
from flask_socketio import SocketIO

from llm_repl_server.compat.engineio import EngineServer
from llm_repl_server.services.encoding import json_bytes
from llm_repl_server.sockets.handshakes import Handshakes

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
        logger=logger,
        engineio_logger=logger,
        # A timer for each client does what the library has a thread for.
        monitor_clients=False,
        **options,
    )
    engine = EngineServer(socketio)
    engine.check_requests(_refuse_half_a_handshake)
    engine.replace_handshake(Handshakes(engine, loop).open)
    return socketio


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


def _refuse_half_a_handshake(
    environ: dict[str, Any], start_response: StartResponse
) -> Iterable[bytes] | None:
    """Refuse half a request for a websocket, at which the libraries fail."""
    if not _is_half_a_handshake(environ):
        return None
    sentence = "A websocket needs the headers of RFC 6455: Connection, and Sec-WebSocket-Key."
    body = json_bytes({"error": sentence, "code": "invalid"})
    length = ("Content-Length", str(len(body)))
    start_response("400 Bad Request", [("Content-Type", "application/json"), length])
    return [body]


def _is_half_a_handshake(environ: dict[str, Any]) -> bool:
    if environ.get("HTTP_UPGRADE", "").strip().lower() != "websocket":
        return False
    connection = environ.get("HTTP_CONNECTION", "").lower().split(",")
    return (
        "upgrade" not in [word.strip() for word in connection]
        or not environ.get("HTTP_SEC_WEBSOCKET_KEY")
        or environ.get("HTTP_SEC_WEBSOCKET_VERSION") != "13"
    )
