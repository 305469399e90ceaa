"""The blocks of a Markdown text: what `normalise` reads and `tree` builds. Lines count from 0, `end` is inclusive."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TypeAlias


@dataclass(slots=True)
class Text:
    """A paragraph: its lines without their indentation."""

    start: int
    end: int
    text: str


@dataclass(slots=True)
class Heading:
    """A heading of level 1 to 6."""

    start: int
    end: int
    level: int
    text: str


@dataclass(slots=True)
class Rule:
    """A thematic break."""

    start: int
    end: int


@dataclass(slots=True)
class Code:
    """Literal text. `info` is what follows the opening fence; None when the code is indented."""

    start: int
    end: int
    info: str | None
    text: str


@dataclass(slots=True)
class Html:
    """Raw HTML."""

    start: int
    end: int
    text: str


@dataclass(slots=True)
class Quote:
    """A block quote."""

    start: int
    end: int
    children: list[Block] = field(default_factory=list)


@dataclass(slots=True)
class Item:
    """One item of a list, or one definition of a term."""

    start: int
    end: int
    children: list[Block] = field(default_factory=list)


@dataclass(slots=True)
class List:
    """A list. `marker` is the bullet or the delimiter after the number; `first` is None for bullets."""

    start: int
    end: int
    marker: str
    first: int | None
    items: list[Item] = field(default_factory=list)

    def tight(self) -> bool:
        """Whether no blank line stands between its items, or between the blocks of one of them."""
        for item, after in zip(self.items, [*self.items[1:], None], strict=True):
            if after is not None and after.start > item.end + 1:
                return False
            children = list(item.children)
            while after is None and children and isinstance(children[-1], Reference):
                children.pop()
            if any(children[at + 1].start > children[at].end + 1 for at in range(len(children) - 1)):
                return False
        return True


@dataclass(slots=True)
class Table:
    """A table: the cells of its head, their alignment ("", left, center, right), and its rows, all as wide."""

    start: int
    end: int
    head: list[str]
    align: list[str]
    rows: list[list[str]] = field(default_factory=list)


@dataclass(slots=True)
class Definitions:
    """A definition list: the terms, and what each group of them means; an item is loose after a blank line."""

    start: int
    end: int
    groups: list[tuple[list[str], list[tuple[Item, bool]]]] = field(default_factory=list)


@dataclass(slots=True)
class Note:
    """The text of a footnote."""

    start: int
    end: int
    label: str
    children: list[Block] = field(default_factory=list)


@dataclass(slots=True)
class Reference:
    """Where a link's label leads. It shows nothing."""

    start: int
    end: int
    label: str
    destination: str
    title: str


@dataclass(slots=True)
class Wrapped:
    """An HTML element whose content is Markdown (`markdown="1"`); `inline` when it holds no blocks."""

    start: int
    end: int
    tag: str
    attributes: list[tuple[str, str]]
    inline: bool
    children: list[Block] = field(default_factory=list)


@dataclass(slots=True)
class Foreign:
    """A block that only an extension of Python-Markdown knows: its first lines as written, and what it holds.

    `close` is the line that ends it; without one, what it holds is indented by four.
    """

    start: int
    end: int
    head: str
    close: str
    children: list[Block] = field(default_factory=list)


Block: TypeAlias = (
    Text | Heading | Rule | Code | Html | Quote | List | Table | Definitions | Note | Reference | Wrapped | Foreign
)
