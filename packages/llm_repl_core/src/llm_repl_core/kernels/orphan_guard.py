"""Ends a kernel whose owner was killed, and could not end it itself."""

from __future__ import annotations

import contextlib
import subprocess

__all__ = ["OrphanGuard"]

_PROGRAM = 'read -r _ || kill -s KILL -- "-$1"'
"""Its input ends without a line where the owner has ended without a word."""


class OrphanGuard:
    """A small process that outlives this one, to end a process group in its place.

    Kernels look for themselves whether their owner is there, but in a thread, which does not run
    while C code holds Python's lock.

    Args:
        group: The id of the process group.

    Raises:
        OSError: There is no shell, or no room for a process.
    """

    def __init__(self, group: int) -> None:
        # Of its own session: what ends this process's group or terminal does not end it.
        self._process = subprocess.Popen(  # noqa: S603  a fixed program and a number
            ["/bin/sh", "-c", _PROGRAM, "sh", str(group)],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            env={},
            start_new_session=True,
        )

    def release(self) -> None:
        """Let it end, and end nothing; may be called twice."""
        with contextlib.suppress(OSError, ValueError):
            self._process.communicate(b"\n")
