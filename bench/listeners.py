"""Websocket clients that cost next to nothing, so that the server is what is measured."""

from __future__ import annotations

import contextlib
import json
import selectors
import socket
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Self

import websocket

__all__ = ["Crowd", "SocketIOListener", "connect", "crowd_of", "socketio_listeners"]

_TIMEOUT_S = 60.0
_PING, _PONG = "2", "3"
_PING_FRAME = b"\x81\x01" + _PING.encode()


def connect(url: str) -> websocket.WebSocket:
    """A websocket whose small frames are sent at once."""
    return websocket.create_connection(
        url, timeout=_TIMEOUT_S, sockopt=((socket.IPPROTO_TCP, socket.TCP_NODELAY, 1),)
    )


class SocketIOListener:
    """A Socket.IO client over nothing but a websocket.

    Args:
        port: Of the server.
        notebook_id: Which notebook's events it wants; those of all where None.
    """

    def __init__(self, port: int, notebook_id: str | None = None) -> None:
        self.websocket = connect(f"ws://127.0.0.1:{port}/socket.io/?EIO=4&transport=websocket")
        self._expect("0")  # Engine.IO: open
        self.websocket.send("40")
        self._expect("40")  # Socket.IO: connected
        if notebook_id is not None:
            self.websocket.send('420["subscribe",' + json.dumps({"notebook_id": notebook_id}) + "]")
            self._expect("430")  # its acknowledgement

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.websocket.close()

    def wait_for(self, event: str) -> dict[str, Any]:
        """The payload of the next event of that name; others are dropped."""
        while True:
            name, payload = json.loads(self._expect("42")[2:])
            if name == event:
                found: dict[str, Any] = payload
                return found

    def _expect(self, prefix: str) -> str:
        while True:
            text = self.websocket.recv()
            assert isinstance(text, str)
            if text == _PING:
                self.websocket.send(_PONG)
            elif text.startswith(prefix):
                return text


@contextmanager
def socketio_listeners(
    port: int, count: int, notebook_id: str | None = None
) -> Iterator[list[SocketIOListener]]:
    """Some clients, until the end."""
    with contextlib.ExitStack() as stack:
        yield [stack.enter_context(SocketIOListener(port, notebook_id)) for _ in range(count)]


class Crowd:
    """Many websockets, read by one thread as bytes.

    Args:
        websockets: Connected, with nothing left to read.
    """

    def __init__(self, websockets: Sequence[websocket.WebSocket]) -> None:
        self._selector = selectors.DefaultSelector()
        self._count = len(websockets)
        for connection in websockets:
            assert connection.sock is not None
            self._selector.register(connection.sock, selectors.EVENT_READ, connection)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._selector.close()

    def wait_until_all_have(self, marker: bytes) -> None:
        """Read until the marker, which must be in one frame, has come to each.

        Raises:
            TimeoutError: It did not come to all.
        """
        deadline = time.perf_counter() + _TIMEOUT_S
        without = self._count
        # A frame may come in pieces, so what came last is kept.
        tails: dict[int, bytes] = {}
        while without:
            if time.perf_counter() > deadline:
                raise TimeoutError(f"{without} of {self._count} listeners heard nothing")
            for key, _ in self._selector.select(1.0):
                tail = tails.get(key.fd, b"")
                data = tail + key.data.sock.recv(65536)
                if _PING_FRAME in data:
                    key.data.send(_PONG)
                    data = data.replace(_PING_FRAME, b"")
                if marker in data and marker not in tail:
                    without -= 1
                tails[key.fd] = data


@contextmanager
def crowd_of(websockets: Sequence[websocket.WebSocket]) -> Iterator[Crowd]:
    """A crowd, until the end."""
    with Crowd(websockets) as crowd:
        yield crowd
