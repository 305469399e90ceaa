"""Links: a destination as a writer wrote it -> where it leads. Asked of cells only, so that every link heals itself."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, NamedTuple
from urllib.parse import quote

from obverse.addresses import decoded, folder_of, joined
from obverse.config import MenuItem
from obverse.names import is_markdown
from obverse.problems import Problem, nearest, problem

Read = Callable[[str], Any]

ALLOWED_SCHEMES = frozenset({"http", "https", "mailto", "tel", "sms", "geo", "xmpp", "sip", "matrix"})
_SCHEME = re.compile(r"[a-zA-Z][a-zA-Z0-9+.-]*(?=:)")
_PARTS = re.compile(r"([^?#]*)(\?[^#]*)?(#.*)?", re.DOTALL)

# Fragments that every browser knows without an element of that id (HTML, "scrolling to a fragment").
_ALWAYS = frozenset({"", "top"})


class Target(NamedTuple):
    """Where a link leads.

    `url` is the href, or "" when it leads nowhere now; `code`, `message` and `hint` say what is wrong with it ("" when
    nothing is).
    """

    url: str
    code: str = ""
    message: str = ""
    hint: str = ""

    def __repr__(self) -> str:
        """As plain values, which is quicker: answers are full of targets, and told apart by their `repr`."""
        return tuple.__repr__(self) if self.code else repr(self.url)


class _Found(NamedTuple):
    """What a destination's path names: an href, and the page whose anchors its fragment may name ("" for others)."""

    url: str
    page: str = ""


def target(read: Read, origin: str, destination: str) -> Target:
    """Where `destination` leads from the content path `origin` ("" for a template)."""
    return _target(read, origin, destination, _other_language(read, origin))


def targets(read: Read, origin: str, destinations: Iterable[str]) -> tuple[Target, ...]:
    """Where several destinations lead from one content path."""
    lang = _other_language(read, origin)
    return tuple([_target(read, origin, one, lang) for one in destinations])


def _other_language(read: Read, origin: str) -> str:
    """The language of a page that is not in the site's own, "" for any other: its links look there first."""
    here = read(f"card:{origin}") if origin else None
    return "" if here is None or here.lang == read("config:site.language") else str(here.lang)


def _target(read: Read, origin: str, destination: str, lang: str) -> Target:
    written = destination.strip()
    scheme = _SCHEME.match(written) if ":" in written else None
    if scheme:
        return _elsewhere(written, scheme.group().lower())
    if written.startswith("//"):
        return Target(written)
    if not written:
        return Target("", "broken-link", "a link that leads nowhere", "write where it leads, or take it away")
    path, query, fragment = written, "", ""
    if "?" in written or "#" in written:
        path, query, fragment = _PARTS.fullmatch(written).groups("")  # type: ignore[union-attr]
    if not path:
        found = _Found("", origin)
    else:
        looked_up = _look_up(read, origin, path, lang)
        if isinstance(looked_up, Target):
            return looked_up
        found = looked_up
    return _with_fragment(read, found, query, fragment, written)


def menu_problems(read: Read, menus: Mapping[str, Iterable[MenuItem]]) -> Iterator[Problem]:
    """What is wrong with the addresses that `[menus]` name."""
    for name, items in menus.items():
        for item in items:
            found = target(read, "", item.url) if item.url.startswith("/") else Target(item.url)
            if found.code:
                message = f"menu '{name}': {found.message}"
                yield problem("menu-link", "obverse.toml", message, line=item.line, hint=found.hint)


def _elsewhere(written: str, scheme: str) -> Target:
    if scheme in ALLOWED_SCHEMES:
        return Target(written)
    hint = "links may begin with " + ", ".join(sorted(ALLOWED_SCHEMES))
    return Target("", "link-scheme", f"a link that begins with '{scheme}:'", hint)


def _look_up(read: Read, origin: str, path: str, lang: str) -> _Found | Target:
    """The page or file a path names: as in the repository first, then as an address of the site."""
    plain = decoded(path)
    content = joined(folder_of(origin), plain)
    unpublished = None
    if content is not None:
        for candidate in _candidates(content, lang):
            card = read(f"card:{candidate}")
            if card is not None:
                return _Found(card.url, candidate)
            file = read(f"file:{candidate}")
            if file is not None:
                return _Found(file.url)
            state = read(f"hidden:{candidate}")
            if state is not None and unpublished is None:
                unpublished = Target("", "link-unpublished", f"'{path}' is not published ({state})", "")
    return _by_address(read, origin, path) or unpublished or _broken(read, origin, path, content)


def _candidates(content: str, lang: str) -> list[str]:
    """The content paths a path may stand for, in the language `lang` first if there is one."""
    names = [content]
    if not is_markdown(content):
        names += [f"{content}{ending}".lstrip("/") for ending in (".md", "/index.md", "/_index.md")]
    if not lang:
        return names
    translated = [f"{stem}.{lang}{suffix}" for stem, suffix in map(posixpath.splitext, names)]
    return [one for pair in zip(translated, names, strict=True) for one in pair]


def _by_address(read: Read, origin: str, path: str) -> _Found | None:
    """The page at a site address, with or without its closing slash."""
    base = read("config:base_path")
    if not path.startswith("/"):
        here = read(f"card:{origin}") if origin else None
        path = posixpath.join(here.url.removeprefix(base) if here else "/", path)
    plain = posixpath.normpath(decoded(path))
    closed = "/" if path.endswith("/") and plain != "/" else ""
    for candidate in dict.fromkeys((plain + closed, plain.removesuffix("/index.html") + "/", plain.rstrip("/") + "/")):
        url = quote(candidate, safe="/-._~!$&'()*+,;=:@")
        owner = read(f"url:{url}")
        if owner is not None:
            return _Found(base + url, owner if is_markdown(owner) else "")
    return None


def _broken(read: Read, origin: str, path: str, content: str | None) -> Target:
    if path.startswith("/"):
        hint = nearest(path, read("urls:")) or nearest(content or path, read("names:"))
    else:
        hint = nearest(content or path, read("names:"))
    if hint and origin and not path.startswith("/"):
        name = hint.removeprefix("did you mean '").removesuffix("'?")
        hint = f"did you mean '{posixpath.relpath(name, folder_of(origin) or '.')}'?"
    return Target("", "broken-link", f"'{path}' leads nowhere", hint or "there is no such page or file under content/")


def _with_fragment(read: Read, found: _Found, query: str, fragment: str, written: str) -> Target:
    whole = found.url + query + fragment
    if not fragment or not found.page or (name := decoded(fragment[1:])) in _ALWAYS:
        return Target(whole or written)
    anchors = read(f"anchors:{found.page}") or ()
    if name in anchors:
        return Target(whole)
    shown = ", ".join(f"#{one}" for one in anchors[:8])
    hint = nearest(name, anchors) or (f"its anchors are {shown}" if shown else "it has no anchors")
    where = "this page" if not found.url else found.url
    return Target(whole, "broken-anchor", f"{where} has no '{fragment}'", hint)
