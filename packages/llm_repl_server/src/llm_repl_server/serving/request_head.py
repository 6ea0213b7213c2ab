"""What the head of a request says about how it is to be served, before the parser has its turn."""

from __future__ import annotations

import re
import urllib.parse
from typing import NamedTuple

__all__ = ["RequestHead", "parse_head"]

_END = b"\r\n\r\n"
_FIELDS = re.compile(
    rb"\r\n(?:content-length:[ \t]*(?P<length>\d{1,20})[ \t]*(?=\r\n)"
    rb"|(?P<chunked>transfer-encoding:)|(?P<expects>expect:))",
    re.IGNORECASE,
)


class RequestHead(NamedTuple):
    """The head of a request that is here, and what is here of its body.

    Attributes:
        request_line: The method, the target and the version.
        length: What Content-Length says first; 0 where nothing does.
        is_chunked: Whether there is a Transfer-Encoding.
        expects: Whether the client waits to be told to go on.
        body: What has come behind the head.
    """

    request_line: bytes
    length: int
    is_chunked: bool
    expects: bool
    body: bytes

    @property
    def body_is_here(self) -> bool:
        """Whether all of the body is here; or no good one, which the parser refuses."""
        if self.is_chunked:
            return _chunks_are_here(self.body)
        return len(self.body) >= self.length

    @property
    def is_poll(self) -> bool:
        """Whether it is a request of a Socket.IO session, which may wait for something to happen."""
        if b"socket" not in self.request_line and b"%" not in self.request_line:
            return False
        target = urllib.parse.unquote_to_bytes(self.request_line)
        return b"/socket.io" in target and b"sid" in target


def parse_head(data: bytes) -> RequestHead | None:
    """The head that some bytes begin with; None where its end is not there."""
    end = data.find(_END)
    if end < 0:
        return None
    length: int | None = None
    is_chunked = expects = False
    for field in _FIELDS.finditer(data, 0, end + 2):
        match field.lastgroup:
            case "length":
                length = int(field["length"]) if length is None else length
            case "chunked":
                is_chunked = True
            case _:
                expects = True
    request_line = data[: data.index(b"\r\n")]
    return RequestHead(request_line, length or 0, is_chunked, expects, data[end + len(_END) :])


def _chunks_are_here(data: bytes) -> bool:
    """Whether a chunked body is here to its end, or is no good one."""
    position = 0
    while (end := data.find(b"\r\n", position)) >= 0:
        try:
            size = int(data[position:end].partition(b";")[0], 16)
        except ValueError:
            return True
        if size <= 0:
            return _END in data[end:]  # behind the trailers, if there are some
        position = end + 2 + size + 2
    return False
