"""What ``llm-repl run`` prints: progress to standard error, outputs to standard output."""

from __future__ import annotations

import click

from llm_repl_core import (
    CellCompleted,
    CellEndedBadly,
    CellOutput,
    CellStarted,
    Event,
    Notebook,
    Output,
    RunEndedBadly,
)

__all__ = ["Progress"]

_TO_STDERR = frozenset({"stderr", "warning"})
_TITLE_LIMIT = 60


class Progress:
    """Shows the events of a run to a person.

    Args:
        notebook: What runs.
        quiet: Whether to show outputs only.

    Attributes:
        interrupted: Whether a cell was stopped.
    """

    def __init__(self, notebook: Notebook, *, quiet: bool) -> None:
        self._notebook = notebook
        self._quiet = quiet
        self._failures: list[str] = []
        self.interrupted = False

    def show(self, event: Event) -> None:
        """Print what an event says."""
        if isinstance(event, CellStarted):
            self._note(self._title(event.cell_id))
        elif isinstance(event, CellOutput):
            _print(event.output)
        elif isinstance(event, CellCompleted):
            self._note(f"  done in {event.duration_s:.2f} s")
        elif isinstance(event, CellEndedBadly):
            self._failures.append(event.cell_id)
            self.interrupted = self.interrupted or event.interrupted
        elif isinstance(event, RunEndedBadly) and event.cell_id is None:
            click.secho(event.error, fg="red", err=True)
            self._failures.append("")

    def finish(self) -> bool:
        """Name the cells that failed; whether there are any."""
        for cell_id in filter(None, self._failures):
            click.secho(f"Failed: {self._title(cell_id)}", fg="red", err=True)
        return bool(self._failures)

    def _note(self, text: str) -> None:
        if not self._quiet:
            click.secho(text, dim=True, err=True)

    def _title(self, cell_id: str) -> str:
        place = self._notebook.index(cell_id) + 1
        cell = self._notebook[cell_id]
        first = next((line.strip() for line in cell.content.splitlines() if line.strip()), "")
        if len(first) > _TITLE_LIMIT:
            first = first[: _TITLE_LIMIT - 1] + "…"
        kind = cell.type or "foreign"
        return f"[{place}/{len(self._notebook)}] {kind} {cell_id}: {first}"


def _print(output: Output) -> None:
    if output.type == "error":
        lines = output.fields.get("traceback")
        text = "\n".join(map(str, lines)) if isinstance(lines, list) and lines else output.content
        click.echo(text, err=True)
    elif output.type in ("stdout", "stderr"):
        click.echo(output.content, nl=False, err=output.type in _TO_STDERR)
    else:
        click.echo(output.content, err=output.type in _TO_STDERR)
