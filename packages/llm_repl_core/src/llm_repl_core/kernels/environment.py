"""The environment variables that a kernel gets: the caller's, without what could be a key."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from fnmatch import fnmatchcase

__all__ = ["WITHHELD_PATTERNS", "kernel_environment"]

WITHHELD_PATTERNS = ("*_API_KEY", "LLM_REPL_TOKEN", "LLM_REPL_*KEY*")
"""Names (in upper case) that kernels never get: the providers' keys and the server's token.

A key that a provider reads from a variable of another name is withheld by naming the variable.
"""


def kernel_environment(
    extra: Mapping[str, str] | None = None,
    *,
    withheld_variables: Iterable[str] = (),
    environment: Mapping[str, str] | None = None,
) -> dict[str, str]:
    """This process's environment without secrets.

    Args:
        extra: Variables to add; they are the user's own, so none is dropped.
        withheld_variables: More names to drop, in any case.
        environment: What to start from; this process's by default.
    """
    withheld = {name.upper() for name in withheld_variables}
    source = os.environ if environment is None else environment
    kept = {
        name: value for name, value in source.items() if not _is_withheld(name.upper(), withheld)
    }
    kept.update(extra or {})
    return kept


def _is_withheld(name: str, withheld: set[str]) -> bool:
    return name in withheld or any(fnmatchcase(name, pattern) for pattern in WITHHELD_PATTERNS)
