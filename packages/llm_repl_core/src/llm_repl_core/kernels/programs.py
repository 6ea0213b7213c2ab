"""Runs the programs that a cell calls by ``!``: nothing to type, nothing to page, plain lines.

Stands alone, as its text is also sent into kernels whose environment does not have this package
(see `llm_repl_core.kernels.jupyter.source`).
"""

from __future__ import annotations

import codecs
import contextlib
import os
import select
import subprocess
import sys
import time

__all__ = ["PLAIN_PAGERS", "run_program_of_cell"]

PLAIN_PAGERS = {"PAGER": "cat", "GIT_PAGER": "cat", "MANPAGER": "cat", "SYSTEMD_PAGER": "cat"}
"""What keeps programs from waiting for somebody to press a key."""

_READ_BYTES = 64 * 1024
_LOOK_S = 0.1
_END_S = 1.0


def run_program_of_cell(command: str) -> int:
    """Run a command by the shell and print what it prints, as it comes.

    It has no terminal and an empty standard input, so that what wants to ask fails instead of
    waiting. A program that it leaves in the background does not hold up the cell.

    Args:
        command: For the system's shell.

    Returns:
        The exit code; the negative number of the signal that ended it.

    Raises:
        KeyboardInterrupt: It was interrupted, and has ended.
    """
    process = subprocess.Popen(  # noqa: S602  a shell's command is what the user wrote
        command,
        shell=True,
        executable=os.environ.get("SHELL") or None,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        # Python holds lines back that go to a pipe.
        env={"PYTHONUNBUFFERED": "1", **PLAIN_PAGERS, **os.environ},
    )
    try:
        _print_output(process)
        return process.wait()
    finally:
        _end(process)


def _print_output(process: subprocess.Popen[bytes]) -> None:
    assert process.stdout is not None
    reading = process.stdout.fileno()
    decoder = codecs.getincrementaldecoder("utf-8")("replace")
    while True:
        has_ended = process.poll() is not None
        if not select.select([reading], [], [], 0 if has_ended else _LOOK_S)[0]:
            if has_ended:
                break  # what it left in the background may keep the pipe open for ever
            continue
        data = os.read(reading, _READ_BYTES)
        _print(decoder.decode(data, final=not data))
        if not data:
            break


def _print(text: str) -> None:
    sys.stdout.write(text)
    sys.stdout.flush()


def _end(process: subprocess.Popen[bytes]) -> None:
    """End it where it was interrupted: it may have had the interrupt, too, and tidies up."""
    deadline = time.monotonic() + _END_S
    while process.poll() is None and time.monotonic() < deadline:
        with contextlib.suppress(KeyboardInterrupt):
            time.sleep(_LOOK_S / 10)
    if process.poll() is None:
        process.kill()
        process.wait()
    if process.stdout is not None:
        process.stdout.close()
