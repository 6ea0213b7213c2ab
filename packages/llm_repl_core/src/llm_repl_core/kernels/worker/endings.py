"""Says in a sentence how a kernel's process ended."""

from __future__ import annotations

import signal

__all__ = ["UNKNOWN_ENDING", "how_it_ended"]

UNKNOWN_ENDING = "The kernel's process ended; how is not known."


def how_it_ended(status: int) -> str:
    """The sentence.

    Args:
        status: The exit code, or the negative number of a signal.
    """
    if status >= 0:
        return f"The kernel's process ended with exit code {status}."
    try:
        name = signal.Signals(-status).name
    except ValueError:
        name = "unknown"
    sentence = f"The kernel's process was killed by signal {-status} ({name})"
    if status == -signal.SIGKILL:
        return f"{sentence}; most often that means that memory ran out."
    if status in (-signal.SIGSEGV, -signal.SIGBUS, -signal.SIGABRT):
        return f"{sentence}; most often that means a defect in code that is not Python."
    return f"{sentence}."
