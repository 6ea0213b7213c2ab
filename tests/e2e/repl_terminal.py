"""A terminal of its own for a test: what is typed goes in, and a screen says what is seen."""

from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Callable
from itertools import islice
from pathlib import Path
from typing import Self

import pexpect
import pyte

LIMIT_S = 60.0
PASTE = "\x1b[200~{}\x1b[201~"


class Terminal:
    """``llm-repl`` in a terminal.

    Args:
        folder: Where it runs, with its settings and data in it.
        arguments: What is typed behind ``llm-repl``.
        columns: How wide the terminal is.
        rows: How high.
        variables: Of the environment, beside the usual ones; None: not set.
        seen_columns: How much of a line is seen, where that is more than the terminal is wide: so
            it shows which lines the terminal would have broken.
    """

    def __init__(
        self,
        folder: Path,
        *arguments: str,
        columns: int = 80,
        rows: int = 40,
        variables: dict[str, str | None] | None = None,
        seen_columns: int | None = None,
    ) -> None:
        environment = {
            name: value
            for name, value in os.environ.items()
            if not name.startswith(("LLM_REPL_", "OPENAI_", "COV_")) and name != "NO_COLOR"
        }
        environment |= {
            "LLM_REPL_CONFIG_DIR": str(folder / "config"),
            "LLM_REPL_DATA_DIR": str(folder / "data"),
            "TERM": "xterm-256color",
            "EDITOR": "true",
        }
        for name, value in (variables or {}).items():
            environment.pop(name, None)
            if value is not None:
                environment[name] = value
        self.screen = pyte.HistoryScreen(seen_columns or columns, rows, history=5000, ratio=1.0)
        self._stream = pyte.ByteStream(self.screen)
        self.raw = b""
        self._above: list[str] = []
        self.process = pexpect.spawn(
            sys.executable,
            ["-m", "llm_repl_server.cli.entry", *arguments],
            cwd=str(folder),
            env=environment,
            dimensions=(rows, columns),
            timeout=LIMIT_S,
        )
        self.screen.write_process_input = self.process.send  # where the cursor is, when asked

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.process.close(force=True)

    def type(self, text: str) -> None:
        """Press keys."""
        self.process.send(text)

    def line(self, text: str) -> None:
        """Press keys, and Enter."""
        self.process.send(f"{text}\r")

    def paste(self, text: str) -> None:
        """Paste a text, as a terminal does that was asked for brackets."""
        self.process.send(PASTE.format(text.replace("\n", "\r")))

    def resize(self, columns: int, rows: int) -> None:
        """Make the terminal larger or smaller."""
        self.process.setwinsize(rows, columns)
        self.screen.resize(rows, columns)

    def interrupt(self) -> None:
        """Press Ctrl-C."""
        self.process.sendintr()

    def document(self) -> str:
        """All that was printed and is seen, with what has left the screen at its top."""
        # What has left the screen stays as it is.
        left = islice(self.screen.history.top, len(self._above), None)
        self._above += [self._text(line) for line in left]
        return "\n".join([*self._above, *(line.rstrip() for line in self.screen.display)]).rstrip()

    def wait_for(self, wanted: str | Callable[[str], bool], *, limit_s: float = LIMIT_S) -> str:
        """Wait until the document has a text, or is as wanted; the document."""
        until_s = time.monotonic() + limit_s
        while time.monotonic() < until_s:
            document = self.document()
            if wanted in document if isinstance(wanted, str) else wanted(document):
                return document
            self._read(0.1)
        raise AssertionError(f"{wanted!r} is not there after {limit_s} s:\n{self.document()}")

    def end(self) -> int | None:
        """Wait until it has ended; its exit code."""
        until_s = time.monotonic() + LIMIT_S
        while self.process.isalive() and time.monotonic() < until_s:
            self._read(0.1)
        self._read(0.1)
        assert not self.process.isalive(), self.document()
        self.process.close()
        code: int | None = self.process.exitstatus
        return -self.process.signalstatus if code is None else code

    def signal(self, number: signal.Signals) -> None:
        """Send the process a signal."""
        self.process.kill(number)

    def _read(self, wait_s: float) -> None:
        try:
            data = self.process.read_nonblocking(65536, timeout=wait_s)
        except (pexpect.TIMEOUT, pexpect.EOF):
            return
        self.raw += data
        self._stream.feed(data)

    def _text(self, line: object) -> str:
        columns = self.screen.columns
        return "".join(line[column].data for column in range(columns)).rstrip()  # type: ignore[index]


def is_at(number: int, mode: str = "py") -> str:
    """What stands before the input for a cell."""
    return f"[{number}] {mode}>"


def wait_for_input(terminal: Terminal, number: int) -> None:
    """Wait until the input for a cell stands at the end, but for the status line."""

    def is_there(document: str) -> bool:
        lines = [line for line in document.splitlines() if line.strip()]
        return any(line.strip() == is_at(number) for line in lines[-2:])

    terminal.wait_for(is_there)
