"""Consents that are confirmed by mail: what was asked of whom, and what became of it."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"

ID = sa.String(32)
TIME = sa.String(27)


def upgrade() -> None:
    """Make the table."""
    op.create_table(
        "consents",
        sa.Column("id", ID, nullable=False),
        sa.Column("inquiry", ID, nullable=False),
        sa.Column("submission", ID, nullable=True),
        sa.Column("form", sa.Text, nullable=False),
        sa.Column("field", sa.Text, nullable=False),
        sa.Column("lang", sa.Text, server_default="", nullable=False),
        sa.Column("rules", sa.Text, server_default="", nullable=False),
        sa.Column("words", sa.Text, server_default="", nullable=False),
        sa.Column("label", sa.Text, server_default="", nullable=False),
        sa.Column("text", sa.Text, server_default="", nullable=False),
        sa.Column("email_key", sa.Text, nullable=True),
        sa.Column("email", sa.Text, server_default="", nullable=False),
        sa.Column("confirm_token", ID, nullable=False),
        sa.Column("withdraw_token", ID, nullable=False),
        sa.Column("asked_at", TIME, nullable=False),
        sa.Column("confirmed_at", TIME, nullable=True),
        sa.Column("withdrawn_at", TIME, nullable=True),
        sa.ForeignKeyConstraint(["inquiry"], ["inquiries.id"], name="fk_consents_inquiry"),
        sa.ForeignKeyConstraint(["submission"], ["submissions.id"], name="fk_consents_submission"),
        sa.PrimaryKeyConstraint("id", name="pk_consents"),
        sa.UniqueConstraint("confirm_token", name="uq_consents_confirm_token"),
        sa.UniqueConstraint("withdraw_token", name="uq_consents_withdraw_token"),
    )
    op.create_index("ix_consents_inquiry", "consents", ["inquiry"])
    op.create_index("ix_consents_email_key", "consents", ["email_key"])
