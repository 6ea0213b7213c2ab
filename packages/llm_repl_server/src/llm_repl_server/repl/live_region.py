"""The lines below the document that say what runs: drawn, and taken away again."""

from __future__ import annotations

import shutil
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Self

from llm_repl_server.cli.terminal_text import display_width, one_line

__all__ = ["LiveRegion"]

_TICK_S = 0.25
_QUIET_S = 0.4
"""What ends sooner is not announced."""
_MOST_LINES = 8


class LiveRegion:
    """A few lines at the end of the terminal, which what is printed pushes down. A context manager.

    Args:
        lines: What they say now; asked again and again, by a thread.
        enabled: Whether the terminal can go back in what it shows, and its user wants it.
    """

    def __init__(self, lines: Callable[[], Sequence[str]], *, enabled: bool) -> None:
        self._lines = lines
        self._enabled = enabled
        self._drawing = threading.RLock()
        self._widths: list[int] = []
        """Of the lines that are shown, in columns."""
        self._held = 0
        self._ended = threading.Event()
        self._thread: threading.Thread | None = None
        self._begun_s = time.monotonic()

    def __enter__(self) -> Self:
        if self._enabled:
            self._thread = threading.Thread(target=self._tick, name="live-region", daemon=True)
            self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        with self._drawing:
            self._clear()
            self._held += 1  # whatever the thread is about to do

    @contextmanager
    def hidden(self, *, redraw: bool = True) -> Iterator[None]:
        """Without the lines, while something is printed in their place.

        Args:
            redraw: Whether they come back at the end.
        """
        with self._drawing:
            self._clear()
            self._held += 1
        try:
            yield
        finally:
            with self._drawing:
                self._held -= 1
                if redraw:
                    self._draw()

    def hold(self, held: bool) -> None:
        """Show nothing as long as a line above is unfinished."""
        with self._drawing:
            if held:
                self._clear()
            self._held = int(held)

    def _tick(self) -> None:
        while not self._ended.wait(_TICK_S):
            with self._drawing:
                if not self._held:
                    self._clear()
                    self._draw()

    def _draw(self) -> None:
        is_early = time.monotonic() - self._begun_s < _QUIET_S
        if self._held or not self._enabled or is_early or self._ended.is_set():
            return
        columns = shutil.get_terminal_size().columns
        lines = [one_line(line, max(columns - 1, 1)) for line in self._lines()]
        if len(lines) > _MOST_LINES:
            left = len(lines) - _MOST_LINES + 1
            lines = [*lines[: _MOST_LINES - 1], f"… and {left} more"]
        self._widths = [display_width(line) for line in lines]
        sys.stdout.write("\n".join(lines))
        sys.stdout.flush()

    def _clear(self) -> None:
        if not self._widths:
            return
        columns = max(shutil.get_terminal_size().columns, 1)
        # A terminal that has become narrower has wrapped them.
        rows = sum(max(1, -(-width // columns)) for width in self._widths)
        self._widths = []
        up = f"\x1b[{rows - 1}A" if rows > 1 else ""
        sys.stdout.write(f"\r{up}\x1b[J")
        sys.stdout.flush()
