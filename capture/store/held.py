"""What is held and was not told of yet: how many, why, and which came last. Nothing of what anybody wrote."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

import sqlalchemy as sa

from capture.model import CANARY
from capture.store.tables import events, inquiries

_NAMED = 5


@dataclass(frozen=True, slots=True)
class Held:
    """`count` were held since, by `reasons` (code, number; one may have several), the most frequent first.

    `newest` are (id, codes between blanks) of the last of them; `waiting` is how many wait in all. `upto` is the number
    of the last event that was counted: a count that goes on from there tells of nothing twice, whatever clocks do.
    """

    count: int
    reasons: tuple[tuple[str, int], ...]
    newest: tuple[tuple[str, str], ...]
    waiting: int
    upto: int


def held_after(connection: sa.Connection, upto: int) -> Held:
    """What was held after the event of that number, and is held still."""
    new = (events.c.kind == "held", events.c.id > upto, inquiries.c.held)
    joined = events.join(inquiries, inquiries.c.id == events.c.inquiry)
    grouped = sa.select(events.c.reason, sa.func.count(), sa.func.max(events.c.id)).group_by(events.c.reason)
    rows = [tuple(row) for row in connection.execute(grouped.select_from(joined).where(*new))]
    reasons = Counter[str]()
    for codes, number, _ in rows:
        reasons.update(dict.fromkeys(codes.split(), number))
    last = sa.select(inquiries.c.id, events.c.reason).select_from(joined).where(*new).order_by(events.c.id.desc())
    newest = [(one, codes) for one, codes in connection.execute(last.limit(_NAMED))]
    all_held = sa.select(sa.func.count()).select_from(inquiries).where(inquiries.c.held, inquiries.c.stage != CANARY)
    total, reached = sum(row[1] for row in rows), max((row[2] for row in rows), default=upto)
    return Held(total, tuple(reasons.most_common()), tuple(newest), connection.scalar(all_held) or 0, reached)
