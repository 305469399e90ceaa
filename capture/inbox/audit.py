"""`/inbox/audit`: who did what, the newest first; narrowed, and handed out as CSV or JSON, which is told, too."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import date, datetime, time
from typing import Any

from flask import Response, abort, render_template, request, url_for

from capture.access.guard import current_user, tell
from capture.audit.chain import Row
from capture.audit.kinds import HOUSE, KINDS, TERMINAL
from capture.audit.texts import csv_lines, facts_text, json_lines
from capture.inbox import display
from capture.inbox.blueprint import blueprint, house, release
from capture.inbox.exports import handed_out
from capture.inbox.pages import frame
from capture.inbox.words import has_word, t
from capture.store import audit
from capture.store.audit import Query
from capture.store.people import Person, people

LIMIT = 100
# What a row's subject leads to, where there is a page for it.
_PAGES = {"inquiry": "inbox.inquiry"}


@blueprint.get("/audit")
def audit_page() -> str:
    """Who signed in, handed out, erased and set what, the newest first."""
    query = _asked()
    with house().ready().read() as connection:
        rows = audit.listed(connection, query)
        total, head = audit.count(connection, query), audit.head(connection)
        known = people(connection, removed=True)
    names = {TERMINAL: t("audit.terminal"), HOUSE: t("audit.house"), **{one.id: one.name or one.email for one in known}}
    return render_template(
        "inbox/audit.html",
        rows=[_shown(row, names) for row in rows],
        head=head,
        asked=_arguments(),
        kinds=[(kind, t(f"audit.kind.{kind}")) for kind in KINDS],
        actors=_actors(known),
        older=_here(before=rows[-1].number) if total > len(rows) else "",
        newest=_here() if query.before is not None else "",
        csv=url_for("inbox.audit_csv"),
        json=url_for("inbox.audit_json"),
    )


@blueprint.get("/audit.csv")
def audit_csv() -> Response:
    """The audit log as a table, with its hashes."""
    return _handed_out("csv", csv_lines)


@blueprint.get("/audit.json")
def audit_json() -> Response:
    """The audit log as it is stored: with it anybody can walk the chain."""
    return _handed_out("json", json_lines)


def _asked() -> Query:
    """What is asked for. 403 for who may not see it, 400 for what makes no sense."""
    if not _may_see(current_user().id):
        abort(403)
    kind, before = request.args.get("kind", ""), request.args.get("before", "")
    if (kind and kind not in KINDS) or not ((before.isascii() and before.isdigit() and len(before) < 19) or not before):
        abort(400)
    return Query(kind, request.args.get("actor", ""), _since(), int(before) if before else None, LIMIT)


def _may_see(user: str) -> bool:
    """The one place that decides. Whoever may log in may do everything here, as yet, and so may see what was done."""
    return bool(user)


def _since() -> datetime | None:
    """The beginning of a day in the site's zone."""
    text = request.args.get("since", "")
    try:
        day = date.fromisoformat(text) if text else None
    except ValueError:
        abort(400)
    return datetime.combine(day, time(), display.zone_of(release().settings.timezone)) if day else None


def _arguments() -> dict[str, str]:
    return {name: request.args[name] for name in ("kind", "actor", "since") if request.args.get(name)}


def _here(**more: Any) -> str:
    given: dict[str, Any] = {**_arguments(), **more}
    return url_for("inbox.audit_page", **given)


def _actors(known: list[Person]) -> list[tuple[str, str]]:
    own = [(TERMINAL, t("audit.terminal")), (HOUSE, t("audit.house"))]
    return [*own, *((one.id, one.name or one.email) for one in known)]


def _shown(row: Row, names: dict[str, str]) -> dict[str, Any]:
    """One row as a person reads it. A row that somebody changed is shown as it is."""
    kind = f"audit.kind.{row.kind}"
    page = _PAGES.get(row.about)
    return {
        "number": row.number,
        "at": frame().moment(datetime.fromisoformat(row.at)),
        "who": display.visible(names.get(row.actor, row.actor) or t("audit.stranger")),
        "what": t(kind) if has_word(kind) else display.visible(row.kind),
        "about": t(f"audit.about.{row.about}") if has_word(f"audit.about.{row.about}") else display.visible(row.about),
        "subject": display.visible(_subject(row, names)),
        "href": url_for(page, id=row.subject) if page else "",
        "facts": display.visible(facts_text(row.facts)),
    }


def _subject(row: Row, names: dict[str, str]) -> str:
    if row.about == "user":
        return "" if row.subject == row.actor else names.get(row.subject, row.subject) or t("audit.stranger")
    return row.subject[:12]


def _handed_out(format: str, lines: Callable[[Iterator[Row]], Iterator[str]]) -> Response:
    query = _asked()
    if request.method == "GET":
        with house().ready().write() as connection:
            tell(connection, "audit.exported", format=format, rows=audit.count(connection, query))
    return handed_out("audit", lambda connection: lines(audit.walked(connection, query)), format)
