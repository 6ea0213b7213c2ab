"""How several runs go: a line for each, on standard error."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Sequence

import click

from llm_repl_server.cli.cell_titles import cell_title
from llm_repl_server.cli.file_run import FileRun
from llm_repl_server.cli.flowing_text import echo, fit_text, stream_columns
from llm_repl_server.cli.run_results import CallTally, counted, duration_text
from llm_repl_server.cli.terminal_text import escape_controls, is_dumb, one_line

__all__ = ["FileLines"]

_ERROR_COLUMNS = 200
_INDENT = " " * 8


class FileLines:
    """Prints a line for each notebook that has ended; on a terminal, also for those that run.

    Args:
        files: The notebooks.
        quiet: Whether to print failures only.
    """

    def __init__(self, files: Sequence[FileRun], *, quiet: bool) -> None:
        self._files = files
        self._quiet = quiet
        self._is_live = not quiet and sys.stderr.isatty() and not is_dumb()
        self._ended: set[int] = set()
        self._drawn = ""
        """The lines of those that run, as a terminal shows them."""

    def draw(self) -> None:
        """Show what is new."""
        if self._quiet:
            return
        ended = [
            index
            for index, file in enumerate(self._files)
            if file.exit_code is not None and index not in self._ended
        ]
        self._ended.update(ended)
        lines = [self._ended_line(self._files[index]) for index in ended]
        running = self._running_lines() if self._is_live else ""
        if not lines and running == self._drawn:
            return
        rows = self._drawn.count("\n")
        back = f"\x1b[{rows}A\r\x1b[J" if rows else ""
        click.echo(back + "".join(f"{line}\n" for line in lines) + running, nl=False, err=True)
        self._drawn = running

    def finish(self, duration_s: float) -> None:
        """Name what failed, and sum up."""
        if self._drawn:
            click.echo(f"\x1b[{self._drawn.count(chr(10))}A\r\x1b[J", nl=False, err=True)
            self._drawn = ""
        for file in self._files:
            self._name_failures(file)
        if self._quiet:
            return
        totals = CallTally()
        cells = 0
        for file in self._files:
            totals.merge(file.results.calls)
            cells += file.results.ended
        failed = sum(bool(file.exit_code) for file in self._files)
        not_run = sum(file.exit_code is None for file in self._files)
        words = [counted(len(self._files), "notebook")]
        words += [f"{failed} failed"] if failed else []
        words += [f"{not_run} not run"] if not_run else []
        calls = totals.words()
        took = f"{counted(cells, 'cell')} in {duration_text(duration_s)}"
        line = f"{', '.join(words)}; {took}{': ' if calls else ''}{', '.join(calls)}."
        echo(line, err=True, hang="  ")

    def _running_lines(self) -> str:
        columns, rows = shutil.get_terminal_size()
        running = [file for file in self._files if file.session is not None]
        lines = [
            one_line(f"…       {file.path}  {file.cell}", columns - 1)
            for file in running[: max(rows - 2, 1)]
        ]
        return "".join(f"{line}\n" for line in lines)

    def _ended_line(self, file: FileRun) -> str:
        word = "ok" if not file.exit_code else "stopped" if file.interrupted else "failed"
        told = "" if file.error else file.results.summary()
        line = escape_controls(f"{word:<7} {file.path}  {told}".rstrip())
        return fit_text(line, stream_columns(sys.stderr), hang=_INDENT)

    def _name_failures(self, file: FileRun) -> None:
        notebook = None if file.run is None else file.run.notebook
        told = [file.error] if file.error else []
        told += [file.results.error] if file.results.error else []
        for sentence in told:
            _print_failure(f"Failed: {file.path}: {sentence}")
        for cell_id in file.results.in_state("failed"):
            assert notebook is not None
            _print_failure(f"Failed: {file.path} {cell_title(notebook, cell_id)}")
            _print_failure(f"  {one_line(file.results.cells[cell_id].error, _ERROR_COLUMNS)}")


def _print_failure(text: str) -> None:
    echo(escape_controls(text, for_terminal=False), err=True, hang="  ", fg="red")
