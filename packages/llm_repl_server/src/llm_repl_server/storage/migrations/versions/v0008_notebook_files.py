"""The files that notebooks live in."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the table; no notebook lives in a file."""
    op.create_table(
        "notebook_files",
        sa.Column("notebook_id", sa.Text, nullable=False),
        sa.Column("path", sa.Text, nullable=False),
        sa.Column("digest", sa.Text, nullable=False),
        sa.Column("base", sa.Text, nullable=False),
        sa.Column("is_pending", sa.Boolean, nullable=False),
        sa.Column("saved_at", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("notebook_id", name="pk_notebook_files"),
        sa.ForeignKeyConstraint(
            ["notebook_id"],
            ["notebooks.id"],
            name="fk_notebook_files_notebook_id",
            ondelete="CASCADE",
        ),
    )
    op.create_index("ix_notebook_files_path", "notebook_files", ["path"])
    op.create_index("ix_notebook_files_is_pending", "notebook_files", ["is_pending"])


def downgrade() -> None:
    """Drop it; the files stay, and the notebooks live in the database alone."""
    op.drop_table("notebook_files")
