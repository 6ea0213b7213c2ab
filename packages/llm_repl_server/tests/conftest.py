"""Servers of their own for tests: in this process behind the real access middleware, and as real processes."""

from __future__ import annotations

import contextlib
import http.client
import json
import logging
import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import socketio
from flask import Flask
from werkzeug.test import TestResponse

from llm_repl_core import Application, PluginManager, Secret
from llm_repl_server.app import create_app
from llm_repl_server.services.encoding import json_bytes
from llm_repl_server.services.wire_events import WireEvent
from llm_repl_server.serving.stopping import stop_application
from llm_repl_server.settings import ServerSettings

LIMIT_S = 30.0


def wait_until(condition: Callable[[], Any], what: str, limit_s: float = LIMIT_S) -> Any:
    deadline = time.monotonic() + limit_s
    while time.monotonic() < deadline:
        if value := condition():
            return value
        time.sleep(0.01)
    raise AssertionError(f"not within {limit_s:g} s: {what}")


@pytest.fixture
def until() -> Callable[..., Any]:
    return wait_until


def check_answer(status: int, content_type: str, body: bytes) -> None:
    """What holds of every answer of the API."""
    assert status < 500, body
    assert b"Traceback (most recent call last)" not in body or status < 400, body
    if status >= 400 and body:
        assert content_type == "application/json", (status, content_type, body)
        document = json.loads(body)
        assert document.keys() == {"error", "code"}, document
        assert re.fullmatch(r"[a-z_]+", document["code"]), document
        assert document["error"].strip(), document


@pytest.fixture
def in_thread():
    """Do something in another thread; its result is what `join` gives."""
    threads = []

    class Doing(threading.Thread):
        def __init__(self, function, *arguments):
            super().__init__(daemon=True)
            self._work = lambda: function(*arguments)
            self._result = None
            self.start()
            threads.append(self)

        def run(self):
            self._result = self._work()

        def result(self):
            self.join(30)
            assert not self.is_alive()
            return self._result

    yield Doing
    for thread in threads:
        thread.join(30)


# In this process -----------------------------------------------------------------------------


class Told(NamedTuple):
    """An event as clients are told of it."""

    event: str
    notebook_id: str | None
    payload: dict[str, Any]


class Ear:
    """Hears every event, and has a function called with each."""

    def __init__(self, function: Callable[[Told], None]) -> None:
        self._function = function
        self.listening = True
        self.followed: set[str] = set()

    def has_clients(self) -> bool:
        return self.listening

    def is_heard(self, notebook_id: str) -> bool:
        return notebook_id in self.followed

    def send(self, event: WireEvent) -> None:
        self._function(Told(event.wire_name, event.room, json.loads(json_bytes(event))))

    def flush(self) -> None:
        pass


class Api:
    """A client of a server in this process; every answer is checked for what holds of all."""

    def __init__(self, app: Flask) -> None:
        self.app = app
        self.services = app.extensions["llm_repl"]
        self.told: list[Told] = []
        self.ear = self.listen(self.told.append)

    def __call__(self, method: str, path: str, **options: Any) -> TestResponse:
        client = self.app.test_client(use_cookies=False)
        environ = {"SERVER_PROTOCOL": "HTTP/1.1"} | options.pop("environ_base", {})
        answer = client.open(path, method=method, environ_base=environ, **options)
        check_answer(answer.status_code, answer.mimetype, answer.get_data())
        answer.close()
        return answer

    def get(self, path: str, **options: Any) -> TestResponse:
        return self("GET", path, **options)

    def post(self, path: str, json: Any = None, **options: Any) -> TestResponse:
        return self("POST", path, **({} if json is None else {"json": json}), **options)

    def put(self, path: str, json: Any = None, **options: Any) -> TestResponse:
        return self("PUT", path, **({} if json is None else {"json": json}), **options)

    def delete(self, path: str, **options: Any) -> TestResponse:
        return self("DELETE", path, **options)

    def new_notebook(self, *cells: str | tuple[str, str], name: str = "Test") -> str:
        """The path of a new notebook; a cell is the code of a code cell, or a type and a content."""
        created = self.post("/api/notebooks", {"name": name})
        assert created.status_code == 201
        path = f"/api/notebooks/{created.json['id']}"
        for cell in cells:
            self.new_cell(path, *(("code", cell) if isinstance(cell, str) else cell))
        return path

    def new_cell(self, notebook: str, type: str, content: str, **fields: Any) -> str:
        """The path of a new cell."""
        body = {"type": type, "content": content} | fields
        created = self.post(f"{notebook}/cells", body)
        assert created.status_code == 201, created.json
        return f"{notebook}/cells/{created.json['id']}"

    def run(self, cell: str) -> dict[str, Any]:
        answer = self.post(f"{cell}/execute")
        assert answer.status_code == 200, answer.json
        return answer.json

    def cells(self, notebook: str) -> list[dict[str, Any]]:
        return self.get(f"{notebook}/cells").json["cells"]

    def listen(self, function: Callable[[Told], None]) -> Ear:
        """Have a function called with every event, in the engine's loop."""
        ear = Ear(function)
        self.services.publisher.add_listener(ear)
        return ear

    def events(self, *names: str) -> list[Told]:
        """What was told so far; of these names where any are given."""
        self._come_round()
        return [one for one in self.told if not names or one.event in names]

    def _come_round(self) -> None:
        """Wait until the engine's loop has come round once."""

        async def nothing() -> None:
            pass

        self.services.loop.call(nothing(), LIMIT_S)


@pytest.fixture
def folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Folders of the test's own for the settings, the data and the notebook files (``root``)."""
    for name in list(os.environ):
        if name.startswith(("LLM_REPL_", "OPENAI_")):
            monkeypatch.delenv(name)
    for name in ("config", "data", "root"):
        (tmp_path / name).mkdir()
    monkeypatch.setenv("LLM_REPL_CONFIG_DIR", str(tmp_path / "config"))
    monkeypatch.setenv("LLM_REPL_DATA_DIR", str(tmp_path / "data"))
    return tmp_path


@pytest.fixture
def root(folders: Path) -> Path:
    return folders / "root"


@pytest.fixture
def make_api(folders: Path, root: Path) -> Iterator[Callable[..., Api]]:
    """Make servers one after the other; each is stopped when the next is made, and at the end."""
    with contextlib.ExitStack() as stack:

        def make(token: str = "token-of-the-tests", plugin: object = None, **settings: Any) -> Api:
            stack.close()
            values = {"kernel": "in_process", "root": str(root)} | settings
            plugins = PluginManager()
            if plugin is not None:
                plugins.register(plugin, "plugin of the test")
            made = ServerSettings(**values)
            application = Application(made, plugins=plugins)
            app = create_app(made, application=application, token=Secret(token))
            stack.callback(stop_application, app)
            return Api(app)

        yield make


@pytest.fixture
def api(make_api: Callable[..., Api], caplog: pytest.LogCaptureFixture) -> Iterator[Api]:
    """A server whose log has nothing to complain about at the end."""
    with caplog.at_level(logging.WARNING):
        yield make_api()
    assert [record.getMessage() for record in caplog.records] == []


# As a process of its own ---------------------------------------------------------------------


class Server:
    """``llm-repl serve`` as a process, with HTTP and Socket.IO clients."""

    command = ("-m", "llm_repl_server.cli.entry", "serve")

    def __init__(self, folder: Path, *arguments: str, **variables: str) -> None:
        self.folder = folder
        self.log = folder / "server.log"
        inherited = {
            name: value
            for name, value in os.environ.items()
            if not name.startswith(("LLM_REPL_", "OPENAI_"))
        }
        self._listeners: list[Listener] = []
        with self.log.open("ab") as log:
            start = log.tell()
            self.process = subprocess.Popen(
                [
                    sys.executable,
                    *self.command,
                    *("--port", "0", "--root", str(folder / "root")),
                    *arguments,
                ],
                cwd=folder / "root",
                env=inherited
                | {
                    "LLM_REPL_CONFIG_DIR": str(folder / "config"),
                    "LLM_REPL_DATA_DIR": str(folder / "data"),
                    "PYTHONUNBUFFERED": "1",
                }
                | variables,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )

        def announced() -> re.Match[str] | None:
            text = self.log.read_bytes()[start:].decode()
            assert self.process.poll() is None, text
            return re.search(r"serves at http://127\.0\.0\.1:(\d+)", text)

        try:
            self.port = int(wait_until(announced, "the server is ready")[1])
        except BaseException:
            self.kill()
            raise
        self.url = f"http://127.0.0.1:{self.port}"

    def __call__(self, method: str, path: str, body: Any = None, **headers: str) -> Any:
        """The status and the body of an answer."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=LIMIT_S)
        with contextlib.closing(connection):
            data = None if body is None else json.dumps(body)
            kind = {} if body is None else {"Content-Type": "application/json"}
            connection.request(method, path, data, kind | headers)
            answer = connection.getresponse()
            data = answer.read()
            check_answer(answer.status, answer.headers.get_content_type(), data)
            return answer.status, json.loads(data)

    def new_notebook(self, *contents: str) -> tuple[str, list[str]]:
        """The paths of a new notebook and of its code cells."""
        status, notebook = self("POST", "/api/notebooks", {"name": "Test"})
        assert status == 201
        path = f"/api/notebooks/{notebook['id']}"
        cells = []
        for content in contents:
            status, cell = self("POST", f"{path}/cells", {"type": "code", "content": content})
            assert status == 201
            cells.append(f"{path}/cells/{cell['id']}")
        return path, cells

    def listener(self, *subscriptions: str, **options: Any) -> Listener:
        """A Socket.IO client that keeps what it hears."""
        listener = Listener(self.url, *subscriptions, **options)
        self._listeners.append(listener)
        return listener

    def kill(self) -> None:
        """End it as a power failure would."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait(LIMIT_S)

    def close(self) -> None:
        """End it in order, and its clients."""
        for listener in self._listeners:
            listener.close()
        self.process.terminate()
        try:
            self.process.wait(LIMIT_S)
        finally:
            self.kill()


class Listener:
    """A Socket.IO client that keeps what it hears, in order."""

    def __init__(self, url: str, *notebook_ids: str, **options: Any) -> None:
        self.heard: list[tuple[str, dict[str, Any]]] = []
        # The check of the text, which json repeats, takes the library a second a megabyte.
        options_of_websocket = {"skip_utf8_validation": True}
        self.client = socketio.Client(
            reconnection=False, websocket_extra_options=options_of_websocket
        )
        # The library handles every message in a thread of its own, in no order.
        trigger = self.client.eio._trigger_event

        def trigger_in_order(event: str, *arguments: Any, **options: Any) -> Any:
            return trigger(event, *arguments, **options | {"run_async": False})

        self.client.eio._trigger_event = trigger_in_order
        self.client.on("*", lambda event, payload=None: self.heard.append((event, payload)))
        self.client.connect(url, transports=["websocket"], wait_timeout=LIMIT_S, **options)
        self._websocket = self.client.eio.ws
        for notebook_id in notebook_ids:
            answer = self.client.call("subscribe", {"notebook_id": notebook_id}, timeout=LIMIT_S)
            assert answer == {"success": True}

    def names(self) -> list[str]:
        return [event for event, _ in self.heard]

    def close(self) -> None:
        self.client.disconnect()
        self._websocket.shutdown()  # the library does not, where the server was first

    def wait_for(self, *names: str, count: int = 1) -> None:
        wait_until(
            lambda: sum(event in names for event in self.names()) >= count,
            f"{count} of {names} among {self.names()}",
        )


@pytest.fixture
def start_server(tmp_path: Path) -> Iterator[Callable[..., Server]]:
    """Start real servers, all over the same folders."""
    for name in ("config", "data", "root"):
        (tmp_path / name).mkdir(exist_ok=True)
    servers: list[Server] = []

    def start(*arguments: str, script: Path | None = None, **variables: str) -> Server:
        kind = Server if script is None else type("Server", (Server,), {"command": (script,)})
        servers.append(kind(tmp_path, *arguments, **variables))
        return servers[-1]

    yield start
    for server in servers:
        server.close()


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A real server with worker kernels that the tests of a file share."""
    folder = tmp_path_factory.mktemp("server")
    for name in ("config", "data", "root"):
        (folder / name).mkdir()
    started = Server(folder)
    yield started
    started.close()
    assert "Traceback" not in started.log.read_text()
