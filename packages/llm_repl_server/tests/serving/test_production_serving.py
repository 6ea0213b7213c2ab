"""One server, seen from its clients: REST, websockets, and what the log tells."""

from __future__ import annotations

import http.client
import json
import socket
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing, suppress
from pathlib import Path
from typing import Any

import psutil
import pytest
import socketio
import websocket

pytestmark = pytest.mark.one_python

TOKEN = "a-token-of-the-tests"


@pytest.fixture
def client() -> Iterator[socketio.Client]:
    client = socketio.Client(reconnection=False)
    yield client
    client.disconnect()


def open_websocket(port: int, path: str = "/socket.io/?EIO=4&transport=websocket", **kwargs: Any):
    """A websocket that has shaken hands with Engine.IO, but not with Socket.IO."""
    connection = websocket.create_connection(f"ws://127.0.0.1:{port}{path}", timeout=15, **kwargs)
    assert connection.recv().startswith("0{")
    return connection


@pytest.mark.parametrize("how", ["production", "development"])
def test_rest_and_websocket(start_toy, client, how):
    server = start_toy(how)
    url = server.wait_ready()
    assert server.get("/api/hello")[1]["hello"] is True
    client.connect(url, transports=["websocket"])
    assert client.call("echo", "ping", timeout=15) == "ping"
    assert server.get("/api/hello")[0] == 200  # with the websocket open
    assert server.get("/api/nodelay") == (200, {"nodelay": True})


@pytest.mark.parametrize("how", ["production", "development"])
def test_polling_and_upgrade(start_toy, client, how):
    client.connect(start_toy(how).wait_ready(), transports=["polling", "websocket"])
    assert client.call("echo", "ping", timeout=15) == "ping"
    assert client.transport() == "websocket"


def test_every_websocket_has_a_thread(start_toy):
    server = start_toy()
    server.wait_ready()
    connections = [open_websocket(server.port) for _ in range(40)]
    assert server.get("/api/hello")[0] == 200
    for connection in connections:
        connection.close()


def test_more_connections_than_files_do_not_end_the_worker(start_command, until):
    """Without a bound, the worker dies of the first connection that it has no descriptor for."""
    toy = Path(__file__).with_name("toy_server.py")
    limited = 'ulimit -n 128; exec "$0" "$@"'
    command = ["sh", "-c", limited, sys.executable, str(toy), "production", "127.0.0.1", "0"]
    server = start_command(command)
    server.wait_ready()
    request = b"GET /api/hello HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
    with ExitStack() as stack:
        connections = [
            stack.enter_context(socket.create_connection(("127.0.0.1", server.port), timeout=15))
            for _ in range(200)
        ]
        worker = psutil.Process(server.made_by[0])
        seen = [worker.num_fds()]

        def has_settled() -> bool:
            time.sleep(0.2)
            seen.append(worker.num_fds())
            return seen[-1] == seen[-2]

        until(has_settled, "the worker has accepted what it is going to accept")
        for connection in connections:
            connection.sendall(request)
            with connection.makefile("rb") as answer:
                assert answer.readline() == b"HTTP/1.1 200 OK\r\n"
            connection.close()
    assert server.stderr == ""
    assert len(server.made_by) == 1


@pytest.mark.parametrize("how", ["production", "development"])
def test_small_frames_are_not_held_back(start_toy, how):
    """With Nagle's algorithm, the second frame waits 40 ms for the delayed ACK of the first."""
    server = start_toy(how)
    server.wait_ready()
    with closing(open_websocket(server.port)) as connection:
        connection.send("40")
        assert connection.recv().startswith("40")
        durations_s = []
        for number in range(30):
            started = time.perf_counter()
            connection.send(f'42{number}["echo","x"]')
            assert connection.recv() == '42["first","x"]'
            assert connection.recv() == f'43{number}["x"]'
            durations_s.append(time.perf_counter() - started)
    # The first ones are acknowledged at once by the kernel's slow start.
    assert min(durations_s[15:]) < 0.030, durations_s


@pytest.mark.parametrize(
    ("token", "comes_in"), [({"token": TOKEN}, True), ({"token": "wrong"}, False), (None, False)]
)
def test_the_token_may_come_when_a_socket_connects(start_toy, client, token, comes_in):
    url = start_toy(TOY_AUTH="token").wait_ready()
    if comes_in:
        client.connect(url, auth=token, transports=["websocket"])
        assert client.call("echo", "ping", timeout=15) == "ping"
    else:
        with pytest.raises(socketio.exceptions.ConnectionError):
            client.connect(url, auth=token, transports=["websocket"])


def test_a_token_in_the_query_of_a_socket(start_toy, client):
    url = start_toy(TOY_AUTH="token").wait_ready()
    client.connect(f"{url}?token={TOKEN}", transports=["websocket"])
    assert client.call("echo", "ping", timeout=15) == "ping"


def test_foreign_pages_get_no_websocket(start_toy):
    server = start_toy()
    with pytest.raises(websocket.WebSocketBadStatusException, match="403"):
        open_websocket(server.port, origin="https://evil.example")
    with closing(open_websocket(server.port, origin="http://localhost:3000")):
        pass


def test_polling_has_each_cross_origin_header_once(start_toy):
    connection = http.client.HTTPConnection("127.0.0.1", start_toy().port, timeout=15)
    with closing(connection):
        connection.request(
            "GET",
            "/socket.io/?EIO=4&transport=polling",
            headers={"Origin": "http://localhost:3000"},
        )
        response = connection.getresponse()
        assert response.status == 200
        assert response.headers.get_all("Access-Control-Allow-Origin") == ["http://localhost:3000"]
        assert response.headers.get_all("Access-Control-Allow-Credentials") == ["true"]


@pytest.mark.parametrize("how", ["production", "development"])
def test_bodies_without_a_length_are_bounded(start_toy, how):
    connection = http.client.HTTPConnection("127.0.0.1", start_toy(how).port, timeout=15)

    def post(*chunks: bytes) -> tuple[int, Any]:
        headers = {"Content-Type": "application/json"}
        connection.request("POST", "/api/echo", iter(chunks), headers, encode_chunked=True)
        response = connection.getresponse()
        return response.status, json.loads(response.read())

    with closing(connection):
        assert post(b'{"a"', b": 1}") == (200, {"body": {"a": 1}})
        status, answer = post(b'"', b"x" * 2000, b'"')
        assert (status, answer["code"]) == (413, "too_large")


def test_an_answer_says_that_its_connection_ends_where_the_body_is_not_read(start_toy):
    connection = http.client.HTTPConnection("127.0.0.1", start_toy("production").port, timeout=15)
    with closing(connection):
        for size, status, said in (
            (500, 200, "keep-alive"),
            (2_000, 413, "keep-alive"),
            (500_000, 413, "close"),
            (500, 200, "keep-alive"),
        ):
            body = json.dumps("x" * size)
            connection.request("POST", "/api/echo", body, {"Content-Type": "application/json"})
            response = connection.getresponse()
            assert response.read()
            assert (response.status, response.headers["Connection"]) == (status, said)


@pytest.mark.parametrize("how", ["access-log", "development"])
def test_no_token_is_logged(start_toy, until, how):
    server = start_toy(how)
    server.wait_ready()
    for path in ("/api/hello", "/api/fail", "/nowhere"):
        server.get(f"{path}?a=1&token={TOKEN}&b=2", Referer=f"http://localhost/?token={TOKEN}")
    open_websocket(server.port, f"/socket.io/?EIO=4&transport=websocket&token={TOKEN}").close()
    server.get("/api/hello?last=1")
    until(lambda: "last=1" in server.stdout + server.stderr, "the log is written")
    assert "/api/fail" in server.stdout + server.stderr
    assert TOKEN not in server.stdout + server.stderr


def test_no_token_is_logged_of_a_request_that_gunicorn_fails(start_toy, until):
    server = start_toy()
    with closing(http.client.HTTPConnection("127.0.0.1", server.port, timeout=15)) as connection:
        # A header name that WSGI cannot send back, so that gunicorn itself logs the address.
        connection.request("GET", f"/api/bad-header?token={TOKEN}")
        assert connection.getresponse().status == 500
    until(lambda: "Error handling request" in server.stderr, "the error is logged")
    assert "token=[token]" in server.stderr
    assert TOKEN not in server.stderr


def test_a_query_without_its_token_reaches_the_application(start_toy):
    _, answer = start_toy().get(f"/api/hello?a=1&token={TOKEN}&b=%2F")
    assert answer["query"] == "a=1&b=%2F"


def test_requests_run_side_by_side(start_toy, until):
    server = start_toy()
    server.wait_ready()
    hanging = threading.Thread(target=lambda: get_until_cut_off(server), daemon=True)
    hanging.start()
    until(lambda: server.traced("hanging"), "a request hangs")
    assert server.get("/api/hello")[0] == 200
    server.end()
    hanging.join(15)
    assert not hanging.is_alive()


def get_until_cut_off(server: Any) -> None:
    with suppress(OSError, http.client.HTTPException):
        server.get("/api/hang")


def test_the_debugger_of_werkzeug_is_off(start_toy):
    server = start_toy("development")
    status, body = server.get("/?__debugger__=yes&cmd=resource&f=debugger.js")
    assert (status, body) == (200, "<h1>Hello</h1>")
    status, body = server.get("/api/fail")
    assert status == 500
    assert "debugger" not in body.lower()
    assert "Traceback" not in body
