"""run: Job + View -> Output. Each kind of job is one small function; whatever goes wrong becomes a located problem."""

from __future__ import annotations

import functools
import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from jinja2 import Environment, TemplateNotFound
from markupsafe import Markup

from obverse import components, release
from obverse.answers import Answers
from obverse.facts import Call, Part, Place
from obverse.form_files import FormFile
from obverse.head import Head, crumbs
from obverse.hooks import Hooks
from obverse.jobs import Job, Output
from obverse.markup import MarkupOptions
from obverse.plan import generated
from obverse.problems import Problem, problem
from obverse.questions import Shelf
from obverse.resolve import Spot, resolve
from obverse.schema import Field
from obverse.security import headers
from obverse.site import Card, Site
from obverse.survey import places, survey
from obverse.templates import problem_of, text_of, xml
from obverse.theme import ASSETS, Theme
from obverse.view import CardView, Known, ListPage, PageView, Refused, SiteView, View

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

HTML_SUFFIX = ".html"

# What is read once need not be read again: no other reading of a tag would end elsewhere.
_TAG = re.compile(r"""<[a-z](?:[^<>"']++|"[^"]*+"|'[^']*+')*+>""")

_PAGE = ("page", "crumbs", "head", "list")

# What pages have that list nothing.
_NO_LIST = ListPage(())

# What the templates of each kind of job get, besides what all get. A name that is not here reaches no template.
CONTEXTS: dict[str, tuple[str, ...]] = {
    "": ("site", "view", "t", "asset", "link"),
    "page": (*_PAGE, "author"),
    "list": (*_PAGE, "author", "term"),
    "terms": (*_PAGE, "terms"),
    "feed": ("feed",),
    "shell": ("page", "crumbs", "head", "main"),
    "sitemap": ("entries",),
    "robots": ("sitemap",),
    "redirect": ("url", "href", "lang"),
    "component": ("page", "args"),
}


@dataclass(frozen=True, slots=True)
class Workshop:
    """Everything rendering needs besides the job: the templates, the answers, and the doors to bodies and data.

    `parts` gives the surveyed parts of the body of the page at a content path, `places` where their slots are written;
    `data` a parsed data file.
    """

    site: Site
    theme: Theme
    environment: Environment
    answers: Answers
    hooks: Hooks
    parts: Callable[[str], tuple[Part, ...]]
    places: Callable[[str], tuple[Place, ...]]
    data: Callable[[str], Any]
    signatures: dict[str, tuple[Mapping[str, Field], tuple[Problem, ...]]]
    known: Known = field(default_factory=dict)


def make(job: Job, shop: Workshop) -> Output:
    """One output: rendered, or the problems that stood in the way and no bytes."""
    lang = _language(job, shop.site)
    spoken = lang or shop.site.config.site.language
    view = View(job, shop.answers, shop.known, spoken, lambda one, card: _body(one, card, shop), shop.data)
    if not lang:
        view.ask("config", "site.language")
    data, copy_of, failed = b"", "", False
    try:
        made = _MAKERS[job.kind](job, view, shop)
        if isinstance(made, Path):
            copy_of = str(made)
        else:
            data = made if isinstance(made, bytes) else _encoded(_hooked(job, made, shop))
    except Exception as error:  # noqa: BLE001 - whatever a template does becomes a located problem
        view.problems.append(_problem_of(error, view, shop, _place(job)))
        failed = True
    view.close()
    return Output(job, data, copy_of, tuple(view.reads), tuple(view.wants), tuple(view.problems), failed)


def _problem_of(error: Exception, view: View, shop: Workshop, place: str) -> Problem:
    if isinstance(error, TemplateNotFound):
        view.ask("templates")  # of which the hint speaks
    return problem_of(error, shop.theme, place)


def _place(job: Job) -> str:
    return f"templates/{job.template}" if job.template else job.origin


def _language(job: Job, site: Site) -> str:
    if job.card:
        return job.card.lang
    if job.subject in site.entries:
        return site.entries[job.subject].card.lang
    return {"feed": lambda: str(job.params[0]), "release": lambda: str(job.params[1])}.get(job.kind, str)()


def _hooked(job: Job, pieces: list[str], shop: Workshop) -> list[str]:
    hooked = shop.hooks.sees_html and job.output.endswith(HTML_SUFFIX)
    return [shop.hooks.html(job.url, "".join(pieces))] if hooked else pieces


def _encoded(pieces: list[str]) -> bytes:
    """A text as bytes, piece by piece: one that is all ASCII, as most are, is copied and not looked through."""
    return b"".join([piece.encode("utf-8", "replace") for piece in pieces])


# Each kind of job.


def _page(job: Job, view: View, shop: Workshop) -> list[str]:
    card = job.card or view.ask("card", job.subject)
    page = PageView(card, view)
    return _render(job, view, shop, **_page_context(page, view), list=_undated_list(page, view), author=page)


def _undated_list(page: PageView, view: View) -> ListPage:
    """What a page that heads a folder of undated pages, or of authors, lists."""
    if page.kind == "authors":
        return ListPage(view.pages_of_kind("author"))
    if page.kind == "section":
        return ListPage(tuple(one for one in view.pages(page.name.removesuffix("/_index")) if one != page))
    return _NO_LIST


def _list(job: Job, view: View, shop: Workshop) -> list[str]:
    selector, number, url = str(job.params[0]), *job.params[1:]
    shelf: Shelf = view.ask("shelf", view.lang, selector, number, url)
    page = PageView(job.card or view.ask("card", job.subject), view)
    items = tuple(CardView(card, view) for card in shelf.items)
    listed = ListPage(items, shelf.number, shelf.newer, shelf.older)
    term = SimpleNamespace(taxonomy=selector.partition("=")[0], name=page.title, url=page.url)
    return _render(job, view, shop, **_page_context(page, view), list=listed, term=term, author=page)


def _terms(job: Job, view: View, shop: Workshop) -> list[str]:
    page = PageView(_own_card(job), view)
    terms = view.terms(str(job.params[0]))
    return _render(job, view, shop, **_page_context(page, view), list=_NO_LIST, terms=terms)


def _own_card(job: Job) -> Card:
    if job.card is None:
        raise ValueError(f"a job without a card: {job.output}")
    return job.card


def _page_context(page: PageView, view: View) -> dict[str, Any]:
    way = crumbs(page, view)
    return {"page": page, "crumbs": way, "head": Head(page, way, view)}


def _feed(job: Job, view: View, shop: Workshop) -> list[str]:
    count = view.ask("config", "articles.feed_items")
    cards = tuple(CardView(card, view) for card in view.ask("articles", view.lang, ("articles",), count, 0))
    entries = [_feed_entry(card, view) for card in cards]
    site = SiteView(view)
    feed = SimpleNamespace(
        title=site.title,
        url=view.absolute(view.here),
        home=view.absolute(site.home),
        language=view.lang,
        updated=max((entry.updated for entry in entries if entry.updated), default=EPOCH),
        entries=entries,
    )
    return _render(job, view, shop, feed=feed) if job.template else [_json_feed(feed, site, view)]


def _feed_entry(card: CardView, view: View) -> SimpleNamespace:
    url = view.absolute(card.url)
    return SimpleNamespace(
        title=card.title,
        url=url,
        id=url,
        date=card.date,
        updated=card.updated or card.date,
        authors=[author.title for author in card.authors],
        summary=card.description,
        content=_absolute_links(str(view.body(card.card)), view),
    )


def _absolute_links(html: str, view: View) -> Markup:
    """The same HTML with site-local hrefs made absolute, as a feed reader needs them."""
    prefix = view.settings.base_path + "/"
    local, base = f'="{prefix}', view.absolute(prefix)
    pattern = re.compile(r'(\s(?:href|src|poster)=")' + re.escape(prefix) + r"(?!/)")

    def absolute(tag: re.Match[str]) -> str:
        whole = tag[0]
        return pattern.sub(lambda found: found[1] + base, whole) if local in whole else whole

    return Markup(_TAG.sub(absolute, html))  # noqa: S704 - it was safe and still is


def _json_feed(feed: SimpleNamespace, site: SiteView, view: View) -> str:
    """JSON Feed 1.1 (jsonfeed.org)."""
    items = [
        {
            "id": entry.id,
            "url": entry.url,
            "title": xml(entry.title),
            "content_html": xml(str(entry.content)),
            "summary": xml(entry.summary),
            "date_published": entry.date.isoformat() if entry.date else None,
            "date_modified": entry.updated.isoformat() if entry.updated else None,
            "authors": [{"name": name} for name in entry.authors],
        }
        for entry in feed.entries
    ]
    whole = {
        "version": "https://jsonfeed.org/version/1.1",
        "title": feed.title,
        "description": site.description,
        "home_page_url": feed.home,
        "feed_url": feed.url,
        "language": view.lang,
        "items": [{key: value for key, value in item.items() if value not in (None, "", [])} for item in items],
    }
    return json.dumps(whole, ensure_ascii=False, indent=1) + "\n"


def _sitemap(job: Job, view: View, shop: Workshop) -> list[str]:
    rows = view.ask("sitemap")
    entries = [
        SimpleNamespace(
            url=view.absolute(url),
            updated=datetime.fromisoformat(updated) if updated else None,
            alternates=tuple((lang, view.absolute(other)) for lang, other in alternates),
        )
        for url, updated, alternates in rows
    ]
    return _render(job, view, shop, entries=entries)


def _robots(job: Job, view: View, shop: Workshop) -> list[str]:
    return _render(job, view, shop, sitemap=view.absolute(f"{view.settings.base_path}/sitemap.xml"))


def _redirect(job: Job, view: View, shop: Workshop) -> list[str]:
    card: Card = view.ask("card", job.subject)
    return _render(job, view, shop, url=view.absolute(card.url), href=card.url, lang=card.lang)


def _headers(_job: Job, view: View, _shop: Workshop) -> list[str]:
    """The headers for hosts that read a `_headers` file: security for all, for ever for what carries a fingerprint."""
    base = view.ask("config", "base_path")
    sent = headers(view.ask("config", "capture.origin"))
    lines = [f"{base}/*", *(f"  {name}: {value}" for name, value in sent.items())]
    lines += [f"{base}/{ASSETS}*", "  Cache-Control: public, max-age=31536000, immutable", ""]
    return ["\n".join(lines)]


def _release(job: Job, view: View, shop: Workshop) -> list[str]:
    return [release.make(job, view, lambda file, text, one: str(_message(file, text, one, shop)))]


def _message(file: FormFile, text: str, view: View, shop: Workshop) -> Markup:
    """The thank-you message of a form, `text`, as safe HTML. It is short and seldom made: nothing is remembered."""
    options = MarkupOptions(view.ask("config", "markdown.engine"), shop.hooks.markdown_extensions(()))
    if "{{" in text:
        view.ask("templates")  # which names may be called; pages know that by the rules they were read by
    body = text, file.thanks_line, file.path, options, shop.theme.components()
    made = survey(*body)
    view.problems.extend(made.facts.problems)
    spot = Spot(file.path.removeprefix("content/"), draft=False, places=lambda: places(*body))
    card = replace(generated(shop.site, "page", view.lang, "/_ob/", file.form.title), path=spot.path)
    return resolve(made.parts, spot, view, card, functools.partial(_component, shop))


def _shell(job: Job, view: View, shop: Workshop) -> list[str]:
    """The page that capture puts its answers into; on another host, its links lead to the site's."""
    page = PageView(_own_card(job), view)
    pieces = _render(job, view, shop, **_page_context(page, view), main=release.MAIN)
    return [str(_absolute_links("".join(pieces), view))] if view.ask("config", "capture.origin") else pieces


def _file(job: Job, view: View, _shop: Workshop) -> Path:
    return Path(view.ask("file", job.subject).file)


def _asset(job: Job, view: View, shop: Workshop) -> bytes:
    name = str(job.params[0])
    view.ask("asset", name)
    data, wants, broken = shop.theme.asset_data(name)
    view.wants.update(dict.fromkeys(wants))
    if broken:
        view.ask("assets")  # of which the hints speak
        view.problems.extend(broken)
    return data


# A text comes in pieces, as its template hands them on.
_MAKERS: dict[str, Callable[[Job, View, Workshop], list[str] | bytes | Path]] = {
    "asset": _asset,
    "feed": _feed,
    "file": _file,
    "headers": _headers,
    "list": _list,
    "page": _page,
    "redirect": _redirect,
    "release": _release,
    "robots": _robots,
    "shell": _shell,
    "sitemap": _sitemap,
    "terms": _terms,
}


# Templates, bodies and components.


def _render(job: Job, view: View, shop: Workshop, **context: Any) -> list[str]:
    view.ask("closure", job.template)
    return list(shop.environment.get_template(job.template).generate(_context(job.kind, view, context)))


def _context(kind: str, view: View, own: Mapping[str, Any]) -> dict[str, Any]:
    """All that a template of this kind of job may name."""
    shared = {"site": SiteView(view), "view": view, "t": view.t, "asset": view.asset, "link": view.link}
    return {name: shared[name] for name in CONTEXTS[""]} | {name: own[name] for name in CONTEXTS[kind]}


def _body(view: View, card: Card, shop: Workshop) -> Markup:
    """A page's body for a view; empty for a page that nobody wrote."""
    inside = view.inside(card.path)
    if inside is None:
        return Markup()
    spot = Spot(card.path, inside.draft, lambda: shop.places(card.path))
    return resolve(shop.parts(card.path), spot, view, card, functools.partial(_component, shop))


def _component(shop: Workshop, view: View, card: Card, call: Call) -> tuple[Markup, tuple[Problem, ...]]:
    """One component call as HTML. A mistake in its template is told at the template, one in its call at the call."""
    template = f"components/{call.name}.html"
    view.ask("closure", template)
    fields, problems = _signature(call.name, template, shop)
    values, wrong = components.bind(call, fields)
    values, broken = components.resolved(values, fields, card.path, view)
    view.problems.extend(problems)
    if problems:
        return Markup(), ()  # what a call may say is not known, so nothing it says is wrong
    if wrong:
        return Markup(), (*wrong, *broken)
    context = _context("component", view, {"page": CardView(card, view), "args": SimpleNamespace(**values)})
    try:
        html = shop.environment.get_template(template).render(context).strip()
    except Exception as error:  # noqa: BLE001 - whatever a template does becomes a located problem
        if isinstance(error, Refused) and error.problem.code == "unknown-form":
            return Markup(), (error.problem,)  # the writer's mistake, at the call
        view.problems.append(_problem_of(error, view, shop, f"templates/{template}"))
        return Markup(), ()
    return Markup(html if not call.block else html + "\n"), broken  # noqa: S704 - the template escaped it


def _signature(name: str, template: str, shop: Workshop) -> tuple[Mapping[str, Field], tuple[Problem, ...]]:
    if name not in shop.signatures:
        source = shop.theme.source(template)
        if source is None:
            return {}, (problem("unknown-template", f"templates/{template}", f"no such component: '{name}'"),)
        shop.signatures[name] = components.signature(text_of(source), source.path)
    return shop.signatures[name]
