"""How long to keep what, and the time -> which inquiries and networks are due; and those emptied, their numbers kept.

Only what is held, won or lost goes: an open inquiry is work, and stays. So does one of which something is still to be
told. As in an erasure, rows are emptied; ids, stages, amounts and events stay, so reports are equal before and after.
A consent that stands confirmed keeps its address until it is withdrawn, whatever becomes of the inquiry; if that has
gone by then, for thirty days more.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import sqlalchemy as sa

from capture.store import consents, erasure
from capture.store.database import Database
from capture.store.moments import to_text
from capture.store.tables import answers, contacts, inquiries, messages, notes, outbox, submissions
from capture.store.tables import consents as asked

# What is told of what goes, in the transaction in which it does: counts by name.
Tell = Callable[[sa.Connection, Mapping[str, int]], None]

# Inquiries emptied in one transaction: whoever sends a form meanwhile waits for no more than these.
_AT_ONCE = 200


@dataclass(frozen=True, slots=True)
class Keep:
    """For how many days after its last change an inquiry is kept, and a network after its post; 0 is for ever.

    `audit` says it of a row of the audit log.
    """

    held: int = 0
    won: int = 0
    lost: int = 0
    networks: int = 30
    audit: int = 0


@dataclass(frozen=True, slots=True)
class Due:
    """Ids of the inquiries that are due by what they are, and the number of networks that are.

    `total` is how many inquiries hold anything at all. `files` are ids of the files of those that went, which no row
    names any more. `askings` is how many consents lose their address: nobody confirmed them in time, or they were
    withdrawn when their inquiry had gone.
    """

    held: tuple[str, ...]
    won: tuple[str, ...]
    lost: tuple[str, ...]
    networks: int
    total: int
    files: tuple[str, ...] = ()
    askings: int = 0

    @property
    def ids(self) -> tuple[str, ...]:
        """All the inquiries that are due."""
        return (*self.held, *self.won, *self.lost)

    @property
    def is_much(self) -> bool:
        """Whether it is more than a quarter of all there is: then a clock or a setting may be wrong."""
        return 4 * len(self.ids) > self.total


def due(connection: sa.Connection, keep: Keep, now: datetime) -> Due:
    """What has been kept for long enough, the oldest first. Nothing is changed."""
    held, won, lost = (_due_ids(connection, kind, days, now) for kind, days in _kinds(keep))
    old = sa.select(sa.func.count()).select_from(submissions).where(*_old_networks(keep, now))
    total = sa.select(sa.func.count()).select_from(inquiries).where(_holds())
    idle = sa.select(sa.func.count()).select_from(asked).where(_is_of_no_use(now))
    networks, every, askings = (connection.scalar(one) or 0 for one in (old, total, idle))
    return Due(held, won, lost, networks=networks, total=every, askings=askings)


def forget_networks(database: Database, keep: Keep, now: datetime, tell: Tell | None = None) -> None:
    """Empty the networks of old submissions. Raises what writing to the database raises."""
    with database.write() as connection:
        gone = connection.execute(submissions.update().where(*_old_networks(keep, now)).values(network="")).rowcount
        if gone and tell:
            tell(connection, {"networks": gone})


def forget_askings(database: Database, now: datetime, tell: Tell | None = None) -> None:
    """Empty consents that count for nothing any more of their address. Raises what writing to the database raises."""
    with database.write() as connection:
        gone = consents.forget(connection, now, _is_of_no_use(now))
        if gone and tell:
            tell(connection, {"consents": gone})


def forget(database: Database, keep: Keep, chosen: Due, now: datetime, tell: Tell | None = None) -> Due:
    """Empty the inquiries that were found due and still are: those come back. Raises as writing to a database does.

    `tell` is told of each lot, in the transaction that empties it. Their files are the caller's to remove.
    """
    done: set[str] = set()
    files: list[str] = []
    for start in range(0, len(chosen.ids), _AT_ONCE):
        with database.write() as connection:
            still = _forget(connection, keep, chosen.ids[start : start + _AT_ONCE], now, files)
            if still and tell:
                tell(connection, _counted(chosen, still))
        done.update(still)
    database.fold()
    held, won, lost = (tuple(one for one in ids if one in done) for ids in (chosen.held, chosen.won, chosen.lost))
    return replace(chosen, held=held, won=won, lost=lost, files=tuple(files))


def _forget(connection: sa.Connection, keep: Keep, some: Sequence[str], now: datetime, files: list[str]) -> list[str]:
    # Somebody may have written, or taken it up again, since it was found.
    still = [one for kind, days in _kinds(keep) for one in _due_ids(connection, kind, days, now, some)]
    files += erasure.empty(connection, still, now)
    ended = asked.c.confirmed_at.is_(None) | asked.c.withdrawn_at.is_not(None)
    consents.forget(connection, now, asked.c.inquiry.in_(still), ended)
    of_them = sa.select(inquiries.c.contact).where(inquiries.c.id.in_(still))
    in_use = sa.select(inquiries.c.contact).where(inquiries.c.contact.in_(of_them), _holds())
    erasure.forget(connection, contacts.c.id.in_(of_them), contacts.c.id.not_in(in_use))
    return still


def _counted(chosen: Due, still: Sequence[str]) -> dict[str, int]:
    kinds = (("held", chosen.held), ("won", chosen.won), ("lost", chosen.lost))
    return {kind: len(set(still).intersection(ids)) for kind, ids in kinds}


def _kinds(keep: Keep) -> tuple[tuple[str, int], ...]:
    return (("held", keep.held), ("won", keep.won), ("lost", keep.lost))


def _due_ids(
    connection: sa.Connection, kind: str, days: int, now: datetime, among: Sequence[str] | None = None
) -> tuple[str, ...]:
    if not days:
        return ()
    is_kind = inquiries.c.held if kind == "held" else ~inquiries.c.held & (inquiries.c.stage == kind)
    of_one = outbox.c.inquiry.is_not(None)  # among what is compared with NOT IN, one NULL would keep everything
    untold = sa.select(outbox.c.inquiry).where(of_one, outbox.c.state.in_(("waiting", "claimed", "stopped")))
    query = sa.select(inquiries.c.id).where(
        is_kind,
        inquiries.c.touched_at < to_text(now - timedelta(days=days)),
        inquiries.c.id.not_in(untold),
        _holds(),
    )
    if among is not None:
        query = query.where(inquiries.c.id.in_(among)).with_for_update()
    return tuple(connection.execute(query.order_by(inquiries.c.touched_at, inquiries.c.id)).scalars())


def _holds() -> sa.ColumnElement[bool]:
    """Whether an inquiry holds anything yet: what was emptied is not due again."""
    said = submissions.join(answers, answers.c.submission == submissions.c.id)
    filled = [sa.cast(answers.c[name], sa.Text) != "{}" for name in ("values", "extra")]
    written = (sa.exists().where(one.c.inquiry == inquiries.c.id, one.c.text != "") for one in (notes, messages))
    return sa.or_(
        inquiries.c.search != "",
        sa.exists().select_from(said).where(submissions.c.inquiry == inquiries.c.id, sa.or_(*filled)),
        *written,
    )


def _is_of_no_use(now: datetime) -> sa.ColumnElement[bool]:
    """Which consents need their address no more: `_forget` has seen to those that ended before their inquiry went."""
    emptied = sa.exists().where(inquiries.c.id == asked.c.inquiry, ~_holds())
    return consents.is_idle(now) | (consents.is_past(now) & emptied)


def _old_networks(keep: Keep, now: datetime) -> tuple[sa.ColumnElement[bool], ...]:
    if not keep.networks:
        return (sa.false(),)
    return (submissions.c.network != "", submissions.c.received_at < to_text(now - timedelta(days=keep.networks)))
