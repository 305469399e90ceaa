"""Indexes for many inquiries: what the list, its counts and filters ask for, and what hangs on a submission."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"


def upgrade() -> None:
    """Make them; that of pages knows the time by now, and that of who waits is part of the list's."""
    listed = ["form", "stage", "held", "owner", "waiting_since", "received_at", "page", "value", "id"]
    canary = sa.text("stage = 'canary'")
    op.create_index("ix_inquiries_listed", "inquiries", listed)
    op.create_index("ix_inquiries_canary", "inquiries", ["received_at"], sqlite_where=canary, postgresql_where=canary)
    op.drop_index("ix_inquiries_waiting_since", "inquiries")
    op.drop_index("ix_inquiries_page", "inquiries")
    op.create_index("ix_inquiries_page_received_at", "inquiries", ["page", "received_at"])
    follows = sa.text("follows IS NOT NULL")
    op.create_index(
        "ix_submissions_follows", "submissions", ["follows"], sqlite_where=follows, postgresql_where=follows
    )
    op.create_index("ix_receipts_submission", "receipts", ["submission"])
    op.create_index("ix_consents_submission", "consents", ["submission"])
