"""What is said of a field whose name does not exist: the nearest one that does, and all of them."""

from __future__ import annotations

import builtins
import difflib
import re
from collections.abc import Iterable, Sequence

from llm_repl_core.kernels.base import Failed

__all__ = ["PYTHON_NAMES", "explain_failure", "missing_name", "nearest_name", "unknown_name"]

PYTHON_NAMES = frozenset(name for name in dir(builtins) if not name.startswith("_")) | {
    *("__builtin__", "__builtins__", "display", "exit", "get_ipython", "quit"),
}
"""Names that Python, or IPython, has, and the notebook does not: ``{id}`` and ``{type}``."""

_MISSING_NAME = re.compile(r"name '([^']+)'")
_NAMES_SHOWN = 20


def unknown_name(name: str, names: Sequence[str]) -> Failed:
    """What evaluating a name gives that is not there.

    Args:
        name: The name.
        names: Those that the state has.
    """
    return Failed("NameError", f"name {name!r} is not defined", tuple(names))


def explain_failure(failed: Failed) -> str:
    """Why a field could not be evaluated, in one sentence.

    >>> explain_failure(unknown_name("pric", ["price", "title"]))
    'there is no variable `pric` (did you mean `price`?); the state has: price, title.'
    >>> explain_failure(unknown_name("id", []))
    "there is no variable `id`, only Python's own `id`; the state is empty."
    >>> explain_failure(Failed("ZeroDivisionError", "division by zero"))
    'ZeroDivisionError: division by zero.'

    Args:
        failed: What became of it.
    """
    missing = missing_name(failed)
    if missing is None:
        reason = failed.evalue.rstrip(".")
        return f"{failed.ename}: {reason}." if failed.evalue else f"{failed.ename}."
    nearest = nearest_name(missing, failed.names)
    suggestion = f" (did you mean `{nearest}`?)" if nearest else ""
    if hasattr(builtins, missing):
        suggestion = f", only Python's own `{missing}`{suggestion}"
    return f"there is no variable `{missing}`{suggestion}; {_listed(failed.names)}."


def missing_name(failed: Failed) -> str | None:
    """The name that was not there, where that is why; else None.

    >>> missing_name(unknown_name("pric", ["price"]))
    'pric'

    Args:
        failed: What became of an expression.
    """
    if failed.ename != "NameError" or failed.is_explained:
        return None
    found = _MISSING_NAME.match(failed.evalue)
    return None if found is None else found[1]


def nearest_name(missing: str, names: Iterable[str]) -> str | None:
    """The name that was probably meant; None: none is near.

    >>> nearest_name("order", ["orders", "shop"])
    'orders'

    Args:
        missing: The name that is not there.
        names: Those that are.
    """
    close = difflib.get_close_matches(missing, [*names], n=1)
    return close[0] if close else None


def _listed(names: Sequence[str]) -> str:
    if not names:
        return "the state is empty"
    shown = ", ".join(names[:_NAMES_SHOWN])
    more = len(names) - _NAMES_SHOWN
    return f"the state has: {shown}" + (f" (… and {more} more)" if more > 0 else "")
