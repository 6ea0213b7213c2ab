"""From a URL to the kind of database that it names."""

from __future__ import annotations

import sqlalchemy as sa

from llm_repl_core.errors import StorageError
from llm_repl_server.storage.backend import Backend
from llm_repl_server.storage.sqlite import SQLiteBackend

__all__ = ["backend_of"]


def backend_of(url: str) -> Backend:
    """The database of a URL; nothing is opened yet.

    Raises:
        StorageError: It is not a URL of a database, or the driver is not installed.
    """
    try:
        parsed = sa.make_url(url)
        name = parsed.get_backend_name()
    except sa.exc.ArgumentError:
        # The text may hold a password, so it is not repeated.
        raise StorageError(
            "The storage's URL cannot be read; it looks like sqlite:////folder/name.db."
        ) from None
    return SQLiteBackend(parsed) if name == SQLiteBackend.name else Backend(parsed)
