"""Prints the text of cells' streams, which may go back in what it has shown."""

from __future__ import annotations

import sys

import click

from llm_repl_core import CellOutput, CellOutputUpdated
from llm_repl_server.cli.words import harmless

__all__ = ["StreamPrinter"]


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
        self._held = ""
        self._held_lines = 1
        """How many lines at the end are held back, as the text has gone back in so many before."""

    def show(self, event: CellOutput | CellOutputUpdated) -> None:
        """Print what has come of a stream, or changed in it."""
        lines = event.lines or 0 if isinstance(event, CellOutputUpdated) else 0
        place = (event.cell_id, event.index)
        if self._shown != place:
            self.leave()
            lines = 0
        self._shown, self._stream = place, event.output.type
        text = harmless(event.output.content, for_terminal=False)
        if self._is_terminal[self._stream]:
            up = f"\x1b[{lines - 1}A" if lines > 1 else ""
            self._echo(f"\r{up}\x1b[J{text}" if lines else text)
            self.line_is_open = not text.endswith("\n")
            return
        self._hold(text, lines)

    def leave(self) -> None:
        """Something else is printed next: what is held back comes before it."""
        if self._held:
            self._echo(self._held)
        self.forget()

    def forget(self) -> None:
        """What is held back is shown no more."""
        self._shown = None
        self._held, self._held_lines = "", 1

    def end_line(self) -> None:
        """Begin a new line where a terminal's is unfinished."""
        self.leave()
        if self.line_is_open:
            click.echo()
            self.line_is_open = False

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
