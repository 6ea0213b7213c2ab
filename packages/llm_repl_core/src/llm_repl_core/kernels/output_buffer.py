"""The outputs of a cell on their way out: in order, joined, and bounded."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from typing import Any

from llm_repl_core.kernels.mime import clean_bundle
from llm_repl_core.kernels.thread_lines import ThreadLines
from llm_repl_core.kernels.values import clean_text, cut_text
from llm_repl_core.model.output import Output

__all__ = ["OutputBuffer"]

_TRACEBACK_LIMIT_BYTES = 200_000


class OutputBuffer:
    """Collects outputs until somebody takes them. Any thread may write.

    Args:
        limit_bytes: Of one cell, in UTF-8, over text and display data. What is over it is dropped,
            and one ``warning`` output says so. Errors always get through.
    """

    def __init__(self, limit_bytes: int) -> None:
        # Re-entrant, because a signal's handler may print while the main thread is in here.
        self.lock = threading.RLock()
        self._limit_bytes = limit_bytes
        self._left = limit_bytes
        self._outputs: list[Output] = []
        self._stream = ""
        self._pieces: list[str] = []
        self._lines = ThreadLines(self._add_piece)
        self._over = False
        self.pending_bytes = 0

    def begin(self) -> None:
        """A new cell begins: it has the whole limit again."""
        with self.lock:
            self._left = max(self._limit_bytes - self.pending_bytes, 0)
            self._over = False

    def write(self, stream: str, text: str) -> None:
        """Add text of ``stdout`` or ``stderr``; lines of several threads stay whole."""
        with self.lock:
            self.write_with_lock(stream, text)

    def write_with_lock(self, stream: str, text: str) -> None:
        """As `write`, for who holds the lock already: here programs that print much spend time."""
        size = len(text) if text.isascii() else len(text.encode("utf-8", "backslashreplace"))
        if size > self._left:
            self._write_what_fits(stream, text, self._lines.write)
        elif size:
            self._left -= size
            self.pending_bytes += size
            self._lines.write(stream, text)

    def write_raw(self, stream: str, text: str) -> None:
        """Add text that is of no thread: what programs have written, as it came."""
        size = len(text.encode("utf-8", "backslashreplace"))
        with self.lock:
            if size > self._left:
                self._write_what_fits(stream, text, self._add_piece)
            elif size:
                self._left -= size
                self.pending_bytes += size
                self._add_piece(stream, text)

    def display(
        self,
        data: Mapping[str, Any],
        metadata: Mapping[str, Any] | None = None,
        *,
        is_result: bool = False,
    ) -> None:
        """Add a MIME bundle.

        Args:
            data: The bundle.
            metadata: What stands beside it.
            is_result: Whether it shows the value of the cell's last expression.
        """
        bundle, size = clean_bundle(data, self._limit_bytes)
        notes, notes_size = clean_bundle(metadata or {}, self._limit_bytes)
        with self.lock:
            if size + notes_size > self._left:
                self._say_over()
                return
            self._left -= size + notes_size
            self.append(Output.display(bundle, notes, is_result=is_result), size + notes_size)

    def error(self, ename: str, evalue: str, traceback: list[str]) -> None:
        """Add a failure; it is bounded by itself, and gets through when the limit is reached."""
        lines: list[str] = []
        left = _TRACEBACK_LIMIT_BYTES
        for line in traceback:
            text, cut = cut_text(line, left)
            lines.append(text)
            left -= len(text)
            if cut or left <= 0:
                lines.append("… (cut)")
                break
        self.settle()
        ename, evalue = cut_text(ename, 200)[0], cut_text(evalue, _TRACEBACK_LIMIT_BYTES // 2)[0]
        self.append(Output.error(ename, evalue, lines))

    def append(self, output: Output, size: int = 0) -> None:
        """Add an output that is valid already; its size is not charged to the cell."""
        with self.lock:
            if self._lines.waiting:
                self._lines.settle()  # what this thread has written stands before it
            self._close_stream()
            self._outputs.append(output)
            self.pending_bytes += size

    def tick(self) -> bool:
        """Let no text wait for long for another thread's line; whether some waits on."""
        with self.lock:
            self._lines.tick()
            return self._lines.waiting

    def settle(self) -> None:
        """Let no text wait any more: the cell has ended."""
        with self.lock:
            self._lines.settle()

    def take(self) -> list[Output]:
        """What was added since, in order, but for lines that wait for another thread's."""
        with self.lock:
            self._close_stream()
            outputs, self._outputs = self._outputs, []
            self.pending_bytes = 0
            return outputs

    def _write_what_fits(self, stream: str, text: str, write: Callable[[str, str], None]) -> None:
        text = cut_text(text, self._left)[0]
        self.pending_bytes += self._left
        if text:
            write(stream, text)
        self._lines.settle()
        self._say_over()

    def _add_piece(self, stream: str, text: str) -> None:
        if stream != self._stream:
            self._close_stream()
            self._stream = stream
        self._pieces.append(text)

    def _close_stream(self) -> None:
        if self._pieces:
            text = clean_text("".join(self._pieces))
            self._outputs.append(Output(self._stream, text))
            self._pieces = []
        self._stream = ""

    def _say_over(self) -> None:
        self._left = 0
        if self._over:
            return
        self._over = True
        self.append(
            Output.warning(
                f"The cell's output went over {self._limit_bytes:,} bytes; the rest was dropped."
            )
        )
