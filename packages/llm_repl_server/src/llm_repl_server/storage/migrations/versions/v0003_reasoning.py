"""What a model thought before it answered, and what its provider wants back with the turn."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the columns, which are null where there is nothing."""
    op.add_column("calls", sa.Column("reasoning", sa.Text))
    op.add_column("calls", sa.Column("provider_fields", sa.Text))


def downgrade() -> None:
    """Drop the columns."""
    op.drop_column("calls", "provider_fields")
    op.drop_column("calls", "reasoning")
