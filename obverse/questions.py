"""Questions: all that may be asked of a site, each a pure function from cells to a plain answer.

A question reads cells through `read` and through nothing else, so what it depends on is known by watching. Its answer
is a plain value whose `repr` is its digest. Every template, body and feed sees the site through these alone.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from datetime import datetime
from typing import TYPE_CHECKING, Any, NamedTuple

from obverse.addresses import beneath
from obverse.clock import Told
from obverse.links import Read, Target, target, targets
from obverse.shelves import most_shared
from obverse.site import Card, Place, Term

if TYPE_CHECKING:  # reading forms brings much along, and few pages have one
    from obverse.form_files import FormFile
    from obverse.forms import Form

Question = Callable[..., Any]


class Shelf(NamedTuple):
    """One page of a paginated list: its cards, newest first, and the hrefs of its neighbours ("" at the ends)."""

    items: tuple[Card, ...]
    number: int
    newer: str
    older: str


class Picture(NamedTuple):
    """Where an image in a body leads, and its size in CSS pixels (0 when unknown)."""

    target: Target
    width: int = 0
    height: int = 0


class Settings(NamedTuple):
    """What nearly every page shows of the settings: one answer, since a change of any touches nearly all pages."""

    title: str
    tagline: str
    description: str
    url: str
    language: str
    languages: tuple[str, ...]
    author: str
    base_path: str


_OF_THE_SITE = ("title", "tagline", "description", "url", "language", "languages", "author")


def archived_pages(total: int, per_page: int) -> int:
    """How many full pages of a list have left its front: the front keeps between one and two pages' worth."""
    return max(0, total // per_page - 1)


def _card(read: Read, path: str) -> Card | None:
    card: Card | None = read(f"card:{path}")
    return card


def _cards(read: Read, paths: tuple[str, ...]) -> tuple[Card, ...]:
    return tuple(card for path in paths if (card := _card(read, path)) is not None)


def _articles(read: Read, lang: str, selectors: tuple[str, ...], limit: int, offset: int) -> tuple[Card, ...]:
    """The articles on every one of the lists `selectors`, in the order of the first; `limit` 0 is no limit."""
    paths = read(f"list:{lang}/{selectors[0]}")
    for selector in selectors[1:]:
        others = frozenset(read(f"list:{lang}/{selector}"))
        paths = tuple(path for path in paths if path in others)
    return _cards(read, paths[offset : offset + limit if limit else None])


def _shelf(read: Read, lang: str, selector: str, number: int, url: str) -> Shelf:
    """One page of a list; number 0 is the front, 1 the oldest. `url` is the href of the front."""
    paths = read(f"list:{lang}/{selector}")
    per_page = read("config:articles.per_page")
    full = archived_pages(len(paths), per_page)
    oldest_first = paths[::-1]
    mine = oldest_first[full * per_page :] if number == 0 else oldest_first[(number - 1) * per_page : number * per_page]

    def href(page: int) -> str:
        return f"{beneath(url)}page/{page}/" if 0 < page <= full else (url if page > full else "")

    newer, older = (href(number + 1), href(number - 1)) if number else ("", href(full))
    return Shelf(_cards(read, mine[::-1]), number, newer, older)


def _near(read: Read, path: str) -> tuple[Card | None, ...]:
    """The cards of the next newer and the next older article."""
    return tuple(_card(read, neighbour) if neighbour else None for neighbour in read(f"near:{path}"))


def _related(read: Read, path: str, limit: int) -> tuple[Card, ...]:
    """The articles that share most terms with this one, newer ones first among equals."""
    card = _card(read, path)
    if card is None:
        return ()
    terms = (*card.tags, card.series, card.category)
    shelves = [read(f"shelf:{card.lang}/{term.taxonomy}={term.slug}") for term in terms if term]
    found: list[str] = []
    for place in most_shared(shelves):
        if len(found) == limit:
            break
        other = read(f"at:{card.lang}/{place}")
        if other != path:
            found.append(other)
    return _cards(read, tuple(found))


def _terms(read: Read, lang: str, taxonomy: str) -> tuple[tuple[Term, int], ...]:
    terms: tuple[tuple[Term, int], ...] = read(f"terms:{lang}/{taxonomy}")
    return terms


def _menu(read: Read, name: str, lang: str) -> tuple[tuple[str, str], ...]:
    """(label, href) of a menu's items; a page that is not published is left out."""
    rows = []
    for item in read("config:menus").get(name, ()):
        if item.page:
            card = _localised(read, item.page, lang)
            if card is None:
                continue
            rows.append((item.label or card.title, card.url))
        else:
            found = target(read, "", item.url)
            rows.append((item.label or item.url, found.url or item.url))
    return tuple(rows)


def _localised(read: Read, path: str, lang: str) -> Card | None:
    """The card of a page in the language wanted, or in its own."""
    card = _card(read, path)
    if card is None or card.lang == lang:
        return card
    siblings = _cards(read, read(f"translations:{card.name}"))
    return next((one for one in siblings if one.lang == lang), card)


def _section(read: Read, folder: str, lang: str) -> Card | None:
    """The card of a folder's own page."""
    return _localised(read, f"{folder}/_index.md", lang) if folder else None


def _picture(read: Read, origin: str, source: str) -> Picture:
    found = target(read, origin, source)
    if found.code == "broken-link":
        found = Target("", "broken-image", f"no such picture: '{source}'", found.hint)
    size = read(f"size:{found.url}") if found.url else None
    return Picture(found, *(size or (0, 0)))


def _sitemap(read: Read) -> tuple[tuple[str, str, tuple[tuple[str, str], ...]], ...]:
    """(href, last change, (language, href) of each translation) of every page search engines may list, by href.

    The change is in ISO 8601, "" for a page without a date.
    """
    places: tuple[Place, ...] = read("listed:")
    where = {place.path: (place.lang, place.url) for place in places}
    others = {name: tuple(where[path] for path in paths) for name, paths in read("translated:")}
    rows = ((place.url, place.name, place) for place in places if not place.noindex and place.kind != "404")
    return tuple(
        (url, place.changed or place.dated, others.get(name, ()))
        for url, name, place in sorted(rows, key=lambda row: row[:2])
    )


def _form_file(read: Read, name: str, lang: str) -> FormFile | None:
    """A form in a language, or as its base file has it."""
    files: tuple[FormFile, ...] = read(f"form:{name}") or ()
    return next((one for one in files if one.form.lang == lang), files[0] if files else None)


def _form(read: Read, name: str, lang: str) -> Form | None:
    found = _form_file(read, name, lang)
    return found.public if found else None


class PageRow(NamedTuple):
    """What capture knows of a page: `id` is its first path, `authors` are names, `aliases` hrefs that lead to it."""

    id: str
    url: str
    title: str
    lang: str
    kind: str
    section: str
    authors: tuple[str, ...]
    tags: tuple[str, ...]
    aliases: tuple[str, ...]
    date: str


def _page_table(read: Read) -> tuple[tuple[Any, ...], ...]:
    """A `PageRow` for every page, as plain tuples: of ten thousand, what they are called is said once."""
    base, aliases = read("config:base_path"), defaultdict(list)
    for url, path in read("redirects:"):
        aliases[path].append(base + url)
    places: tuple[Place, ...] = read("places:")
    found = {one: _localised(read, *one) for place in places for one in ((path, place.lang) for path in place.authors)}
    names = {one: card.title for one, card in found.items() if card is not None}
    return tuple(
        (
            place.id,
            place.url,
            place.label,
            place.lang,
            place.kind,
            place.section,
            tuple(names[path, place.lang] for path in place.authors if (path, place.lang) in names),
            tuple(name for _, taxonomy, _, name, _ in place.terms if taxonomy == "tags"),
            tuple(aliases.get(place.path, ())),
            place.dated,
        )
        for place in places
    )


def _settings(read: Read) -> Settings:
    own = {name: read(f"config:site.{name}") for name in _OF_THE_SITE}
    return Settings(**own, base_path=read("config:base_path"))


def _words(read: Read, lang: str, prefixes: tuple[str, ...]) -> tuple[tuple[str, str], ...]:
    words: dict[str, str] = read(f"words:{lang}")
    return tuple(sorted((key, word) for key, word in words.items() if key.startswith(prefixes)))


# The questions whose answers grow with the site, all of it plain values.
TABLES = frozenset({"page_table", "sitemap"})

# What a page asks about itself. All else is asked by many, so that what it was answered is kept at hand.
OF_ONE_PAGE = frozenset({"card", "links", "near", "page", "picture", "related", "shelf", "translations"})

QUESTIONS: dict[str, Question] = {
    "age_in_days": lambda read, moment: read("clock:").age_in_days(datetime.fromisoformat(moment)),
    "articles": _articles,
    "asset": lambda read, name: read(f"asset:{name}"),
    "assets": lambda read: read("assets:"),
    "card": _card,
    # All words at once: some word of the theme is on every page, and a catalogue seldom changes.
    "catalogue": lambda read, lang: read(f"words:{lang}"),
    "closure": lambda read, name: read(f"template:{name}"),
    "config": lambda read, key: read(f"config:{key}"),
    "data": lambda read, name: read(f"data:{name}"),
    # Not which articles: a feed's link stands on every page, and none of them changes with a new article.
    "feeds": lambda read, lang: read(f"feeds:{lang}"),
    "file": lambda read, path: read(f"file:{path}"),
    "form": _form,
    "form_file": _form_file,
    "forms": lambda read: read("forms:"),
    "is_past": lambda read, moment: read("clock:").is_past(datetime.fromisoformat(moment)),
    "kind": lambda read, lang, kind: _cards(read, read(f"list:{lang}/kind={kind}")),
    "link": target,
    "links": targets,
    "localised": _localised,
    "menu": _menu,
    "near": _near,
    "page": lambda read, path: read(f"page:{path}"),
    "page_table": _page_table,
    "pages": lambda read, lang, folder: _cards(read, read(f"list:{lang}/pages={folder}")),
    "picture": _picture,
    "related": _related,
    "section": _section,
    "settings": _settings,
    "shelf": _shelf,
    "sitemap": _sitemap,
    "templates": lambda read: read("templates:"),
    "terms": _terms,
    "today": lambda read: read("clock:").today(),
    "translations": lambda read, name: _cards(read, read(f"translations:{name}")),
    "words": _words,
    "year": lambda read: read("clock:").year(),
}


def until(answer: object) -> datetime | None:
    """When an answer about time will next be another one; None for any other answer."""
    return answer.until if isinstance(answer, Told) else None
