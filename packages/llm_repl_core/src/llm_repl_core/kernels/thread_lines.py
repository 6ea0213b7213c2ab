"""Keeps the lines of threads that print at the same time whole."""

from __future__ import annotations

import time
from collections.abc import Callable

__all__ = ["ThreadLines"]

_PATIENCE_S = 1.0
_PATIENCE_LOOKS = 50
"""How long an open line holds others back, and for how many looks at least.

On a busy machine a thread may wait for seconds between two pieces of its line; but then who looks
waits as well.
"""


class ThreadLines:
    """Text of several threads on its way to one place, line by line.

    ``print`` writes a line in several pieces. Of each stream one thread at a time has an open
    line, whose text goes on at once; what the others write meanwhile waits for the line's end,
    or until `tick` finds that the line has been open for long.

    Not protected against threads itself: who calls it holds a lock.

    Args:
        pass_on: Gets the stream and the text.
    """

    def __init__(self, pass_on: Callable[[str, str], None]) -> None:
        self._pass_on = pass_on
        self._owners: dict[str, int] = {}
        self._held: dict[tuple[str, int], list[str]] = {}
        self._open_since: dict[str, tuple[float, int]] = {}
        """By stream: when a tick saw its open line hold others back first, and how many did since."""

    @property
    def waiting(self) -> bool:
        """Whether some text waits for a line's end."""
        return bool(self._held)

    def write(self, stream: str, text: str, thread: int) -> None:
        """Take text, not empty, of a thread."""
        owner = self._owners.get(stream)
        if owner is None:
            self._pass_on(stream, text)
            if text[-1] != "\n":
                self._owners[stream] = thread
        elif owner != thread:
            self._held.setdefault((stream, thread), []).append(text)
        else:
            self._pass_on(stream, text)
            if text[-1] == "\n":
                del self._owners[stream]
                if self._open_since:
                    self._open_since.pop(stream, None)
                if self._held:
                    self._release_lines(stream)

    def tick(self) -> None:
        """Let nobody wait for a line that has been open for long."""
        if not self._held:
            return
        now = time.monotonic()
        for stream in list(self._owners):
            since, looks = self._open_since.get(stream, (now, 0))
            if now - since >= _PATIENCE_S and looks >= _PATIENCE_LOOKS:
                self._release_all(stream)
            else:
                self._open_since[stream] = since, looks + 1

    def settle(self) -> None:
        """Pass on everything; no line is open then."""
        for stream in {stream for stream, _ in self._held}:
            self._release_all(stream)
        self._owners.clear()
        self._open_since.clear()

    def _release_lines(self, stream: str) -> None:
        """Pass on the whole lines that wait, and begin the next open one."""
        rests: list[tuple[tuple[str, int], str]] = []
        for key in self._keys(stream):
            text = "".join(self._held.pop(key))
            end = text.rfind("\n") + 1
            if end:
                self._pass_on(stream, text[:end])
            if end < len(text):
                rests.append((key, text[end:]))
        for key, rest in rests:
            if stream not in self._owners:
                self._pass_on(stream, rest)
                self._owners[stream] = key[1]
            else:
                self._held[key] = [rest]

    def _release_all(self, stream: str) -> None:
        for key in self._keys(stream):
            self._pass_on(stream, "".join(self._held.pop(key)))
        self._owners.pop(stream, None)
        self._open_since.pop(stream, None)

    def _keys(self, stream: str) -> list[tuple[str, int]]:
        return [key for key in self._held if key[0] == stream]
