"""How many items of a prompt have their answer, on a line that is written again and again."""

from __future__ import annotations

import sys
from collections.abc import Callable

import click

from llm_repl_core import ItemsProgress
from llm_repl_server.cli.terminal_text import is_dumb

__all__ = ["ItemsLine"]

_LINES = 10
"""How many lines there are of a prompt, where none can be written again."""


class ItemsLine:
    """Counts items on standard error: on a terminal on one line, else on a line each tenth."""

    def __init__(self) -> None:
        self._is_terminal = sys.stderr.isatty() and not is_dumb()
        self._open_cell: str | None = None
        self._tenths: dict[str, int] = {}

    def show(self, event: ItemsProgress, print_title: Callable[[], None]) -> None:
        """Say how many items have ended.

        Args:
            event: What says it.
            print_title: Prints which cell that is, where it is not the one that was printed last.
        """
        failed = f", {event.failed} failed" if event.failed else ""
        text = f"  {event.ended} of {event.total}{failed}"
        if not self._is_terminal:
            tenth = event.ended * _LINES // event.total
            if self._tenths.get(event.cell_id) != tenth:
                self._tenths[event.cell_id] = tenth
                if tenth:
                    print_title()
                    click.echo(text, err=True)
            return
        if self._open_cell != event.cell_id:
            self.clear()
            print_title()
        self._open_cell = event.cell_id
        click.secho(f"\r{text}\x1b[K", dim=True, nl=False, err=True)

    def clear(self) -> None:
        """Take the line away, as something else is printed."""
        if self._open_cell is not None:
            self._open_cell = None
            click.echo("\r\x1b[K", nl=False, err=True)
