"""The tables. `migrations/` makes them; a test holds the two together."""

from __future__ import annotations

import sqlalchemy as sa

__all__ = ["SCHEMA_VERSION", "cells", "metadata", "notebooks", "settings", "version_table_name"]

SCHEMA_VERSION = "0001"
"""The newest migration's id. A database that has it is opened without loading Alembic."""

version_table_name = "llm_repl_schema"
"""Where Alembic keeps the version; of a name of its own, to tell our databases from others'."""

metadata = sa.MetaData(
    naming_convention={
        "pk": "pk_%(table_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s",
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    }
)

# Text columns hold what `columns.py` makes of texts, times and JSON: a column type of JSON would
# refuse what a notebook may hold (NaN, NUL, lone surrogates), and differs between databases.

notebooks = sa.Table(
    "notebooks",
    metadata,
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("name", sa.Text, nullable=False),
    sa.Column("created_at", sa.Text, nullable=False),
    sa.Column("updated_at", sa.Text, nullable=False),
    sa.Column("metadata", sa.Text, nullable=False),
    sa.Column("memory", sa.Text, nullable=False),
    sa.Column("state_keys", sa.Text, nullable=False),
    sa.Column("extra", sa.Text, nullable=False),
)

cells = sa.Table(
    "cells",
    metadata,
    # A cell's id is unique in its notebook only: those of files may be any text.
    sa.Column(
        "notebook_id",
        sa.Text,
        sa.ForeignKey("notebooks.id", ondelete="CASCADE"),
        primary_key=True,
    ),
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("rank", sa.BigInteger, nullable=False),
    sa.Column("type", sa.Text, nullable=False),
    sa.Column("content", sa.Text, nullable=False),
    sa.Column("outputs", sa.Text, nullable=False),
    sa.Column("status", sa.Text, nullable=False),
    sa.Column("execution_count", sa.BigInteger),
    # Null: the cell was of a type that was not known when it was written.
    sa.Column("options", sa.Text),
    sa.Column("metadata", sa.Text, nullable=False),
    sa.Column("extra", sa.Text, nullable=False),
    sa.Column("updated_at", sa.Text, nullable=False),
    sa.Index(None, "notebook_id", "rank"),
)

settings = sa.Table(
    "settings",
    metadata,
    sa.Column("key", sa.Text, primary_key=True),
    sa.Column("value", sa.Text, nullable=False),
)
