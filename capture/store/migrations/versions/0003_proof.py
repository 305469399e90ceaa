"""Which proofs of work were used, so that each counts once."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"

ID = sa.String(32)
TIME = sa.String(27)


def upgrade() -> None:
    """Make the table."""
    op.create_table(
        "proofs",
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("submission", ID, nullable=False),
        sa.Column("until", TIME, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_proofs"),
    )
    op.create_index("ix_proofs_until", "proofs", ["until"])
