"""A websocket in an event loop: frames in, frames out, and a connection that really ends."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import ssl
import struct
from collections import deque
from collections.abc import Callable, Mapping
from typing import Any

from wsproto import ConnectionType, WSConnection
from wsproto.events import (
    AcceptConnection,
    BytesMessage,
    CloseConnection,
    Ping,
    Request,
    TextMessage,
)
from wsproto.frame_protocol import CloseReason
from wsproto.utilities import LocalProtocolError, RemoteProtocolError

__all__ = ["WebSocket", "take_connection", "text_frame"]

_MESSAGES_AT_ONCE = 10
"""How many messages of one client are handled before the others have a turn."""

_CLOSING_LIMIT_S = 2.0
"""How long a peer may take to read what it was still sent, before its connection is cut."""

_TEXT = 0x81  # a text, in one frame


def text_frame(data: bytes) -> bytes:
    """A text, in UTF-8, as a server's frame: neither masked nor compressed, so the same for all."""
    length = len(data)
    if length < 126:
        return bytes((_TEXT, length)) + data
    if length < 1 << 16:
        return struct.pack("!BBH", _TEXT, 126, length) + data
    return struct.pack("!BBQ", _TEXT, 127, length) + data


def take_connection(environ: Mapping[str, Any]) -> socket.socket | None:
    """Take a request's connection from the web server, which from then on knows nothing of it.

    Returns:
        The connection, or None where the web server encrypts it itself.
    """
    owned: socket.socket = environ.get("gunicorn.socket") or environ["werkzeug.socket"]
    if isinstance(owned, ssl.SSLSocket):
        return None
    connection = socket.socket(fileno=owned.detach())
    connection.setblocking(False)
    return connection


class WebSocket(asyncio.Protocol):
    """The server's side of a websocket. All of it is called in the loop.

    Args:
        environ: The request, whose headers are in order.
        message_limit_bytes: Of one message; a longer one ends the connection.
        backlog_limit_bytes: How much may wait for a peer that does not read; more ends it.
        on_message: Called with each message, in order.
        on_close: Called once, when the connection has ended.
    """

    def __init__(
        self,
        environ: Mapping[str, Any],
        *,
        message_limit_bytes: int,
        backlog_limit_bytes: int,
        on_message: Callable[[str | bytes], None],
        on_close: Callable[[], None],
    ) -> None:
        self._message_limit_bytes = message_limit_bytes
        self._backlog_limit_bytes = backlog_limit_bytes
        self._on_message = on_message
        self._on_close = on_close
        self._protocol = WSConnection(ConnectionType.SERVER)
        headers = [
            (name[5:].replace("_", "-").encode(), value.encode("latin-1", "replace"))
            for name, value in environ.items()
            if name.startswith("HTTP_")
        ]
        self._protocol.initiate_upgrade_connection(headers, "/")
        self._transport: asyncio.Transport | None = None
        self._message: list[Any] = []
        self._message_length = 0
        self._messages: deque[str | bytes] = deque()
        self._handling = False
        self.ended = asyncio.Event()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Shake hands."""
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        try:
            for event in self._protocol.events():
                if isinstance(event, Request):
                    # No extensions: compressed, a frame would have to be made for each client.
                    transport.write(self._protocol.send(AcceptConnection()))
        except (LocalProtocolError, RemoteProtocolError):
            transport.abort()

    def data_received(self, data: bytes) -> None:
        """Take what has come of the peer's frames."""
        try:
            self._protocol.receive_data(data)
            for event in self._protocol.events():
                self._handle(event)
        except (LocalProtocolError, RemoteProtocolError):
            self.close(CloseReason.PROTOCOL_ERROR)
        if not self._handling:
            self._hand_on()

    def connection_lost(self, _: Exception | None) -> None:
        """The connection has ended, whoever ended it."""
        self._messages.clear()
        self.ended.set()
        self._on_close()

    @property
    def is_open(self) -> bool:
        """Whether something can be sent."""
        return self._transport is not None and not self._transport.is_closing()

    def send(self, frame: bytes) -> bool:
        """Send a frame without waiting for the peer.

        Returns:
            Whether the peer reads; where too much waits for it already, it is let go.
        """
        if self._transport is None or self._transport.is_closing():
            return True
        self._transport.write(frame)
        if self._transport.get_write_buffer_size() <= self._backlog_limit_bytes:
            return True
        self.abort()
        return False

    def close(self, code: int = CloseReason.NORMAL_CLOSURE) -> None:
        """Say goodbye and close the connection, which the peer cannot hold up for long."""
        transport = self._transport
        if transport is None or transport.is_closing():
            return
        self._messages.clear()
        with contextlib.suppress(LocalProtocolError):  # goodbye is said already
            transport.write(self._protocol.send(CloseConnection(code)))
        self._close_transport(transport)

    def abort(self) -> None:
        """Cut the connection; what was not sent yet is lost."""
        self._messages.clear()
        if self._transport is not None:
            _cut(self._transport)

    @staticmethod
    def _close_transport(transport: asyncio.Transport) -> None:
        transport.close()
        asyncio.get_running_loop().call_later(_CLOSING_LIMIT_S, _cut, transport)

    def _handle(self, event: Any) -> None:
        assert self._transport is not None
        if isinstance(event, TextMessage | BytesMessage):
            if event.data:  # else empty fragments would be kept without end
                self._message.append(event.data)
                self._message_length += len(event.data)
            if self._message_length > self._message_limit_bytes:
                self.close(CloseReason.MESSAGE_TOO_BIG)
            elif event.message_finished:
                empty: Any = "" if isinstance(event, TextMessage) else b""
                self._messages.append(empty.join(self._message))
                self._message.clear()
                self._message_length = 0
        elif isinstance(event, Ping):
            self.send(self._protocol.send(event.response()))
        elif isinstance(event, CloseConnection) and not self._transport.is_closing():
            self._transport.write(self._protocol.send(event.response()))
            self._close_transport(self._transport)

    def _hand_on(self) -> None:
        """Hand on some messages; the rest, and what else the peer sends, when others had a turn."""
        self._handling = False
        for _ in range(_MESSAGES_AT_ONCE):
            if not self._messages:
                break
            self._on_message(self._messages.popleft())
        transport = self._transport
        if transport is None or transport.is_closing():
            return
        if self._messages:
            self._handling = True
            transport.pause_reading()
            asyncio.get_running_loop().call_soon(self._hand_on)
        else:
            transport.resume_reading()


def _cut(transport: asyncio.Transport) -> None:
    if transport.get_write_buffer_size() > 0:
        # The peer does not read: else the system would offer it the megabytes that it has taken.
        connection = transport.get_extra_info("socket")
        with contextlib.suppress(OSError):
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    transport.abort()
