"""The builtins that restricted expressions may use: enough to compute, nothing that reaches out.

This file stands alone, with the standard library only: its text is also sent into kernels whose
environment does not have this package (see `llm_repl_core.kernels.jupyter.source`).
"""

from __future__ import annotations

import builtins

__all__ = ["SAFE_BUILTIN_NAMES", "safe_builtins"]

SAFE_BUILTIN_NAMES = frozenset(
    {
        "False",
        "None",
        "True",
        "abs",
        "all",
        "any",
        "bool",
        "dict",
        "divmod",
        "enumerate",
        "filter",
        "float",
        "frozenset",
        "int",
        "isinstance",
        "len",
        "list",
        "map",
        "max",
        "min",
        "pow",
        "range",
        "repr",
        "reversed",
        "round",
        "set",
        "sorted",
        "str",
        "sum",
        "tuple",
        "zip",
    }
)
"""What is in reach of memory cells' expressions, beside the state."""


def safe_builtins() -> dict[str, object]:
    """A new dictionary of the safe builtins, to be used as ``__builtins__``."""
    return {name: getattr(builtins, name) for name in SAFE_BUILTIN_NAMES}
