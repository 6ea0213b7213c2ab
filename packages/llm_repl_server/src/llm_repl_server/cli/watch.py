"""A notebook whose file is watched: what an edit makes out of date runs again, in the same kernel."""

from __future__ import annotations

import hashlib
import time
from pathlib import Path

import click

from llm_repl_core import Cell, LLMReplError, Notebook, Session
from llm_repl_core.merging.matching import match_cells
from llm_repl_core.model.staleness import StaleReason
from llm_repl_server.cli.notebook_run import NotebookRun
from llm_repl_server.cli.progress import Progress
from llm_repl_server.cli.termination import Termination

__all__ = ["FileWatch", "take_edits", "watch_notebook"]

_LOOK_S = 0.2
"""How often the file is looked at. A look costs microseconds, and works on every file system."""


class FileWatch:
    """Tells when a file has another content.

    Args:
        path: The file, which may be replaced, and missing for a moment.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._stamp = self._look()
        self._digest = self._read()

    def note(self) -> None:
        """Take what the file holds now for what was known: it was written here."""
        self._stamp, self._digest = self._look(), self._read()

    def wait(self, termination: Termination) -> bool:
        """Wait until it has changed, and is not being written: whether it has, or SIGTERM came.

        Raises:
            KeyboardInterrupt: Ctrl-C was pressed.
        """
        while not termination.asked:
            time.sleep(_LOOK_S)
            stamp = self._look()
            if stamp in (None, self._stamp):
                continue
            time.sleep(_LOOK_S)
            if self._look() != stamp:
                continue  # it is still being written
            self._stamp = stamp
            digest = self._read()
            if digest not in (None, self._digest):
                self._digest = digest
                return True
        return False

    def _look(self) -> tuple[int, int, int] | None:
        try:
            found = self._path.stat()
        except OSError:
            return None
        return found.st_mtime_ns, found.st_size, found.st_ino

    def _read(self) -> bytes | None:
        try:
            with self._path.open("rb") as file:
                return hashlib.file_digest(file, "sha256").digest()
        except OSError:
            return None


def watch_notebook(
    run: NotebookRun,
    session: Session,
    file_watch: FileWatch,
    termination: Termination,
    *,
    quiet: bool,
) -> int:
    """Run what is out of date whenever the file has changed, until Ctrl-C or SIGTERM.

    Args:
        run: The notebook's run, whose first part is over.
        session: Its session.
        file_watch: Watches its file.
        termination: Knows whether SIGTERM has come.
        quiet: Whether to print outputs only.

    Returns:
        The exit code.
    """
    while True:
        if run.writes_its_file:
            file_watch.note()
        if not quiet:
            click.echo(f"Watching {run.path}. Ctrl-C ends it.", err=True)
        try:
            if not file_watch.wait(termination):
                break
            take_edits(session, run.read_again())
            to_run = run.chosen.out_of_date()
            if not to_run.chosen_ids:
                continue
            display = Progress(session.notebook, quiet=quiet)
            if run.run(session, to_run, display, termination) == termination.exit_code:
                break
        except KeyboardInterrupt:
            break
        except LLMReplError as error:
            # Half an edit, perhaps: the next one may be whole.
            click.echo(f"Error: {error}", err=True)
    return termination.exit_code


def take_edits(session: Session, fresh: Notebook) -> None:
    """Give an open notebook the cells of its file, and note what that makes stale.

    Args:
        session: The session of the notebook.
        fresh: The notebook as its file has it now; outputs are left as they are here.
    """
    notebook, dependencies = session.notebook, session.dependencies
    known = match_cells(notebook, fresh)
    cells = [cell.copy(id=known.get(cell.id, cell.id)) for cell in fresh]
    staying = {cell.id for cell in cells}
    for gone in [cell.id for cell in notebook if cell.id not in staying]:
        dependencies.mark_changed(gone, happening="deleted")
        notebook.remove(gone)
    for place, cell in enumerate(cells):
        if cell.id not in notebook:
            cell.clear_outputs()
            notebook.insert(cell, place)
            dependencies.mark_changed(cell.id, happening="added")
        elif notebook.index(cell.id) != place:
            _move(session, cell.id, place)
    for cell in cells:
        _take_edit(session, cell)
    before = dict(notebook.own_metadata)
    notebook.name, notebook.metadata = fresh.name, fresh.metadata
    if notebook.own_metadata != before:
        dependencies.note_notebook_edit(before)


def _move(session: Session, cell_id: str, place: int) -> None:
    notebook, dependencies = session.notebook, session.dependencies
    cell = notebook[cell_id]
    needs = dependencies.upstream(cell_id)
    dependencies.mark_changed(cell_id, happening="moved")
    notebook.move(cell_id, place)
    dependencies.mark_changed(cell_id, happening="moved")
    if cell.status != "idle" and needs != dependencies.upstream(cell_id):
        cell.be_stale(StaleReason(kind="moved", cell_id=cell_id))


def _take_edit(session: Session, fresh: Cell) -> None:
    notebook = session.notebook
    here = notebook[fresh.id]
    if here.wire_type != fresh.wire_type:
        fresh.clear_outputs()
        notebook.replace(fresh)
    elif here.content != fresh.content or here.options() != fresh.options():
        notebook.change(fresh.id, content=fresh.content, **fresh.options())
    else:
        here.metadata = fresh.metadata
        return
    session.dependencies.mark_changed(fresh.id)
