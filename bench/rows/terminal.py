"""How soon somebody can type."""

from __future__ import annotations

import os
import pty
import select
import signal
import subprocess
import time
from collections.abc import Iterator, Sequence

from bench.harness import Sample, at_most, row
from bench.programs import command

_LIMIT_S = 60.0


def _until_prompt(arguments: Sequence[str], prompt: bytes) -> Sample:
    """Start a program in a terminal; how long until its prompt is seen, in seconds."""

    def sample() -> float:
        ours, theirs = pty.openpty()
        begun_s = time.perf_counter()
        process = subprocess.Popen(
            arguments,
            stdin=theirs,
            stdout=theirs,
            stderr=theirs,
            start_new_session=True,
            env=os.environ | {"TERM": "xterm-256color"},
        )
        os.close(theirs)
        try:
            seen = b""
            while prompt not in seen:
                left_s = begun_s + _LIMIT_S - time.perf_counter()
                if left_s <= 0 or not select.select([ours], [], [], left_s)[0]:
                    raise TimeoutError(f"{arguments[0]} showed no prompt within {_LIMIT_S:g} s")
                seen += os.read(ours, 65536)
            return time.perf_counter() - begun_s
        finally:
            os.close(ours)
            process.send_signal(signal.SIGKILL)
            process.wait()

    return sample


@row(what="start to prompt of `llm-repl`", against="`ipython`", goal=at_most("0.5"), rounds=11)
def start_to_prompt() -> Iterator[tuple[Sample, Sample]]:
    ours = _until_prompt([command("llm-repl")], b"py>")
    yield ours, _until_prompt([command("ipython"), "--no-banner"], b"]: ")
