"""Reading what clients send in their own time, without a client's time becoming everybody's."""

from __future__ import annotations

import os
import socket
import time
from typing import Any

from gunicorn.http.errors import InvalidHeader, LimitRequestHeaders, ParseException
from gunicorn.http.unreader import SocketUnreader
from werkzeug.exceptions import RequestTimeout

__all__ = ["PATIENCE_S", "PatientUnreader"]

PATIENCE_S = 10.0
"""What a request's head may take from its first byte on, and how long a body may stand still."""

# A body that comes slower than this, in the long run, counts as one that stands still.
_SLOWEST_BYTES_PER_S = 1024
# More than browsers and proxies send; a longer head is refused, whatever its single lines may have.
_HEAD_LIMIT_BYTES = 64 * 1024
_READ_BYTES = 8192


class PatientUnreader(SocketUnreader):  # type: ignore[misc]  # gunicorn brings no types
    """gunicorn's reader of a connection, which waits for a head in no thread and for a body not long.

    The socket's own timeout is left as it was after every read: a websocket is read elsewhere.

    Args:
        connection: The client's socket, which blocks.
    """

    def __init__(self, connection: socket.socket) -> None:
        super().__init__(connection)
        self._deadline: float | None = None
        self._refusal: ParseException | None = None
        self._left_s = PATIENCE_S

    @property
    def has_begun(self) -> bool:
        """Whether a part of a head is here."""
        return self._deadline is not None

    @property
    def is_overdue(self) -> bool:
        """Whether a head has begun to arrive and ought to be there by now."""
        return self._deadline is not None and time.monotonic() > self._deadline

    def read_head(self) -> bool:
        """Take what has arrived of the next request's head, without waiting.

        Returns:
            Whether the parser can begin: the head is there, or no good one can come any more.
        """
        while not self._head_is_here():
            try:
                data = self.sock.recv(_READ_BYTES, socket.MSG_DONTWAIT)
            except (BlockingIOError, InterruptedError):
                return False
            except OSError:
                break  # the parser finds the same, and gunicorn knows what to do
            if not data:
                break
            self.buf.seek(0, os.SEEK_END)
            self.buf.write(data)
            if self._deadline is None:
                self._deadline = time.monotonic() + PATIENCE_S
        self._deadline = None
        self._left_s = PATIENCE_S
        return True

    def chunk(self, size_hint: int | None = None) -> bytes:
        """Read what comes next of a body.

        Raises:
            RequestTimeout: The client has kept the others waiting.
            TimeoutError: The socket has a timeout, and that was shorter.
            ParseException: The head is not a good one, and what is asked for is the rest of it.
        """
        if self._refusal is not None:
            raise self._refusal
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
        self._left_s = min(self._left_s, PATIENCE_S)
        return data

    def _head_is_here(self) -> bool:
        # One empty line before a request is passed over, as the parser does.
        data: Any = self.buf.getvalue().removeprefix(b"\r\n")
        if b"\r\n\r\n" in data:
            return True
        # The parser has the first say, and is told of these where it asks for more.
        if len(data) > _HEAD_LIMIT_BYTES:
            self._refusal = LimitRequestHeaders("the head is too large")
        elif data.count(b"\n") != data.count(b"\r\n"):
            self._refusal = InvalidHeader("bare LF as line terminator")
        return self._refusal is not None
