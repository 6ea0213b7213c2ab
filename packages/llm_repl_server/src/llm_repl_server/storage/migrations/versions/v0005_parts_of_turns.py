"""What models say besides text, and what they make, each picture and sound once."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

_COLUMNS = ("parts", "logprobs", "provider_finish_reason")


def upgrade() -> None:
    """Add the columns and the table; calls that are there have none of it."""
    for name in _COLUMNS:
        op.add_column("calls", sa.Column(name, sa.Text))
    op.create_table(
        "media",
        sa.Column("sha256", sa.Text, nullable=False),
        sa.Column("data", sa.LargeBinary, nullable=False),
        sa.PrimaryKeyConstraint("sha256", name="pk_media"),
    )


def downgrade() -> None:
    """Drop them."""
    op.drop_table("media")
    for name in reversed(_COLUMNS):
        op.drop_column("calls", name)
