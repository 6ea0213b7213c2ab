"""Shortens a text in the middle, visibly."""

from __future__ import annotations

__all__ = ["SHORT_CHARACTERS", "shortened"]

SHORT_CHARACTERS = 20_000
"""How much is shown of a text that is too long to be kept."""


def shortened(text: str, limit: int) -> str:
    """The text, or its head and its tail with a mark between that says how much is left out.

    Args:
        text: Any text.
        limit: How many characters the result has at most; it is never shorter than the mark.
    """
    if len(text) <= limit:
        return text
    # The mark is made for the longest number that it may hold, so that all fits.
    room = max(limit - len(_mark(len(text))), 0)
    head = (room + 1) // 2
    tail = room - head
    return text[:head] + _mark(len(text) - room) + text[len(text) - tail :]


def _mark(count: int) -> str:
    return f"\n[{count:,} characters are left out here]\n"
