"""The help of commands in a narrow terminal: what an option does stands below it."""

from __future__ import annotations

import shutil
from collections.abc import Iterable

import click

from llm_repl_server.cli.flowing_text import fit_text

__all__ = ["FittedHelpFormatter"]

_ROOM_FOR_COLUMNS = 60
_LEAST_OF_CLICK = 50
"""How wide it takes a terminal to be that is narrower."""
_LEAST_WIDTH = 20
_INDENT = "    "
_AS_WRITTEN = "\b"
"""Begins a paragraph whose lines stay as they are, as click has it."""


class FittedHelpFormatter(click.HelpFormatter):
    """Writes help as click does; where there is no room for two columns, in one."""

    def __init__(
        self, indent_increment: int = 2, width: int | None = None, max_width: int | None = None
    ) -> None:
        room = shutil.get_terminal_size().columns - 2
        if width is None and room < _LEAST_OF_CLICK:
            width = max(room, _LEAST_WIDTH)
        super().__init__(indent_increment, width, max_width)

    def write_dl(
        self, rows: Iterable[tuple[str, str]], col_max: int = 30, col_spacing: int = 2
    ) -> None:
        """See `click.HelpFormatter.write_dl`."""
        if self.width >= _ROOM_FOR_COLUMNS:
            super().write_dl(rows, col_max, col_spacing)
            return
        for term, meaning in rows:
            # The words to choose from may be more than there is room for.
            self._write_fitted(term.replace("|", " | "), hang=_INDENT)
            if meaning:
                self._write_fitted(_INDENT + meaning)

    def write_text(self, text: str) -> None:
        """See `click.HelpFormatter.write_text`."""
        if self.width >= _ROOM_FOR_COLUMNS:
            super().write_text(text)
            return
        for number, paragraph in enumerate(text.split("\n\n")):
            if number:
                self.write("\n")
            is_as_written = paragraph.lstrip().startswith(_AS_WRITTEN)
            lines = paragraph.split("\n")[1:] if is_as_written else [" ".join(paragraph.split())]
            for line in lines:
                self._write_fitted(line)

    def _write_fitted(self, text: str, *, hang: str = "") -> None:
        self.write(fit_text(" " * self.current_indent + text, self.width, hang=hang) + "\n")
