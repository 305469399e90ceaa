"""A query -> its inquiries as CSV or JSON, line by line: however many there are, few of them are in memory at once."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

import sqlalchemy as sa
from flask import Response, request

from capture.access.guard import tell
from capture.inbox.blueprint import blueprint, house, release
from capture.inbox.cells import BOM, csv_line, headings, json_array
from capture.inbox.display import zone_of
from capture.inbox.pages import asked
from capture.inbox.sheets import shown_value
from capture.inbox.words import t
from capture.links import withdrawing
from capture.model import Consent
from capture.release import Release
from capture.store import inquiries
from capture.store.consents import Asking
from capture.store.database import Database
from capture.store.inquiries import Inquiry, Query, Row, Sent
from capture.store.moments import to_text
from obverse.forms.form import FormField

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
    query, outside = asked(), _outside()
    _tell(query, "csv")
    return handed_out("inquiries", lambda connection: csv_lines(connection, query, outside), "csv")


@blueprint.get("/export.json")
def export_json() -> Response:
    """The list as it is stored."""
    query, outside = asked(), _outside()
    _tell(query, "json")
    return handed_out("inquiries", lambda connection: json_lines(connection, query, outside), "json")


def _tell(query: Query, format: str) -> None:
    """Nothing is handed out that the audit log does not know of. What was searched for stays out of it."""
    if request.method != "GET":
        return
    filters = [name for name in ("text", "stage", "owner", "form", "page") if getattr(query, name)]
    with house().ready().write() as connection:
        rows = inquiries.count(connection, query)
        tell(connection, "inquiries.exported", format=format, rows=rows, view=query.view, filters=filters)


@dataclass(frozen=True, slots=True)
class Outside:
    """What an export knows besides rows: the release, and the `address` at which the endpoint is reached."""

    release: Release = field(default_factory=Release)
    address: str = ""

    def unsubscribe(self, asking: Asking) -> str:
        """Where a consent that stands is withdrawn in one click, for the header List-Unsubscribe; else ""."""
        return withdrawing(self.address, asking.withdraw_token) if asking.stands else ""


NOWHERE = Outside()


def _outside() -> Outside:
    return Outside(release(), house().setup.address)


def csv_lines(connection: sa.Connection, query: Query, outside: Outside) -> Iterator[str]:
    """Records for a spreadsheet: what all inquiries have, then a column for each field of the forms among them.

    A consent that is confirmed by mail has two more: how it stands, and where it is withdrawn. Follow-ups have records
    of their own. Raises ValueError as `listing` does, before the first line.
    """
    fields, confirmed = _fields(inquiries.export(connection, query))
    found = inquiries.export(connection, query)
    names = [
        *((t(f"export.column.{name}"), name) for name in _FIXED),
        *((label, f"{form} {name}") for form, name, label in fields),
        *(
            (t(f"export.column.{kind}", label=label), f"{form} {name}")
            for form, name, label in confirmed
            for kind in ("consent", "unsubscribe")
        ),
    ]
    yield BOM + csv_line(headings([*names, *((t(f"export.column.{name}"), name) for name in _LAST)]))
    places, asked_for = ([(form, name) for form, name, _ in some] for some in (fields, confirmed))
    for inquiry in found:
        for sent in inquiry.submissions:
            yield csv_line(_record(inquiry, sent, places, asked_for, outside))


def json_lines(connection: sa.Connection, query: Query, outside: Outside) -> Iterator[str]:
    """One array of objects, raw: nothing is changed for anybody's sake."""
    found = inquiries.export(connection, query)
    return json_array(json.dumps(plain_inquiry(one, outside), ensure_ascii=False) for one in found)


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


def plain_inquiry(found: Inquiry, outside: Outside) -> dict[str, Any]:
    """An inquiry as JSON can hold it."""
    return {**plain_row(found.row), "submissions": [_plain_sent(found, one, outside) for one in found.submissions]}


def _plain_sent(found: Inquiry, sent: Sent, outside: Outside) -> dict[str, Any]:
    return {
        "received_at": to_text(sent.received_at),
        "values": dict(sent.values),
        "extra": dict(sent.extra),
        "labels": dict(sent.labels),
        "consents": [_plain_consent(one, found.asking(sent.form, one), outside) for one in sent.consents],
        "files": [asdict(one) for one in sent.attachments],
    }


def _plain_consent(consent: Consent, asking: Asking | None, outside: Outside) -> dict[str, Any]:
    """A consent; of one that is confirmed by mail also when what became of it, as it stands now."""
    plain: dict[str, Any] = {"field": consent.field, "text": consent.text, "given": consent.given}
    if not consent.confirm:
        return plain
    return {**plain, "confirm": plain_asking(asking, outside) if asking else None}


def plain_asking(asking: Asking, outside: Outside) -> dict[str, Any]:
    """What somebody was asked to confirm, and when; `unsubscribe` is where it is withdrawn, "" unless it stands."""
    return {
        **{name: getattr(asking, name) for name in ("form", "field", "lang", "rules", "words", "text")},
        **asking.times,
        "unsubscribe": outside.unsubscribe(asking),
    }


_Columns = list[tuple[str, str, str]]


def _fields(found: Iterable[Inquiry]) -> tuple[_Columns, _Columns]:
    """(form, field, label) of every answer that any of them has beside name, address and number; the newest label.

    And the same of every consent among them that is confirmed by mail.
    """
    labels: dict[tuple[str, str], str] = {}
    confirmed: dict[tuple[str, str], str] = {}
    for inquiry in found:
        for sent in inquiry.submissions:
            known = dict(sent.labels)
            own = [name for name in known if name in sent.values]
            for name in (*own, *(name for name in sent.values if name not in known)):
                if not _is_fixed(inquiry, sent, name):
                    labels.setdefault((sent.form, name), known.get(name) or name)
            for one in (one for one in sent.consents if one.confirm):
                confirmed.setdefault((sent.form, one.field), known.get(one.field) or one.field)
    return _columns(labels), _columns(confirmed)


def _columns(labels: Mapping[tuple[str, str], str]) -> _Columns:
    return [(form, name, label) for (form, name), label in sorted(labels.items(), key=lambda one: one[0][0])]


def _is_fixed(inquiry: Inquiry, sent: Sent, name: str) -> bool:
    return name in ("name", "email", "phone") and sent.values[name] == getattr(inquiry.row, name)


_Places = Sequence[tuple[str, str]]


def _record(inquiry: Inquiry, sent: Sent, places: _Places, asked_for: _Places, outside: Outside) -> list[Any]:
    row, known = inquiry.row, outside.release
    zone = zone_of(known.settings.timezone)
    page = known.pages.get(row.page)
    form = known.form(sent.form, sent.lang, sent.rules, sent.words)
    fields = {one.name: one for one in form.fields} if form else {}
    answers = [
        _cell(sent.values[name], fields.get(name)) if form_name == sent.form and name in sent.values else ""
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
        *(
            cell
            for form_name, name in asked_for
            for cell in _standing(_asking(inquiry, sent, form_name, name), outside)
        ),
        "; ".join(f"{name}: {', '.join(values)}" for name, values in sent.extra.items()),
        row.id,
    ]


def _asking(inquiry: Inquiry, sent: Sent, form: str, name: str) -> Asking | None:
    """What was asked about the sentence that a submission had in that field of that form."""
    seen = next((one for one in sent.consents if one.field == name and sent.form == form), None)
    return inquiry.asking(form, seen) if seen else None


def _standing(asking: Asking | None, outside: Outside) -> tuple[str, str]:
    """How a consent stands, in words, and where it is withdrawn."""
    if asking is None:
        return "", ""
    state = "withdrawn" if asking.withdrawn_at else "confirmed" if asking.confirmed_at else "asked"
    latest = asking.latest.astimezone(zone_of(outside.release.settings.timezone))
    return t(f"export.consent.{state}", time=f"{latest:%Y-%m-%d %H:%M}"), outside.unsubscribe(asking)


def _cell(value: Any, field: FormField | None) -> Any:
    """Numbers stay numbers, all else is as the visitor saw it."""
    number = isinstance(value, (int, float)) and not isinstance(value, bool)
    return value if number else shown_value(value, field)


def handed_out(name: str, lines: Callable[[sa.Connection], Iterator[str]], ending: str) -> Response:
    """What is read, as a file of that name and of today; `ending` is "csv" or "json"."""
    day = house().now().astimezone(zone_of(release().settings.timezone))
    disposition = f'attachment; filename="{name}-{day:%Y-%m-%d}.{ending}"'
    headers = {"Content-Disposition": disposition, "Cache-Control": "no-store"}
    return Response(_streamed(house().ready(), lines), content_type=_MEDIA[ending], headers=headers)


_MEDIA = {"csv": "text/csv; charset=utf-8", "json": "application/json"}


def _streamed(database: Database, lines: Callable[[sa.Connection], Iterator[str]]) -> Iterator[str]:
    """The lines, read in one transaction that lasts as long as the answer."""
    with database.read() as connection:
        yield from lines(connection)
