"""Reading what clients send in their own time, without a client's time becoming everybody's."""

from __future__ import annotations

import os
import select
import socket
import time
from typing import Literal

from werkzeug.exceptions import RequestTimeout

from llm_repl_server.compat.gunicorn import SocketUnreader, errors
from llm_repl_server.serving.request_head import RequestHead, parse_head

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
        while (head := self._head()) is None or _body_is_awaited(head):
            if self._error is not None:
                break
            data = self._receive()
            if data is None:
                return False
            if not data:
                break  # the parser finds the same, and gunicorn knows what to do
            self.buf.seek(0, os.SEEK_END)
            self.buf.write(data)
            if self._deadline is None:
                self._deadline = time.monotonic() + REQUEST_TIMEOUT_S
        self.pool = "plain" if head is None or _body_is_awaited(head) else _pool_for(head)
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

    def _head(self) -> RequestHead | None:
        """The head of the next request, if it is here."""
        # One empty line before a request is passed over, as the parser does.
        data: bytes = self.buf.getvalue().removeprefix(b"\r\n")
        head = parse_head(data)
        if head is None:
            # The parser has the first say, and is told of these where it asks for more.
            if len(data) > _HEAD_LIMIT_BYTES:
                self._error = errors.LimitRequestHeaders("the head is too large")
            elif data.count(b"\n") != data.count(b"\r\n"):
                self._error = errors.InvalidHeader("bare LF as line terminator")
        return head


def _body_is_awaited(head: RequestHead) -> bool:
    """Whether a body is so small that all of it is waited for, in no thread."""
    if head.expects or head.body_is_here:
        return False
    return (len(head.body) if head.is_chunked else head.length) < _BODY_AHEAD_BYTES


def _pool_for(head: RequestHead) -> Pool:
    if not head.body_is_here:
        return "body"
    return "poll" if head.is_poll else "plain"
