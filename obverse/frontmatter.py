"""Front matter: a file's text -> its node tree and its body. Strict: what looks like front matter is read or refused.

Nothing that an author meant as front matter is ever printed on the page, and no `draft: true` is ever lost: an open
or odd fence, a list, header lines without a fence, JSON are errors with the mend. python-frontmatter recognises,
splits and loads; the handlers are ours because its own give up silently.

A file that opens with a horizontal rule is refused too (write `***`): `---` on the first line is always a fence.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

import frontmatter
from frontmatter.default_handlers import BaseHandler

from obverse.problems import Problem, as_text
from obverse.schema import Document, Node, Table, folded, plain, read_toml
from obverse.yaml_document import FAST, read_yaml

CODE = "front-matter"

# Keys that mark the first lines of a file as meant for the generator.
_HEADER_KEYS = frozenset(
    [
        "aliases",
        "author",
        "authors",
        "categories",
        "category",
        "date",
        "description",
        "draft",
        "expires",
        "image",
        "keywords",
        "lastmod",
        "layout",
        "modified",
        "noindex",
        "permalink",
        "published",
        "publishdate",
        "save_as",
        "series",
        "slug",
        "status",
        "summary",
        "tags",
        "template",
        "title",
        "updated",
        "url",
        "weight",
    ]
)

_HEADER = re.compile(r"([A-Za-z][\w -]{0,30}):(?:[ \t]|$)")
_HEADER_MORE = re.compile(r"[ \t]+\S|-[ \t]+\S|#")
_ODD_FENCE = re.compile(r"[ \t]*(?:[-\u2010-\u2015\u2212]{2,}|[\u2013-\u2015]|\+{2,})[ \t]*(?:[a-z]{2,4}|#.*)?[ \t]*\Z")
_ODD_CLOSE = re.compile(r"[ \t]*(?:[-\u2010-\u2015\u2212]{2,}|[\u2013-\u2015]|\+{2,}|={3,}|\.{2,}|~{3,})[ \t]*\Z")
_JSON_OPEN = re.compile(r"""[ \t]*\{(?:[ \t]*\Z|[ \t]*"[^"]*"[ \t]*:)""")


@dataclass(frozen=True, slots=True)
class FrontMatter:
    """A file in two parts. `node` is None without front matter; `body` starts on line `body_line` of the file."""

    node: Node | None
    body: str
    body_line: int
    problems: tuple[Problem, ...] = ()


class Strict(BaseHandler):
    """A handler that splits at the first fence lines only and keeps every character, so that lines can be counted."""

    closing: re.Pattern[str]

    def split(self, text: str) -> tuple[str, str]:
        """The block between the fences and the text after them. Raises ValueError when the block is not closed."""
        start = text.index("\n") + 1 if "\n" in text else len(text)
        end = self.closing.search(text, start)
        if end is None:
            raise ValueError("not closed")
        return text[start : end.start()], text[end.end() :]

    def read(self, block: str, document: Document, first_line: int) -> tuple[Node | None, tuple[Problem, ...]]:
        """The node tree of a block that starts on `first_line` of its document."""
        raise NotImplementedError

    def load(self, fm: str) -> dict[str, Any]:
        """The block as plain values, for python-frontmatter's own functions. Raises ValueError with the problems."""
        node, problems = self.read(fm, Document.of("", fm), 1)
        if problems or (node is not None and not isinstance(node.value, Table)):
            raise ValueError(as_text(problems) or "not keys and values")
        values: dict[str, Any] = {} if node is None else plain(node)
        return values


class Yaml(Strict):
    """`---` to `---` or `...`."""

    FM_BOUNDARY = re.compile(r"---[ \t]*$", re.MULTILINE)
    START_DELIMITER = END_DELIMITER = "---"
    closing = re.compile(r"^(?:---|\.\.\.)[ \t]*(?:\n|\Z)", re.MULTILINE)
    loader: Any = FAST

    def read(self, block: str, document: Document, first_line: int) -> tuple[Node | None, tuple[Problem, ...]]:
        """YAML, read alike with and without libyaml."""
        return read_yaml(block, document, CODE, first_line, self.loader)


class Toml(Strict):
    """`+++` to `+++`."""

    FM_BOUNDARY = re.compile(r"\+\+\+[ \t]*$", re.MULTILINE)
    START_DELIMITER = END_DELIMITER = "+++"
    closing = re.compile(r"^\+\+\+[ \t]*(?:\n|\Z)", re.MULTILINE)

    def read(self, block: str, document: Document, first_line: int) -> tuple[Node | None, tuple[Problem, ...]]:
        """TOML, read by the standard library."""
        return read_toml(block, document, CODE, first_line)


HANDLERS: tuple[Strict, ...] = (Yaml(), Toml())


def split(text: str, path: str, handlers: tuple[Strict, ...] = HANDLERS) -> FrontMatter:
    r"""The front matter and the body of a file's text (lines ending in "\n"); `path` is for its problems."""
    text = text.removeprefix("\ufeff")
    document = Document.of(path, text)
    first = next((n for n, line in enumerate(document.lines, 1) if line.strip()), 0)
    if not first:
        return FrontMatter(None, text, 1)
    start = sum(len(line) + 1 for line in document.lines[: first - 1])
    handler = frontmatter.detect_format(text[start:], handlers)
    if not isinstance(handler, Strict):
        return _unfenced(text, document, first)
    return _fenced(handler, text[start:], document, first)


def _fenced(handler: Strict, text: str, document: Document, first: int) -> FrontMatter:
    try:
        block, body = handler.split(text)
    except ValueError:
        return FrontMatter(None, "", first, (_unclosed(handler, document, first),))
    body_line = len(document.lines) - body.count("\n")
    node, problems = handler.read(block, document, first + 1)
    if problems or node is None:
        return FrontMatter(None if _broken(problems, node) else node, body, body_line, problems)
    if not isinstance(node.value, Table):
        return FrontMatter(None, body, body_line, (_not_a_table(node, document),))
    return FrontMatter(node, body, body_line)


def _broken(problems: tuple[Problem, ...], node: Node | None) -> bool:
    return bool(problems) and (node is None or not isinstance(node.value, Table))


def _unclosed(handler: Strict, document: Document, first: int) -> Problem:
    fence = handler.END_DELIMITER
    message = f"the front matter that opens here is never closed by {fence}"
    for number, line in enumerate(document.lines[first:], first + 1):
        if _ODD_CLOSE.match(line):
            hint = f"write {fence} instead of '{line.strip()}' on line {number}"
            break
    else:
        hint = f"put {fence} on a line of its own after the last key; for a horizontal rule write ***"
    return document.problem(CODE, message, first, 1, hint)


def _not_a_table(node: Node, document: Document) -> Problem:
    if isinstance(node.value, tuple):
        return document.problem(CODE, "the front matter is a list; it must be keys and values", node.line, node.column)
    message = "the front matter is not keys and values"
    hint = "write each as key: value; for a horizontal rule at the top of a page write ***"
    return document.problem(CODE, message, node.line, node.column, hint)


def _unfenced(text: str, document: Document, first: int) -> FrontMatter:
    """A text without a proper fence: its body, unless its first lines were meant for us."""
    line = document.lines[first - 1]
    column = len(line) - len(line.lstrip()) + 1
    if _ODD_FENCE.match(line):
        hint = f"write exactly {'+++' if '+' in line else '---'}; for a horizontal rule write ***"
        problem = document.problem(CODE, f"'{line.strip()}' is not a front matter fence", first, column, hint)
    elif _JSON_OPEN.match(line):
        hint = "put a line --- before the block and another after it"
        problem = document.problem(CODE, "front matter in JSON has no fence", first, column, hint)
    elif last := _header_lines(document, first):
        closed = last < len(document.lines) and document.lines[last].strip() in ("---", "...")
        hint = f"put a line --- before line {first}" + ("" if closed else f" and another after line {last}")
        problem = document.problem(CODE, "header lines without a fence", first, 1, hint)
    else:
        return FrontMatter(None, text, 1)
    return FrontMatter(None, "", first, (problem,))


def _header_lines(document: Document, first: int) -> int:
    """The last of the `Key: value` lines that open a file, 0 when it opens with something else."""
    keys: list[str] = []
    last = first - 1
    for line in document.lines[first - 1 :]:
        key = _HEADER.match(line)
        if key is None and not (keys and _HEADER_MORE.match(line)):
            break
        keys += [folded(key[1])] if key else []
        last += 1
    ended = last >= len(document.lines) or not (after := document.lines[last].strip()) or after in ("---", "...")
    return last if ended and _HEADER_KEYS.intersection(keys) else 0
