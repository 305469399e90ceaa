"""Site: all pages in their places. What `index` makes of surveyed pages; everything later reads only this."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from obverse.clock import Clock
from obverse.config import Config
from obverse.facts import Facts
from obverse.page import Page
from obverse.problems import Problem


@dataclass(frozen=True, slots=True)
class Surveyed:
    """A page and the facts of its body. `body` is the memo key under which its parts are kept."""

    page: Page
    facts: Facts
    body: str


@dataclass(frozen=True, slots=True)
class Term:
    """One term of a taxonomy as some page spells it: `url` is the page that lists everything under it."""

    taxonomy: str
    slug: str
    name: str
    url: str


@dataclass(frozen=True, slots=True)
class Card:
    """What others may know of a page. It is made of its own source and the settings alone.

    `url` is the href (with base path); `section` is the content folder the page belongs to ("articles"); `authors` are
    content paths; `image` is an href or ""; `minutes` is reading time, at least 1. `date` and `updated` carry a zone.
    """

    path: str
    id: str
    kind: str
    name: str
    lang: str
    url: str
    title: str
    description: str
    standfirst: str
    excerpt: str
    date: datetime | None
    updated: datetime | None
    authors: tuple[str, ...]
    tags: tuple[Term, ...]
    category: Term | None
    series: Term | None
    section: str
    image: str
    image_alt: str
    minutes: int
    weight: int
    noindex: bool
    extra: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Entry:
    """A page in its place: its source, the facts of its body, its card."""

    page: Page
    facts: Facts
    body: str
    card: Card


@dataclass(frozen=True, slots=True)
class Hidden:
    """A page that is not published now: why ("draft", "scheduled", "expired") and from when that changes, if ever."""

    page: Page
    state: str
    until: datetime


@dataclass(frozen=True, slots=True)
class File:
    """A file published as it is: its content path, href, digest, and where it lies on disk."""

    path: str
    url: str
    digest: str
    file: str


@dataclass(frozen=True, slots=True)
class Site:
    """The whole site, in order.

    `entries` and `hidden` by content path; `lists` by (language, selector) give content paths in reading order, newest
    first for articles; `terms` by (language, taxonomy) in order of name, with how many pages each has; `redirects` map
    site-local URLs to content paths; `next_due` is when a hidden page appears or a visible one expires.
    """

    config: Config
    clock: Clock
    entries: Mapping[str, Entry]
    hidden: Mapping[str, Hidden]
    files: Mapping[str, File]
    hidden_files: frozenset[str]
    lists: Mapping[tuple[str, str], tuple[str, ...]]
    terms: Mapping[tuple[str, str], tuple[tuple[Term, int], ...]]
    neighbours: Mapping[str, tuple[str, str]]
    translations: Mapping[str, tuple[str, ...]]
    redirects: Mapping[str, tuple[str, str]]
    next_due: datetime
    problems: tuple[Problem, ...]
