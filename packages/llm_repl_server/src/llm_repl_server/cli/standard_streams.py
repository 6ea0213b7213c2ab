"""Standard input, output and error of a command, whatever they lead to."""

from __future__ import annotations

import io
import os
import sys
from contextlib import suppress
from typing import Literal, TextIO

__all__ = ["PIPE_CLOSED_EXIT_CODE", "discard_output", "prepare_streams"]

PIPE_CLOSED_EXIT_CODE = 141
"""As of a program that SIGPIPE has ended, which is what others do whose reader leaves."""

_FIRM = ("strict", "surrogateescape")
"""Error handlers that refuse a character that the encoding lacks."""


def prepare_streams() -> None:
    """Make the streams such that nothing that is printed ends the command.

    One that is closed leads nowhere from now on; a character that standard output cannot show is
    replaced; and what standard error does not take is lost, as it is about the work and not the
    work.
    """
    for descriptor in range(3):
        _open_if_closed(descriptor)
    if sys.stdin is None:
        sys.stdin = _open_null("r")
    if sys.stdout is None:
        sys.stdout = _open_null("w")
    if isinstance(sys.stdout, io.TextIOWrapper) and sys.stdout.errors in _FIRM:
        sys.stdout.reconfigure(errors="replace")
    if sys.stderr is None:
        sys.stderr = _open_null("w")
    elif type(sys.stderr) is io.TextIOWrapper:
        sys.stderr = _LossyStream(sys.stderr)


def discard_output() -> None:
    """Have what is still to be printed lost: whoever read it has left."""
    # Python flushes it once more at the end, and would complain.
    null = os.open(os.devnull, os.O_WRONLY)
    with suppress(OSError, ValueError):
        os.dup2(null, sys.stdout.fileno())
    os.close(null)


class _LossyStream(io.TextIOWrapper):
    """A text stream that loses what cannot be written.

    Args:
        stream: Takes its place.
    """

    def __init__(self, stream: io.TextIOWrapper) -> None:
        super().__init__(
            stream.buffer, encoding=stream.encoding, errors=stream.errors, line_buffering=True
        )
        self._replaced = stream  # or it would close the buffer when it is collected

    def write(self, text: str, /) -> int:
        with suppress(OSError):
            return super().write(text)
        return len(text)

    def flush(self) -> None:
        with suppress(OSError):
            super().flush()


def _open_if_closed(descriptor: int) -> None:
    """Have a closed descriptor lead nowhere, or the next file that is opened would get it."""
    try:
        os.fstat(descriptor)
    except OSError:
        opened = os.open(os.devnull, os.O_RDWR)
        if opened != descriptor:
            os.dup2(opened, descriptor)
            os.close(opened)
        os.set_inheritable(descriptor, True)  # as the standard streams are


def _open_null(mode: Literal["r", "w"]) -> TextIO:
    from pathlib import Path  # a twentieth of what `--version` takes, and seldom needed

    return Path(os.devnull).open(mode, encoding="utf-8", errors="replace")
