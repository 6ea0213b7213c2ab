"""The keyboard between two inputs: what is typed then waits, unseen, for the next one."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Self

__all__ = ["Keyboard"]

_PASTE_ON, _PASTE_OFF = "\x1b[?2004h", "\x1b[?2004l"


class Keyboard:
    """The terminal's keys from the first input to the last. A context manager around them.

    Between two inputs keys are neither shown nor lost, and a paste stays one: it must not run
    anything. Changing the terminal's modes for each input would lose some of what is typed then.

    Args:
        is_dumb: Whether the terminal obeys no escapes.
    """

    def __init__(self, *, is_dumb: bool) -> None:
        self._is_dumb = is_dumb
        self._before: list[Any] | None = None

    def __enter__(self) -> Self:
        self._before = _modes()
        if self._before is not None:
            _set(_quiet(self._before))
        return self

    def __exit__(self, *_: object) -> None:
        if self._before is not None:
            self._write(_PASTE_OFF)
            _set(self._before)

    def expect_pastes(self) -> None:
        """Have a paste be told from what is typed, also now that no input is there to take it."""
        if self._before is not None:
            self._write(_PASTE_ON)

    @contextmanager
    def as_before(self) -> Iterator[None]:
        """Within it, the terminal is as other programs find it."""
        if self._before is None:
            yield
            return
        self._write(_PASTE_OFF)
        _set(self._before)
        try:
            yield
        finally:
            _set(_quiet(self._before))

    def answer(self) -> str:
        """A line that answers a question, seen as it is typed; empty where there is nobody to ask.

        Raises:
            KeyboardInterrupt: Ctrl-C was pressed in place of an answer.
        """
        if self._before is None:
            return ""
        import termios

        # What was typed before the question was seen does not answer it.
        termios.tcflush(sys.stdin.fileno(), termios.TCIFLUSH)
        with self.as_before():
            return sys.stdin.readline().strip()

    def _write(self, text: str) -> None:
        if not self._is_dumb:
            sys.stdout.write(text)
            sys.stdout.flush()


def _quiet(modes: list[Any]) -> list[Any]:
    import termios

    return [*modes[:3], modes[3] & ~(termios.ECHO | termios.ICANON), *modes[4:]]


def _modes() -> list[Any] | None:
    """The terminal's modes; None: it is none, or of a system that has no such modes."""
    if not sys.stdin.isatty():
        return None
    try:
        import termios
    except ImportError:
        return None
    try:
        return termios.tcgetattr(sys.stdin.fileno())
    except termios.error:
        return None


def _set(modes: list[Any]) -> None:
    import termios

    termios.tcsetattr(sys.stdin.fileno(), termios.TCSADRAIN, modes)
