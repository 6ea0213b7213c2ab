"""The command line in processes of its own, away from the user's settings and data."""

from __future__ import annotations

import contextlib
import os
import select
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from llm_repl_core import Notebook, save_notebook

if TYPE_CHECKING:
    from command_forks import CommandForks

if sys.platform != "win32":
    import pty
    import termios

sys.path.insert(0, str(Path(__file__).parent))

LLM_REPL = [sys.executable, "-m", "llm_repl_server.cli.entry"]
LIMIT_S = 60.0

RunCommand = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    inherited = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("LLM_REPL_", "OPENAI_"))
    }
    return inherited | {
        "LLM_REPL_CONFIG_DIR": str(tmp_path / "config"),
        "LLM_REPL_DATA_DIR": str(tmp_path / "data"),
        "NO_COLOR": "1",
        "PYTHONUNBUFFERED": "1",
    }


@pytest.fixture
def llm_repl(tmp_path: Path, environment: dict[str, str]) -> RunCommand:
    """Run ``llm-repl`` with arguments, in a folder of the test's own."""

    def run(
        *arguments: str, stdin: str | None = None, **variables: str
    ) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [*LLM_REPL, *arguments],
            cwd=tmp_path,
            env=environment | variables,
            input=stdin or "",
            capture_output=True,
            text=True,
            timeout=LIMIT_S,
        )

    return run


@pytest.fixture(scope="session")
def command_forks() -> Iterator[CommandForks]:
    from command_forks import CommandForks

    # With what is seen as modules are imported: the rest comes with each command.
    forks = CommandForks({**os.environ, "NO_COLOR": "1", "PYTHONUNBUFFERED": "1"})
    yield forks
    forks.close()


@pytest.fixture
def forked_llm_repl(
    tmp_path: Path, environment: dict[str, str], command_forks: CommandForks
) -> RunCommand:
    """As `llm_repl`, forked from a process that has imported all: for tests of what is answered."""

    def run(
        *arguments: str, stdin: str | None = None, **variables: str
    ) -> subprocess.CompletedProcess[str]:
        return command_forks.run(
            list(arguments), cwd=tmp_path, environment=environment | variables, stdin=stdin or ""
        )

    return run


@pytest.fixture
def start_llm_repl(
    tmp_path: Path, environment: dict[str, str]
) -> Iterator[Callable[..., subprocess.Popen[str]]]:
    """Start ``llm-repl`` and leave it running; what still runs in the end is killed."""
    started: list[subprocess.Popen[str]] = []

    def start(*arguments: str) -> subprocess.Popen[str]:
        process = subprocess.Popen(
            [*LLM_REPL, *arguments],
            cwd=tmp_path,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        started.append(process)
        return process

    yield start
    for process in started:
        process.kill()
        process.communicate(timeout=LIMIT_S)


@pytest.fixture
def interrupt_when(tmp_path: Path, environment: dict[str, str]) -> Callable[..., tuple[int, str]]:
    """Run ``llm-repl`` until it prints a text, press Ctrl-C, and give its exit code and output."""

    def run(text: str, *arguments: str) -> tuple[int, str]:
        with subprocess.Popen(
            [*LLM_REPL, *arguments],
            cwd=tmp_path,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        ) as process:
            assert process.stdout is not None
            printed = ""
            for line in process.stdout:
                printed += line
                if text in line:
                    process.send_signal(signal.SIGINT)
                    break
            rest, _ = process.communicate(timeout=LIMIT_S)
        return process.returncode, printed + rest

    return run


@pytest.fixture
def prompts(tmp_path: Path) -> Callable[..., Path]:
    """Make a file of prompts, each a text or the fields of `Notebook.add_prompt`."""

    def make(*contents: str | dict[str, object], name: str = "p.llmn", **common: object) -> Path:
        document = Notebook("Prompts", id=f"id of {name}")
        for one in contents:
            fields = {"content": one} if isinstance(one, str) else one
            document.add_prompt(**{**common, **fields})
        save_notebook(document, tmp_path / name)
        return tmp_path / name

    return make


class Terminal:
    """A command with a terminal for its input and its outputs."""

    def __init__(self, process: subprocess.Popen[bytes], controller: int) -> None:
        self.process = process
        self.shown = ""
        self._controller = controller

    def wait_for(self, text: str) -> None:
        """Read until a text has been shown."""
        while text not in self.shown:
            assert self._read(), f"{text!r} never came: {self.shown!r}"

    def type(self, text: str) -> None:
        os.write(self._controller, text.encode())

    def end(self) -> int:
        """Read to the end; the exit code."""
        while self._read():
            pass
        return self.process.wait(LIMIT_S)

    def _read(self) -> bool:
        ready, _, _ = select.select([self._controller], [], [], LIMIT_S)
        assert ready, f"nothing came for {LIMIT_S} s: {self.shown!r}"
        try:
            data = os.read(self._controller, 65536)
        except OSError:  # Linux says so when the last who had it open has gone
            return False
        self.shown += data.decode().replace("\r\n", "\n")
        return bool(data)


@pytest.fixture
def terminal(tmp_path: Path, environment: dict[str, str]) -> Iterator[Callable[..., Terminal]]:
    """Start ``llm-repl`` at a terminal of its own."""
    opened: list[tuple[subprocess.Popen[bytes], int]] = []

    def start(*arguments: str, columns: int = 80, term: str = "dumb") -> Terminal:
        controller, theirs = pty.openpty()
        termios.tcsetwinsize(theirs, (24, columns))
        process = subprocess.Popen(
            [*LLM_REPL, *arguments],
            cwd=tmp_path,
            env=environment | {"TERM": term},
            stdin=theirs,
            stdout=theirs,
            stderr=theirs,
            start_new_session=True,
        )
        os.close(theirs)
        opened.append((process, controller))
        return Terminal(process, controller)

    yield start
    for process, controller in opened:
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        process.wait(LIMIT_S)
        os.close(controller)


@pytest.fixture
def until() -> Callable[[Callable[[], object], str], None]:
    """Wait until a condition holds."""

    def wait(condition: Callable[[], object], what: str) -> None:
        deadline = time.monotonic() + LIMIT_S
        while not condition():
            assert time.monotonic() < deadline, what
            time.sleep(0.02)

    return wait
