"""A notebook whose file is watched: what an edit makes out of date runs again, in the same kernel."""

from __future__ import annotations

import hashlib
import time
from pathlib import Path

from llm_repl_core import LLMReplError, Session
from llm_repl_core.files import NO_FILE, FileSignature, file_signature
from llm_repl_server.cli.flowing_text import echo
from llm_repl_server.cli.notebook_run import NotebookRun
from llm_repl_server.cli.progress import Progress
from llm_repl_server.cli.termination import Termination

__all__ = ["FileWatch", "watch_notebook"]

_LOOK_S = 0.2
"""How often the file is looked at. A look costs microseconds, and works on every file system."""


class FileWatch:
    """Tells when a file has another content.

    Args:
        path: The file, which may be replaced, and missing for a moment.
        seen: How it was when its content was last known.
    """

    def __init__(self, path: Path, seen: FileSignature) -> None:
        self._path = path
        self._seen = seen
        self._digest = self._read()
        if file_signature(path) != seen:
            self._digest = None  # of something newer

    def wait(self, termination: Termination) -> bool:
        """Wait until it has changed, and is not being written: whether it has, or SIGTERM came.

        Raises:
            KeyboardInterrupt: Ctrl-C was pressed.
        """
        while not termination.asked:
            time.sleep(_LOOK_S)
            found = file_signature(self._path)
            if found in (NO_FILE, self._seen):
                continue
            time.sleep(_LOOK_S)
            if file_signature(self._path) != found:
                continue  # it is still being written
            self._seen = found
            digest = self._read()
            if digest not in (None, self._digest):
                self._digest = digest
                return True
        return False

    def _read(self) -> bytes | None:
        try:
            with self._path.open("rb") as file:
                return hashlib.file_digest(file, "sha256").digest()
        except OSError:
            return None


def watch_notebook(
    run: NotebookRun, session: Session, termination: Termination, *, quiet: bool
) -> int:
    """Run what is out of date whenever the file has changed, until Ctrl-C or SIGTERM.

    Args:
        run: The notebook's run, whose first part is over.
        session: Its session.
        termination: Knows whether SIGTERM has come.
        quiet: Whether to print outputs only.

    Returns:
        The exit code.
    """
    while True:
        try:
            if not run.has_taken_edits:
                if not quiet:
                    echo(f"Watching {run.path}. Ctrl-C ends it.", err=True)
                if not FileWatch(run.path, run.file_signature).wait(termination):
                    break
                run.take_edits(session)
            run.has_taken_edits = False
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
            echo(f"Error: {error}", err=True)
    return termination.exit_code
