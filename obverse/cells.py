"""Cells: everything an answer may be made of, each by name with a digest.

`card:a.md`, `page:a.md`, `anchors:a.md`, `list:en/tags=x`, `config:site.title`, `template:base.html`, `asset:app.css` …
What does not exist is a cell too, holding None: a missing link target that appears later is just a changed cell.

Every cell has an *origin*, what it is made of (one page's source, or the places of all pages), and an origin has a mark
that is another one whenever any of its cells could be: of an origin that stands as it was, none is unpacked.
"""

from __future__ import annotations

import hashlib
import marshal
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from typing import Any, NamedTuple

from obverse.facts import Heading
from obverse.form_files import Forms
from obverse.shelves import Shelf, places, shelf
from obverse.site import File, Site
from obverse.sources import Source
from obverse.theme import Theme


class Inside(NamedTuple):
    """What only a page itself shows of itself: its body and the front matter that cards do not carry."""

    body: str
    body_line: int
    headings: tuple[Heading, ...]
    words: int
    expires: datetime | None
    canonical: str
    form: str
    cta: str
    toc: bool | None
    draft: bool

    def __repr__(self) -> str:
        """As a plain tuple, which is quicker: answers are told apart by their `repr`."""
        return tuple.__repr__(self)


# The cells that follow from where all pages are: their addresses and their orders by date; and what they are called.
_OF_THE_LAYOUT = frozenset(
    {
        "at",
        "feeds",
        "hidden",
        "names",
        "near",
        "pages",
        "redirects",
        "shelf",
        "terms",
        "translated",
        "translations",
        "url",
        "urls",
    }
)
# Lists are by date and so of the layout, but for these.
_BY_TITLE = ("kind=", "pages=")
_OF_A_PAGE = frozenset({"anchors", "card", "page"})
OF_PAGE = "page:"
# Large, and looked at by the page itself alone: not kept.
_SEEN_ONCE = frozenset({"page"})
LAYOUT = "layout"
LISTED = "listed"
PLACES = "places"
FORMS = "forms"


def origin_of(name: str) -> str:
    """A cell's origin, what it is made of.

    A page ("page:a.md"), a picture ("size:…"), the layout of all pages, what lists of everything show of them, all
    their places, the forms; or the rest ("").
    """
    kind, _, key = name.partition(":")
    if kind in _OF_A_PAGE:
        return OF_PAGE + key
    if kind == "size":
        return name
    if kind in {"form", "forms"}:
        return FORMS
    if kind == "list":
        return PLACES if key.partition("/")[2].startswith(_BY_TITLE) else LAYOUT
    if kind in _OF_THE_LAYOUT:
        return LAYOUT
    return kind if kind in {LISTED, PLACES} else ""


def digest_of_value(value: object) -> bytes:
    """The digest of a plain value or frozen dataclass, 16 bytes."""
    return hashlib.blake2b(repr(value).encode("utf-8", "surrogatepass"), digest_size=16).digest()


def digest_of_rows(rows: tuple[tuple[Any, ...], ...]) -> bytes:
    """The digest of a great many rows of plain values: to write them as Python does takes several times as long."""
    # Version 2 of the format writes values alone: later ones also how objects are shared.
    return hashlib.blake2b(marshal.dumps(rows, 2), digest_size=16).digest()


class Cells:
    """The present value of every cell, looked up when asked for and, unless nobody else will ask, kept."""

    def __init__(
        self,
        site: Site,
        theme: Theme,
        owners: Mapping[str, str],
        planned: str,
        data: Mapping[str, Source],
        sizes: Callable[[File], tuple[int, int] | None],
        forms: Forms,
    ) -> None:
        """Look at a placed site.

        `owners` maps each site-local URL to the content path it shows ("" for a generated page), and `planned` is
        another text whenever one of these could be another; `data` are the data
        files by name; `sizes` tells a picture's width and height in pixels; `forms` are the site's forms.
        """
        self.site = site
        self.theme = theme
        self.owners = owners
        self.data = data
        self._sizes = sizes
        self._marks = {
            LAYOUT: f"{site.layout} {planned}",
            LISTED: f"{site.listed} {planned}",
            PLACES: f"{site.mark} {planned}",
            FORMS: forms.mark,
        }
        self._files_by_url = {file.url: file for file in site.files.values()}
        self._placed: dict[str, dict[str, int]] = {}
        self._values: dict[str, Any] = {}
        self._digests: dict[str, bytes] = {}
        self._kinds: dict[str, Callable[[str], Any]] = {
            "anchors": self._anchors,
            "at": self._at,
            "asset": theme.asset,
            "assets": lambda _: theme.asset_names(),
            "card": lambda key: entry.card if (entry := site.entries.get(key)) else None,
            "clock": lambda _: site.clock,
            "config": self._config,
            # The suffix decides how the bytes are read.
            "data": lambda key: (source.path, source.digest) if (source := data.get(key)) else None,
            "feeds": self._feeds,
            "file": site.files.get,
            "form": forms.by_name.get,
            "forms": lambda _: tuple(name for name, _ in forms.named),
            "hidden": self._hidden,
            "list": lambda key: site.lists.get(key, ()),
            # All places, but for their titles.
            "listed": lambda _: tuple(place.untitled for place in site.places()),
            "names": lambda _: (*site.entries, *site.files),
            "near": lambda key: site.neighbours.get(key, ("", "")),
            "page": self._page,
            "pages": lambda _: tuple(site.entries),
            "places": lambda _: site.places(),
            "redirects": lambda _: tuple(sorted(self._redirects().items())),
            "shelf": self._shelf,
            "size": self._size,
            "template": theme.closure,
            "templates": lambda _: tuple(theme.template_names()),
            "terms": lambda key: site.terms.get(key, ()),
            "translated": lambda _: tuple(site.translations.items()),
            "translations": lambda key: site.translations.get(key, ()),
            "url": owners.get,
            "urls": self._urls,
            "words": theme.words,
        }

    def value(self, name: str) -> Any:
        """What the cell holds now. Raises KeyError for a kind of cell that does not exist."""
        if name in self._values:
            return self._values[name]
        kind, _, key = name.partition(":")
        value = self._kinds[kind](key)
        if kind not in _SEEN_ONCE:
            self._values[name] = value
        return value

    def digest(self, name: str) -> bytes:
        """The digest of what the cell holds now."""
        if name not in self._digests:
            self._digests[name] = self._digest(name)
        return self._digests[name]

    def _digest(self, name: str) -> bytes:
        """A mark where there is one already that is as good: of all places, of a card, of what a page shows."""
        kind, _, key = name.partition(":")
        if kind == PLACES:
            return self.site.mark.encode()
        if kind == LISTED:
            return self.site.listed.encode()
        if kind == "page" and key in self.site.entries:
            return self.site.entries[key].mark.encode()
        if kind == "card" and (card := self.value(name)) and card.mark:
            return bytes.fromhex(card.mark)
        return digest_of_value(self.value(name))

    def mark(self, origin: str) -> str | None:
        """What an origin is like now: the same text, the same cells. None where only looking at the cells can tell.

        Pages have theirs from their places, by which it is known which of them have changed.
        """
        kind, _, key = origin.partition(":")
        if kind == "size":
            file = self._files_by_url.get(key)
            return file.digest if file else ""
        return self._marks.get(kind)

    def others(self, marks: Mapping[str, str | None]) -> Iterator[str]:
        """Those origins whose cells may be others than when they had these marks."""
        for origin, mark in marks.items():
            if mark is None or mark != self.mark(origin):
                yield origin

    def _anchors(self, path: str) -> tuple[str, ...] | None:
        entry = self.site.entries.get(path)
        return entry.facts.ids if entry else None

    def _at(self, key: str) -> str | None:
        """The article at a place of a language, counted from the oldest."""
        lang, _, place = key.rpartition("/")
        articles = self.site.lists.get(f"{lang}/articles", ())
        number = len(articles) - 1 - int(place)
        return articles[number] if number >= 0 else None

    def _feeds(self, lang: str) -> bool:
        """Whether a language has articles, which feeds are made of."""
        return bool(self.site.lists.get(f"{lang}/articles"))

    def _redirects(self) -> dict[str, str]:
        """Where addresses lead on to, but for those that something else answers at by now."""
        asked = self.site.redirects.items()
        return {url: path for url, (path, _) in asked if self.owners.get(url) == path}

    def _urls(self, _: str) -> tuple[str, ...]:
        """The addresses to be suggested: none that a page has left."""
        left = self._redirects()
        return tuple(url for url in self.owners if url not in left)

    def _shelf(self, key: str) -> Shelf:
        lang = key.partition("/")[0]
        if lang not in self._placed:
            self._placed[lang] = places(self.site.lists.get(f"{lang}/articles", ()))
        return shelf(self.site.lists.get(key, ()), self._placed[lang])

    def _config(self, key: str) -> Any:
        value: Any = self.site.config
        for part in key.split("."):
            value = getattr(value, part)
        return value

    def _hidden(self, path: str) -> str | None:
        if path in self.site.hidden_files:
            return "draft"
        hidden = self.site.hidden.get(path)
        return hidden.state if hidden else None

    def _size(self, url: str) -> tuple[int, int] | None:
        file = self._files_by_url.get(url)
        return self._sizes(file) if file else None

    def _page(self, path: str) -> Inside | None:
        entry = self.site.entries.get(path)
        return Inside(entry.body, *entry.inside) if entry else None
