"""Engine.IO: a server whose clients are our own objects, and have none of the library's threads.

Documented are applications that send and receive messages; how a client is kept, and how its requests
are answered, is not.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Protocol

from engineio import packet
from engineio.exceptions import EngineIOError, UnknownPacketError
from engineio.packet import Packet
from engineio.socket import Socket

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse
    from flask_socketio import SocketIO

__all__ = [
    "CLOSE",
    "MESSAGE",
    "NOOP",
    "OPEN",
    "PING",
    "ClientSocket",
    "EngineIOError",
    "EngineServer",
    "Handshake",
    "Packet",
]

OPEN, CLOSE, PING, MESSAGE, NOOP = (
    packet.OPEN,
    packet.CLOSE,
    packet.PING,
    packet.MESSAGE,
    packet.NOOP,
)

_PACKET_TYPES = "0123456"


class Handshake(Protocol):
    """Opens a session: the library's ``Server._handle_connect``."""

    def __call__(
        self,
        environ: dict[str, Any],
        start_response: StartResponse,
        transport: str,
        jsonp_index: int | None = None,
    ) -> Any:
        """Answer a client's first request."""


class EngineServer:
    """The Engine.IO server below a Socket.IO server.

    Args:
        socketio: Flask-SocketIO's object.
    """

    def __init__(self, socketio: SocketIO) -> None:
        #: The library's object, which brings no types.
        self.server: Any = socketio.server.eio

    @property
    def sessions(self) -> dict[str, Any]:
        """The clients by the id of their session."""
        sessions: dict[str, Any] = self.server.sockets
        return sessions

    def generate_id(self) -> str:
        """An id for a new session."""
        sid: str = self.server.generate_id()
        return sid

    def replace_handshake(self, handshake: Handshake) -> None:
        """Have new sessions opened by something else."""
        self.server._handle_connect = handshake

    def check_requests(
        self, check: Callable[[dict[str, Any], StartResponse], Iterable[bytes] | None]
    ) -> None:
        """Have every request looked at first; what the check returns is its answer, if anything."""
        handle: Callable[[dict[str, Any], StartResponse], Iterable[bytes]]
        handle = self.server.handle_request

        def handle_request(
            environ: dict[str, Any], start_response: StartResponse
        ) -> Iterable[bytes]:
            refused = check(environ, start_response)
            return handle(environ, start_response) if refused is None else refused

        self.server.handle_request = handle_request

    def open_packet(self, sid: str, transport: str) -> Packet:
        """What a client is sent first."""
        server = self.server
        return Packet(
            packet.OPEN,
            {
                "sid": sid,
                "upgrades": server._upgrades(sid, transport),
                "pingTimeout": int(server.ping_timeout * 1000),
                "pingInterval": int(server.ping_interval * 1000),
                "maxPayload": server.max_http_buffer_size,
            },
        )

    def connected(self, sid: str, environ: dict[str, Any]) -> None:
        """Tell Socket.IO of a client that has come."""
        self.server._trigger_event("connect", sid, environ, run_async=False)

    def disconnected(self, sid: str, reason: str) -> None:
        """Tell Socket.IO of a client that has gone, and forget it."""
        self.server._trigger_event("disconnect", sid, reason, run_async=False)
        self.server.sockets.pop(sid, None)

    def poll_response(self, packets: list[Packet], jsonp_index: int | None) -> Any:
        """The answer to a long poll."""
        return self.server._ok(packets, jsonp_index=jsonp_index)

    def bad_request(self, sentence: str) -> Any:
        """The answer to a request that cannot be served."""
        return self.server._bad_request(sentence)


class ClientSocket(Socket):  # type: ignore[misc]  # it brings no types
    """What the library asks of a client; a subclass has ``send``, ``poll``, ``close`` and the rest.

    Args:
        engine: The Engine.IO server.
        sid: The session's id.
    """

    sid: str
    connected: bool
    upgrading: bool
    upgraded: bool
    closing: bool
    closed: bool

    def __init__(self, engine: EngineServer, sid: str) -> None:
        super().__init__(engine.server, sid)
        self.ping_interval_s: float = engine.server.ping_interval
        self.ping_timeout_s: float = engine.server.ping_timeout
        self.message_limit_bytes: int = engine.server.max_http_buffer_size
        #: The reasons that handlers of ``disconnect`` are given.
        self.reasons: Any = engine.server.reason

    def upgrade(self, environ: dict[str, Any]) -> Any:
        """Make a websocket of the connection of a request."""
        raise NotImplementedError

    def check_ping_timeout(self) -> bool:
        """Whether the client is there; who does not answer in time is dropped by a timer."""
        return not self.closed

    def _upgrade_websocket(self, environ: dict[str, Any], _: StartResponse) -> Any:
        return self.upgrade(environ)

    @contextmanager
    def nonsense_logged(self) -> Iterator[None]:
        """Log what the library fails at in the messages of a client, and end the session."""
        try:
            yield
        except UnknownPacketError:
            pass  # as the library has it
        except Exception:
            # Whatever a client sends must not end the loop; the log has a line of it.
            self.server.logger.exception("message handler error")
            self.close(abort=True, reason=self.reasons.TRANSPORT_ERROR)

    def decode(self, message: str | bytes) -> Packet | None:
        """The packet that a websocket's message is; None where it is none."""
        if isinstance(message, str) and message[:1] not in _PACKET_TYPES:
            return None
        return Packet(encoded_packet=message) if message else None
