"""Reports by page id and the release -> rows with titles and addresses, best first; as table, CSV or JSON."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from capture.columns import aligned, clipped, harmless
from capture.inbox.cells import csv_line
from capture.inbox.display import money
from capture.release import Release
from capture.store.moments import to_text
from capture.store.reports import PageReport, per_page

_COUNTS = ("inquiries", "held", "qualified", "won")


@dataclass(frozen=True, slots=True)
class ReportRow:
    """What one page brought. `id` is "" for inquiries whose page is not known; a page that is gone has no URL.

    `values` is what those won are worth, in hundredths by currency.
    """

    id: str
    url: str
    title: str
    inquiries: int = 0
    held: int = 0
    qualified: int = 0
    won: int = 0
    values: Mapping[str, int] = field(default_factory=dict)


def rows(connection: sa.Connection, release: Release, since: datetime | None = None) -> list[ReportRow]:
    """A row for each page that brought anything: by value in the site's currency, then won, then inquiries."""
    found = [_row(one, release) for one in per_page(connection, since)]
    return sorted(found, key=lambda one: _rank(one, release.settings.currency))


def _rank(row: ReportRow, currency: str) -> tuple[int, int, int, int, str]:
    return (-row.values.get(currency, 0), -max(row.values.values(), default=0), -row.won, -row.inquiries, row.id)


def _row(report: PageReport, release: Release) -> ReportRow:
    page = release.pages.get(report.page)
    return ReportRow(
        report.page,
        page.url if page else "",
        page.title if page else report.page,
        report.inquiries,
        report.held,
        report.qualified,
        report.won,
        report.values,
    )


def total(found: Iterable[ReportRow]) -> ReportRow:
    """All rows together."""
    counts: Counter[str] = Counter()
    values: Counter[str] = Counter()
    for row in found:
        counts.update({name: getattr(row, name) for name in _COUNTS})
        values.update(row.values)
    inquiries, held, qualified, won = (counts[name] for name in _COUNTS)
    return ReportRow("", "", "", inquiries, held, qualified, won, dict(values))


def sums(values: Mapping[str, int]) -> str:
    """Amounts by currency in words, the largest first: "8,000 EUR"."""
    return ", ".join(money(values[one], one) for one in sorted(values, key=lambda one: (-values[one], one)))


def as_table(found: Sequence[ReportRow]) -> str:
    """The rows for a terminal, with a line for all of them."""
    every = total(found)
    lines = [
        ("article", "inquiries", "held", "qualified", "won", "value"),
        *(_line(clipped(harmless(row.title), 56) or "(page not known)", row) for row in found),
        _line("in all", every),
    ]
    return aligned(lines, right=range(1, 6))


def _line(title: str, row: ReportRow) -> tuple[str, ...]:
    return (title, *(str(getattr(row, name)) for name in _COUNTS), sums(row.values) or "-")


def as_csv(found: Sequence[ReportRow], currency: str) -> str:
    """The rows for a spreadsheet: a column of value for the site's currency, and one for each other there is."""
    others = sorted({one for row in found for one in row.values} - {currency})
    lines: list[list[Any]] = [["id", "url", "title", *_COUNTS, *(f"value {one}" for one in (currency, *others))]]
    for row in found:
        counts = [getattr(row, name) for name in _COUNTS]
        amounts = [row.values.get(one, 0) / 100 for one in (currency, *others)]
        lines.append([row.id, row.url, row.title, *counts, *amounts])
    return "".join(csv_line(line) for line in lines)


def as_plain(found: Sequence[ReportRow], currency: str, now: datetime) -> dict[str, Any]:
    """The rows as JSON can hold them. `value` is in the site's currency, `values` in each there is."""
    return {"generated": to_text(now), "currency": currency, "pages": [_plain(row, currency) for row in found]}


def as_json(found: Sequence[ReportRow], currency: str, now: datetime) -> str:
    """The same as text."""
    return json.dumps(as_plain(found, currency, now), ensure_ascii=False, indent=2) + "\n"


def _plain(row: ReportRow, currency: str) -> dict[str, Any]:
    return {
        "id": row.id,
        "url": row.url,
        "title": row.title,
        **{name: getattr(row, name) for name in _COUNTS},
        "value": row.values.get(currency, 0) / 100,
        "values": {one: amount / 100 for one, amount in sorted(row.values.items())},
    }
