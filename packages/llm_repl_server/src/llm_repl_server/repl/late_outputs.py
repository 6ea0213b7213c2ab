"""What threads, tasks and programs of cells give after their ends, for somebody at the prompt."""

from __future__ import annotations

from collections.abc import Callable

from llm_repl_core import (
    CellOutput,
    CellOutputUpdated,
    Event,
    Notebook,
    Output,
    RunCompleted,
    RunFailed,
    RunStarted,
)
from llm_repl_server.repl.target import News

__all__ = ["LateOutputs"]

_STREAMS = frozenset({"stdout", "stderr"})


class LateOutputs:
    """Listens to a session, and makes news of what belongs to no run that goes on.

    Args:
        notebook: Whose session.
        listener: Gets the news.
    """

    def __init__(self, notebook: Notebook, listener: Callable[[News], None]) -> None:
        self._notebook = notebook
        self._listener = listener
        self._runs: set[str] = set()
        self._lines: dict[tuple[str, str], str] = {}
        """By cell and stream: the beginning of a line."""
        self._last_cell: str | None = None

    def on_event(self, event: Event) -> None:
        """Take an event of the session."""
        if isinstance(event, RunStarted):
            self._runs.add(event.run_id)
            self._last_cell = None
        elif isinstance(event, RunCompleted | RunFailed):
            self._runs.discard(event.run_id)
        elif isinstance(event, CellOutput | CellOutputUpdated) and event.run_id not in self._runs:
            shown = self._whole(event)
            if shown is not None:
                self._show(event.cell_id, shown)

    def _whole(self, event: CellOutput | CellOutputUpdated) -> Output | None:
        """What can be shown above the prompt: whole lines, as that stays below them."""
        output = event.output
        if output.type not in _STREAMS:
            return output
        key = event.cell_id, output.type
        is_anew = isinstance(event, CellOutputUpdated) and event.lines != 0
        text = output.content if is_anew else self._lines.pop(key, "") + output.content
        lines, end, rest = text.rpartition("\n")
        self._lines[key] = rest
        return Output(output.type, lines + end) if end else None

    def _show(self, cell_id: str, output: Output) -> None:
        text = ""
        if cell_id != self._last_cell and cell_id in self._notebook:
            self._last_cell = cell_id
            text = f"Cell {self._notebook.index(cell_id) + 1} goes on:"
        self._listener(News(text=text, outputs=(output,)))
