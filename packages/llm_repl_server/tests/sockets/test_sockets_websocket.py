"""A websocket in an event loop, tried with a client that makes its own frames."""

from __future__ import annotations

import asyncio
import functools
import itertools
import os
import socket
import ssl
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st
from wsproto.frame_protocol import FrameProtocol, Opcode

from llm_repl_server.sockets.websocket import WebSocket, take_connection, text_frame

HEADERS = {
    "HTTP_HOST": "localhost",
    "HTTP_CONNECTION": "Upgrade",
    "HTTP_UPGRADE": "websocket",
    "HTTP_SEC_WEBSOCKET_KEY": "dGhlIHNhbXBsZSBub25jZQ==",
    "HTTP_SEC_WEBSOCKET_VERSION": "13",
    "HTTP_SEC_WEBSOCKET_EXTENSIONS": "permessage-deflate",
}
TEXT, BINARY, CONTINUATION, CLOSE, PING = 1, 2, 0, 8, 9


def in_a_loop(test):
    @functools.wraps(test)
    def run(*arguments, **options):
        asyncio.run(test(*arguments, **options))

    return run


class Pair:
    """Both ends of a websocket; the client's is a plain socket."""

    def __init__(self, **limits):
        self.messages, self.closed, self._came = [], 0, asyncio.Event()
        limits = {"message_limit_bytes": 1000, "backlog_limit_bytes": 300_000} | limits
        self.server = WebSocket(HEADERS, on_message=self._keep, on_close=self._count, **limits)
        self.peer, self._connection = socket.socketpair()
        self.peer.setblocking(False)

    def _count(self):
        self.closed += 1

    def _keep(self, message):
        self.messages.append(message)
        self._came.set()

    async def __aenter__(self):
        self._connection.setblocking(False)
        loop = asyncio.get_running_loop()
        await loop.connect_accepted_socket(lambda: self.server, self._connection)
        head = (await self.receive()).decode()
        assert head.startswith("HTTP/1.1 101")
        assert "extensions" not in head.lower()  # else a frame could not be shared by clients
        return self

    async def __aexit__(self, *_):
        self.server.abort()
        self.peer.close()
        async with asyncio.timeout(15):
            await self.server.ended.wait()
        assert self.closed == 1

    async def receive(self):
        async with asyncio.timeout(15):
            return await asyncio.get_running_loop().sock_recv(self.peer, 65536)

    async def receive_until_end(self):
        received = b""
        while data := await self.receive():
            received += data
        return received

    async def send(self, *frames):
        async with asyncio.timeout(15):
            await asyncio.get_running_loop().sock_sendall(self.peer, b"".join(frames))

    async def received(self, count):
        async with asyncio.timeout(15):
            while len(self.messages) < count:
                self._came.clear()
                await self._came.wait()
        return self.messages


def frame(opcode, data, *, final=True):
    """A client's frame, with its mask."""
    mask = os.urandom(4)
    length = len(data)
    size = bytes((0x80 | length,)) if length < 126 else struct.pack("!BH", 0x80 | 126, length)
    masked = bytes(byte ^ mask[index % 4] for index, byte in enumerate(data))
    return bytes(((0x80 if final else 0) | opcode,)) + size + mask + masked


@given(st.text(max_size=300) | st.integers(100, 70_000).map("é".__mul__))
def test_a_text_is_one_frame(text):
    reader = FrameProtocol(client=True, extensions=[])
    reader.receive_bytes(text_frame(text.encode()))
    (received,) = reader.received_frames()
    assert (received.opcode, received.message_finished) == (Opcode.TEXT, True)
    assert received.payload == text


def test_a_connection_that_the_web_server_encrypts_stays_the_web_servers():
    ours, theirs = socket.socketpair()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    with context.wrap_socket(ours, server_side=True, do_handshake_on_connect=False) as ours, theirs:
        assert take_connection({"gunicorn.socket": ours}) is None
        assert ours.fileno() >= 0


@in_a_loop
async def test_messages_come_whole_and_in_order():
    async with Pair() as pair:
        await pair.send(
            frame(TEXT, b"a"),
            frame(TEXT, "é".encode()[:1], final=False),
            frame(PING, b"?"),
            frame(CONTINUATION, "é".encode()[1:]),
            frame(BINARY, b"\xff"),
            frame(TEXT, b""),
        )
        assert await pair.received(4) == ["a", "é", b"\xff", ""]
        assert await pair.receive() == b"\x8a\x01?"


@in_a_loop
async def test_a_flood_of_messages_lets_others_have_their_turn():
    async with Pair() as pair:
        turns = []

        async def count():
            while True:
                turns.append(len(pair.messages))
                await asyncio.sleep(0)

        counting = asyncio.create_task(count())
        await pair.send(*[frame(TEXT, b"%d" % number) for number in range(3000)])
        assert await pair.received(3000) == [str(number) for number in range(3000)]
        counting.cancel()
        assert max(after - before for before, after in itertools.pairwise(turns)) <= 20


ENDS = {
    "closed": (frame(CLOSE, struct.pack("!H", 1000)), 1000),
    "large": (frame(TEXT, b"x" * 1001), 1009),
    "large in parts": (
        frame(TEXT, b"x" * 600, final=False) + frame(CONTINUATION, b"x" * 600),
        1009,
    ),
    "without a mask": (b"\x81\x01x", 1002),
    "unknown": (frame(3, b""), 1002),
    "not UTF-8": (frame(TEXT, b"\xff"), 1007),
}


@pytest.mark.parametrize(("sent", "code"), ENDS.values(), ids=ENDS)
@in_a_loop
async def test_it_is_closed_with_the_reason(sent, code):
    async with Pair() as pair:
        await pair.send(sent)
        received = await pair.receive_until_end()
        assert received[:1] == b"\x88"
        assert struct.unpack("!H", received[2:4])[0] == code
        assert pair.messages == []


@in_a_loop
async def test_who_does_not_read_is_let_go():
    async with Pair() as pair:
        sent = 0
        while pair.server.send(text_frame(b"x" * 1000)):
            sent += 1
            assert sent < 10_000
        async with asyncio.timeout(15):
            await pair.server.ended.wait()


@in_a_loop
async def test_who_does_not_read_cannot_hold_up_the_end():
    async with Pair() as pair:
        for _ in range(250):
            assert pair.server.send(text_frame(b"x" * 1000))
        pair.server.close()
        async with asyncio.timeout(15):
            await pair.server.ended.wait()
