"""What `survey` finds in a body: its HTML in parts, and the facts the rest of the site needs of it.

The HTML is cut at every place that depends on the site (a link, an image, a component call): literal text and slots in
turn. Rendering fills the slots; nothing else of the body is ever looked at again. Where a slot is written in the source
is asked when something is wrong with it (`survey.places`).
"""

from __future__ import annotations

from typing import NamedTuple, TypeAlias

from obverse.problems import Problem


class Place(NamedTuple):
    """Where something stands in its source file: line and column from 1, and the line as written."""

    line: int
    column: int
    excerpt: str


class Link(NamedTuple):
    """The value of one attribute that names another place: `href` of a link or area, `src` of an image, `poster` …

    It stands for the attribute's value alone (quotes stay in the literal text around it). `destination` is as written,
    HTML entities decoded. `tag` and `attribute` tell what holds it ("a", "href").
    """

    tag: str
    attribute: str
    destination: str


class Image(NamedTuple):
    """A whole `<img>` tag. `attributes` are all but src and alt, in order, values decoded (None: no value).

    `alt` is None when the attribute is missing, "" when it is empty (decorative).
    """

    source: str
    alt: str | None
    attributes: tuple[tuple[str, str | None], ...]


class Call(NamedTuple):
    """A component call `{{ name(...) }}` with plain literals; `block` when it stood alone in its paragraph."""

    name: str
    positional: tuple[object, ...]
    named: tuple[tuple[str, object], ...]
    block: bool


Part: TypeAlias = str | Link | Image | Call


class Heading(NamedTuple):
    """One heading: level 1 to 6, its id, its text as plain text and as safe inline HTML without links."""

    level: int
    id: str
    text: str
    html: str


class Facts(NamedTuple):
    """What others may want to know of a body without reading it.

    `title` is the text of a first level-1 heading that opens the body ("" when there is none; it is then not in the
    parts, since the template prints the title). `excerpt` is the first paragraph as plain text; `words` counts words of
    running text (a CJK character counts as one half). `ids` are all ids in the HTML, sorted.
    """

    title: str
    excerpt: str
    words: int
    headings: tuple[Heading, ...]
    ids: tuple[str, ...]
    problems: tuple[Problem, ...]


class Survey(NamedTuple):
    """A surveyed body: what to print and what to know."""

    parts: tuple[Part, ...]
    facts: Facts
