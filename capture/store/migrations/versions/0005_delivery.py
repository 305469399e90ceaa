"""How each channel does: when it delivered last, and since when it has not."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"

TIME = sa.String(27)


def upgrade() -> None:
    """Make the table, and fill in what the outbox knows of the past."""
    op.create_table(
        "channels",
        sa.Column("name", sa.String(length=40), nullable=False),
        sa.Column("sent_at", TIME, nullable=True),
        sa.Column("failed_at", TIME, nullable=True),
        sa.Column("failing_since", TIME, nullable=True),
        sa.Column("failures", sa.Integer, server_default="0", nullable=False),
        sa.Column("error", sa.Text, server_default="", nullable=False),
        sa.Column("told_at", TIME, nullable=True),
        sa.PrimaryKeyConstraint("name", name="pk_channels"),
    )
    op.execute(
        "INSERT INTO channels (name, sent_at)"
        " SELECT channel, max(done_at) FROM outbox WHERE state = 'sent' GROUP BY channel"
    )
