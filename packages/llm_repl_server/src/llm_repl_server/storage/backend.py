"""What a kind of database does in its own way; this one is right for any server of databases."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, ClassVar
from uuid import uuid4

import sqlalchemy as sa
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.pool import PoolProxiedConnection

from llm_repl_core.errors import StorageError
from llm_repl_server.storage.schema import calls

__all__ = ["CHANGES", "Backend", "changing"]

CHANGES = "llm_repl_changes"
"""The option of a connection whose transactions will change something."""


class Backend:
    """A database that may be reached, with what depends on its kind.

    Args:
        url: Where it is.

    Attributes:
        engine: SQLAlchemy's engine; it connects when it is first used.

    Raises:
        StorageError: The driver for such a database is not installed.
    """

    like_ignores_case: ClassVar[bool] = False
    """Whether ``LIKE`` takes small letters of ASCII for capitals."""
    engine_options: ClassVar[dict[str, Any]] = {
        # A notebook is read in two queries, which have to see the same state.
        "isolation_level": "REPEATABLE READ",
        "pool_pre_ping": True,
    }

    def __init__(self, url: sa.URL) -> None:
        self.url = url
        self._owner = uuid4().hex
        try:
            self.engine = sa.create_engine(url, **self.engine_options)
        except (ImportError, sa.exc.ArgumentError) as error:
            raise StorageError(
                f"The database {self.place} cannot be used: {error}; "
                "install its driver or give another URL."
            ) from error

    @property
    def place(self) -> str:
        """The database as messages name it: without a password."""
        return self.url.render_as_string(hide_password=True)

    def size_bytes(self) -> int:
        """How much room the database takes, as far as that can be told."""
        return 0

    def acquire(self) -> None:
        """Keep other servers away.

        Raises:
            StorageError: The place cannot be used, or another server uses it.
        """

    @contextmanager
    def opening(self) -> Iterator[None]:
        """Held by one process at a time, while tables are made or brought up to date.

        Raises:
            StorageError: The place cannot be used, or another process does not let go.
        """
        yield

    def release(self) -> None:
        """Let go of everything; may be called twice."""
        self.engine.dispose()

    def connect_writer(self) -> PoolProxiedConnection:
        """A connection for changes; `begin_changes` is called before those of a transaction."""
        return self.engine.raw_connection()

    def begin_changes(self, connection: DBAPIConnection) -> None:
        """Begin a transaction that changes something; drivers do so by themselves."""

    def owner(self) -> str:
        """By which name running calls say that this process makes them."""
        return self._owner

    def is_alive(self, owner: str) -> bool:  # noqa: ARG002  # for subclasses
        """Whether the process of that name may still be alive; here, nothing tells."""
        return True

    def forget_dead_owners(self) -> None:
        """Remove what processes left that have ended."""

    def prepare_search(self) -> None:
        """See to what `search_condition` needs, when the tables are up to date."""

    def search_condition(self, words: Sequence[str]) -> sa.ColumnElement[bool]:
        """Which calls have all these words in their messages or their answer.

        Args:
            words: As `encode_text` makes them; not empty. Each may be the beginning of a word, or
                any part of one.
        """
        return sa.and_(
            *(
                calls.c.messages.icontains(word, autoescape=True)
                | calls.c.text.icontains(word, autoescape=True)
                for word in words
            )
        )

    def is_database_error(self, error: BaseException) -> bool:
        """Whether it comes from the database's driver."""
        return isinstance(error, (sa.exc.SQLAlchemyError, self._driver.Error))

    def is_integrity_error(self, error: BaseException) -> bool:
        """Whether a key is taken, or a row that another refers to is missing."""
        return isinstance(error, self._driver.IntegrityError)

    def explain(self, error: BaseException) -> str:
        """One sentence about an error of the database's driver."""
        cause = error.orig if isinstance(error, sa.exc.DBAPIError) else error
        lines = str(cause or error).strip().splitlines() or [type(error).__name__]
        return f"The database {self.place} failed: {lines[0]}."

    @property
    def _driver(self) -> Any:
        return self.engine.dialect.loaded_dbapi

    @staticmethod
    def driver_connection(connection: PoolProxiedConnection) -> DBAPIConnection:
        """The driver's own connection inside of a pooled one."""
        driver_connection = connection.dbapi_connection
        assert driver_connection is not None
        return driver_connection


@contextmanager
def changing(engine: sa.Engine) -> Iterator[sa.Connection]:
    """A transaction of SQLAlchemy's own that changes something, for what is done once.

    It says so at its beginning: a database may otherwise refuse to let a reader become a writer.
    """
    with engine.connect() as connection:
        connection = connection.execution_options(**{CHANGES: True})
        with connection.begin():
            yield connection
