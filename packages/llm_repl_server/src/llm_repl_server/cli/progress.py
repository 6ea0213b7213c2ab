"""What ``llm-repl run`` prints: progress to standard error, outputs to standard output."""

from __future__ import annotations

import sys

import click

from llm_repl_core import (
    CellCompleted,
    CellFailed,
    CellOutput,
    CellOutputsCleared,
    CellOutputUpdated,
    CellRetried,
    CellStarted,
    CellSuperseded,
    CellText,
    Event,
    ItemsProgress,
    Notebook,
    Output,
    RunStarted,
    Session,
    ToolApprovalNeeded,
)
from llm_repl_core.errors import CallNotSent
from llm_repl_server.cli.approval import settle_approval
from llm_repl_server.cli.cell_order import AsItComes, CellOrder, DocumentOrder
from llm_repl_server.cli.cell_titles import cell_title
from llm_repl_server.cli.flowing_text import FlowingText, echo, stream_columns
from llm_repl_server.cli.items_line import ItemsLine
from llm_repl_server.cli.run_results import RunResults
from llm_repl_server.cli.stream_printer import StreamPrinter
from llm_repl_server.cli.terminal_text import escape_controls, keep_colours, one_line

__all__ = ["Progress"]

_COUNTED = frozenset({"Interrupted", CallNotSent.__name__})
"""Errors of cells that were stopped, and of such as were not sent any more."""

_STREAMS = frozenset({"stdout", "stderr"})
_CALL_COLUMNS = 76


class Progress:
    """Shows the events of a run to a person, or to a file.

    Where standard output is a terminal, outputs come as they come, each below the title of its
    cell. Else, and with ``quiet``, they come in the order of the document, so that what runs at
    the same time prints the same each time.

    Args:
        notebook: What runs.
        quiet: Whether to show outputs only.

    Attributes:
        begun: Whether the run has begun, so that the notebook may not be what it was.
        interrupted: Whether a cell was stopped.
        results: What became of the cells.
    """

    def __init__(self, notebook: Notebook, *, quiet: bool) -> None:
        self.begun = False
        self.interrupted = False
        self.results = RunResults()
        self._notebook = notebook
        self._quiet = quiet
        self._on_terminal = sys.stdout.isatty()
        self._notes_on_terminal = sys.stderr.isatty()
        self._order: CellOrder = AsItComes() if self._on_terminal and not quiet else DocumentOrder()
        self._items = ItemsLine()
        self._total = 0
        self._ended = 0
        self._running: set[str] = set()
        self._shown_cell: str | None = None
        self._grown = ""
        self._streams = StreamPrinter()
        self._answer: FlowingText | None = None
        """The answer that is printed as it comes."""
        self._updated: dict[tuple[str, int], CellOutputUpdated] = {}
        """Displays of which the last state is shown when the cell has ended that updates them."""
        self._since_clear: dict[str, list[Event]] = {}
        """Of cells that clear their outputs: what came since, shown when the cell has ended."""

    def show(self, event: Event) -> None:
        """Print what an event says, and what waited for it."""
        self.begun = True
        self.results.take(event)
        if isinstance(event, ItemsProgress):
            self._count_items(event)
        for shown in self._order.take(event):
            self._show(shown)

    def title(self, cell_id: str) -> str:
        """A cell in one line, which fits a terminal."""
        return cell_title(self._notebook, cell_id, columns=stream_columns(sys.stderr))

    def approve(self, session: Session, event: ToolApprovalNeeded) -> None:
        """Ask whether a tool may be called.

        Raises:
            KeyboardInterrupt: Ctrl-C was pressed in place of an answer.
        """
        self.break_line()
        settle_approval(session, event, self.title(event.cell_id))

    def break_line(self) -> None:
        """Begin a new line where text is unfinished in this one."""
        self._items.clear()
        self._end_answer()
        self._streams.end_line()

    def finish(self) -> bool:
        """Sum up, name the cells that failed, say what was not done; whether anything failed."""
        for event in self._order.rest():
            self._show(event)
        self.break_line()
        results = self.results
        results.end()
        if self.begun and not self._quiet:
            self._note(results.summary(), hang="  ")
        if results.error is not None:
            _print_failure(results.error)
        for cell_id in results.in_state("failed"):
            _print_failure(f"Failed: {self.title(cell_id)}")
        stopped, not_run = len(results.in_state("stopped")), results.not_run
        if stopped:
            _print_failure(f"Stopped: {_cells(stopped)}.")
        if not_run:
            _print_failure(f"Not run: {not_run} of {_cells(self._total)}.")
        return results.failed

    def _count_items(self, event: ItemsProgress) -> None:
        if not self._quiet and event.total > 1:
            self._streams.end_line()
            self._items.show(event, lambda: self._print_title(event.cell_id))

    def _show(self, event: Event) -> None:
        if isinstance(event, RunStarted):
            self._total = len(event.cell_ids)
        elif isinstance(event, CellStarted):
            self._running.add(event.cell_id)
            if len(self._running) == 1:
                self._print_title(event.cell_id)
        elif isinstance(event, CellText):
            self._print_text(event)
        elif isinstance(event, CellRetried):
            self._note_retry(event)
        elif isinstance(event, CellSuperseded):
            self._note_superseded(event)
        elif isinstance(event, CellOutputsCleared):
            self._clear(event.cell_id)
        elif isinstance(event, CellOutput | CellOutputUpdated):
            self._show_change(event)
        elif isinstance(event, CellCompleted | CellFailed):
            self._end(event)

    def _clear(self, cell_id: str) -> None:
        self._since_clear[cell_id] = []
        self._updated = {key: update for key, update in self._updated.items() if key[0] != cell_id}
        self._streams.forget()

    def _show_change(self, event: CellOutput | CellOutputUpdated) -> None:
        held = self._since_clear.get(event.cell_id)
        if held is not None:
            held.append(event)
        elif event.output.type in _STREAMS:
            self._print_title(event.cell_id)
            self._end_answer()
            self._streams.show(event)
        elif isinstance(event, CellOutput):
            self._show_output(event)
        else:
            self._updated[event.cell_id, event.index] = event

    def _show_rest(self, cell_id: str) -> None:
        """Show what waited for the end of a cell."""
        for event in self._since_clear.pop(cell_id, ()):
            self._show(event)
        updated, self._updated = self._updated, {}
        for event in updated.values():
            self._show_output(event)
        self._streams.leave()

    def _end(self, event: CellCompleted | CellFailed) -> None:
        self._show_rest(event.cell_id)
        self._running.discard(event.cell_id)
        self._grown = ""
        self._ended += 1
        of_total = f" ({self._ended} of {self._total})" if self._total > 1 else ""
        if isinstance(event, CellCompleted):
            self._print_title(event.cell_id)
            self._note(f"  done in {event.duration_s:.2f} s{of_total}")
        elif event.interrupted:
            self.interrupted = True

    def _print_title(self, cell_id: str) -> None:
        """Print a cell's title, where what was printed last is of another cell."""
        if self._shown_cell != cell_id:
            self._shown_cell = cell_id
            self._note(self.title(cell_id))

    def _print_text(self, event: CellText) -> None:
        self._print_title(event.cell_id)
        self._grown += event.text
        self._items.clear()
        self._streams.leave()
        if self._answer is None:
            self._answer = FlowingText(stream_columns(sys.stdout))
        click.echo(self._answer.add(escape_controls(event.text)), nl=False)
        self._streams.line_is_open = not event.text.endswith("\n")

    def _end_answer(self) -> None:
        """Print what waits of an answer for its word to end."""
        answer, self._answer = self._answer, None
        if answer is not None:
            click.echo(answer.finish(), nl=False)

    def _note_retry(self, event: CellRetried) -> None:
        self._grown = ""
        item = "" if event.item is None else f", item {event.item + 1}"
        error = one_line(event.error, 200)
        self._note(f"{self.title(event.cell_id)}{item}")
        self._note(f"  attempt {event.attempt} failed, retrying in {event.wait_s:.1f} s: {error}")
        self._shown_cell = event.cell_id

    def _note_superseded(self, event: CellSuperseded) -> None:
        self._print_title(event.cell_id)
        numbers = [self._notebook.index(cell_id) + 1 for cell_id in event.above_ids[-3:]]
        named = " or ".join(f"cell {number}" for number in numbers)
        by = f": {named} changed its request" if named else ""
        self._note(f"  was sent ahead in vain{by}")

    def _show_output(self, event: CellOutput | CellOutputUpdated) -> None:
        output = event.output
        if output.fields.get("ename") in _COUNTED and output.type == "error":
            return  # `finish` says how many cells there are of them
        self._print_title(event.cell_id)
        if output.type == "tool_call":
            self._grown = ""
            self._note(f"  {one_line(output.content, _CALL_COLUMNS)}")
            return
        grown, self._grown = self._grown, ""
        self.break_line()
        if output.type != "llm_response" or grown != output.content:
            _print(output, for_terminal=self._on_terminal)

    def _note(self, text: str, *, hang: str = "") -> None:
        self.break_line()
        if self._quiet:
            return
        if self._notes_on_terminal:
            echo(text, err=True, hang=hang, dim=True)
        else:
            sys.stderr.write(f"{text}\n")  # a fifth of the time; there are two of a cell


def _print(output: Output, *, for_terminal: bool) -> None:
    if for_terminal and _has_html(output):
        from llm_repl_server.cli.cell_printer import CellPrinter

        if CellPrinter().frame(output):
            return
    if output.type == "error":
        lines = output.fields.get("traceback")
        text = "\n".join(map(str, lines)) if isinstance(lines, list) and lines else output.content
        if sys.stderr.isatty():
            text = keep_colours(text)
        echo(escape_controls(text, for_terminal=False), err=True)
        return
    # What the user's own code prints may colour a terminal; what a model says may not.
    if for_terminal and output.type != "llm_response":
        text = keep_colours(output.content)
    else:
        text = escape_controls(output.content, for_terminal=for_terminal)
    echo(text, err=output.type == "warning")


def _has_html(output: Output) -> bool:
    data = output.fields.get("data") if output.type == "display" else None
    return isinstance(data, dict) and "text/html" in data


def _print_failure(text: str) -> None:
    echo(escape_controls(text, for_terminal=False), err=True, hang="  ", fg="red")


def _cells(number: int) -> str:
    return f"{number} cell{'' if number == 1 else 's'}"
