"""What ``sys.stdout`` and ``sys.stderr`` are while a cell runs."""

from __future__ import annotations

import codecs
import io
import threading
from collections.abc import Callable
from typing import Any

__all__ = ["CapturedStream"]


class _ByteSink(io.RawIOBase):
    """Takes the bytes that are written to ``sys.stdout.buffer``."""

    def __init__(
        self, write_text: Callable[[str], object], flush: Callable[[], None] | None
    ) -> None:
        super().__init__()
        self._write_text = write_text
        self._flush = flush
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self.lock = threading.RLock()

    def writable(self) -> bool:
        return True

    def write(self, data: Any) -> int:
        view = memoryview(data)
        with self.lock:  # a character may come in two pieces
            self._write_text(self._decoder.decode(view.tobytes()))
        return view.nbytes

    def flush(self) -> None:
        if self._flush is not None:
            self._flush()


class CapturedStream(io.TextIOBase):
    """A text stream that hands on what is written.

    Args:
        name: ``<stdout>`` or ``<stderr>``.
        write_text: Gets each text.
        descriptor: What ``fileno()`` answers; None: it has none.
        flush: Called by ``flush()``.
    """

    errors = "backslashreplace"
    encoding = "utf-8"

    def __init__(
        self,
        name: str,
        write_text: Callable[[str], object],
        descriptor: int | None = None,
        flush: Callable[[], None] | None = None,
    ) -> None:
        super().__init__()
        self.name = name
        self.buffer = _ByteSink(write_text, flush)
        self._write_text = write_text
        self._descriptor = descriptor
        self._flush = flush

    @property
    def mode(self) -> str:
        """It can only be written to."""
        return "w"

    def write(self, text: str) -> int:
        """Hand on the text, and answer its length."""
        if type(text) is not str:
            if not isinstance(text, str):
                raise TypeError(f"write() argument must be str, not {type(text).__name__}")
            text = str.__str__(text)
        self._write_text(text)
        return len(text)

    def flush(self) -> None:
        """Hand on what waits, where something may."""
        if self._flush is not None:
            self._flush()

    def after_fork(self) -> None:
        """In a forked child no other thread is there that could give a lock back."""
        self.buffer.lock = threading.RLock()

    def writable(self) -> bool:
        """It can be written to."""
        return True

    def isatty(self) -> bool:
        """It is no terminal."""
        return False

    def fileno(self) -> int:
        """The descriptor, where it has one.

        Raises:
            io.UnsupportedOperation: It has none.
        """
        if self._descriptor is None:
            raise io.UnsupportedOperation("fileno")
        return self._descriptor

    def reconfigure(self, **_: Any) -> None:
        """Accepted for scripts that ask for UTF-8, which this always is."""

    def close(self) -> None:
        """A cell can't close its output."""
