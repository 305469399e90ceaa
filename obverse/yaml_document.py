"""YAML text -> a node tree with places, every scalar as it was written.

The text is composed, never constructed: no tag makes an object, and `no`, `1.10` and `12:30` stay text until a field
says what they are. It reads the same with and without libyaml.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any

import yaml

from obverse.problems import Problem
from obverse.schema import FORBIDDEN, Document, Entry, Node, Table

# libyaml's loader reads ten times faster; where it is not built in, or balks, the pure one reads and words the problem.
FAST: Any = getattr(yaml, "CSafeLoader", None)
PURE: Any = yaml.SafeLoader

_MOST_NODES = 10_000
_DEEPEST = 40

# Breaks to YAML 1.1 but to no editor, so that line numbers would be wrong; and tabs that only stand between words.
_ODD_SPACE = re.compile("[\t\x85\u2028\u2029]")
_UNREADABLE = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x84\x86-\x9f\ud800-\udfff\ufdd0\ufeff\ufffe\uffff]")
_TAB_INDENT = re.compile(r"^ *\t[ \t]*(?=[^\s#])", re.MULTILINE)
# A question mark inside a word is text, but the pure loader ends a flow list's item at it: a noncharacter stands in.
_QUESTION = re.compile(r"(?<=[^\s,\[\]{}])\?")
_STAND_IN = "\ufdd0"
# Where the two loaders differ (tags, `?` keys, `?` in a flow list, a comment that touches a block's sign), or where the
# text may nest deeper than the fast one's own stack allows: there the pure one alone decides.
_DISPUTED = re.compile(
    r"(?:^|[\s,\[{])[!?]|[|>][-+\w]*\#|(?:[-:] +){30}|[\[{](?:[^\[{]*[\[{]){30}|^ {120}",
    re.MULTILINE,
)

_STANDARD = "tag:yaml.org,2002:"
_PLAIN_TAGS = frozenset(_STANDARD + name for name in ("bool", "float", "int", "null", "str", "timestamp", "value"))


def read_yaml(
    text: str, document: Document, code: str, first_line: int = 1, loader: Any = FAST
) -> tuple[Node | None, tuple[Problem, ...]]:
    r"""The root of a YAML text (lines ending in "\n"), or None when it is empty or cannot be read.

    `first_line` is the line of `document` on which `text` starts; `code` is the code of its problems.
    """
    reading = _Reading(document, code, first_line)
    clean = reading.cleaned(text)
    try:
        root = _composed(clean, loader)
    except yaml.YAMLError as error:
        reading.syntax(error, clean)
        return None, tuple(reading.problems)
    except RecursionError:
        reading.tell("nested too deep", first_line, 1)
        return None, tuple(reading.problems)
    node = None if root is None else reading.node(root, 0)
    return None if node is None or node.value is None else node, tuple(reading.problems)


def _composed(text: str, loader: Any) -> yaml.Node | None:
    """The node graph, or YAMLError or RecursionError as the pure loader raises it."""
    disputed = _DISPUTED.search(text) or ("?" in text and ("[" in text or "{" in text))
    if loader is not None and not disputed:
        try:
            return _compose(text, loader)
        except yaml.YAMLError:
            pass
    return _compose(text, PURE)


def _compose(text: str, loader: Any) -> yaml.Node | None:
    node: yaml.Node | None = yaml.compose(text, Loader=loader)
    return node


@dataclass(slots=True)
class _Reading:
    """One text on its way from YAML's nodes to ours."""

    document: Document
    code: str
    first_line: int
    problems: list[Problem] = field(default_factory=list)
    left: int = _MOST_NODES

    def tell(self, message: str, line: int, column: int, hint: str = "") -> None:
        """Add a problem at a place of the file."""
        self.problems.append(self.document.problem(self.code, message, line, column, hint))

    def cleaned(self, text: str) -> str:
        """The text with what YAML cannot carry taken out, each told."""
        for found in _TAB_INDENT.finditer(text):
            line, column = _place(text, found.start() + found.group().index("\t"))
            self.tell("a tab indents this line", self.first_line + line, column, "indent with spaces")
        text = _TAB_INDENT.sub(lambda found: found.group().replace("\t", "  "), text)
        for found in _UNREADABLE.finditer(text):
            line, column = _place(text, found.start())
            name = f"U+{ord(found.group()):04X}"
            self.tell(f"invisible character {name}", self.first_line + line, column, "delete it")
        text = _ODD_SPACE.sub(" ", _UNREADABLE.sub("", text))
        return _QUESTION.sub(_STAND_IN, text) if "?" in text else text

    def syntax(self, error: yaml.YAMLError, text: str) -> None:
        """The problem of a text that is not YAML."""
        said = getattr(error, "problem", None) or getattr(error, "reason", None) or "it cannot be read"
        marks = [getattr(error, "problem_mark", None), getattr(error, "context_mark", None)]
        if "end of stream" in said or "could not find expected" in said:
            marks.reverse()  # the loader noticed only later, perhaps at the end of the block: show where it began
        mark = next(filter(None, marks), None)
        line = min(mark.line, text.rstrip("\n").count("\n")) if mark else 0
        column = mark.column + 1 if mark and mark.line == line else 0
        said = said.replace(_STAND_IN, "?")
        self.tell(f"not valid YAML: {said}", self.first_line + line, column, _mend(said))

    def node(self, found: yaml.Node, depth: int) -> Node:
        """One node of ours for one of YAML's; what is refused is told and read as null."""
        line, column = self._at(found)
        self.left -= 1
        if self.left < 0 or depth > _DEEPEST:
            if self.left >= -1 or depth == _DEEPEST + 1:
                self.tell("too large or too deep for front matter, or it holds itself", line, column)
            self.left = -2 if self.left < 0 else self.left
            return Node(None, line, column)
        if isinstance(found, yaml.MappingNode):
            return Node(self._table(found, depth), line, column)
        if isinstance(found, yaml.SequenceNode):
            self._known(found, "seq")
            return Node(tuple(self.node(item, depth + 1) for item in found.value), line, column)
        return self._scalar(found, line, column) if isinstance(found, yaml.ScalarNode) else Node(None, line, column)

    def _table(self, found: yaml.MappingNode, depth: int) -> Table:
        self._known(found, "map")
        entries = []
        for key, value in found.value:
            line, column = self._at(key)
            if not isinstance(key, yaml.ScalarNode):
                self.tell("a key must be text", line, column, "put it in quotes")
            elif key.tag == _STANDARD + "merge":
                self.tell("'<<' is not supported", line, column, "write the keys out")
            else:
                # Where a value that is not there stands is a matter of taste between the loaders: at its key.
                absent = isinstance(value, yaml.ScalarNode) and value.value == "" and not value.style
                node = Node(None, line, column) if absent else self.node(value, depth + 1)
                entries.append(Entry(self._text(key), node, line, column))
        return Table(tuple(entries))

    def _scalar(self, found: yaml.ScalarNode, line: int, column: int) -> Node:
        quoted = bool(found.style) or (found.tag == _STANDARD + "str" and _looks_typed(found.value))
        if found.tag == _STANDARD + "null" and not found.style:
            return Node(None, line, column)
        if found.tag not in _PLAIN_TAGS:
            name = _shown(found.tag)
            self.tell(f"the tag {name} is not supported", line, column, "write the plain value")
            return Node(None, line, column)
        return Node(self._text(found), line, column, quoted)

    def _text(self, found: yaml.Node) -> str:
        text: str = found.value.replace(_STAND_IN, "?")
        if bad := FORBIDDEN.search(text):
            line, column = self._at(found)
            self.tell(f"holds the control character U+{ord(bad.group()):04X}", line, column, "delete it")
            return FORBIDDEN.sub("", text)
        return text

    def _known(self, found: yaml.Node, name: str) -> None:
        if found.tag != _STANDARD + name:
            line, column = self._at(found)
            tag = _shown(found.tag)
            self.tell(f"the tag {tag} is not supported", line, column, "write the plain value")

    def _at(self, found: yaml.Node) -> tuple[int, int]:
        return self.first_line + found.start_mark.line, found.start_mark.column + 1


def _looks_typed(text: str) -> bool:
    """Whether an unquoted text that YAML calls text would be something else but for an explicit `!!str`."""
    return text[:1].isdigit() or text[:1] in "-+." or text in ("true", "false")


def _place(text: str, at: int) -> tuple[int, int]:
    """Line (from 0) and column (from 1) of an offset."""
    return text.count("\n", 0, at), at - text.rfind("\n", 0, at)


# What the loaders say -> how to mend it; the first that fits.
_MENDS = (
    ("mapping values are not allowed", "put a value that holds ': ' in quotes, and indent all keys alike"),
    ("cannot start any token", "put a value that starts with this character in quotes"),
    ("could not find expected ':'", "a key needs a ':' and a space after it; is the closing --- missing?"),
    ("expected <block end>", "indent all keys alike; put the whole of a value in quotes, or none of it"),
    ("quoted scalar", "close the quotes"),
    ("unexpected end of stream", "close the quotes"),
    ("alias", "put a value that starts with '*' in quotes"),
    ("but got '?'", "put a value that holds '?' in quotes"),
    ("anchor", "put a value that starts with '&' in quotes"),
)


def _mend(said: str) -> str:
    return next((mend for part, mend in _MENDS if part in said), "")


def _shown(tag: str) -> str:
    """A tag as its author wrote it."""
    return tag.replace(_STANDARD, "!!").replace(_STAND_IN, "?")
