"""Says what is behind an error of the user's code, where that is something that LLM-REPL does."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from llm_repl_core.kernels.pending import PendingVariables

__all__ = ["explain_results", "explained", "memory_sentence"]

_KEY_NAME = re.compile(r"\b(?:[A-Z][A-Z0-9_]*_API_KEY|LLM_REPL_TOKEN)\b")
_NO_MEMORY = ("Cannot allocate memory", "can't start new thread", "std::bad_alloc")


def explained(
    failure: tuple[str, str, list[str]],
    *,
    environment: Mapping[str, str],
    memory_limit_bytes: int = 0,
    pending: Callable[[str], str],
) -> tuple[str, str, list[str]]:
    """An error of a cell with a sentence added, where there is something to explain.

    Args:
        failure: The exception's class name, its text and the traceback's lines.
        environment: The code's own.
        memory_limit_bytes: Of the kernel; 0: it has none.
        pending: Tells why a variable that an error's text is about has no value; nothing where it is
            about none.
    """
    ename, evalue, lines = failure
    sentence = _sentence(ename, evalue, environment, memory_limit_bytes, pending)
    if not sentence:
        return failure
    return ename, _with(evalue, sentence), [*lines, sentence]


def explain_results(
    results: Sequence[dict[str, Any]],
    *,
    environment: Mapping[str, str],
    memory_limit_bytes: int = 0,
    pending: PendingVariables,
) -> None:
    """Add the same sentences to what became of expressions that raised.

    Where one names a variable that there is not, those that get their values later are named among
    the others: in order they would be there.

    Args:
        results: Of `llm_repl_core.kernels.evaluation.evaluate_all`; they are changed.
        environment: See `explained`.
        memory_limit_bytes: See `explained`.
        pending: The variables that get their values later.
    """
    for failed in [result for result in results if result["type"] == "failed"]:
        ename, evalue = failed["ename"], failed["evalue"]
        sentence = _sentence(ename, evalue, environment, memory_limit_bytes, pending.explanation)
        if sentence:
            failed |= {"evalue": _with(evalue, sentence), "names": [], "is_explained": True}
        elif ename == "NameError":
            to_come = {name for name in pending.names if not name.startswith("_")}
            failed["names"] = sorted({*failed["names"], *to_come})


def _with(evalue: str, sentence: str) -> str:
    return f"{evalue}. {sentence}" if evalue else sentence


def _sentence(
    ename: str,
    evalue: str,
    environment: Mapping[str, str],
    memory_limit_bytes: int,
    pending: Callable[[str], str],
) -> str:
    """What there is to explain of an error; empty where there is nothing."""
    sentence = pending(evalue)
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
    return sentence


def memory_sentence(limit_bytes: int) -> str:
    """What to do where memory has run out."""
    if not limit_bytes:
        return "Memory ran out: work on less at a time."
    return (
        f"The kernel may use {limit_bytes / 1e9:.2g} GB of memory: raise the setting "
        "`kernel_memory_limit_bytes` (0: no limit), or work on less at a time."
    )
