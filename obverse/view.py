"""View: the only door from a template to the site. Every step through it is a question that the output remembers.

A `View` is made for one job. What it hands out are plain answers, wrapped so that what they name (a card's authors, its
section) is asked for only when a template looks.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from datetime import date, datetime
from operator import attrgetter
from typing import TYPE_CHECKING, Any, NamedTuple

from markupsafe import Markup

from obverse.addresses import slug
from obverse.answers import Answers
from obverse.cells import Inside
from obverse.jobs import Job
from obverse.ledger import Key
from obverse.links import Target
from obverse.problems import Problem, nearest, problem
from obverse.questions import OF_ONE_PAGE, Settings
from obverse.site import Card, Term

if TYPE_CHECKING:
    from obverse.forms import Form

TOC_LEVELS = (2, 3)
TOC_LEAST = 3

Known = dict[Key, tuple[int, Any]]
"""What was asked in this build: a question's number and its answer."""


class Refused(Exception):  # noqa: N818 - it says what happened, like jinja2.TemplateNotFound
    """Raised when a template asks for what cannot be given; carries the problem, which gets the template's line."""

    def __init__(self, found: Problem) -> None:
        super().__init__(found.message)
        self.problem = found

    @classmethod
    def because(cls, code: str, message: str, hint: str = "") -> Refused:
        """A refusal whose place is the template's."""
        return cls(problem(code, "", message, hint=hint))


class Free(dict[str, Any]):
    """A free table (`extra`, `[theme]`): what is not in it is None, so that a template may simply ask."""

    def __missing__(self, key: str) -> None:
        return None


class MenuItem(NamedTuple):
    """One entry of a menu; `current` when it leads to the page at hand or to the section around it."""

    label: str
    url: str
    current: bool


@dataclass(frozen=True, slots=True)
class CountedTerm:
    """A term in the list of its taxonomy, with the number of its articles."""

    taxonomy: str
    name: str
    url: str
    count: int


@dataclass(frozen=True, slots=True)
class ListPage:
    """What a list template shows: cards, its number (0 is the front), and its neighbours' hrefs ("" at the ends)."""

    items: tuple[CardView, ...]
    number: int = 0
    newer: str = ""
    older: str = ""


@dataclass(frozen=True, slots=True)
class FormView:
    """A form for a template: what it is called, its HTML, whether it takes files, and whether browsers keep drafts.

    In a feed, where no form works, that is a link to it.
    """

    name: str
    title: str
    html: Markup
    in_feed: bool = False
    takes_files: bool = False
    keeps_drafts: bool = False

    def __html__(self) -> str:
        return str(self.html)


class CardView:
    """A card as templates see it: the fields of `Card`, with its authors and section as cards themselves."""

    __slots__ = ("_card", "_view")

    def __init__(self, card: Card, view: View) -> None:
        self._card = card
        self._view = view

    def __getattr__(self, name: str) -> Any:
        return getattr(self._card, name)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, CardView) and other._card.url == self._card.url

    def __hash__(self) -> int:
        return hash(self._card.url)

    @property
    def title(self) -> str:
        """The title; of a page that nobody wrote, the theme's word for its kind."""
        if self._card.title:
            return self._card.title
        taxonomy = f".{self._view.job.params[0]}" if self._card.kind == "terms" else ""
        return self._view.t(f"title.{self._card.kind}{taxonomy}")

    @property
    def authors(self) -> tuple[CardView, ...]:
        """The cards of its authors."""
        cards = (self._view.ask("localised", path, self._card.lang) for path in self._card.authors)
        return tuple(CardView(card, self._view) for card in cards if card)

    @property
    def section(self) -> CardView | None:
        """The card of the section it lies in."""
        return self._view.wrapped(self._view.ask("section", self._card.section, self._card.lang))

    @property
    def card(self) -> Card:
        """The card itself."""
        return self._card

    @property
    def folder(self) -> str:
        """The content folder it belongs to."""
        return self._card.section

    @property
    def extra(self) -> Mapping[str, Any]:
        """The free values of its front matter."""
        return Free(self._card.extra)


def _plainly_shown() -> None:
    """Give `CardView` the other fields of `Card`: found by `__getattr__` they would take templates twice the time."""
    for one in fields(Card):
        if one.init and one.name not in vars(CardView):
            setattr(CardView, one.name, property(attrgetter(f"_card.{one.name}")))


_plainly_shown()


class PageView(CardView):
    """The page an output is about: a card, and what only the page itself shows."""

    __slots__ = ()

    def _inside(self) -> Inside | None:
        return self._view.inside(self._card.path)

    @property
    def body(self) -> Any:
        """The body as safe HTML, links and pictures resolved, components rendered."""
        return self._view.body(self._card)

    @property
    def toc(self) -> tuple[Any, ...]:
        """Its headings of levels 2 and 3; none when there are fewer than three, or `toc: false`."""
        inside = self._inside()
        if inside is None or inside.toc is False:
            return ()
        found = tuple(heading for heading in inside.headings if heading.level in TOC_LEVELS)
        return found if inside.toc or len(found) >= TOC_LEAST else ()

    @property
    def words(self) -> int:
        """How many words of running text its body has."""
        inside = self._inside()
        return inside.words if inside else 0

    @property
    def expires(self) -> datetime | None:
        """When it will be taken down."""
        inside = self._inside()
        return inside.expires if inside else None

    @property
    def canonical(self) -> str:
        """The canonical URL its front matter names, or ""."""
        inside = self._inside()
        return inside.canonical if inside else ""

    @property
    def form(self) -> str:
        """The form its front matter names, or ""."""
        inside = self._inside()
        name = inside.form if inside else ""
        # A name that is none is told at the front matter.
        return name if name and name in self._view.ask("forms") else ""

    @property
    def cta(self) -> str:
        """The call to action its front matter names, or ""."""
        inside = self._inside()
        return inside.cta if inside else ""


class SiteView:
    """The site's settings as templates see them."""

    __slots__ = ("_view",)

    def __init__(self, view: View) -> None:
        self._view = view

    @property
    def title(self) -> str:
        """`[site] title`."""
        return self._view.settings.title

    @property
    def tagline(self) -> str:
        """`[site] tagline`."""
        return self._view.settings.tagline

    @property
    def description(self) -> str:
        """`[site] description`."""
        return self._view.settings.description

    @property
    def url(self) -> str:
        """`[site] url`, absolute, without a closing slash."""
        return self._view.settings.url

    @property
    def language(self) -> str:
        """`[site] language`."""
        return self._view.settings.language

    @property
    def author(self) -> str:
        """`[site] author`."""
        return self._view.settings.author

    @property
    def home(self) -> str:
        """The href of the home page in the language of the page at hand."""
        settings, lang = self._view.settings, self._view.lang
        return f"{settings.base_path}/" if lang == settings.language else f"{settings.base_path}/{lang}/"

    @property
    def theme(self) -> Mapping[str, Any]:
        """The free `[theme]` table."""
        return Free(self._view.ask("config", "theme"))


# What is recorded as it is. A set of names would be made anew at each look.
_PLAIN = frozenset({str, int, bool, float, type(None)})


def _plain(argument: Any) -> Any:
    """An argument as it can be recorded: a template's safe text (a kind of str) is a text. Raises Refused."""
    if type(argument) in _PLAIN:
        return argument
    if isinstance(argument, (tuple, list)):
        return tuple([one if type(one) is str else _plain(one) for one in argument])
    if isinstance(argument, str):
        return str.__str__(argument)
    kind, shown = type(argument).__name__, str(argument)  # an undefined value says so by itself
    raise Refused.because("template-error", f"a {kind} is nothing that can be asked for: {shown[:60]}")


class View:
    """What one output may ask; records the numbers of its questions, the assets it wants, and problems on the way."""

    __slots__ = (
        "_answers",
        "_bodies",
        "_data",
        "_forms",
        "_insides",
        "_known",
        "_settings",
        "_words",
        "defined",
        "job",
        "lang",
        "problems",
        "reads",
        "wants",
    )

    def __init__(
        self,
        job: Job,
        answers: Answers,
        known: Known,
        lang: str,
        bodies: Callable[[View, Card], Any],
        data: Callable[[str], Any],
    ) -> None:
        """`known` is what all views of a build share; `bodies` renders a card's body; `data` reads a data file."""
        self.job = job
        self.lang = lang
        self.reads: dict[int, None] = {}
        self.wants: dict[str, None] = {}
        self.problems: list[Problem] = []
        self.defined: list[dict[str, Any]] = []
        self._forms: dict[str, int] = {}
        self._insides: dict[str, Inside | None] = {}
        self._settings: Settings | None = None
        self._words: Mapping[str, str] | None = None
        self._answers = answers
        self._known = known
        self._bodies = bodies
        self._data = data

    def ask(self, kind: str, *arguments: Any) -> Any:
        """The answer to a question, remembered as one this output depends on."""
        key = (kind, *arguments)
        try:
            found = self._known.get(key)
        except Exception:  # noqa: BLE001 - a list, or whatever else a template made that has no hash
            found = None
        if found is None:
            key = (kind, *map(_plain, arguments))
            found = self._answers.ask(key)
            if kind not in OF_ONE_PAGE:
                self._known[key] = found
        self.note(kind, found[0])
        return found[1]

    def note(self, _kind: str, number: int) -> None:
        """Remember a question by number."""
        self.reads[number] = None

    def close(self) -> None:
        """Let go of what templates defined while they were rendered.

        Macros and the variables around them name each other: left alone, they wait until somebody looks for garbage.
        """
        for variables in self.defined:
            variables.clear()

    def wrapped(self, card: Card | None) -> CardView | None:
        """A card for a template."""
        return CardView(card, self) if card else None

    def _all(self, cards: tuple[Card, ...]) -> tuple[CardView, ...]:
        return tuple(CardView(card, self) for card in cards)

    @property
    def settings(self) -> Settings:
        """What nearly every page shows of the settings."""
        if self._settings is None:
            self._settings = self.ask("settings")
        return self._settings

    def inside(self, path: str) -> Inside | None:
        """What only the page at a content path shows of itself; None for a page that nobody wrote."""
        if path not in self._insides:
            self._insides[path] = self.ask("page", path) if path else None
        return self._insides[path]

    # What templates call. Every name here is in docs/designers.md.

    def page(self, path: str) -> CardView | None:
        """The card of the page at a content path, in the language at hand, or None."""
        return self.wrapped(self.ask("localised", path, self.lang))

    def articles(
        self,
        section: str = "",
        tag: str = "",
        category: str = "",
        author: str = "",
        series: str = "",
        limit: int = 0,
        offset: int = 0,
    ) -> tuple[CardView, ...]:
        """Articles, newest first, on every list named (terms by name, authors by file name); `limit` 0 is no limit."""
        path = author if author.endswith(".md") or not author else f"authors/{author}.md"
        wanted = {"section": section, "tags": slug(tag), "categories": slug(category), "series": slug(series)}
        selectors = [f"{name}={value}" for name, value in {**wanted, "authors": path}.items() if value]
        return self._all(self.ask("articles", self.lang, tuple(selectors) or ("articles",), limit, offset))

    def pages(self, section: str = "") -> tuple[CardView, ...]:
        """The undated pages of a section by weight, then title."""
        return self._all(self.ask("pages", self.lang, section))

    def pages_of_kind(self, kind: str) -> tuple[CardView, ...]:
        """All pages of a kind ("author", "page" …) by weight, then title."""
        return self._all(self.ask("kind", self.lang, kind))

    def next(self, page: CardView) -> CardView | None:
        """The next newer article of the section."""
        return self.wrapped(self.ask("near", page.path)[0]) if page.path else None

    def previous(self, page: CardView) -> CardView | None:
        """The next older article of the section."""
        return self.wrapped(self.ask("near", page.path)[1]) if page.path else None

    def related(self, page: CardView, limit: int = 2) -> tuple[CardView, ...]:
        """The articles that share most terms with a page."""
        return self._all(self.ask("related", page.path, limit)) if page.path else ()

    def terms(self, taxonomy: str) -> tuple[CountedTerm, ...]:
        """All terms of a taxonomy by name, with counts."""
        rows: tuple[tuple[Term, int], ...] = self.ask("terms", self.lang, taxonomy)
        return tuple(CountedTerm(term.taxonomy, term.name, term.url, count) for term, count in rows)

    def author(self, name: str) -> CardView | None:
        """The card of an author by file name."""
        return self.page(f"authors/{name}.md")

    def menu(self, name: str) -> tuple[MenuItem, ...]:
        """The items of a menu from `[menus]`."""
        home, here = SiteView(self).home, self.here
        rows = self.ask("menu", name, self.lang)
        return tuple(
            MenuItem(label, url, url == here or (url != home and url.endswith("/") and here.startswith(url)))
            for label, url in rows
        )

    @property
    def here(self) -> str:
        """The href of the output at hand."""
        return self.settings.base_path + self.job.url

    def translations(self, page: CardView) -> tuple[CardView, ...]:
        """A page in all the languages it has, if there are several."""
        if not self.settings.languages or not page.name:
            return ()
        return self._all(self.ask("translations", page.name))

    def link(self, destination: str) -> str:
        """The href of a destination named by its content path or address. A broken one is a problem."""
        found: Target = self.ask("link", "", destination)
        if found.code:
            raise Refused.because(found.code, found.message, found.hint)
        return found.url

    def asset(self, name: str) -> str:
        """The href of a fingerprinted asset, which is then published."""
        found = self.ask("asset", name)
        if found is None:
            hint = nearest(name, self.ask("assets"))
            raise Refused.because("unknown-asset", f"no such asset: '{name}'", hint or "put it in templates/assets/")
        self.wants[name] = None
        return str(found.url)

    def data(self, name: str) -> Any:
        """A data file of `content/_data/`, parsed, by name without suffix."""
        if self.ask("data", name) is None:
            raise Refused.because("unknown-data", f"no such data: '{name}'", "put it in content/_data/")
        return self._data(name)

    def body(self, card: Card) -> Any:
        """A page's body as safe HTML."""
        return self._bodies(self, card)

    def form(self, name: str) -> FormView:
        """A form by file name, ready to print, in the language at hand. It remembers the page it stands in."""
        found: Form | None = self.ask("form", name, self.lang)
        if found is None:
            hint = nearest(name, self.ask("forms")) or f"write content/forms/{name}.md"
            raise Refused.because("unknown-form", f"no such form: '{name}'", hint)
        if self.job.kind == "feed":
            return FormView(name, found.title, Markup(), in_feed=True)
        count = self._forms[name] = self._forms.get(name, 0) + 1
        action = f"{self.ask('config', 'capture_url')}/_ob/f/{name}"
        from obverse.forms.html import form_html  # which few pages need

        html = form_html(
            found, action, self.t, hidden={"_ob_page": self._page_id()}, prefix=f"{count}-" if count > 1 else ""
        )
        return FormView(
            name,
            found.title,
            Markup(html),  # noqa: S704 - it escapes all it is given
            takes_files=bool(found.files),
            keeps_drafts=self.ask("config", "capture.keep_drafts"),
        )

    def _page_id(self) -> str:
        """What a submission from this output names its page by: the page's id, the URL of one that nobody wrote."""
        card = self.ask("card", self.job.subject) if self.job.subject else None
        return str(card.id) if card else self.here

    def absolute(self, href: str) -> str:
        """An href as an absolute URL of the published site."""
        if not href.startswith("/"):
            return href
        settings = self.settings
        return settings.url + href.removeprefix(settings.base_path)

    def t(self, key: str, **values: Any) -> str:
        """The word `key` in the language at hand, its {names} filled; with `n`, the form for that number."""
        words = self._words
        if words is None:
            words = self._words = self.ask("catalogue", self.lang)
        word = None
        if "n" in values:
            word = words.get(f"{key}.one" if values["n"] == 1 else f"{key}.other")
        if word is None:
            word = words.get(key)
        if word is None:
            hint = f"add it to templates/words/{self.lang}.toml"
            raise Refused.because("unknown-word", f"no such word: '{key}'", hint)
        if "{" not in word and "}" not in word:  # as most are: nothing to fill, nothing to be wrong
            return word
        try:
            return word.format(**values)
        except (KeyError, IndexError, ValueError) as error:
            raise Refused.because("unknown-word", f"the word '{key}' cannot be filled: {error}") from error

    @property
    def today(self) -> date:
        """The day of the build in the site's time zone."""
        day: date = self.ask("today").value
        return day

    @property
    def year(self) -> int:
        """The year of the build in the site's time zone."""
        return int(self.ask("year").value)

    def is_past(self, moment: datetime) -> bool:
        """Whether a moment has come."""
        return bool(self.ask("is_past", moment.isoformat()).value)

    def age_in_days(self, moment: datetime) -> int:
        """Whole calendar days from a moment to today."""
        return int(self.ask("age_in_days", moment.isoformat()).value)
