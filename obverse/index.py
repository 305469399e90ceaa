"""index: all surveyed pages -> the Site: who is published now, in which order, under which terms, beside whom.

A page whose source and surroundings are as they were has its place and its card from the ledger; of ten thousand such
pages none is unpacked, and the orders are made of their places alone. When a build sees nothing but edits that leave
every page where it stands (`index_again`), nothing is made of all pages: the site is as it stood.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime
from itertools import chain
from typing import Any, NamedTuple

from obverse import orders
from obverse.addresses import encoded, folder_of, with_slash
from obverse.clock import NEVER, Clock
from obverse.config import Config
from obverse.late import Late
from obverse.ledger import Table, problems_in, problems_out
from obverse.moves import Moves
from obverse.names import CONTENT
from obverse.page import EMPTY, Matter, Page
from obverse.parse import name_and_language, without_language
from obverse.placing import Gist, Ground, address, card_of, packed_card, place_of, shared, unpacked_card
from obverse.problems import Problem, nearest, problem, softened
from obverse.publishing import bundles_of, files_of, published
from obverse.rows import whole
from obverse.site import SHOWN, Entry, Glance, Hidden, Place, Site, Surveyed
from obverse.sources import Source, Sources, digest_of
from obverse.standing import Placed, Standing, marks_of, summed, sums_of

TAXONOMIES = ("tags", "categories", "series")

UNREADABLE = "unreadable"

_NEVER = float("inf")


class Grounds(NamedTuple):
    """All that places depend on besides the pages: files, settings, the moment, what moved; and how pages are read.

    `known` is what was placed before, `made` what was placed as soon as it was read, on the ground that was foreseen;
    `standing` is how the whole stood (a `Standing`, or nothing), and `orders` were its orders.
    """

    sources: Sources
    config: Config
    clock: Clock
    moves: Moves
    drafts: bool
    rules: str
    known: Table[Placed]
    made: dict[str, Placed]
    standing: tuple[Any, ...]
    orders: Table[Any]

    @property
    def now(self) -> float:
        """The moment, in seconds since 1970."""
        return self.clock.now.timestamp()


def index(pages: Mapping[str, Surveyed], grounds: Grounds) -> tuple[Site, Table[Placed]]:
    """Put every page in its place; also what to remember of it. `pages` are all there are, in order of path."""
    config, moves, now = grounds.config, grounds.moves, grounds.now
    states = {path: _state(one, now, drafts=grounds.drafts) for path, one in pages.items()}
    hidden = {path for path, state in states.items() if state[0]}
    visible = [one for path, one in pages.items() if path not in hidden]
    homes = {
        folder: None if one.path in hidden else one.glance.home for folder, one in bundles_of(pages, config).items()
    }
    files, hidden_files = files_of(grounds.sources.under(CONTENT), homes, config)
    ground = Ground(config, files, _ids(moves, config), _authors(visible))
    said = ground_mark(ground, grounds.rules)
    known = whole(grounds.known)
    placed = {one.path: _placed(one, ground, said, grounds, known) for one in visible}
    places = {path: Place._make(one[1]) for path, one in placed.items() if one[1] is not None}
    loose = (*_term_problems(places, pages), *_alias_problems(places, pages), *_menus(config, states))
    standing = Standing(
        rules=grounds.rules,
        around=_around(said, {path: states[path][0] for path in pages if path in hidden}, hidden_files, moves),
        sums=sums_of(placed, known, grounds.standing),
        files=files,
        authors=tuple(sorted(ground.authors)),
        redirects=_redirects(places, config, moves),
        asking={path: place.form for path, place in places.items() if place.form},
        told=tuple(path for path, one in pages.items() if one.glance.told or (path in placed and placed[path][3])),
        unplaced=tuple(path for path in placed if path not in places),
        due=min((until for _, until in states.values()), default=_NEVER),
        loose=bool(loose),
    )
    ordered = _orders_now(standing, places, grounds)
    return _site(standing, placed, pages, ordered, loose, grounds), placed


def index_again(
    changed: Iterable[str], pages: Mapping[str, Surveyed], before: Mapping[str, Surveyed], grounds: Grounds
) -> tuple[Site, Table[Placed]] | None:
    """The same as `index` when nothing but the sources of the pages `changed` has, and each stands where it stood.

    None when that cannot be said without looking at all pages. `before` are the pages as they were.
    """
    standing, moves = Standing._make(grounds.standing), grounds.moves
    ground = Ground(grounds.config, standing.files, _ids(moves, grounds.config), frozenset(standing.authors))
    (said,), hidden, _, urls = standing.around
    same_ground = said == ground_mark(ground, grounds.rules) and urls == tuple(sorted(moves.urls.items()))
    if standing.loose or not same_ground or grounds.now >= standing.due:
        return None
    states, placed, told = dict(hidden), grounds.known.copy(), set(standing.told)
    for path in changed:
        one = pages[path]
        if not _as_out_as_before(one, before[path].glance, states.get(path, ""), grounds):
            return None
        if path not in states:
            placed[path] = _placed(one, ground, said, grounds, grounds.known)
            if not _stands(placed[path][1], grounds.known[path][1]):
                return None
        (told.add if one.glance.told or (path in placed and placed[path][3]) else told.discard)(path)
    retitled = [path for path in changed if path in placed and placed[path][1] != grounds.known[path][1]]
    sums = summed(standing.sums, (one[path][1] for path in retitled for one in (grounds.known, placed)))
    standing = standing._replace(sums=sums, told=tuple(sorted(told)))
    ordered = grounds.orders
    if retitled:
        ordered = ordered.copy()
        orders.retitle(ordered, retitled, lambda path: Place._make(placed[path][1] or ()))
    return _site(standing, placed, pages, ordered, (), grounds), placed


def _as_out_as_before(one: Surveyed, was: Glance, state: str, grounds: Grounds) -> bool:
    """Whether a page is still out, or not out for the same reason, and until the same moment."""
    same = one.glance._replace(told=was.told, wordy=was.wordy) == was
    return same and _state(one, grounds.now, drafts=grounds.drafts)[0] == state


def _stands(place: tuple[Any, ...] | None, before: tuple[Any, ...] | None) -> bool:
    """Whether a page has a place, and none of its addresses and orders by date is another one."""
    return place is not None and before is not None and place[:SHOWN] == before[:SHOWN]


def _site(
    standing: Standing,
    placed: Table[Placed],
    pages: Mapping[str, Surveyed],
    ordered: Mapping[str, Any],
    loose: tuple[Problem, ...],
    grounds: Grounds,
) -> Site:
    """The site that stands like this, all of it to be looked up when somebody asks."""
    entries, hidden = _Entries(placed, pages, standing.unplaced), dict(standing.around[1])
    layout, listed, mark = marks_of(standing)
    return Site(
        config=grounds.config,
        clock=grounds.clock,
        entries=entries,
        hidden=Late(lambda: {path: _hidden(pages[path], grounds) for path in hidden}),
        files=published(standing.files, grounds.sources),
        hidden_files=frozenset(standing.around[2]),
        places=entries.places,
        lists=orders.lists(ordered, entries.places),
        terms=orders.terms(ordered),
        neighbours=orders.neighbours(ordered),
        translations=orders.translations(ordered),
        redirects=standing.redirects,
        asking=standing.asking,
        next_due=_moment(standing.due),
        problems=(*_told(standing, placed, pages, hidden), *loose),
        layout=layout,
        listed=listed,
        mark=mark,
        orders=ordered,
        standing=standing,
    )


class _Entries(Mapping[str, Entry]):
    """The published pages by content path, in order, each made when somebody asks for it."""

    def __init__(self, placed: Table[Placed], pages: Mapping[str, Surveyed], unplaced: Iterable[str]) -> None:
        self._placed = placed
        self._pages = pages
        self._unplaced = frozenset(unplaced)
        self._made: dict[str, Entry] = {}

    def __getitem__(self, path: str) -> Entry:
        if path not in self._made:
            mark, place, packed, _ = self._placed[path]
            if place is None:
                raise KeyError(path)
            self._made[path] = Entry(self._pages[path], Place._make(place), mark, packed, unpacked_card)
        return self._made[path]

    def places(self) -> tuple[Place, ...]:
        """The places of all of them, in order of path, without making any."""
        return tuple(Place._make(one[1]) for _, one in sorted(whole(self._placed).items()) if one[1] is not None)

    def __contains__(self, path: object) -> bool:
        return path in self._placed and path not in self._unplaced

    def __iter__(self) -> Iterator[str]:
        return iter([path for path in sorted(self._placed) if path not in self._unplaced])

    def __len__(self) -> int:
        return len(self._placed) - len(self._unplaced)


def _orders_now(standing: Standing, places: Mapping[str, Place], grounds: Grounds) -> Mapping[str, Any]:
    """The orders of all places: those that were, if every place is as it was."""
    if grounds.standing and Standing._make(grounds.standing)[:3] == standing[:3]:
        return grounds.orders
    return Late(lambda: orders.orders(places.values()))


def _around(
    said: str, hidden: Mapping[str, str], hidden_files: frozenset[str], moves: Moves
) -> tuple[tuple[Any, ...], ...]:
    """All that the orders and addresses of a site depend on besides the places of its pages."""
    return (said,), tuple(hidden.items()), tuple(sorted(hidden_files)), tuple(sorted(moves.urls.items()))


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


def _hidden(one: Surveyed, grounds: Grounds) -> Hidden:
    return Hidden(one, *_state(one, grounds.now, drafts=grounds.drafts))


def _moment(due: float) -> datetime:
    return NEVER if due >= NEVER.timestamp() else datetime.fromtimestamp(due, UTC)


def _told(
    standing: Standing, placed: Table[Placed], pages: Mapping[str, Surveyed], hidden: Mapping[str, str]
) -> Iterator[Problem]:
    """What reading and placing found; of a page that is not out (or is a draft being previewed) it only warns."""
    for path in standing.told:
        one = pages[path]
        if one.glance.told:
            own = (*one.page.problems, *one.facts.problems)
            spared = path in hidden or one.glance.draft
            yield from softened(own) if spared and not _unreadable(own) else own
        if path in placed:
            yield from problems_in(placed[path][3])


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
    files, _ = files_of(sources, {folder_of(page.path): address(page, "", config) for page in bundles}, config)
    authors = frozenset(path for path in paths if folder_of(path) == "authors")
    return Ground(config, files, _ids(moves, config), authors)


def _ids(moves: Moves, config: Config) -> dict[str, str]:
    return moves.told_ids(lambda path: without_language(path, config))


def ground_mark(ground: Ground, rules: str) -> str:
    """Another text whenever a place may be another one for what is around its page."""
    parts = (
        rules,
        ground.config,
        sorted(ground.files.items()),
        sorted(ground.ids.items()),
        sorted(ground.authors),
    )
    return digest_of(repr(parts).encode("utf-8", "surrogatepass"))[:16]


def _placed(one: Surveyed, ground: Ground, said: str, grounds: Grounds, known: Mapping[str, Placed]) -> Placed:
    mark = f"{one.mark} {said}"
    before = known.get(one.path)
    if before is not None and before[0] == mark:
        return before
    made = grounds.made.pop(one.path, None)
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
    return mark, place, packed_card(card), problems_out(told)


def _undated(path: str) -> Problem:
    hint = "add a date, or move the page out of the dated section"
    return problem("missing-date", f"content/{path}", "an article needs a date", line=1, column=1, hint=hint)


def _redirects(places: Mapping[str, Place], config: Config, moves: Moves) -> dict[str, tuple[str, str]]:
    """Site-local URL -> (content path it leads to, where that was asked for): aliases, then recorded moves."""
    found: dict[str, tuple[str, str]] = {}
    for path, place in places.items():
        for url in place.aliases:
            if config.base_path + url != place.url:
                found[url] = (path, f"content/{path}")
    if moves.urls:
        # A page that stands at an old address now answers there by itself.
        taken = {place.url for place in places.values()}
        for url, path in moves.urls.items():
            if path in places and config.base_path + url not in taken:
                found.setdefault(url, (path, "content/_moves.toml"))
    return found


# The front matter key that names the terms of a taxonomy.
_KEYS = {"tags": "tags", "categories": "category", "series": "series"}


def _term_problems(places: Mapping[str, Place], pages: Mapping[str, Surveyed]) -> list[Problem]:
    """Terms that cannot be told apart by address, and terms no address can be made of."""
    spellings = set(chain.from_iterable(place.terms for place in places.values()))
    if len({one[:3] for one in spellings}) == len(spellings) and all(one[2] for one in spellings):
        return []
    found = []
    spelled: dict[tuple[str, str, str], tuple[str, str]] = {}
    for path, place in places.items():
        for lang, taxonomy, slug, name, _ in place.terms:
            key = _KEYS[taxonomy]
            if not slug:
                message, hint = f"no address can be made of the term '{name}'", "use letters or digits"
                found.append(_at(pages[path], key, "term-name", message, hint))
                continue
            first, where = spelled.setdefault((lang, taxonomy, slug), (name, f"content/{path}"))
            if first != name:
                message = f"'{name}' is spelled '{first}' in {where}"
                found.append(_at(pages[path], key, "term-spelling", message, "spell a term one way"))
    return found


def _alias_problems(places: Mapping[str, Place], pages: Mapping[str, Surveyed]) -> list[Problem]:
    """Aliases that two pages claim."""
    found = []
    claimed: dict[str, str] = {}
    for path, place in places.items():
        for alias in pages[path].page.matter.aliases if place.aliases else ():
            first = claimed.setdefault(with_slash(encoded(alias)), path)
            if first != path:
                message = f"content/{first} and content/{path} would both answer for {alias}"
                found.append(_at(pages[path], "aliases", "url-collision", message, "let one of them have it"))
    return found


def _at(one: Surveyed, key: str, code: str, message: str, hint: str) -> Problem:
    """A problem at a front matter key; of a draft it only warns."""
    line, column = one.page.places.get(key, (1, 1))
    found = problem(code, f"content/{one.path}", message, line=line, column=column, hint=hint)
    return softened((found,))[0] if one.page.matter.draft else found


def _menus(config: Config, states: Mapping[str, object]) -> list[Problem]:
    problems = []
    for name, items in config.menus.items():
        for item in items:
            if item.page and item.page not in states:
                hint = nearest(item.page, states) or "name a page by its path under content/"
                message = f"menu '{name}' names a page that is not there: '{item.page}'"
                problems.append(problem("unknown-page", "obverse.toml", message, line=item.line, hint=hint))
    return problems
