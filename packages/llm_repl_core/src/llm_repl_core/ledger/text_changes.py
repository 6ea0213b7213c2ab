"""Where two texts differ: by line, and within a changed line by word. Bounded for any text."""

from __future__ import annotations

import difflib
import re
import unicodedata
from collections.abc import Sequence

from msgspec import Struct

__all__ = ["LineChange", "changed_lines", "excerpts", "printable", "shared_start"]

_COMPARED_LINES = 100
_COMPARED_WORDS = 100
_COMPARED_CHARACTERS = 20_000
"""Beyond these only the beginning is compared: difflib's time grows with the square and more."""

_CONTEXT_CHARACTERS = 30
"""How much of what is equal is shown on each side of a change."""

_CHANGE_CHARACTERS = 120
"""How much of one change is shown."""

_LINE_CHARACTERS = 300
"""How much of a changed line is shown between what is equal on both sides."""

_TOKEN = re.compile(r"\w+|\s+|[^\w\s]")


class LineChange(Struct, frozen=True, kw_only=True):
    """One line that differs.

    Attributes:
        line: Its number, from 1; in the old text where the new one lacks it.
        old: The line as it was; None: it is new.
        new: The line as it is; None: it is gone.
    """

    line: int
    old: str | None
    new: str | None


def changed_lines(old: str, new: str) -> list[LineChange]:
    """The lines that differ, in order. Of huge differences, the first hundred lines or so.

    Args:
        old: A text.
        new: Another one.
    """
    difference = shared_start(old, new)
    line_start = old.rfind("\n", 0, difference) + 1
    first_line = old.count("\n", 0, line_start) + 1
    # Of a line that is a whole file only the part around the change is looked at.
    start = max(line_start, difference - _COMPARED_CHARACTERS // 2)
    shared_end = _shared_end(old[start:], new[start:])
    # Back to a line's end, so that whole lines are compared.
    line_end = old.find("\n", len(old) - shared_end)
    shared_end = 0 if line_end < 0 else len(old) - line_end
    old_lines = _first_lines(old, start, len(old) - shared_end)
    new_lines = _first_lines(new, start, len(new) - shared_end)
    changes: list[LineChange] = []
    matcher = difflib.SequenceMatcher(None, old_lines, new_lines, autojunk=False)
    for tag, old_from, old_to, new_from, new_to in matcher.get_opcodes():
        if tag == "equal":
            continue
        olds, news = old_lines[old_from:old_to], new_lines[new_from:new_to]
        for index in range(max(len(olds), len(news))):
            is_new = index < len(news)
            changes.append(
                LineChange(
                    line=first_line + index + (new_from if is_new else old_from),
                    old=olds[index] if index < len(olds) else None,
                    new=news[index] if is_new else None,
                )
            )
    return changes


def excerpts(old: str, new: str) -> tuple[str, str]:
    """Two different lines, cut down to the words that differ and some on each side of them.

    What would not be seen (control characters, other white space, letters that only look alike)
    is shown by its escape.

    Args:
        old: A line.
        new: Another one.
    """
    shown_old, shown_new = (printable(text) for text in _cut_to_changes(old, new))
    if shown_old.split() == shown_new.split():  # quotes show where white space ends
        return f'"{shown_old}"', f'"{shown_new}"'
    if _looks(shown_old) == _looks(shown_new):
        return _escape(shown_old), _escape(shown_new)
    return shown_old, shown_new


def printable(text: str) -> str:
    """A text on one line that does nothing to a terminal and can be encoded."""
    if text.isprintable():
        return text
    return "".join(letter if letter.isprintable() else _escape(letter) for letter in text)


def _escape(text: str) -> str:
    return text.encode("unicode_escape").decode("ascii")


def _looks(text: str) -> str:
    return unicodedata.normalize("NFKC", text)


def _cut_to_changes(old: str, new: str) -> tuple[str, str]:
    start = shared_start(old, new)
    shared_end = _shared_end(old[start:], new[start:])
    ahead, behind = old[:start], old[len(old) - shared_end :]
    pieces: tuple[list[str], list[str]] = ([], [])
    old_words = _words(old[start : len(old) - shared_end])
    new_words = _words(new[start : len(new) - shared_end])
    matcher = difflib.SequenceMatcher(None, old_words, new_words, autojunk=False)
    for tag, old_from, old_to, new_from, new_to in matcher.get_opcodes():
        for side, words in zip(
            pieces, (old_words[old_from:old_to], new_words[new_from:new_to]), strict=True
        ):
            text = "".join(words)
            limit = 2 * _CONTEXT_CHARACTERS if tag == "equal" else _CHANGE_CHARACTERS
            side.append(_without_middle(text, limit))
    if len(ahead) > _CONTEXT_CHARACTERS:
        ahead = "…" + ahead[-_CONTEXT_CHARACTERS:]
    if len(behind) > _CONTEXT_CHARACTERS:
        behind = behind[:_CONTEXT_CHARACTERS] + "…"
    shown_old, shown_new = (
        ahead + _without_middle("".join(side), _LINE_CHARACTERS) + behind for side in pieces
    )
    return shown_old, shown_new


def _words(text: str) -> Sequence[str]:
    if len(text) > _COMPARED_CHARACTERS:
        return [text]
    words = _TOKEN.findall(text)
    return words if len(words) <= _COMPARED_WORDS else [text]


def _without_middle(text: str, limit: int) -> str:
    if len(text) <= limit:
        return text
    half = limit // 2
    return f"{text[:half]}…{text[-half:]}"


def _first_lines(text: str, start: int, end: int) -> list[str]:
    return text[start : min(end, start + _COMPARED_CHARACTERS)].split("\n")[:_COMPARED_LINES]


def shared_start(old: str, new: str) -> int:
    """How many characters two texts have in common at their beginning; fast for long texts."""
    low, high = 0, min(len(old), len(new))
    while low < high:
        middle = (low + high + 1) // 2
        if old[low:middle] == new[low:middle]:
            low = middle
        else:
            high = middle - 1
    return low


def _shared_end(old: str, new: str) -> int:
    low, high = 0, min(len(old), len(new))
    while low < high:
        middle = (low + high + 1) // 2
        if old[len(old) - middle : len(old) - low] == new[len(new) - middle : len(new) - low]:
            low = middle
        else:
            high = middle - 1
    return low
