"""What no decent client sends: each is answered, none is a 5xx, and nothing is let in."""

from __future__ import annotations

import contextlib
import json
import os
import socket
import time

import pytest

HOST = b"Host: localhost\r\n"
CLOSE = b"Connection: close\r\n\r\n"
LIST = b"GET /api/notebooks HTTP/1.1\r\n"
POST = b"POST /api/notebooks HTTP/1.1\r\n" + HOST + b"Content-Type: application/json\r\n"
UPGRADE = b"GET /socket.io/?EIO=4&transport=websocket HTTP/1.1\r\n" + HOST
WEBSOCKET = (
    b"Upgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n"
)
LIMIT_S = 20.0


def send(server, data: bytes) -> tuple[int, bytes]:
    """Send bytes and read to the end; the status and the body."""
    with socket.create_connection(("127.0.0.1", server.port), timeout=LIMIT_S) as connection:
        # It may be closed with some of what is sent unread; what was answered is there.
        with contextlib.suppress(ConnectionError):
            connection.sendall(data)
            connection.shutdown(socket.SHUT_WR)
        answer = b""
        with contextlib.suppress(ConnectionError):
            while received := connection.recv(65536):
                answer += received
    head, _, body = answer.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1."), answer
    return int(head.split()[1]), body


@pytest.mark.parametrize(
    ("host", "origin"),
    [
        (b"evil.example", None),
        (b"localhost.evil.example", None),
        (b"127.0.0.1.evil.example", None),
        (b"localhost@evil.example", None),
        (b"localhost:port", None),
        (b"\xff\xfe", None),
        (b"", None),
        (b"localhost", b"null"),
        (b"localhost", b""),
        (b"localhost", b"file://"),
        (b"localhost", b"http://localhost.evil.example"),
        (b"localhost", b"http://localhost@evil.example"),
        (b"localhost", b"http://evil.example#localhost"),
        (b"localhost", b"http://localhost:3000.evil.example"),
        (b"localhost", b"http://localhost:3000\r\nOrigin: http://evil.example"),
        (b"localhost", b"\xff"),
    ],
)
def test_strangers_are_not_let_in(shared_server, host, origin):
    head = b"Host: " + host + b"\r\n" + (b"" if origin is None else b"Origin: " + origin + b"\r\n")
    status, body = send(shared_server, LIST + head + CLOSE)
    assert status in (400, 401, 403)
    assert set(json.loads(body)) == {"error", "code"}
    heard = knock(shared_server, UPGRADE.removesuffix(HOST) + head + WEBSOCKET + b"\r\n")
    assert heard.startswith((b"HTTP/1.1 4", b"44{")), heard


def knock(server, handshake: bytes) -> bytes:
    """Ask for a websocket and to be let in; where that is refused, the answer that says so."""
    with socket.create_connection(("127.0.0.1", server.port), timeout=LIMIT_S) as connection:
        stream = connection.makefile("rb")
        connection.sendall(handshake)
        status = stream.readline()
        if b" 101 " not in status:
            return status
        while stream.readline().strip():
            pass
        # The text "40", masked as a client's frames have to be: "let me in".
        connection.sendall(bytes([0x81, 0x82, 0, 0, 0, 0]) + b"40")
        while (message := read_frame(stream))[:1] != b"4":
            pass
        return message


def read_frame(stream) -> bytes:
    """The payload of a short frame of a websocket."""
    _, length = stream.read(2)
    if length == 126:
        length = int.from_bytes(stream.read(2), "big")
    payload: bytes = stream.read(length)
    return payload


def test_who_is_at_home_is_let_in(shared_server):
    """So that the test above can fail."""
    assert send(shared_server, LIST + HOST + CLOSE)[0] == 200
    assert knock(shared_server, UPGRADE + WEBSOCKET + b"\r\n").startswith(b"40{")


@pytest.mark.parametrize(
    "data",
    [
        LIST + HOST + b"X-A: " + b"a" * 200_000 + b"\r\n" + CLOSE,
        LIST + HOST + b"".join(b"X-%d: a\r\n" % n for n in range(2000)) + CLOSE,
        LIST + HOST + HOST + CLOSE,
        LIST + HOST + b"X\xff: a\r\n" + CLOSE,
        b"GET /api/notebooks/" + b"a" * 100_000 + b" HTTP/1.1\r\n" + HOST + CLOSE,
        b"GET /api/notebooks/\xff HTTP/1.1\r\n" + HOST + CLOSE,
        b"GET /api/notebooks/%ff%00%ed%a0%80 HTTP/1.1\r\n" + HOST + CLOSE,
        b"GET /../../etc/passwd HTTP/1.1\r\n" + HOST + CLOSE,
        b"GET /api/docs/%2e%2e/%2e%2e/%2e%2e/%2e%2e/etc/passwd HTTP/1.1\r\n" + HOST + CLOSE,
        b"GET /api/docs/..%5c..%5csetup HTTP/1.1\r\n" + HOST + CLOSE,
        b"NONSENSE /api/notebooks HTTP/1.1\r\n" + HOST + CLOSE,
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n",
        POST + b"Content-Length: -1\r\n" + CLOSE,
        POST + b'Content-Length: 100\r\n\r\n{"na',
        POST + b'Content-Length: 12\r\nConnection: close\r\n\r\n{"name":"\xff"}',
        POST + b"Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n",
        POST + b"Transfer-Encoding: chunked\r\n\r\nzz\r\n{}\r\n0\r\n\r\n",
        UPGRADE.replace(b"EIO=4", b"EIO=3") + WEBSOCKET + b"\r\n",
    ],
)
def test_what_is_no_good_request_is_refused(shared_server, data):
    status, body = send(shared_server, data)
    assert 400 <= status < 500, (status, body)
    assert b"root:" not in body


def test_also_what_cannot_be_parsed_is_refused_in_json(shared_server):
    _, body = send(shared_server, LIST + HOST + b"X-A: " + b"a" * 200_000 + b"\r\n" + CLOSE)
    assert set(json.loads(body)) == {"error", "code"}


def test_half_a_request_for_a_websocket_is_refused(stage):
    server = stage.serve()
    status, _ = send(server, UPGRADE + b"Upgrade: websocket\r\n" + CLOSE)
    assert 400 <= status < 500
    assert server.stop() == 0
    assert "Traceback" not in stage.log.read_text("utf-8", "replace")


@pytest.mark.parametrize("name", ["class", "None", "__builtins__"])
def test_a_variable_that_python_keeps_for_itself(shared_server, name):
    notebook, _ = shared_server.new_notebook()
    body = {"type": "prompt", "content": "x", "response_var": name}
    assert shared_server.ask("POST", f"{notebook}/cells", body)[0] == 400


def test_clients_that_are_cut_off(server, until):
    """Amid a request and amid a run."""
    notebook, [cell] = server.new_notebook("import time\ntime.sleep(0.5)\ndone = True")
    run = f"POST {cell}/execute HTTP/1.1\r\n".encode() + HOST + b"Content-Length: 0\r\n\r\n"
    beginnings = [POST + b"Content-Length: 100\r\n\r\n{", UPGRADE, LIST]
    for beginning in [*(beginnings * 30), run]:
        with socket.create_connection(("127.0.0.1", server.port), timeout=LIMIT_S) as connection:
            connection.sendall(beginning)
    assert server.run(cell)["status"] == "completed"
    # While the run of the one that has left goes on, the state is an older one.
    state = f"{notebook}/state"
    until(lambda: server.ask("GET", state)[1]["state"].get("done"), "it has run")
    assert server.ask("GET", "/api/notebooks")[1]["notebooks"][0]["cell_count"] == 1


def test_websockets_that_are_cut_off_leave_no_traceback(stage):
    server = stage.serve()
    for _ in range(200):
        with socket.create_connection(("127.0.0.1", server.port), timeout=LIMIT_S) as connection:
            connection.sendall(UPGRADE + WEBSOCKET + b"\r\n")
    server.check_contract("check_a_cells_events")
    assert server.stop() == 0
    assert "Traceback" not in stage.log.read_text("utf-8", "replace")


def test_clients_that_send_half_a_head_keep_nobody_out(stage, port):
    command = ("llm-repl", "serve", "--port", str(port))
    server = stage.start(*command, port=port, LLM_REPL_THREADS="8")
    address = ("127.0.0.1", server.port)
    with contextlib.ExitStack() as stack:
        halves = [
            stack.enter_context(socket.create_connection(address, timeout=LIMIT_S))
            for _ in range(12)
        ]
        for half in halves:
            half.sendall(LIST + b"Host: loc")
        assert server.ask("GET", "/api/notebooks")[0] == 200
        # A head that comes in two pieces is a head.
        halves[0].sendall(b"alhost\r\n" + CLOSE)
        assert halves[0].recv(65536).startswith(b"HTTP/1.1 200 ")
        # The others are sent away in the end, though one of them goes on, letter by letter.
        halves[1].settimeout(0.5)
        end = time.monotonic() + LIMIT_S
        answer = b""
        while not answer and time.monotonic() < end:
            with contextlib.suppress(TimeoutError):
                halves[1].sendall(b"a")
                answer = halves[1].recv(65536)
        assert answer.startswith(b"HTTP/1.1 408 ")
        for half in halves[2:]:
            assert half.recv(65536).startswith(b"HTTP/1.1 408 ")
    assert server.stop() == 0
    assert "Traceback" not in stage.log.read_text("utf-8", "replace")


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (b"GET /" + b"a" * 100_000 + b" HTTP/1.1\r\n", 414),
        (LIST + HOST + b"X-A: hidden\r\n" * 10_000 + CLOSE, 431),
        (LIST + HOST + b"X-A: hidden\n\n", 400),
        (LIST + HOST + b"X A: hidden\r\n" + CLOSE, 400),
        (LIST + HOST + b"X-A: hidden\x00\r\n" + CLOSE, 400),
        (POST + b"Transfer-Encoding: gzip, hidden\r\n\r\n", 400),
        (POST + b"Transfer-Encoding: chunked\r\n\r\nhidden\r\n", 400),
        (UPGRADE + b"Upgrade: websocket\r\nConnection: Upgrade\r\n\r\n", 400),
    ],
)
def test_a_refusal_repeats_nothing(shared_server, data, expected):
    """What was sent may hold a token: it comes back neither in the answer nor in the log."""
    status, body = send(shared_server, data)
    assert (status, set(json.loads(body))) == (expected, {"error", "code"})
    assert b"hidden" not in body
    assert "hidden" not in shared_server.stage.log.read_text("utf-8", "replace")


def test_files_outside_the_root_are_out_of_reach(shared_server):
    notebook, _ = shared_server.new_notebook()
    outside = shared_server.stage.folder / "outside"
    outside.mkdir()
    (outside / "there.llmn").write_text("{}", "utf-8")
    (shared_server.stage.root / "link").symlink_to(outside)
    os.mkfifo(shared_server.stage.root / "pipe.llmn")
    (shared_server.stage.root / "folder.llmn").mkdir()
    for path in (
        "../outside/there.llmn",
        str(outside / "there.llmn"),
        "link/there.llmn",
        "sub/../../outside/there.llmn",
        "there.llmn\0.ipynb",
        "pipe.llmn",
        "folder.llmn",
        "a" * 300 + ".llmn",
        "a" * 5000 + ".llmn",
        "..",
        ".",
    ):
        for call in (f"{notebook}/save", "/api/notebooks/load"):
            status, answer = shared_server.ask("POST", call, {"filepath": path})
            assert status in (400, 403), (call, path, answer)
    assert [one.name for one in outside.iterdir()] == ["there.llmn"]
    assert (outside / "there.llmn").read_text("utf-8") == "{}"


def test_a_websocket_that_sends_nonsense_harms_nobody_else(shared_server):
    import websocket

    address = f"ws://127.0.0.1:{shared_server.port}/socket.io/?EIO=4&transport=websocket"
    for nonsense in (
        "garbage",
        "42",
        "42[",
        '42["subscribe"]',
        '42["subscribe",{"notebook_id":{"a":[1]}}]',
        '421["no_such_event",1]',
        '451-["x",{"_placeholder":true,"num":0}]',
        "42" + "[" * 50_000,
        '42["subscribe",{"notebook_id":"' + "a" * 2_000_000 + '"}]',
        b"\xff\xfe\x00",
    ):
        rude = websocket.create_connection(address, timeout=LIMIT_S)
        rude.recv()
        rude.send("40")
        rude.recv()
        if isinstance(nonsense, bytes):
            rude.send_binary(nonsense)
        else:
            rude.send(nonsense)
        rude.close()
    shared_server.check_contract("check_a_cells_events")


def test_twenty_idle_connections_of_a_browser_are_no_hindrance(shared_server):
    idle = [socket.create_connection(("127.0.0.1", shared_server.port)) for _ in range(20)]
    try:
        started = time.monotonic()
        assert shared_server.ask("GET", "/api/notebooks")[0] == 200
        assert time.monotonic() - started < 4.0  # before the idle ones are put aside
    finally:
        for connection in idle:
            connection.close()
