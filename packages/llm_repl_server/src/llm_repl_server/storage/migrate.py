"""Brings a database to the tables that this version of the program works with."""

from __future__ import annotations

import threading

import sqlalchemy as sa

from llm_repl_core.errors import StorageError
from llm_repl_server.storage.backend import changing
from llm_repl_server.storage.schema import SCHEMA_VERSION, metadata, version_table_name

__all__ = ["migrate"]

# As Alembic makes it.
_versions = sa.Table(
    version_table_name,
    sa.MetaData(),
    sa.Column("version_num", sa.String(32), nullable=False),
    sa.PrimaryKeyConstraint("version_num", name=f"{version_table_name}_pkc"),
)

# Alembic keeps the migration that runs in a global of its own.
_one_at_a_time = threading.Lock()


def migrate(engine: sa.Engine, place: str) -> None:
    """Make the tables of a new database, or run the migrations that one lacks, in one transaction.

    Args:
        engine: Of the database.
        place: The database as messages name it.

    Raises:
        StorageError: A newer version, or another program, made the database.
    """
    with engine.connect() as connection:
        if _read_version(connection, place) == SCHEMA_VERSION:
            return
    with _one_at_a_time, changing(engine) as connection:
        # Another process may have done it in between.
        version = _read_version(connection, place)
        if version is None:
            _make_tables(connection)
        elif version != SCHEMA_VERSION:
            _upgrade(connection, version, place)


def _read_version(connection: sa.Connection, place: str) -> str | None:
    tables = sa.inspect(connection).get_table_names()
    if version_table_name in tables:
        return connection.scalar(sa.select(_versions.c.version_num))
    if tables:
        raise StorageError(
            f"The database {place} belongs to another program; give the URL of a new one."
        )
    return None


def _make_tables(connection: sa.Connection) -> None:
    """Make what all migrations together make; a test holds the two together."""
    metadata.create_all(connection)
    _versions.create(connection, checkfirst=True)  # it is there, empty, where all was taken back
    connection.execute(sa.insert(_versions).values(version_num=SCHEMA_VERSION))


def _upgrade(connection: sa.Connection, version: str, place: str) -> None:
    # Heavy, and not needed by a database that is new or up to date.
    from alembic import command
    from alembic.config import Config
    from alembic.script import ScriptDirectory

    config = Config()
    config.set_main_option("script_location", "llm_repl_server.storage:migrations")
    config.attributes["connection"] = connection
    known = {script.revision for script in ScriptDirectory.from_config(config).walk_revisions()}
    if version not in known:
        raise StorageError(
            f"The database {place} was written by a newer version of LLM-REPL; "
            "upgrade this one, or give the URL of another database."
        )
    command.upgrade(config, SCHEMA_VERSION)
