"""Runs of notebooks, calls to models, and cells that are stale."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the column and the tables."""
    op.add_column(
        "cells", sa.Column("stale", sa.Boolean, nullable=False, server_default=sa.false())
    )
    op.create_table(
        "runs",
        sa.Column("id", sa.Text, nullable=False),
        sa.Column("notebook_id", sa.Text, nullable=False),
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
        sa.PrimaryKeyConstraint("id", name="pk_runs"),
        sa.ForeignKeyConstraint(
            ["notebook_id"], ["notebooks.id"], name="fk_runs_notebook_id", ondelete="CASCADE"
        ),
    )
    op.create_index("ix_runs_notebook_id_created_at", "runs", ["notebook_id", "created_at"])
    op.create_table(
        "calls",
        sa.Column("number", sa.Integer, nullable=False),
        sa.Column("id", sa.Text, nullable=False),
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
        sa.Column("owner", sa.Text, nullable=False),
        sa.Column("started_at", sa.Text, nullable=False),
        sa.Column("duration_s", sa.Double),
        sa.Column("first_token_s", sa.Double),
        sa.Column("input_tokens", sa.BigInteger),
        sa.Column("output_tokens", sa.BigInteger),
        sa.Column("price_usd", sa.Double),
        sa.Column("answered_by", sa.Text),
        sa.Column("finish_reason", sa.Text),
        sa.Column("error", sa.Text),
        sa.Column("usage", sa.Text),
        sa.Column("attempts", sa.Text, nullable=False),
        sa.Column("tool_calls", sa.Text, nullable=False),
        sa.Column("text", sa.Text, nullable=False),
        sa.Column("messages", sa.Text, nullable=False),
        sa.Column("request", sa.Text, nullable=False),
        sa.Column("body", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("number", name="pk_calls"),
    )
    op.create_index("ix_calls_id", "calls", ["id"], unique=True)
    op.create_index(
        "ix_calls_notebook_id_identity_started_at",
        "calls",
        ["notebook_id", "identity", "started_at"],
    )
    op.create_index("ix_calls_notebook_id_started_at", "calls", ["notebook_id", "started_at"])
    op.create_index("ix_calls_started_at", "calls", ["started_at"])
    op.create_index("ix_calls_run_id_started_at", "calls", ["run_id", "started_at"])
    op.create_index("ix_calls_state_started_at", "calls", ["state", "started_at"])


def downgrade() -> None:
    """Drop the tables and the column."""
    op.drop_table("calls")
    op.drop_table("runs")
    op.drop_column("cells", "stale")
