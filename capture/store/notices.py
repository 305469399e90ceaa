"""Notices: what the house has been told of itself, once however many processes see it, and what of it still stands."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from capture.model import Outgoing
from capture.store.database import lock
from capture.store.moments import from_text, maybe_from, to_text
from capture.store.saving import Rows, put_out
from capture.store.tables import notices
from capture.store.texts import storable, storable_json


@dataclass(frozen=True, slots=True)
class Notice:
    """One thing that the house is told. `key` names it for ever: what has its key was told already.

    `subject` tells one trouble of a kind from another; `place` is the process that has it (host and port), "" for the
    house. It stands until `ended_at`. `facts` are what its words need, nothing of visitors.
    """

    key: str
    kind: str
    at: datetime
    subject: str = ""
    place: str = ""
    ended_at: datetime | None = None
    facts: Mapping[str, Any] = field(default_factory=dict)


def tell(connection: sa.Connection, notice: Notice, outgoing: Sequence[Outgoing], token: Callable[[], str]) -> bool:
    """Write it down and put out what tells of it; False, and nothing is done, when it was told or stands already."""
    lock(connection, "notices")
    name = notices.c
    same = sa.and_(name.kind == notice.kind, name.subject == notice.subject, name.place == notice.place)
    known = sa.select(name.key).where((name.key == notice.key) | (same & name.ended_at.is_(None)))
    if connection.execute(known.limit(1)).first():
        return False
    connection.execute(notices.insert().values(**_plain(notice)))
    rows = Rows()
    put_out(rows, outgoing, None, notice.at, token)
    rows.write(connection)
    return True


def end(
    connection: sa.Connection, kind: str, now: datetime, *, place: str = "", but: str | None = None
) -> Sequence[Notice]:
    """End those of a kind that stand at that place, but for the one with the subject `but`; which those were."""
    lock(connection, "notices")
    which = [notices.c.kind == kind, notices.c.place == place, notices.c.ended_at.is_(None)]
    which += [] if but is None else [notices.c.subject != but]
    found = _read(connection, *which)
    if found:
        connection.execute(notices.update().where(*which).values(ended_at=to_text(now)))
    return [replace(one, ended_at=now) for one in found]


def standing(connection: sa.Connection) -> Sequence[Notice]:
    """What stands, the oldest first."""
    return _read(connection, notices.c.ended_at.is_(None))


def last(connection: sa.Connection, kind: str) -> Notice | None:
    """The one of a kind with the greatest subject, None when there is none."""
    return next(iter(_read(connection, notices.c.kind == kind, newest=True)), None)


def _read(connection: sa.Connection, *which: sa.ColumnElement[bool], newest: bool = False) -> Sequence[Notice]:
    order = (notices.c.subject.desc(),) if newest else (notices.c.at, notices.c.key)
    chosen = sa.select(notices).where(*which).order_by(*order).limit(1 if newest else None)
    return [
        Notice(one.key, one.kind, from_text(one.at), one.subject, one.place, maybe_from(one.ended_at), one.facts)
        for one in connection.execute(chosen)
    ]


def _plain(notice: Notice) -> dict[str, Any]:
    ended = to_text(notice.ended_at) if notice.ended_at else None
    texts = {name: storable(getattr(notice, name)) for name in ("key", "kind", "subject", "place")}
    return {**texts, "at": to_text(notice.at), "ended_at": ended, "facts": storable_json(notice.facts)}
