"""Consents that count once they are confirmed by mail (double opt-in) -> rows, each one asking; and how each stands.

Asked, then confirmed by whoever has the link of the mail, then perhaps withdrawn. An asking that nobody confirms within
`LASTING` is over. What was confirmed stays so until it is withdrawn, for all askings of the same address, form and
field at once. Text, digests and times of an asking never change: they are the proof. Events hold its id. That it was
confirmed or withdrawn is told once: the outbox has one row for each, whose id is made of the asking's.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa

from capture.model import CONFIRM, CONFIRMED, WITHDRAWN, Outgoing
from capture.store.moments import from_text, maybe_from, to_text
from capture.store.tables import consents, events, outbox, submissions
from capture.store.texts import is_id, storable
from obverse.forms.checking import email_key

# For so long the link of the mail confirms.
LASTING = timedelta(days=7)

# So many askings of an address may wait or have come to nothing in `_SPAN`; then it gets no more such mails: a stranger
# who gives somebody's address again each day is soon of no more trouble to them.
MOST = 5
_SPAN = timedelta(days=30)

STATES = ("asked", "over", "confirmed", "withdrawn")

# Askings looked at in one statement: SQLite takes no more than some hundred values.
_AT_ONCE = 400

# What a consent is of: the normalised address, the form, the field, the sentence.
Key = tuple[str, str, str, str]


@dataclass(frozen=True, slots=True)
class Asking:
    """One row: what somebody was asked to confirm, and when. `email` and `email_key` are "" once they are erased."""

    id: str
    inquiry: str
    submission: str | None
    form: str
    field: str
    lang: str
    rules: str
    words: str
    label: str
    text: str
    email_key: str
    email: str
    confirm_token: str
    withdraw_token: str
    asked_at: datetime
    confirmed_at: datetime | None
    withdrawn_at: datetime | None

    @property
    def key(self) -> Key:
        """Whose consent it is, to what."""
        return self.email_key, self.form, self.field, self.text

    @property
    def latest(self) -> datetime:
        """When it became what it is."""
        return self.withdrawn_at or self.confirmed_at or self.asked_at

    @property
    def times(self) -> dict[str, str | None]:
        """All its times as they are stored, None for what has not been."""
        known = {name: getattr(self, name) for name in ("asked_at", "confirmed_at", "withdrawn_at")}
        return {name: to_text(at) if at else None for name, at in known.items()}

    @property
    def stands(self) -> bool:
        """Whether it counts: confirmed, and not withdrawn since."""
        return self.confirmed_at is not None and self.withdrawn_at is None

    def state(self, now: datetime) -> str:
        """One of `STATES`."""
        if self.withdrawn_at:
            return "withdrawn"
        if self.confirmed_at:
            return "confirmed"
        return "asked" if self.email_key and now < self.asked_at + LASTING else "over"


def due(connection: sa.Connection, outgoing: Sequence[Outgoing], now: datetime) -> Sequence[Outgoing]:
    """What is to be told, without mails that ask for what was asked that day, or confirmed already, or too often."""
    asked = [one for one in outgoing if one.kind == CONFIRM]
    if not asked:
        return outgoing
    of_them = consents.c.email_key.in_({email_key(storable(one.target)) for one in asked})
    known = _askings(connection, of_them | consents.c.id.in_({one.once for one in asked}))
    idle = Counter(one.email_key for one in known if not one.confirmed_at and _is_near(one.asked_at, now))
    left: list[Outgoing] = []
    for one in outgoing:
        if one.kind == CONFIRM:
            key = email_key(storable(one.target))
            if idle[key] >= MOST or any(_answers(old, one, key) for old in known):
                continue
            idle[key] += 1
        left.append(one)
    return left


def _is_near(moment: datetime, now: datetime) -> bool:
    """Whether it counts against the limit; what a clock years ahead has asked does not."""
    return now - _SPAN < moment < now + _SPAN


def _answers(old: Asking, one: Outgoing, key: str) -> bool:
    """Whether an asking makes that mail needless: the same one, or the same sentence that stands confirmed."""
    told = one.payload
    same = (key, told["form"], told["field"], storable(told["text"]))
    return old.id == one.once or (old.stands and old.key == same)


def asked_row(one: Outgoing, inquiry: str, submission: str | None, now: datetime) -> dict[str, Any]:
    """The row of an asking, of the mail that asks."""
    texts = ("form", "field", "lang", "rules", "words", "label", "text", "confirm_token", "withdraw_token")
    email = storable(one.target)
    return {
        "id": one.once,
        "inquiry": inquiry,
        "submission": submission,
        **{name: storable(str(one.payload[name])) for name in texts},
        "email_key": email_key(email),
        "email": email,
        "asked_at": to_text(now),
    }


def to_confirm(connection: sa.Connection, token: str) -> Asking | None:
    """The asking whose mail has that token, or None."""
    return _named(connection, consents.c.confirm_token, token)


def to_withdraw(connection: sa.Connection, token: str) -> Asking | None:
    """The asking that is withdrawn by that token, or None."""
    return _named(connection, consents.c.withdraw_token, token)


def confirm(connection: sa.Connection, id: str, now: datetime) -> list[Asking]:
    """It is agreed to, from now on: the asking comes back that counts by that.

    Changes nothing, and nothing comes back, where it is confirmed, withdrawn or over already.
    """
    asked = [one for one in _askings(connection, consents.c.id == id, locked=True) if one.state(now) == "asked"]
    for one in asked:
        connection.execute(consents.update().where(consents.c.id == id).values(confirmed_at=to_text(now)))
        _tell(connection, one, CONFIRMED, now)
    return [replace(one, confirmed_at=now) for one in asked]


def withdraw(connection: sa.Connection, id: str, now: datetime, *, until: datetime | None = None) -> list[Asking]:
    """It is agreed to no more, in whichever asking, or in those asked `until` that time: those come back that stood.

    Changes nothing where it is withdrawn already, nor where there is no such asking. That what stood was confirmed is
    told to nobody any more, if it has not been.
    """
    one = next(iter(_askings(connection, consents.c.id == id)), None)
    if one is None:
        return []
    same = (consents.c.email_key == one.email_key, consents.c.form == one.form, consents.c.field == one.field)
    which = (consents.c.id == id) | sa.and_(*same) if one.email_key else consents.c.id == id
    before = (consents.c.asked_at <= to_text(until),) if until else ()
    ended = _askings(connection, sa.and_(which, consents.c.withdrawn_at.is_(None), *before), locked=True)
    for some in _parts([old.id for old in ended]):
        connection.execute(consents.update().where(consents.c.id.in_(some)).values(withdrawn_at=to_text(now)))
        _take_back(connection, some, outbox.c.kind == CONFIRMED, outbox.c.state != "sent")
    if ended:
        _tell(connection, one, WITHDRAWN, now)
    return [replace(old, withdrawn_at=now) for old in ended if old.stands]


def told_id(kind: str, id: str) -> str:
    """The id of the outbox's row that tells of an asking that it was `CONFIRMED`, or `WITHDRAWN`."""
    return hashlib.sha256(f"{kind} {id}".encode()).hexdigest()[:32]


def page_of(connection: sa.Connection, one: Asking) -> str:
    """The id of the page on which it was agreed to, "" when that is not known."""
    return connection.execute(sa.select(submissions.c.page).where(submissions.c.id == one.submission)).scalar() or ""


def standing(connection: sa.Connection, emails: Iterable[str]) -> Mapping[Key, Asking]:
    """How each sentence that these addresses were asked about stands: by the asking that counts, else by the newest."""
    keys = {email_key(one) for one in emails if one}
    found: dict[Key, Asking] = {}
    for one in _askings(connection, consents.c.email_key.in_(keys)) if keys else ():
        # The oldest comes first, so that a later one wins, but for one that counts.
        if one.stands or not (one.key in found and found[one.key].stands):
            found[one.key] = one
    return found


def of_address(connection: sa.Connection, email: str) -> list[Asking]:
    """Every asking of an address, the first asked first."""
    return _askings(connection, consents.c.email_key == email_key(email))


def without_address(connection: sa.Connection) -> Iterator[tuple[Asking, datetime]]:
    """Every asking that has lost its address, and when what it belongs to was received."""
    joined = consents.join(submissions, submissions.c.id == consents.c.submission)
    chosen = sa.select(consents, submissions.c.received_at).select_from(joined).where(consents.c.email_key.is_(None))
    for row in connection.execute(chosen.order_by(consents.c.asked_at, consents.c.id)):
        yield _read(row), from_text(row.received_at)


def known_addresses(connection: sa.Connection) -> set[str]:
    """Every address that was asked and not erased, as it is compared."""
    return {key for (key,) in connection.execute(sa.select(consents.c.email_key).distinct()) if key}


def is_idle(now: datetime) -> sa.ColumnElement[bool]:
    """Of which askings the address is of no use any more: those that nobody confirmed in time."""
    over = consents.c.asked_at < to_text(now - _SPAN)
    return consents.c.email_key.is_not(None) & consents.c.confirmed_at.is_(None) & over


def is_past(now: datetime) -> sa.ColumnElement[bool]:
    """Which askings were withdrawn so long ago that the address is of no use, once their inquiry is emptied, too."""
    return consents.c.email_key.is_not(None) & (consents.c.withdrawn_at < to_text(now - _SPAN))


def forget(connection: sa.Connection, now: datetime, *which: sa.ColumnElement[bool]) -> int:
    """Empty these askings of their address; how many had one. What stood is withdrawn by it: the proof stays.

    What the outbox tells of them holds the address as well, and goes, told or not.
    """
    held = (consents.c.email_key.is_not(None), *which)
    for some in _parts(connection.execute(sa.select(consents.c.id).where(*held)).scalars().all()):
        _take_back(connection, some)
    stood = consents.c.confirmed_at.is_not(None) & consents.c.withdrawn_at.is_(None)
    ended = sa.case((stood, to_text(now)), else_=consents.c.withdrawn_at)
    emptied = consents.update().where(*held)
    return connection.execute(emptied.values(email_key=None, email="", withdrawn_at=ended)).rowcount


def _named(connection: sa.Connection, column: sa.Column[Any], token: str) -> Asking | None:
    return next(iter(_askings(connection, column == token)), None) if is_id(token) else None


def _take_back(connection: sa.Connection, ids: Sequence[str], *which: sa.ColumnElement[bool]) -> None:
    """Remove from the outbox what tells of these askings that they were confirmed or withdrawn."""
    told = [told_id(kind, one) for one in ids for kind in (CONFIRMED, WITHDRAWN)]
    connection.execute(outbox.delete().where(outbox.c.id.in_(told), *which))


def _parts(ids: Sequence[str]) -> list[Sequence[str]]:
    return [ids[start : start + _AT_ONCE] for start in range(0, len(ids), _AT_ONCE)]


def _askings(connection: sa.Connection, where: sa.ColumnElement[bool], *, locked: bool = False) -> list[Asking]:
    """The first asked first; `locked` when nobody else is to change them until the transaction ends."""
    chosen = sa.select(consents).where(where).order_by(consents.c.asked_at, consents.c.id)
    return [_read(row) for row in connection.execute(chosen.with_for_update() if locked else chosen)]


def _read(row: sa.Row[Any]) -> Asking:
    plain = {name: row._mapping[name] for name in Asking.__dataclass_fields__}  # noqa: SLF001 -- public by its documentation
    times = {name: maybe_from(plain[name]) for name in ("confirmed_at", "withdrawn_at")}
    asked_at = from_text(plain["asked_at"])
    return Asking(**{**plain, **times, "asked_at": asked_at, "email_key": plain["email_key"] or ""})


def _tell(connection: sa.Connection, one: Asking, kind: str, now: datetime) -> None:
    plain = {"at": to_text(now), "inquiry": one.inquiry, "kind": kind, "form": one.form, "subject": one.id}
    connection.execute(events.insert().values(**plain))
