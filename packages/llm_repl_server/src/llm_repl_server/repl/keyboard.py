"""The keyboard while something runs: what is typed then waits, unseen, for the next input."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

__all__ = ["keep_typed", "read_answer"]

_PASTE_ON, _PASTE_OFF = "\x1b[?2004h", "\x1b[?2004l"


@contextmanager
def keep_typed(*, is_dumb: bool) -> Iterator[None]:
    """Within it, keys are neither shown nor lost, and a paste stays one: it must not run anything.

    Args:
        is_dumb: Whether the terminal obeys no escapes.
    """
    modes = _modes()
    if modes is None:
        yield
        return
    import termios

    changed = [*modes[:3], modes[3] & ~(termios.ECHO | termios.ICANON), *modes[4:]]
    _set(changed)
    if not is_dumb:
        _write(_PASTE_ON)
    try:
        yield
    finally:
        if not is_dumb:
            _write(_PASTE_OFF)
        _set(modes)


def read_answer() -> str:
    """A line that answers a question, seen as it is typed; empty where there is nobody to ask.

    Raises:
        KeyboardInterrupt: Ctrl-C was pressed in place of an answer.
    """
    modes = _modes()
    if modes is None:
        return ""
    import termios

    # What was typed before the question was seen does not answer it.
    termios.tcflush(sys.stdin.fileno(), termios.TCIFLUSH)
    _set([*modes[:3], modes[3] | termios.ECHO | termios.ICANON, *modes[4:]])
    try:
        return sys.stdin.readline().strip()
    finally:
        _set(modes)


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


def _write(text: str) -> None:
    sys.stdout.write(text)
    sys.stdout.flush()
