"""The outputs of a cell on their way out: in order, joined, and bounded."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from typing import Any

from llm_repl_core.kernels.mime import clean_bundle
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
        self._over = False
        self.pending_bytes = 0

    def begin(self) -> None:
        """A new cell begins: it has the whole limit again."""
        with self.lock:
            self._left = max(self._limit_bytes - self.pending_bytes, 0)
            self._over = False

    def write(self, stream: str, text: str) -> None:
        """Add text of ``stdout`` or ``stderr``."""
        if not text:
            return
        size = len(text) if text.isascii() else len(text.encode("utf-8", "backslashreplace"))
        with self.lock:
            if size > self._left:
                text, _ = cut_text(text, self._left)
                size = self._left
                if text:
                    self._add_piece(stream, text, size)
                self._say_over()
            else:
                self._add_piece(stream, text, size)

    def display(self, data: Mapping[str, Any], metadata: Mapping[str, Any] | None = None) -> None:
        """Add a MIME bundle."""
        bundle, size = clean_bundle(data, self._limit_bytes)
        notes, notes_size = clean_bundle(metadata or {}, self._limit_bytes)
        with self.lock:
            if size + notes_size > self._left:
                self._say_over()
                return
            self._left -= size + notes_size
            self.append(Output.display(bundle, notes), size + notes_size)

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
        ename, evalue = cut_text(ename, 200)[0], cut_text(evalue, _TRACEBACK_LIMIT_BYTES // 2)[0]
        self.append(Output.error(ename, evalue, lines))

    def append(self, output: Output, size: int = 0) -> None:
        """Add an output that is valid already; its size is not charged to the cell."""
        with self.lock:
            self._close_stream()
            self._outputs.append(output)
            self.pending_bytes += size

    def take(self) -> list[Output]:
        """Everything that was added since, in order; the buffer is empty then."""
        with self.lock:
            self._close_stream()
            outputs, self._outputs = self._outputs, []
            self.pending_bytes = 0
            return outputs

    def _add_piece(self, stream: str, text: str, size: int) -> None:
        if stream != self._stream:
            self._close_stream()
            self._stream = stream
        self._pieces.append(text)
        self._left -= size
        self.pending_bytes += size

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
