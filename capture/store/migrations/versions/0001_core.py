"""The first tables: people of the house, contacts, inquiries with all that hangs on them, the outbox."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None

ID = sa.String(32)
TIME = sa.String(27)


def upgrade() -> None:
    """Make the tables."""
    op.create_table(
        "users",
        sa.Column("id", ID, nullable=False),
        sa.Column("email", sa.Text, nullable=False),
        sa.Column("name", sa.Text, server_default="", nullable=False),
        sa.Column("password", sa.Text, server_default="", nullable=False),
        sa.Column("created_at", TIME, nullable=False),
        sa.Column("removed_at", TIME, nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_users"),
        sa.UniqueConstraint("email", name="uq_users_email"),
    )
    op.create_table(
        "contacts",
        sa.Column("id", ID, nullable=False),
        sa.Column("email_key", sa.Text, nullable=True),
        sa.Column("email", sa.Text, server_default="", nullable=False),
        sa.Column("name", sa.Text, server_default="", nullable=False),
        sa.Column("phone", sa.Text, server_default="", nullable=False),
        sa.Column("created_at", TIME, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_contacts"),
        sa.UniqueConstraint("email_key", name="uq_contacts_email_key"),
    )
    op.create_table(
        "inquiries",
        sa.Column("id", ID, nullable=False),
        sa.Column("contact", ID, nullable=False),
        sa.Column("form", sa.Text, nullable=False),
        sa.Column("lang", sa.Text, server_default="", nullable=False),
        sa.Column("page", sa.Text, server_default="", nullable=False),
        sa.Column("page_title", sa.Text, server_default="", nullable=False),
        sa.Column("received_at", TIME, nullable=False),
        sa.Column("waiting_since", TIME, nullable=True),
        sa.Column("held", sa.Boolean, server_default=sa.false(), nullable=False),
        sa.Column("held_reasons", sa.Text, server_default="", nullable=False),
        sa.Column("stage", sa.Text, server_default="new", nullable=False),
        sa.Column("owner", ID, nullable=True),
        sa.Column("value", sa.BigInteger, nullable=True),
        sa.Column("currency", sa.Text, server_default="", nullable=False),
        sa.Column("lost_reason", sa.Text, server_default="", nullable=False),
        sa.Column("touched_at", TIME, nullable=False),
        sa.Column("search", sa.Text, server_default="", nullable=False),
        sa.ForeignKeyConstraint(["contact"], ["contacts.id"], name="fk_inquiries_contact"),
        sa.ForeignKeyConstraint(["owner"], ["users.id"], name="fk_inquiries_owner"),
        sa.PrimaryKeyConstraint("id", name="pk_inquiries"),
    )
    op.create_index("ix_inquiries_contact", "inquiries", ["contact"])
    op.create_index("ix_inquiries_page", "inquiries", ["page"])
    op.create_index("ix_inquiries_received_at", "inquiries", ["received_at"])
    op.create_index("ix_inquiries_touched_at", "inquiries", ["touched_at"])
    op.create_index("ix_inquiries_waiting_since", "inquiries", ["waiting_since"])
    op.create_table(
        "submissions",
        sa.Column("id", ID, nullable=False),
        sa.Column("receipt", ID, nullable=False),
        sa.Column("inquiry", ID, nullable=False),
        sa.Column("follows", ID, nullable=True),
        sa.Column("form", sa.Text, nullable=False),
        sa.Column("lang", sa.Text, server_default="", nullable=False),
        sa.Column("rules", sa.Text, server_default="", nullable=False),
        sa.Column("words", sa.Text, server_default="", nullable=False),
        sa.Column("received_at", TIME, nullable=False),
        sa.Column("instance", sa.Text, server_default="", nullable=False),
        sa.Column("content", sa.Text, nullable=False),
        sa.Column("page", sa.Text, server_default="", nullable=False),
        sa.Column("referrer", sa.Text, server_default="", nullable=False),
        sa.Column("network", sa.Text, server_default="", nullable=False),
        sa.Column("held_reasons", sa.Text, server_default="", nullable=False),
        sa.Column("repeats", sa.Integer, server_default="0", nullable=False),
        sa.ForeignKeyConstraint(["follows"], ["submissions.id"], name="fk_submissions_follows"),
        sa.ForeignKeyConstraint(["inquiry"], ["inquiries.id"], name="fk_submissions_inquiry"),
        sa.PrimaryKeyConstraint("id", name="pk_submissions"),
        sa.UniqueConstraint("receipt", name="uq_submissions_receipt"),
    )
    op.create_index("ix_submissions_content", "submissions", ["content"])
    op.create_index("ix_submissions_inquiry", "submissions", ["inquiry"])
    op.create_table(
        "receipts",
        sa.Column("receipt", ID, nullable=False),
        sa.Column("submission", ID, nullable=False),
        sa.ForeignKeyConstraint(["submission"], ["submissions.id"], name="fk_receipts_submission"),
        sa.PrimaryKeyConstraint("receipt", name="pk_receipts"),
    )
    op.create_table(
        "answers",
        sa.Column("submission", ID, nullable=False),
        sa.Column("values", sa.JSON, nullable=False),
        sa.Column("extra", sa.JSON, nullable=False),
        sa.Column("labels", sa.JSON, nullable=False),
        sa.Column("consents", sa.JSON, nullable=False),
        sa.ForeignKeyConstraint(["submission"], ["submissions.id"], name="fk_answers_submission"),
        sa.PrimaryKeyConstraint("submission", name="pk_answers"),
    )
    op.create_table(
        "events",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer, "sqlite"), autoincrement=True, nullable=False),
        sa.Column("at", TIME, nullable=False),
        sa.Column("inquiry", ID, nullable=False),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("actor", sa.Text, server_default="", nullable=False),
        sa.Column("form", sa.Text, server_default="", nullable=False),
        sa.Column("page", sa.Text, server_default="", nullable=False),
        sa.Column("old", sa.Text, server_default="", nullable=False),
        sa.Column("new", sa.Text, server_default="", nullable=False),
        sa.Column("amount", sa.BigInteger, nullable=True),
        sa.Column("currency", sa.Text, server_default="", nullable=False),
        sa.Column("reason", sa.Text, server_default="", nullable=False),
        sa.Column("subject", sa.Text, server_default="", nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_events"),
    )
    op.create_index("ix_events_inquiry", "events", ["inquiry"])
    op.create_table(
        "notes",
        sa.Column("id", ID, nullable=False),
        sa.Column("inquiry", ID, nullable=False),
        sa.Column("at", TIME, nullable=False),
        sa.Column("author", ID, nullable=True),
        sa.Column("text", sa.Text, nullable=False),
        sa.Column("search", sa.Text, server_default="", nullable=False),
        sa.ForeignKeyConstraint(["author"], ["users.id"], name="fk_notes_author"),
        sa.ForeignKeyConstraint(["inquiry"], ["inquiries.id"], name="fk_notes_inquiry"),
        sa.PrimaryKeyConstraint("id", name="pk_notes"),
    )
    op.create_index("ix_notes_inquiry", "notes", ["inquiry"])
    op.create_table(
        "messages",
        sa.Column("id", ID, nullable=False),
        sa.Column("inquiry", ID, nullable=False),
        sa.Column("at", TIME, nullable=False),
        sa.Column("author", ID, nullable=True),
        sa.Column("to", sa.Text, nullable=False),
        sa.Column("subject", sa.Text, nullable=False),
        sa.Column("text", sa.Text, nullable=False),
        sa.ForeignKeyConstraint(["author"], ["users.id"], name="fk_messages_author"),
        sa.ForeignKeyConstraint(["inquiry"], ["inquiries.id"], name="fk_messages_inquiry"),
        sa.PrimaryKeyConstraint("id", name="pk_messages"),
    )
    op.create_index("ix_messages_inquiry", "messages", ["inquiry"])
    op.create_table(
        "outbox",
        sa.Column("id", ID, nullable=False),
        sa.Column("inquiry", ID, nullable=False),
        sa.Column("submission", ID, nullable=True),
        sa.Column("message", ID, nullable=True),
        sa.Column("channel", sa.Text, nullable=False),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("target", sa.Text, nullable=False),
        sa.Column("payload", sa.JSON, nullable=False),
        sa.Column("state", sa.Text, server_default="waiting", nullable=False),
        sa.Column("created_at", TIME, nullable=False),
        sa.Column("next_at", TIME, nullable=False),
        sa.Column("attempts", sa.Integer, server_default="0", nullable=False),
        sa.Column("claimed_by", sa.Text, server_default="", nullable=False),
        sa.Column("claimed_until", TIME, nullable=True),
        sa.Column("done_at", TIME, nullable=True),
        sa.Column("last_error", sa.Text, server_default="", nullable=False),
        sa.ForeignKeyConstraint(["inquiry"], ["inquiries.id"], name="fk_outbox_inquiry"),
        sa.ForeignKeyConstraint(["message"], ["messages.id"], name="fk_outbox_message"),
        sa.ForeignKeyConstraint(["submission"], ["submissions.id"], name="fk_outbox_submission"),
        sa.PrimaryKeyConstraint("id", name="pk_outbox"),
    )
    op.create_index("ix_outbox_inquiry", "outbox", ["inquiry"])
    op.create_index("ix_outbox_state_next_at", "outbox", ["state", "next_at"])
