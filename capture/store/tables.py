"""The tables: what is remembered of visitors, of sales' work, and of what is still to be told.

Personal values live in `answers`, `attachments` (whose files are in the folder of uploads), `contacts`,
`inquiries.search`, `notes`, `messages`, `outbox` (target and payload) and `consents` (the two of the address), which
can be erased; events never hold them, so reports stay equal after an erasure.

Times are UTC, stored as ISO 8601 text with microseconds and a "Z" (`2026-11-23T22:05:00.000000Z`), which sorts as time
does in both databases. Money is whole hundredths of the currency.
"""

from __future__ import annotations

import sqlalchemy as sa

metadata = sa.MetaData(
    naming_convention={
        "ix": "ix_%(column_0_N_label)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)

_ID = sa.String(32)
_TIME = sa.String(27)
_CANARY = sa.text("stage = 'canary'")
_FOLLOWS = sa.text("follows IS NOT NULL")


def _text(name: str, default: str = "") -> sa.Column[str]:
    return sa.Column(name, sa.Text, nullable=False, server_default=default)


contacts = sa.Table(
    "contacts",
    metadata,
    sa.Column("id", _ID, primary_key=True),
    sa.Column("email_key", sa.Text, unique=True),  # normalised; NULL when no address was given
    _text("email"),
    _text("name"),
    _text("phone"),
    sa.Column("created_at", _TIME, nullable=False),
)

inquiries = sa.Table(
    "inquiries",
    metadata,
    sa.Column("id", _ID, primary_key=True),
    sa.Column("contact", _ID, sa.ForeignKey("contacts.id"), nullable=False, index=True),
    sa.Column("form", sa.Text, nullable=False),
    _text("lang"),
    sa.Column("page", sa.Text, nullable=False, server_default=""),  # the page's id
    _text("page_title"),
    sa.Column("received_at", _TIME, nullable=False, index=True),
    sa.Column("waiting_since", _TIME),  # NULL while it is not our turn
    sa.Column("held", sa.Boolean, nullable=False, server_default=sa.false()),
    _text("held_reasons"),  # codes between blanks
    sa.Column("stage", sa.Text, nullable=False, server_default="new"),
    sa.Column("owner", _ID, sa.ForeignKey("users.id")),
    sa.Column("value", sa.BigInteger),  # of a won one, in hundredths
    _text("currency"),
    _text("lost_reason"),
    sa.Column("touched_at", _TIME, nullable=False, index=True),  # any change: live arrival asks by it
    _text("search"),  # what a search looks through, folded
    sa.Index("ix_inquiries_page_received_at", "page", "received_at"),
    # All that the list sorts, filters and counts by: it is read instead of the rows, whose texts are long.
    sa.Index(
        "ix_inquiries_listed", "form", "stage", "held", "owner", "waiting_since", "received_at", "page", "value", "id"
    ),
    sa.Index("ix_inquiries_canary", "received_at", sqlite_where=_CANARY, postgresql_where=_CANARY),
)

submissions = sa.Table(
    "submissions",
    metadata,
    sa.Column("id", _ID, primary_key=True),
    sa.Column("receipt", _ID, nullable=False, unique=True),
    sa.Column("inquiry", _ID, sa.ForeignKey("inquiries.id"), nullable=False, index=True),
    sa.Column("follows", _ID, sa.ForeignKey("submissions.id")),  # the first one of the same instance
    sa.Column("form", sa.Text, nullable=False),
    _text("lang"),
    _text("rules"),
    _text("words"),
    sa.Column("received_at", _TIME, nullable=False),
    _text("instance"),
    sa.Column("content", sa.Text, nullable=False, index=True),
    _text("page"),
    _text("referrer"),
    _text("network"),
    _text("held_reasons"),
    sa.Column("repeats", sa.Integer, nullable=False, server_default="0"),  # how often the same came again
    # Most follow none; whoever removes a submission has all that hang on it looked for.
    sa.Index("ix_submissions_follows", "follows", sqlite_where=_FOLLOWS, postgresql_where=_FOLLOWS),
)

receipts = sa.Table(
    "receipts",
    metadata,
    sa.Column("receipt", _ID, primary_key=True),  # given for what turned out to be a repeat
    sa.Column("submission", _ID, sa.ForeignKey("submissions.id"), nullable=False, index=True),  # the one that was kept
)

answers = sa.Table(
    "answers",
    metadata,
    sa.Column("submission", _ID, sa.ForeignKey("submissions.id"), primary_key=True),
    sa.Column("values", sa.JSON, nullable=False),
    sa.Column("extra", sa.JSON, nullable=False),
    sa.Column("labels", sa.JSON, nullable=False),
    sa.Column("consents", sa.JSON, nullable=False),
)

attachments = sa.Table(
    "attachments",
    metadata,
    sa.Column("id", _ID, primary_key=True),  # random: what the file is called in the folder of uploads
    sa.Column("submission", _ID, sa.ForeignKey("submissions.id"), nullable=False, index=True),
    sa.Column("place", sa.Integer, nullable=False),  # its order within the submission
    sa.Column("field", sa.Text, nullable=False),
    sa.Column("name", sa.Text, nullable=False),  # as its sender wrote it
    sa.Column("kind", sa.Text, nullable=False),
    sa.Column("size", sa.BigInteger, nullable=False),  # bytes
    sa.Column("sha256", sa.String(64), nullable=False),
)

consents = sa.Table(
    "consents",
    metadata,
    sa.Column("id", _ID, primary_key=True),  # a MAC of address, form, field and day: what is asked once
    sa.Column("inquiry", _ID, sa.ForeignKey("inquiries.id"), nullable=False, index=True),
    sa.Column("submission", _ID, sa.ForeignKey("submissions.id"), index=True),
    sa.Column("form", sa.Text, nullable=False),
    sa.Column("field", sa.Text, nullable=False),
    _text("lang"),
    _text("rules"),
    _text("words"),
    _text("label"),
    _text("text"),  # the sentence as it was shown
    sa.Column("email_key", sa.Text, index=True),  # normalised; NULL when it was erased
    _text("email"),
    sa.Column("confirm_token", _ID, nullable=False, unique=True),  # in the address of the mail
    sa.Column("withdraw_token", _ID, nullable=False, unique=True),  # in the address of one click
    sa.Column("asked_at", _TIME, nullable=False),
    sa.Column("confirmed_at", _TIME),
    sa.Column("withdrawn_at", _TIME),
)

events = sa.Table(
    "events",
    metadata,
    sa.Column("id", sa.BigInteger().with_variant(sa.Integer, "sqlite"), primary_key=True, autoincrement=True),
    sa.Column("at", _TIME, nullable=False),
    sa.Column("inquiry", _ID, nullable=False, index=True),
    sa.Column("kind", sa.Text, nullable=False),
    _text("actor"),  # a user's id, "" for the visitor or the program
    _text("form"),
    _text("page"),
    _text("old"),  # stage or owner before
    _text("new"),  # stage or owner after
    sa.Column("amount", sa.BigInteger),
    _text("currency"),
    _text("reason"),  # of a lost one, or the codes of a held one
    _text("subject"),  # the id of the note, message, submission or consent it speaks of
)

notes = sa.Table(
    "notes",
    metadata,
    sa.Column("id", _ID, primary_key=True),
    sa.Column("inquiry", _ID, sa.ForeignKey("inquiries.id"), nullable=False, index=True),
    sa.Column("at", _TIME, nullable=False),
    sa.Column("author", _ID, sa.ForeignKey("users.id")),
    sa.Column("text", sa.Text, nullable=False),
    _text("search"),  # the text as a search looks through it
)

messages = sa.Table(
    "messages",
    metadata,
    sa.Column("id", _ID, primary_key=True),
    sa.Column("inquiry", _ID, sa.ForeignKey("inquiries.id"), nullable=False, index=True),
    sa.Column("at", _TIME, nullable=False),
    sa.Column("author", _ID, sa.ForeignKey("users.id")),
    sa.Column("to", sa.Text, nullable=False),
    sa.Column("subject", sa.Text, nullable=False),
    sa.Column("text", sa.Text, nullable=False),
)

outbox = sa.Table(
    "outbox",
    metadata,
    sa.Column("id", _ID, primary_key=True),
    sa.Column("inquiry", _ID, sa.ForeignKey("inquiries.id"), index=True),  # NULL for what tells of the house itself
    sa.Column("submission", _ID, sa.ForeignKey("submissions.id")),
    sa.Column("message", _ID, sa.ForeignKey("messages.id")),
    sa.Column("channel", sa.Text, nullable=False),
    sa.Column("kind", sa.Text, nullable=False),
    sa.Column("target", sa.Text, nullable=False),
    sa.Column("payload", sa.JSON, nullable=False),
    sa.Column("state", sa.Text, nullable=False, server_default="waiting"),  # waiting, claimed, sent, dead
    sa.Column("created_at", _TIME, nullable=False),
    sa.Column("next_at", _TIME, nullable=False),
    sa.Column("attempts", sa.Integer, nullable=False, server_default="0"),
    _text("claimed_by"),
    sa.Column("claimed_until", _TIME),
    sa.Column("done_at", _TIME),
    _text("last_error"),
    sa.Index("ix_outbox_state_next_at", "state", "next_at"),
)

channels = sa.Table(
    "channels",
    metadata,
    sa.Column("name", sa.String(40), primary_key=True),
    sa.Column("sent_at", _TIME),
    sa.Column("failed_at", _TIME),
    sa.Column("failing_since", _TIME),  # the first failure after the last success, NULL while it works
    sa.Column("failures", sa.Integer, nullable=False, server_default="0"),  # since then
    _text("error"),
    sa.Column("told_at", _TIME),  # when somebody was told of this outage by another channel
)

users = sa.Table(
    "users",
    metadata,
    sa.Column("id", _ID, primary_key=True),
    sa.Column("email", sa.Text, nullable=False, unique=True),  # normalised: the name to log in with
    _text("name"),
    _text("password"),  # a scrypt hash, "" when only links let in
    sa.Column("created_at", _TIME, nullable=False),
    sa.Column("removed_at", _TIME),  # removed people stay, since events name them
)

sessions = sa.Table(
    "sessions",
    metadata,
    sa.Column("id", sa.String(64), primary_key=True),  # the SHA-256 of the cookie's secret
    sa.Column("user", _ID, sa.ForeignKey("users.id"), nullable=False, index=True),
    sa.Column("csrf", sa.Text, nullable=False),
    sa.Column("created_at", _TIME, nullable=False),
    sa.Column("seen_at", _TIME, nullable=False),
    sa.Column("expires_at", _TIME, nullable=False),
    _text("agent"),  # the browser's family, for the list of sessions
)

links = sa.Table(
    "links",
    metadata,
    sa.Column("id", sa.String(64), primary_key=True),  # the SHA-256 of a one-time link's secret
    sa.Column("user", _ID, sa.ForeignKey("users.id"), nullable=False),
    sa.Column("expires_at", _TIME, nullable=False),
    sa.Column("used_at", _TIME),
)

attempts = sa.Table(
    "attempts",
    metadata,
    sa.Column("key", sa.Text, primary_key=True),  # whom failed logins count against: a digest, never an address
    sa.Column("count", sa.Integer, nullable=False),
    sa.Column("last_at", _TIME, nullable=False),
)

proofs = sa.Table(
    "proofs",
    metadata,
    sa.Column("id", sa.String(64), primary_key=True),  # the digest of a challenge's number
    sa.Column("submission", _ID, nullable=False),  # the one it counts for, which is saved afterwards
    sa.Column("until", _TIME, nullable=False, index=True),  # when it counts no more and is forgotten
)

notices = sa.Table(
    "notices",
    metadata,
    sa.Column("key", sa.String(120), primary_key=True),  # names it for ever: it is told once over all processes
    sa.Column("kind", sa.Text, nullable=False),
    _text("subject"),
    _text("place"),  # the process it is about, "" for the house
    sa.Column("at", _TIME, nullable=False),
    sa.Column("ended_at", _TIME),  # NULL while it stands
    sa.Column("facts", sa.JSON, nullable=False),
)

audit = sa.Table(
    "audit",
    metadata,
    sa.Column("number", sa.BigInteger().with_variant(sa.Integer, "sqlite"), primary_key=True, autoincrement=False),
    sa.Column("at", _TIME, nullable=False),
    sa.Column("actor", sa.String(32), nullable=False, index=True),  # a user's id, "terminal", "house"
    sa.Column("kind", sa.String(40), nullable=False),
    sa.Column("about", sa.String(40), nullable=False),  # what `subject` is the id of
    sa.Column("subject", sa.String(80), nullable=False),
    sa.Column("facts", sa.Text, nullable=False),  # JSON, byte for byte as it was hashed
    sa.Column("previous", sa.String(64), nullable=False),
    sa.Column("hash", sa.String(64), nullable=False),
    sa.Column("key", sa.String(8), nullable=False),  # the mark of the key that sealed it
    sa.Column("seal", sa.String(64), nullable=False),
    sa.Index("ix_audit_kind_subject", "kind", "subject"),
)
