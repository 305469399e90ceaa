"""What sales does to an inquiry -> its new state, and the event that tells of it, in the caller's transaction.

An id that is not there raises KeyError; a change that makes no sense raises ValueError with a sentence for the person
who asked. Doing the same twice, as by a double click, changes nothing the second time.

Whose turn it is: `waiting_since` is emptied by a reply, and by the stages contacted, won and lost, which all say that
somebody spoke with the person. "Qualified" says nothing of the kind and leaves it; back to "new" sets it again.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from capture.model import LOST_REASONS, STAGES, Outgoing
from capture.store.consents import due
from capture.store.moments import to_text
from capture.store.saving import Rows, put_out
from capture.store.tables import answers, contacts, events, inquiries, messages, notes, submissions, users
from capture.store.texts import fold, is_id, storable

_SPOKEN = ("contacted", "won", "lost")
_LONGEST = 20_000  # characters of a note or a reply
_DEAREST = 10**15  # hundredths


def set_stage(
    connection: sa.Connection,
    id: str,
    stage: str,
    *,
    actor: str,
    now: datetime,
    value: int | None = None,
    currency: str = "",
    reason: str = "",
) -> None:
    """Move to a stage. Only a won one has a `value` (hundredths of `currency`, or None), only a lost one a `reason`."""
    row = _locked(connection, id)
    if row.held:
        raise ValueError("A held inquiry has no stage: release it first.")
    _check_stage(stage, value, currency, reason)
    state = {"stage": stage, "value": value, "currency": currency if value is not None else "", "lost_reason": reason}
    waiting = _waiting(row, stage, now)
    if all(getattr(row, name) == given for name, given in state.items()) and waiting == row.waiting_since:
        return
    _update(connection, id, now, waiting_since=waiting, **state)
    amounts = {"amount": value, "currency": state["currency"]}
    _tell(connection, row, "stage", actor, now, old=row.stage, new=stage, reason=reason, **amounts)


def assign(connection: sa.Connection, id: str, owner: str, *, actor: str, now: datetime) -> None:
    """Give it to a person of the house; "" gives it to nobody."""
    row = _locked(connection, id)
    if owner and not _is_here(connection, owner):
        raise ValueError("There is no such person to give it to.")
    if (row.owner or "") == owner:
        return
    _update(connection, id, now, owner=owner or None)
    _tell(connection, row, "owner", actor, now, old=row.owner or "", new=owner)


def add_note(
    connection: sa.Connection, id: str, text: str, *, actor: str, now: datetime, token: Callable[[], str]
) -> str:
    """Write something down. The id of the note comes back."""
    row = _locked(connection, id)
    text, note = _text("note", text), token()
    plain = {"id": note, "inquiry": id, "at": to_text(now), "author": actor or None, "text": text, "search": fold(text)}
    connection.execute(notes.insert().values(**plain))
    _update(connection, id, now)
    _tell(connection, row, "note", actor, now, subject=note)
    return note


def add_message(
    connection: sa.Connection,
    id: str,
    to: str,
    subject: str,
    text: str,
    *,
    actor: str,
    now: datetime,
    token: Callable[[], str],
) -> str:
    """Answer by mail: the outbox has it from now on. A new inquiry is thereby contacted. The message's id comes back.

    The payload of the mail is the subject and text, who writes, whom to, and what that person had last sent.
    """
    row = _locked(connection, id)
    if row.held:
        raise ValueError("A held inquiry is not answered: release it first.")
    text, to, subject = _text("reply", text), storable(to).strip(), " ".join(storable(subject).split())
    if not to:
        raise ValueError("The reply has nobody to go to.")
    message = token()
    plain = {"id": message, "inquiry": id, "at": to_text(now), "author": actor or None, "to": to}
    connection.execute(messages.insert().values(**plain, subject=subject, text=text))
    payload = {"subject": subject, "text": text, **_author(connection, actor), **_quoted(connection, row)}
    rows = Rows()
    put_out(rows, [Outgoing("mail", "reply", to, payload)], id, now, token, message=message)
    rows.write(connection)
    stage = "contacted" if row.stage == "new" else row.stage
    _update(connection, id, now, waiting_since=None, stage=stage)
    _tell(connection, row, "reply", actor, now, subject=message)
    if stage != row.stage:
        _tell(connection, row, "stage", actor, now, old=row.stage, new=stage)
    return message


def release(
    connection: sa.Connection,
    id: str,
    outgoing: Sequence[Outgoing],
    *,
    actor: str,
    now: datetime,
    token: Callable[[], str],
) -> None:
    """Let a held inquiry in: it has waited since it was received, and those who are to be told are told now."""
    row = _locked(connection, id)
    if not row.held:
        raise ValueError("It is not held.")
    last = connection.execute(
        sa.select(submissions.c.id)
        .where(submissions.c.inquiry == id, submissions.c.held_reasons != "")
        .order_by(submissions.c.received_at.desc())
        .limit(1)
    ).scalar()
    _update(connection, id, now, held=False, held_reasons="", waiting_since=row.received_at)
    _tell(connection, row, "released", actor, now, reason=row.held_reasons, subject=last or "")
    rows = Rows()
    put_out(rows, due(connection, outgoing, now), id, now, token, submission=last)
    rows.write(connection)


def _locked(connection: sa.Connection, id: str) -> sa.Row[Any]:
    """The inquiry, which nobody else changes until the transaction ends."""
    chosen = sa.select(inquiries).where(inquiries.c.id == id).with_for_update()
    row = connection.execute(chosen).one_or_none() if is_id(id) else None
    if row is None:
        raise KeyError(id)
    return row


def _check_stage(stage: str, value: int | None, currency: str, reason: str) -> None:
    if stage not in STAGES:
        raise ValueError("There is no such stage.")
    if value is not None and stage != "won":
        raise ValueError("Only a won inquiry has a value.")
    if value is not None and not 0 <= value <= _DEAREST:
        raise ValueError("The value is below nothing or beyond belief.")
    if value is not None and not (len(currency) == 3 and currency.isascii() and currency.isupper()):
        raise ValueError("A value needs its currency, in three capital letters.")
    if stage == "lost" and reason not in LOST_REASONS:
        raise ValueError("A lost inquiry needs one of the reasons.")
    if stage != "lost" and reason:
        raise ValueError("Only a lost inquiry has a reason.")


def _waiting(row: sa.Row[Any], stage: str, now: datetime) -> str | None:
    if stage in _SPOKEN:
        return None
    waiting: str | None = row.waiting_since
    return waiting or to_text(now) if stage == "new" else waiting


def _is_here(connection: sa.Connection, user: str) -> bool:
    chosen = sa.select(users.c.id).where(users.c.id == storable(user), users.c.removed_at.is_(None))
    return connection.execute(chosen).scalar() is not None


def _text(kind: str, text: str) -> str:
    text = storable(text).replace("\r\n", "\n").strip()
    if not text:
        raise ValueError(f"The {kind} is empty.")
    if len(text) > _LONGEST:
        raise ValueError(f"The {kind} is longer than {_LONGEST:,} characters.")
    return text


def _author(connection: sa.Connection, actor: str) -> dict[str, str]:
    chosen = sa.select(users.c.name, users.c.email).where(users.c.id == actor)
    found = connection.execute(chosen).one_or_none() if actor else None
    return {"author_name": found.name if found else "", "author_email": found.email if found else ""}


def _quoted(connection: sa.Connection, row: sa.Row[Any]) -> dict[str, Any]:
    """The person's name, and the answers last sent, in the order and with the labels in which they were asked."""
    last = connection.execute(
        sa.select(submissions.c.received_at, answers.c["values"], answers.c.labels)
        .join(answers, answers.c.submission == submissions.c.id)
        .where(submissions.c.inquiry == row.id)
        .order_by(submissions.c.received_at.desc(), submissions.c.follows.is_(None))
        .limit(1)
    ).one()
    received_at, values, labels = last
    shown = [
        {"name": name, "label": label or name, "value": values[name], "shown": _shown(values[name])}
        for name, label in labels
        if name in values
    ]
    name = connection.execute(sa.select(contacts.c.name).where(contacts.c.id == row.contact)).scalar_one()
    return {"name": name, "lang": row.lang, "received_at": received_at, "answers": shown}


def _shown(value: Any) -> str:
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)


def _update(connection: sa.Connection, id: str, now: datetime, **changes: Any) -> None:
    connection.execute(inquiries.update().where(inquiries.c.id == id).values(touched_at=to_text(now), **changes))


def _tell(connection: sa.Connection, row: sa.Row[Any], kind: str, actor: str, now: datetime, **facts: Any) -> None:
    plain = {"at": to_text(now), "inquiry": row.id, "kind": kind, "actor": actor, "form": row.form, "page": row.page}
    connection.execute(events.insert().values(**plain, **facts))
