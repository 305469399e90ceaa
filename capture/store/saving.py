"""A submission and what is to be told of it -> rows, in the caller's one transaction, once however often it comes.

Four cases, in this order:

- the same id is there already: nothing is written, the answer is the first one's;
- the receipt is there with other content, since one instance of the form was sent twice: a follow-up on its inquiry;
- no instance key, and the same content of the same form within ten minutes: counted on the first one;
- else it is new, and an inquiry begins.

Held ones tell nobody. People are told apart by their normalised e-mail address and nothing else.

Several that come at once are saved together: those that are new, of new people, are written with one statement a table.
Statements are made once: making one anew for each row takes several times as long as to run it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa

from capture.model import Outgoing, Saved, Submission
from capture.store.database import Database, Unavailable, lock
from capture.store.moments import from_text, to_text
from capture.store.tables import answers, contacts, events, inquiries, outbox, receipts, submissions
from capture.store.texts import fold, is_id, storable, storable_json, tupled
from obverse.forms.checking import email_key

WINDOW = timedelta(minutes=10)  # within it, the same content without an instance key is the same submission


@dataclass(frozen=True, slots=True)
class Member:
    """One of several that are saved together: a submission, and who is to be told of it."""

    submission: Submission
    outgoing: tuple[Outgoing, ...]


@dataclass(frozen=True, slots=True)
class Thanked:
    """What the thank-you page of a receipt needs."""

    form: str
    lang: str
    rules: str
    words: str
    values: Mapping[str, Any]
    received_at: datetime


def save_group(database: Database, members: Sequence[Member], token: Callable[[], str]) -> list[Saved | Exception]:
    """Save several submissions in one transaction; what became of each, in their order.

    When it fails for a reason of its own, each is saved alone, so that one of them harms no other. A database that is
    away is away for all.
    """
    try:
        with database.write() as connection:
            return list(save_all(connection, members, token))
    except Unavailable as error:
        return [error] * len(members)
    except Exception as error:  # noqa: BLE001 -- which of them it was is found out by trying each
        if len(members) == 1:
            return [error]
    return [save_group(database, [one], token)[0] for one in members]


def save_all(connection: sa.Connection, members: Sequence[Member], token: Callable[[], str]) -> list[Saved]:
    """Write all rows of several submissions, in their order, as `save` would one after the other."""
    saved: dict[int, Saved] = {}
    rows = _Rows()
    for number in _new_ones(connection, [one.submission for one in members]):
        one = members[number]
        now = one.submission.received_at
        saved[number] = _begun(
            rows, one.submission, one.outgoing, token, now, _new_contact(rows, one.submission, token)
        )
    rows.write(connection)
    for number, one in enumerate(members):
        if number not in saved:
            saved[number] = save(connection, one.submission, one.outgoing, token)
    return [saved[number] for number in range(len(members))]


def save(
    connection: sa.Connection,
    submission: Submission,
    outgoing: Sequence[Outgoing],
    token: Callable[[], str],
    *,
    now: datetime | None = None,
) -> Saved:
    """Write all rows of one submission. `now` is given when it was received long before, as out of the spool.

    A follow-up of an answered inquiry makes it wait again; a closed one stays in its stage but waits, since only a
    person reopens. A clean follow-up of a held inquiry releases it; one that is itself suspect, of an open inquiry,
    waits like any other but tells nobody.
    """
    lock(connection, "submission", *_same(submission))
    known = _by_id(connection, submission.id)
    if known:
        return Saved("replayed", known.id, known.receipt, known.inquiry)
    first = _by_receipt(connection, submission.receipt)
    if first:
        return _follow(connection, first, submission, outgoing, token, now or submission.received_at)
    twin = _twin(connection, submission)
    if twin:
        return _count(connection, twin, submission)
    return _begin(connection, submission, outgoing, token, now or submission.received_at)


def thanked(connection: sa.Connection, receipt: str) -> Thanked | None:
    """What was sent under that receipt, or None when nothing was."""
    if not is_id(receipt):
        return None
    repeat = sa.select(receipts.c.submission).where(receipts.c.receipt == receipt)
    row = connection.execute(
        sa.select(submissions, answers.c["values"].label("answered"))
        .join(answers, answers.c.submission == submissions.c.id)
        .where((submissions.c.receipt == receipt) | submissions.c.id.in_(repeat))
    ).one_or_none()
    if row is None:
        return None
    return Thanked(row.form, row.lang, row.rules, row.words, tupled(row.answered), from_text(row.received_at))


def _same(submission: Submission) -> tuple[str, ...]:
    """What two submissions share that must not be saved at once."""
    return (submission.receipt,) if submission.instance else (submission.form, submission.content)


_OF_ID = sa.select(submissions).where(submissions.c.id == sa.bindparam("one"))
_OF_RECEIPT = sa.select(submissions).where(submissions.c.receipt == sa.bindparam("one"))
_OF_KEY = sa.select(contacts.c.id).where(contacts.c.email_key == sa.bindparam("one"))


def _some(column: sa.Column[Any], name: str) -> sa.ColumnElement[bool]:
    return column.in_(sa.bindparam(name, expanding=True))


_LIKE_THESE = sa.select(submissions.c.id, submissions.c.receipt, submissions.c.content).where(
    _some(submissions.c.id, "ids") | _some(submissions.c.receipt, "receipts") | _some(submissions.c.content, "contents")
)
_OF_KEYS = sa.select(contacts.c.email_key).where(_some(contacts.c.email_key, "keys"))


def _by_id(connection: sa.Connection, id: str) -> sa.Row[Any] | None:
    return connection.execute(_OF_ID, {"one": id}).one_or_none()


def _by_receipt(connection: sa.Connection, receipt: str) -> sa.Row[Any] | None:
    return connection.execute(_OF_RECEIPT, {"one": receipt}).one_or_none()


def _new_ones(connection: sa.Connection, group: Sequence[Submission]) -> list[int]:
    """The numbers of those that share nothing with each other, nor with anything stored: of new people, or nobody."""
    known = _stored_keys(connection, group)
    found = []
    for number, one in enumerate(group):
        keys = _keys(one)
        if known.isdisjoint(keys):
            found.append(number)
        # Without a key of its own, what comes later may be the same as one that has a key.
        known.update(keys, [("content", one.content)])
    return found


def _keys(one: Submission) -> set[tuple[str, str]]:
    """What makes a submission another one than a new one, or its sender somebody known, when it is there already."""
    person = _email_key(one)
    content = set() if one.instance else {("content", one.content)}
    return {("id", one.id), ("receipt", one.receipt), *content, *([("person", person)] if person else [])}


def _stored_keys(connection: sa.Connection, group: Sequence[Submission]) -> set[tuple[str, str]]:
    """Those keys of a group that are stored already."""
    wanted: dict[str, list[str]] = {"id": [], "receipt": [], "content": [], "person": []}
    for kind, key in (pair for one in group for pair in _keys(one)):
        wanted[kind].append(key)
    names = {"ids": wanted["id"], "receipts": wanted["receipt"], "contents": wanted["content"]}
    found = {("person", str(key)) for key in connection.execute(_OF_KEYS, {"keys": wanted["person"]}).scalars()}
    for id_, receipt, content in connection.execute(_LIKE_THESE, names):
        found |= {("id", id_), ("receipt", receipt), ("content", content)}
    return found


def _twin(connection: sa.Connection, submission: Submission) -> sa.Row[Any] | None:
    """The same content without a key, received at most ten minutes before (or after: the spool may be late)."""
    if submission.instance:
        return None
    start, end = (to_text(submission.received_at + sign * WINDOW) for sign in (-1, 1))
    return connection.execute(
        sa.select(submissions)
        .where(submissions.c.content == submission.content, submissions.c.form == submission.form)
        .where(submissions.c.received_at.between(start, end))
        .order_by(submissions.c.received_at)
        .limit(1)
    ).one_or_none()


def _count(connection: sa.Connection, twin: sa.Row[Any], submission: Submission) -> Saved:
    """One more of the same. Its receipt may have been given out already, so it leads to the one that was kept."""
    connection.execute(
        submissions.update().where(submissions.c.id == twin.id).values(repeats=submissions.c.repeats + 1)
    )
    known = connection.execute(sa.select(receipts).where(receipts.c.receipt == submission.receipt)).one_or_none()
    if known is None:
        connection.execute(receipts.insert().values(receipt=submission.receipt, submission=twin.id))
    return Saved("replayed", twin.id, twin.receipt, twin.inquiry)


# The tables in the order in which their rows refer to each other, and the statement that writes into each.
_INSERTS = {table: table.insert() for table in (contacts, inquiries, submissions, answers, events, outbox, receipts)}


@dataclass(slots=True)
class _Rows:
    """Rows to be written, by table; those of one table all have the same columns."""

    of: dict[sa.Table, list[dict[str, Any]]] = field(default_factory=dict)

    def add(self, table: sa.Table, **values: Any) -> None:
        self.of.setdefault(table, []).append(values)

    def write(self, connection: sa.Connection) -> None:
        for table, statement in _INSERTS.items():
            if rows := self.of.get(table):
                connection.execute(statement, rows)


def _begin(
    connection: sa.Connection,
    submission: Submission,
    outgoing: Sequence[Outgoing],
    token: Callable[[], str],
    now: datetime,
) -> Saved:
    rows = _Rows()
    saved = _begun(rows, submission, outgoing, token, now, _contact(connection, submission, token))
    rows.write(connection)
    return saved


def _begun(
    rows: _Rows,
    submission: Submission,
    outgoing: Sequence[Outgoing],
    token: Callable[[], str],
    now: datetime,
    contact: str,
) -> Saved:
    """A new inquiry. A held one waits for nobody; its clock is set when it is released."""
    held, received_at = submission.verdict.held, to_text(submission.received_at)
    inquiry = token()
    rows.add(
        inquiries,
        id=inquiry,
        contact=contact,
        form=submission.form,
        lang=submission.lang,
        page=storable(submission.page),
        page_title=storable(submission.page_title),
        received_at=received_at,
        waiting_since=None if held else received_at,
        held=held,
        held_reasons=" ".join(submission.verdict.reasons),
        touched_at=to_text(now),
        search=_search(submission),
    )
    _keep(rows, submission, submission.receipt, inquiry, None)
    # A held one was received as well: reports subtract, so that a release needs to change nothing.
    _tell(rows, "received", submission, inquiry)
    if held:
        _tell(rows, "held", submission, inquiry)
    else:
        _put_out(rows, outgoing, inquiry, now, token, submission=submission.id)
    return Saved("stored", submission.id, submission.receipt, inquiry)


def _follow(
    connection: sa.Connection,
    first: sa.Row[Any],
    submission: Submission,
    outgoing: Sequence[Outgoing],
    token: Callable[[], str],
    now: datetime,
) -> Saved:
    inquiry = connection.execute(sa.select(inquiries).where(inquiries.c.id == first.inquiry).with_for_update()).one()
    receipt = submission.follow_up_receipt
    if not receipt or _by_receipt(connection, receipt):
        receipt = token()
    rows = _Rows()
    _keep(rows, submission, receipt, inquiry.id, first.id)
    _tell(rows, "follow-up", submission, inquiry.id)
    clean = not submission.verdict.held
    changes: dict[str, Any] = {"touched_at": to_text(now), "search": f"{inquiry.search} {_search(submission)}"}
    if inquiry.held and clean:
        changes |= {"held": False, "held_reasons": "", "waiting_since": inquiry.received_at}
        _tell(rows, "released", submission, inquiry.id)
    elif not inquiry.held and not inquiry.waiting_since:
        changes["waiting_since"] = to_text(submission.received_at)
    if clean and submission.email:
        changes["contact"] = _contact(connection, submission, token)
    connection.execute(inquiries.update().where(inquiries.c.id == inquiry.id).values(**changes))
    if clean:
        _put_out(rows, outgoing, inquiry.id, now, token, submission=submission.id)
    rows.write(connection)
    return Saved("follow-up", submission.id, receipt, inquiry.id)


def put_out(
    connection: sa.Connection,
    outgoing: Sequence[Outgoing],
    inquiry: str,
    now: datetime,
    token: Callable[[], str],
    *,
    submission: str | None = None,
    message: str | None = None,
) -> None:
    """Rows for the outbox, due at once. Their payloads learn the inquiry's id as `inquiry`."""
    rows = _Rows()
    _put_out(rows, outgoing, inquiry, now, token, submission=submission, message=message)
    rows.write(connection)


def _put_out(
    rows: _Rows,
    outgoing: Sequence[Outgoing],
    inquiry: str,
    now: datetime,
    token: Callable[[], str],
    *,
    submission: str | None = None,
    message: str | None = None,
) -> None:
    for one in outgoing:
        rows.add(
            outbox,
            id=token(),
            inquiry=inquiry,
            submission=submission,
            message=message,
            channel=one.channel,
            kind=one.kind,
            target=storable(one.target),
            payload={**storable_json(one.payload), "inquiry": inquiry},
            created_at=to_text(now),
            next_at=to_text(now),
        )


def _keep(rows: _Rows, submission: Submission, receipt: str, inquiry: str, follows: str | None) -> None:
    """The submission as it came, and apart from it what can be erased."""
    rows.add(
        submissions,
        id=submission.id,
        receipt=receipt,
        inquiry=inquiry,
        follows=follows,
        form=submission.form,
        lang=submission.lang,
        rules=submission.rules,
        words=submission.words,
        received_at=to_text(submission.received_at),
        instance=storable(submission.instance),
        content=submission.content,
        page=storable(submission.page),
        referrer=storable(submission.referrer),
        network=submission.network,
        held_reasons=" ".join(submission.verdict.reasons),
    )
    rows.add(
        answers,
        submission=submission.id,
        values=storable_json(submission.values),
        extra=storable_json(submission.extra),
        labels=storable_json(submission.labels),
        consents=[[storable(one.field), storable(one.text), one.given] for one in submission.consents],
    )


def _tell(rows: _Rows, kind: str, submission: Submission, inquiry: str) -> None:
    rows.add(
        events,
        at=to_text(submission.received_at),
        inquiry=inquiry,
        kind=kind,
        form=submission.form,
        page=storable(submission.page),
        reason=" ".join(submission.verdict.reasons),
        subject=submission.id,
    )


def _contact(connection: sa.Connection, submission: Submission, token: Callable[[], str]) -> str:
    """The person with that e-mail address, known or new; without one, always a new person.

    The name and the telephone number last given count, unless the submission is held: a stranger who knows an address
    could rename its owner.
    """
    key = _email_key(submission)
    known = _known(connection, key) if key else None
    if known is None:
        rows = _Rows()
        known = _new_contact(rows, submission, token)
        rows.write(connection)
        return known
    news = {name: text for name, text in _given(submission).items() if text}
    if news and not submission.verdict.held:
        connection.execute(contacts.update().where(contacts.c.id == known).values(**news))
    return known


def _new_contact(rows: _Rows, submission: Submission, token: Callable[[], str]) -> str:
    made, created_at = token(), to_text(submission.received_at)
    rows.add(contacts, id=made, email_key=_email_key(submission), created_at=created_at, **_given(submission))
    return made


def _given(submission: Submission) -> dict[str, str]:
    return {name: storable(getattr(submission, name)) for name in ("email", "name", "phone")}


def _email_key(submission: Submission) -> str | None:
    return email_key(storable(submission.email)) or None


def _known(connection: sa.Connection, key: str) -> str | None:
    lock(connection, "contact", key)
    return connection.execute(_OF_KEY, {"one": key}).scalar()


def _search(submission: Submission) -> str:
    texts = [submission.name, submission.email, submission.phone, submission.page_title, *_words(submission.values)]
    return fold(" ".join(texts))


def _words(value: Any) -> list[str]:
    """Every text and number in the answers; yes and no say nothing to a search."""
    if isinstance(value, Mapping):
        return [word for one in value.values() for word in _words(one)]
    if isinstance(value, (list, tuple)):
        return [word for one in value for word in _words(one)]
    return [] if isinstance(value, bool) or value is None else [str(value)]
