"""Notebooks in files, and at revisions of git."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

from llm_repl_server.cli.errors import as_invalid_input

if TYPE_CHECKING:
    from llm_repl_core import Application, Notebook

__all__ = ["load_version"]


def load_version(
    application: Application, version: str, *, name: str | None = None, shown: str | None = None
) -> Notebook:
    """Read a notebook from a file, or from a file at a revision: ``HEAD~1:report.llmn``.

    Args:
        application: Has the formats.
        version: Which; an empty file, and the system's empty device, are a notebook without cells.
        name: The notebook's own name, where that of the file is another's.
        shown: What messages call it; by default, the version.

    Raises:
        FileMissing: There is no such file.
        InvalidInput: git does not know the revision or the file in it.
        InvalidNotebook: It is no notebook.
    """
    from llm_repl_core import InvalidNotebook, Notebook
    from llm_repl_core.application import NOTEBOOK_LIMIT_BYTES
    from llm_repl_core.files import read_bytes

    if version == os.devnull:  # git's word for a file that is not there
        return Notebook(name="")
    revision, colon, path = version.partition(":")
    if colon and revision and not Path(version).exists():
        data = _read_revision(revision, path)
    else:
        path = version
        with as_invalid_input():
            data = read_bytes(Path(version), NOTEBOOK_LIMIT_BYTES)
    if not data.strip():
        return Notebook(name="")
    try:
        return application.decode(Path(name or path).name, data)
    except InvalidNotebook as error:
        raise InvalidNotebook(f"{shown or version}: {error}") from None


def _read_revision(revision: str, path: str) -> bytes:
    from llm_repl_core import InvalidInput

    # `./`: as seen from this folder, and not from the top of the repository.
    named = f"{revision}:{path if path.startswith('/') else f'./{path}'}"
    try:
        shown = subprocess.run(  # noqa: S603  # git, and nothing that it would take for an option
            ["git", "show", "--end-of-options", named],  # noqa: S607  # whichever git the user has
            capture_output=True,
            timeout=60,
            check=False,
        )
    except FileNotFoundError:
        raise InvalidInput("There is no program `git` on the path.") from None
    if shown.returncode != 0:
        lines = shown.stderr.decode("utf-8", "replace").splitlines()
        reason = lines[0].removeprefix("fatal: ") if lines else "it says nothing"
        raise InvalidInput(f"git cannot show `{revision}:{path}`: {reason.rstrip('.')}.")
    return shown.stdout
