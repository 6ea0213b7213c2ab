"""Reading what clients send in their own time, without a client's time becoming everybody's."""

from __future__ import annotations

import os
import re
import select
import socket
import time
import urllib.parse
from typing import Any, Literal

from werkzeug.exceptions import RequestTimeout

from llm_repl_server.compat.gunicorn import SocketUnreader, errors

__all__ = ["REQUEST_TIMEOUT_S", "Pool", "RequestReader"]

Pool = Literal["plain", "body", "poll"]
"""Which threads serve a request, by what it may keep them waiting for: nothing but its answer; its own
body, which is large; or something to happen, as a long poll does."""

REQUEST_TIMEOUT_S = 10.0
"""What a request's head may take from its first byte on, and how long a body may stand still."""

# A body that comes slower than this, in the long run, counts as one that stands still.
_SLOWEST_BYTES_PER_S = 1024
# More than browsers and proxies send; a longer head is refused, whatever its single lines may have.
_HEAD_LIMIT_BYTES = 64 * 1024
_READ_BYTES = 8192
# A body of up to so many bytes is waited for in no thread either.
_BODY_AHEAD_BYTES = 32 * 1024
# Most clients send a body right behind its head, in a packet of its own.
_MOMENT_MS = 5

_LENGTH = re.compile(rb"\r\ncontent-length:[ \t]*(\d{1,20})[ \t]*\r\n", re.IGNORECASE)
_CHUNKED = re.compile(rb"\r\ntransfer-encoding:", re.IGNORECASE)
_EXPECTS = re.compile(rb"\r\nexpect:", re.IGNORECASE)


class RequestReader(SocketUnreader):  # type: ignore[misc]  # gunicorn brings no types
    """gunicorn's reader of a connection, which waits for a head in no thread and for a body not long.

    The socket's own timeout is left as it was after every read: a websocket is read elsewhere.

    Args:
        connection: The client's socket, which blocks.
    """

    def __init__(self, connection: socket.socket) -> None:
        super().__init__(connection)
        self._deadline: float | None = None
        self._error: errors.ParseException | None = None
        self._left_s = REQUEST_TIMEOUT_S
        #: Which threads are to serve the request whose head was read last.
        self.pool: Pool = "plain"

    @property
    def is_overdue(self) -> bool:
        """Whether a request has begun to arrive and ought to be there by now."""
        return self._deadline is not None and time.monotonic() > self._deadline

    def read_head(self) -> bool:
        """Take what has arrived of the next request's head, and of a small body, without waiting.

        Returns:
            Whether the parser can begin: what it needs is there, or no good head can come any more.
        """
        is_here = False
        while not (is_here := self._head_is_here() and self._missing_bytes() == 0):
            data = self._receive()
            if data is None:
                return False
            if not data:
                break  # the parser finds the same, and gunicorn knows what to do
            self.buf.seek(0, os.SEEK_END)
            self.buf.write(data)
            if self._deadline is None:
                self._deadline = time.monotonic() + REQUEST_TIMEOUT_S
        self.pool = self._choose_pool() if is_here else "plain"
        self._deadline = None
        self._left_s = REQUEST_TIMEOUT_S
        return True

    def _receive(self) -> bytes | None:
        """What has arrived: None where nothing has, nothing where nothing will."""
        for waits in (self._deadline is not None, False):
            try:
                data: bytes = self.sock.recv(_READ_BYTES, socket.MSG_DONTWAIT)
            except (BlockingIOError, InterruptedError):
                if not waits:
                    return None
                poll = select.poll()
                poll.register(self.sock, select.POLLIN)
                poll.poll(_MOMENT_MS)
            except OSError:
                return b""
            else:
                return data
        return None

    def chunk(self, size_hint: int | None = None) -> bytes:
        """Read what comes next of a body.

        Raises:
            RequestTimeout: The client has kept the others waiting.
            TimeoutError: The socket has a timeout, and that was shorter.
            ParseException: The head is not a good one, and what is asked for is the rest of it.
        """
        if self._error is not None:
            raise self._error
        timeout_s: float | None = self.sock.gettimeout()
        wait_s = self._left_s if timeout_s is None else min(timeout_s, self._left_s)
        began = time.monotonic()
        try:
            self.sock.settimeout(max(wait_s, 0.001))  # 0 would mean something else
            data: bytes = super().chunk(size_hint)
        except TimeoutError:
            self._left_s -= time.monotonic() - began
            if timeout_s is not None:
                raise
            raise RequestTimeout("The rest of the request did not come in time.") from None
        finally:
            self.sock.settimeout(timeout_s)
        self._left_s += len(data) / _SLOWEST_BYTES_PER_S - (time.monotonic() - began)
        self._left_s = min(self._left_s, REQUEST_TIMEOUT_S)
        return data

    def _missing_bytes(self) -> int:
        """How much of a small body is still to come; 0 also where it is not waited for here."""
        head, _, rest = self._head()
        if self._error is not None or _EXPECTS.search(head):
            return 0
        if _CHUNKED.search(head):
            return int(not _chunks_are_here(rest) and len(rest) < _BODY_AHEAD_BYTES)
        length = self._announced_length(head)
        return max(length - len(rest), 0) if length <= _BODY_AHEAD_BYTES else 0

    def _choose_pool(self) -> Pool:
        head, _, rest = self._head()
        if _CHUNKED.search(head):
            return "plain" if _chunks_are_here(rest) else "body"
        if self._announced_length(head) > len(rest):
            return "body"
        target = urllib.parse.unquote_to_bytes(head.partition(b"\r\n")[0])
        return "poll" if b"/socket.io" in target and b"sid" in target else "plain"

    def _head(self) -> tuple[bytes, bytes, bytes]:
        data: bytes = self.buf.getvalue().removeprefix(b"\r\n")
        head, end, rest = data.partition(b"\r\n\r\n")
        return head + b"\r\n", end, rest

    def _announced_length(self, head: bytes) -> int:
        found = _LENGTH.search(head)
        return int(found[1]) if found else 0

    def _head_is_here(self) -> bool:
        # One empty line before a request is passed over, as the parser does.
        data: Any = self.buf.getvalue().removeprefix(b"\r\n")
        if b"\r\n\r\n" in data:
            return True
        # The parser has the first say, and is told of these where it asks for more.
        if len(data) > _HEAD_LIMIT_BYTES:
            self._error = errors.LimitRequestHeaders("the head is too large")
        elif data.count(b"\n") != data.count(b"\r\n"):
            self._error = errors.InvalidHeader("bare LF as line terminator")
        return self._error is not None


def _chunks_are_here(data: bytes) -> bool:
    """Whether a chunked body is here to its end, or is no good one, which the parser refuses."""
    position = 0
    while (end := data.find(b"\r\n", position)) >= 0:
        try:
            size = int(data[position:end].partition(b";")[0], 16)
        except ValueError:
            return True
        if size <= 0:
            return b"\r\n\r\n" in data[end:]  # behind the trailers, if there are some
        position = end + 2 + size + 2
    return False
