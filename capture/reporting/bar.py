"""The writer's bar, in a preview only: the path of an open page -> what it has brought, in words, and where to look."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

from flask import Response, abort, current_app, request, url_for

from capture.inbox.words import t
from capture.reporting.api import answer
from capture.reporting.blueprint import blueprint, house
from capture.reporting.live import Live, Standing, live_of
from capture.reporting.rows import sums
from capture.store.database import Unavailable
from capture.store.reports import PageReport, per_page

_FILES = {"bar.js": "text/javascript; charset=utf-8", "bar.css": "text/css; charset=utf-8"}
_KEPT = "obverse.live"


@blueprint.get("/_ob/bar.js", defaults={"name": "bar.js"})
@blueprint.get("/_ob/bar.css", defaults={"name": "bar.css"})
def asset(name: str) -> Response:
    """The script and its style."""
    _only_in_preview()
    headers = {"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"}
    return Response(_file(name), 200, headers, content_type=_FILES[name])


@blueprint.get("/_ob/bar.json")
def numbers() -> Response:
    """What the page at `path` has brought."""
    _only_in_preview()
    page = house().releases.current().page_at(request.args.get("path", ""))
    inbox = url_for("inbox.listing", view="all", page=page.id) if page else url_for("inbox.listing")
    return answer(
        {
            "label": t("bar.label"),
            "lines": _lines(page.id) if page else [t("bar.no-page")],
            "links": [
                {"text": t("bar.inbox"), "href": inbox},
                {"text": t("bar.mail"), "href": request.script_root + "/_ob/mail/"},
            ],
            "close": t("bar.close"),
        }
    )


def told(report: PageReport | None) -> str:
    """A report in words: "2 inquiries · 1 qualified · 1 won · 8,000 EUR". What there is none of is not said."""
    if report is None or not (report.inquiries or report.held):
        return t("bar.none")
    parts = [
        t("bar.inquiries", n=report.inquiries) if report.inquiries else "",
        t("bar.held", n=report.held) if report.held else "",
        t("bar.qualified", n=report.qualified) if report.qualified else "",
        t("bar.won", n=report.won) if report.won else "",
        sums(report.values),
    ]
    return " · ".join(filter(None, parts))


def _lines(page: str) -> list[str]:
    live = _live()
    here = t("bar.preview", told=_here(page))
    return [here, _there(live.standing(), page)] if live else [here]


def _here(page: str) -> str:
    try:
        with house().ready().read() as connection:
            return told(next((one for one in per_page(connection) if one.page == page), None))
    except Unavailable:
        return t("bar.why.database")


def _there(standing: Standing, page: str) -> str:
    if standing.state == "known":
        return t("bar.live", told=told(standing.pages.get(page)))
    return (
        t("bar.live.waiting") if standing.state == "waiting" else t("bar.live.failed", why=t(f"bar.why.{standing.why}"))
    )


def _live() -> Live | None:
    """The live numbers of this preview, kept with the application; a live database may come to be while it runs."""
    kept: dict[str, Any] = current_app.extensions
    if kept.get(_KEPT) is None:
        kept[_KEPT] = live_of(house().setup)
    found: Live | None = kept[_KEPT]
    return found


def _only_in_preview() -> None:
    if not house().setup.preview:
        abort(404)


@cache
def _file(name: str) -> bytes:
    return (Path(__file__).parent / "static" / name).read_bytes()
