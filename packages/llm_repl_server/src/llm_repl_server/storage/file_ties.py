"""Which notebooks live in which files."""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy import bindparam

from llm_repl_server.storage.columns import decode_text, encode_text
from llm_repl_server.storage.connection import DatabaseConnection
from llm_repl_server.storage.file_tie import FileTie, tie_from_row
from llm_repl_server.storage.schema import notebook_files, notebooks

__all__ = ["FileTieStore"]

_tie = sa.select(notebook_files).where(notebook_files.c.notebook_id == bindparam("id"))
_with_state = notebook_files.join(notebooks, notebooks.c.id == notebook_files.c.notebook_id)
_of_path = (
    sa.select(notebook_files.c.notebook_id, notebooks.c.deleted_at.is_not(None))
    .select_from(_with_state)
    .where(notebook_files.c.path == bindparam("path"))
)
_pending = (
    sa.select(notebook_files.c.notebook_id)
    .select_from(_with_state)
    .where(notebook_files.c.is_pending, notebooks.c.deleted_at.is_(None))
    .order_by(notebook_files.c.notebook_id)
)


class FileTieStore:
    """Reads ties; they are written by `KeepFileTie`, `MarkFilePending` and `ForgetFileTie`.

    Args:
        connection: The database, which whoever opened it closes.
    """

    def __init__(self, connection: DatabaseConnection) -> None:
        self._connection = connection

    def load_tie(self, notebook_id: str) -> FileTie | None:
        """The file of a notebook, or None where it lives in none.

        Raises:
            StorageError: The database cannot be read.
        """
        with self._connection.reading() as connection:
            row = connection.execute(_tie, {"id": encode_text(notebook_id)}).one_or_none()
            return None if row is None else tie_from_row(row._asdict())

    def find_notebooks(self, path: str) -> dict[str, bool]:
        """The notebooks that live in a file, and whether each is in the bin; one at most is not.

        Raises:
            StorageError: The database cannot be read.
        """
        with self._connection.reading() as connection:
            rows = connection.execute(_of_path, {"path": encode_text(path)}).all()
            return {decode_text(notebook_id): bool(is_binned) for notebook_id, is_binned in rows}

    def list_pending(self) -> list[str]:
        """The notebooks, but for those in the bin, that have more than was written to their files.

        Raises:
            StorageError: The database cannot be read.
        """
        with self._connection.reading() as connection:
            return [decode_text(notebook_id) for (notebook_id,) in connection.execute(_pending)]
