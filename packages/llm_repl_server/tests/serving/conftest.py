"""Servers in processes of their own, which end with the test that started them."""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

TOY_SERVER = Path(__file__).with_name("toy_server.py")


def wait_until(condition: Callable[[], Any], what: str, limit_s: float = 15.0) -> Any:
    deadline = time.monotonic() + limit_s
    while time.monotonic() < deadline:
        if value := condition():
            return value
        time.sleep(0.02)
    raise AssertionError(f"not within {limit_s} s: {what}")


class ToyServer:
    """A process that serves the toy application, and the folder that it leaves its traces in."""

    def __init__(self, command: list[str], folder: Path, **variables: str) -> None:
        self.folder = folder
        self._out, self._err = folder / "stdout", folder / "stderr"
        inherited = {key: value for key, value in os.environ.items() if "WERKZEUG" not in key}
        with self._out.open("wb") as out, self._err.open("wb") as err:
            self.process = subprocess.Popen(
                command,
                cwd=folder,
                env=inherited | {"TOY_FOLDER": str(folder)} | variables,
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=err,
                start_new_session=True,
            )

    @property
    def stdout(self) -> str:
        return self._out.read_text()

    @property
    def stderr(self) -> str:
        return self._err.read_text()

    @property
    def made_by(self) -> list[int]:
        """The processes in which the application was made."""
        made = self.folder / "made"
        return [int(line) for line in made.read_text().split()] if made.exists() else []

    def wait_ready(self) -> str:
        """Wait for the announcement and return the URL in it."""

        def announced() -> str | None:
            assert self.process.poll() is None, self.stderr
            match = re.search(r"ready (\S+)", self.stdout)
            return match and match[1]

        return str(wait_until(announced, "the server is ready"))

    @property
    def port(self) -> int:
        return int(self.wait_ready().rpartition(":")[2])

    def get(self, path: str, **headers: str) -> tuple[int, Any]:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=15)
        with contextlib.closing(connection):
            connection.request("GET", path, headers=headers)
            response = connection.getresponse()
            body = response.read()
            is_json = response.headers.get_content_type() == "application/json"
            return response.status, json.loads(body) if is_json else body.decode()

    def traced(self, name: str) -> bool:
        return (self.folder / name).exists()

    def wait_exit(self, limit_s: float = 15.0) -> int:
        return self.process.wait(limit_s)

    def end(self) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait(10)


@pytest.fixture
def start_command(tmp_path: Path) -> Iterator[Callable[..., ToyServer]]:
    servers: list[ToyServer] = []

    def start(command: list[str], **variables: str) -> ToyServer:
        servers.append(ToyServer(command, tmp_path, **variables))
        return servers[-1]

    yield start
    for server in servers:
        server.end()


@pytest.fixture
def start_toy(start_command: Callable[..., ToyServer]) -> Callable[..., ToyServer]:
    def start(
        how: str = "production", host: str = "127.0.0.1", port: int = 0, **variables: str
    ) -> ToyServer:
        command = [sys.executable, str(TOY_SERVER), how, host, str(port)]
        return start_command(command, **variables)

    return start


@pytest.fixture
def is_gone() -> Callable[[int], bool]:
    def gone(pid: int) -> bool:
        try:
            return psutil.Process(pid).status() == psutil.STATUS_ZOMBIE
        except psutil.NoSuchProcess:
            return True

    return gone


@pytest.fixture
def until() -> Callable[..., Any]:
    return wait_until
