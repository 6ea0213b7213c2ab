"""`gunicorn -b … app:app` in a clone: nothing but its own command line and the file there."""

from __future__ import annotations

import shutil
import signal
import socket
import sys
from pathlib import Path

import pytest
import socketio

REPOSITORY = Path(__file__).parents[4]


@pytest.fixture
def start_by_hand(start_command, tmp_path):
    shutil.copy(REPOSITORY / "gunicorn.conf.py", tmp_path)
    shutil.copy(Path(__file__).with_name("toy_server.py"), tmp_path)
    (tmp_path / "app.py").write_text("from toy_server import make_app\n\napp = make_app()\n")

    def start(*arguments: str, **variables: str):
        with socket.create_server(("127.0.0.1", 0)) as free:
            port = free.getsockname()[1]
        address = f"127.0.0.1:{port}"
        gunicorn = [sys.executable, "-m", "gunicorn"]
        command = [*gunicorn, "-b", address, *arguments, "app:app"]
        return start_command(command, **variables), port

    return start


def connect(client: socketio.Client, port: int, until) -> None:
    def attempt() -> bool:
        try:
            client.connect(f"http://127.0.0.1:{port}", transports=["websocket"])
        except socketio.exceptions.ConnectionError:
            return False
        return True

    until(attempt, "a client is connected")


def test_websocket_and_rest_at_the_same_time(start_by_hand, until):
    server, port = start_by_hand()
    client = socketio.Client(reconnection=False)
    connect(client, port, until)
    assert client.call("echo", "ping", timeout=15) == "ping"
    transport = client.eio.ws
    with socket.create_connection(("127.0.0.1", port), timeout=15) as connection:
        connection.sendall(
            b"GET /api/nodelay HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
        )
        assert connection.makefile("rb").read().endswith(b'{"nodelay":true}\n')
    server.process.send_signal(signal.SIGTERM)
    assert server.wait_exit(6) == 0
    assert server.traced("stopped")
    client.disconnect()
    transport.shutdown()  # the library does not, where the server was first
    assert "SIGKILL" not in server.stderr


def test_an_application_that_cannot_start(start_by_hand):
    server, _ = start_by_hand(TOY_FAILURE="storage")
    assert server.wait_exit() == 1
    assert "Error: The folder for notebooks cannot be written.\n" in server.stderr
    assert "Traceback" not in server.stderr
    assert len(server.made_by) == 1


def test_several_workers_are_refused(start_by_hand):
    server, _ = start_by_hand("--workers", "2")
    assert server.wait_exit() == 2
    assert "LLM-REPL runs in one worker" in server.stderr
    assert "Traceback" not in server.stderr
    assert server.made_by == []


def test_the_environment_of_a_platform_does_not_add_workers(start_by_hand, until):
    server, port = start_by_hand(WEB_CONCURRENCY="4")
    client = socketio.Client(reconnection=False)
    connect(client, port, until)
    client.disconnect()
    assert len(server.made_by) == 1
