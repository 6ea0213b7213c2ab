"""An HTTP client that costs next to nothing: one connection that is kept, raw bytes, no parsing."""

from __future__ import annotations

import json
import socket
from typing import Any, Self

__all__ = ["HTTPClient", "body_of", "encode_request", "is_complete"]

_TIMEOUT_S = 60.0


def encode_request(
    method: str, path: str, document: Any = None, headers: tuple[str, ...] = ()
) -> bytes:
    """A request with a JSON body."""
    body = b"" if document is None else json.dumps(document).encode()
    lines = (
        f"{method} {path} HTTP/1.1",
        "Host: 127.0.0.1",
        "Content-Type: application/json",
        f"Content-Length: {len(body)}",
        *headers,
    )
    return "\r\n".join((*lines, "", "")).encode("ascii") + body


def is_complete(answer: bytes | bytearray) -> bool:
    """Whether all of an answer has come; its length has to be in it."""
    head, blank, body = answer.partition(b"\r\n\r\n")
    if not blank:
        return False
    if b" 204 " in head[:16]:
        return True
    _, found, rest = head.lower().partition(b"content-length:")
    if not found:
        raise ValueError(f"an answer without its length: {bytes(head)!r:.200}")
    return len(body) >= int(rest.split(b"\r\n", 1)[0])


def body_of(answer: bytes | bytearray) -> bytes:
    """The body of a complete answer.

    Raises:
        RuntimeError: It does not say that all went well.
    """
    head, _, body = bytes(answer).partition(b"\r\n\r\n")
    if not head.startswith(b"HTTP/1.1 2"):
        raise RuntimeError(
            f"{head.splitlines()[0].decode()}: {body[:300].decode(errors='replace')}"
        )
    return body


class HTTPClient:
    """A connection to a port of the loopback interface.

    Args:
        port: The port.
        headers: Lines that every request gets.
    """

    def __init__(self, port: int, headers: tuple[str, ...] = ()) -> None:
        self._headers = headers
        self._connection = socket.create_connection(("127.0.0.1", port), _TIMEOUT_S)
        self._connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._connection.close()

    def send(self, method: str, path: str, document: Any = None) -> None:
        """Send a request; `receive` gets the answer."""
        self._connection.sendall(encode_request(method, path, document, self._headers))

    def receive(self) -> bytes:
        """The answer's body.

        Raises:
            RuntimeError: The answer is not one of success.
        """
        answer = bytearray()
        while not is_complete(answer):
            piece = self._connection.recv(65536)
            if not piece:
                raise ConnectionError("the server closed the connection")
            answer += piece
        return body_of(answer)

    def ask(self, method: str, path: str, document: Any = None) -> Any:
        """Send a request and decode the JSON of its answer."""
        self.send(method, path, document)
        body = self.receive()
        return json.loads(body) if body else None
