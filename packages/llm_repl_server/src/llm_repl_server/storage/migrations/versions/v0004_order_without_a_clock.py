"""Runs and calls in the order in which they were put on record, whatever the clock said."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

_OF_CALLS = (("notebook_id", "identity"), ("notebook_id",), ("run_id",), ("state",))
"""The columns of indexes that ended with a time, and end with a number."""


def upgrade() -> None:
    """Number the runs there are by their times, and let indexes end with numbers."""
    op.add_column(
        "runs", sa.Column("number", sa.BigInteger, nullable=False, server_default=sa.text("0"))
    )
    op.execute(
        "UPDATE runs SET number = numbered.number FROM"
        " (SELECT id, row_number() OVER (ORDER BY created_at, id) AS number FROM runs) AS numbered"
        " WHERE numbered.id = runs.id"
    )
    op.drop_index("ix_runs_notebook_id_created_at", "runs")
    op.create_index("ix_runs_notebook_id_number", "runs", ["notebook_id", "number"])
    op.create_index("ix_runs_number", "runs", ["number"])
    _end_indexes_of_calls("started_at", "number")


def downgrade() -> None:
    """Drop the numbers of runs, and let indexes end with times."""
    op.drop_index("ix_runs_number", "runs")
    op.drop_index("ix_runs_notebook_id_number", "runs")
    op.drop_column("runs", "number")
    op.create_index("ix_runs_notebook_id_created_at", "runs", ["notebook_id", "created_at"])
    _end_indexes_of_calls("number", "started_at")


def _end_indexes_of_calls(before: str, after: str) -> None:
    for columns in _OF_CALLS:
        name = "_".join(("ix_calls", *columns))
        op.drop_index(f"{name}_{before}", "calls")
        op.create_index(f"{name}_{after}", "calls", [*columns, after])
