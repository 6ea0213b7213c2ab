"""The tables. `migrations/` makes them; a test holds the two together."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa

__all__ = [
    "SCHEMA_VERSION",
    "binned_cells",
    "calls",
    "cells",
    "media",
    "metadata",
    "notebook_files",
    "notebooks",
    "runs",
    "settings",
    "version_table_name",
]

SCHEMA_VERSION = "0008"
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
    # Null unless it is in the bin: its cells, runs and calls stay as they are meanwhile.
    sa.Column("deleted_at", sa.Text),
    sa.Index(None, "deleted_at"),
)

# The files that notebooks live in.
notebook_files = sa.Table(
    "notebook_files",
    metadata,
    sa.Column(
        "notebook_id",
        sa.Text,
        sa.ForeignKey("notebooks.id", ondelete="CASCADE"),
        primary_key=True,
    ),
    sa.Column("path", sa.Text, nullable=False),
    # Of the bytes that the file had when it was last read or written.
    sa.Column("digest", sa.Text, nullable=False),
    # What they said, without outputs: what later changes are merged against.
    sa.Column("base", sa.Text, nullable=False),
    # Whether the notebook has more than was written to the file.
    sa.Column("is_pending", sa.Boolean, nullable=False),
    sa.Column("saved_at", sa.Text, nullable=False),
    sa.Index(None, "path"),
    sa.Index(None, "is_pending"),
)


def _cell_columns() -> list[sa.Column[Any]]:
    """The columns of a cell, where it stands and in the bin alike."""
    return [
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
        sa.Column("stale", sa.Boolean, nullable=False, server_default=sa.false()),
        # Null: nothing is remembered of its last run.
        sa.Column("staleness", sa.Text),
    ]


cells = sa.Table("cells", metadata, *_cell_columns(), sa.Index(None, "notebook_id", "rank"))

# Deleted cells, for a while: each as it was, with the rank that says where it stood.
binned_cells = sa.Table(
    "binned_cells",
    metadata,
    *_cell_columns(),
    sa.Column("deleted_at", sa.Text, nullable=False),
    sa.Index(None, "notebook_id", "deleted_at"),
    sa.Index(None, "deleted_at"),
)

settings = sa.Table(
    "settings",
    metadata,
    sa.Column("key", sa.Text, primary_key=True),
    sa.Column("value", sa.Text, nullable=False),
)

runs = sa.Table(
    "runs",
    metadata,
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column(
        "notebook_id",
        sa.Text,
        sa.ForeignKey("notebooks.id", ondelete="CASCADE"),
        nullable=False,
    ),
    sa.Column("state", sa.Text, nullable=False),
    sa.Column("kind", sa.Text, nullable=False),
    sa.Column("cell_ids", sa.Text, nullable=False),
    sa.Column("mode", sa.Text, nullable=False),
    sa.Column("completed", sa.BigInteger, nullable=False),
    sa.Column("total", sa.BigInteger, nullable=False),
    sa.Column("error", sa.Text),
    sa.Column("cell_id", sa.Text),
    sa.Column("created_at", sa.Text, nullable=False),
    sa.Column("started_at", sa.Text),
    sa.Column("ended_at", sa.Text),
    # In which order the runs of a server were asked for, whatever its clock said.
    sa.Column("number", sa.BigInteger, nullable=False, server_default="0"),
    sa.Index(None, "notebook_id", "number"),
    sa.Index(None, "number"),
)

calls = sa.Table(
    "calls",
    metadata,
    # In which order they were put on record: a clock may be set back, so that no time says which
    # answer is the latest. What is searched refers to it.
    sa.Column("number", sa.Integer, primary_key=True),
    sa.Column("id", sa.Text, nullable=False),
    # No foreign key: what was paid stays on record when its notebook is deleted, and a notebook
    # that is a file is in no table.
    sa.Column("notebook_id", sa.Text, nullable=False),
    sa.Column("run_id", sa.Text, nullable=False),
    sa.Column("cell_id", sa.Text, nullable=False),
    sa.Column("item", sa.BigInteger),
    sa.Column("step", sa.BigInteger, nullable=False),
    sa.Column("position", sa.BigInteger, nullable=False),
    sa.Column("identity", sa.Text, nullable=False),
    sa.Column("provider", sa.Text, nullable=False),
    sa.Column("model", sa.Text, nullable=False),
    sa.Column("source", sa.Text, nullable=False),
    sa.Column("original_id", sa.Text),
    sa.Column("state", sa.Text, nullable=False),
    # Which process makes the call; the backend tells whether it is alive.
    sa.Column("owner", sa.Text, nullable=False),
    sa.Column("started_at", sa.Text, nullable=False),
    sa.Column("duration_s", sa.Double),
    sa.Column("first_token_s", sa.Double),
    # For sums; what the provider counted is in `usage`.
    sa.Column("input_tokens", sa.BigInteger),
    sa.Column("output_tokens", sa.BigInteger),
    sa.Column("price_usd", sa.Double),
    sa.Column("answered_by", sa.Text),
    sa.Column("finish_reason", sa.Text),
    sa.Column("error", sa.Text),
    # The long ones come last, so that the others are read without them.
    sa.Column("usage", sa.Text),
    sa.Column("attempts", sa.Text, nullable=False),
    sa.Column("tool_calls", sa.Text, nullable=False),
    sa.Column("text", sa.Text, nullable=False),
    # The texts in `request`, which are searched.
    sa.Column("messages", sa.Text, nullable=False),
    sa.Column("request", sa.Text, nullable=False),
    sa.Column("body", sa.Text, nullable=False),
    # Null where there is nothing.
    sa.Column("reasoning", sa.Text),
    sa.Column("provider_fields", sa.Text),
    # What models made is named by its hash; its bytes are in `media`.
    sa.Column("parts", sa.Text),
    sa.Column("logprobs", sa.Text),
    sa.Column("provider_finish_reason", sa.Text),
    sa.Index(None, "id", unique=True),
    # With the number, so that what is found is in order already: a planner may
    # prefer an index that spares it sorting to one that finds fewer rows.
    sa.Index(None, "notebook_id", "identity", "number"),
    sa.Index(None, "notebook_id", "number"),
    sa.Index(None, "started_at"),
    sa.Index(None, "run_id", "number"),
    sa.Index(None, "state", "number"),
)

# Pictures and sounds that models made, each once, however many calls have it.
media = sa.Table(
    "media",
    metadata,
    sa.Column("sha256", sa.Text, primary_key=True),
    sa.Column("data", sa.LargeBinary, nullable=False),
)
