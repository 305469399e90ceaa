"""How a whole site stands, and its marks: the digests of all places, added up so that one can be taken out again."""

from __future__ import annotations

import marshal
from collections.abc import Iterable, Mapping
from itertools import chain
from typing import Any, NamedTuple, TypeAlias

from obverse.ledger import PlainProblems
from obverse.site import SHOWN, TITLE
from obverse.sources import digest_of

Placed: TypeAlias = tuple[str, tuple[Any, ...] | None, bytes, PlainProblems]
"""(mark, place, packed card record, problems) of a published page; its place is None when it cannot have one."""


class Standing(NamedTuple):
    """How a whole site stands, in plain values: what the next index compares, and what it need not find again.

    `rules` are those of reading pages, `around` is all that addresses and orders depend on besides the places of pages,
    `sums` tell in three numbers of all places. By content path: `files` has the hrefs of files, `asking` the forms that
    pages ask for, `told` those pages of which there is something to tell, `unplaced` those without a place. `redirects`
    is `Site.redirects`; `due` is when the first page comes or goes, in seconds since 1970; `loose` says that there are
    problems that are found by comparing pages.
    """

    rules: str
    around: tuple[Any, ...]
    sums: tuple[int, int, int]
    files: dict[str, str]
    authors: tuple[str, ...]
    redirects: dict[str, tuple[str, str]]
    asking: dict[str, str]
    told: tuple[str, ...]
    unplaced: tuple[str, ...]
    due: float
    loose: bool


def sums_of(
    placed: Mapping[str, Placed], known: Mapping[str, Placed], standing: tuple[Any, ...]
) -> tuple[int, int, int]:
    """The sums of all places, from those there were where that is less work."""
    others = [path for path, one in placed.items() if path not in known or known[path][1] != one[1]]
    gone = [path for path in known if path not in placed]
    if not standing:
        return summed((0, 0, 0), (one[1] for one in placed.values()))
    before = (known[path][1] for path in (*others, *gone) if path in known)
    return summed(Standing._make(standing).sums, chain(before, (placed[path][1] for path in others)))


def summed(sums: tuple[int, int, int], places: Iterable[tuple[Any, ...] | None]) -> tuple[int, int, int]:
    """The sums with these places put in, or taken out if they were in.

    The first is of addresses and orders by date, the next of what only lists of everything show, the last of titles.
    """
    layout, listed, titles = sums
    for place in places:
        if place is not None:
            path = place[:1]
            layout ^= _number(place[:SHOWN])
            listed ^= _number(path + place[SHOWN:TITLE])
            titles ^= _number(path + place[TITLE:])
    return layout, listed, titles


def _number(values: tuple[Any, ...]) -> int:
    # Version 2 of the format writes values alone: later ones also how objects are shared, which is no part of a place.
    return int(digest_of(marshal.dumps(values, 2)), 16)


def marks_of(standing: Standing) -> tuple[str, str, str]:
    """`Site.layout`, `Site.listed` and `Site.mark`."""
    layout, listed, titles = standing.sums
    first = digest_of(repr((standing.around, layout)).encode("utf-8", "surrogatepass"))
    return first, f"{first} {listed:x}", f"{first} {listed:x} {titles:x}"
