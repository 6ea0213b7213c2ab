"""Why cells are stale, and what their last runs saw."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the column; of cells that are there nothing is remembered."""
    op.add_column("cells", sa.Column("staleness", sa.Text))


def downgrade() -> None:
    """Drop it."""
    op.drop_column("cells", "staleness")
