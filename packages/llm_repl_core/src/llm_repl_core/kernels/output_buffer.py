"""The outputs of a cell on their way out: in order, joined, and bounded."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Mapping
from types import FrameType
from typing import Any

from llm_repl_core.kernels.mime import clean_bundle
from llm_repl_core.kernels.on_stack import current_frame, is_on_stack
from llm_repl_core.kernels.shortening import SHORT_CHARACTERS, shortened
from llm_repl_core.kernels.stream_text import StreamText, utf8_size
from llm_repl_core.kernels.terminal_text import goes_back
from llm_repl_core.kernels.thread_lines import ThreadLines
from llm_repl_core.kernels.values import cut_text
from llm_repl_core.model.output import Output
from llm_repl_core.model.output_changes import DisplayUpdate, OutputChange, OutputReset

__all__ = ["OutputBuffer"]

_TRACEBACK_LIMIT_BYTES = 200_000


class OutputBuffer:
    """Collects outputs, and changes of outputs, until somebody takes them. Any thread may write.

    What is changed or cleared before it was taken is never told, so that a million updates between
    two takes are one.

    Args:
        limit_bytes: Of one cell, in UTF-8, over text and display data, as they stand there in the
            end. What is over it is dropped, and one ``warning`` output says so; of a display that
            is over it, the beginning and the end of its text stay. Errors always get through.

    Attributes:
        limit_bytes: As given.
        written: Streams and texts that the thread which made the buffer has written, and nobody has
            looked at: it may append here without the lock, and whoever has the lock takes them in.
    """

    def __init__(self, limit_bytes: int) -> None:
        # Re-entrant, because a signal's handler may print while the main thread is in here.
        self.lock = threading.RLock()
        self.limit_bytes = limit_bytes
        self.written: deque[tuple[str, str]] = deque()
        self._writer = threading.get_ident()
        self._absorbing: FrameType | None = None
        """The call that takes in what was written; it may have ended by an error."""
        self._left = limit_bytes
        self._changes: list[OutputChange] = []
        self._text: StreamText | None = None
        self._lines = ThreadLines(self._add_piece)
        self._updates: dict[str, int] = {}
        """By display id: where among the changes its update stands."""
        self._sizes: dict[str, int] = {}
        """By display id: how many bytes the cell was charged for it."""
        self._clear_waits = False
        self._over = False
        self._last_text: StreamText | None = None
        """With which the outputs of a cell have ended, if so."""
        self.pending_bytes = 0

    def begin(self) -> None:
        """A new cell begins: it has the whole limit again."""
        with self.lock:
            self.absorb()
            self._left = max(self.limit_bytes - self.pending_bytes, 0)
            self._sizes.clear()
            self._clear_waits = self._over = False

    def end(self) -> None:
        """The cell has ended: what waits for more waits no longer."""
        with self.lock:
            self.absorb()
            self._lines.settle()
            self._last_text = self._text
            self._end_text()

    def continued(self) -> OutputBuffer:
        """A buffer for what the cell gives that has just ended: within its limit, in its last line."""
        buffer = OutputBuffer(self.limit_bytes)
        buffer._left, buffer._over = self._left, self._over
        buffer._text, buffer._sizes = self._last_text, dict(self._sizes)
        return buffer

    def write(self, stream: str, text: str) -> None:
        """Add text of ``stdout`` or ``stderr``; lines of several threads stay whole."""
        with self.lock:
            self.write_with_lock(stream, text)

    def write_with_lock(self, stream: str, text: str) -> None:
        """As `write`, for who holds the lock already."""
        self.absorb()
        self._write_line(stream, text, threading.get_ident())

    def absorb(self) -> None:
        """Take in what was `written`; for who holds the lock.

        A signal's handler may print in the midst of it: that is taken in as well, behind the rest.
        """
        written = self.written
        if not written or is_on_stack(self._absorbing):
            return
        self._absorbing = current_frame()
        try:
            while written:
                stream, text = written.popleft()
                pieces = [text]
                while written and written[0][0] == stream:
                    pieces.append(written.popleft()[1])
                text = "".join(pieces)
                end = text.rfind("\n") + 1
                # Up to the end of a line first: other threads' lines may wait for it.
                for part in (text[:end], text[end:]):
                    self._write_line(stream, part, self._writer)
        finally:
            self._absorbing = None

    def _write_line(self, stream: str, text: str, thread: int) -> None:
        def write(stream: str, text: str) -> None:
            self._lines.write(stream, text, thread)

        size = len(text) if text.isascii() else utf8_size(text)
        if size > self._left:
            self._write_what_fits(stream, text, write)
        elif size:
            self._left -= size
            self.pending_bytes += size
            write(stream, text)

    def write_raw(self, stream: str, text: str) -> None:
        """Add text that is of no thread: what programs have written, as it came."""
        size = utf8_size(text)
        with self.lock:
            self.absorb()
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
        display_id: str | None = None,
        update: bool = False,
    ) -> None:
        """Add a MIME bundle.

        Args:
            data: MIME type to value.
            metadata: MIME type to what is to be known besides.
            is_result: Whether it shows the value of the cell's last expression.
            display_id: By which it can be updated.
            update: Whether to put it in the place of what has that id, in whatever cell; without an
                id it is shown as it is.
        """
        update = update and display_id is not None
        bundle, size = clean_bundle(data, self.limit_bytes)
        notes, notes_size = clean_bundle(metadata or {}, self.limit_bytes)
        size += notes_size
        output = Output.display(bundle, notes, is_result=is_result, display_id=display_id)
        with self.lock:
            self.absorb()
            self._settle_waiting()
            if not update:
                self._do_waiting_clear()
            charged = self._sizes.get(display_id or "", 0) if update else 0
            is_over = size - charged > self._left
            if is_over:
                # Its text alone, in short, says more than that there was something.
                text = shortened(output.content, min(SHORT_CHARACTERS, self._left + charged))
                size = utf8_size(text)
                output = Output.display(
                    {"text/plain": text}, is_result=is_result, display_id=display_id
                )
            if is_over and (not size or size - charged > self._left):
                self._say_over()
                return
            self._left -= size - charged
            if display_id is not None:
                before = 0 if update else self._sizes.get(display_id, 0)
                self._sizes[display_id] = before + size
            if update:
                self._update(output)
            else:
                self.append(output, size)
            if is_over:
                self._say_over()

    def clear(self, *, wait: bool = False) -> None:
        """Remove all outputs of the cell.

        Args:
            wait: Whether to do so when the next one comes.
        """
        with self.lock:
            self.absorb()
            self._lines.settle()
            self._end_text()
            self._clear_waits = True
            if not wait:
                self._do_waiting_clear()

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
            self.absorb()
            self._settle_waiting()
            self._end_text()
            self._do_waiting_clear()
            self._changes.append(output)
            self.pending_bytes += size

    @property
    def has_changes(self) -> bool:
        """Whether `take` may give something."""
        return bool(self.pending_bytes or self._changes or self._lines.waiting)

    def tick(self) -> bool:
        """Let no text wait for long for another thread's line; whether some waits on."""
        with self.lock:
            self.absorb()
            self._lines.tick()
            return self._lines.waiting

    def take(self) -> list[OutputChange]:
        """What has come since, in order, but for lines that wait for another thread's."""
        with self.lock:
            self.absorb()
            self._take_text()
            changes, self._changes = self._changes, []
            self._updates.clear()
            self.pending_bytes = 0
            return changes

    # Text --------------------------------------------------------------------------------------

    def _add_piece(self, stream: str, text: str) -> None:
        current = self._text
        if current is None or current.stream != stream:
            self._end_text()
            self._do_waiting_clear()
            current = self._text = StreamText(stream)
        current.pieces.append(text)

    def _write_what_fits(self, stream: str, text: str, write: Callable[[str, str], None]) -> None:
        """Add what fits of a text that, as it came, does not."""
        self._do_waiting_clear()  # which makes room
        if self._over:
            return
        # What went back in its line takes less than was charged for it.
        self._fold(final=False)
        if not goes_back(text):
            piece = cut_text(text, self._left)[0]
            self._charge(stream, piece, write)
            if piece != text:
                self._say_over()
            return
        for begin in range(0, len(text), self.limit_bytes):
            self._charge(stream, text[begin : begin + self.limit_bytes], write)
            if self._left < 0:
                self._say_over()
                return

    def _charge(self, stream: str, text: str, write: Callable[[str, str], None]) -> None:
        """Add text, and charge the cell for what there is to see of it."""
        if text:
            size = utf8_size(text)
            self._left -= size
            self.pending_bytes += size
            write(stream, text)
            self._lines.settle()
            self._fold(final=False)

    def _fold(self, *, final: bool) -> None:
        if self._text is not None and self._text.pieces:
            self._left += self._text.fold(final=final)

    def _take_text(self) -> None:
        self._fold(final=False)
        change = None if self._text is None else self._text.take()
        if change is not None:
            self._changes.append(change)

    def _end_text(self) -> None:
        if self._text is not None:
            self._fold(final=True)
            self._take_text()
            self._text = None

    def _settle_waiting(self) -> None:
        if self._lines.waiting:
            self._lines.settle()  # what this thread has written stands before what comes now

    # Changes -----------------------------------------------------------------------------------

    def _update(self, output: Output) -> None:
        display_id = output.display_id
        assert display_id is not None
        for index, change in enumerate(self._changes):
            if isinstance(change, Output) and change.display_id == display_id:
                self._changes[index] = output
        index = self._updates.get(display_id, len(self._changes))
        if index == len(self._changes):
            self._updates[display_id] = index
            self._changes.append(DisplayUpdate(output))
        else:
            self._changes[index] = DisplayUpdate(output)

    def _do_waiting_clear(self) -> None:
        if not self._clear_waits:
            return
        self._clear_waits = self._over = False
        # Updates may be of other cells' outputs.
        updates = [change for change in self._changes if isinstance(change, DisplayUpdate)]
        self._changes = [*updates, OutputReset()]
        self._updates = {
            update.output.display_id or "": index for index, update in enumerate(updates)
        }
        self._sizes.clear()
        self._left = self.limit_bytes
        self.pending_bytes = 0

    def _say_over(self) -> None:
        if not self._over:
            self._over = True
            self.append(
                Output.warning(
                    f"The cell's output went over {self.limit_bytes:,} bytes; the rest was dropped."
                )
            )
        self._left = 0
