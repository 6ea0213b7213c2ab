"""Asks a kernel for what `llm_repl_core.kernels.inspection` tells of the user's objects."""

from __future__ import annotations

from llm_repl_core.kernels.asking import HELPERS, NAMESPACE, ask
from llm_repl_core.kernels.base import Failed

__all__ = ["HELPERS", "NAMESPACE", "NAMES_SHOWN", "ask", "listed", "reason"]

NAMES_SHOWN = 20


def listed(names: list[str], none: str) -> str:
    """Names for the end of a sentence, a bounded number of them."""
    more = len(names) - NAMES_SHOWN
    shown = ", ".join(names[:NAMES_SHOWN]) or none
    return f"{shown} (… and {more} more)" if more > 0 else shown


def reason(failed: Failed) -> str:
    """What an exception says, for the middle of a sentence."""
    return f"{failed.ename}: {failed.evalue.rstrip('.')}" if failed.evalue else failed.ename
