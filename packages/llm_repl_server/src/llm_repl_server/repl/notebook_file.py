"""The file that the terminal keeps its notebook in, and whether somebody else has changed it."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from llm_repl_core.errors import Conflict, InvalidInput, StorageError
from llm_repl_core.files import NO_FILE, file_signature

if TYPE_CHECKING:
    from llm_repl_core import Application, Notebook
    from llm_repl_core.files import FileSignature

__all__ = ["NotebookFile", "scratch_path"]


def scratch_path(folder: Path, now: datetime) -> Path:
    """Where a notebook is kept that nobody has named; no file of that name is there yet.

    Args:
        folder: The data folder.
        now: By which it is named.
    """
    # Without a blank, at which a narrow terminal would break the line that names it.
    stem = now.strftime("%Y-%m-%d_%H.%M.%S")
    path = folder / "scratch" / f"{stem}.llmn"
    number = 2
    while path.exists():
        path = path.with_name(f"{stem}_{number}.llmn")
        number += 1
    return path


class NotebookFile:
    """Writes a notebook to its file, and never over what somebody else has put there.

    Args:
        application: Has the formats.
        path: The file, which need not be there.
        is_scratch: Whether nobody has named it, so that it is for its owner alone.

    Raises:
        InvalidInput: No notebook can be read again from a file of that ending.
    """

    def __init__(self, application: Application, path: Path, *, is_scratch: bool = False) -> None:
        if path.suffix.lower() not in application.readable_formats():
            application.format_for(path.name)
            raise InvalidInput(
                f"`{path.name}` is for reading and could not be opened again: name a .llmn, and "
                "make a page of it by `llm-repl convert`."
            )
        self._application = application
        self.path = path
        self.is_scratch = is_scratch
        self._seen = file_signature(path)

    def load(self) -> Notebook:
        """Read the notebook.

        Raises:
            LLMReplError: It is none, or cannot be read.
        """
        self._seen = file_signature(self.path)
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
        expected = None if over_others else self._seen
        try:
            if self.is_scratch and self._seen == NO_FILE:
                expected = self._make_private()
            self._seen = self._application.save(notebook, self.path, expected=expected)
        except Conflict:
            raise Conflict(
                f"{self.path} was changed by somebody else, and is left as it is: `/save OTHER` "
                "keeps this notebook under another name."
            ) from None

    def _make_private(self) -> FileSignature:
        """Make the file, for its owner alone from its first byte on."""
        try:
            self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            try:
                self.path.touch(mode=0o600, exist_ok=False)
            except FileExistsError:
                raise Conflict(f"{self.path} was made by somebody else.") from None
        except OSError as error:
            raise StorageError(f"{self.path} cannot be written: {error.strerror}.") from None
        return file_signature(self.path)
