"""Moves: `content/_moves.toml`, the memory of renamed pages. Redirects and reports share it.

`[pages]` maps a page's old content path to its new one; `[urls]` maps an address that was once published to the page
that answers for it now. `build` adds to the file when it sees that a published page went elsewhere; people may too.
`[ids]` says who a page is where its paths do not: since another page stands at the first of them by now.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Mapping
from itertools import chain, count
from types import MappingProxyType
from typing import NamedTuple

from obverse.addresses import decoded
from obverse.problems import Problem, problem

FILE = "content/_moves.toml"

# What an address that was published looks like: from the top of the site, percent-encoded, no query.
_LOCAL = re.compile(r"/(?!/)[^\s?#\\\x00-\x1f]*")

_HEADER = """\
# Pages that moved, written by `obverse build` and by hand. Keep it under version control:
# old addresses redirect, and an article keeps its inquiries under its first path.
"""


NONE: Mapping[str, str] = MappingProxyType({})

Plain = Callable[[str], str]
"""A content path -> the same without its language: all translations of a page are one."""


class Moves(NamedTuple):
    """What moved: old content path -> new content path, and old site-local URL -> content path.

    `ids` are those of pages whose first path (without its language) does not say who they are.
    """

    pages: Mapping[str, str]
    urls: Mapping[str, str]
    ids: Mapping[str, str] = NONE

    def first_paths(self) -> dict[str, str]:
        """For each present path the first path its page was ever published under."""
        before = {new: old for old, new in sorted(self.pages.items())}
        found = {}
        for path in before:
            first, seen = path, {path}
            while first in before and before[first] not in seen:
                first = before[first]
                seen.add(first)
            found[path] = first
        return found

    def told_ids(self, plain: Plain) -> dict[str, str]:
        """The ids of those pages whose own path does not say who they are, by that path without its language."""
        told = dict(self.ids)
        # Where translations came from different places, the one without a language in its name counts.
        for path, first in sorted(self.first_paths().items(), key=lambda one: (-len(one[0]), one)):
            told[plain(path)] = self.ids.get(plain(first), plain(first))
        return told


class Published(NamedTuple):
    """A page as it was or is published: its content path, its site-local URL, and the key of its body."""

    path: str
    url: str
    body: str


NO_MOVES = Moves(NONE, NONE)


def read_moves(text: str) -> tuple[Moves, tuple[Problem, ...]]:
    """The moves in a `_moves.toml`."""
    import tomllib

    try:
        table = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        said = re.search(r"line (\d+)", str(error))
        return NO_MOVES, (problem("moves", FILE, f"not TOML: {error}", line=int(said[1]) if said else 0),)
    pages, urls, ids = (table.pop(name, {}) for name in Moves._fields)
    if table or not all(map(_texts, (pages, urls, ids))):
        hint = 'write [pages] "old.md" = "new.md" and [urls] "/old/" = "new.md"'
        message = "only the tables [pages], [urls] and [ids] of texts belong here"
        return NO_MOVES, (problem("moves", FILE, message, hint=hint),)
    strange = [url for url in urls if not _is_local(url)]
    if strange:
        hint = 'write [urls] "/old/" = "new.md"'
        line = text.count("\n", 0, text.find(_quoted(strange[0]))) + 1 if _quoted(strange[0]) in text else 0
        message = f"'{strange[0]}' is not an address of this site"
        return NO_MOVES, (problem("moves", FILE, message, line=line, hint=hint),)
    return Moves(pages, {url: followed(path, pages) for url, path in urls.items()}, ids), ()


def _is_local(url: str) -> bool:
    return _LOCAL.fullmatch(url) is not None and not {".", ".."}.intersection(decoded(url).split("/"))


def followed(path: str, pages: Mapping[str, str]) -> str:
    """Where a page that may have moved several times is now."""
    seen = {path}
    while path in pages and pages[path] not in seen:
        path = pages[path]
        seen.add(path)
    return path


def as_toml(moves: Moves) -> str:
    """The file that holds these moves."""
    lines = [_HEADER]
    for name, rows in moves._asdict().items():
        if name == "ids" and not rows:
            continue  # hardly any site needs them
        lines.append(f"[{name}]")
        # A JSON string without escapes beyond ASCII is a TOML basic string.
        lines += [f"{_quoted(old)} = {_quoted(new)}" for old, new in sorted(rows.items())]
        lines.append("")
    return "\n".join(lines)


def _quoted(text: str) -> str:
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")


def _texts(value: object) -> bool:
    return isinstance(value, dict) and all(isinstance(one, str) for one in value.values())


def detected(
    before: list[Published], now: list[Published], moves: Moves, sources: frozenset[str], plain: Plain
) -> Moves:
    """The moves with those added that can be seen.

    Those are: a published page whose source is gone while exactly one new page has its body, and any published page
    that has another address now. `sources` are all content paths there are.
    """
    addresses = {one.url for one in now}
    present = {one.path: one for one in now}
    known = {one.path for one in before}
    arrivals: dict[str, list[str]] = {}
    for one in now:
        if one.path not in known and one.body:
            arrivals.setdefault(one.body, []).append(one.path)
    pages, urls = moves.pages, dict(moves.urls)
    seen: dict[str, str] = {}
    for one in before:
        path = one.path
        if path not in sources:
            new = arrivals.get(one.body, [])
            if len(new) != 1:
                continue
            seen[path] = path = new[0]
            pages = _with_move(pages, one.path, path)
        if path in present and present[path].url != one.url and one.url not in addresses:
            urls[one.url] = path
    urls = {url: followed(path, {**pages, **seen}) for url, path in urls.items()}
    # Where another page stands by now, none has moved from; who did before that one came keeps its id.
    taken = {plain(old) for old in pages if old in present.keys() - known and followed(old, pages) in present}
    came = {old: new for old, new in pages.items() if plain(old) in taken}
    left = {old: followed(new, came) for old, new in pages.items() if old not in present and old not in came}
    ids = _told_apart(Moves(pages, urls, moves.ids), left, came, plain)
    return Moves(left, urls, ids)


def _told_apart(moves: Moves, left: Mapping[str, str], came: Iterable[str], plain: Plain) -> Mapping[str, str]:
    """The ids when of the moves of pages only those `left` are recorded, since others `came` to where pages had been.

    Who had been there is who it was, and who came is somebody else.
    """
    ids, before = dict(moves.ids), moves.told_ids(plain)
    firsts = Moves(left, moves.urls).first_paths()
    for path in sorted(came):
        gone = followed(path, moves.pages)
        first, mine = plain(firsts.get(gone, gone)), before[plain(gone)]
        ids[first] = mine
        other = plain(firsts.get(path, path))
        if other != first and ids.get(other, other) == mine:
            more = (f"{other}~{number}" for number in count(2))
            ids[other] = next(one for one in chain((other,), more) if one not in ids.values())
    return {path: one for path, one in ids.items() if path != one}


def _with_move(pages: Mapping[str, str], old: str, new: str) -> dict[str, str]:
    """The moves of pages and one more. A page that is back where it was has not moved since, or it would be another."""
    since = [new]
    while since[-1] in pages and pages[since[-1]] not in since:
        since.append(pages[since[-1]])
    if old in since:
        undone = since[: since.index(old)]
        return {was: now for was, now in pages.items() if was not in undone}
    # Whoever went to this place before is gone from it.
    return {was: now for was, now in pages.items() if now != new} | {old: new}
