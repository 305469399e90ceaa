"""Page: one Markdown source, read. The stage `parse` turns a source's text into this; nothing is added to it later."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from types import MappingProxyType
from typing import Any

from obverse.problems import Problem

EMPTY: Mapping[str, Any] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Matter:
    """The front matter of a page, typed. Empty is "" or (), never None, but for dates and what is truly tri-state.

    Dates carry a zone: one written without it is in `[site] timezone`. `extra` holds plain values (str, int, float,
    bool, None, list, dict, dates as ISO text) for the site's own templates.
    """

    title: str = ""
    description: str = ""
    date: datetime | None = None
    updated: datetime | None = None
    expires: datetime | None = None
    draft: bool = False
    authors: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    category: str = ""
    series: str = ""
    image: str = ""
    image_alt: str = ""
    form: str = ""
    cta: str = ""
    slug: str = ""
    url: str = ""
    aliases: tuple[str, ...] = ()
    template: str = ""
    type: str = ""
    weight: int = 0
    toc: bool | None = None
    noindex: bool = False
    canonical: str = ""
    extra: Mapping[str, Any] = field(default_factory=lambda: EMPTY)


@dataclass(frozen=True, slots=True)
class Page:
    r"""One Markdown file under `content/`, parsed but not yet placed in the site.

    `path` is relative to `content/` ("articles/pricing.md"); `lang` is the language its name carries or the site's own;
    `name` is `path` without language and suffix ("articles/pricing"). `body` is the Markdown after the fence, line ends
    normalised to "\n"; its first line is line `body_line` of the file. `places` tells where each front matter key
    stands: key -> (line, column).
    """

    path: str
    name: str
    lang: str
    matter: Matter
    body: str
    body_line: int
    places: Mapping[str, tuple[int, int]]
    problems: tuple[Problem, ...]
