"""One of several notebooks that run, and how that goes."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

from llm_repl_core import (
    CellStarted,
    Event,
    ItemsProgress,
    Kernel,
    LLMReplError,
    NotFound,
    Session,
    ToolApprovalNeeded,
)
from llm_repl_server.cli.cell_titles import cell_title
from llm_repl_server.cli.notebook_run import NotebookRun
from llm_repl_server.cli.run_results import NotebookReport, RunResults

__all__ = ["FileRun"]


class FileRun:
    """One of several notebooks, and how its run goes: a `RunDisplay` that prints nothing.

    Args:
        path: The notebook's file.

    Attributes:
        run: What runs it; None: it cannot be run.
        error: Why it cannot, or was not saved; empty where it could.
        exit_code: Of its run alone; None: it has not ended.
        begun: Whether the run has begun.
        interrupted: Whether a cell was stopped.
        results: What became of the cells.
        cell: What it does now, in one line.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.run: NotebookRun | None = None
        self.kernel: Kernel | str | None = None
        self.session: Session | None = None
        self.error = ""
        self.exit_code: int | None = None
        self.begun = False
        self.interrupted = False
        self.results = RunResults()
        self.cell = ""

    def show(self, event: Event) -> None:
        """See `RunDisplay.show`."""
        assert self.run is not None
        self.begun = True
        self.results.take(event)
        if isinstance(event, CellStarted):
            self.cell = cell_title(self.run.notebook, event.cell_id)
        elif isinstance(event, ItemsProgress):
            title = cell_title(self.run.notebook, event.cell_id).partition(":")[0]
            self.cell = f"{title} {event.ended} of {event.total}"

    def approve(self, session: Session, event: ToolApprovalNeeded) -> None:
        """Refuse it: of several notebooks, none has the terminal."""
        with suppress(NotFound):
            session.approve(event.call_id, approved=False)

    def finish(self) -> bool:
        """See `RunDisplay.finish`."""
        self.results.end()
        self.interrupted = self.interrupted or bool(self.results.in_state("stopped"))
        return self.results.failed

    def fail(self, error: LLMReplError) -> None:
        """Note why it could not be run, or not be saved."""
        self.error = str(error)
        self.exit_code = error.exit_code
        self.results.end()

    def report(self) -> NotebookReport:
        """What a report says of it."""
        run = self.run
        if run is None:
            return NotebookReport(str(self.path), None, None, self.results, self.error)
        return NotebookReport(
            str(self.path), run.notebook, run.application, self.results, self.error
        )
