"""All that rows hold of one person -> values to hand out; or nothing, while what reports count stays.

A person is who wrote from an e-mail address, or gave it as the whole of an answer. Ids, stages, amounts and events
stay, so reports are equal before and after. What the outbox still had to tell of an erased inquiry is told to nobody.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from capture.store import consents
from capture.store.moments import to_text
from capture.store.tables import answers, attachments, contacts, inquiries, messages, notes, outbox, submissions
from capture.store.tables import consents as asked
from capture.store.texts import fold
from obverse.forms.checking import email_key


def inquiries_of(connection: sa.Connection, email: str, until: datetime) -> list[str]:
    """The ids of all inquiries of a person that came in until then, in order of time."""
    key = email_key(email)
    own = sa.select(inquiries.c.id).join(contacts).where(contacts.c.email_key == key)
    named = (inquiries.c.search.contains(one, autoescape=True) for one in {fold(email), fold(key)})
    chosen = (
        sa.select(inquiries.c.id, answers.c["values"], answers.c.extra)
        .join(submissions, submissions.c.inquiry == inquiries.c.id)
        .join(answers, answers.c.submission == submissions.c.id)
        .where(sa.or_(*named))
    )
    told = {one for one, *given in connection.execute(chosen) if key in keys(given)}
    ids = told.union(connection.execute(own).scalars())
    came = sa.select(inquiries.c.id).where(inquiries.c.id.in_(ids), inquiries.c.received_at <= to_text(until))
    return list(connection.execute(came.order_by(inquiries.c.received_at, inquiries.c.id)).scalars())


def keys(value: Any) -> Iterator[str]:
    """Each text within the value that is an e-mail address as a whole, as it is compared."""
    if isinstance(value, Mapping):
        value = list(value.values())
    if isinstance(value, (list, tuple)):
        for one in value:
            yield from keys(one)
    elif isinstance(value, str) and "@" in value:
        yield email_key(value)


def addresses(connection: sa.Connection) -> set[str]:
    """Every e-mail address that somebody wrote from or gave as an answer, as it is compared."""
    known = connection.execute(sa.select(contacts.c.email_key).where(contacts.c.email_key.is_not(None))).scalars()
    found = {key for key in known if key} | consents.known_addresses(connection)
    for values, extra in connection.execute(sa.select(answers.c["values"], answers.c.extra)):
        found.update(keys(values), keys(extra))
    return found


@dataclass(frozen=True, slots=True)
class Erased:
    """The ids of the inquiries that were emptied, and of the files that no row names any more."""

    inquiries: tuple[str, ...]
    files: tuple[str, ...]


def erase(connection: sa.Connection, email: str, until: datetime) -> Erased:
    """Erase what a person sent until then, and all that was written of it.

    The contact is erased with them, unless the person has written again since. Of consents that were confirmed by mail
    the address goes, and with it what stood; what was asked, and when it was confirmed, stays as proof. The files are
    the caller's to remove, once this is committed.
    """
    ids = inquiries_of(connection, email, until)
    files = empty(connection, ids, until)
    later = sa.select(inquiries.c.contact).join(submissions, submissions.c.inquiry == inquiries.c.id)
    wrote_again = contacts.c.id.in_(later.where(submissions.c.received_at > to_text(until)))
    forget(connection, contacts.c.email_key == email_key(email), ~wrote_again)
    consents.forget(connection, until, asked.c.email_key == email_key(email), asked.c.asked_at <= to_text(until))
    return Erased(tuple(ids), tuple(files))


def forget(connection: sa.Connection, *whom: sa.ColumnElement[bool]) -> None:
    """Empty the contacts for which all of these are true."""
    nobody = {"email_key": None, "email": "", "name": "", "phone": ""}
    connection.execute(contacts.update().where(*whom).values(nobody))


def empty(connection: sa.Connection, ids: Sequence[str], until: datetime) -> list[str]:
    """Empty these inquiries of what was written until then; their contacts stay. The ids of their files come back."""
    _overwrite(connection)
    files: list[str] = []
    for start in range(0, len(ids), 500):
        files += _empty(connection, ids[start : start + 500], to_text(until))
    return files


def _empty(connection: sa.Connection, ids: Sequence[str], until: str) -> list[str]:
    """Empty these inquiries, but for what was written later; the search is emptied whole."""
    old = (submissions.c.inquiry.in_(ids), submissions.c.received_at <= until)
    nothing: dict[str, Any] = {"values": {}, "extra": {}, "labels": [], "consents": []}
    of_them = sa.select(submissions.c.id).where(*old)
    connection.execute(answers.update().where(answers.c.submission.in_(of_them)).values(nothing))
    came = attachments.c.submission.in_(of_them)
    files = list(connection.execute(sa.select(attachments.c.id).where(came)).scalars())
    connection.execute(attachments.delete().where(came))
    connection.execute(submissions.update().where(*old).values(network="", referrer="", instance=""))
    connection.execute(outbox.delete().where(outbox.c.inquiry.in_(ids), outbox.c.created_at <= until))
    for table, bare in ((notes, {"text": "", "search": ""}), (messages, {"to": "", "subject": "", "text": ""})):
        connection.execute(table.update().where(table.c.inquiry.in_(ids), table.c.at <= until).values(bare))
    waiting = sa.case((inquiries.c.waiting_since > until, inquiries.c.waiting_since))
    connection.execute(inquiries.update().where(inquiries.c.id.in_(ids)).values(search="", waiting_since=waiting))
    return files


def _overwrite(connection: sa.Connection) -> None:
    """SQLite leaves what was deleted in the file until something else needs the room: have it written over."""
    if connection.dialect.name == "sqlite":
        connection.exec_driver_sql("PRAGMA secure_delete=ON")
