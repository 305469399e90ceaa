"""The release: what capture knows of the site (settings, forms of all times, words, page shells, the page table).

`take_in` puts what a build wrote onto the shelf; `Releases` follows both and gives the current `Release`, a value.
"""

from __future__ import annotations

import html
import json
import logging
import re
import threading
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import MappingProxyType
from typing import Any
from urllib.parse import unquote, urlsplit

from capture.model import Submission
from capture.setup import PageRow, Settings
from capture.shelf import Parts, ReleaseError, all_forms, newest, newest_number, page_row, take_in
from obverse.forms.form import Form

__all__ = ["Release", "ReleaseError", "Releases", "Shell", "take_in"]

_log = logging.getLogger("obverse.capture")
_SLOT = re.compile(r"\{(\w+)\}")
_NONE: Mapping[Any, Any] = MappingProxyType({})

# What a page names by a path.
_NAMED = re.compile(r"""(\s(?:href|src|action|poster)=")/(?!/)""")
_SRCSET = re.compile(r"""\ssrcset="[^"]*\"""")
_CANDIDATE = re.compile(r"""([",]\s*)/(?!/)""")

# How long the answer of the disk is good for, in seconds.
_FRESH = 1.0
_URGENT = 0.05


@dataclass(frozen=True, slots=True)
class Shell:
    """A page of the theme, cut where the title and the content of main stand."""

    parts: tuple[str, ...]

    @classmethod
    def cut(cls, text: str) -> Shell:
        """A shell of the text a build wrote. Filling never scans again, so a title may hold any text."""
        return cls(tuple(re.split("(%%TITLE%%|%%MAIN%%)", text)))

    def filled(self, title: str, main: str, origin: str = "") -> str:
        """The whole page: `title` is text, `main` safe HTML. With `origin` what the shell names comes from there."""
        fills = {"%%TITLE%%": html.escape(title), "%%MAIN%%": main}
        parts = [_from(origin, part) for part in self.parts] if origin else self.parts
        return "".join(fills.get(part, part) for part in parts)


def _from(origin: str, markup: str) -> str:
    """The same markup, naming by whole addresses what it named by paths."""
    named = _NAMED.sub(rf"\g<1>{origin}/", markup)
    return _SRCSET.sub(lambda found: _CANDIDATE.sub(rf"\g<1>{origin}/", found[0]), named)


# What an answer wears before any build has brought a theme.
_BARE = Shell.cut(
    '<!doctype html>\n<html>\n<head>\n<meta charset="utf-8">\n<title>%%TITLE%%</title>\n'
    '<meta name="viewport" content="width=device-width, initial-scale=1">\n</head>\n'
    "<body>\n<main>%%MAIN%%</main>\n</body>\n</html>\n"
)


@dataclass(frozen=True, slots=True)
class Release:
    """One release. `forms` are the current ones by name and language, `versions` every one by name, rules and words.

    `takers` are, by name, those of all versions that take files.
    """

    settings: Settings = field(default_factory=Settings)
    forms: Mapping[tuple[str, str], Form] = field(default_factory=dict)
    versions: Mapping[tuple[str, str, str], Form] = field(default_factory=dict)
    words: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    shells: Mapping[str, Shell] = field(default_factory=dict)
    pages: Mapping[str, PageRow] = field(default_factory=dict)
    places: Mapping[str, PageRow] = field(default_factory=dict)
    by_rules: Mapping[tuple[str, str, str], Form] = field(default_factory=dict)
    takers: Mapping[str, Sequence[Form]] = field(default_factory=dict)

    def form(self, name: str, lang: str, rules: str = "", words: str = "") -> Form | None:
        """The form as the visitor saw it: that very version, or one with these rules, or else the current one.

        A language that the form does not have gets the site's own. None when no form ever had that name, and when it
        is no longer published and the version is not one that was.
        """
        seen = self.versions.get((name, rules, words)) or self.by_rules.get((name, rules, lang))
        return seen or self.by_rules.get((name, rules, "")) or self.current(name, lang)

    def knows(self, name: str, rules: str) -> bool:
        """Whether a form of that name was ever published with these rules; with none, whether it is published now."""
        return (name, rules, "") in self.by_rules if rules else self.current(name, "") is not None

    def current(self, name: str, lang: str) -> Form | None:
        """The form as it is published now."""
        for tried in (lang, self.settings.language, *self.settings.languages):
            if found := self.forms.get((name, tried)):
                return found
        return next((form for (other, _), form in sorted(self.forms.items()) if other == name), None)

    def told(self, submission: Submission) -> Form | None:
        """The form as its visitor saw it, telling whom the form that is published now tells; None as for `form`."""
        seen = self.form(submission.form, submission.lang, submission.rules, submission.words)
        current = self.current(submission.form, submission.lang)
        if seen is None or current is None or (seen.notify, seen.auto_reply) == (current.notify, current.auto_reply):
            return seen
        return replace(seen, notify=current.notify, auto_reply=current.auto_reply)

    def language(self, lang: str) -> str:
        """That language when the site speaks it, else the site's own."""
        return lang if lang in self.words or lang in self.shells else self.settings.language

    def say(self, lang: str) -> Callable[..., str]:
        """The visitor-facing words of a language: `say(key, **values)` gives text (not HTML), filled once.

        With `n` the form for that number is taken. A word that no catalogue has is its own key.
        """
        catalogue = self.words.get(lang) or self.words.get(self.settings.language) or _NONE

        def say(key: str, **values: Any) -> str:
            counted = f"{key}.one" if values.get("n") == 1 else f"{key}.other"
            word = (catalogue.get(counted) if "n" in values else None) or catalogue.get(key, key)
            return _SLOT.sub(lambda slot: str(values.get(slot[1], slot[0])), word)

        return say

    def shell(self, lang: str, title: str, html: str, origin: str = "") -> str:
        """A whole page in the theme: `title` is text, `html` the safe content of main.

        `origin` is the scheme and host of the site where the page is sent by another one.
        """
        shell = self.shells.get(lang) or self.shells.get(self.settings.language) or _BARE
        return shell.filled(title, html, origin)

    def page_at(self, url: str) -> PageRow | None:
        """The page at a URL, absolute or not, with or without the base path: at its own address or at an alias."""
        try:
            path = unquote(urlsplit(url).path)
        except ValueError:
            return None
        if not path:
            return None
        base = self.settings.base_path
        inside = path[len(base) :] if base and path.startswith(f"{base}/") else path
        return self.places.get(_place(inside)) or self.places.get(_place(path))


class Releases:
    """The shelf `store`, fed by what builds write to `source`: `current()` is always the newest whole release.

    A release that cannot be read is told once and leaves the one before it in place. `clock` counts seconds.
    """

    def __init__(self, store: Path, source: Path | None = None, clock: Callable[[], float] = time.monotonic) -> None:
        self._store = store
        self._source = source
        self._clock = clock
        self._lock = threading.Lock()
        self._looked: float | None = None
        self._taken: object = None
        self._number = 0
        self._versions: dict[Path, Form] = {}
        self._current = Release()

    def current(self, form: str = "", rules: str = "") -> Release:
        """The newest release. The disk is asked at most once a second, by one thread; the others do not wait for it.

        A release without the `form`, or without the `rules` that somebody has seen, may be older than their page: then
        the disk is asked at once. A program that sends no rules has seen none.
        """
        now = self._clock()
        patience = _FRESH if not form or self._current.knows(form, rules) else _URGENT
        if self._looked is not None and 0 <= now - self._looked < patience:
            return self._current
        if self._lock.acquire(blocking=self._looked is None):
            try:
                self._look(now)
            finally:
                self._lock.release()
        return self._current

    def _look(self, now: float) -> None:
        try:
            self._feed()
            number = newest_number(self._store)
            if number != self._number:
                self._read(number)
        except OSError as error:
            _log.warning("the shelf of releases cannot be read: %s", error.strerror)
        self._looked = now

    def _feed(self) -> None:
        """Take in what a build wrote, when it changed since we looked, and has not changed while we read it."""
        signature = _signature(self._source)
        if self._source is None or not signature or signature == self._taken:
            return
        try:
            take_in(self._source, self._store)
        except ReleaseError as error:
            _log.warning("a release was not taken in: %s", error)
        if _signature(self._source) == signature:
            self._taken = signature

    def _read(self, number: int) -> None:
        parts = newest(self._store)
        if parts is None:
            return
        for path in all_forms(self._store):
            if path not in self._versions:
                self._remember(path)
        try:
            self._current = _release(parts, self._versions.values())
        except (ValueError, KeyError, TypeError, AttributeError):
            _log.warning("the newest release on the shelf is not one this program can read")
        # A newer one that is not whole yet is looked for again.
        self._number = number if parts.number == number else 0

    def _remember(self, path: Path) -> None:
        try:
            self._versions[path] = Form.from_plain(json.loads(path.read_bytes()))
        except (ValueError, KeyError, TypeError, AttributeError):
            _log.warning("an old form on the shelf cannot be read: %s", path.name)


def _release(parts: Parts, versions: Iterable[Form]) -> Release:
    """A release of its files, and of every form that was ever published (the oldest first)."""
    plain = {name: json.loads(data) for name, data in parts.files.items() if name.endswith(".json")}
    forms = [Form.from_plain(one) for name, one in plain.items() if name.startswith("forms/")]
    every = [*versions, *forms]
    takers: dict[str, list[Form]] = {}
    for form in every:
        if form.files:
            takers.setdefault(form.name, []).append(form)
    pages = tuple(page_row(one) for one in plain.get("pages.json", []))
    return Release(
        settings=Settings.from_plain(plain["site.json"]),
        forms={(form.name, form.lang): form for form in forms},
        versions={(form.name, form.rules, form.words): form for form in every},
        words=_by_language(plain, "words"),
        shells={lang: Shell.cut(data.decode()) for lang, data in _by_language(parts.files, "shell").items()},
        pages={page.id: page for page in pages},
        places=_places(pages),
        by_rules={(form.name, form.rules, lang): form for form in every for lang in ("", form.lang)},
        takers=takers,
    )


def _by_language(files: Mapping[str, Any], kind: str) -> dict[str, Any]:
    """The files `KIND.LANG.…` of a release, by language."""
    found = {}
    for name, value in files.items():
        first, _, rest = name.partition(".")
        if first == kind:
            found[rest.rpartition(".")[0]] = value
    return found


def _places(pages: Iterable[PageRow]) -> dict[str, PageRow]:
    """Pages by address; a page's own address wins over another's alias."""
    rows = tuple(pages)
    aliases = {_place(alias): page for page in rows for alias in page.aliases}
    return aliases | {_place(page.url): page for page in rows}


def _place(url: str) -> str:
    """An address as it is compared: decoded, without `index.html`, without a slash at its end."""
    return unquote(url).removesuffix("/index.html").rstrip("/") or "/"


def _signature(source: Path | None) -> object:
    """What changes whenever a build writes; empty when nothing is there."""
    if source is None:
        return ()
    try:
        found = sorted(path for path in source.rglob("*") if path.is_file())
        stats = [(path, path.stat()) for path in found]
    except OSError:
        return ()
    return tuple((str(path), one.st_mtime_ns, one.st_size, one.st_ino) for path, one in stats)
