"""Deleted cells and notebooks, kept for a while."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the mark of notebooks and the table of cells; the bin is empty."""
    op.add_column("notebooks", sa.Column("deleted_at", sa.Text))
    op.create_index("ix_notebooks_deleted_at", "notebooks", ["deleted_at"])
    op.create_table(
        "binned_cells",
        sa.Column("notebook_id", sa.Text, nullable=False),
        sa.Column("id", sa.Text, nullable=False),
        sa.Column("rank", sa.BigInteger, nullable=False),
        sa.Column("type", sa.Text, nullable=False),
        sa.Column("content", sa.Text, nullable=False),
        sa.Column("outputs", sa.Text, nullable=False),
        sa.Column("status", sa.Text, nullable=False),
        sa.Column("execution_count", sa.BigInteger),
        sa.Column("options", sa.Text),
        sa.Column("metadata", sa.Text, nullable=False),
        sa.Column("extra", sa.Text, nullable=False),
        sa.Column("updated_at", sa.Text, nullable=False),
        sa.Column("stale", sa.Boolean, nullable=False, server_default=sa.false()),
        sa.Column("staleness", sa.Text),
        sa.Column("deleted_at", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("notebook_id", "id", name="pk_binned_cells"),
        sa.ForeignKeyConstraint(
            ["notebook_id"],
            ["notebooks.id"],
            name="fk_binned_cells_notebook_id",
            ondelete="CASCADE",
        ),
    )
    op.create_index(
        "ix_binned_cells_notebook_id_deleted_at", "binned_cells", ["notebook_id", "deleted_at"]
    )
    op.create_index("ix_binned_cells_deleted_at", "binned_cells", ["deleted_at"])


def downgrade() -> None:
    """Drop them; what is in the bin is gone."""
    op.drop_table("binned_cells")
    op.execute("DELETE FROM notebooks WHERE deleted_at IS NOT NULL")
    op.drop_index("ix_notebooks_deleted_at", "notebooks")
    op.drop_column("notebooks", "deleted_at")
