"""Says what is behind an error that a cell ends with, where that is something that LLM-REPL does."""

from __future__ import annotations

import re
from collections.abc import Mapping

__all__ = ["explained", "memory_sentence"]

_KEY_NAME = re.compile(r"\b(?:[A-Z][A-Z0-9_]*_API_KEY|LLM_REPL_TOKEN)\b")
_NO_MEMORY = ("Cannot allocate memory", "can't start new thread", "std::bad_alloc")


def explained(
    failure: tuple[str, str, list[str]],
    *,
    environment: Mapping[str, str],
    memory_limit_bytes: int = 0,
    pending: str = "",
) -> tuple[str, str, list[str]]:
    """An error with a sentence added, where there is something to explain.

    Args:
        failure: The exception's class name, its text and the traceback's lines.
        environment: The code's own.
        memory_limit_bytes: Of the kernel; 0: it has none.
        pending: Why a variable that the error is about has no value; empty where it is about none.
    """
    ename, evalue, lines = failure
    sentence = pending
    key = next((name for name in _KEY_NAME.findall(evalue) if name not in environment), None)
    if sentence:
        pass
    elif ename.endswith("MemoryError") or any(words in evalue for words in _NO_MEMORY):
        sentence = memory_sentence(memory_limit_bytes)
    elif key is not None:
        sentence = (
            f"{key} is kept from code, as all keys of providers are. To let one in, start LLM-REPL "
            f"with a copy under another name (`MY_SECRET=${key} llm-repl …`), and read that."
        )
    if not sentence:
        return failure
    return ename, f"{evalue}. {sentence}" if evalue else sentence, [*lines, sentence]


def memory_sentence(limit_bytes: int) -> str:
    """What to do where memory has run out."""
    if not limit_bytes:
        return "Memory ran out: work on less at a time."
    return (
        f"The kernel may use {limit_bytes / 1e9:.2g} GB of memory: raise the setting "
        "`kernel_memory_limit_bytes` (0: no limit), or work on less at a time."
    )
