"""Cells: everything an answer may be made of, each by name with a digest.

`card:a.md`, `page:a.md`, `anchors:a.md`, `list:en/tags=x`, `config:site.title`, `template:base.html`, `asset:app.css` …
What does not exist is a cell too, holding None: a missing link target that appears later is just a changed cell.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from obverse.facts import Heading
from obverse.form_files import FormFile
from obverse.site import File, Site
from obverse.sources import Source, digest_of
from obverse.theme import Theme


@dataclass(frozen=True, slots=True)
class Inside:
    """What only a page itself shows of itself: its body and the front matter that cards do not carry."""

    body: str
    body_line: int
    headings: tuple[Heading, ...]
    words: int
    expires: datetime | None
    canonical: str
    form: str
    cta: str
    toc: bool | None
    draft: bool


def digest_of_value(value: object) -> str:
    """The digest of a plain value or frozen dataclass."""
    return digest_of(repr(value).encode("utf-8", "surrogatepass"))


class Cells:
    """The present value of every cell, looked up when asked for and kept."""

    def __init__(
        self,
        site: Site,
        theme: Theme,
        owners: Mapping[str, str],
        data: Mapping[str, Source],
        sizes: Callable[[File], tuple[int, int] | None],
        forms: Mapping[str, tuple[FormFile, ...]],
    ) -> None:
        """Look at a placed site.

        `owners` maps each site-local URL to the content path it shows ("" for a generated page); `data` are the data
        files by name; `sizes` tells a picture's width and height in pixels; `forms` are the forms by name.
        """
        self.site = site
        self.theme = theme
        self.owners = owners
        self.data = data
        self._sizes = sizes
        self._files_by_url = {file.url: file for file in site.files.values()}
        self._values: dict[str, Any] = {}
        self._digests: dict[str, str] = {}
        self._kinds: dict[str, Callable[[str], Any]] = {
            "anchors": self._anchors,
            "asset": theme.asset,
            "assets": lambda _: theme.asset_names(),
            "card": lambda key: entry.card if (entry := site.entries.get(key)) else None,
            "clock": lambda _: site.clock,
            "config": self._config,
            # The suffix decides how the bytes are read.
            "data": lambda key: (source.path, source.digest) if (source := data.get(key)) else None,
            "file": site.files.get,
            "form": forms.get,
            "forms": lambda _: tuple(forms),
            "hidden": self._hidden,
            "list": self._list,
            "names": lambda _: (*site.entries, *site.files),
            "near": lambda key: site.neighbours.get(key, ("", "")),
            "page": self._page,
            "pages": lambda _: tuple(site.entries),
            "redirects": lambda _: tuple(sorted((url, path) for url, (path, _) in site.redirects.items())),
            "size": self._size,
            "template": theme.closure,
            "templates": lambda _: tuple(theme.template_names()),
            "terms": lambda key: site.terms.get(_pair(key), ()),
            "translations": lambda key: site.translations.get(key, ()),
            "url": owners.get,
            "urls": lambda _: tuple(owners),
            "words": theme.words,
        }

    def value(self, name: str) -> Any:
        """What the cell holds now. Raises KeyError for a kind of cell that does not exist."""
        if name not in self._values:
            kind, _, key = name.partition(":")
            self._values[name] = self._kinds[kind](key)
        return self._values[name]

    def digest(self, name: str) -> str:
        """The digest of what the cell holds now."""
        if name not in self._digests:
            self._digests[name] = digest_of_value(self.value(name))
        return self._digests[name]

    def _anchors(self, path: str) -> tuple[str, ...] | None:
        entry = self.site.entries.get(path)
        return entry.facts.ids if entry else None

    def _config(self, key: str) -> Any:
        value: Any = self.site.config
        for part in key.split("."):
            value = getattr(value, part)
        return value

    def _hidden(self, path: str) -> str | None:
        if path in self.site.hidden_files:
            return "draft"
        hidden = self.site.hidden.get(path)
        return hidden.state if hidden else None

    def _list(self, key: str) -> tuple[str, ...]:
        return self.site.lists.get(_pair(key), ())

    def _size(self, url: str) -> tuple[int, int] | None:
        file = self._files_by_url.get(url)
        return self._sizes(file) if file else None

    def _page(self, path: str) -> Inside | None:
        entry = self.site.entries.get(path)
        if entry is None:
            return None
        matter = entry.page.matter
        return Inside(
            entry.body,
            entry.page.body_line,
            entry.facts.headings,
            entry.facts.words,
            matter.expires,
            matter.canonical,
            matter.form,
            matter.cta,
            matter.toc,
            matter.draft,
        )


def _pair(key: str) -> tuple[str, str]:
    lang, _, selector = key.partition("/")
    return lang, selector
