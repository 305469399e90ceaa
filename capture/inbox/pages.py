"""GET requests -> the pages of the inbox. Nothing here changes anything."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from flask import abort, render_template, request, url_for
from markupsafe import Markup

from capture.access.guard import current_user
from capture.inbox import display
from capture.inbox.blueprint import blueprint, house, release
from capture.inbox.listing import Frame, filters, listing_shown, of_view, owner_options, query_of
from capture.inbox.sheets import delivery_shown, sheet_shown
from capture.inbox.words import t
from capture.model import STAGES
from capture.store import inquiries, outbox, reports
from capture.store.inquiries import VIEWS, Query
from capture.store.people import people
from capture.store.reports import PageReport
from capture.watch.letters import KINDS

KEYS = (
    (("j", "k"), "move"),
    (("o", "Enter"), "open"),
    (("u", "Esc"), "back"),
    (("r",), "reply"),
    (("n",), "note"),
    (("s",), "stage"),
    (("a",), "take"),
    (("y",), "release"),
    (("/",), "search"),
    (("?",), "help"),
)
# How a change is told on the page it leads back to, by the codes that `actions` gives.
DONE = ("owner", "note", "reply", "release", "replay")
WRONG = ("value", "change", "empty", "long", "reply")


def frame() -> Frame:
    """The present, the zone, the release and who looks."""
    known = release()
    return Frame(house().now(), display.zone_of(known.settings.timezone), known, current_user().id)


@blueprint.get("/")
def listing() -> str:
    """The list, and beside it the inquiry that `open` names."""
    shown = frame()
    query = asked()
    opened = request.args.get("open", "")
    with house().ready().read() as connection:
        choices = _choices(connection, shown)
        found = inquiries.listing(connection, query)
        sheet = _sheet(connection, shown, opened) if opened else None
    given = listing_shown(query, found, shown, opened if sheet else "", choices)
    return render_template("inbox/list.html", list=given, query=query, sheet=sheet, said=_said())


@blueprint.get("/i/<id>")
def inquiry(id: str) -> str:
    """One inquiry: a page of its own, or with `pane` only the piece that the list shows beside itself."""
    with house().ready().read() as connection:
        sheet = _sheet(connection, frame(), id)
    if sheet is None:
        abort(404)
    if request.args.get("pane"):
        return render_template("inbox/sheet.html", sheet=sheet, level=2, pane_said=_said())
    return render_template("inbox/inquiry.html", sheet=sheet, said=_said(), back=_back())


@blueprint.get("/export")
def export() -> str:
    """What to export, chosen as in the list."""
    shown, query = frame(), asked()
    with house().ready().read() as connection:
        choices = _choices(connection, shown)
        found = inquiries.listing(connection, query)
    given = listing_shown(query, found, shown, "", choices)
    return render_template("inbox/export.html", list=given, query=query)


@blueprint.get("/help")
def help_page() -> str:
    """The keys, and what the marks say."""
    return render_template("inbox/help.html", keys=[(keys, t(f"key.{name}")) for keys, name in KEYS])


@blueprint.get("/deliveries")
def deliveries() -> str:
    """What could not be told yet, and how to tell it again."""
    shown = frame()
    with house().ready().read() as connection:
        health = outbox.health(connection)
        groups = {
            "dead": outbox.deliveries(connection, ("dead",)),
            "stopped": outbox.deliveries(connection, ("stopped",)),
            "waiting": outbox.deliveries(connection, ("waiting", "claimed")),
        }
        named = {one.inquiry for rows in groups.values() for one in rows}
        names = {one: _name_of(connection, one) for one in named}
    rows = {name: [_problem(one, shown, names[one.inquiry]) for one in found] for name, found in groups.items()}
    channels = [
        {
            "channel": name,
            "waiting": one.waiting,
            "dead": one.dead,
            "stopped": one.stopped,
            "last": one.last_sent and shown.moment(one.last_sent),
            "failed": one.last_failed and shown.moment(one.last_failed),
        }
        for name, one in sorted(health.items())
    ]
    return render_template("inbox/deliveries.html", channels=channels, said=_said(), **rows)


@blueprint.get("/report")
def report() -> str:
    """What each article brought."""
    shown = frame()
    with house().ready().read() as connection:
        found = reports.per_page(connection)
    most = max((one.inquiries for one in found), default=0) or 1
    rows = sorted(found, key=lambda one: (-one.value, -one.won, -one.inquiries, one.page))
    given = [_report_row(one, shown, most) for one in rows]
    return render_template("inbox/report.html", rows=given, total=_total(found))


def asked() -> Query:
    """What is asked for. 400 for a view, sort or stage that there is not."""
    try:
        query = query_of(request.args, current_user().id)
    except ValueError:
        abort(400)
    known = query.view in VIEWS and query.sort in inquiries.SORTS and query.stage in ("", *STAGES)
    return query if known else abort(400)


def _choices(connection: sa.Connection, shown: Frame) -> dict[str, Any]:
    forms, pages = inquiries.forms_and_pages(connection)
    return filters(shown, people(connection), forms, pages)


def _sheet(connection: sa.Connection, shown: Frame, id: str) -> dict[str, Any] | None:
    found = inquiries.detail(connection, id)
    if found is None:
        return None
    user = current_user()
    return sheet_shown(
        found,
        shown,
        owner_options(people(connection)),
        view=_view(),
        sender=sender(),
        author=user.name,
    )


def sender() -> str:
    """The address replies are sent from, "" when none is set. A preview shows mail instead of sending it."""
    return release().settings.sender or ("obverse@localhost" if house().setup.preview else "")


def _view() -> str:
    view = request.args.get("view", "open")
    return view if view in VIEWS else "open"


def _back() -> str:
    return url_for("inbox.listing", **of_view(_view()))


def _said() -> dict[str, str]:
    """What the last change came to, as the address tells it: only what is known is said."""
    done, wrong = request.args.get("done", ""), request.args.get("wrong", "")
    if wrong in WRONG:
        return {"text": t(f"wrong.{wrong}"), "undo": ""}
    if done in STAGES:
        was = request.args.get("was", "")
        return {"text": t("done.stage", stage=t(f"stage.{done}")), "undo": was if was in STAGES[:3] else ""}
    return {"text": t(f"done.{done}"), "undo": ""} if done in DONE else {}


def _name_of(connection: sa.Connection, id: str) -> Markup:
    """Whom a delivery is about: a person, or the house itself and its tests."""
    found = inquiries.detail(connection, id)
    if found is None:
        return display.visible(t("delivery.house"))
    return display.visible(found.row.name or found.row.email or t("inbox.nameless"))


def _problem(one: outbox.Delivery, shown: Frame, name: Markup) -> dict[str, Any]:
    href = url_for("inbox.inquiry", id=one.inquiry) if one.kind not in KINDS else url_for("inbox.listing")
    return {**delivery_shown(one, shown), "name": name, "href": href}


def _report_row(one: PageReport, shown: Frame, most: int) -> dict[str, Any]:
    page = shown.release.pages.get(one.page)
    title = (page.title if page else one.page) or t("inbox.home-page")
    return {
        "title": display.visible(title),
        "href": url_for("inbox.listing", view="all", page=one.page) if one.page else "",
        "inquiries": one.inquiries,
        "held": one.held,
        "qualified": one.qualified,
        "won": one.won,
        "value": sums(one.values),
        "wide": round(100 * one.inquiries / most, 2),
        "good": round(100 * one.qualified / most, 2),
        "gain": round(100 * one.won / most, 2),
    }


def sums(values: Any) -> str:
    """Amounts of several currencies, the largest first."""
    return ", ".join(
        display.money(value, currency) for currency, value in sorted(values.items(), key=lambda one: -one[1])
    )


def _total(found: Any) -> dict[str, Any]:
    total: dict[str, int] = {}
    for one in found:
        for currency, value in one.values.items():
            total[currency] = total.get(currency, 0) + value
    counts = {name: sum(getattr(one, name) for one in found) for name in ("inquiries", "held", "qualified", "won")}
    return {**counts, "value": sums(total)}
