"""What was stored lately, by whichever process -> when, to which form, from which network.

Limits are counted by it, so they need no table of their own: no second place has anybody's network, and nothing is
written for them. Read by the events' numbers, which are in the order of their commits (on PostgreSQL nearly so: what
commits late behind a higher number is not counted, which a limit can bear).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from capture.store.moments import from_text, to_text
from capture.store.tables import events, submissions

# So many events are looked through at most: after a start, or after a long silence of this process.
MOST = 10_000

_NEWEST = sa.select(sa.func.max(events.c.id))
_CAME = (
    sa.select(events.c.at, events.c.form, submissions.c.network)
    .join(submissions, submissions.c.id == events.c.subject)
    .where(events.c.id > sa.bindparam("after"), events.c.id <= sa.bindparam("newest"))
    .where(events.c.kind.in_(("received", "follow-up")), events.c.at > sa.bindparam("since"))
    .order_by(events.c.id)
)


@dataclass(frozen=True, slots=True)
class Stored:
    """When a submission was received, to which form, from which truncated address."""

    at: datetime
    form: str
    network: str


def recent(connection: sa.Connection, after: int, since: datetime) -> tuple[int, list[Stored]]:
    """The number of the newest event, and what was received `since` then in those behind the number `after`."""
    newest = connection.scalar(_NEWEST) or 0
    if newest <= after:
        return newest, []
    given = {"after": max(after, newest - MOST), "newest": newest, "since": to_text(since)}
    return newest, [Stored(from_text(row.at), row.form, row.network) for row in connection.execute(_CAME, given)]
