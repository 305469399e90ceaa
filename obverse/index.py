"""index: all surveyed pages -> the Site: who is published now, in which order, under which terms, beside whom.

A page whose source and surroundings are as they were has its place and its card from the ledger; of ten thousand such
pages none is unpacked, and the orders are made of their places alone.
"""

from __future__ import annotations

import marshal
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from functools import cached_property
from itertools import chain
from operator import attrgetter
from typing import Any, NamedTuple, TypeAlias

from obverse.addresses import beneath, encoded, folder_of, is_markdown, with_slash
from obverse.clock import NEVER, Clock
from obverse.config import Config
from obverse.late import Late
from obverse.ledger import PlainProblems, problems_in, problems_out
from obverse.moves import Moves
from obverse.page import EMPTY, Matter, Page
from obverse.parse import name_and_language
from obverse.placing import Gist, Ground, address, card_from_record, card_of, card_record, place_of, shared
from obverse.problems import Problem, nearest, problem, softened
from obverse.site import TITLE, Card, Entry, File, Hidden, Place, Site, Surveyed, Term
from obverse.sources import Source, digest_of

TAXONOMIES = ("tags", "categories", "series")

UNREADABLE = "unreadable"

# Top folders whose files are read, never published.
PRIVATE = ("forms", "authors", "_data")

Placed: TypeAlias = tuple[str, tuple[Any, ...] | None, bytes, PlainProblems]
"""(mark, place, packed card record, problems) of a published page; its place is None when it cannot have one."""

Standing: TypeAlias = tuple[Any, ...]
"""How a whole site stood: what `_around` says, and its `Site.layout` and `Site.mark`."""

_NEVER = float("inf")


class Grounds(NamedTuple):
    """All that places depend on besides the pages: files, settings, the moment, what moved; and how pages are read.

    `known` is what was placed before, `made` what was placed as soon as it was read, on the ground that was foreseen,
    and `standing` how the whole stood.
    """

    sources: tuple[Source, ...]
    config: Config
    clock: Clock
    moves: Moves
    drafts: bool
    rules: str
    known: Mapping[str, Placed]
    made: Mapping[str, Placed]
    standing: Standing


def index(pages: Mapping[str, Surveyed], grounds: Grounds) -> tuple[Site, dict[str, Placed]]:
    """Put every page in its place; also what to remember of it. `pages` are all there are, in order of path."""
    config, moves = grounds.config, grounds.moves
    now, drafts = grounds.clock.now.timestamp(), grounds.drafts
    states = {path: _state(one, now, drafts=drafts) for path, one in pages.items()}
    hidden = {path: Hidden(pages[path], *state) for path, state in states.items() if state[0]}
    visible = [one for path, one in pages.items() if path not in hidden]
    homes = {folder: None if one.path in hidden else one.glance.home for folder, one in _bundles(pages, config).items()}
    files, hidden_files = _files(grounds.sources, homes, config)
    ground = Ground(config, {path: file.url for path, file in files.items()}, moves.first_paths(), _authors(visible))
    said = ground_mark(ground, grounds.rules)
    placed = {one.path: _placed(one, ground, said, grounds) for one in visible}
    entries = _entries(visible, placed)
    places = [entry.place for entry in entries.values()]
    around = _around(said, hidden, hidden_files, moves)
    still = grounds.standing[:-2] == around and _all_stand(placed, grounds.known)
    layout, mark = grounds.standing[-2:] if still else _layout_and_mark(places, around)
    shelves = _Shelves(places)
    site = Site(
        config=config,
        clock=grounds.clock,
        entries=entries,
        hidden=hidden,
        files=files,
        hidden_files=hidden_files,
        lists=Late(shelves.lists),
        terms=Late(shelves.terms),
        neighbours=Late(shelves.neighbours),
        translations=Late(shelves.translations),
        redirects=_redirects(entries, config, moves),
        next_due=_next_due(states.values()),
        problems=(
            *(problem for _, _, _, rows in placed.values() if rows for problem in problems_in(rows)),
            *_softened_problems(pages.values(), hidden),
            *_term_problems(entries, places),
            *_alias_problems(entries),
            *_menus(config, states),
        ),
        marks={path: placed[path][0] for path in entries},
        layout=layout,
        mark=mark,
        standing=(*around, layout, mark),
    )
    return site, placed


def _around(
    said: str, hidden: Mapping[str, Hidden], hidden_files: frozenset[str], moves: Moves
) -> tuple[tuple[Any, ...], ...]:
    """All that the orders and addresses of a site depend on besides the places of its pages."""
    states = tuple((path, state.state) for path, state in hidden.items())
    return (said,), states, tuple(sorted(hidden_files)), tuple(sorted(moves.urls.items()))


def _all_stand(placed: Mapping[str, Placed], known: Mapping[str, Placed]) -> bool:
    """Whether every page has the place it had."""
    if placed.keys() != known.keys():
        return False
    return all(one is known[path] or one[1] == known[path][1] for path, one in placed.items())


def _state(one: Surveyed, now: float, *, drafts: bool) -> tuple[str, float]:
    """Whether a page is out now ("") or why not, and when that changes by itself."""
    glance = one.glance
    if glance.told and _unreadable(one.page.problems):
        return UNREADABLE, _NEVER
    ends = _NEVER if glance.expires is None else glance.expires
    if ends <= now:
        return "expired", _NEVER
    if drafts:
        return "", ends
    if glance.draft:
        return "draft", _NEVER
    if glance.date is not None and glance.date > now:
        return "scheduled", glance.date
    return "", ends


def _next_due(states: Iterable[tuple[str, float]]) -> datetime:
    first = min((until for _, until in states), default=_NEVER)
    return NEVER if first >= NEVER.timestamp() else datetime.fromtimestamp(first, UTC)


def _softened_problems(everything: Iterable[Surveyed], hidden: Mapping[str, Hidden]) -> tuple[Problem, ...]:
    """What parsing and surveying found; of a page that is not out (or is a draft being previewed) it only warns."""
    found: list[Problem] = []
    for one in everything:
        if one.glance.told:
            own = (*one.page.problems, *one.facts.problems)
            spared = one.path in hidden or one.glance.draft
            found.extend(softened(own) if spared and not _unreadable(own) else own)
    return tuple(found)


def _unreadable(problems: Iterable[Problem]) -> bool:
    """A page whose front matter cannot be read might be anything: it is left out, and its problems always block."""
    return any(one.code in {"front-matter", "unreadable"} for one in problems)


def _authors(visible: list[Surveyed]) -> frozenset[str]:
    return frozenset(one.path for one in visible if folder_of(one.path) == "authors")


# Places, from the ledger where nothing they are made of has changed.


def foreseen(sources: Iterable[Source], paths: Iterable[str], config: Config, moves: Moves) -> Ground:
    """The ground before any page is read, as if all pages at `paths` were out and none wished for another address.

    Nearly always it is the very ground: who reads a page can place it at once, and what is not is placed again.
    """
    paths = tuple(paths)
    perhaps = [path for path in paths if "/index." in path]  # of all others nothing has to be made
    pages = [Page(path, *name_and_language(path, config), Matter(), "", 0, EMPTY, ()) for path in perhaps]
    bundles = [page for page in pages if page.name.endswith("/index")]
    bundles.sort(key=lambda page: page.lang == config.site.language)
    files, _ = _files(sources, {folder_of(page.path): address(page, "", config) for page in bundles}, config)
    authors = frozenset(path for path in paths if folder_of(path) == "authors")
    return Ground(config, {path: file.url for path, file in files.items()}, moves.first_paths(), authors)


def ground_mark(ground: Ground, rules: str) -> str:
    """Another text whenever a place may be another one for what is around its page."""
    parts = (
        rules,
        ground.config,
        sorted(ground.files.items()),
        sorted(ground.first_paths.items()),
        sorted(ground.authors),
    )
    return digest_of(repr(parts).encode("utf-8", "surrogatepass"))[:16]


def _placed(one: Surveyed, ground: Ground, said: str, grounds: Grounds) -> Placed:
    mark = f"{one.mark} {said}"
    before = grounds.known.get(one.path)
    if before is not None and before[0] == mark:
        return before
    made = grounds.made.get(one.path)
    if made is not None and made[0] == mark:
        mark, place, card, told = made
        return mark, place and shared(place), card, told
    return place_page(one.page, Gist(one.facts.title, one.facts.excerpt, one.facts.words), mark, ground)


def place_page(page: Page, gist: Gist, mark: str, ground: Ground) -> Placed:
    """The place of a page and what it tells others, as the ledger keeps it."""
    card, found = card_of(page, gist, ground)
    undated = card.kind == "article" and card.date is None
    if undated:  # it has no place, so nothing but that is said of it
        found = (_undated(card.path),)
    place = None if undated else tuple(place_of(card, page, ground.config))
    told = softened(found) if page.matter.draft else found
    return mark, place, marshal.dumps(card_record(card)), problems_out(told)


def _entries(visible: Iterable[Surveyed], placed: Mapping[str, Placed]) -> dict[str, Entry]:
    entries = {}
    for one in visible:
        _, place, packed, _ = placed[one.path]
        if place is not None:
            entries[one.path] = Entry(one, Place._make(place), packed, _card)
    return entries


def _card(packed: bytes) -> Card:
    return card_from_record(marshal.loads(packed))  # noqa: S302 - from the ledger, which was checked


def _layout_and_mark(places: list[Place], around: tuple[Any, ...]) -> tuple[str, str]:
    """Another text whenever an address or an order by date could be another one; and whenever anything could."""
    layout = _digest(([place[:TITLE] for place in places], around))
    return layout, _digest(([place[TITLE:] for place in places], layout))


def _digest(parts: tuple[Any, ...]) -> str:
    # Version 2 of the format writes values alone: later ones also how objects are shared, which is no part of a place.
    return digest_of(marshal.dumps(parts, 2))


def _undated(path: str) -> Problem:
    hint = "add a date, or move the page out of the dated section"
    return problem("missing-date", f"content/{path}", "an article needs a date", line=1, column=1, hint=hint)


# Files published as they are.


def _files(
    sources: Iterable[Source], homes: Mapping[str, str | None], config: Config
) -> tuple[dict[str, File], frozenset[str]]:
    """The files published as they are, and those kept back.

    Those of a bundle go where its page goes, and stay at home when it does: `homes` has the site-local URL of each
    bundle's page by folder, None when the page is not out.
    """
    files, kept_back = {}, set()
    for source in sources:
        path = source.path.removeprefix("content/")
        if is_markdown(path) or private(path):
            continue
        folder = _bundle_around(path, homes) if homes else None
        if folder is None:
            url = encoded("/" + path)
        elif home := homes[folder]:
            url = beneath(home) + encoded(path[len(folder) + 1 :])
        else:
            kept_back.add(path)
            continue
        files[path] = File(path, config.base_path + url, source.digest, source.file)
    return files, frozenset(kept_back)


def _bundles(pages: Mapping[str, Surveyed], config: Config) -> dict[str, Surveyed]:
    """The page of each bundle by its folder: the one in the site's own language, if there are several."""
    own = config.site.language
    found = [one for one in pages.values() if one.glance.name.endswith("/index")]
    return {folder_of(one.path): one for one in sorted(found, key=lambda one: one.glance.lang == own)}


def private(path: str) -> bool:
    """Whether a content file is never published: in a folder for forms, authors or data, or marked with "_" or "~"."""
    parts = path.split("/")
    return parts[0] in PRIVATE or any(part.startswith(("_", ".")) or part.endswith("~") for part in parts)


def _bundle_around(path: str, bundles: Mapping[str, object]) -> str | None:
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
        for url in entry.place.aliases:
            if config.base_path + url != entry.place.url:
                found[url] = (path, f"content/{path}")
    if moves.urls:
        # A page that stands at an old address now answers there by itself.
        taken = {entry.place.url for entry in entries.values()}
        for url, path in moves.urls.items():
            if path in entries and config.base_path + url not in taken:
                found.setdefault(url, (path, "content/_moves.toml"))
    return found


# The front matter key that names the terms of a taxonomy.
_KEYS = {"tags": "tags", "categories": "category", "series": "series"}


def _term_problems(entries: Mapping[str, Entry], places: list[Place]) -> list[Problem]:
    """Terms that cannot be told apart by address, and terms no address can be made of."""
    spellings = set(chain.from_iterable(place.terms for place in places))
    if len({one[:3] for one in spellings}) == len(spellings) and all(one[2] for one in spellings):
        return []
    found = []
    spelled: dict[tuple[str, str, str], tuple[str, str]] = {}
    for path, entry in entries.items():
        for lang, taxonomy, slug, name, _ in entry.place.terms:
            key = _KEYS[taxonomy]
            if not slug:
                message, hint = f"no address can be made of the term '{name}'", "use letters or digits"
                found.append(_at(entry, key, "term-name", message, hint))
                continue
            first, place = spelled.setdefault((lang, taxonomy, slug), (name, f"content/{path}"))
            if first != name:
                message = f"'{name}' is spelled '{first}' in {place}"
                found.append(_at(entry, key, "term-spelling", message, "spell a term one way"))
    return found


def _alias_problems(entries: Mapping[str, Entry]) -> list[Problem]:
    """Aliases that two pages claim."""
    found = []
    claimed: dict[str, str] = {}
    for path, entry in entries.items():
        for alias in entry.page.matter.aliases if entry.place.aliases else ():
            first = claimed.setdefault(with_slash(encoded(alias)), path)
            if first != path:
                message = f"content/{first} and content/{path} would both answer for {alias}"
                found.append(_at(entry, "aliases", "url-collision", message, "let one of them have it"))
    return found


def _at(entry: Entry, key: str, code: str, message: str, hint: str) -> Problem:
    """A problem at a front matter key; of a draft it only warns."""
    line, column = entry.page.places.get(key, (1, 1))
    one = problem(code, f"content/{entry.place.path}", message, line=line, column=column, hint=hint)
    return softened((one,))[0] if entry.place.draft else one


def _menus(config: Config, states: Mapping[str, object]) -> list[Problem]:
    problems = []
    for name, items in config.menus.items():
        for item in items:
            if item.page and item.page not in states:
                hint = nearest(item.page, states) or "name a page by its path under content/"
                message = f"menu '{name}' names a page that is not there: '{item.page}'"
                problems.append(problem("unknown-page", "obverse.toml", message, line=item.line, hint=hint))
    return problems


class _Shelves:
    """The orders in which the published pages stand."""

    def __init__(self, places: list[Place]) -> None:
        """`places` are those of all published pages, in order of path."""
        self.places = places

    @cached_property
    def newest_first(self) -> list[Place]:
        """The articles."""
        articles = [place for place in self.places if place.kind == "article"]
        return sorted(articles, key=attrgetter("date"), reverse=True)

    def lists(self) -> dict[str, tuple[str, ...]]:
        """Content paths by "language/selector": "articles", "section=x", "tags=x", "authors=x", "pages=x" …"""
        found: dict[str, list[str]] = defaultdict(list)
        for place in self.newest_first:
            for selector in place.selectors:
                found[selector].append(place.path)
        for place in sorted(self.places, key=attrgetter("weight", "title", "path")):
            found[f"{place.lang}/kind={place.kind}"].append(place.path)
            if place.kind in {"page", "section"}:
                found[f"{place.lang}/pages={place.section}"].append(place.path)
        return {key: tuple(paths) for key, paths in found.items()}

    def terms(self) -> dict[str, tuple[tuple[Term, int], ...]]:
        """Each taxonomy's terms by name with the number of their articles; a term is named as most of them spell it."""
        spellings: dict[str, dict[str, Counter[Term]]] = defaultdict(lambda: defaultdict(Counter))
        counted = Counter(chain.from_iterable(place.terms for place in self.newest_first))
        for (lang, taxonomy, slug, name, url), count in counted.items():
            spellings[f"{lang}/{taxonomy}"][slug][Term(taxonomy, slug, name, url)] += count
        return {key: _named(by_slug) for key, by_slug in spellings.items()}

    def neighbours(self) -> dict[str, tuple[str, str]]:
        """For each article the (newer, older) one in its section, "" at the ends."""
        rows: dict[tuple[str, str], list[str]] = defaultdict(list)
        for place in self.newest_first:
            rows[place.lang, place.top].append(place.path)
        found: dict[str, tuple[str, str]] = {}
        for paths in rows.values():
            found.update(zip(paths, zip(["", *paths], [*paths[1:], ""], strict=False), strict=False))
        return found

    def translations(self) -> dict[str, tuple[str, ...]]:
        """The paths of all languages of a page, by its path without language; only where there is more than one."""
        groups: dict[str, list[str]] = defaultdict(list)
        for place in self.places:
            groups[place.name].append(place.path)
        return {name: tuple(paths) for name, paths in groups.items() if len(paths) > 1}


def _named(by_slug: Mapping[str, Counter[Term]]) -> tuple[tuple[Term, int], ...]:
    rows = []
    for name, spellings in by_slug.items():
        if name:
            best = min(spellings, key=lambda one: (-spellings[one], one.name))
            rows.append((best, sum(spellings.values())))
    return tuple(sorted(rows, key=lambda row: (row[0].name.casefold(), row[0].slug)))
