"""Text whose lines end between words before a narrow terminal would end them anywhere."""

from __future__ import annotations

import os
import re
import sys
from functools import cache
from typing import Any, TextIO

from llm_repl_server.cli.terminal_text import colour_choice, display_width

__all__ = ["FlowingText", "echo", "fit_text", "stream_columns"]

_FEWEST_COLUMNS = 20
_USUAL_COLUMNS = 80
_TAB_COLUMNS = 8
# Scripts without blanks: a line may end behind each letter, but not before what closes or joins.
_WIDE = "[\u1100-\u115f\u2e80-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff01-\uff60\uffe0-\uffe6\U0001f300-\U0001faff\U00020000-\U0003fffd]"
_BEHIND = "(?:\u200d.|[\ufe0f\U0001f3fb-\U0001f3ff\u3001\u3002\uff0c\uff0e\uff1a\uff1b\uff01\uff1f\uff09\u3009\u300b\u300d\u300f\u3011])"
_COLOURS = r"\x1b\[[0-9;]*m"


@cache
def _patterns() -> tuple[re.Pattern[str], re.Pattern[str]]:
    # Only where there is a terminal: it takes longer than most commands need to print.
    part = rf"\n|[^\S\n]+|{_WIDE}{_BEHIND}*|(?:(?!{_WIDE})\S)+"
    return re.compile(part), re.compile(_WIDE)


class FlowingText:
    """Takes a text in pieces, and gives it back with line breaks between its words.

    A word that is wider than a line stays one, alone on its line, so that it can be copied: a path,
    an address. What follows a line's own indentation keeps it.

    Args:
        columns: How wide a line may be; None: lines stay as they are.
        hang: What stands before the rest of a line that was broken, behind its indentation.
    """

    def __init__(self, columns: int | None, *, hang: str = "") -> None:
        self._columns = None if columns is None else max(columns, _FEWEST_COLUMNS)
        self._hang = hang
        self._at = 0
        self._indent = self._blanks = self._word = ""
        self._is_new = True

    def add(self, text: str) -> str:
        """More of the text; what of it can be printed: a word that may go on waits for its end."""
        if self._columns is None:
            return text
        return "".join(self._take(part) for part in _patterns()[0].findall(text))

    def finish(self) -> str:
        """The text is whole; what is left of it."""
        shown = self._end_word()
        fits = self._columns is None or self._at + self._width(self._blanks, 0) <= self._columns
        return shown + self._blanks if fits else shown

    def _take(self, part: str) -> str:
        if part == "\n":
            shown = self.finish() + part
            self._begin_line()
            return shown
        if part.isspace():
            shown = self._end_word()
            self._blanks += part
            return shown
        starts_wide = _patterns()[1].match
        may_break = starts_wide(part) or starts_wide(self._word)
        shown = self._end_word() if may_break else ""
        self._word += part
        return shown

    def _end_word(self) -> str:
        word, self._word = self._word, ""
        if not word or self._columns is None:
            return ""
        blanks, self._blanks = self._blanks, ""
        if self._is_new:
            self._is_new = False
            self._indent = blanks if self._width(blanks, 0) <= self._columns // 2 else ""
        begun = self._at + self._width(blanks, self._at)
        width = display_width(re.sub(_COLOURS, "", word))
        if width > self._columns and not word.strip("-=─"):
            word, width = word[: self._columns], self._columns  # a line that is drawn
        if begun + width <= self._columns or self._at == 0:
            self._at = begun + width
            return blanks + word
        before = self._indent + self._hang
        self._at = self._width(before, 0) + width
        return f"\n{before}{word}"

    def _begin_line(self) -> None:
        self._at = 0
        self._indent = self._blanks = self._word = ""
        self._is_new = True

    @staticmethod
    def _width(blanks: str, at: int) -> int:
        """How far blanks move on from a column."""
        begun = at
        for blank in blanks:
            at += _TAB_COLUMNS - at % _TAB_COLUMNS if blank == "\t" else 1
        return at - begun


def fit_text(text: str, columns: int | None, *, hang: str = "") -> str:
    """A text in lines that end between words.

    Args:
        text: The text.
        columns: How wide a line may be; None: it is left as it is.
        hang: What stands before the rest of a line that was broken, behind its indentation.

    >>> print(fit_text("4 notebooks, 1 failed; 14 cells in 10.5 s.", 30, hang="  "))
    4 notebooks, 1 failed; 14
      cells in 10.5 s.
    """
    if columns is None or (text.isprintable() and display_width(text) <= columns):
        return text  # the common case, which is fast to tell
    flowing = FlowingText(columns, hang=hang)
    return flowing.add(text) + flowing.finish()


def stream_columns(stream: TextIO) -> int | None:
    """How wide the terminal is that a stream leads to; None: it leads to none."""
    try:
        if not stream.isatty():
            return None
        wanted = os.environ.get("COLUMNS", "")
        if wanted.isdecimal() and int(wanted):
            return int(wanted)
        return os.get_terminal_size(stream.fileno()).columns or _USUAL_COLUMNS
    except (OSError, ValueError):
        return _USUAL_COLUMNS


def echo(
    text: str,
    *,
    err: bool = False,
    nl: bool = True,
    hang: str = "",
    wrap: bool = True,
    **style: Any,
) -> None:
    """Print a text as it is; to a terminal, in lines that end between words.

    Args:
        text: The text.
        err: Whether it goes to standard error.
        nl: Whether a line break follows.
        hang: See `fit_text`.
        wrap: Whether a terminal's lines end between words; else where it ends them.
        style: As for `click.style`.
    """
    stream = sys.stderr if err else sys.stdout
    shown = fit_text(text, stream_columns(stream), hang=hang) if wrap else text
    if not style and "\x1b" not in shown:
        stream.write(f"{shown}\n" if nl else shown)
        stream.flush()
        return
    # Where there are colours only: the terminal's prompt does without the rest of it.
    import click

    if style:
        shown = click.style(shown, **style)
    click.echo(shown, err=err, nl=nl, color=colour_choice())
