"""Notices of the house itself, and rows of the outbox that tell of them: those belong to no inquiry."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"

TIME = sa.String(27)


def upgrade() -> None:
    """Make the table, and let the outbox do without an inquiry."""
    op.create_table(
        "notices",
        sa.Column("key", sa.String(length=120), nullable=False),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("subject", sa.Text, server_default="", nullable=False),
        sa.Column("place", sa.Text, server_default="", nullable=False),
        sa.Column("at", TIME, nullable=False),
        sa.Column("ended_at", TIME, nullable=True),
        sa.Column("facts", sa.JSON, nullable=False),
        sa.PrimaryKeyConstraint("key", name="pk_notices"),
    )
    with op.batch_alter_table("outbox") as batch:
        batch.alter_column("inquiry", existing_type=sa.String(32), nullable=True)
