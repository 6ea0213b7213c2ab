"""Real servers for the end-to-end tests: started by the commands that users type."""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import re
import shlex
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

sys.path.insert(0, str(Path(__file__).parent))  # for the modules beside the tests

LIMIT_S = 30.0
REPOSITORY = Path(__file__).parents[2]
BROWSER_LIMIT_MS = 20_000
# A page that the server's policy keeps from something says so; nothing else may be logged.
EXPECTED_BROWSER_LOG = re.compile(
    r"Content Security Policy|ERR_CONNECTION_REFUSED|ERR_FAILED|ERR_INTERNET_DISCONNECTED|WebSocket"
    r"|status of 4\d\d|Fetch API|Unsafe attempt to initiate navigation|cross-origin frame"
)
# Suggestions below the address bar, for which each window would start a process: nobody sees them.
UNSEEN_FEATURES = "WebUIOmniboxPopup,WebUIOmniboxAimPopup"
# What was under way when a server was killed; one that lives answers, and cuts nothing off.
CUT_OFF = re.compile(
    r"ERR_CONNECTION_RESET|ERR_EMPTY_RESPONSE|ERR_INCOMPLETE_CHUNKED_ENCODING|ERR_CONTENT_LENGTH_MISMATCH"
)


def wait_until(condition: Callable[[], Any], what: str, limit_s: float = LIMIT_S) -> Any:
    deadline = time.monotonic() + limit_s
    while time.monotonic() < deadline:
        if value := condition():
            return value
        time.sleep(0.02)
    raise AssertionError(f"not within {limit_s:g} s: {what}")


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return int(probe.getsockname()[1])


class Stage:
    """Folders in which servers follow each other, and the processes that they start."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.root = folder / "root"
        self.data = folder / "data"
        self.log = folder / "server.log"
        self._started: list[subprocess.Popen[bytes]] = []
        for name in ("config", "data", "root", "home"):
            (folder / name).mkdir()

    @property
    def environment(self) -> dict[str, str]:
        kept = {
            name: value
            for name, value in os.environ.items()
            if not name.startswith(("LLM_REPL_", "OPENAI_", "GUNICORN_"))
        }
        return kept | {
            # `python`, `gunicorn` and `llm-repl` are the ones of the environment that runs this.
            "PATH": os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]]),
            "LLM_REPL_CONFIG_DIR": str(self.folder / "config"),
            "LLM_REPL_DATA_DIR": str(self.data),
            "PYTHONUNBUFFERED": "1",
        }

    def start(
        self, *command: str, port: int, cwd: Path | None = None, **variables: str
    ) -> RealServer:
        """Start a server by a command, and wait until it answers at this port."""
        with self.log.open("ab") as log:
            process = subprocess.Popen(
                command,
                cwd=cwd or self.root,
                env=self.environment | variables,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        self._started.append(process)
        server = RealServer(self, process, port)
        server.wait_ready()
        return server

    def serve(self, *arguments: str, **variables: str) -> RealServer:
        """Start `llm-repl serve` at a free port."""
        port = free_port()
        command = ("llm-repl", "serve", "--port", str(port), *arguments)
        return self.start(*command, port=port, **variables)

    def kernels(self, server: RealServer) -> list[psutil.Process]:
        """The processes of this stage that are not in the group of the server's own."""
        found = []
        for process in self.processes():
            with contextlib.suppress(ProcessLookupError):  # it has ended meanwhile
                if os.getpgid(process.pid) != server.process.pid:
                    found.append(process)
        return found

    def processes(self) -> list[psutil.Process]:
        """Every process that was started, directly or not, for this stage."""
        found = []
        for process in psutil.process_iter():
            with contextlib.suppress(psutil.Error):
                if process.environ().get("LLM_REPL_DATA_DIR") == str(self.data):
                    found.append(process)
        return found

    def expect_no_processes(self, limit_s: float = 10.0) -> None:
        def told() -> list[str]:
            lines = []
            for process in self.processes():
                with contextlib.suppress(psutil.Error):
                    lines.append(f"{process.pid} {process.status()} {process.cmdline()}")
            return lines

        deadline = time.monotonic() + limit_s
        while (left := told()) and time.monotonic() < deadline:
            time.sleep(0.05)
        assert left == []

    def close(self) -> None:
        for process in self._started:
            if process.poll() is None:
                process.terminate()
        for process in self._started:
            try:
                process.wait(LIMIT_S)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        leaked = self.processes()
        for process in leaked:
            with contextlib.suppress(psutil.Error):
                process.kill()


class RealServer:
    """A server's process, and short ways to ask it."""

    #: How many were killed so far.
    kills = 0

    def __init__(self, stage: Stage, process: subprocess.Popen[bytes], port: int) -> None:
        self.stage = stage
        self.process = process
        self.port = port
        self.base = f"http://127.0.0.1:{port}"

    def wait_ready(self) -> None:
        def ready() -> bool:
            assert self.process.poll() is None, self.stage.log.read_text("utf-8", "replace")
            try:
                return self.ask("GET", "/api/notebooks")[0] == 200
            except (OSError, http.client.HTTPException):
                return False

        wait_until(ready, "the server answers")

    def ask(self, method: str, path: str, body: Any = None, **headers: str) -> tuple[int, Any]:
        """The status and the JSON of an answer."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=LIMIT_S)
        with contextlib.closing(connection):
            data = None if body is None else json.dumps(body).encode()
            kind = {} if body is None else {"Content-Type": "application/json"}
            connection.request(method, path, data, kind | headers)
            answer = connection.getresponse()
            return answer.status, json.loads(answer.read())

    def new_notebook(self, *codes: str) -> tuple[str, list[str]]:
        """The paths of a new notebook and of its code cells."""
        status, notebook = self.ask("POST", "/api/notebooks", {"name": "Test"})
        assert status == 201, notebook
        path = f"/api/notebooks/{notebook['id']}"
        return path, [self.new_cell(path, "code", code) for code in codes]

    def new_cell(self, notebook: str, kind: str, content: str, **fields: Any) -> str:
        body = {"type": kind, "content": content, **fields}
        status, cell = self.ask("POST", f"{notebook}/cells", body)
        assert status == 201, cell
        return f"{notebook}/cells/{cell['id']}"

    def run(self, cell: str) -> dict[str, Any]:
        status, answer = self.ask("POST", f"{cell}/execute")
        assert status == 200, answer
        return answer

    def check_contract(self, *checks: str) -> str:
        """Run the contract's client, or some of its checks, against the server."""
        client = Path(__file__).parent / "contract_client.py"
        arguments = [self.base, str(self.stage.root), *checks]
        process = subprocess.run(
            [sys.executable, str(client), *arguments], capture_output=True, text=True, timeout=240
        )
        assert process.returncode == 0, process.stdout + process.stderr
        assert process.stdout.count("passed check_") >= len(checks), process.stdout
        return process.stdout

    def stop(self, number: int = signal.SIGTERM) -> int:
        """Ask it to end, and return its exit code."""
        self.process.send_signal(number)
        return self.process.wait(LIMIT_S)

    def kill(self) -> None:
        """End the server's own processes at once, as a power failure would; not the kernels."""
        RealServer.kills += 1
        os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait(LIMIT_S)


@pytest.fixture
def stage(tmp_path: Path) -> Iterator[Stage]:
    made = Stage(tmp_path)
    yield made
    made.close()


@pytest.fixture
def server(stage: Stage) -> Iterator[RealServer]:
    """`llm-repl serve`, whose log has to be without a traceback and whose processes end with it."""
    yield from serve_well(stage)


@pytest.fixture(scope="module")
def shared_stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    """A stage for all tests of a file."""
    made = Stage(tmp_path_factory.mktemp("stage"))
    yield made
    made.close()


@pytest.fixture(scope="module")
def shared_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RealServer]:
    """The same, for all tests of a file that ask for it."""
    stage = Stage(tmp_path_factory.mktemp("shared"))
    yield from serve_well(stage)
    stage.close()


def serve_well(stage: Stage) -> Iterator[RealServer]:
    started = stage.serve()
    yield started
    if started.process.poll() is None:
        assert started.stop() == 0
    assert "Traceback" not in stage.log.read_text("utf-8", "replace")
    stage.expect_no_processes()


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    """A copy of the files at the repository's root, as a user has them after cloning."""
    folder = tmp_path / "clone"
    folder.mkdir()
    for path in REPOSITORY.iterdir():
        if path.is_file():
            shutil.copy(path, folder)
    return folder


@pytest.fixture(scope="session")
def js_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the JavaScript clients are, with their libraries installed."""
    for tool in ("node", "npm"):
        if shutil.which(tool) is None:
            pytest.skip(f"`{tool}` is not on the path")
    folder = tmp_path_factory.mktemp("js")
    for path in (REPOSITORY / "tests" / "js").iterdir():
        if path.is_file():
            shutil.copy(path, folder)
    subprocess.run(
        ["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"],
        cwd=folder,
        check=True,
        timeout=240,
    )
    return folder


@pytest.fixture
def until() -> Callable[..., Any]:
    return wait_until


@pytest.fixture
def port() -> int:
    return free_port()


# The page in a browser ---------------------------------------------------------------------------


@pytest.fixture(scope="session")
def chromium(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A command that starts Chromium without what no test sees.

    The browser heeds one list of features that are off, the last, and Playwright gives one: what is
    off for the tests is added to it.
    """
    path = shutil.which("chromium") or shutil.which("google-chrome")
    if path is None:
        pytest.skip("Chromium is not on the path")
    command = tmp_path_factory.mktemp("chromium") / "chromium"
    command.write_text(
        f"""#!/bin/sh
for argument do
  shift
  case $argument in
    --disable-features=*) argument="$argument,{UNSEEN_FEATURES}" ;;
  esac
  set -- "$@" "$argument"
done
exec {shlex.quote(path)} "$@"
"""
    )
    command.chmod(0o755)
    return command


@pytest.fixture(scope="module")
def browser(chromium: Path) -> Iterator[object]:
    """Chromium, for the tests of a file that ask for it."""
    playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    playwright.expect.set_options(timeout=BROWSER_LIMIT_MS)
    with playwright.sync_playwright() as started:
        # No sandbox: in CI this is root.
        launched = started.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        yield launched
        launched.close()


@pytest.fixture
def window(browser: Any) -> Iterator[Any]:
    """A window, whose page has to be without an error at the end."""
    context = browser.new_context(viewport={"width": 1440, "height": 900})
    context.set_default_timeout(BROWSER_LIMIT_MS)
    yield from _watched(context)
    context.close()


def _watched(context: Any) -> Iterator[Any]:
    problems: list[str] = []
    page = context.new_page()
    kills = RealServer.kills

    def note(text: str) -> None:
        is_cut_off = RealServer.kills > kills and CUT_OFF.search(text)
        if not is_cut_off and not EXPECTED_BROWSER_LOG.search(text):
            problems.append(text)

    page.on("pageerror", lambda error: note(str(error)))
    page.on("console", lambda message: message.type == "error" and note(message.text))
    yield page
    assert problems == []


_WEB = REPOSITORY / "packages" / "llm_repl_server" / "web"
_NPM_LIMIT_S = 240.0


@pytest.fixture(scope="session")
def axe(tmp_path_factory: pytest.TempPathFactory) -> str:
    """axe-core, as the page's lock file has it."""
    found = _WEB / "node_modules" / "axe-core" / "axe.min.js"
    if not found.exists():
        if shutil.which("npm") is None:
            pytest.skip("`npm` is not on the path")
        folder = tmp_path_factory.mktemp("axe")
        for name in ("package.json", "package-lock.json"):
            shutil.copy(_WEB / name, folder)
        command = ["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"]
        subprocess.run(command, cwd=folder, check=True, timeout=_NPM_LIMIT_S)
        found = folder / "node_modules" / "axe-core" / "axe.min.js"
    return found.read_text("utf-8")
