"""What tells of a broken channel belongs to no inquiry; it hung on the last that the channel had not delivered."""

from __future__ import annotations

from alembic import op

revision = "0010"
down_revision = "0009"


def upgrade() -> None:
    """Let go of the inquiries."""
    op.execute("UPDATE outbox SET inquiry = NULL WHERE kind = 'outage'")
