"""index: all surveyed pages -> the Site: who is published now, in which order, under which terms, beside whom."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from obverse.addresses import beneath, encoded, folder_of, is_markdown, with_slash
from obverse.clock import NEVER, Clock
from obverse.config import Config
from obverse.moves import Moves
from obverse.placing import Ground, address, card_of, dated_section, kind_of
from obverse.problems import Problem, nearest, problem, softened
from obverse.site import Card, Entry, File, Hidden, Site, Surveyed, Term
from obverse.sources import Source

TAXONOMIES = ("tags", "categories", "series")

UNREADABLE = "unreadable"

# Top folders whose files are read, never published.
PRIVATE = ("forms", "authors", "_data")


def index(
    pages: Iterable[Surveyed], sources: Iterable[Source], config: Config, clock: Clock, moves: Moves, *, drafts: bool
) -> Site:
    """Put every page in its place. `sources` are the files under `content/`; `drafts` shows what is not published."""
    everything = sorted(pages, key=lambda one: one.page.path)
    states = {one.page.path: _state(one, clock, drafts=drafts) for one in everything}
    hidden = {path: state for path, state in states.items() if state.state}
    visible = [one for one in everything if one.page.path not in hidden]
    files, hidden_files = _files(sources, everything, hidden, config)
    ground = Ground(config, {path: file.url for path, file in files.items()}, moves.first_paths(), _authors(visible))
    entries, problems = _entries(visible, ground)
    shelves = _Shelves(config, [entry.card for entry in entries.values()])
    return Site(
        config=config,
        clock=clock,
        entries=entries,
        hidden=hidden,
        files=files,
        hidden_files=hidden_files,
        lists=shelves.lists(),
        terms=shelves.terms(),
        neighbours=shelves.neighbours(),
        translations=shelves.translations(),
        redirects=_redirects(entries, config, moves),
        next_due=_next_due(visible, hidden),
        problems=(
            *problems,
            *_softened_problems(everything, hidden),
            *_term_problems(entries),
            *_alias_problems(entries),
            *_menus(config, states),
        ),
    )


def _state(one: Surveyed, clock: Clock, *, drafts: bool) -> Hidden:
    """Whether a page is out now (state "") or why not; `until` is when that changes by itself."""
    matter = one.page.matter
    if _unreadable(one.page.problems):
        return Hidden(one.page, UNREADABLE, NEVER)
    if matter.expires and matter.expires <= clock.now:
        return Hidden(one.page, "expired", NEVER)
    if drafts:
        return Hidden(one.page, "", matter.expires or NEVER)
    if matter.draft:
        return Hidden(one.page, "draft", NEVER)
    if matter.date and matter.date > clock.now:
        return Hidden(one.page, "scheduled", matter.date)
    return Hidden(one.page, "", matter.expires or NEVER)


def _next_due(visible: list[Surveyed], hidden: Mapping[str, Hidden]) -> datetime:
    expiring = (one.page.matter.expires for one in visible)
    return min((*(moment for moment in expiring if moment), *(one.until for one in hidden.values())), default=NEVER)


def _softened_problems(everything: list[Surveyed], hidden: Mapping[str, Hidden]) -> tuple[Problem, ...]:
    """What parsing and surveying found; of a page that is not out (or is a draft being previewed) it only warns."""
    found: list[Problem] = []
    for one in everything:
        own = (*one.page.problems, *one.facts.problems)
        spared = one.page.path in hidden or one.page.matter.draft
        found.extend(softened(own) if spared and not _unreadable(own) else own)
    return tuple(found)


def _unreadable(problems: Iterable[Problem]) -> bool:
    """A page whose front matter cannot be read might be anything: it is left out, and its problems always block."""
    return any(one.code in {"front-matter", "unreadable"} for one in problems)


def _authors(visible: list[Surveyed]) -> frozenset[str]:
    return frozenset(one.page.path for one in visible if folder_of(one.page.path) == "authors")


def _entries(visible: list[Surveyed], ground: Ground) -> tuple[dict[str, Entry], list[Problem]]:
    """Everyone's card; an article without a date has no place, so nothing but that is said of it."""
    entries: dict[str, Entry] = {}
    problems: list[Problem] = []
    for one in visible:
        card, found = card_of(one, ground)
        if card.kind == "article" and card.date is None:
            found = (_undated(card.path),)
        else:
            entries[card.path] = Entry(one.page, one.facts, one.body, card)
        problems.extend(softened(found) if one.page.matter.draft else found)
    return entries, problems


def _undated(path: str) -> Problem:
    hint = "add a date, or move the page out of the dated section"
    return problem("missing-date", f"content/{path}", "an article needs a date", line=1, column=1, hint=hint)


def _files(
    sources: Iterable[Source], pages: list[Surveyed], hidden: Mapping[str, Hidden], config: Config
) -> tuple[dict[str, File], frozenset[str]]:
    """The files published as they are. Those of a bundle go where its page goes, and stay at home when it does."""
    bundles = _bundles(pages, config)
    files, kept_back = {}, set()
    for source in sources:
        path = source.path.removeprefix("content/")
        if is_markdown(path) or private(path):
            continue
        home = _bundle_around(path, bundles)
        if home is not None and bundles[home].page.path in hidden:
            kept_back.add(path)
            continue
        url = encoded("/" + path)
        if home is not None:
            page = bundles[home].page
            url = beneath(address(page, kind_of(page, config)[0], config)) + encoded(path[len(home) + 1 :])
        files[path] = File(path, config.base_path + url, source.digest, source.file)
    return files, frozenset(kept_back)


def _bundles(pages: list[Surveyed], config: Config) -> dict[str, Surveyed]:
    """The page of each bundle by its folder: the one in the site's own language, if there are several."""
    own = config.site.language
    found = [one for one in pages if one.page.name.split("/")[-1] == "index" and folder_of(one.page.path)]
    return {folder_of(one.page.path): one for one in sorted(found, key=lambda one: one.page.lang == own)}


def private(path: str) -> bool:
    """Whether a content file is never published: in a folder for forms, authors or data, or marked with "_" or "~"."""
    parts = path.split("/")
    return parts[0] in PRIVATE or any(part.startswith(("_", ".")) or part.endswith("~") for part in parts)


def _bundle_around(path: str, bundles: Mapping[str, Surveyed]) -> str | None:
    folder = folder_of(path)
    while folder:
        if folder in bundles:
            return folder
        folder = folder_of(folder)
    return None


def _redirects(entries: Mapping[str, Entry], config: Config, moves: Moves) -> dict[str, tuple[str, str]]:
    """Site-local URL -> (content path it leads to, where that was asked for): aliases, then recorded moves."""
    found: dict[str, tuple[str, str]] = {}
    for path, entry in entries.items():
        for alias in entry.page.matter.aliases:
            url = with_slash(encoded(alias))
            if config.base_path + url != entry.card.url:
                found[url] = (path, f"content/{path}")
    # A page that stands at an old address now answers there by itself.
    taken = {entry.card.url for entry in entries.values()}
    for url, path in moves.urls.items():
        if path in entries and config.base_path + url not in taken:
            found.setdefault(url, (path, "content/_moves.toml"))
    return found


# The front matter key that names the terms of a taxonomy.
_KEYS = {"tags": "tags", "categories": "category", "series": "series"}


def _term_problems(entries: Mapping[str, Entry]) -> list[Problem]:
    """Terms that cannot be told apart by address, and terms no address can be made of."""
    found = []
    spelled: dict[tuple[str, str, str], tuple[str, str]] = {}
    for entry in entries.values():
        for one in _terms_of(entry.card):
            key = _KEYS[one.taxonomy]
            if not one.slug:
                message, hint = f"no address can be made of the term '{one.name}'", "use letters or digits"
                found.append(_at(entry, key, "term-name", message, hint))
                continue
            mine = (one.name, f"content/{entry.card.path}")
            first, place = spelled.setdefault((entry.card.lang, one.taxonomy, one.slug), mine)
            if first != one.name:
                message = f"'{one.name}' is spelled '{first}' in {place}"
                found.append(_at(entry, key, "term-spelling", message, "spell a term one way"))
    return found


def _alias_problems(entries: Mapping[str, Entry]) -> list[Problem]:
    """Aliases that two pages claim."""
    found = []
    claimed: dict[str, str] = {}
    for path, entry in entries.items():
        for alias in entry.page.matter.aliases:
            first = claimed.setdefault(with_slash(encoded(alias)), path)
            if first != path:
                message = f"content/{first} and content/{path} would both answer for {alias}"
                found.append(_at(entry, "aliases", "url-collision", message, "let one of them have it"))
    return found


def _at(entry: Entry, key: str, code: str, message: str, hint: str) -> Problem:
    """A problem at a front matter key; of a draft it only warns."""
    line, column = entry.page.places.get(key, (1, 1))
    one = problem(code, f"content/{entry.card.path}", message, line=line, column=column, hint=hint)
    return softened((one,))[0] if entry.page.matter.draft else one


def _menus(config: Config, states: Mapping[str, Hidden]) -> list[Problem]:
    problems = []
    for name, items in config.menus.items():
        for item in items:
            if item.page and item.page not in states:
                hint = nearest(item.page, states) or "name a page by its path under content/"
                message = f"menu '{name}' names a page that is not there: '{item.page}'"
                problems.append(problem("unknown-page", "obverse.toml", message, line=item.line, hint=hint))
    return problems


@dataclass(frozen=True, slots=True)
class _Shelves:
    """The orders in which the published pages stand."""

    config: Config
    cards: list[Card]

    def lists(self) -> dict[tuple[str, str], tuple[str, ...]]:
        """Content paths by (language, selector): "articles", "section=x", "tags=x", "authors=x", "pages=x" …"""
        found: dict[tuple[str, str], list[str]] = defaultdict(list)
        for card in self._newest_first():
            for selector in self._article_selectors(card):
                found[card.lang, selector].append(card.path)
        for card in sorted(self.cards, key=lambda card: (card.weight, card.title.casefold(), card.path)):
            found[card.lang, f"kind={card.kind}"].append(card.path)
            if card.kind in {"page", "section"}:
                found[card.lang, f"pages={card.section}"].append(card.path)
        return {key: tuple(paths) for key, paths in found.items()}

    def terms(self) -> dict[tuple[str, str], tuple[tuple[Term, int], ...]]:
        """Each taxonomy's terms by name with the number of their articles; a term is named as most of them spell it."""
        spellings: dict[tuple[str, str], dict[str, Counter[Term]]] = defaultdict(lambda: defaultdict(Counter))
        for card in self._newest_first():
            for one in _terms_of(card):
                spellings[card.lang, one.taxonomy][one.slug][one] += 1
        return {key: _named(by_slug) for key, by_slug in spellings.items()}

    def neighbours(self) -> dict[str, tuple[str, str]]:
        """For each article the (newer, older) one in its section, "" at the ends."""
        rows: dict[tuple[str, str], list[str]] = defaultdict(list)
        for card in self._newest_first():
            rows[card.lang, self._top(card)].append(card.path)
        found = {}
        for paths in rows.values():
            for newer, path, older in zip(["", *paths], paths, [*paths[1:], ""], strict=False):
                found[path] = (newer, older)
        return found

    def translations(self) -> dict[str, tuple[str, ...]]:
        """The paths of all languages of a page, by its path without language; only where there is more than one."""
        groups: dict[str, list[str]] = defaultdict(list)
        for card in self.cards:
            groups[card.name].append(card.path)
        return {name: tuple(paths) for name, paths in groups.items() if len(paths) > 1}

    def _newest_first(self) -> list[Card]:
        articles = [card for card in self.cards if card.kind == "article"]
        oldest = datetime.min.replace(tzinfo=NEVER.tzinfo)
        by_path = sorted(articles, key=lambda card: card.path)
        return sorted(by_path, key=lambda card: card.date or oldest, reverse=True)

    def _article_selectors(self, card: Card) -> list[str]:
        sections, folder = ["articles", f"section={card.section}"], folder_of(card.section)
        while folder:
            sections.append(f"section={folder}")
            folder = folder_of(folder)
        terms = [f"{one.taxonomy}={one.slug}" for one in _terms_of(card)]
        return list(dict.fromkeys([*sections, *terms, *(f"authors={path}" for path in card.authors)]))

    def _top(self, card: Card) -> str:
        return dated_section(card.section, self.config)


def _terms_of(card: Card) -> list[Term]:
    return [*card.tags, *([card.category] if card.category else []), *([card.series] if card.series else [])]


def _named(by_slug: Mapping[str, Counter[Term]]) -> tuple[tuple[Term, int], ...]:
    rows = []
    for name, spellings in by_slug.items():
        if name:
            best = min(spellings, key=lambda one: (-spellings[one], one.name))
            rows.append((best, sum(spellings.values())))
    return tuple(sorted(rows, key=lambda row: (row[0].name.casefold(), row[0].slug)))
