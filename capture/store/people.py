"""People: rows of those who may log in, their sessions, their one-time links, and what failed logins count against.

Secrets never come here: sessions and links are named by the SHA-256 of theirs, attempts by digests, and passwords are
hashes.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import sqlalchemy as sa

from capture.store.database import lock
from capture.store.moments import from_text, to_text
from capture.store.tables import attempts, links, sessions, users
from capture.store.texts import storable


@dataclass(frozen=True, slots=True)
class Person:
    """One row of `users`. `password` is a hash, "" where only links let in."""

    id: str
    email: str
    name: str
    password: str = field(repr=False)
    created_at: datetime
    removed_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Session:
    """One row of `sessions`: somebody who is logged in somewhere. `id` is the digest of what the cookie holds."""

    id: str
    user: str
    csrf: str = field(repr=False)
    created_at: datetime
    seen_at: datetime
    expires_at: datetime
    agent: str


@dataclass(frozen=True, slots=True)
class Link:
    """One row of `links`. `id` is the digest of what the address holds."""

    id: str
    user: str
    expires_at: datetime
    used_at: datetime | None


@dataclass(frozen=True, slots=True)
class Attempts:
    """How often something has failed, and when it did last."""

    key: str
    count: int
    last_at: datetime


def login_name(email: str) -> str:
    """An e-mail address as people are looked up by it."""
    return storable(unicodedata.normalize("NFC", email)).strip().lower()


# People.


def add_person(connection: sa.Connection, id: str, email: str, name: str, password: str, now: datetime) -> str:
    """Let somebody in; their id comes back: the old one for a person who was here before and was removed.

    Raises ValueError when the address is somebody's who may log in already.
    """
    known = person_by_email(connection, email, removed=True)
    values = {"name": storable(name), "password": password, "removed_at": None}
    if known is None:
        row = {"id": id, "email": login_name(email), "created_at": to_text(now), **values}
        connection.execute(users.insert().values(**row))
        return id
    if known.removed_at is None:
        raise ValueError("that address may log in already")
    connection.execute(users.update().where(users.c.id == known.id).values(**values))
    return known.id


def person(connection: sa.Connection, id: str) -> Person | None:
    """The person of that id who may log in."""
    asked = sa.select(users).where(users.c.id == id, users.c.removed_at.is_(None))
    return _person(connection.execute(asked).mappings().one_or_none())


def person_by_email(connection: sa.Connection, email: str, *, removed: bool = False) -> Person | None:
    """The person of that address who may log in; with `removed` also one who no longer may."""
    asked = sa.select(users).where(users.c.email == login_name(email))
    if not removed:
        asked = asked.where(users.c.removed_at.is_(None))
    return _person(connection.execute(asked).mappings().one_or_none())


def people(connection: sa.Connection, *, removed: bool = False) -> list[Person]:
    """Everybody who may log in, by name; with `removed` also those who no longer may."""
    asked = sa.select(users).order_by(sa.func.lower(users.c.name), users.c.email)
    if not removed:
        asked = asked.where(users.c.removed_at.is_(None))
    return [_known(row) for row in connection.execute(asked).mappings()]


def set_password(connection: sa.Connection, id: str, password: str) -> None:
    """Give somebody another password (its hash)."""
    connection.execute(users.update().where(users.c.id == id).values(password=password))


def remove_person(connection: sa.Connection, id: str, now: datetime) -> None:
    """Let somebody in no longer: the row stays, since events name it; password, sessions and links go."""
    connection.execute(users.update().where(users.c.id == id).values(password="", removed_at=to_text(now)))
    connection.execute(sessions.delete().where(sessions.c.user == id))
    connection.execute(links.delete().where(links.c.user == id))


def _person(row: sa.RowMapping | None) -> Person | None:
    return _known(row) if row else None


def _known(values: sa.RowMapping) -> Person:
    return Person(
        id=values["id"],
        email=values["email"],
        name=values["name"],
        password=values["password"],
        created_at=from_text(values["created_at"]),
        removed_at=from_text(values["removed_at"]) if values["removed_at"] else None,
    )


# Sessions.


def add_session(connection: sa.Connection, session: Session) -> None:
    """Keep a new session."""
    row = {
        "id": session.id,
        "user": session.user,
        "csrf": session.csrf,
        "created_at": to_text(session.created_at),
        "seen_at": to_text(session.seen_at),
        "expires_at": to_text(session.expires_at),
        "agent": session.agent,
    }
    connection.execute(sessions.insert().values(**row))


def session(connection: sa.Connection, id: str) -> tuple[Session, Person] | None:
    """The session of that id and whose it is, fresh or not."""
    asked = sa.select(sessions).where(sessions.c.id == id)
    row = connection.execute(asked).mappings().one_or_none()
    found = _session(row) if row else None
    whose = person(connection, found.user) if found else None
    return (found, whose) if found and whose else None


def sessions_of(connection: sa.Connection, user: str) -> list[Session]:
    """Everywhere somebody is logged in, the last seen first."""
    asked = sa.select(sessions).where(sessions.c.user == user).order_by(sessions.c.seen_at.desc(), sessions.c.id)
    return [_session(row) for row in connection.execute(asked).mappings()]


def touch_session(connection: sa.Connection, id: str, now: datetime) -> None:
    """Note that a session was used."""
    connection.execute(sessions.update().where(sessions.c.id == id).values(seen_at=to_text(now)))


def delete_session(connection: sa.Connection, id: str, user: str) -> bool:
    """End one session of somebody; False when they have none of that id."""
    ended = connection.execute(sessions.delete().where(sessions.c.id == storable(id), sessions.c.user == user))
    return ended.rowcount > 0


def end_session(connection: sa.Connection, id: str) -> None:
    """End a session, whoever's it is."""
    connection.execute(sessions.delete().where(sessions.c.id == id))


def delete_sessions(connection: sa.Connection, user: str, *, but: str = "") -> int:
    """End all sessions of somebody but one. How many that were comes back."""
    return connection.execute(sessions.delete().where(sessions.c.user == user, sessions.c.id != but)).rowcount


def sweep(connection: sa.Connection, now: datetime, idle_since: datetime) -> None:
    """Forget sessions and links that nobody can use any more."""
    stale = (sessions.c.expires_at <= to_text(now)) | (sessions.c.seen_at < to_text(idle_since))
    connection.execute(sessions.delete().where(stale))
    connection.execute(links.delete().where(links.c.expires_at <= to_text(now)))


def _session(values: sa.RowMapping) -> Session:
    return Session(
        id=values["id"],
        user=values["user"],
        csrf=values["csrf"],
        created_at=from_text(values["created_at"]),
        seen_at=from_text(values["seen_at"]),
        expires_at=from_text(values["expires_at"]),
        agent=values["agent"],
    )


# One-time links.

LINK_LONGEST = timedelta(days=1)


def add_link(connection: sa.Connection, link: Link) -> None:
    """Keep a new link."""
    row = {"id": link.id, "user": link.user, "expires_at": to_text(link.expires_at), "used_at": None}
    connection.execute(links.insert().values(**row))


def use_link(connection: sa.Connection, id: str, now: datetime) -> Person | None:
    """Use a link up: whose it was, or None when there is none of that id that may still be used.

    One statement decides, so of two who come at once only one is let in.
    """
    used = connection.execute(links.update().where(*_fresh(id, now)).values(used_at=to_text(now)))
    if not used.rowcount:
        return None
    whose = connection.execute(sa.select(links.c.user).where(links.c.id == id)).scalar_one()
    return person(connection, whose)


def link_is_fresh(connection: sa.Connection, id: str, now: datetime) -> bool:
    """Whether a link may still be used."""
    return connection.execute(sa.select(links.c.id).where(*_fresh(id, now))).first() is not None


def _fresh(id: str, now: datetime) -> tuple[sa.ColumnElement[bool], ...]:
    """That it is not used up, nor over; one that ends later than any may was made by a clock far ahead."""
    ends = links.c.expires_at
    return links.c.id == id, links.c.used_at.is_(None), ends > to_text(now), ends <= to_text(now + LINK_LONGEST)


# Attempts.


def attempts_at(connection: sa.Connection, keys: Iterable[str]) -> dict[str, Attempts]:
    """What has failed so far, by key; keys with no failure are not in it."""
    rows = connection.execute(sa.select(attempts).where(attempts.c.key.in_(list(keys)))).mappings()
    return {row["key"]: Attempts(row["key"], row["count"], from_text(row["last_at"])) for row in rows}


def count_attempts(connection: sa.Connection, keys: Iterable[str], now: datetime, forgotten: datetime) -> None:
    """One failure more for each key; what failed last before `forgotten` counts no more."""
    for key in sorted(set(keys)):  # in one order everywhere: two who count alike never wait for each other
        lock(connection, "attempts", key)
        rows = attempts.c.key == key
        count = sa.case((attempts.c.last_at < to_text(forgotten), 1), else_=attempts.c["count"] + 1)
        changed = connection.execute(attempts.update().where(rows).values(count=count, last_at=to_text(now)))
        if not changed.rowcount:
            connection.execute(attempts.insert().values(key=key, count=1, last_at=to_text(now)))


def forget_attempts(connection: sa.Connection, keys: Iterable[str]) -> None:
    """Start again at none."""
    connection.execute(attempts.delete().where(attempts.c.key.in_(list(keys))))


def forget_attempts_before(connection: sa.Connection, moment: datetime) -> None:
    """Forget what failed so long ago that it counts no more."""
    connection.execute(attempts.delete().where(attempts.c.last_at < to_text(moment)))
