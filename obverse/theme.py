"""Theme: the site's templates over the bundled ones, their closures, their assets and their words.

Templates are asked once for what they include, extend and import; whatever cannot be known statically depends on every
template. Assets are published under a name that carries their content's digest, so they may be cached for ever.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Callable, Iterable, Mapping
from typing import NamedTuple

from obverse.addresses import encoded
from obverse.problems import Problem, nearest, problem
from obverse.sources import Source, digest_of

BUNDLED = "theme/"
ASSETS = "assets/"
WORDS = "words/"
FALLBACK_LANGUAGE = "en"

_CSS_URL = re.compile(rb"""url\(\s*(["']?)(?![a-z]+:|/|#)([^"')]+)\1\s*\)""")


class Asset(NamedTuple):
    """A published asset: its name under `templates/assets/`, its href, its output path, and the assets it names."""

    name: str
    url: str
    output: str
    wants: tuple[str, ...]


class Theme:
    """The merged `templates/` folders of one build."""

    def __init__(
        self,
        sources: Iterable[Source],
        base_path: str,
        known: Mapping[str, tuple[str, ...]],
        find_references: Callable[[str], tuple[str, ...]],
    ) -> None:
        """Merge `sources`, the files under "templates/" and "theme/".

        `known` are earlier `references` by digest; `find_references` finds the names that a template's text mentions.
        """
        self.base_path = base_path
        self.bundled: dict[str, Source] = {}
        own: dict[str, Source] = {}
        for source in sources:
            folder, _, name = source.path.partition("/")
            (self.bundled if folder == "theme" else own)[name] = source
        if not self.bundled:
            # The checkout's own templates/ are the bundled theme.
            self.bundled = own
        self.files = {**self.bundled, **own}
        self.references: dict[str, tuple[str, ...]] = dict(known)
        self._find_references = find_references
        self._closures: dict[str, tuple[tuple[str, str], ...] | None] = {}
        self._assets: dict[str, Asset | None] = {}
        self._named: dict[str, tuple[str, ...]] = {}
        self._words: dict[str, dict[str, str]] = {}
        self._catalogues: dict[str, tuple[dict[str, str], tuple[Problem, ...]]] = {}

    def source(self, name: str) -> Source | None:
        """The file behind a template name; "theme/x" is always the bundled one."""
        if name.startswith(BUNDLED):
            return self.bundled.get(name.removeprefix(BUNDLED))
        return self.files.get(name)

    def template_names(self) -> list[str]:
        """All templates there are, by name."""
        return sorted(name for name in self.files if not name.startswith((ASSETS, WORDS)) and "." in name)

    def components(self) -> frozenset[str]:
        """The names that a body may call: `components/NAME.html`."""
        names = (name for name in self.files if name.startswith("components/") and name.endswith(".html"))
        return frozenset(name[len("components/") : -len(".html")] for name in names)

    def closure(self, name: str) -> tuple[tuple[str, str], ...] | None:
        """(name, path and digest) of a template and all it can reach; None when there is no such template.

        It is "" for one that is looked for and absent. An include that cannot be known statically reaches every
        template.
        """
        if name not in self._closures:
            self._closures[name] = self._closure(name) if self.source(name) else None
        return self._closures[name]

    def _closure(self, name: str) -> tuple[tuple[str, str], ...]:
        found: dict[str, str] = {}
        open_names = [name]
        while open_names:
            one = open_names.pop()
            if one in found:
                continue
            source = self.source(one)
            # With its path, which its problems name: an override may be a copy of what it overrides.
            found[one] = f"{source.path} {source.digest}" if source else ""
            if source:
                references = self._references(source)
                open_names.extend(self._all_names() if "*" in references else references)
        return tuple(sorted(found.items()))

    def _all_names(self) -> list[str]:
        """Every name a template may be asked for by: an SVG may be included, and the bundled theme's by "theme/…"."""
        return [*self.files, *(BUNDLED + name for name in self.bundled)]

    def _references(self, source: Source) -> tuple[str, ...]:
        """The names a template's source mentions, "*" for one that is computed."""
        if source.digest not in self.references:
            self.references[source.digest] = self._find_references(_text(source))
        return self.references[source.digest]

    def asset_names(self) -> tuple[str, ...]:
        """All assets there are, by name."""
        return tuple(sorted(name.removeprefix(ASSETS) for name in self.files if name.startswith(ASSETS)))

    def asset(self, name: str) -> Asset | None:
        """Where an asset is published, or None when there is no such file."""
        if name not in self._assets:
            source = self.files.get(ASSETS + name)
            self._assets[name] = self._published(name, source) if source else None
        return self._assets[name]

    def _published(self, name: str, source: Source) -> Asset:
        data, wants, _ = self.asset_data(name)
        # The digest of the finished bytes, so that a style sheet gets a new name with the pictures it names.
        mark = source.digest if not wants else digest_of(data)
        stem, suffix = posixpath.splitext(name)
        output = f"{ASSETS}{stem}.{mark[:10]}{suffix}"
        return Asset(name, self.base_path + encoded("/" + output), output, wants)

    def asset_data(self, name: str) -> tuple[bytes, tuple[str, ...], tuple[Problem, ...]]:
        """An asset's bytes as published, the assets it names, and what is wrong with those names.

        In CSS, `url()`s of other assets lead to where those are published.
        """
        source = self.files[ASSETS + name]
        data = _bytes(source)
        if not name.endswith(".css"):
            return data, (), ()
        wants: list[str] = []
        problems: list[Problem] = []

        def replaced(found: re.Match[bytes]) -> bytes:
            target = _named_by(name, found)
            circle = self._reaches(target, name)
            asset = None if circle else self.asset(target)
            if asset is None:
                problems.append(self._broken(source, data, found.start(), target, circle=circle))
                return found[0]
            wants.append(target)
            return b'url("' + asset.url.encode() + b'")'

        return _CSS_URL.sub(replaced, data), tuple(dict.fromkeys(wants)), tuple(problems)

    def _reaches(self, start: str, goal: str) -> bool:
        """Whether a style sheet is, or names over any number of others, the asset `goal`."""
        seen: set[str] = set()
        open_names = [start]
        while open_names:
            one = open_names.pop()
            if one == goal:
                return True
            if one not in seen:
                seen.add(one)
                open_names.extend(self._names_in_sheet(one))
        return False

    def _names_in_sheet(self, name: str) -> tuple[str, ...]:
        if name not in self._named:
            source = self.files.get(ASSETS + name) if name.endswith(".css") else None
            found = _CSS_URL.finditer(_bytes(source)) if source else ()
            self._named[name] = tuple(_named_by(name, one) for one in found)
        return self._named[name]

    def _broken(self, source: Source, data: bytes, offset: int, target: str, *, circle: bool) -> Problem:
        line = data.count(b"\n", 0, offset) + 1
        column = offset - data.rfind(b"\n", 0, offset)
        if circle:
            message, hint = f"'{target}' names this style sheet in its turn", "name one of them from a template"
            return problem("asset-circle", source.path, message, line=line, column=column, hint=hint)
        message, hint = f"no such asset: '{target}'", nearest(target, self.asset_names())
        return problem("unknown-asset", source.path, message, line=line, column=column, hint=hint)

    def words(self, lang: str) -> dict[str, str]:
        """The catalogue of a language: its own words over the fallback language's, the site's over the theme's."""
        if lang not in self._words:
            merged: dict[str, str] = {}
            for code in dict.fromkeys((FALLBACK_LANGUAGE, lang)):
                name = f"{WORDS}{code}.toml"
                layers = dict.fromkeys((self.bundled.get(name), self.files.get(name)))
                for source in layers:
                    merged.update(self._catalogue(source)[0] if source else {})
            self._words[lang] = merged
        return self._words[lang]

    def word_problems(self) -> list[Problem]:
        """What is wrong with any catalogue, whether or not its language is spoken: who asks first must not matter."""
        catalogues = {**self.files, **{BUNDLED + name: source for name, source in self.bundled.items()}}
        own = {source.path: source for name, source in catalogues.items() if _is_catalogue(name)}
        return [one for source in own.values() for one in self._catalogue(source)[1]]

    def _catalogue(self, source: Source) -> tuple[dict[str, str], tuple[Problem, ...]]:
        if source.path not in self._catalogues:
            self._catalogues[source.path] = _catalogue(source)
        return self._catalogues[source.path]


def _is_catalogue(name: str) -> bool:
    return name.removeprefix(BUNDLED).startswith(WORDS) and name.endswith(".toml")


def _catalogue(source: Source) -> tuple[dict[str, str], tuple[Problem, ...]]:
    """The words in a catalogue, and what is wrong with it."""
    import tomllib

    try:
        table = tomllib.loads(_text(source))
    except tomllib.TOMLDecodeError as error:
        line = re.search(r"line (\d+)", str(error))
        return {}, (problem("words", source.path, f"not TOML: {error}", line=int(line[1]) if line else 0),)
    hint = 'write "a.b" = "text", with quotes around a key that has a dot'
    wrong = [key for key, word in table.items() if not isinstance(word, str)]
    problems = (problem("words", source.path, f"the word '{key}' is not a text", hint=hint) for key in wrong)
    return {key: word for key, word in table.items() if isinstance(word, str)}, tuple(problems)


def _named_by(sheet: str, found: re.Match[bytes]) -> str:
    """The asset that a `url()` of a style sheet names."""
    return posixpath.normpath(posixpath.join(posixpath.dirname(sheet), found[2].decode("utf-8", "replace")))


def _bytes(source: Source) -> bytes:
    with open(source.file, "rb") as stream:
        return stream.read()


def _text(source: Source) -> str:
    with open(source.file, encoding="utf-8-sig", errors="replace", newline=None) as stream:
        return stream.read()
