"""Flask-SocketIO, set up so that no client can hurt the others, the memory or the log."""

from __future__ import annotations

import contextlib
import json
import logging
import queue
import threading
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any

from engineio.exceptions import SocketIsClosedError
from flask import Flask
from flask_socketio import SocketIO
from simple_websocket import ConnectionClosed
from socketio import Manager
from socketio.packet import Packet
from wsproto.utilities import LocalProtocolError

from llm_repl_server.services.wire import json_bytes

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse

__all__ = ["BACKLOG_LIMIT", "BACKLOG_LIMIT_CHARACTERS", "make_socketio"]

BACKLOG_LIMIT = 10_000
"""How many packets wait for a client that does not read, before it is let go."""

BACKLOG_LIMIT_CHARACTERS = 64_000_000
"""How much text these packets may hold, so that large ones do not fill the memory either."""

_PACKET_TYPES = "0123456"

_log = logging.getLogger(__name__)


def make_socketio(app: Flask) -> SocketIO:
    """The Socket.IO server of an application. The origin of a client is judged before, elsewhere."""
    logger = _client_logger()
    socketio = SocketIO(
        app,
        # Threading, whatever is installed: an engine in a thread of its own and monkey-patched
        # sockets do not go together.
        async_mode="threading",
        # An event is handled in the thread that has received it, which the client has already.
        async_handlers=False,
        cors_allowed_origins="*",
        json=_PacketJSON,
        serializer=_TextPacket,
        client_manager=_Rooms(),
        logger=logger,
        engineio_logger=logger,
    )
    _check_handshakes(socketio.server.eio)
    _check_packets(socketio.server.eio)
    _keep_clients_apart(socketio.server.eio)
    return socketio


class _Backlog:
    """The packets that wait for a client, and how much text they are.

    It has what Engine.IO uses of `queue.Queue`, without that one's lock: whoever reads holds it
    while it waits to be let on by the interpreter, and the engine would wait for both.
    """

    def __init__(self) -> None:
        self.characters = 0
        self._packets: queue.SimpleQueue[Any] = queue.SimpleQueue()
        self._unfinished = 0
        self._counts = threading.Condition(threading.Lock())

    def qsize(self) -> int:
        """How many packets wait."""
        return self._packets.qsize()

    def put(self, packet: Any) -> None:
        """Add a packet, or None for the end."""
        with self._counts:
            self.characters += _length(packet)
            self._unfinished += 1
        self._packets.put(packet)

    def get(self, block: bool = True, timeout: float | None = None) -> Any:
        """Take a packet.

        Raises:
            queue.Empty: There is none.
        """
        packet = self._packets.get(block, timeout)
        with self._counts:
            self.characters -= _length(packet)
        return packet

    def task_done(self) -> None:
        """Say that a packet that was taken is dealt with."""
        with self._counts:
            self._unfinished -= 1
            if self._unfinished == 0:
                self._counts.notify_all()

    def join(self) -> None:
        """Wait until all packets are dealt with."""
        with self._counts:
            self._counts.wait_for(lambda: self._unfinished == 0)


def _length(packet: Any) -> int:
    data = getattr(packet, "data", None)
    return len(data) if isinstance(data, str | bytes) else 0


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


def _check_packets(engine: Any) -> None:
    """Have a websocket closed where something comes that is no packet.

    The library raises at it, into the web server's log, and leaves the client connected.

    Args:
        engine: The Engine.IO server, which brings no types.
    """
    library_websocket: Any = engine._async["websocket"]

    class CheckedWebSocket(library_websocket):  # type: ignore[misc]  # known at run time only
        def wait(self) -> Any:
            data = super().wait()
            if isinstance(data, str) and (not data or data[0] not in _PACKET_TYPES):
                return None  # as if the client had left
            return data

        def close(self) -> None:
            # Of a client that has left, the socket is closed already.
            with contextlib.suppress(OSError, ConnectionClosed, LocalProtocolError):
                super().close()

    # The table is shared by all servers of the process.
    engine._async = {**engine._async, "websocket": CheckedWebSocket}


def _keep_clients_apart(engine: Any) -> None:
    """See to it that no client can keep a packet from the others, nor fill the memory.

    Args:
        engine: The Engine.IO server, which brings no types.
    """
    library_send = engine.send_packet
    # The table is shared by all servers of the process.
    engine._async = {**engine._async, "queue": _Backlog}

    def send_packet(sid: str, packet: Any) -> None:
        client = engine.sockets.get(sid)
        if client is not None and (
            client.queue.qsize() > BACKLOG_LIMIT
            or client.queue.characters > BACKLOG_LIMIT_CHARACTERS
        ):
            _log.warning("a client that does not read is let go")
            client.close(wait=False, abort=True, reason=engine.reason.TRANSPORT_ERROR)
            return
        try:
            library_send(sid, packet)
        except SocketIsClosedError:
            _log.debug("a client left while it was being told something")

    engine.send_packet = send_packet
