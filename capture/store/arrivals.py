"""When inquiries came that are real ones: neither held nor canaries."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import sqlalchemy as sa

from capture.model import CANARY
from capture.store.moments import from_text, maybe_from, to_text
from capture.store.tables import inquiries

REAL = sa.and_(~inquiries.c.held, inquiries.c.stage != CANARY)


def last_arrivals(connection: sa.Connection, now: datetime, most: int) -> Sequence[datetime]:
    """When the last ones came, at most so many, in order; not what a clock that was ahead has dated after `now`."""
    came = inquiries.c.received_at
    chosen = sa.select(came).where(REAL, came <= to_text(now)).order_by(came.desc()).limit(most)
    return [from_text(one) for one in reversed(connection.scalars(chosen).all())]


def first_arrival(connection: sa.Connection) -> datetime | None:
    """When the first one came, None when none has."""
    return maybe_from(connection.scalar(sa.select(sa.func.min(inquiries.c.received_at)).where(REAL)))
