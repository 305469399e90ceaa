"""The rows of the audit log: one more, in the caller's transaction; those that are asked for; all of them, in order.

Whoever adds one does so last in the transaction: on PostgreSQL they then stand in line for the end of the chain while
they hold all else they need, so nobody waits in a ring. What is undone leaves no row.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa

from capture.audit.chain import Entry, Row, mark_of, row_after
from capture.audit.kinds import HOUSE
from capture.store.database import lock
from capture.store.moments import from_text, to_text
from capture.store.people import attempts_at, count_attempts, forget_attempts
from capture.store.tables import audit
from capture.store.texts import storable

# Failed sign-ins of one person, and of all strangers together, are one row in this time, however many there are.
QUIET = timedelta(minutes=15)
_FORGOTTEN = timedelta(days=1)

_LAST = sa.select(audit).order_by(audit.c.number.desc()).limit(1)


@dataclass(frozen=True, slots=True)
class Query:
    """What is asked for: "" and None ask for all. `before` is a number: only rows below it."""

    kind: str = ""
    actor: str = ""
    since: datetime | None = None
    before: int | None = None
    limit: int | None = None


def append(connection: sa.Connection, key: str, entry: Entry) -> Row:
    """One row more, sealed with the site's key. Raises ValueError for what has no place in the log."""
    lock(connection, "audit")
    last = newest(connection)
    if last is not None and last.key != mark_of(key):
        changed = Entry(entry.at, HOUSE, "key.changed", facts={"was": last.key, "now": mark_of(key)})
        last = _insert(connection, row_after(last, changed, key))
    return _insert(connection, row_after(last, entry, key))


def _insert(connection: sa.Connection, row: Row) -> Row:
    connection.execute(audit.insert(), asdict(row))
    return row


def newest(connection: sa.Connection) -> Row | None:
    """The last row, None of an empty log."""
    found = connection.execute(_LAST).one_or_none()
    return Row(*found) if found else None


def head(connection: sa.Connection) -> str:
    """The last row's number and hash, "" of an empty log."""
    last = newest(connection)
    return last.head if last else ""


def last_of(connection: sa.Connection, kind: str, subject: str) -> Row | None:
    """The last row of that kind about that subject."""
    found = connection.execute(_LAST.where(audit.c.kind == kind, audit.c.subject == subject)).one_or_none()
    return Row(*found) if found else None


def listed(connection: sa.Connection, query: Query) -> list[Row]:
    """The rows that are asked for, the newest first."""
    chosen = sa.select(audit).where(*_conditions(query)).order_by(audit.c.number.desc()).limit(query.limit)
    return [Row(*one) for one in connection.execute(chosen)]


def count(connection: sa.Connection, query: Query) -> int:
    """How many rows are asked for, whatever the limit."""
    chosen = sa.select(sa.func.count()).select_from(audit).where(*_conditions(query))
    return connection.execute(chosen).scalar_one()


def walked(connection: sa.Connection, query: Query | None = None) -> Iterator[Row]:
    """All rows, or those that are asked for, the oldest first and a thousand at a time."""
    at, where = 0, _conditions(query or Query())
    while True:
        chosen = sa.select(audit).where(audit.c.number > at, *where).order_by(audit.c.number).limit(1000)
        rows = [Row(*one) for one in connection.execute(chosen)]
        yield from rows
        if not rows:
            return
        at = rows[-1].number


def _conditions(query: Query) -> list[sa.ColumnElement[bool]]:
    found = []
    if query.kind:
        found.append(audit.c.kind == storable(query.kind))
    if query.actor:
        found.append(audit.c.actor == storable(query.actor))
    if query.since:
        found.append(audit.c.at >= to_text(query.since))
    if query.before is not None:
        found.append(audit.c.number < query.before)
    return found


def is_there(connection: sa.Connection) -> bool:
    """Whether the database has the log yet: one of an older program has none until it is upgraded."""
    return sa.inspect(connection).has_table(audit.name)


def tells_upgrades(key: str, now: Callable[[], datetime]) -> Callable[[sa.Connection, str], None]:
    """What `migrations.upgrade` tells of each revision, in its transaction. Without a key nothing is told."""

    def tell(connection: sa.Connection, revision: str) -> None:
        if key and is_there(connection):
            append(connection, key, Entry(now(), HOUSE, "database.upgraded", facts={"to": revision}))

    return tell


# Failed sign-ins.


def failed(connection: sa.Connection, key: str, user: str, by: str, now: datetime) -> None:
    """A try with a wrong password, of a person or ("") of nobody known: a row, or one more for the next row."""
    last = last_of(connection, "signin.failed", user)
    if last is not None and abs(now - from_text(last.at)) < QUIET:
        count_attempts(connection, [_counter(user)], now, now - _FORGOTTEN)
        return
    tries = _uncounted(connection, user) + 1
    append(connection, key, Entry(now, "", "signin.failed", "user", user, {"by": by, "tries": tries}))


def _uncounted(connection: sa.Connection, user: str) -> int:
    """Take the tries that no row has told of yet."""
    found = attempts_at(connection, [_counter(user)])
    forget_attempts(connection, found)
    return sum(one.count for one in found.values())


def signed_in(connection: sa.Connection, key: str, user: str, by: str, now: datetime) -> None:
    """Somebody is in; the tries before it that no row has told of yet are told with it."""
    facts: dict[str, Any] = {"by": by}
    if tries := _uncounted(connection, user):
        facts["failed"] = tries
    append(connection, key, Entry(now, user, "signin", "user", user, facts))


def _counter(user: str) -> str:
    return f"audit {user}"


# What is kept for long enough.


def prune(connection: sa.Connection, days: int, tell: Callable[..., None], now: datetime, *, sure: bool = False) -> int:
    """Let go of the rows older than that many days (0 lets none go), and say so in a row that vouches for the rest.

    The last row always stays. How many went comes back. Raises ValueError when they are more than a quarter of all and
    nobody is `sure`: a clock that is years ahead takes nothing. `tell` writes the row (kind and facts).
    """
    lock(connection, "audit")
    last = newest(connection)
    if not days or last is None:
        return 0
    young = sa.select(sa.func.min(audit.c.number)).where(audit.c.at >= to_text(now - timedelta(days=days)))
    first = connection.execute(young).scalar() or last.number
    old = count(connection, Query(before=first))
    if not old:
        return 0
    if 4 * old > count(connection, Query()) and not sure:
        raise ValueError(f"{old} rows of the audit log would go at once, and none went")
    before = connection.execute(sa.select(audit.c.hash).where(audit.c.number == first - 1)).scalar_one()
    connection.execute(audit.delete().where(audit.c.number < first))
    tell(connection, "audit.pruned", through=first - 1, hash=before)
    return old
