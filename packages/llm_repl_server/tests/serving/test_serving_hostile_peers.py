"""Eight peers of each kind that never answers, at a server of eight threads: it goes on, and they go."""

from __future__ import annotations

import contextlib
import json
import os
import re
import socket
import struct

import psutil
import pytest

pytestmark = pytest.mark.one_python

EIGHT = 8
SETTINGS = {
    "TOY_THREADS": str(EIGHT),
    "TOY_PING_INTERVAL_S": "0.5",
    "TOY_PING_TIMEOUT_S": "0.5",
}
HEAD = "GET /socket.io/?EIO=4&transport={}{} HTTP/1.1\r\nHost: localhost\r\n"
UPGRADE = (
    "Connection: Upgrade\r\nUpgrade: websocket\r\n"
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
)


def frame(opcode, data=b"", *, final=True):
    """A client's frame, with its mask."""
    mask = os.urandom(4)
    length = len(data)
    size = bytes((0x80 | length,)) if length < 126 else struct.pack("!BH", 0x80 | 126, length)
    masked = bytes(byte ^ mask[index % 4] for index, byte in enumerate(data))
    return bytes(((0x80 if final else 0) | opcode,)) + size + mask + masked


def read_head(connection):
    """The head of an answer, and what came with it."""
    data = b""
    while b"\r\n\r\n" not in data:
        piece = connection.recv(4096)
        assert piece, data
        data += piece
    return data


def shake_hands(connection):
    connection.sendall((HEAD.format("websocket", "") + UPGRADE).encode())
    assert read_head(connection).startswith(b"HTTP/1.1 101 ")


def open_session(server):
    """The id of a session that polls."""
    status, body = server.get("/socket.io/?EIO=4&transport=polling")
    assert status == 200
    return re.search(r'"sid":"([^"]+)"', str(body))[1]


# Each takes a connection from here to where it never answers again.


def says_nothing(connection, _):
    shake_hands(connection)


def closes_its_half(connection, _):
    shake_hands(connection)
    connection.shutdown(socket.SHUT_WR)


def says_goodbye_and_stays(connection, _):
    shake_hands(connection)
    connection.sendall(frame(8, struct.pack("!H", 1000)))


def ends_its_session_and_stays(connection, _):
    shake_hands(connection)
    connection.sendall(frame(1, b"1"))


def answers_no_goodbye(connection, _):
    shake_hands(connection)
    connection.sendall(b"\x81\x01x")  # not masked, so the server says goodbye


def stops_within_a_frame(connection, _):
    shake_hands(connection)
    connection.sendall(frame(1, b"x" * 1000)[:500])


def never_ends_its_message(connection, _):
    shake_hands(connection)
    connection.sendall(frame(1, b"4", final=False) + frame(0, b"", final=False) * 1000)


def reads_nothing(connection, _):
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    shake_hands(connection)
    connection.sendall(frame(1, b"40"))
    echo = json.dumps(["echo", "x" * 50_000]).encode()
    connection.settimeout(0.5)
    with contextlib.suppress(OSError):  # it may be dropped in between
        for _ in range(100):
            connection.sendall(frame(1, b"42" + echo))


def stops_in_an_upgrade(connection, server):
    sid = open_session(server)
    connection.sendall((HEAD.format("websocket", f"&sid={sid}") + UPGRADE).encode())
    assert read_head(connection).startswith(b"HTTP/1.1 101 ")


def stops_after_the_probe(connection, server):
    stops_in_an_upgrade(connection, server)
    connection.sendall(frame(1, b"2probe"))
    assert connection.recv(100) == b"\x81\x063probe"


PEERS = [
    says_nothing,
    closes_its_half,
    says_goodbye_and_stays,
    ends_its_session_and_stays,
    answers_no_goodbye,
    stops_within_a_frame,
    never_ends_its_message,
    reads_nothing,
    stops_in_an_upgrade,
    stops_after_the_probe,
]


@pytest.fixture
def server(start_toy):
    return start_toy(**SETTINGS)


@pytest.fixture
def connect(server):
    """Connections to the server, which are closed at the end."""
    with contextlib.ExitStack() as stack:

        def connect():
            connection = socket.create_connection(("127.0.0.1", server.port), timeout=30)
            return stack.enter_context(connection)

        yield connect


def is_closed(connection):
    """Whether the server has closed a connection, now."""
    connection.setblocking(False)
    try:
        while connection.recv(65536):
            pass
    except BlockingIOError:
        return False
    except OSError:
        return True
    return True


def threads_of(server):
    return psutil.Process(server.made_by[0]).num_threads()


@pytest.mark.parametrize("stop", PEERS, ids=lambda stop: stop.__name__)
def test_its_connection_is_closed_and_it_holds_no_thread(server, connect, until, stop):
    assert server.get("/api/hello")[0] == 200
    peers = [connect() for _ in range(EIGHT)]
    for connection in peers:
        stop(connection, server)
    assert server.get("/api/hello")[0] == 200
    assert threads_of(server) < 20
    for connection in peers:
        until(lambda connection=connection: is_closed(connection), "the connection is closed")
    assert server.get("/api/hello")[0] == 200


def test_polls_that_nobody_reads_end_with_their_sessions(server, connect, until):
    sids = [open_session(server) for _ in range(EIGHT)]
    for sid in sids:
        connect().sendall((HEAD.format("polling", f"&sid={sid}") + "\r\n").encode())
    assert server.get("/api/hello")[0] == 200
    half = (
        HEAD.format("polling", "").replace("GET", "POST").replace("EIO=4&", f"EIO=4&sid={sids[0]}&")
    )
    for _ in range(EIGHT):
        connect().sendall((half + "Content-Length: 100\r\n\r\n40").encode())
    assert server.get("/api/hello")[0] == 200

    until(lambda: server.get("/api/sessions")[1] == {"sessions": 0}, "the sessions have ended")
    assert server.get("/api/hello")[0] == 200
