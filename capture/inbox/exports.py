"""A query -> its inquiries as CSV or JSON, line by line: however many there are, few of them are in memory at once."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict
from typing import Any
from zoneinfo import ZoneInfo

import sqlalchemy as sa
from flask import Response, request

from capture.access.guard import tell
from capture.inbox.blueprint import blueprint, house, release
from capture.inbox.cells import BOM, csv_line, headings
from capture.inbox.display import zone_of
from capture.inbox.pages import asked
from capture.inbox.sheets import shown_value
from capture.inbox.words import t
from capture.release import Release
from capture.store import inquiries
from capture.store.database import Database
from capture.store.inquiries import Inquiry, Query, Row, Sent
from capture.store.moments import to_text

_FIXED = (
    "received",
    "stage",
    "owner",
    "value",
    "currency",
    "reason",
    "article",
    "page",
    "form",
    "name",
    "email",
    "phone",
)
_LAST = ("extra", "id")


@blueprint.get("/export.csv")
def export_csv() -> Response:
    """The list as a table."""
    query, known = asked(), release()
    _tell(query, "csv")
    return _file(_streamed(house().ready(), query, known, csv_lines), "text/csv; charset=utf-8", "csv")


@blueprint.get("/export.json")
def export_json() -> Response:
    """The list as it is stored."""
    query, known = asked(), release()
    _tell(query, "json")
    return _file(_streamed(house().ready(), query, known, json_lines), "application/json", "json")


def _tell(query: Query, format: str) -> None:
    """Nothing is handed out that the audit log does not know of. What was searched for stays out of it."""
    if request.method != "GET":
        return
    filters = [name for name in ("text", "stage", "owner", "form", "page") if getattr(query, name)]
    with house().ready().write() as connection:
        rows = inquiries.count(connection, query)
        tell(connection, "inquiries.exported", format=format, rows=rows, view=query.view, filters=filters)


def csv_lines(connection: sa.Connection, query: Query, known: Release) -> Iterator[str]:
    """Records for a spreadsheet: what all inquiries have, then a column for each field of the forms among them.

    Follow-ups have records of their own. Raises ValueError as `listing` does, before the first line.
    """
    fields = _fields(inquiries.export(connection, query))
    found = inquiries.export(connection, query)
    zone = zone_of(known.settings.timezone)
    names = [
        *((t(f"export.column.{name}"), name) for name in _FIXED),
        *((label, f"{form} {name}") for form, name, label in fields),
    ]
    yield BOM + csv_line(headings([*names, *((t(f"export.column.{name}"), name) for name in _LAST)]))
    places = [(form, name) for form, name, _ in fields]
    for inquiry in found:
        for sent in inquiry.submissions:
            yield csv_line(_record(inquiry, sent, places, known, zone))


def json_lines(connection: sa.Connection, query: Query, known: Release) -> Iterator[str]:  # noqa: ARG001 -- as csv_lines
    """One array of objects, raw: nothing is changed for anybody's sake."""
    before = "[\n"
    for inquiry in inquiries.export(connection, query):
        yield before + json.dumps(plain_inquiry(inquiry), ensure_ascii=False)
        before = ",\n"
    yield "[]\n" if before == "[\n" else "\n]\n"


def plain_row(row: Row) -> dict[str, Any]:
    """A row as JSON can hold it: raw, since programs escape what they show themselves."""
    texts = ("id", "name", "email", "phone", "form", "lang", "page", "page_title", "stage", "lost_reason", "currency")
    return {
        **{name: getattr(row, name) for name in texts},
        "owner": row.owner_name,
        "value": None if row.value is None else row.value / 100,
        "held": list(row.held_reasons) if row.held else [],
        "received_at": to_text(row.received_at),
        "waiting_since": to_text(row.waiting_since) if row.waiting_since else None,
    }


def plain_inquiry(found: Inquiry) -> dict[str, Any]:
    """An inquiry as JSON can hold it."""
    return {**plain_row(found.row), "submissions": [_plain_sent(one) for one in found.submissions]}


def _plain_sent(sent: Sent) -> dict[str, Any]:
    return {
        "received_at": to_text(sent.received_at),
        "values": dict(sent.values),
        "extra": dict(sent.extra),
        "labels": dict(sent.labels),
        "consents": [{"field": one.field, "text": one.text, "given": one.given} for one in sent.consents],
        "files": [asdict(one) for one in sent.attachments],
    }


def _fields(found: Iterable[Inquiry]) -> list[tuple[str, str, str]]:
    """(form, field, label) of every answer that any of them has beside name, address and number; the newest label."""
    labels: dict[tuple[str, str], str] = {}
    for inquiry in found:
        for sent in inquiry.submissions:
            known = dict(sent.labels)
            own = [name for name in known if name in sent.values]
            for name in (*own, *(name for name in sent.values if name not in known)):
                if not _is_fixed(inquiry, sent, name):
                    labels.setdefault((sent.form, name), known.get(name) or name)
    return [(form, name, label) for (form, name), label in sorted(labels.items(), key=lambda one: one[0][0])]


def _is_fixed(inquiry: Inquiry, sent: Sent, name: str) -> bool:
    return name in ("name", "email", "phone") and sent.values[name] == getattr(inquiry.row, name)


def _record(
    inquiry: Inquiry, sent: Sent, places: Sequence[tuple[str, str]], known: Release, zone: ZoneInfo
) -> list[Any]:
    row = inquiry.row
    page = known.pages.get(row.page)
    form = known.form(sent.form, sent.lang, sent.rules, sent.words)
    options = {one.name: one.options for one in form.fields} if form else {}
    answers = [
        _cell(sent.values[name], options.get(name, {})) if form_name == sent.form and name in sent.values else ""
        for form_name, name in places
    ]
    return [
        f"{sent.received_at.astimezone(zone):%Y-%m-%d %H:%M}",
        t("stage.held") if row.held else t(f"stage.{row.stage}"),
        row.owner_name,
        "" if row.value is None else row.value / 100 if row.value % 100 else row.value // 100,
        row.currency,
        row.lost_reason,
        page.title if page else row.page_title,
        row.page,
        row.form,
        row.name,
        row.email,
        row.phone,
        *answers,
        "; ".join(f"{name}: {', '.join(values)}" for name, values in sent.extra.items()),
        row.id,
    ]


def _cell(value: Any, options: Any) -> Any:
    """Numbers stay numbers, all else is as the visitor saw it."""
    number = isinstance(value, (int, float)) and not isinstance(value, bool)
    return value if number else shown_value(value, options)


def _streamed(database: Database, query: Query, known: Release, lines: Any) -> Iterator[str]:
    """The lines, read in one transaction that lasts as long as the answer."""
    with database.read() as connection:
        yield from lines(connection, query, known)


def _file(lines: Iterator[str], media: str, ending: str) -> Response:
    name = f"inquiries-{house().now().astimezone(zone_of(release().settings.timezone)):%Y-%m-%d}.{ending}"
    headers = {"Content-Disposition": f'attachment; filename="{name}"', "Cache-Control": "no-store"}
    return Response(lines, content_type=media, headers=headers)
