"""Starting the programs that are measured, and ending them, by their process ids alone."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO

__all__ = ["command", "free_port", "listens", "run_to_end", "running", "wait_until"]

_START_TIMEOUT_S = 30.0
_STOP_TIMEOUT_S = 8.0


def command(name: str) -> str:
    """The path of a command that is installed beside this Python."""
    return str(Path(sys.executable).with_name(name))


def free_port() -> int:
    """A port of the loopback interface that nobody has at this moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def listens(port: int) -> bool:
    """Whether somebody accepts connections at a port of the loopback interface."""
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def wait_until(
    holds: Callable[[], bool], *, what: str, timeout_s: float = _START_TIMEOUT_S, every_s: float
) -> None:
    """Wait for a condition.

    Raises:
        TimeoutError: It did not come to hold.
    """
    deadline = time.perf_counter() + timeout_s
    while not holds():
        if time.perf_counter() > deadline:
            raise TimeoutError(f"{what}: not within {timeout_s:g} s")
        time.sleep(every_s)


def run_to_end(arguments: Sequence[str], *, timeout_s: float = 120.0) -> None:
    """Run a program whose output goes nowhere.

    Raises:
        RuntimeError: It failed; the message has its last words.
        subprocess.TimeoutExpired: It did not end.
    """
    with tempfile.TemporaryFile() as words:
        done = subprocess.run(
            arguments,
            check=False,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=words,
            timeout=timeout_s,
        )
        if done.returncode != 0:
            raise RuntimeError(f"{arguments[0]} ended with {done.returncode}: {_end_of(words)}")


@contextmanager
def running(arguments: Sequence[str], *, port: int) -> Iterator[int]:
    """Run a server, from when it accepts connections until the end; gives its process id.

    Raises:
        RuntimeError: It ended instead; the message has its last words.
        TimeoutError: It did not come up.
    """
    with tempfile.TemporaryFile() as words:
        process = subprocess.Popen(
            arguments,
            stdin=subprocess.DEVNULL,
            stdout=words,
            stderr=words,
            start_new_session=True,
        )
        try:

            def came_up() -> bool:
                if process.poll() is not None:
                    raise RuntimeError(f"{arguments[0]} ended: {_end_of(words)}")
                return listens(port)

            wait_until(came_up, what=f"the start of {arguments[0]}", every_s=0.05)
            yield process.pid
        finally:
            _end(process)


def _end_of(words: IO[bytes]) -> str:
    words.seek(0)
    return words.read().decode(errors="replace").strip()[-300:]


def _end(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(_STOP_TIMEOUT_S)
    # The process leads a group of its own, in which its children are.
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait(_STOP_TIMEOUT_S)
