"""Rows of the outbox: what is still to be told, who is at it, what was told and what never will be.

waiting -> claimed -> sent, or back to waiting with a later moment, or dead. A claim ends by itself, so that a process
that was killed holds nothing back. Unknown ids raise KeyError.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa

from capture.store.moments import from_text, maybe_from, to_text
from capture.store.tables import outbox
from capture.store.texts import is_id, storable

STATES = ("waiting", "claimed", "sent", "dead")
_OPEN = ("waiting", "claimed")


@dataclass(frozen=True, slots=True)
class Delivery:
    """One row. `attempts` counts every claim, so that one which kills its process is not tried for ever.

    `inquiry` is "" for what tells of the house itself.
    """

    id: str
    inquiry: str
    submission: str
    message: str
    channel: str
    kind: str
    target: str
    payload: Mapping[str, Any]
    state: str
    created_at: datetime
    next_at: datetime
    attempts: int
    done_at: datetime | None
    last_error: str


@dataclass(frozen=True, slots=True)
class Health:
    """How one channel does: rows still to send, rows given up, when one was sent last, and the last open error."""

    waiting: int
    dead: int
    last_sent: datetime | None
    last_error: str


def claim(connection: sa.Connection, worker: str, now: datetime, limit: int, lease: timedelta) -> list[Delivery]:
    """At most `limit` rows that are due, for this worker alone until `now + lease`; the longest due first."""
    moment = to_text(now)
    due = (outbox.c.state == "waiting") & (outbox.c.next_at <= moment)
    left = (outbox.c.state == "claimed") & (outbox.c.claimed_until <= moment)
    chosen = sa.select(outbox.c.id).where(due | left).order_by(outbox.c.next_at, outbox.c.id).limit(limit)
    ids = connection.execute(chosen.with_for_update(skip_locked=True)).scalars().all()
    connection.execute(
        outbox.update()
        .where(outbox.c.id.in_(ids))
        .values(
            state="claimed",
            claimed_by=worker,
            claimed_until=to_text(now + lease),
            attempts=outbox.c.attempts + 1,
        )
    )
    return list(_deliveries(connection, outbox.c.id.in_(ids)))


def sent(connection: sa.Connection, id: str, now: datetime) -> None:
    """It has been taken."""
    _set(connection, id, state="sent", done_at=to_text(now), last_error="")


def failed(connection: sa.Connection, id: str, error: str, next_at: datetime) -> None:
    """It was not taken and is to be tried again at `next_at`. `error` tells of the channel, nothing of people."""
    _set(connection, id, state="waiting", next_at=to_text(next_at), last_error=storable(error))


def dead(connection: sa.Connection, id: str, error: str, now: datetime) -> None:
    """It will not be tried again unless a person asks."""
    _set(connection, id, state="dead", done_at=to_text(now), last_error=storable(error))


def replay(connection: sa.Connection, id: str, now: datetime) -> None:
    """Try a dead or waiting one again now, as if for the first time. Raises ValueError for one sent or under way."""
    row = delivery(connection, id)
    if row is None:
        raise KeyError(id)
    if row.state not in ("dead", "waiting"):
        raise ValueError("It has been sent already." if row.state == "sent" else "It is being sent now.")
    _set(connection, id, state="waiting", next_at=to_text(now), attempts=0, done_at=None)


def next_due(connection: sa.Connection) -> datetime | None:
    """When `claim` will find something next, None when nothing is on its way."""
    moment = sa.case((outbox.c.state == "claimed", outbox.c.claimed_until), else_=outbox.c.next_at)
    chosen = sa.select(sa.func.min(moment)).where(outbox.c.state.in_(("waiting", "claimed")))
    return maybe_from(connection.execute(chosen).scalar())


def health(connection: sa.Connection) -> dict[str, Health]:
    """How each channel does that was ever used, by its name."""
    state, channel = outbox.c.state, outbox.c.channel
    waiting, dead_ones = (sa.func.sum(sa.case((state.in_(some), 1), else_=0)) for some in (_OPEN, ("dead",)))
    last_sent = sa.func.max(sa.case((state == "sent", outbox.c.done_at)))
    chosen = sa.select(channel, waiting, dead_ones, last_sent).group_by(channel).order_by(channel)
    return {
        name: Health(int(open_ones), int(given_up), maybe_from(last), _last_error(connection, name))
        for name, open_ones, given_up, last in connection.execute(chosen).all()
    }


def delivery(connection: sa.Connection, id: str) -> Delivery | None:
    """One row, or None."""
    return next(iter(_deliveries(connection, outbox.c.id == id)), None) if is_id(id) else None


def deliveries(
    connection: sa.Connection,
    states: Sequence[str] = ("dead", "waiting", "claimed"),
    *,
    offset: int = 0,
    limit: int = 100,
) -> tuple[Delivery, ...]:
    """Rows in these states, the newest first."""
    return _deliveries(connection, outbox.c.state.in_(states), newest=True, offset=offset, limit=limit)


def of_inquiry(connection: sa.Connection, inquiry: str) -> tuple[Delivery, ...]:
    """What was and is to be told of one inquiry, in order of time."""
    return _deliveries(connection, outbox.c.inquiry == inquiry)


def _last_error(connection: sa.Connection, channel: str) -> str:
    chosen = sa.select(outbox.c.last_error).where(outbox.c.channel == channel, outbox.c.last_error != "")
    tried = sa.func.coalesce(outbox.c.done_at, outbox.c.next_at)
    return connection.execute(chosen.order_by(tried.desc()).limit(1)).scalar() or ""


def _deliveries(
    connection: sa.Connection,
    where: sa.ColumnElement[bool],
    *,
    newest: bool = False,
    offset: int = 0,
    limit: int | None = None,
) -> tuple[Delivery, ...]:
    order = (outbox.c.created_at.desc(), outbox.c.id) if newest else (outbox.c.created_at, outbox.c.id)
    chosen = sa.select(outbox).where(where).order_by(*order).offset(max(offset, 0)).limit(limit)
    return tuple(_delivery(dict(one._mapping)) for one in connection.execute(chosen))  # noqa: SLF001 -- public by its documentation


def _delivery(plain: dict[str, Any]) -> Delivery:
    known = {name: plain[name] for name in Delivery.__dataclass_fields__}
    times = {name: from_text(plain[name]) for name in ("created_at", "next_at")}
    ids = {name: plain[name] or "" for name in ("inquiry", "submission", "message")}
    return Delivery(**{**known, **times, **ids, "done_at": maybe_from(plain["done_at"])})


def _set(connection: sa.Connection, id: str, **changes: Any) -> None:
    changes |= {"claimed_by": "", "claimed_until": None}
    if connection.execute(outbox.update().where(outbox.c.id == id).values(**changes)).rowcount == 0:
        raise KeyError(id)
