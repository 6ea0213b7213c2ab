"""Everything that a worker's code prints, through Python or not, on its way into frames."""

from __future__ import annotations

import codecs
import contextlib
import os
import select
import sys
import threading
import time
from collections.abc import Callable, Iterator
from threading import get_ident
from types import FrameType

from llm_repl_core.kernels.on_stack import current_frame, is_on_stack
from llm_repl_core.kernels.output_buffer import OutputBuffer
from llm_repl_core.kernels.text_stream import CapturedStream
from llm_repl_core.kernels.worker.cell_origin import (
    cell_of_task,
    cell_of_this_code,
    set_cell,
)
from llm_repl_core.kernels.worker.channel import Channel
from llm_repl_core.kernels.worker.interrupts import SigintGate
from llm_repl_core.kernels.worker.protocol import Done, Late, Outputs, encode
from llm_repl_core.kernels.worker.unsent import LastOutput
from llm_repl_core.model.output_changes import OutputChange

__all__ = ["Capture"]

_FLUSH_BYTES = 32 * 1024
_WRITTEN_LIMIT = 128
_SHORT_CHARACTERS = 1000
"""Of a text that is put aside, as many as `_WRITTEN_LIMIT`, until somebody looks at it."""
_BACKLOG_BYTES = 1024 * 1024
_DRAIN_BYTES = 1024 * 1024
_PIPE_READ_BYTES = 64 * 1024
_FLUSH_INTERVAL_S = 0.02
"""Between two flushes of user code that are sent at once, when many follow each other."""
_FLUSH_BURST = 8
_CELLS_REMEMBERED = 256
"""Of how many cells, the last ones, what they give after their end is told."""
_NAMES = {1: "stdout", 2: "stderr"}


class Capture:
    """Collects a worker's output and sends it.

    Text goes out when much has come together, when user code flushes, soon after it was written
    (that is the work of the `Pump`), and at the end of the cell. What a cell's threads and tasks
    give after its end is told as such, also while another cell runs, and so is what programs write
    between cells, as the last one's. What else comes between cells waits for the next one.

    Args:
        buffer: Where it comes together.
        channel: Where it goes.
        gate: Keeps interrupts out of half-done work.
        last_output: Where what was not sent is found when the process has died; None: nowhere.
    """

    def __init__(
        self,
        buffer: OutputBuffer,
        channel: Channel,
        gate: SigintGate,
        last_output: LastOutput | None = None,
    ) -> None:
        self.buffer = buffer
        self.channel = channel
        self.gate = gate
        self.nudge: Callable[[], None] = lambda: None
        self.nudged = False
        """Whether the pump has been nudged, and will look at what was written since."""
        self.pipes: dict[int, int] = {}
        self._decoders: dict[int, codecs.IncrementalDecoder] = {}
        self._cell: int | None = None
        self._tells_late = False
        self._last_cell: int | None = None
        self._late: dict[int, OutputBuffer] = {}
        """By cell: where goes what it gives after its end."""
        self._late_waits = False
        """Whether something of that may wait to be sent."""
        self._main_thread = get_ident()
        self._main_thread_works: FrameType | None = None
        """The main thread's call that is in here; it may have ended by an error."""
        self._next_flush_at = 0.0
        self._in_fork = self._muted = False
        self.is_plain = True
        """Whether what the main thread prints is the cell's, and neither dropped nor collected."""
        self._collected: OutputBuffer | None = None
        self._fork_lines = dict.fromkeys(_NAMES, "")
        self._given_pipes = {} if last_output is None else last_output.pipes
        self._unsent = None if last_output is None else last_output.unsent
        self.note_unsent: Callable[[str, str], bool] = (
            _note_nowhere if last_output is None else last_output.unsent.note
        )

    def install(self) -> None:
        """Take over ``sys.stdout``, ``sys.stderr`` and the descriptors under them."""
        for descriptor in _NAMES:
            reading, writing = self._given_pipes.get(descriptor) or os.pipe()
            os.set_blocking(reading, False)
            os.dup2(writing, descriptor)
            os.close(writing)
            self.pipes[reading] = descriptor
            self._decoders[reading] = codecs.getincrementaldecoder("utf-8")("replace")
        self._poll = self.poll_pipes()
        self._streams = (_Stream(self, 1), _Stream(self, 2))
        sys.stdout, sys.stderr = self._streams
        os.register_at_fork(after_in_child=self._after_fork)

    def poll_pipes(self) -> select.poll:
        """What tells whether programs or C code have written something."""
        poll = select.poll()
        for reading in self.pipes:
            poll.register(reading, select.POLLIN)
        return poll

    def write(self, descriptor: int, text: str) -> None:
        """Take text that was written to ``sys.stdout`` or ``sys.stderr``."""
        if self._muted and get_ident() == self._main_thread:
            return
        if self._in_fork:
            # A child of the user's code: the pipe brings it to the worker like any program's.
            self._write_in_fork(descriptor, text)
            return
        if get_ident() != self._main_thread:
            late = self._late_buffer()
            if late is not None:
                self._write_late(late, descriptor, text)
            else:
                self._write(descriptor, text, _never)
            return
        late = self._late_buffer()
        if late is not None:
            with self.gate:
                self._write_late(late, descriptor, text)
        elif self._collected is not None:
            with self.gate:
                self._collect(self._collected, descriptor, text)
        elif is_on_stack(self._main_thread_works):
            # A signal's handler broke in: what it prints is not to meet half-done work.
            self.note_unsent(_NAMES[descriptor], text)
            self.buffer.written.append((_NAMES[descriptor], text))
            self.nudge()
        else:
            with self.gate:
                self._main_thread_works = current_frame()
                try:
                    self._write_of_main_thread(descriptor, text)
                finally:
                    self._main_thread_works = None

    def nudge_through_gate(self) -> None:
        """Nudge the pump: wholly, whatever interrupts."""
        with self.gate:
            self.nudge()

    @contextlib.contextmanager
    def collecting(self) -> Iterator[OutputBuffer]:
        """Within it, what the main thread and programs show goes to a buffer of its own.

        What other threads print is of the cells that have started them, and waits for the next.
        """
        self.drain_pipes()
        own = self._collected = OutputBuffer(self.buffer.limit_bytes)
        self.is_plain = False
        try:
            yield own
        finally:
            self.drain_pipes()
            self._collected = None
            self.is_plain = not (self._in_fork or self._muted)
            own.end()

    @property
    def buffer_of_thread(self) -> OutputBuffer:
        """Where what this thread displays is to go."""
        if self._collected is not None and get_ident() == self._main_thread:
            return self._collected
        return self._late_buffer() or self.buffer

    def mute(self, muted: bool) -> None:
        """Say whether what the main thread prints is to be dropped."""
        self._muted = muted
        self.is_plain = not (muted or self._in_fork or self._collected is not None)

    def begin(self, cell: int, *, tells_late: bool) -> None:
        """A cell begins; what came since the last one is its first output.

        Args:
            cell: The number of the request.
            tells_late: See `llm_repl_core.kernels.worker.protocol.Execute`.
        """
        self.drain_pipes()
        self.flush_late()
        self.buffer.begin()
        self._cell = cell
        self._tells_late = tells_late
        set_cell(cell if tells_late else None)

    def end(self) -> None:
        """The cell has ended: send the rest, and that it has."""
        self.drain_pipes()
        if self._late_waits:
            # What threads of other cells have given before this end comes before it.
            self.flush()
            self.flush_late()
        with self.buffer.lock:
            self.buffer.end()
            cell, self._cell = self._cell, None
            assert cell is not None
            self.gate.settle()
            late = self.buffer.continued() if self._tells_late else None
            self.channel.put(encode(Done(cell, self._take())))
            self._last_cell = None if late is None else cell
            if late is not None:
                self._late[cell] = late
                if len(self._late) > _CELLS_REMEMBERED:
                    del self._late[next(iter(self._late))]
            set_cell(None)
        self.channel.send_until(0, give_up=_never)

    def flush(self) -> None:
        """Send what has come together, if a cell runs; does not wait."""
        with self.buffer.lock:
            if self._cell is None:
                return
            outputs = self._take()
            if outputs:
                self.channel.put(encode(Outputs(self._cell, outputs)))
        self.channel.send_some()

    def flush_late(self) -> bool:
        """Send what cells have given after their end; whether some of it waits on."""
        if not self._late_waits or self.channel.backlog_bytes > _BACKLOG_BYTES:
            return self._late_waits
        self._late_waits = waits = False
        with self.buffer.lock:
            for cell, buffer in self._late.items():
                if buffer.has_changes:
                    waits |= buffer.tick()
                    if outputs := buffer.take():
                        self.channel.put(encode(Late(cell, outputs)))
        self.channel.send_some()
        self._late_waits |= waits
        return waits

    def flush_by_user(self) -> None:
        """Send at once what is there: what follows may be C code that lets no other thread run.

        Where many flushes follow each other, the `Pump` sends what most of them leave.
        """
        if self._in_fork:
            self._flush_in_fork()
            return
        now = time.monotonic()
        # Two threads at the same time send one message more at worst.
        if self._next_flush_at > now:
            return
        earliest = now - _FLUSH_BURST * _FLUSH_INTERVAL_S
        self._next_flush_at = max(self._next_flush_at, earliest) + _FLUSH_INTERVAL_S
        if get_ident() != self._main_thread:
            self._flush_at_once()
        elif not self.gate.closed and not is_on_stack(
            self._main_thread_works
        ):  # else a handler broke in
            with self.gate:
                self._main_thread_works = current_frame()
                try:
                    self._flush_at_once()
                finally:
                    self._main_thread_works = None

    def drain_pipes(self) -> None:
        """Take what programs and C code have written; any thread may ask for it."""
        with self.buffer.lock:
            self.buffer.absorb()  # was written before, or it would have waited for this
            for reading, descriptor in self.pipes.items():
                self._drain(reading, _NAMES[descriptor])

    def show_in_fork(self, text: str) -> bool:
        """In a child that user code has forked, which can show nothing else, print a text.

        Returns:
            Whether this is such a child.
        """
        if self._in_fork:
            self._write_in_fork(1, f"{text}\n")
        return self._in_fork

    def before_display(self) -> None:
        """Something is about to be displayed: what programs have written stands before it."""
        of_main_thread = get_ident() == self._main_thread  # the only one that is interrupted
        with self.gate if of_main_thread else contextlib.nullcontext(), self.buffer.lock:
            if self._poll.poll(0):
                self.drain_pipes()

    def after_display(self) -> None:
        """Something was displayed: see that it is sent soon."""
        self._after_change(self._is_interrupted)

    def _late_buffer(self) -> OutputBuffer | None:
        """Where what this code gives is to go, as its cell has ended; None: its cell runs."""
        cell = cell_of_this_code()
        if cell is None or cell == self._cell:
            return None
        return self._find_late(cell)

    def _find_late(self, cell: int) -> OutputBuffer | None:
        self._late_waits = True
        return self._late.get(cell)

    def _write_late(self, late: OutputBuffer, descriptor: int, text: str) -> None:
        # Who prints does not wait for the reader: the limit of the cell's output bounds what waits.
        late.write(_NAMES[descriptor], text)
        self.nudge()

    def _take(self) -> list[OutputChange]:
        """What has come together, which is sent at once; under the lock."""
        outputs = self.buffer.take()
        if self._unsent is not None:
            self._unsent.forget()
        return outputs

    def _write_of_main_thread(self, descriptor: int, text: str) -> None:
        buffer = self.buffer
        with buffer.lock:
            if self._poll.poll(0):
                self.drain_pipes()
            self.note_unsent(_NAMES[descriptor], text)
            # Not `write`, in the midst of which a handler might print.
            buffer.written.append((_NAMES[descriptor], text))
            buffer.absorb()
        self._after_change(self._is_interrupted)

    def _write(self, descriptor: int, text: str, give_up: Callable[[], bool]) -> None:
        # One poll object does not stand two threads. Under the lock, text stays behind what this
        # thread's programs have written before.
        buffer = self.buffer
        with buffer.lock:
            if self._poll.poll(0):
                self.drain_pipes()
            self.note_unsent(_NAMES[descriptor], text)
            buffer.write_with_lock(_NAMES[descriptor], text)
        self._after_change(give_up)

    def _collect(self, collected: OutputBuffer, descriptor: int, text: str) -> None:
        with self.buffer.lock:
            if self._poll.poll(0):
                self.drain_pipes()
        collected.write(_NAMES[descriptor], text)

    def _flush_at_once(self) -> None:
        with self.buffer.lock:
            if self._poll.poll(0):
                self.drain_pipes()
        self.flush()
        if self.channel.backlog_bytes:
            self.nudge()  # the pump waits until there is room for it

    def _is_interrupted(self) -> bool:
        return self.gate.pending

    def _after_change(self, give_up: Callable[[], bool]) -> None:
        if self.buffer.pending_bytes < _FLUSH_BYTES:
            self.nudge()
            return
        self.flush()
        if self.channel.backlog_bytes > _BACKLOG_BYTES:
            # The reader is slow: who prints waits, and memory does not grow.
            self.channel.send_until(_BACKLOG_BYTES, give_up)

    def _drain(self, reading: int, stream: str) -> None:
        taken = 0
        while taken < _DRAIN_BYTES:
            try:
                data = os.read(reading, _PIPE_READ_BYTES)
            except BlockingIOError:
                return
            except OSError:
                return
            if not data:
                return
            taken += len(data)
            text = self._decoders[reading].decode(data)
            buffer = self._collected
            if buffer is None and self._cell is None and self._last_cell is not None:
                # Most often it has started the program.
                buffer = self._find_late(self._last_cell)
            if buffer is None:
                buffer = self.buffer
                self.note_unsent(stream, text)
            buffer.write_raw(stream, text)

    def _write_in_fork(self, descriptor: int, text: str) -> None:
        with self.buffer.lock:  # the child's own
            self._fork_lines[descriptor] += text
            if "\n" in text or len(self._fork_lines[descriptor]) > _FLUSH_BYTES:
                self._flush_in_fork()

    def _flush_in_fork(self) -> None:
        """Write what a forked child has printed: whole lines, which don't mix with others'."""
        with self.buffer.lock:
            for descriptor, text in self._fork_lines.items():
                if text:
                    self._fork_lines[descriptor] = ""
                    _write_all(descriptor, text.encode("utf-8", "backslashreplace"))

    def _after_fork(self) -> None:
        self._in_fork = True
        self.is_plain = False
        self.buffer.written.clear()  # the parent's
        self._fork_lines = dict.fromkeys(_NAMES, "")
        self.buffer.lock = threading.RLock()
        self._late = {}  # with locks that others may have had
        for stream in self._streams:
            stream.after_fork()
        self.channel.after_fork()


class _Stream(CapturedStream):
    """What ``sys.stdout`` or ``sys.stderr`` is in a worker. Made in its main thread."""

    def __init__(self, capture: Capture, descriptor: int) -> None:
        super().__init__(
            f"<{_NAMES[descriptor]}>",
            lambda text: capture.write(descriptor, text),
            descriptor,
            capture.flush_by_user,
        )
        self._capture = capture
        self._stream = _NAMES[descriptor]
        self._main_thread = get_ident()
        self._written = capture.buffer.written
        self._note_unsent = capture.note_unsent
        # Its own, as no poll object stands two threads, and a signal's handler may print within it.
        self._poll = capture.poll_pipes().poll

    def write(self, text: str) -> int:
        """See `CapturedStream.write`; here programs that print much spend their time."""
        written = self._written
        try:
            if (
                len(written) < _WRITTEN_LIMIT
                and type(text) is str
                and len(text) <= _SHORT_CHARACTERS
                and get_ident() == self._main_thread
                and self._capture.is_plain
                and ((cell := cell_of_task()) is None or cell == self._capture._cell)
                and not self._poll(0)  # else what programs have written before comes first
                and self._note_unsent(self._stream, text)
            ):
                written.append((self._stream, text))
                if (
                    not self._capture.nudged
                ):  # asked last, as the pump looks at what was written then
                    self._capture.nudge_through_gate()
                return len(text)
        except RuntimeError as error:
            if "concurrent poll" not in str(error):
                raise  # of the user's own handler of a signal
            # A signal came within the poll, and its handler prints.
        return super().write(text)


def _note_nowhere(_stream: str, _text: str) -> bool:
    return True


def _never() -> bool:
    return False


def _write_all(descriptor: int, data: bytes) -> None:
    while data:
        data = data[os.write(descriptor, data) :]
