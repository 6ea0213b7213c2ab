"""The file that the terminal keeps its notebook in, and whether somebody else has changed it."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from llm_repl_core.errors import Conflict, StorageError

if TYPE_CHECKING:
    from llm_repl_core import Application, Notebook

__all__ = ["NotebookFile", "scratch_path"]


def scratch_path(folder: Path, now: datetime) -> Path:
    """Where a notebook is kept that nobody has named; no file of that name is there yet.

    Args:
        folder: The data folder.
        now: By which it is named.
    """
    stem = now.strftime("%Y-%m-%d %H.%M.%S")
    path = folder / "scratch" / f"{stem}.llmn"
    number = 2
    while path.exists():
        path = path.with_name(f"{stem} {number}.llmn")
        number += 1
    return path


class NotebookFile:
    """Writes a notebook to its file, and never over what somebody else has put there.

    Args:
        application: Has the formats.
        path: The file, which need not be there.
        is_scratch: Whether nobody has named it, so that it is for its owner alone.
    """

    def __init__(self, application: Application, path: Path, *, is_scratch: bool = False) -> None:
        self._application = application
        self.path = path
        self.is_scratch = is_scratch
        self._seen = self._state()

    def load(self) -> Notebook:
        """Read the notebook.

        Raises:
            LLMReplError: It is none, or cannot be read.
        """
        self._seen = self._state()
        return self._application.load(self.path)

    def save(self, notebook: Notebook, *, over_others: bool = False) -> None:
        """Write the notebook: the whole of it or nothing.

        Args:
            notebook: The notebook.
            over_others: Whether to write over what others have put there meanwhile.

        Raises:
            Conflict: Somebody else has changed the file since it was read or written here.
            InvalidInput: The ending is unknown.
            StorageError: It cannot be written.
        """
        if not over_others and self._state() != self._seen:
            raise Conflict(
                f"{self.path} was changed by somebody else, and is left as it is: `/save OTHER` "
                "keeps this notebook under another name."
            )
        if self.is_scratch:
            try:
                self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
                self.path.touch(mode=0o600)
            except OSError as error:
                raise StorageError(f"{self.path} cannot be written: {error.strerror}.") from None
        self._application.save(notebook, self.path)
        self._seen = self._state()

    def _state(self) -> tuple[int, int] | None:
        """What tells one state of the file from another; None: there is no file."""
        try:
            found = self.path.stat()
        except OSError:
            return None
        return found.st_mtime_ns, found.st_size
