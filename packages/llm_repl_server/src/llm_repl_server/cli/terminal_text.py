"""Texts of models and of notebooks, made fit for a terminal."""

from __future__ import annotations

import os
import re
import shutil
import unicodedata

__all__ = [
    "colour_choice",
    "display_width",
    "escape_controls",
    "format_price",
    "is_dumb",
    "keep_colours",
    "one_line",
    "terminal_width",
]

_LEAST_USD = 0.000001
_LEAST_WIDTH = 20

# Patterns are compiled when they are first used: the terminal's prompt is there before that.

# What moves a terminal's cursor, changes its colours or turns the direction of its writing, and
# half surrogate pairs, which no encoding can print.
_HOSTILE = "[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff]"
_HALVES = "[\ud800-\udfff]"
_SEQUENCE = (
    r"(\x1b\[[0-?]*[ -/]*[@-~]|\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)|\x1b[PX^_][^\x1b]*\x1b\\"
    r"|\x1b[ -/]*[0-Z\\`-~])"
)
"""What tells a terminal to do something: its screen, its cursor, its title, its colours."""
_COLOUR = r"\x1b\[[0-9;:]*m"
_HOSTILE_IN_STREAMS = "[\x00-\x06\x0b\x0c\x0e-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff]"


def is_dumb() -> bool:
    """Whether the terminal obeys no escapes."""
    return os.environ.get("TERM") == "dumb"


def colour_choice() -> bool | None:
    """Whether text is coloured, as click has it: False: never; None: where there is a terminal."""
    return False if os.environ.get("NO_COLOR") or is_dumb() else None


def escape_controls(text: str, *, for_terminal: bool = True) -> str:
    """A text that can be printed: what a terminal would obey, or cannot show, as its escape.

    Args:
        text: The text.
        for_terminal: Whether a person looks at it; else only what cannot be encoded is replaced.
    """
    if text.isprintable():
        return text  # the common case, which is fast to tell
    return re.sub(_HOSTILE if for_terminal else _HALVES, _escape, text)


def keep_colours(text: str) -> str:
    """What a program has printed, such that it colours a terminal and does nothing else to it.

    Args:
        text: The text, in which the program may go back in a line.
    """
    if text.isprintable():
        return text
    parts = re.split(_SEQUENCE, text)
    # Every other part is such a sequence.
    for place, part in enumerate(parts):
        if place % 2 == 0:
            parts[place] = re.sub(_HOSTILE_IN_STREAMS, _escape, part)
        elif not re.fullmatch(_COLOUR, part):
            parts[place] = ""
    return "".join(parts)


def one_line(text: str, width: int) -> str:
    """A text on one line of at most so many columns.

    Args:
        text: The text; white space of any length becomes one blank.
        width: Of the line; letters of East Asian scripts take two.
    """
    # Of a text of megabytes only the beginning can be seen.
    line = escape_controls(" ".join(text[: 4 * width + 200].split()))
    if display_width(line) <= width:
        return line
    used = 0
    for index, letter in enumerate(line):
        used += display_width(letter)
        if used > width - 1:
            return line[:index] + "…"
    return line


def format_price(usd: float | None) -> str:
    """An amount of money, or that it is not known."""
    if usd is None:
        return "no price"
    if usd == 0:
        return "$0"
    if usd >= 1:
        return f"${usd:,.2f}"
    if usd < _LEAST_USD:
        return f"<${_LEAST_USD:.6f}"
    whole, _, cents = f"{usd:.6f}".partition(".")
    return f"${whole}.{cents.rstrip('0'):0<2}"


def display_width(text: str) -> int:
    """How many columns of a terminal a text takes; letters of East Asian scripts take two."""
    if text.isascii():
        return len(text)
    return sum(
        0
        if unicodedata.combining(letter)
        else 2
        if unicodedata.east_asian_width(letter) in "WF"
        else 1
        for letter in text
    )


def terminal_width() -> int:
    """How many columns the terminal has, or ``COLUMNS`` says; 80 where neither does."""
    return max(_LEAST_WIDTH, shutil.get_terminal_size().columns)


def _escape(found: re.Match[str]) -> str:
    return found[0].encode("unicode_escape").decode("ascii")
