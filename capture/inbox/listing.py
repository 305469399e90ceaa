"""A request's arguments -> a query; a page of rows -> what the list shows of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from flask import url_for
from markupsafe import Markup
from werkzeug.datastructures import MultiDict

from capture.inbox import display
from capture.inbox.words import has_word, t
from capture.model import STAGES
from capture.release import Release
from capture.store.inquiries import NOBODY, SORTS, VIEWS, Listing, Query, Row
from capture.store.moments import to_text
from capture.store.people import Person

LIMIT = 50
COLUMNS = ("waiting", "who", "article", "form", "owner", "stage", "value", "age")
# Which column a sort belongs to, and which way it then runs.
SORTED = {"waiting": ("waiting", "descending"), "age": ("newest", "ascending"), "value": ("value", "descending")}
# A submission is touched at its receipt and committed a little later: arrivals are asked for from a little before.
SLACK = timedelta(seconds=15)

Options = Sequence[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class Moment:
    """A point in time: for machines, and as one reads it."""

    iso: str
    text: str


@dataclass(frozen=True, slots=True)
class Frame:
    """What every row and sheet is shown by: the present, the site's zone, the release, and who looks."""

    now: datetime
    zone: ZoneInfo
    release: Release
    user: str

    def moment(self, at: datetime) -> Moment:
        """A point in time in the site's zone."""
        return Moment(at.isoformat(timespec="seconds"), display.moment(at, self.now, self.zone))

    def form_title(self, name: str, lang: str) -> str:
        """What a form is called, its name when it is gone."""
        form = self.release.current(name, lang)
        return form.title if form else name


def query_of(args: MultiDict[str, str], user: str) -> Query:
    """The query a request asks for. Raises ValueError for a page number that is none; the store checks the rest."""
    texts = {name: args.get(name, "") for name in ("stage", "owner", "form", "page")}
    return Query(
        view=args.get("view", "open"),
        text=args.get("q", "").strip()[:200],
        sort=args.get("sort", "waiting"),
        user=user,
        offset=max(int(args.get("from", "0") or 0), 0),
        limit=LIMIT,
        **texts,
    )


def arguments(query: Query, **changes: Any) -> dict[str, Any]:
    """The arguments that ask for this query again; what is as usual is left out."""
    plain = {
        "view": query.view,
        "q": query.text,
        "stage": query.stage,
        "owner": query.owner,
        "form": query.form,
        "page": query.page,
        "sort": query.sort,
        "from": query.offset,
    } | changes
    usual = {"view": "open", "sort": "waiting"}
    return {name: value for name, value in plain.items() if value and value != usual.get(name)}


def of_view(view: str) -> dict[str, Any]:
    """The argument that leads back to a view."""
    return {"view": view} if view in VIEWS and view != "open" else {}


def row_shown(row: Row, frame: Frame, view: str, longest: str) -> dict[str, Any]:
    """One line of the list."""
    return {
        "id": row.id,
        "touched": to_text(row.touched_at),
        "href": url_for("inbox.inquiry", id=row.id, **of_view(view)),
        "name": display.visible(row.name or row.email or t("inbox.nameless")),
        "line": display.visible(display.first_line(row.excerpt)),
        "article": display.visible(article_title(row, frame)),
        "form": display.visible(frame.form_title(row.form, row.lang)),
        "owner": t("list.me") if row.owner == frame.user else row.owner_name,
        "stage": row.stage,
        "held": row.held,
        "value": display.money(row.value, row.currency),
        "waiting": display.waiting(row.waiting_since, frame.now),
        "turn": turn(row),
        "age": display.age(row.received_at, frame.now),
        "at": frame.moment(row.received_at),
        "fresh": row.stage == "new" and not row.held,
        "longest": row.id == longest,
    }


def article_title(row: Row, frame: Frame) -> str:
    """What the page is called now, else what it was called then."""
    page = frame.release.pages.get(row.page)
    return page.title if page else row.page_title or row.page


def turn(row: Row) -> str:
    """Whose turn it is when nobody waits for us."""
    if row.held:
        known = [f"held.short.{reason}" for reason in row.held_reasons if has_word(f"held.short.{reason}")]
        return ", ".join(map(t, known)) or t("list.held")
    return t("list.closed") if row.stage in ("won", "lost") else t("list.their-turn")


def owner_options(people: Sequence[Person]) -> Options:
    """Everybody who may own an inquiry."""
    return [(one.id, one.name or one.email) for one in people]


def filters(
    frame: Frame, people: Sequence[Person], forms: Sequence[str], pages: Sequence[tuple[str, str]]
) -> dict[str, Options]:
    """What may be chosen in each filter."""
    titles = {page.id: page.title for page in frame.release.pages.values()}
    lang = frame.release.settings.language
    return {
        "stages": [(name, t(f"stage.{name}")) for name in STAGES],
        "owners": [(NOBODY, t("list.nobody")), *owner_options(people)],
        "forms": [(name, display.marked(frame.form_title(name, lang))) for name in forms],
        "pages": [(one, display.marked(titles.get(one) or title or one)) for one, title in pages],
        "sorts": [(name, t(f"list.sort.{name}")) for name in SORTS],
        "view_names": [(name, t(f"list.view.{name}")) for name in VIEWS],
    }


def listing_shown(
    query: Query, found: Listing, frame: Frame, opened: str, choices: Mapping[str, Any]
) -> dict[str, Any]:
    """All that the list's templates speak of."""
    waiting = [row for row in found.rows if row.waiting_since]
    longest = min(waiting, key=lambda row: str(row.waiting_since)).id if waiting and not query.offset else ""
    first = query.offset + 1
    return {
        **choices,
        "title": t("list.title.search", text=display.marked(query.text))
        if query.text
        else t(f"list.title.{query.view}"),
        "since": to_text(frame.now - SLACK),
        "views": [_view(name, query, found.counts[name]) for name in VIEWS],
        "columns": [_column(name, query) for name in COLUMNS],
        "rows": [row_shown(row, frame, query.view, longest) for row in found.rows],
        "opened": opened,
        "total": found.total,
        "filtered": bool(query.stage or query.owner or query.form or query.page),
        "unfiltered": _here(query, stage="", owner="", form="", page="", sort="", **{"from": 0}),
        "range": t("list.range", first=first, last=first + len(found.rows) - 1, total=found.total),
        "newer": _here(query, **{"from": max(query.offset - LIMIT, 0)}) if query.offset else "",
        "older": _here(query, **{"from": query.offset + LIMIT}) if query.offset + LIMIT < found.total else "",
        "export": url_for("inbox.export", **arguments(query, **{"from": 0, "sort": ""})),
        "self": _here(query),
        "empty": None if found.rows else _empty(query, found, frame),
    }


def _here(query: Query, **changes: Any) -> str:
    return url_for("inbox.listing", **arguments(query, **changes))


def _view(name: str, query: Query, count: int) -> dict[str, Any]:
    href = url_for("inbox.listing", **of_view(name))
    return {"label": t(f"list.view.{name}"), "href": href, "count": count, "current": name == query.view}


def _column(name: str, query: Query) -> dict[str, str]:
    sort, way = SORTED.get(name, ("", ""))
    return {
        "name": name,
        "label": t(f"list.column.{name}"),
        "href": _here(query, sort=sort, **{"from": 0}) if sort else "",
        "sorted": way if sort and sort == query.sort else "",
    }


def _empty(query: Query, found: Listing, frame: Frame) -> dict[str, Any]:
    """What an empty list teaches."""
    if query.text or query.stage or query.owner or query.form or query.page:
        links = [(t("empty.search.clear"), url_for("inbox.listing", **arguments(Query(view=query.view))))]
        if query.view != "all":
            links.append((t("empty.search.all"), _here(query, view="all", **{"from": 0})))
        return {"title": t("empty.search"), "text": t("empty.search.text"), "links": links}
    if not found.counts["all"] and query.view in ("open", "all"):
        return _first(frame)
    return {"title": t(f"empty.{query.view}"), "text": t(f"empty.{query.view}.text"), "links": []}


def _first(frame: Frame) -> dict[str, Any]:
    """An inbox that nobody has written to yet: where there is a form to try."""
    page = next((one for one in frame.release.pages.values() if one.id.split(".")[0] == "contact"), None)
    if page is None:
        return {"title": t("empty.first"), "text": t("empty.first.no-page"), "links": []}
    text = Markup("{}").format(t("empty.first.text", page=page.title))
    return {"title": t("empty.first"), "text": text, "links": [(page.title, site_address(frame.release, page.url))]}


def site_address(release: Release, url: str) -> str:
    """Where a page of the site is: on the inbox's own host, unless capture has one to itself."""
    settings = release.settings
    base = settings.base_path
    path = url[len(base) :] if base and url.startswith(f"{base}/") else url
    return (settings.url.rstrip("/") if settings.origin else base) + path
