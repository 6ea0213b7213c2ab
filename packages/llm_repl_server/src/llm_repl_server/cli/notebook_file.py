"""The notebook that a command is about, and what of it can be found wrong before anything runs."""

from __future__ import annotations

import difflib
from pathlib import Path
from typing import TYPE_CHECKING

from llm_repl_server.cli.errors import as_invalid_input
from llm_repl_server.cli.flowing_text import echo

if TYPE_CHECKING:
    from llm_repl_core import Application, Notebook

__all__ = ["load_notebook_file"]


def load_notebook_file(application: Application, path: Path) -> Notebook:
    """Read a notebook that has something in it.

    Args:
        application: Has the formats.
        path: The file.

    Raises:
        FileMissing: There is none; the message names one of nearly the same name.
        InvalidInput: It is no file, no notebook, or has no cells.
    """
    from llm_repl_core import FileMissing, InvalidInput

    if path.is_dir():
        raise InvalidInput(f"{path} is a folder; name a notebook's file.")
    try:
        with as_invalid_input():
            notebook = application.load(path)
    except (FileMissing, InvalidInput) as error:
        if path.exists():
            raise
        names = [
            beside.name for beside in _notebooks_beside(path, tuple(application.readable_formats()))
        ]
        close = difflib.get_close_matches(path.name, names, n=1)
        if not close:
            raise
        missing = f"There is no file {path}. Did you mean `{path.with_name(close[0])}`?"
        raise FileMissing(missing) from error
    for notice in notebook.notices:
        echo(notice, err=True)
    if not len(notebook):
        raise InvalidInput(f"{path} has no cells.")
    return notebook


def _notebooks_beside(path: Path, endings: tuple[str, ...]) -> list[Path]:
    try:
        return [beside for beside in path.parent.iterdir() if beside.suffix.lower() in endings]
    except OSError:
        return []
