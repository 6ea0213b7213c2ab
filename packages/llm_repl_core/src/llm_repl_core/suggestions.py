"""What somebody may have meant who wrote a name that is not there."""

from __future__ import annotations

import difflib
from collections.abc import Iterable

__all__ = ["did_you_mean", "nearest"]

_LOOKED_AT_CHARACTERS = 100


def nearest(name: str, known: Iterable[str], *, likeness: float = 0.6) -> str | None:
    """The known name that is most like another one; None where none is.

    Args:
        name: What was written.
        known: What there is.
        likeness: From 0 to 1: how much they have to have in common.
    """
    close = difflib.get_close_matches(name[:_LOOKED_AT_CHARACTERS], list(known), 1, likeness)
    return close[0] if close else None


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """A question for the end of a message, behind a blank; empty where nothing is near.

    >>> did_you_mean("opnai", ["mock", "openai"])
    ' Did you mean `openai`?'

    Args:
        name: What was written.
        known: What there is.
    """
    close = nearest(name, known)
    return f" Did you mean `{close}`?" if close is not None else ""
