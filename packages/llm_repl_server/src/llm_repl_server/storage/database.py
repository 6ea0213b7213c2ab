"""The writer's connection: statements that are compiled once and run by the driver itself.

SQLAlchemy's own execution would cost as much as all the rest of a small transaction (measured:
70 to 100 µs), and small transactions are what happens most. The statements are SQLAlchemy's, compiled for the dialect
at hand; only the columns' types must need no conversion, and those of `schema` need none.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import closing
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.sql.compiler import SQLCompiler

from llm_repl_server.storage.backend import Backend

__all__ = ["Database", "Parameters", "Statement"]

Statement = sa.Insert | sa.Update | sa.Delete | sa.Select[Any] | sa.CompoundSelect[Any]
Parameters = Mapping[str, Any]


class Database:
    """One connection for changes, used by one thread.

    Args:
        backend: The database.
    """

    def __init__(self, backend: Backend) -> None:
        self.backend = backend
        self._compiled: dict[Statement, tuple[str, list[str] | None]] = {}
        self._pooled = backend.connect_writer()

    def run(self, statement: Statement, parameters: Parameters) -> int:
        """Run a statement; how many rows it changed."""
        sql, names = self._compile(statement)
        with closing(self._connection.cursor()) as cursor:
            cursor.execute(sql, _bind(parameters, names))
            return cursor.rowcount

    def run_many(self, statement: Statement, rows: Sequence[Parameters]) -> int:
        """Run a statement for every row; how many rows it changed in all."""
        if len(rows) == 1:
            return self.run(statement, rows[0])
        sql, names = self._compile(statement)
        with closing(self._connection.cursor()) as cursor:
            cursor.executemany(sql, [_bind(parameters, names) for parameters in rows])
            return cursor.rowcount

    def fetch(self, statement: Statement, parameters: Parameters) -> Sequence[Any]:
        """All rows of a query."""
        sql, names = self._compile(statement)
        with closing(self._connection.cursor()) as cursor:
            cursor.execute(sql, _bind(parameters, names))
            return cursor.fetchall()

    def begin(self) -> None:
        """Begin a transaction that changes something; waits for who is writing now."""
        self.backend.begin_changes(self._connection)

    def commit(self) -> None:
        """Make what was run durable; returns when the disk has it."""
        self._connection.commit()

    def rollback(self) -> None:
        """Undo what was run since the last commit; connects anew where the connection is gone."""
        try:
            self._connection.rollback()
        except Exception as error:
            if not self.backend.is_database_error(error):
                raise
            self._pooled.invalidate()
            self._pooled = self.backend.connect_writer()

    def close(self) -> None:
        """Close the connection; what was not committed is undone."""
        # Not given back to the pool: a writer's connection is set up in its own way.
        self._pooled.invalidate()

    @property
    def _connection(self) -> DBAPIConnection:
        return self.backend.driver_connection(self._pooled)

    def _compile(self, statement: Statement) -> tuple[str, list[str] | None]:
        found = self._compiled.get(statement)
        if found is None:
            compiled = statement.compile(dialect=self.backend.engine.dialect)
            assert isinstance(compiled, SQLCompiler)
            found = (str(compiled), compiled.positiontup if compiled.positional else None)
            self._compiled[statement] = found
        return found


def _bind(parameters: Parameters, names: list[str] | None) -> Any:
    return parameters if names is None else tuple([parameters[name] for name in names])
