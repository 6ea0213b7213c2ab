"""Says in a sentence how a kernel's process ended."""

from __future__ import annotations

import signal

from llm_repl_core.kernels.explanations import memory_sentence

__all__ = ["UNKNOWN_EXIT", "exit_reason"]

UNKNOWN_EXIT = "The kernel's process ended; how is not known."


def exit_reason(status: int, *, memory_limit_bytes: int = 0) -> str:
    """The sentence.

    Args:
        status: The exit code, or the negative number of a signal.
        memory_limit_bytes: Of the process; 0: it had none.
    """
    if status >= 0:
        return f"The kernel's process ended with exit code {status}."
    try:
        name = signal.Signals(-status).name
    except ValueError:
        name = "unknown"
    sentence = f"The kernel's process was killed by signal {-status} ({name})"
    if status == -signal.SIGKILL:
        return f"{sentence}; most often that means that memory ran out." + _limit(
            memory_limit_bytes
        )
    if status in (-signal.SIGSEGV, -signal.SIGBUS, -signal.SIGABRT):
        return f"{sentence}; most often that means a defect in code that is not Python." + _limit(
            memory_limit_bytes
        )
    return f"{sentence}."


def _limit(limit_bytes: int) -> str:
    # Not all code that is not Python can be told that there is no memory: some just dies.
    return f" {memory_sentence(limit_bytes)}" if limit_bytes else ""
