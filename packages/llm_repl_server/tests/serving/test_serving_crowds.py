"""Peers that are silent, slow, many or gone take nobody's place, and not for long their own."""

from __future__ import annotations

import contextlib
import http.client
import itertools
import json
import re
import socket
import threading
import time

import psutil
import pytest
import websocket

from llm_repl_server.serving.thread_worker import POOL_THREADS
from llm_repl_server.sockets.handshakes import POLLING_LIMIT, UNAUTHENTICATED_LIMIT

pytestmark = pytest.mark.one_python

TOKEN = "a-token-of-the-tests"
# Of threads there are few, so that whatever holds one shows at once.
FEW_THREADS = {"TOY_THREADS": "2"}
QUICK = {"TOY_PING_INTERVAL_S": "0.3", "TOY_PING_TIMEOUT_S": "0.3"}
STRANGER = "GET /socket.io/?EIO=4&transport={} HTTP/1.1\r\nHost: repl.example.org\r\n"
UPGRADE = (
    "Connection: Upgrade\r\nUpgrade: websocket\r\n"
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
)


@pytest.fixture
def crowd():
    """Connections that are closed at the end."""
    with contextlib.ExitStack() as stack:

        def connect(server, data=b""):
            connection = stack.enter_context(
                socket.create_connection(("127.0.0.1", server.port), timeout=30)
            )
            connection.sendall(data.encode() if isinstance(data, str) else data)
            return connection

        yield connect


def is_closed(connection):
    """Whether the other side has closed the connection, now."""
    connection.setblocking(False)
    try:
        while data := connection.recv(65536):
            assert data
    except BlockingIOError:
        return False
    except ConnectionResetError:
        return True
    finally:
        connection.settimeout(30)
    return True


def read_chunked(connection):
    """One answer, to its end."""
    answer = b""
    while not answer.endswith(b"\r\n0\r\n\r\n"):
        data = connection.recv(4000)
        assert data, answer
        answer += data
    return answer


def answers(server):
    return server.get("/api/hello", Authorization=f"Bearer {TOKEN}")[0] == 200


def threads_of(server):
    return psutil.Process(server.made_by[0]).num_threads()


def test_a_websocket_whose_peer_is_gone_is_closed_and_its_connection_too(start_toy, crowd, until):
    server = start_toy(**QUICK, **FEW_THREADS)
    silent = [
        crowd(
            server, STRANGER.format("websocket").replace("repl.example.org", "localhost") + UPGRADE
        )
        for _ in range(8)
    ]
    for connection in silent:
        assert connection.recv(1000).startswith(b"HTTP/1.1 101 ")
    assert answers(server)
    for connection in silent:
        until(lambda one=connection: is_closed(one), "the server has closed the connection")
    with contextlib.closing(open_websocket(server)) as alive:
        assert alive.recv().startswith("0{")
        for _ in range(4):  # who answers stays
            assert alive.recv() == "2"
            alive.send("3")


def open_websocket(server):
    return websocket.create_connection(
        f"ws://127.0.0.1:{server.port}/socket.io/?EIO=4&transport=websocket", timeout=15
    )


def test_a_thousand_open_websockets_hold_no_thread(start_toy, crowd):
    server = start_toy(**FEW_THREADS)
    assert answers(server)
    local = STRANGER.format("websocket").replace("repl.example.org", "localhost")
    idle = [crowd(server, local + UPGRADE) for _ in range(950)]
    for connection in idle:
        assert connection.recv(1000).startswith(b"HTTP/1.1 101 ")
    connections = [open_websocket(server) for _ in range(50)]
    with contextlib.ExitStack() as stack:
        for connection in connections:
            stack.callback(connection.shutdown)
            connection.send("40")
        for number, connection in enumerate(connections):
            assert connection.recv().startswith("0{")
            assert connection.recv().startswith("40{")
            connection.send(f'42{number}["echo","x"]')
            assert connection.recv() == '42["first","x"]'
        assert answers(server)
        assert threads_of(server) < 20


@pytest.mark.parametrize("transport", ["websocket", "polling"])
def test_600_strangers_are_let_go_and_keep_nobody_out(start_toy, crowd, until, transport):
    server = start_toy(TOY_AUTH="token", **FEW_THREADS)
    handshake = STRANGER.format(transport) + (UPGRADE if transport == "websocket" else "\r\n")
    strangers = [crowd(server, handshake) for _ in range(600)]
    assert answers(server)
    assert threads_of(server) < 40
    known = open_websocket(server)
    with contextlib.closing(known):
        known.send("40" + json.dumps({"token": TOKEN}))
        assert known.recv().startswith("0{")
        assert known.recv().startswith("40{")
        if transport == "websocket":
            for connection in strangers:
                until(lambda one=connection: is_closed(one), "the stranger was let go")
        else:
            opened = [read_chunked(connection) for connection in strangers]
            ids = [re.search(rb'"sid":"([^"]+)"', answer)[1].decode() for answer in opened]
            poll = "GET /socket.io/?EIO=4&transport=polling&sid={} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"
            polls = [crowd(server, poll.format(sid)) for sid in ids]
            assert answers(server)
            answered = [connection.makefile("rb").readline() for connection in polls]
            kept = [line for line in answered if line.startswith(b"HTTP/1.1 200 ")]
            assert len(kept) <= UNAUTHENTICATED_LIMIT + 1
        known.send('421["echo","x"]')
        assert known.recv() == '42["first","x"]'


def test_a_storm_of_polls_makes_no_storm_of_threads(start_toy, crowd):
    server = start_toy(**FEW_THREADS)
    assert answers(server)
    before = threads_of(server)
    statuses = [
        server.get("/socket.io/?EIO=4&transport=polling")[0] for _ in range(POLLING_LIMIT + 50)
    ]
    assert statuses == [200] * POLLING_LIMIT + [429] * 50
    assert threads_of(server) < before + 10
    assert answers(server)


def threads_that_answer(path, connections):
    """By which thread each of some connections is answered, the requests being sent at once."""
    for connection in connections:
        connection.request("GET", path)
    return [json.load(connection.getresponse())["thread"] for connection in connections]


def test_requests_that_follow_at_once_stay_with_their_thread(start_toy):
    server = start_toy()
    with contextlib.ExitStack() as stack:
        connections = [
            stack.enter_context(
                contextlib.closing(http.client.HTTPConnection("127.0.0.1", server.port, timeout=15))
            )
            for _ in range(4)
        ]
        idle = threads_that_answer("/api/four-at-once", connections)
        assert len(set(idle)) == 4
        answered = [threads_that_answer("/api/thread", connections[:1])[0] for _ in range(200)]
    # The pool gives each request to the thread that has been idle longest, so to another one; and on
    # a busy machine the client may be late now and then.
    assert sum(before == after for before, after in itertools.pairwise(answered)) > 20


@pytest.mark.parametrize("threads", [1, 2, 3])
def test_clients_that_never_pause_leave_a_thread_to_the_others(start_toy, threads):
    server = start_toy(TOY_THREADS=str(threads))
    stop = threading.Event()

    def ask_without_end():
        connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=15)
        with contextlib.closing(connection):
            while not stop.is_set():
                threads_that_answer("/api/thread", [connection])

    restless = [threading.Thread(target=ask_without_end) for _ in range(6)]
    for thread in restless:
        thread.start()
    try:
        for _ in range(20):
            assert answers(server)
    finally:
        stop.set()
        for thread in restless:
            thread.join(15)


def test_polls_that_wait_have_threads_of_their_own(start_toy, crowd, until):
    server = start_toy(**FEW_THREADS)
    assert POOL_THREADS["poll"] > POLLING_LIMIT
    for number in range(20):
        _, opened = server.get("/socket.io/?EIO=4&transport=polling")
        sid = json.loads(opened[1:])["sid"]
        spelling = "/socket%2Eio/" if number % 2 else "/socket.io/"
        crowd(
            server,
            f"GET http://localhost{spelling}?EIO=4&transport=polling&%73id={sid} HTTP/1.1\r\nHost: localhost\r\n\r\n",
        )
    assert answers(server)
    sid = json.loads(server.get("/socket.io/?EIO=4&transport=polling")[1][1:])["sid"]
    again = f"GET /socket.io/?EIO=4&transport=polling&sid={sid} HTTP/1.1\r\nHost: localhost\r\n\r\n"
    given_up, waits = crowd(server, again), None
    given_up.settimeout(0.3)
    with pytest.raises(TimeoutError):
        given_up.recv(1)
    waits = crowd(server, again)  # whose client has given the first one up
    given_up.settimeout(15)
    assert b"\r\n\r\n1\r\n6\r\n" in read_chunked(given_up)
    waits.settimeout(0.3)
    with pytest.raises(TimeoutError):
        waits.recv(1)


def test_slow_heads_and_slow_bodies_hold_up_nobody(start_toy, crowd):
    server = start_toy(**FEW_THREADS)
    post = "POST /api/echo HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
    beginnings = [
        "GET /api/hello HTT",
        post + "Content-Le",
        post + "Content-Length: 900\r\n\r\n[1,",
        post + "Content-Length: 60000\r\n\r\n[1,",
        post + "Transfer-Encoding: chunked\r\n\r\n5\r\n[1,",
        post + "Transfer-Encoding: chunked\r\n\r\n" + "5\r\n[1,1,\r\n" * 8000,
        "",
    ]
    slow = [crowd(server, beginning) for beginning in beginnings * 5]
    stop = threading.Event()

    def drip():
        while not stop.wait(0.2):
            for connection in slow:
                with contextlib.suppress(OSError):
                    connection.send(b"1")

    dripping = threading.Thread(target=drip)
    dripping.start()
    try:
        for _ in range(20):
            assert answers(server)
            connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=15)
            with contextlib.closing(connection):
                kind = {"Content-Type": "application/json"}
                connection.request("POST", "/api/echo", json.dumps(["x" * 500]), kind)
                assert json.load(connection.getresponse()) == {"body": ["x" * 500]}
    finally:
        stop.set()
        dripping.join(15)


@pytest.mark.parametrize("pause_s", [0, 0.05])
def test_a_body_that_comes_behind_its_head_arrives(start_toy, crowd, pause_s):
    server = start_toy(**FEW_THREADS)
    head = "POST /api/echo HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
    connection = crowd(server)
    with connection.makefile("rb") as answer:
        for end, body in (
            ("Content-Length: 5\r\n\r\n", b"[1,2]"),
            ("Transfer-Encoding: chunked\r\n\r\n", b"2\r\n[1\r\n3\r\n,2]\r\n0\r\n\r\n"),
            ("Transfer-Encoding: chunked\r\n\r\n", b"5;a=b\r\n[1,2]\r\n0\r\nX: y\r\n\r\n"),
            ("Transfer-Encoding: chunked\r\n\r\n", b"d\r\n[1,\r\n \r\n\r\n 2]\r\n0\r\n\r\n"),
            ("Content-Length: 5\r\nExpect: 100-continue\r\n\r\n", b"[1,2]"),
        ):
            connection.sendall((head + end).encode())
            for byte in body:
                time.sleep(pause_s)  # the pace of the client; nothing is waited for
                connection.sendall(bytes((byte,)))
            status = answer.readline()
            if status.startswith(b"HTTP/1.1 100"):
                assert answer.readline() == b"\r\n"
                status = answer.readline()
            assert status == b"HTTP/1.1 200 OK\r\n"
            headers = http.client.parse_headers(answer)
            assert json.loads(answer.read(int(headers["Content-Length"]))) == {"body": [1, 2]}
