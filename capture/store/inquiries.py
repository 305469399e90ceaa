"""Rows -> inquiries as sales sees them: the list with its counts, and one inquiry with all that hangs on it.

What sales does to them is in `capture.store.changes`, whose functions may be called from here.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from capture.model import CANARY, CLOSED, STAGES, Consent, Submission, Verdict
from capture.store import consents
from capture.store.attachments import attachments_of
from capture.store.changes import add_message, add_note, assign, release, set_stage
from capture.store.moments import from_text, maybe_from, to_text
from capture.store.outbox import of_inquiry
from capture.store.records import Event, Inquiry, Message, Note, Row, Sent
from capture.store.tables import answers, contacts, events, inquiries, messages, notes, submissions, users
from capture.store.texts import fold, is_id, storable, tupled

__all__ = [
    "NOBODY",
    "SORTS",
    "VIEWS",
    "Event",
    "Inquiry",
    "Listing",
    "Message",
    "Note",
    "Query",
    "Row",
    "Sent",
    "add_message",
    "add_note",
    "assign",
    "changed_since",
    "count",
    "detail",
    "export",
    "forms_and_pages",
    "held_submission",
    "listing",
    "release",
    "set_stage",
]

VIEWS = ("open", "mine", "held", "won", "lost", "all")
SORTS = ("waiting", "newest", "value")
NOBODY = "nobody"  # as an owner to ask for: those without one

# Bounds of what a request may ask for: a search of many words is a slow one, a page of many rows a large one.
_MOST_WORDS, _MOST_ROWS, _MOST_TEXT = 10, 500, 200
_EXCERPT = 200


@dataclass(frozen=True, slots=True)
class Query:
    """What the list shows. Empty texts ask for nothing; `user` is who "mine" means; `owner` an id or `NOBODY`."""

    view: str = "open"
    text: str = ""
    stage: str = ""
    owner: str = ""
    form: str = ""
    page: str = ""
    sort: str = "waiting"
    user: str = ""
    offset: int = 0
    limit: int = 50


@dataclass(frozen=True, slots=True)
class Listing:
    """A page of the list, how many rows there are in all, and how many each view has without any filter."""

    rows: tuple[Row, ...]
    total: int
    counts: Mapping[str, int]


def listing(connection: sa.Connection, query: Query) -> Listing:
    """The rows the query asks for. Raises ValueError with a sentence for a view, sort or stage that there is not."""
    where, counts = _conditions(query), _counts(connection, query.user)
    plain = replace(query, offset=0, limit=0, sort="") == Query(query.view, user=query.user, limit=0, sort="")
    total = counts[query.view] if plain else count(connection, query)
    limit, offset = min(max(query.limit, 1), _MOST_ROWS), min(max(query.offset, 0), total)
    order = _order(query.sort)
    # First which ones, out of an index that has no texts; then what they are.
    ids = sa.select(inquiries.c.id).where(*where).order_by(*order).limit(limit).offset(offset)
    found = connection.execute(ids).scalars().all()
    rows = _rows(connection, _select().where(inquiries.c.id.in_(found)).order_by(*order)) if found else ()
    return Listing(_with_excerpts(connection, rows), total, counts)


def count(connection: sa.Connection, query: Query) -> int:
    """How many there are of what the query asks for. Raises as `listing` does."""
    where = _conditions(query)
    return connection.execute(sa.select(sa.func.count()).select_from(inquiries).where(*where)).scalar_one()


def export(connection: sa.Connection, query: Query) -> Iterator[Inquiry]:
    """Every inquiry the query asks for, whatever its offset and limit, with its submissions and nothing else.

    Reads a few hundred at a time. Raises as `listing` does, before the first.
    """
    where, order = _conditions(query), _order(query.sort)
    ids = [row.id for row in connection.execute(sa.select(inquiries.c.id).where(*where).order_by(*order))]
    return _in_batches(connection, ids)


def detail(connection: sa.Connection, id: str) -> Inquiry | None:
    """One inquiry with everything, or None when there is none of that id."""
    found = _rows(connection, _select().where(inquiries.c.id == id, _OURS)) if is_id(id) else ()
    if not found:
        return None
    sent = tuple(_sent(connection, [id]))
    others = _select().where(inquiries.c.contact == found[0].contact, inquiries.c.id != id)
    return Inquiry(
        row=replace(found[0], excerpt=_excerpt(found[0], sent[0])),
        submissions=sent,
        timeline=_timeline(connection, id),
        notes=_notes(connection, id),
        messages=_messages(connection, id),
        deliveries=of_inquiry(connection, id),
        others=_with_excerpts(connection, _rows(connection, others.order_by(*_order("newest")).limit(50))),
        names=_names(connection),
        consents=consents.standing(connection, [found[0].email]),
    )


def changed_since(connection: sa.Connection, moment: datetime, limit: int = 100) -> tuple[Row, ...]:
    """Inquiries touched after that moment, the last touched first.

    A submission is touched at its receipt and may be committed a little later: ask with a moment some seconds back, and
    tell what is known already by id and `touched_at`.
    """
    chosen = _select().where(inquiries.c.touched_at > to_text(moment), _OURS).order_by(inquiries.c.touched_at.desc())
    return _with_excerpts(connection, _rows(connection, chosen.limit(limit)))


def forms_and_pages(connection: sa.Connection) -> tuple[tuple[str, ...], tuple[tuple[str, str], ...]]:
    """What there is to filter by: names of forms, and (id, title) of pages with the title last seen."""
    pages = {page: _last_title(connection, page) for page in _distinct(connection, inquiries.c.page)}
    return _distinct(connection, inquiries.c.form), tuple(
        sorted(pages.items(), key=lambda one: (one[1].casefold(), one[0]))
    )


def _distinct(connection: sa.Connection, column: sa.Column[str]) -> tuple[str, ...]:
    """The values of an indexed column but "", in order: a step from each to the next passes by all rows between."""
    following = sa.select(sa.func.min(column)).where(_OURS, column > sa.bindparam("last"))
    found = [""]
    while (one := connection.execute(following, {"last": found[-1]}).scalar()) is not None:
        found.append(one)
    return tuple(found[1:])


def _last_title(connection: sa.Connection, page: str) -> str:
    titles = sa.select(inquiries.c.page_title).where(inquiries.c.page == page, _OURS)
    title: str = connection.execute(titles.order_by(inquiries.c.received_at.desc()).limit(1)).scalar_one()
    return title


def held_submission(connection: sa.Connection, id: str) -> Submission | None:
    """The last held submission of a held inquiry, so that whoever releases it can say who is to be told."""
    found = _rows(connection, _select().where(inquiries.c.id == id, inquiries.c.held)) if is_id(id) else ()
    sent = [one for one in _sent(connection, [id]) if one.held_reasons] if found else []
    if not sent:
        return None
    row, last = found[0], sent[-1]
    return Submission(
        id=last.id,
        receipt=last.receipt,
        follow_up_receipt="",
        form=last.form,
        lang=last.lang,
        rules=last.rules,
        words=last.words,
        received_at=last.received_at,
        instance="",
        content="",
        page=last.page,
        page_title=row.page_title,
        referrer=last.referrer,
        network=last.network,
        values=last.values,
        extra=last.extra,
        labels=last.labels,
        consents=last.consents,
        name=row.name,
        email=row.email,
        phone=row.phone,
        verdict=Verdict(last.held_reasons),
        attachments=last.attachments,
    )


def _conditions(query: Query) -> list[sa.ColumnElement[bool]]:
    _known("view", query.view, VIEWS)
    _known("stage", query.stage, ("", *STAGES))
    where = [_view(query.view, query.user), *_matching(query.text)]
    if query.owner == NOBODY:
        where.append(inquiries.c.owner.is_(None))
    asked = {"owner": query.owner if query.owner != NOBODY else "", "form": query.form, "page": query.page}
    asked["stage"] = query.stage
    return [*where, *(inquiries.c[name] == storable(text) for name, text in asked.items() if text)]


# Tests by the house itself are no inquiries.
_OURS = inquiries.c.stage != CANARY


def _view(view: str, user: str) -> sa.ColumnElement[bool]:
    return _OURS & _seen(view, user)


def _seen(view: str, user: str) -> sa.ColumnElement[bool]:
    if view == "all":
        return sa.true()
    if view == "held":
        return inquiries.c.held
    if view in CLOSED:
        return ~inquiries.c.held & (inquiries.c.stage == view)
    # A closed one that waits again has had a follow-up: it must be seen where people look.
    current = ~inquiries.c.held & (inquiries.c.stage.not_in(CLOSED) | inquiries.c.waiting_since.is_not(None))
    return current & (inquiries.c.owner == storable(user)) if view == "mine" else current


def _matching(text: str) -> Iterator[sa.ColumnElement[bool]]:
    """Every word has to stand in the inquiry or in one of its notes, in any place and order."""
    for word in fold(text[:_MOST_TEXT]).split()[:_MOST_WORDS]:
        noted = sa.select(notes.c.inquiry).where(notes.c.search.contains(word, autoescape=True))
        yield inquiries.c.search.contains(word, autoescape=True) | inquiries.c.id.in_(noted)


def _order(sort: str) -> tuple[sa.ColumnElement[Any], ...]:
    _known("sort", sort, SORTS)
    newest = (inquiries.c.received_at.desc(), inquiries.c.id)
    if sort == "waiting":
        return (inquiries.c.waiting_since.asc().nulls_last(), *newest)
    return (inquiries.c.value.desc().nulls_last(), *newest) if sort == "value" else newest


def _known(name: str, text: str, allowed: Sequence[str]) -> None:
    if text not in allowed:
        raise ValueError(f"There is no such {name}.")


def _counts(connection: sa.Connection, user: str) -> dict[str, int]:
    """How many each view has. Counted by what an index is sorted by, and added up here, to the sense of `_seen`."""
    by = (inquiries.c.form, inquiries.c.stage, inquiries.c.held, inquiries.c.owner)
    numbers = (sa.func.count(), sa.func.count(inquiries.c.waiting_since))
    counts = dict.fromkeys(VIEWS, 0)
    for _, stage, held, owner, number, waiting in connection.execute(
        sa.select(*by, *numbers).where(_OURS).group_by(*by)
    ):
        current = 0 if held else waiting if stage in CLOSED else number
        counts["all"] += number
        counts["open"] += current
        counts["mine"] += current if owner == storable(user) else 0
        if held or stage in CLOSED:
            counts["held" if held else stage] += number
    return counts


def _select() -> sa.Select[Any]:
    own = [column for column in inquiries.c if column.name not in ("search", "owner")]
    person = (contacts.c.name, contacts.c.email, contacts.c.phone)
    owner = (sa.func.coalesce(inquiries.c.owner, "").label("owner"), _called().label("owner_name"))
    joined = inquiries.join(contacts).outerjoin(users, users.c.id == inquiries.c.owner)
    return sa.select(*own, *person, *owner).select_from(joined)


def _called() -> sa.ColumnElement[str]:
    """A user's name, else the address; "" for nobody."""
    return sa.func.coalesce(sa.func.nullif(users.c.name, ""), users.c.email, "")


def _rows(connection: sa.Connection, chosen: sa.Select[Any]) -> tuple[Row, ...]:
    return tuple(_row(dict(one._mapping)) for one in connection.execute(chosen))  # noqa: SLF001 -- public by its documentation


def _row(plain: dict[str, Any]) -> Row:
    plain["held_reasons"] = tuple(plain["held_reasons"].split())
    times = {name: maybe_from(plain[name]) for name in ("received_at", "waiting_since", "touched_at")}
    return Row(**{**plain, **times})


def _with_excerpts(connection: sa.Connection, rows: tuple[Row, ...]) -> tuple[Row, ...]:
    first = {one.inquiry: one for one in _sent(connection, [row.id for row in rows]) if not one.follows}
    return tuple(replace(row, excerpt=_excerpt(row, first[row.id])) for row in rows)


def _excerpt(row: Row, sent: Sent) -> str:
    known = (row.name, row.email, row.phone)
    texts = (text for text in sent.values.values() if isinstance(text, str) and text not in known)
    return " ".join(max(texts, key=len, default="")[: 2 * _EXCERPT].split())[:_EXCERPT]


def _sent(connection: sa.Connection, ids: Sequence[str]) -> Iterator[Sent]:
    """The submissions of these inquiries, the earliest first."""
    if not ids:
        return
    chosen = (
        sa.select(submissions, answers)
        .join(answers, answers.c.submission == submissions.c.id)
        .where(submissions.c.inquiry.in_(ids))
        .order_by(submissions.c.received_at, submissions.c.follows.is_not(None), submissions.c.id)
    )
    rows = connection.execute(chosen).all()
    files = attachments_of(connection, [one.id for one in rows])
    for one in rows:
        plain = {name: value for name, value in one._mapping.items() if name in Sent.__dataclass_fields__}  # noqa: SLF001 -- as above
        yield Sent(**{**plain, **_read(plain), "attachments": files.get(one.id, ())})


def _read(plain: Mapping[str, Any]) -> dict[str, Any]:
    """The columns that are kept otherwise than they are used."""
    return {
        "follows": plain["follows"] or "",
        "received_at": from_text(plain["received_at"]),
        "held_reasons": tuple(plain["held_reasons"].split()),
        **{name: tupled(plain[name]) for name in ("values", "extra", "labels")},
        "consents": tuple(Consent(*one) for one in plain["consents"]),
    }


def _in_batches(connection: sa.Connection, ids: Sequence[str], size: int = 200) -> Iterator[Inquiry]:
    for start in range(0, len(ids), size):
        some = ids[start : start + size]
        rows = {row.id: row for row in _rows(connection, _select().where(inquiries.c.id.in_(some)))}
        asked = consents.standing(connection, [row.email for row in rows.values()])
        sent: dict[str, list[Sent]] = {one: [] for one in some}
        for one in _sent(connection, some):
            sent[one.inquiry].append(one)
        for row in (rows[one] for one in some if one in rows):
            shown = replace(row, excerpt=_excerpt(row, sent[row.id][0]))
            yield Inquiry(shown, tuple(sent[row.id]), consents=asked)


def _timeline(connection: sa.Connection, id: str) -> tuple[Event, ...]:
    names = [name for name in Event.__dataclass_fields__ if name != "at"]
    chosen = sa.select(events.c.at, *(events.c[name] for name in names)).where(events.c.inquiry == id)
    return tuple(
        Event(from_text(at), *rest) for at, *rest in connection.execute(chosen.order_by(events.c.at, events.c.id))
    )


def _notes(connection: sa.Connection, id: str) -> tuple[Note, ...]:
    chosen = sa.select(notes).where(notes.c.inquiry == id).order_by(notes.c.at, notes.c.id)
    return tuple(Note(one.id, from_text(one.at), one.author or "", one.text) for one in connection.execute(chosen))


def _messages(connection: sa.Connection, id: str) -> tuple[Message, ...]:
    chosen = sa.select(messages).where(messages.c.inquiry == id).order_by(messages.c.at, messages.c.id)
    return tuple(
        Message(one.id, from_text(one.at), one.author or "", one.to, one.subject, one.text)
        for one in connection.execute(chosen)
    )


def _names(connection: sa.Connection) -> dict[str, str]:
    return {row.id: row.name for row in connection.execute(sa.select(users.c.id, _called().label("name")))}
