"""Orders: the places of all published pages -> in which order they stand, under which terms, beside whom.

All of it is one table, which the ledger keeps row by row: while nobody's place has changed, a list is unpacked when a
template asks for it, and no other.
"""

from __future__ import annotations

from bisect import insort
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, MutableMapping
from itertools import chain
from operator import attrgetter
from typing import Any, TypeVar

from obverse.site import Place, Term

V = TypeVar("V")

_BY_TITLE = attrgetter("weight", "title", "path")

# The kinds of rows: what the key of each begins with.
LIST, TERMS, NEAR, TRANSLATIONS = "list:", "terms:", "near:", "translations:"


class Ordered(Mapping[str, V]):
    """The rows of one kind, by what follows the kind in their keys."""

    __slots__ = ("_kind", "_made", "_table")

    def __init__(self, table: Mapping[str, Any], kind: str, made: Callable[[Any], V]) -> None:
        """`made` turns what `table` has into what is asked for."""
        self._table = table
        self._kind = kind
        self._made = made

    def __getitem__(self, key: str) -> V:
        """The row of a key. Raises KeyError."""
        return self._made(self._table[self._kind + key])

    def __iter__(self) -> Iterator[str]:
        """The keys."""
        return (key[len(self._kind) :] for key in self._table if key.startswith(self._kind))

    def __len__(self) -> int:
        """How many there are."""
        return sum(1 for _ in self)


# All articles by title: long, and hardly ever asked for, so that they are put in order when they are.
_ARTICLES = "/kind=article"


class _Lists(Ordered[tuple[str, ...]]):
    """Lists, among them one that is not kept."""

    __slots__ = ("_places",)

    def __init__(self, table: Mapping[str, Any], places: Callable[[], Iterable[Place]]) -> None:
        super().__init__(table, LIST, tuple)
        self._places = places

    def __getitem__(self, key: str) -> tuple[str, ...]:
        if not key.endswith(_ARTICLES):
            return super().__getitem__(key)
        lang = key.removesuffix(_ARTICLES)
        mine = (one for one in self._places() if one.kind == "article" and one.lang == lang)
        return tuple(one.path for one in sorted(mine, key=_BY_TITLE))


def lists(table: Mapping[str, Any], places: Callable[[], Iterable[Place]]) -> Mapping[str, tuple[str, ...]]:
    """Content paths by "language/selector": "articles", "section=x", "tags=x", "authors=x", "pages=x" …

    `places` gives those of all published pages.
    """
    return _Lists(table, places)


def terms(table: Mapping[str, Any]) -> Mapping[str, tuple[tuple[Term, int], ...]]:
    """Each taxonomy's terms by name with the number of their articles; a term is named as most of them spell it."""
    return Ordered(table, TERMS, lambda rows: tuple((Term(*one), count) for one, count in rows))


def neighbours(table: Mapping[str, Any]) -> Mapping[str, tuple[str, str]]:
    """For each article the (newer, older) one in its section, "" at the ends."""
    return Ordered(table, NEAR, tuple)


def translations(table: Mapping[str, Any]) -> Mapping[str, tuple[str, ...]]:
    """The paths of all languages of a page, by its path without language; only where there is more than one."""
    return Ordered(table, TRANSLATIONS, tuple)


def orders(places: Iterable[Place]) -> dict[str, Any]:
    """All rows, as plain values; `places` are those of all published pages, in order of path."""
    places = list(places)
    newest_first = sorted((one for one in places if one.kind == "article"), key=attrgetter("date"), reverse=True)
    found: dict[str, Any] = {}
    found.update(_lists(places, newest_first))
    found.update((TERMS + key, rows) for key, rows in _terms(newest_first).items())
    found.update(_neighbours(newest_first))
    found.update(_translations(places))
    return found


def _lists(places: list[Place], newest_first: list[Place]) -> dict[str, tuple[str, ...]]:
    found: dict[str, list[str]] = defaultdict(list)
    for place in newest_first:
        for selector in place.selectors:
            found[selector].append(place.path)
    for place in sorted((one for one in places if one.kind != "article"), key=_BY_TITLE):
        for selector in _lists_by_title(place):
            found[selector].append(place.path)
    return {LIST + key: tuple(paths) for key, paths in found.items()}


def _lists_by_title(place: Place) -> Iterator[str]:
    """The lists by title that a page is on, of those that are kept."""
    if place.kind != "article":
        yield f"{place.lang}/kind={place.kind}"
        if place.kind in {"page", "section"}:
            yield f"{place.lang}/pages={place.section}"


def retitle(table: MutableMapping[str, Any], renamed: Iterable[str], place_of: Callable[[str], Place]) -> None:
    """Put pages that are called otherwise now where they belong in `table`; `place_of` gives all places by path."""
    moved: dict[str, list[str]] = defaultdict(list)
    for path in renamed:
        for selector in _lists_by_title(place_of(path)):
            moved[LIST + selector].append(path)
    for key, some in moved.items():
        paths = [path for path in table[key] if path not in some]
        for path in some:
            insort(paths, path, key=lambda one: _BY_TITLE(place_of(one)))
        table[key] = tuple(paths)


_Term = tuple[str, str, str, str]


def _terms(newest_first: list[Place]) -> dict[str, tuple[tuple[_Term, int], ...]]:
    spellings: dict[str, dict[str, Counter[_Term]]] = defaultdict(lambda: defaultdict(Counter))
    counted = Counter(chain.from_iterable(place.terms for place in newest_first))
    for (lang, taxonomy, slug, name, url), count in counted.items():
        spellings[f"{lang}/{taxonomy}"][slug][taxonomy, slug, name, url] += count
    return {key: _named(by_slug) for key, by_slug in spellings.items()}


def _named(by_slug: Mapping[str, Counter[_Term]]) -> tuple[tuple[_Term, int], ...]:
    rows = []
    for slug, spellings in by_slug.items():
        if slug:
            best = min(spellings, key=lambda one: (-spellings[one], one[2]))
            rows.append((best, sum(spellings.values())))
    return tuple(sorted(rows, key=lambda row: (row[0][2].casefold(), row[0][1])))


def _neighbours(newest_first: list[Place]) -> dict[str, tuple[str, str]]:
    rows: dict[tuple[str, str], list[str]] = defaultdict(list)
    for place in newest_first:
        rows[place.lang, place.top].append(place.path)
    found: dict[str, tuple[str, str]] = {}
    for paths in rows.values():
        keys = [NEAR + path for path in paths]
        found.update(zip(keys, zip(["", *paths], [*paths[1:], ""], strict=False), strict=False))
    return found


def _translations(places: list[Place]) -> dict[str, tuple[str, ...]]:
    groups: dict[str, list[str]] = defaultdict(list)
    for place in places:
        groups[TRANSLATIONS + place.name].append(place.path)
    return {name: tuple(paths) for name, paths in groups.items() if len(paths) > 1}
