"""Canaries: tests of the house itself, stored as any submission is, whose trail can be followed and which go soon."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

import sqlalchemy as sa

from capture.model import CANARY
from capture.store.moments import to_text
from capture.store.tables import answers, contacts, inquiries, outbox, receipts, submissions

KEPT = timedelta(days=1)
_AT_ONCE = 100


@dataclass(frozen=True, slots=True)
class Sending:
    """One row of the outbox: its channel, its state, and the last error, in the other server's words."""

    channel: str
    state: str
    error: str


@dataclass(frozen=True, slots=True)
class Trail:
    """How far a canary has come since it was stored: why it is held, and what there is to be sent of it."""

    held: tuple[str, ...]
    sendings: tuple[Sending, ...]


def trail(connection: sa.Connection, submission: str) -> Trail | None:
    """The trail of that submission, None when it is not stored."""
    known = sa.select(submissions.c.held_reasons, submissions.c.inquiry).where(submissions.c.id == submission)
    found = connection.execute(known).one_or_none()
    if found is None:
        return None
    # By the inquiry, which the outbox has an index of.
    its = (outbox.c.inquiry == found.inquiry, outbox.c.submission == submission)
    chosen = sa.select(outbox.c.channel, outbox.c.state, outbox.c.last_error).where(*its)
    rows = connection.execute(chosen.order_by(outbox.c.channel, outbox.c.id))
    return Trail(tuple(found.held_reasons.split()), tuple(Sending(*row) for row in rows))


def remove_old(connection: sa.Connection, now: datetime) -> int:
    """Delete all rows of canaries that are more than a day old, or a day ahead of a clock that was set back.

    How many there were; at most a hundred at a time.
    """
    came = inquiries.c.received_at
    old = (came < to_text(now - KEPT)) | (came > to_text(now + KEPT))
    chosen = sa.select(inquiries.c.id, inquiries.c.contact).where(inquiries.c.stage == CANARY, old).limit(_AT_ONCE)
    found = connection.execute(chosen).all()
    ids, people = [one.id for one in found], [one.contact for one in found]
    sent = sa.select(submissions.c.id).where(submissions.c.inquiry.in_(ids))
    connection.execute(outbox.delete().where(outbox.c.inquiry.in_(ids)))
    for table in (answers, receipts):
        connection.execute(table.delete().where(table.c.submission.in_(sent)))
    connection.execute(submissions.delete().where(submissions.c.inquiry.in_(ids)))
    connection.execute(inquiries.delete().where(inquiries.c.id.in_(ids)))
    connection.execute(contacts.delete().where(contacts.c.id.in_(people)))
    return len(ids)
