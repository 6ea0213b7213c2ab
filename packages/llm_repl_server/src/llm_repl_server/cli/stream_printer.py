"""Prints the text of cells' streams, which may go back in what it has shown."""

from __future__ import annotations

import re
import shutil
import sys

import click

from llm_repl_core import CellOutput, CellOutputUpdated
from llm_repl_server.cli.terminal_text import display_width, escape_controls, keep_colours

__all__ = ["StreamPrinter"]

_COLOURS = re.compile(r"\x1b\[[0-9;]*m")
_UNFINISHED = re.compile(r"\x1b(?:\[[0-?]*[ -/]*|\][^\x07\x1b]{0,2000}\x1b?)?\Z")
"""The beginning of what tells a terminal something, and whose end comes with the next piece."""
_TAIL_CHARACTERS = 20_000
"""How much of what a terminal shows is remembered, to know how many rows to go back."""


class StreamPrinter:
    """Shows text as it comes where a terminal can go back with it; else when it is there to stay.

    In a file or a pipe a line is printed when it has ended: a progress bar leaves its last state.

    Attributes:
        line_is_open: Whether a terminal's cursor stands behind unfinished text.
    """

    def __init__(self) -> None:
        self.line_is_open = False
        self._is_terminal = {name: getattr(sys, name).isatty() for name in ("stdout", "stderr")}
        self._shown: tuple[str, int] | None = None
        """Of which output the text is that was printed last, by its cell's id and its index."""
        self._stream = "stdout"
        self._tail = ""
        """The end of what a terminal shows of the stream that was printed last."""
        self._unfinished = ""
        self._is_coloured = False
        self._held = ""
        self._held_lines = 1
        """How many lines at the end are held back, as the text has gone back in so many before."""

    def show(self, event: CellOutput | CellOutputUpdated) -> None:
        """Print what has come of a stream, or changed in it."""
        lines = event.lines or 0 if isinstance(event, CellOutputUpdated) else 0
        output = (event.cell_id, event.index)
        if self._shown != output:
            self.leave()
            lines = 0
        self._shown, self._stream = output, event.output.type
        if self._is_terminal[self._stream]:
            text = self._printable(event.output.content, continues=not lines)
            self._echo(f"{self._go_back(lines)}{text}" if lines else text)
            self._tail = (self._tail + text)[-_TAIL_CHARACTERS:]
            self.line_is_open = not text.endswith("\n")
            return
        self._hold(escape_controls(event.output.content, for_terminal=False), lines)

    def leave(self) -> None:
        """Something else is printed next: what is held back comes before it."""
        if self._held:
            self._echo(self._held)
        self.forget()

    def forget(self) -> None:
        """What is held back is shown no more."""
        if self._is_coloured:
            self._echo("\x1b[0m")
        self._shown = None
        self._tail = self._unfinished = ""
        self._is_coloured = False
        self._held, self._held_lines = "", 1

    def end_line(self) -> None:
        """Begin a new line where a terminal's is unfinished."""
        self.leave()
        if self.line_is_open:
            click.echo()
            self.line_is_open = False

    def _printable(self, text: str, *, continues: bool) -> str:
        """A piece as a terminal may have it."""
        if continues:
            text = self._unfinished + text
        begun = _UNFINISHED.search(text)
        self._unfinished = "" if begun is None else begun[0]
        printable = keep_colours(text.removesuffix(self._unfinished))
        for colour in _COLOURS.findall(printable)[-1:]:
            self._is_coloured = colour not in ("\x1b[0m", "\x1b[m")
        return printable

    def _go_back(self, lines: int) -> str:
        """What moves a terminal's cursor to where so many lines began, and clears what follows."""
        width = shutil.get_terminal_size().columns
        shown = self._tail.split("\n")
        kept, taken = shown[:-lines], shown[-lines:]
        self._tail = "".join(f"{line}\n" for line in kept)
        # A line that is wider than the terminal takes several rows.
        rows = sum(max(1, -(-display_width(_COLOURS.sub("", line)) // width)) for line in taken)
        rows += lines - len(taken)
        up = f"\x1b[{rows - 1}A" if rows > 1 else ""
        return f"\r{up}\x1b[J"

    def _hold(self, text: str, lines: int) -> None:
        self._held_lines = max(self._held_lines, lines)
        rows = self._held.split("\n")
        # What was printed already can't be taken back: of its lines the new state comes again.
        rows = [*rows[: -lines or None], ""] if lines else rows
        rows[-1] += text
        rows = "\n".join(rows).split("\n")
        ready, held = rows[: -self._held_lines], rows[-self._held_lines :]
        if ready:
            self._echo("".join(f"{row}\n" for row in ready))
        self._held = "\n".join(held)

    def _echo(self, text: str) -> None:
        click.echo(text, nl=False, err=self._stream == "stderr")
