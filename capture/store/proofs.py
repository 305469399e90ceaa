"""Proofs of work that were used -> whether one still counts. What is too old to count is not remembered."""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa

from capture.store.moments import to_text
from capture.store.tables import proofs

# Both databases read it so; of two at once, one waits for the other.
_INSERT = sa.text("INSERT INTO proofs (id, submission, until) VALUES (:id, :submission, :until) ON CONFLICT DO NOTHING")


def spend(connection: sa.Connection, id_: str, submission: str, until: datetime, now: datetime) -> bool:
    """Use a proof for a submission; whether it counts for that one. It does for the first, however often that comes.

    `until` is when it stops to count and may be forgotten.
    """
    connection.execute(proofs.delete().where(proofs.c.until < to_text(now)))
    connection.execute(_INSERT, {"id": id_, "submission": submission, "until": to_text(until)})
    return connection.scalar(sa.select(proofs.c.submission).where(proofs.c.id == id_)) == submission
