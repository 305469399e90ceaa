"""Events -> what each page brought: inquiries, those sales took seriously, those won and for how much.

From `events` alone, so that erasing a person changes no report.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

import sqlalchemy as sa

from capture.store.moments import to_text
from capture.store.tables import events

_SERIOUS = ("qualified", "won")
_KINDS = ("received", "held", "released", "stage")


@dataclass(frozen=True, slots=True)
class PageReport:
    """What one page brought. `page` is its id, "" for inquiries whose page is not known.

    `inquiries` were received and are not held; `held` are the others; `qualified` ever were qualified or won; `won` are
    won now. `values` is what those won are worth, in hundredths by currency.
    """

    page: str
    inquiries: int = 0
    held: int = 0
    qualified: int = 0
    won: int = 0
    values: Mapping[str, int] = field(default_factory=dict)

    @property
    def currency(self) -> str:
        """The currency of the largest sum, "" when nothing was won for money."""
        return max(self.values, key=lambda one: (self.values[one], one), default="")

    @property
    def value(self) -> int:
        """The largest sum, in hundredths of `currency`. Sums of other currencies are in `values` only."""
        return self.values.get(self.currency, 0)


@dataclass(slots=True)
class _Story:
    """Where one inquiry has come to, event by event."""

    page: str
    held: bool = False
    qualified: bool = False
    stage: str = "new"
    amount: int | None = None
    currency: str = ""


def per_page(
    connection: sa.Connection, since: datetime | None = None, until: datetime | None = None
) -> list[PageReport]:
    """One report for each page that brought anything, by id. The range is that of the inquiries' receipt."""
    stories: dict[str, _Story] = {}
    columns = [events.c[name] for name in ("inquiry", "kind", "page", "new", "amount", "currency")]
    chosen = sa.select(*columns).where(events.c.kind.in_(_KINDS)).order_by(events.c.id)
    # A busy house has millions: nothing is called for one that need not be.
    for inquiry, kind, page, new, amount, currency in connection.execute(chosen.where(*_range(since, until))):
        if kind == "received":
            if inquiry not in stories:
                stories[inquiry] = _Story(page)
        elif story := stories.get(inquiry):
            if kind == "stage":
                story.stage, story.amount, story.currency = new, amount, currency
                story.qualified = story.qualified or new in _SERIOUS
            else:
                story.held = kind == "held"
    pages: dict[str, list[_Story]] = {}
    for story in stories.values():
        pages.setdefault(story.page, []).append(story)
    return [_report(page, pages[page]) for page in sorted(pages)]


def _range(since: datetime | None, until: datetime | None) -> list[sa.ColumnElement[bool]]:
    """Only the receipt is asked for its time: what came of an inquiry later belongs to it."""
    later = events.c.kind != "received"
    bounds = [events.c.at >= to_text(since)] if since else []
    bounds += [events.c.at < to_text(until)] if until else []
    return [later | bound for bound in bounds]


def _report(page: str, stories: Iterable[_Story]) -> PageReport:
    counts: Counter[str] = Counter()
    values: Counter[str] = Counter()
    for one in stories:
        counts["held" if one.held else "inquiries"] += 1
        counts["qualified"] += one.qualified and not one.held
        won = one.stage == "won" and not one.held
        counts["won"] += won
        if won and one.amount is not None:
            values[one.currency] += one.amount
    return PageReport(page, counts["inquiries"], counts["held"], counts["qualified"], counts["won"], dict(values))
