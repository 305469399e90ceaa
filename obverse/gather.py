"""gather: parse -> survey -> index. All pages, read and in their places, those that moved noticed."""

from __future__ import annotations

import functools
import os
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from typing import Any, NamedTuple, TypeAlias

from obverse.desk import Desk
from obverse.index import Grounds, foreseen, ground_mark, index, index_again, place_page
from obverse.ledger import Table
from obverse.moves import FILE as MOVES
from obverse.moves import Moves, Published, as_toml, detected
from obverse.names import CONTENT, is_page
from obverse.page import Page
from obverse.pages import Pages, Placer, Reader, Record
from obverse.parse import without_language
from obverse.placing import Gist, Ground
from obverse.problems import Problem
from obverse.publishing import is_published
from obverse.rows import whole
from obverse.site import Entry, Site
from obverse.sources import SETTINGS
from obverse.standing import Placed, Standing

Addresses: TypeAlias = Table[tuple[str, str]]
"""Content path -> (site-local URL, body key) of all that is published."""


class Gathered(NamedTuple):
    """The site, and what to remember of it: records of pages, their places, and the addresses they are published at.

    `unreadable` are files that could not be read; `moves` is what has moved by now, `problems` what is wrong with what
    was known of that.
    """

    site: Site
    records: Table[Record]
    places: Table[Placed]
    addresses: Addresses
    unreadable: list[Problem]
    moves: Moves
    problems: tuple[Problem, ...]


def gather(desk: Desk, reader: Reader) -> Gathered:
    """All pages, read and in their places."""
    moves, problems = desk.moved
    grounds = Grounds(
        sources=desk.sources,
        config=desk.config,
        clock=desk.clock,
        moves=moves,
        drafts=desk.options.drafts,
        rules=reader.page_rules(),
        known=desk.old.places,
        made=reader.placed,
        standing=desk.old.standing,
        orders=desk.old.orders,
    )
    changed = _changed_pages(desk, grounds)
    if changed is None:
        records: Table[Record]
        records, unreadable = reader.records(desk.sources.under(CONTENT))
    else:
        records, unreadable = reader.records_again([desk.sources.files[CONTENT + path] for path in changed])
        found = None if unreadable else index_again(changed, Pages(records), Pages(desk.old.pages), grounds)
        if found:
            site, places = found
            return Gathered(site, records, places, _addresses_again(desk, site, changed), [], moves, problems)
    pages, before = Pages(whole(records)), whole(desk.old.addresses)
    site, places = index(pages, grounds)
    now = _addresses(site)
    if desk.options.mode == "site" and not problems and (_elsewhere(before, now) or moves.pages.keys() & now.keys()):
        paths = frozenset(path.removeprefix("content/") for path in desk.sources.files)
        plain = functools.partial(without_language, config=desk.config)
        more = detected(_published(before), _published(now), moves, paths, plain)
        if more != moves:
            moves = more
            site, places = index(pages, grounds._replace(moves=more))
    return Gathered(site, records, places, now, unreadable, moves, problems)


def _changed_pages(desk: Desk, grounds: Grounds) -> list[str] | None:
    """The pages that changed, when nothing else did that a place or an order is made of; None when something did."""
    old = desk.old
    if not old.standing or not desk.same_rules or old.setting != desk.options.setting:
        return None
    if Standing._make(old.standing).rules != grounds.rules or grounds.clock.now < datetime.fromisoformat(old.built_at):
        return None
    changed = []
    for path in sorted(desk.sources.changed):
        if is_page(path):
            changed.append(path.removeprefix(CONTENT))
        elif path in {SETTINGS, MOVES} or (path.startswith(CONTENT) and is_published(path.removeprefix(CONTENT))):
            return None
    known = all(path in old.pages and CONTENT + path in desk.sources.files for path in changed)
    return changed if known else None


def _addresses(site: Site) -> dict[str, tuple[str, str]]:
    """Where all that is published is, and what is there."""
    return {path: _address(entry, site) for path, entry in site.entries.items()}


def _addresses_again(desk: Desk, site: Site, changed: Iterable[str]) -> Addresses:
    """The same, when none but these pages may have changed, and none has moved."""
    found = desk.old.addresses.copy()
    for path in changed:
        if path in site.entries:
            found[path] = _address(site.entries[path], site)
    return found


def _address(entry: Entry, site: Site) -> tuple[str, str]:
    # Pages without a word are all alike, so none of them can be recognised by its body.
    return entry.place.url.removeprefix(site.config.base_path), entry.body if entry.glance.wordy else ""


def _elsewhere(before: Mapping[str, tuple[str, str]], now: Mapping[str, tuple[str, str]]) -> bool:
    """Whether any page may have moved: where all paths have the URLs they had, none has."""
    return before.keys() != now.keys() or any(now[path][0] != url for path, (url, _) in before.items())


def _published(addresses: Mapping[str, tuple[str, str]]) -> list[Published]:
    return [Published(path, url, body) for path, (url, body) in addresses.items()]


def write_moves(desk: Desk, moves: Moves) -> None:
    """Write `_moves.toml`, which the build does when it has seen a page move: it is the writer's, so replaced whole."""
    target = desk.options.root / MOVES
    draft = target.with_name(target.name + "~")
    draft.write_text(as_toml(moves), encoding="utf-8", newline="\n")
    os.replace(draft, target)


# How pages are read.


def reader_of(desk: Desk, meanwhile: Callable[[], None] = lambda: None) -> Reader:
    """Who reads pages at this desk; `meanwhile` is called when others have begun to read for it."""
    return Reader(
        config=desk.config,
        hooks=desk.hooks,
        components=desk.theme.components(),
        rules=desk.rules,
        memo=desk.memo,
        known=desk.old.pages,
        progress=desk.options.progress,
        place=_placer(desk),
        meanwhile=meanwhile,
        workers=desk.workers,
    )


def _placer(desk: Desk) -> Placer:
    """The function that gives a page its place when nothing is known yet of the others."""

    @functools.cache
    def before(rules: str) -> tuple[Ground, str]:
        sources = tuple(desk.sources.under(CONTENT))
        paths = [source.path.removeprefix(CONTENT) for source in sources if is_page(source.path)]
        ground = foreseen(sources, paths, desk.config, desk.moved[0])
        return ground, ground_mark(ground, rules)

    def place(page: Page, gist: tuple[Any, ...], digest: str, rules: str) -> Placed:
        ground, said = before(rules)
        return place_page(page, Gist(*gist), f"{digest} {said}", ground)

    return place
