"""However a server ends, it ends soon, in order, and leaves no process behind."""

from __future__ import annotations

import http.client
import os
import signal
import socket
import sys
import threading
import time
from pathlib import Path

import pytest
import socketio

pytestmark = pytest.mark.one_python

TOY_SERVER = Path(__file__).with_name("toy_server.py")

# What is promised to whoever stops the server.
STOP_LIMIT_S = 5.0


class Busy:
    """A server with an open websocket, a request that hangs, and one that ends when told to."""

    def __init__(self, server, until) -> None:
        url = server.wait_ready()
        self.disconnected: list[str] = []
        self.client = socketio.Client(reconnection=False)
        self.client.on("disconnect", self.disconnected.append)
        self.client.connect(url, transports=["websocket"])
        self.websocket = self.client.eio.ws
        self.slow: list[object] = []
        self.threads = [
            threading.Thread(target=self._get, args=(server, path), daemon=True)
            for path in ("/api/hang", "/api/slow")
        ]
        for thread in self.threads:
            thread.start()
        until(lambda: server.traced("hanging") and server.traced("slow"), "requests are running")

    def _get(self, server, path: str) -> None:
        try:
            answer = server.get(path)
        except (OSError, http.client.HTTPException):
            return
        if path == "/api/slow":
            self.slow.append(answer)

    def end(self) -> None:
        self.client.disconnect()
        self.websocket.shutdown()  # the library does not, where the server was first
        for thread in self.threads:
            thread.join(15)
        assert not any(thread.is_alive() for thread in self.threads)


@pytest.mark.parametrize("name", ["SIGTERM", "SIGINT", "SIGHUP", "SIGQUIT"])
def test_a_signal_to_the_master_ends_all(start_toy, until, is_gone, name):
    server = start_toy()
    busy = Busy(server, until)
    started = time.monotonic()
    server.process.send_signal(getattr(signal, name))
    assert server.wait_exit() == 0
    assert time.monotonic() - started < STOP_LIMIT_S
    assert server.traced("stopped")
    assert all(is_gone(pid) for pid in server.made_by)
    busy.end()
    # Not "server disconnect", after which a client would stay away.
    assert busy.disconnected == ["transport error"]
    assert busy.slow == [(200, {"stopping": True})]
    assert server.stderr == ""


@pytest.mark.parametrize("name", ["SIGTERM", "SIGINT", "SIGHUP"])
def test_a_signal_to_all_processes_at_once(start_toy, until, name):
    """As a terminal sends it on Ctrl-C, and Supervisor with `stopasgroup`."""
    server = start_toy()
    busy = Busy(server, until)
    started = time.monotonic()
    os.killpg(server.process.pid, getattr(signal, name))
    assert server.wait_exit() == 0
    assert time.monotonic() - started < STOP_LIMIT_S
    assert server.traced("stopped")
    busy.end()
    assert busy.slow == [(200, {"stopping": True})]


def test_an_application_that_cannot_stop_is_ended(start_toy):
    server = start_toy(TOY_FAILURE="stop")
    server.wait_ready()
    started = time.monotonic()
    server.process.terminate()
    assert server.wait_exit() == 0
    assert time.monotonic() - started < STOP_LIMIT_S
    assert server.traced("stopped")


def test_an_idle_server_stops_at_once_and_frees_its_port(start_toy):
    server = start_toy()
    port = server.port
    server.process.terminate()
    assert server.wait_exit() == 0
    with socket.create_server(("127.0.0.1", port)):
        pass


def test_a_killed_master_takes_its_worker_along(start_toy, until, is_gone):
    server = start_toy()
    busy = Busy(server, until)
    port = server.port
    (worker,) = server.made_by
    server.process.kill()
    server.process.wait(10)
    until(lambda: is_gone(worker), "the worker is gone", limit_s=10)
    assert server.traced("stopped")
    busy.end()
    with socket.create_server(("127.0.0.1", port)):
        pass


def test_a_worker_that_dies_is_replaced(start_toy, until):
    server = start_toy()
    server.wait_ready()
    (worker,) = server.made_by
    os.kill(worker, signal.SIGKILL)
    until(lambda: len(server.made_by) == 2, "another worker is there")
    assert server.get("/api/hello")[1]["pid"] == server.made_by[1]
    assert server.stdout.count("ready") == 1


def test_under_nohup_it_outlives_its_terminal(start_command, until):
    server = start_command(
        ["nohup", sys.executable, str(TOY_SERVER), "production", "127.0.0.1", "0"]
    )
    server.wait_ready()
    server.process.send_signal(signal.SIGHUP)
    # A server that had been told to end would not replace its worker.
    os.kill(server.made_by[0], signal.SIGKILL)
    until(lambda: len(server.made_by) == 2, "another worker is there")
    assert server.get("/api/hello")[0] == 200
    server.process.terminate()
    assert server.wait_exit() == 0


def test_there_is_never_a_second_worker(start_toy):
    server = start_toy()
    server.wait_ready()
    for number in (signal.SIGTTIN, signal.SIGUSR2, signal.SIGTTOU):
        server.process.send_signal(number)
    server.process.terminate()
    assert server.wait_exit() == 0
    assert len(server.made_by) == 1


@pytest.mark.parametrize("name", ["SIGTERM", "SIGINT"])
def test_the_development_server_stops_in_order(start_toy, name):
    server = start_toy("development")
    server.wait_ready()
    server.process.send_signal(getattr(signal, name))
    assert server.wait_exit() == 0
    assert server.traced("stopped")
    assert "Traceback" not in server.stderr
