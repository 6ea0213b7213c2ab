"""``llm-repl edit``: a notebook as text in the editor of one's own."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from llm_repl_server.cli.completing import complete_cells, complete_notebooks
from llm_repl_server.cli.flowing_text import echo
from llm_repl_server.cli.notebook_file import load_notebook_file

if TYPE_CHECKING:
    from llm_repl_core import Application, Notebook
    from llm_repl_server.cli.edit_draft import EditDraft

__all__ = ["command"]


@click.command("edit")
@click.argument("notebook", type=click.Path(path_type=Path), shell_complete=complete_notebooks)
@click.argument("cell", type=click.IntRange(min=1), required=False, shell_complete=complete_cells)
@click.option(
    "--discard", is_flag=True, help="Begin anew, where an earlier text could not be taken over."
)
def command(notebook: Path, cell: int | None, *, discard: bool) -> None:
    """Edit NOTEBOOK as text, or the text of its CELL alone, in the editor that $VISUAL or $EDITOR names.

    Cells that you do not touch keep their outputs, answers and metadata. A text that cannot be read is kept:
    you are asked whether to go on with it, and the next `llm-repl edit` begins with it.
    """
    from llm_repl_core import Application, InvalidInput
    from llm_repl_server.cli.edit_draft import EditDraft

    application = Application()
    document = load_notebook_file(application, notebook)
    if cell is not None and cell > len(document):
        raise InvalidInput(f"There is no cell {cell}: the notebook has {len(document)} cells.")
    draft = EditDraft(notebook, cell)
    if discard:
        draft.remove()
    original = _text(application, document, cell)
    if not draft.begin(original):
        echo(f"This goes on with the text that could not be taken over: {draft.path}", err=True)
    while True:
        text = draft.edit()
        if text == original:
            draft.remove()
            echo("Nothing was changed.", err=True)
            return
        try:
            changed = _take(application, document, cell, text)
            break
        except InvalidInput as error:
            echo(f"Error: {error}", err=True)
            if sys.stdin.isatty() and click.confirm("Edit it again?", default=True, err=True):
                continue
            echo(f"Your text is kept: `llm-repl edit` goes on with it ({draft.path}).", err=True)
            sys.exit(error.exit_code)
    _save(application, document, notebook, draft)
    count = "1 cell" if len(changed) == 1 else f"{len(changed)} cells"
    echo(f"{notebook}: {count} changed.", err=True)


def _text(application: Application, document: Notebook, cell: int | None) -> str:
    from llm_repl_server.cli.edit_text import EditText, shown_text

    if cell is None:
        return EditText(document, application.cell_types).write()
    return shown_text(document.cells[cell - 1].content) + "\n"


def _take(application: Application, document: Notebook, cell: int | None, text: str) -> list[str]:
    """Change the notebook; the ids of the cells that are not what they were."""
    from llm_repl_core.engine.dependencies import Dependencies
    from llm_repl_server.cli.edit_text import EditText

    if cell is None:
        return EditText(document, application.cell_types).take(text)
    changed = document.cells[cell - 1]
    document.change(changed.id, content=text.removesuffix("\n"))
    Dependencies(document).mark_changed(changed.id)
    return [changed.id]


def _save(application: Application, document: Notebook, path: Path, draft: EditDraft) -> None:
    from llm_repl_core import LLMReplError

    try:
        application.save(document, path, expected=draft.unchanged_file())
    except LLMReplError:
        echo(f"Your text is kept: {draft.path}", err=True)
        raise
    draft.remove()
