"""What the engine does not hold yet: to be emptied."""

from __future__ import annotations

__all__ = ["HOLDS_AFTER_FAILURES", "NOT_DRAWN_YET", "NOT_YET"]

NOT_YET = frozenset(
    {
        "__del__ by another value",
        "_ipython_display_ with an effect",
        "_repr_html_ with an effect",
        "a class attribute by type(one)",
        "as reported: a class whose get is decorated to log",
        "as reported: an alias, edited but not run",
        "as reported: default_factory=lambda: next(ids) in two prompts' schema",
        "as reported: env = os.environ, then os.environ['ST'] = s",
        "as reported: itertools.count by dict(zip)",
        "display with an id, updated",
        "readline-like: input replaced",
        "sys.unraisablehook",
        "warnings.catch_warnings entered and not left",
        "weakref callback",
        "weakref.WeakSet of two",
        "weakref.WeakValueDictionary",
        "weakref.finalize",
    }
)
"""Constructs that break the law: their tests are expected to fail, and no notebook has them."""

NOT_DRAWN_YET = frozenset({"a template prints"})
"""Constructs that break the law only in the company of others: no notebook has them."""

HOLDS_AFTER_FAILURES = False
"""Whether a run that a failure has ended leaves nothing of what ran ahead below it; until then,
notebooks are drawn whose runs go on after a failure."""
