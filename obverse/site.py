"""Site: all pages in their places. What `index` makes of surveyed pages; everything later reads only this."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from datetime import datetime
from typing import Any, NamedTuple, Protocol

from obverse.clock import Clock
from obverse.config import Config
from obverse.facts import Facts
from obverse.page import Page
from obverse.problems import Problem


class Unpacked(Protocol):
    """A page and the facts of its body; and what is shown inside of it, for which neither need be made."""

    @property
    def page(self) -> Page:
        """The page, without its body."""

    @property
    def facts(self) -> Facts:
        """What is known of its body."""

    @property
    def inside(self) -> tuple[Any, ...]:
        """The line its body begins on, headings, words, and some of its front matter: see `Surveyed.inside`."""


class Surveyed:
    """A page and the facts of its body, unpacked when somebody looks at them; what places it is at hand.

    `path` is the content path, `glance` what can be said without unpacking, `body` the memo key under which the body's
    parts are kept, `mark` the digest of the source.
    """

    __slots__ = ("_packed", "_unpack", "body", "glance", "mark", "path")

    def __init__(
        self,
        path: str,
        glance: Glance,
        body: str,
        mark: str,
        packed: bytes,
        unpack: Callable[[str, bytes], Unpacked],
    ) -> None:
        """`unpack` gives the page at `path` from what it is packed in.

        It is asked each time, so that a site is not all unpacked at once.
        """
        self.path = path
        self.glance = glance
        self.body = body
        self.mark = mark
        self._packed = packed
        self._unpack = unpack

    @property
    def page(self) -> Page:
        """The page, without its body."""
        return self._unpack(self.path, self._packed).page

    @property
    def facts(self) -> Facts:
        """What is known of its body."""
        return self._unpack(self.path, self._packed).facts

    @property
    def inside(self) -> tuple[Any, ...]:
        """What only the page itself shows of itself, in the order of `cells.Inside`, but for its body's key."""
        return self._unpack(self.path, self._packed).inside


class Glance(NamedTuple):
    """What decides whether a page is out: times in seconds since 1970.

    `told` says that reading it found problems, `wordy` that its body has words; `home` is the site-local URL of a
    bundle's page ("" for any other), under which its files are published.
    """

    name: str
    lang: str
    draft: bool
    date: float | None
    expires: float | None
    told: bool
    wordy: bool
    home: str


class Place(NamedTuple):
    """Where a published page stands: all that the orders of the site are made of.

    `url` is the href; `top` the dated section around it ("" elsewhere); `date` in seconds since 1970; `selectors` are
    the keys of the lists it is on; `terms` are (language, taxonomy, slug, name, href); `aliases` its former URLs;
    `template` and `form` those its front matter asks for. `id` and `authors` are what tables of all pages show.

    What follows from `SHOWN` on changes no address and none of the orders by date: `noindex`, and `dated` and `changed`
    (ISO 8601, "" for none), are shown in lists of everything. From `TITLE` on, neither do they: `title` is folded for
    sorting, `label` is the title as it is shown.
    """

    path: str
    name: str
    lang: str
    kind: str
    section: str
    top: str
    url: str
    date: float | None
    weight: int
    selectors: tuple[str, ...]
    terms: tuple[tuple[str, str, str, str, str], ...]
    aliases: tuple[str, ...]
    template: str
    form: str
    draft: bool
    id: str
    authors: tuple[str, ...]
    noindex: bool
    dated: str
    changed: str
    title: str
    label: str

    @property
    def untitled(self) -> Place:
        """The same without its title."""
        return Place._make((*self[:TITLE], "", ""))


# The first field of a place that no address and no order by date depends on, and the first that only titles show.
SHOWN = Place._fields.index("noindex")
TITLE = Place._fields.index("title")


@dataclass(frozen=True, slots=True)
class Term:
    """One term of a taxonomy as some page spells it: `url` is the page that lists everything under it."""

    taxonomy: str
    slug: str
    name: str
    url: str


@dataclass(slots=True, repr=False)
class Card:
    """What others may know of a page. It is made of its own source and the settings alone.

    `url` is the href (with base path); `section` is the content folder the page belongs to ("articles"); `authors` are
    content paths; `image` is an href or ""; `minutes` is reading time, at least 1. `date` and `updated` carry a zone.
    Nobody changes one. It is not frozen, because so many are made, and of a frozen one each field costs a call.
    """

    path: str
    id: str
    kind: str
    name: str
    lang: str
    url: str
    title: str
    description: str
    standfirst: str
    excerpt: str
    date: datetime | None
    updated: datetime | None
    authors: tuple[str, ...]
    tags: tuple[Term, ...]
    category: Term | None
    series: Term | None
    section: str
    image: str
    image_alt: str
    minutes: int
    weight: int
    noindex: bool
    extra: Mapping[str, Any]
    mark: str = field(default="", init=False, compare=False)

    @classmethod
    def bare(cls, kind: str, lang: str, url: str, title: str) -> Card:
        """The card of a page that nobody wrote: an href and a title is all there is to it."""
        return cls(
            path="", id="", kind=kind, name="", lang=lang, url=url, title=title, description="",
            standfirst="", excerpt="", date=None, updated=None, authors=(), tags=(), category=None, series=None,
            section="", image="", image_alt="", minutes=1, weight=0, noindex=False, extra={},
        )  # fmt: skip

    def __repr__(self) -> str:
        """A short text that differs whenever a card does: answers are full of cards, and told apart by their `repr`."""
        if not self.mark:
            self.tell_apart(repr([getattr(self, name) for name in _SAID]).encode("utf-8", "surrogatepass"))
        return f"Card({self.path!r}, {self.mark})"

    def tell_apart(self, whole: bytes) -> None:
        """Have this in its `repr` stand for all of it: `whole` is the same whenever the card is, and only then."""
        self.mark = hashlib.blake2b(whole, digest_size=16).hexdigest()


_SAID = tuple(one.name for one in fields(Card) if one.init)


class Entry:
    """A page in its place: its source, the facts of its body, its card. Each is unpacked when somebody looks at it."""

    __slots__ = ("_card", "_card_of", "_packed", "_surveyed", "body", "mark", "place")

    def __init__(
        self, surveyed: Surveyed, place: Place, mark: str, packed: bytes, card_of: Callable[[bytes], Card]
    ) -> None:
        """`mark` is another text whenever anything of it may be; `card_of` gives the card from what it is packed in."""
        self._surveyed = surveyed
        self._packed = packed
        self._card_of = card_of
        self._card: Card | None = None
        self.place = place
        self.mark = mark
        self.body = surveyed.body

    @property
    def page(self) -> Page:
        """The page, without its body."""
        return self._surveyed.page

    @property
    def facts(self) -> Facts:
        """What is known of its body."""
        return self._surveyed.facts

    @property
    def inside(self) -> tuple[Any, ...]:
        """What only the page itself shows of itself: see `Surveyed.inside`."""
        return self._surveyed.inside

    @property
    def glance(self) -> Glance:
        """What is known of it without unpacking anything."""
        return self._surveyed.glance

    @property
    def card(self) -> Card:
        """What others may know of it."""
        if self._card is None:
            self._card = self._card_of(self._packed)
        return self._card


class Hidden(NamedTuple):
    """A page that is not published now: why ("draft", "scheduled", "expired") and from when that changes, if ever."""

    surveyed: Surveyed
    state: str
    until: float

    @property
    def page(self) -> Page:
        """The page, without its body."""
        return self.surveyed.page


class File(NamedTuple):
    """A file published as it is: its content path, href, digest, and where it lies on disk."""

    path: str
    url: str
    digest: str
    file: str


class Site(NamedTuple):
    """The whole site, in order.

    `entries` and `hidden` by content path; `places` gives those of all entries; `lists` by "language/selector" give
    content paths in reading order, newest first for articles; `terms` by "language/taxonomy" in order of name, with how
    many pages each has; `redirects` map site-local URLs to content paths; `asking` has the forms that front matter asks
    for, by content path; `next_due` is when a hidden page appears or a visible one expires. Texts tell what may be
    another one: `layout` an address or an order by date, `listed` also what lists of everything show but titles, `mark`
    anything of any place. `orders` and `standing` are what the next index needs of this one.
    """

    config: Config
    clock: Clock
    entries: Mapping[str, Entry]
    hidden: Mapping[str, Hidden]
    files: Mapping[str, File]
    hidden_files: frozenset[str]
    places: Callable[[], tuple[Place, ...]]
    lists: Mapping[str, tuple[str, ...]]
    terms: Mapping[str, tuple[tuple[Term, int], ...]]
    neighbours: Mapping[str, tuple[str, str]]
    translations: Mapping[str, tuple[str, ...]]
    redirects: Mapping[str, tuple[str, str]]
    asking: Mapping[str, str]
    next_due: datetime
    problems: tuple[Problem, ...]
    layout: str
    listed: str
    mark: str
    orders: Mapping[str, Any]
    standing: tuple[Any, ...]
