"""How much a database holds."""

from __future__ import annotations

import sqlalchemy as sa
from msgspec import Struct

from llm_repl_server.storage.connection import DatabaseConnection
from llm_repl_server.storage.schema import calls, notebooks

__all__ = ["StorageCounts", "count_stored"]


class StorageCounts(Struct, frozen=True, kw_only=True):
    """How much there is.

    Attributes:
        notebooks: Those in the list.
        deleted_notebooks: Those in the bin.
        answers: The calls that were answered live: what is recorded.
        place: Where the database is, in words for a person.
        size_bytes: How much room its files take.
    """

    notebooks: int
    deleted_notebooks: int
    answers: int
    place: str
    size_bytes: int


def count_stored(database: DatabaseConnection) -> StorageCounts:
    """Count what a database holds.

    Raises:
        StorageError: The database cannot be read.
    """
    of_notebooks = sa.select(
        sa.func.count(), sa.func.coalesce(sa.func.sum(sa.case((_is_deleted, 1), else_=0)), 0)
    ).select_from(notebooks)
    answered = (
        sa.select(sa.func.count())
        .select_from(calls)
        .where(calls.c.source == "live", calls.c.state == "completed")
    )
    with database.reading() as connection:
        total, deleted = connection.execute(of_notebooks).one()
        answers = connection.execute(answered).scalar_one()
    return StorageCounts(
        notebooks=total - deleted,
        deleted_notebooks=deleted,
        answers=answers,
        place=database.backend.place,
        size_bytes=database.backend.size_bytes(),
    )


_is_deleted = notebooks.c.deleted_at.is_not(None)
