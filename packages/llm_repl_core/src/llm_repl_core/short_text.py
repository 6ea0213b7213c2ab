"""The beginning of a text, with a mark where there was more."""

from __future__ import annotations

__all__ = ["cut_short"]


def cut_short(text: str, limit: int) -> str:
    """The text within a limit of characters.

    >>> cut_short("readable", 5)
    'read…'
    """
    return text if len(text) <= limit else text[: limit - 1] + "…"
