"""Rows of the outbox: what is still to be told, who is at it, what was told and what never will be.

waiting -> claimed -> sent, or back to waiting with a later moment, or dead. A claim ends by itself, so that a process
that was killed holds nothing back. What a receiver wants no more is stopped: as long as a row for it is, nothing goes
there. Unknown ids raise KeyError.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa

from capture.model import CONFIRMED, WITHDRAWN
from capture.store import channels
from capture.store.moments import from_text, maybe_from, to_text
from capture.store.tables import outbox
from capture.store.texts import is_id, storable

STATES = ("waiting", "claimed", "sent", "dead", "stopped")
_OPEN = ("waiting", "claimed")
_UNSENT = ("waiting", "claimed", "dead", "stopped")

# What tells of visitors to others than them.
_NOTIFICATIONS = ("notify", CONFIRMED, WITHDRAWN)


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
    """How one channel does: rows still to send, given up, and stopped; when one was sent and when one failed last.

    `failing_since` is since when every try has failed, None while it works; `last_error` the last open error.
    """

    waiting: int
    dead: int
    stopped: int
    last_sent: datetime | None
    last_failed: datetime | None
    failing_since: datetime | None
    last_error: str


def claim(connection: sa.Connection, worker: str, now: datetime, limit: int, lease: timedelta) -> list[Delivery]:
    """At most `limit` rows that are due, for this worker alone until `now + lease`; the longest due first."""
    ids = _due(connection, to_text(now), limit)
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


def _due(connection: sa.Connection, moment: str, limit: int) -> list[str]:
    """First what a killed process left, then what waits. One question for both would sort all that is due for each."""
    left = (outbox.c.state == "claimed") & (outbox.c.claimed_until <= moment)
    waits = (outbox.c.state == "waiting") & (outbox.c.next_at <= moment)
    ids: list[str] = []
    for which in (left, waits):
        asked = sa.select(outbox.c.id).where(which).order_by(outbox.c.next_at).limit(limit - len(ids))
        ids += connection.execute(asked.with_for_update(skip_locked=True)).scalars()
    return ids


def give_back(connection: sa.Connection, worker: str, ids: Sequence[str]) -> None:
    """This worker has claimed them and not tried: as if it had never been."""
    same = (outbox.c.id.in_(ids), outbox.c.state == "claimed", outbox.c.claimed_by == worker)
    never = {"state": "waiting", "claimed_by": "", "claimed_until": None, "attempts": outbox.c.attempts - 1}
    connection.execute(outbox.update().where(*same).values(never))


def sent(connection: sa.Connection, id: str, now: datetime) -> None:
    """It has been taken."""
    channels.worked(connection, _channel(connection, id), now)
    _set(connection, id, state="sent", done_at=to_text(now), last_error="")


def failed(connection: sa.Connection, id: str, error: str, next_at: datetime, now: datetime) -> None:
    """It was not taken and is to be tried again at `next_at`. `error` tells of the channel, nothing of people."""
    channels.failed(connection, _channel(connection, id), error, now)
    _set(connection, id, state="waiting", next_at=to_text(next_at), last_error=storable(error))


def dead(connection: sa.Connection, id: str, error: str, now: datetime) -> None:
    """It will not be tried again unless a person asks. That says nothing of the channel."""
    _set(connection, id, state="dead", done_at=to_text(now), last_error=storable(error))


def stop(connection: sa.Connection, id: str, target: str, error: str, now: datetime) -> None:
    """The receiver at `target` wants nothing any more: this one stays, and nothing goes there, until `resume`."""
    channels.failed(connection, _channel(connection, id), error, now, for_good=True)
    _set(connection, id, state="stopped", target=target, next_at=to_text(now), last_error=storable(error))


def stopped(connection: sa.Connection, channel: str, target: str) -> str:
    """Why nothing goes to a receiver, "" when it has not stopped us."""
    same = (outbox.c.state == "stopped", outbox.c.channel == channel, outbox.c.target == target)
    return connection.execute(sa.select(outbox.c.last_error).where(*same).limit(1)).scalar() or ""


def resume(connection: sa.Connection, now: datetime, channel: str = "", target: str = "") -> int:
    """Let everything go on that a receiver has stopped, or what is stopped at one receiver: how many rows that is."""
    which = [outbox.c.state == "stopped"]
    which += [outbox.c.channel == channel, outbox.c.target == target] if channel else []
    return _again(connection, now, *which)


def put_off(connection: sa.Connection, channel: str, target: str, until: datetime) -> None:
    """A receiver wants to be left alone: what waits for it waits until then."""
    same = (outbox.c.state == "waiting", outbox.c.channel == channel, outbox.c.target == target)
    early = outbox.c.next_at < to_text(until)
    connection.execute(outbox.update().where(*same, early).values(next_at=to_text(until)))


def replay(connection: sa.Connection, id: str, now: datetime, *, sent_too: bool = False) -> None:
    """Try one again now, as if for the first time and under the same id.

    With a stopped one, all that its receiver has stopped goes on. Raises ValueError for one under way, and for one
    that was sent unless `sent_too`: who lost it may have it again.
    """
    row = delivery(connection, id)
    if row is None:
        raise KeyError(id)
    if row.state == "claimed":
        raise ValueError("It is being sent now.")
    if row.state == "sent" and not sent_too:
        raise ValueError("It has been sent already.")
    if row.state == "stopped":
        resume(connection, now, row.channel, row.target)
    else:
        _again(connection, now, outbox.c.id == id)


def replay_range(
    connection: sa.Connection,
    start: datetime,
    end: datetime,
    now: datetime,
    *,
    channel: str = "",
    sent_too: bool = False,
) -> int:
    """Try again what was given up of the rows made from `start` on and before `end`; how many rows that is.

    `sent_too` takes notifications that were sent as well, for a receiver that lost them; never what a visitor was sent.
    """
    which = [outbox.c.created_at >= to_text(start), outbox.c.created_at < to_text(end)]
    which += [outbox.c.channel == channel] if channel else []
    had = sa.and_(outbox.c.state == "sent", outbox.c.kind.in_(_NOTIFICATIONS))
    return _again(connection, now, *which, (outbox.c.state == "dead") | had if sent_too else outbox.c.state == "dead")


def next_due(connection: sa.Connection) -> datetime | None:
    """When `claim` will find something next, None when nothing is on its way."""
    moment = sa.case((outbox.c.state == "claimed", outbox.c.claimed_until), else_=outbox.c.next_at)
    chosen = sa.select(sa.func.min(moment)).where(outbox.c.state.in_(("waiting", "claimed")))
    return maybe_from(connection.execute(chosen).scalar())


def health(connection: sa.Connection) -> dict[str, Health]:
    """How each channel does that was ever used, by its name."""
    kinds = {"waiting": _OPEN, "dead": ("dead",), "stopped": ("stopped",)}
    counts = [sa.func.sum(sa.case((outbox.c.state.in_(some), 1), else_=0)).label(name) for name, some in kinds.items()]
    # What was sent is most of it, and is not looked at: of each channel that sent or failed a row of its own tells.
    chosen = sa.select(outbox.c.channel, *counts).where(outbox.c.state.in_(_UNSENT)).group_by(outbox.c.channel)
    found = {one["channel"]: one for one in connection.execute(chosen).mappings()}
    known = {one.name: one for one in channels.states(connection)}
    return {name: _health(connection, name, found.get(name), known.get(name)) for name in sorted({*found, *known})}


def delivery(connection: sa.Connection, id: str) -> Delivery | None:
    """One row, or None."""
    return next(iter(_deliveries(connection, outbox.c.id == id)), None) if is_id(id) else None


def deliveries(
    connection: sa.Connection,
    states: Sequence[str] = _UNSENT,
    *,
    offset: int = 0,
    limit: int = 100,
) -> tuple[Delivery, ...]:
    """Rows in these states, the newest first."""
    return _deliveries(connection, outbox.c.state.in_(states), newest=True, offset=offset, limit=limit)


def of_inquiry(connection: sa.Connection, inquiry: str) -> tuple[Delivery, ...]:
    """What was and is to be told of one inquiry, in order of time."""
    return _deliveries(connection, outbox.c.inquiry == inquiry)


def _health(
    connection: sa.Connection, name: str, counted: sa.RowMapping | None, known: channels.Channel | None
) -> Health:
    channel = known or channels.Channel(name)
    return Health(
        waiting=int(counted["waiting"]) if counted else 0,
        dead=int(counted["dead"]) if counted else 0,
        stopped=int(counted["stopped"]) if counted else 0,
        last_sent=channel.sent_at,
        last_failed=channel.failed_at,
        failing_since=channel.failing_since,
        last_error=_last_error(connection, name) if counted else "",
    )


def _last_error(connection: sa.Connection, channel: str) -> str:
    left = (outbox.c.state.in_(_UNSENT), outbox.c.channel == channel, outbox.c.last_error != "")
    tried = sa.func.coalesce(outbox.c.done_at, outbox.c.next_at)
    return (
        connection.execute(sa.select(outbox.c.last_error).where(*left).order_by(tried.desc()).limit(1)).scalar() or ""
    )


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


def _channel(connection: sa.Connection, id: str) -> str:
    """The channel of a row."""
    found: str | None = connection.execute(_CHANNEL, {"row": id}).scalar()
    if found is None:
        raise KeyError(id)
    return found


def _again(connection: sa.Connection, now: datetime, *which: sa.ColumnElement[bool]) -> int:
    fresh = {"state": "waiting", "next_at": to_text(now), "attempts": 0, "done_at": None, "claimed_by": ""}
    return connection.execute(outbox.update().where(*which).values(**fresh, claimed_until=None)).rowcount


def _set(connection: sa.Connection, id: str, **changes: Any) -> None:
    if connection.execute(_ROW, {"row": id, "claimed_by": "", "claimed_until": None, **changes}).rowcount == 0:
        raise KeyError(id)


# Made once, since each delivery needs them.
_CHANNEL = sa.select(outbox.c.channel).where(outbox.c.id == sa.bindparam("row"))
_ROW = outbox.update().where(outbox.c.id == sa.bindparam("row"))
