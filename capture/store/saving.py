"""A submission and what is to be told of it -> rows, in the caller's one transaction, once however often it comes.

Four cases, in this order:

- the same id is there already: nothing is written, the answer is the first one's;
- the receipt is there with other content, since one instance of the form was sent twice: a follow-up on its inquiry;
- no instance key, and the same content of the same form within ten minutes: counted on the first one;
- else it is new, and an inquiry begins.

Held ones tell nobody. People are told apart by their normalised e-mail address and nothing else.

Several are saved together with one statement a table, as far as none of them has to do with another or with a row that
is there; the others of the group take their turn after them.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import asdict, dataclass, field
from datetime import datetime, timedelta
from functools import cache, lru_cache
from itertools import chain
from typing import Any

import sqlalchemy as sa

from capture.model import CANARY, CONFIRM, Consent, Outgoing, Saved, Submission
from capture.store.consents import asked_row, due
from capture.store.database import insert, lock_each, mark, select
from capture.store.moments import from_text, to_text
from capture.store.tables import (
    answers,
    attachments,
    consents,
    contacts,
    events,
    inquiries,
    outbox,
    receipts,
    submissions,
)
from capture.store.texts import fold, is_id, json_text, storable, tupled
from obverse.forms.checking import email_key

WINDOW = timedelta(minutes=10)  # within it, the same content without an instance key is the same submission


@dataclass(frozen=True, slots=True)
class Arrival:
    """A submission, and what is to be told of it. `draft` is ready where that needs no look into the database."""

    submission: Submission
    outgoing: Sequence[Outgoing]
    draft: Draft | None = None
    keys: AbstractSet[tuple[str, str]] = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "keys", _keys(self.submission))

    @classmethod
    def ready(cls, submission: Submission, outgoing: Sequence[Outgoing], token: Callable[[], str]) -> Arrival:
        """One for which all is made that can be made before it is its turn."""
        is_told_as_is = all(one.kind != CONFIRM for one in outgoing)
        return cls(submission, outgoing, _draft(submission, outgoing, token) if is_told_as_is else None)


@dataclass(frozen=True, slots=True)
class Thanked:
    """What the thank-you page of a receipt needs."""

    form: str
    lang: str
    rules: str
    words: str
    values: Mapping[str, Any]
    received_at: datetime


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
    lock_each(connection, _alone(submission))
    return _save(connection, submission, outgoing, token, now or submission.received_at)


def _save(
    connection: sa.Connection,
    submission: Submission,
    outgoing: Sequence[Outgoing],
    token: Callable[[], str],
    now: datetime,
) -> Saved:
    """The same, once its locks are held."""
    known = _by_id(connection, submission.id)
    if known:
        return Saved("replayed", known.id, known.receipt, known.inquiry)
    first = _by_receipt(connection, submission.receipt)
    if first:
        return _follow(connection, first, submission, outgoing, token, now)
    twin = _twin(connection, submission)
    if twin:
        return _count(connection, twin, submission)
    return _begin(connection, submission, outgoing, token, now)


def save_together(connection: sa.Connection, several: Sequence[Arrival], token: Callable[[], str]) -> list[Saved]:
    """Write all rows of several submissions, in the caller's one transaction; what became of each, in their order.

    The outcome is that of `save` for one after the other.
    """
    lock_each(connection, (names for one in several for names in _alone(one.submission)))
    saved: dict[int, Saved] = {}
    rows = Rows()
    for number in _strangers(connection, several):
        draft = several[number].draft or _due_draft(connection, several[number], token)
        rows.take(draft.rows)
        saved[number] = draft.saved
    rows.write(connection)
    for number, one in enumerate(several):
        if number not in saved:
            saved[number] = _save(connection, one.submission, one.outgoing, token, one.submission.received_at)
    return [saved[number] for number in range(len(several))]


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


class Rows:
    """Rows to be inserted, by table and columns, in the order in which these were first named: one statement each."""

    def __init__(self) -> None:
        self._by_columns: dict[tuple[sa.Table, tuple[str, ...]], list[tuple[Any, ...]]] = {}

    def add(self, table: sa.Table, **values: Any) -> None:
        """One more row. JSON is given as text."""
        self._by_columns.setdefault((table, tuple(values)), []).append(tuple(values.values()))

    def take(self, others: Rows) -> None:
        """All rows of others, too."""
        for columns, rows in others._by_columns.items():
            self._by_columns.setdefault(columns, []).extend(rows)

    def write(self, connection: sa.Connection) -> None:
        """Insert them all. What there may be once in the outbox, or of consents, and is, stays as it is."""
        for (table, names), rows in self._by_columns.items():
            insert(connection, _insert(table, names, mark(connection)), rows)


@dataclass(frozen=True, slots=True)
class Draft:
    """The rows of a submission that begins an inquiry of somebody new, and what became of it once they are written."""

    rows: Rows
    saved: Saved


def _draft(submission: Submission, outgoing: Sequence[Outgoing], token: Callable[[], str]) -> Draft:
    rows = Rows()
    contact = _add_contact(rows, submission, token)
    return Draft(rows, _add_inquiry(rows, submission, outgoing, contact, token, submission.received_at))


def _due_draft(connection: sa.Connection, one: Arrival, token: Callable[[], str]) -> Draft:
    return _draft(one.submission, due(connection, one.outgoing, one.submission.received_at), token)


# Each post needs these statements, so they are text made once: to make it anew takes longer than to run it.


@cache
def _insert(table: sa.Table, names: tuple[str, ...], mark: str) -> str:
    columns, values = (", ".join(one) for one in ((f'"{name}"' for name in names), [mark] * len(names)))
    once = " ON CONFLICT (id) DO NOTHING" if table in (outbox, consents) else ""
    return f"INSERT INTO {table.name} ({columns}) VALUES ({values}){once}"  # noqa: S608 -- names of our own tables


def _strangers(connection: sa.Connection, several: Sequence[Arrival]) -> list[int]:
    """Which of them share nothing with one another nor with what is stored: each is a new inquiry of a new contact."""
    shared = Counter(chain.from_iterable(one.keys for one in several))
    shared.update(_stored(connection, several))
    common = {key for key, count in shared.items() if count > 1}
    return [number for number, one in enumerate(several) if common.isdisjoint(one.keys)]


def _keys(submission: Submission) -> set[tuple[str, str]]:
    """All that makes a submission one with another, or its sender a contact."""
    keys = {("id", submission.id), ("receipt", submission.receipt), ("content", submission.content)}
    email = _email_key(submission)
    return keys | {("email", email)} if email else keys


def _stored(connection: sa.Connection, several: Sequence[Arrival]) -> AbstractSet[tuple[str, str]]:
    """The keys among theirs that a row has already."""
    keys = {key for one in several for key in one.keys}
    wanted = {name: [key for kind, key in keys if kind == name] for name in (*_ALIKE, "email")}
    held: set[tuple[str, str]] = set()
    alike = _among("submissions", _ALIKE, tuple(len(wanted[name]) for name in _ALIKE), mark(connection))
    for row in select(connection, alike, tuple(key for name in _ALIKE for key in wanted[name])):
        held.update(zip(_ALIKE, row, strict=True))
    if emails := wanted["email"]:
        people = _among("contacts", ("email_key",), (len(emails),), mark(connection))
        held.update(("email", row[0]) for row in select(connection, people, tuple(emails)))
    return held


# What one submission may have in common with another.
_ALIKE = ("id", "receipt", "content")


@cache
def _among(table: str, names: tuple[str, ...], counts: tuple[int, ...], mark: str) -> str:
    """The columns of the rows of which one column has one of so many values."""
    found = (f'"{name}" IN ({", ".join([mark] * count)})' for name, count in zip(names, counts, strict=True))
    columns = ", ".join(f'"{name}"' for name in names)
    return f"SELECT {columns} FROM {table} WHERE {' OR '.join(found)}"  # noqa: S608 -- as above


def _alone(submission: Submission) -> list[tuple[str, ...]]:
    """What two submissions share that must not be saved at once by two transactions."""
    same = (submission.receipt,) if submission.instance else (submission.form, submission.content)
    email = _email_key(submission)
    return [("submission", *same), *([("contact", email)] if email else [])]


def _by_id(connection: sa.Connection, id: str) -> sa.Row[Any] | None:
    return connection.execute(sa.select(submissions).where(submissions.c.id == id)).one_or_none()


def _by_receipt(connection: sa.Connection, receipt: str) -> sa.Row[Any] | None:
    return connection.execute(sa.select(submissions).where(submissions.c.receipt == receipt)).one_or_none()


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


def _begin(
    connection: sa.Connection,
    submission: Submission,
    outgoing: Sequence[Outgoing],
    token: Callable[[], str],
    now: datetime,
) -> Saved:
    rows, contact = Rows(), _contact(connection, submission, token)
    saved = _add_inquiry(rows, submission, due(connection, outgoing, now), contact, token, now)
    rows.write(connection)
    return saved


def _add_inquiry(
    rows: Rows,
    submission: Submission,
    outgoing: Sequence[Outgoing],
    contact: str,
    token: Callable[[], str],
    now: datetime,
) -> Saved:
    """A new inquiry. A held one waits for nobody; its clock is set when it is released. Nor does a canary."""
    held, received_at = submission.verdict.held, to_text(submission.received_at)
    waits = not held and not submission.canary
    inquiry = _timely(now, token)
    rows.add(
        inquiries,
        id=inquiry,
        contact=contact,
        form=submission.form,
        lang=submission.lang,
        page=storable(submission.page),
        page_title=storable(submission.page_title),
        received_at=received_at,
        waiting_since=received_at if waits else None,
        stage=CANARY if submission.canary else "new",
        held=held,
        held_reasons=" ".join(submission.verdict.reasons),
        touched_at=to_text(now),
        search=_search(submission),
    )
    _keep(rows, submission, submission.receipt, inquiry, None)
    # A held one was received as well: reports subtract, so that a release needs to change nothing. Of a canary there
    # are no events, and so nothing in any report.
    for kind in () if submission.canary else ("received", "held") if held else ("received",):
        _tell(rows, kind, submission, inquiry)
    if not held:
        put_out(rows, outgoing, inquiry, now, token, submission=submission.id)
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
    rows = Rows()
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
        put_out(rows, due(connection, outgoing, now), inquiry.id, now, token, submission=submission.id)
    rows.write(connection)
    return Saved("follow-up", submission.id, receipt, inquiry.id)


def put_out(
    rows: Rows,
    outgoing: Sequence[Outgoing],
    inquiry: str | None,
    now: datetime,
    token: Callable[[], str],
    *,
    submission: str | None = None,
    message: str | None = None,
) -> None:
    """Add rows for the outbox, due at once. Their payloads learn the inquiry's id as `inquiry`, "" for None.

    Whoever is asked to confirm a consent (of those that `due` left) has a row of `consents` from then on.
    """
    for one in outgoing:
        if one.kind == CONFIRM and inquiry:
            rows.add(consents, **asked_row(one, inquiry, submission, now))
            rows.add(events, **_asked(one, inquiry, now))
        rows.add(
            outbox,
            id=one.once or _timely(now, token),
            inquiry=inquiry,
            submission=submission,
            message=message,
            channel=one.channel,
            kind=one.kind,
            target=storable(one.target),
            payload=json_text({**one.payload, "inquiry": inquiry or ""}),
            created_at=to_text(now),
            next_at=to_text(now),
        )


def _asked(one: Outgoing, inquiry: str, now: datetime) -> dict[str, Any]:
    """The event of an asking."""
    plain = {"at": to_text(now), "inquiry": inquiry, "kind": "consent-asked", "subject": one.once}
    return {**plain, "form": one.payload["form"], "page": "", "reason": ""}


def _keep(rows: Rows, submission: Submission, receipt: str, inquiry: str, follows: str | None) -> None:
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
        values=json_text(submission.values),
        extra=json_text(submission.extra),
        labels=_labels_text(submission.labels),
        consents=_consents_text(submission.consents),
    )
    for place, file in enumerate(submission.attachments):
        row = {**asdict(file), "name": storable(file.name)}
        rows.add(attachments, submission=submission.id, place=place, **row)


# These two are the same for many that are sent to a form, and tell of nobody: they are written once.


@lru_cache(maxsize=64)
def _labels_text(labels: tuple[tuple[str, str], ...]) -> str:
    return json_text(labels)


@lru_cache(maxsize=64)
def _consents_text(given: tuple[Consent, ...]) -> str:
    return json_text([_answered(one) for one in given])


def _answered(one: Consent) -> list[Any]:
    return [one.field, one.text, one.given, *([True] if one.confirm else [])]


def _tell(rows: Rows, kind: str, submission: Submission, inquiry: str) -> None:
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
        rows = Rows()
        known = _add_contact(rows, submission, token)
        rows.write(connection)
        return known
    news = {name: text for name, text in _person(submission).items() if text}
    if news and not submission.verdict.held:
        connection.execute(contacts.update().where(contacts.c.id == known).values(**news))
    return known


def _add_contact(rows: Rows, submission: Submission, token: Callable[[], str]) -> str:
    """A new person."""
    key = _email_key(submission) or None
    contact = _timely(submission.received_at, token)
    created_at = to_text(submission.received_at)
    rows.add(contacts, id=contact, email_key=key, created_at=created_at, **_person(submission))
    return contact


def _timely(at: datetime, token: Callable[[], str]) -> str:
    """A new id: 12 bits of the second, and 116 of a random token, so that 8 digits of it tell it from others.

    Rows of one second stand side by side in every index of their ids. With random ids each would change pages of its
    own, and changed pages are most of what a commit writes. No such id opens anything to a visitor, as a receipt does.
    """
    return f"{int(at.timestamp()) % 0x1000:03x}{token()[3:]}"


def _email_key(submission: Submission) -> str:
    """What tells a person from others, "" without an address. A canary is nobody, whatever address it gives."""
    return "" if submission.canary else email_key(storable(submission.email))


def _person(submission: Submission) -> dict[str, str]:
    return {name: storable(getattr(submission, name)) for name in ("email", "name", "phone")}


def _known(connection: sa.Connection, key: str) -> str | None:
    return connection.execute(sa.select(contacts.c.id).where(contacts.c.email_key == key)).scalar()


def _search(submission: Submission) -> str:
    texts = [submission.name, submission.email, submission.phone, submission.page_title, *_words(submission.values)]
    return fold(" ".join(texts))


def _words(value: Any) -> list[str]:
    """Every text and number in the answers; yes and no say nothing to a search."""
    if isinstance(value, str):
        return [value]
    if isinstance(value, Mapping):
        return [word for one in value.values() for word in _words(one)]
    if isinstance(value, (list, tuple)):
        return [word for one in value for word in _words(one)]
    return [] if isinstance(value, bool) or value is None else [str(value)]
