"""A worker's side of its connection: frames go out whole, whatever interrupts."""

from __future__ import annotations

import contextlib
import os
import select
import socket
import struct
import threading
from collections.abc import Callable

from llm_repl_core.kernels.worker.frames import FrameParser
from llm_repl_core.kernels.worker.protocol import MESSAGE_LIMIT_BYTES

__all__ = ["Channel"]

_READ_BYTES = 64 * 1024
"""Less than what malloc asks the system for each time, which takes longer than to read."""
_WAIT_MS = 50
_DESCRIPTOR = struct.Struct("i")
_ANCILLARY_BYTES = socket.CMSG_SPACE(_DESCRIPTOR.size) if hasattr(socket, "CMSG_SPACE") else 0
_CLOSED_ON_EXEC = getattr(socket, "MSG_CMSG_CLOEXEC", 0)


class Channel:
    """Sends and receives frames over one connection at a time.

    Any thread may put frames in; they leave in the order in which they were put. Where the other
    side has gone, what is sent is dropped.
    """

    def __init__(self) -> None:
        self.lock = threading.RLock()
        self.connection: socket.socket | None = None
        self._outgoing = bytearray()
        self._sending = False
        self._parser = FrameParser(MESSAGE_LIMIT_BYTES)
        self._messages: list[memoryview] = []
        self._descriptor: int | None = None

    @property
    def backlog_bytes(self) -> int:
        """What was put in and has not been sent."""
        return len(self._outgoing)

    def attach(self, connection: socket.socket) -> None:
        """Use a new connection."""
        with self.lock:
            self.connection = connection
            self._outgoing.clear()
            self._parser = FrameParser(MESSAGE_LIMIT_BYTES)
            self._messages = []

    def detach(self) -> None:
        """Close the connection; what has not been sent is dropped."""
        with self.lock:
            connection, self.connection = self.connection, None
            self._outgoing.clear()
        self._keep_descriptor(None)
        if connection is not None:
            connection.close()

    def after_fork(self) -> None:
        """Let go of the connection in a child; there another thread may have been in the midst of sending."""
        self.lock = threading.RLock()
        self._outgoing = bytearray()  # the other one can't be cleared then
        self._sending = False
        self.detach()

    def receive(self, before_taking: Callable[[], None] = lambda: None) -> memoryview | None:
        """The next message; None where the other side has gone.

        Args:
            before_taking: Called when something has come, while `has_message` still sees it.
        """
        connection = self.connection
        while not self._messages:
            if connection is None:
                return None
            try:
                poll = select.poll()
                poll.register(connection, select.POLLIN)
                poll.poll()
                before_taking()
                data, ancillary, *_ = connection.recvmsg(
                    _READ_BYTES, _ANCILLARY_BYTES, _CLOSED_ON_EXEC
                )
            except (OSError, ValueError):
                return None
            for _, _, descriptors in ancillary:
                for (descriptor,) in _DESCRIPTOR.iter_unpack(descriptors):
                    self._keep_descriptor(descriptor)
            if not data:
                return None
            self._messages = self._parser.feed(data)
        before_taking()
        return self._messages.pop(0)

    def take_descriptor(self) -> int | None:
        """The last descriptor that came along with a message; who takes it closes it."""
        descriptor, self._descriptor = self._descriptor, None
        return descriptor

    def _keep_descriptor(self, descriptor: int | None) -> None:
        if self._descriptor is not None:
            os.close(self._descriptor)
        self._descriptor = descriptor

    def has_message(self) -> bool:
        """Whether something has come that `receive` has not given yet; does not wait."""
        connection = self.connection
        if self._messages or connection is None:
            return bool(self._messages)
        try:
            poll = select.poll()
            poll.register(connection, select.POLLIN)
            return any(event & select.POLLIN for _, event in poll.poll(0))
        except (OSError, ValueError):
            return False

    def put(self, data: bytes) -> None:
        """Add a frame to what is to be sent."""
        with self.lock:
            if self.connection is not None:
                self._outgoing += data

    def send_some(self) -> bool:
        """Send what the socket takes without waiting.

        Returns:
            Whether all has been sent, or this thread is sending it already.
        """
        with self.lock:
            if self._sending:
                # A signal's handler, or a finalizer, broke in; the bytes must not go out twice.
                return True
            self._sending = True
            try:
                return self._send()
            finally:
                self._sending = False

    def _send(self) -> bool:
        while self._outgoing and self.connection is not None:
            try:
                sent = self.connection.send(self._outgoing, socket.MSG_DONTWAIT)
            except BlockingIOError:
                return False
            except OSError:
                self._outgoing.clear()
                break
            del self._outgoing[:sent]
        return True

    def send_until(self, limit_bytes: int, give_up: Callable[[], bool]) -> None:
        """Send until not more than ``limit_bytes`` are left, or ``give_up`` says so."""
        while not self.send_some() and len(self._outgoing) > limit_bytes and not give_up():
            connection = self.connection
            if connection is None:
                return
            with contextlib.suppress(OSError, ValueError):
                poll = select.poll()
                poll.register(connection, select.POLLOUT)
                # Not for ever: an interrupt that waits for us is looked at in between.
                poll.poll(_WAIT_MS)
