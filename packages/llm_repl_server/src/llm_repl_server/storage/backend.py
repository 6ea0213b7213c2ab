"""What a kind of database does in its own way; this one is right for any server of databases."""

from __future__ import annotations

from typing import Any, ClassVar

import sqlalchemy as sa
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.pool import PoolProxiedConnection

from llm_repl_core.errors import StorageError

__all__ = ["Backend"]


class Backend:
    """A database that may be reached, with what depends on its kind.

    Args:
        url: Where it is.

    Attributes:
        engine: SQLAlchemy's engine; it connects when it is first used.

    Raises:
        StorageError: The driver for such a database is not installed.
    """

    engine_options: ClassVar[dict[str, Any]] = {
        # A notebook is read in two queries, which have to see the same state.
        "isolation_level": "REPEATABLE READ",
        "pool_pre_ping": True,
    }

    def __init__(self, url: sa.URL) -> None:
        self.url = url
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

    def acquire(self) -> None:
        """Prepare the place and keep other servers away.

        Raises:
            StorageError: The place cannot be used, or another server uses it.
        """

    def release(self) -> None:
        """Let go of everything; may be called twice."""
        self.engine.dispose()

    def connect_writer(self) -> PoolProxiedConnection:
        """A connection that begins a transaction at the first change."""
        return self.engine.raw_connection()

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
