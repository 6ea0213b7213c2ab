"""The application's side of a worker's connection. What comes in is not trusted."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections import deque
from collections.abc import Callable
from typing import Any, TypeVar

import msgspec

from llm_repl_core.kernels.worker.frames import FrameParser, FrameTooLarge
from llm_repl_core.kernels.worker.protocol import reply_decoder

__all__ = ["WorkerConnection", "attach", "connect"]

M = TypeVar("M")

_READ_BYTES = 64 * 1024
_HIGH_WATER_BYTES = 4 * 2**20
_LOW_WATER_BYTES = 1 * 2**20
_HELD_S = 0.005
"""How long a frame that can wait does so."""


class WorkerConnection(asyncio.BufferedProtocol):
    """Parses what a worker sends and keeps it until it is read.

    Args:
        limit_bytes: Of one message.
        on_lost: Called once, when the connection has ended; gets a sentence where it was ended
            from here because the worker sent something that is no message, else None.
    """

    def __init__(self, limit_bytes: int, on_lost: Callable[[str | None], None]) -> None:
        self._parser = FrameParser(limit_bytes)
        self._buffer = bytearray(_READ_BYTES)
        self._replies = reply_decoder()
        self._queue: deque[tuple[Any, int]] = deque()
        self._queued_bytes = 0
        self._paused = False
        self._waiter: asyncio.Future[None] | None = None
        self._on_lost = on_lost
        self._transport: asyncio.Transport | None = None
        self._socket: socket.socket | None = None
        self._held = bytearray()
        self._sending: asyncio.TimerHandle | None = None
        """Sends what is held; None: there is nothing."""
        self._fault: str | None = None
        self._discarding = False
        self.on_unread: Callable[[], object] = lambda: None
        """Called where messages have come and nobody waits for one."""
        self._ended = asyncio.Event()

    @property
    def lost(self) -> bool:
        """Whether the connection has ended."""
        return self._ended.is_set()

    async def receive(self) -> Any:
        """The next message; None where the connection has ended."""
        while not self._queue:
            if self.lost:
                return None
            self._waiter = asyncio.get_running_loop().create_future()
            try:
                await self._waiter
            finally:
                self._waiter = None
        return self._take()

    def take(self, kind: type[M]) -> M | None:
        """The next message, where it has come and is of a kind."""
        if not self._queue or not isinstance(self._queue[0][0], kind):
            return None
        message: M = self._take()
        return message

    def send(self, data: bytes) -> None:
        """Send a frame, and those before it that wait."""
        if self._transport is not None:
            self._transport.write(self._take_held() + data)

    def send_soon(self, data: bytes) -> None:
        """Send a frame with the next one, or in a moment where none comes.

        To send takes longer than all else that is done for a small frame, as the worker wakes up.
        """
        self._held += data
        if self._sending is None:
            loop = asyncio.get_running_loop()
            self._sending = loop.call_later(_HELD_S, self.send, b"")

    def _take_held(self) -> bytes:
        if self._sending is None:
            return b""
        self._sending.cancel()
        self._sending = None
        data = bytes(self._held)
        self._held.clear()
        return data

    def send_with(self, data: bytes, descriptor: int) -> None:
        """Send a frame, and a descriptor along with it.

        Raises:
            OSError: It can't be sent now: the connection has ended, or others wait to be sent.
        """
        if self._transport is None or self._socket is None:
            raise ConnectionResetError("the connection has ended")
        self.send(b"")
        if self._transport.get_write_buffer_size():
            raise BlockingIOError("others wait to be sent")
        if socket.send_fds(self._socket, [data], [descriptor]) != len(data):
            self.fail("A message to the kernel could be sent in part only.")
            raise BlockingIOError("there was no room for all of it")

    def close(self) -> None:
        """End the connection."""
        if self._transport is not None:
            self._transport.abort()

    async def wait_lost(self) -> None:
        """Wait for the connection's end, and drop what still comes."""
        self._discarding = True
        self._queue.clear()
        self._resume()
        await self._ended.wait()

    def fail(self, fault: str) -> None:
        """End the connection because of what the worker sent."""
        self._fault = self._fault or fault
        self.close()

    # What asyncio calls --------------------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """The connection is there."""
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def get_buffer(self, _size_hint: int) -> bytearray:
        """Where the next bytes go: always the same, as a new one of this size is slow to get."""
        return self._buffer

    def buffer_updated(self, length: int) -> None:
        """Bytes have come."""
        if self._discarding:
            return
        try:
            for message in self._parser.feed(bytes(memoryview(self._buffer)[:length])):
                self._queue.append((self._replies.decode(message), len(message)))
                self._queued_bytes += len(message)
        except (FrameTooLarge, msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
            self.fail(f"The kernel sent something that is no message of a kernel: {error}.")
        if self._queued_bytes > _HIGH_WATER_BYTES and not self._paused:
            # The worker notices by its full socket, and whoever prints there waits.
            self._paused = True
            if self._transport is not None and not self._transport.is_closing():
                self._transport.pause_reading()
        self._wake()
        if self._waiter is None and self._queue:
            self.on_unread()

    def connection_lost(self, _error: Exception | None) -> None:
        """The connection has ended."""
        self._ended.set()
        self._take_held()
        self._transport = self._socket = None
        self._wake()
        self._on_lost(self._fault)

    def _take(self) -> Any:
        message, size = self._queue.popleft()
        self._queued_bytes -= size
        if self._paused and self._queued_bytes < _LOW_WATER_BYTES:
            self._resume()
        return message

    def _resume(self) -> None:
        if self._paused and self._transport is not None and not self._transport.is_closing():
            self._transport.resume_reading()
        self._paused = False

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)


async def connect(
    path: str, limit_bytes: int, on_lost: Callable[[str | None], None]
) -> WorkerConnection:
    """Connect to the worker whose socket has this path.

    Raises:
        OSError: Nobody listens there.
    """
    connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        connection.setblocking(False)
        # A Unix socket connects at once, or not at all.
        connection.connect(path)
        return await attach(connection, limit_bytes, on_lost)
    except BaseException:
        with contextlib.suppress(OSError):
            connection.close()
        raise


async def attach(
    connection: socket.socket, limit_bytes: int, on_lost: Callable[[str | None], None]
) -> WorkerConnection:
    """Use a socket that is connected, and does not block."""
    _, protocol = await asyncio.get_running_loop().create_unix_connection(
        lambda: WorkerConnection(limit_bytes, on_lost), sock=connection
    )
    protocol._socket = connection
    return protocol
