"""Frames: four bytes of length, big-endian, and as many bytes of message."""

from __future__ import annotations

import struct

__all__ = ["FrameParser", "FrameTooLarge", "frame"]

_HEADER = struct.Struct(">I")


class FrameTooLarge(Exception):
    """A frame announces more bytes than are taken."""


def frame(message: bytes) -> bytes:
    """The message with its length before it."""
    return _HEADER.pack(len(message)) + message


class FrameParser:
    """Cuts a stream of bytes into messages.

    Args:
        limit_bytes: Of one message. Nothing is kept of a larger one.
    """

    def __init__(self, limit_bytes: int) -> None:
        self._limit_bytes = limit_bytes
        self._rest = bytearray()

    def feed(self, data: bytes) -> list[memoryview]:
        """The messages that the data completes, in order.

        Raises:
            FrameTooLarge: The next message is over the limit; the stream is of no use then.
        """
        if self._rest:
            self._rest += data
            if len(self._rest) < self._wanted():
                return []
            # What was collected is handed out as views, so that the next bytes need a new place.
            data = bytes(self._rest)
            self._rest = bytearray()
        view = memoryview(data)
        messages: list[memoryview] = []
        start, end = 0, len(data)
        while end - start >= _HEADER.size:
            (size,) = _HEADER.unpack_from(view, start)
            self._check(size)
            stop = start + _HEADER.size + size
            if stop > end:
                break
            messages.append(view[start + _HEADER.size : stop])
            start = stop
        if start < end:
            self._rest += view[start:]
        return messages

    def _wanted(self) -> int:
        if len(self._rest) < _HEADER.size:
            return _HEADER.size
        (size,) = _HEADER.unpack_from(self._rest)
        self._check(size)
        return int(_HEADER.size + size)

    def _check(self, size: int) -> None:
        if size > self._limit_bytes:
            raise FrameTooLarge(f"a frame of {size:,} bytes, where {self._limit_bytes:,} is most")
