"""The text that an editor works on: it is kept until the notebook has it."""

from __future__ import annotations

import hashlib
from pathlib import Path

import click

from llm_repl_core import Conflict, InvalidInput
from llm_repl_core.files import NO_FILE, FileSignature, file_signature, write_atomically
from llm_repl_server.cli.editor import EditorProblem
from llm_repl_server.settings import data_folder

__all__ = ["EditDraft"]


class EditDraft:
    """A file with the text, under a name of its own for each notebook and cell.

    Args:
        notebook: The notebook's file.
        cell: The number of the cell, from 1, whose text alone is edited; None: all of it.

    Attributes:
        path: Where the text is.
    """

    def __init__(self, notebook: Path, cell: int | None) -> None:
        self._notebook = notebook
        self._before = notebook.read_bytes()
        where = hashlib.sha256(str(notebook.resolve()).encode("utf-8", "surrogateescape"))
        # What a text was begun from is in its name: it fits no other.
        state = hashlib.sha256(self._before)
        part = "" if cell is None else f"-cell-{cell}"
        name = f"{where.hexdigest()[:16]}-{state.hexdigest()[:16]}{part}.md"
        self.path = data_folder() / "edits" / name
        self._is_begun = False
        """Whether the text was written here, and not left by an earlier edit."""

    def begin(self, text: str) -> bool:
        """Write the text, unless one is there that could not be taken over.

        Args:
            text: The text.

        Returns:
            Whether it is this text.
        """
        if self.path.exists():
            return False
        self.path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        write_atomically(self.path, text.encode(), mode=0o600)
        self._is_begun = True
        return True

    def edit(self) -> str:
        """Have the user's editor work on it; the text that it leaves.

        Raises:
            InvalidInput: The editor failed, or left what is no text in UTF-8. The file stays.
        """
        try:
            click.edit(filename=str(self.path))
            return self.path.read_bytes().decode("utf-8-sig").replace("\r\n", "\n")
        except click.ClickException as error:
            problem = EditorProblem(error)
            if problem.is_missing and self._is_begun:
                self.remove()
                raise InvalidInput(problem.sentence) from None
            raise InvalidInput(f"{problem.sentence} The text is kept: {self.path}") from None
        except UnicodeDecodeError:
            raise InvalidInput(f"It is not UTF-8; the text is kept: {self.path}.") from None

    def unchanged_file(self) -> FileSignature:
        """How the notebook's file is, in which nobody has written meanwhile.

        Raises:
            Conflict: Somebody has.
        """
        signature = file_signature(self._notebook)
        if signature == NO_FILE or self._notebook.read_bytes() != self._before:
            raise Conflict(
                f"{self._notebook} was changed while it was edited, and is left as it is."
            )
        return signature

    def remove(self) -> None:
        """The text is in the notebook, or not wanted."""
        self.path.unlink(missing_ok=True)
