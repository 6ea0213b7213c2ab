"""What whoever wrote a prompt should know of what it sends, beside the messages themselves."""

from __future__ import annotations

from collections.abc import Sequence

__all__ = ["few"]

_SHOWN = 5


def few(notices: Sequence[str]) -> tuple[str, ...]:
    """The notices, each once, and a bounded number of them."""
    different = tuple(dict.fromkeys(notices))
    more = len(different) - _SHOWN
    return (*different[:_SHOWN], f"And {more} more of this kind.") if more > 0 else different
