"""Documents as nodes: what a TOML or YAML reader hands to the schema, each value with the place where it stands.

A scalar stays as its author wrote it wherever the format allows: `1.10`, `no` and `12:30` arrive as that very text,
and the field that reads it decides what it is. Nobody changes a node. None is frozen only because every page has
dozens, and of a frozen one each field costs a call.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, time
from typing import Any, TypeAlias

from obverse.problems import Problem, problem

Scalar: TypeAlias = str | bool | int | float | date | datetime | time | None


@dataclass(slots=True)
class Entry:
    """One key of a table with the place of the key; the place of its value is the node's."""

    key: str
    node: Node
    line: int
    column: int


@dataclass(slots=True)
class Table:
    """A mapping in the order of the document. A key that was written twice is there twice; the first one counts."""

    entries: tuple[Entry, ...] = ()

    def get(self, key: str) -> Node | None:
        """The value under `key`, or None when it is not there."""
        return next((entry.node for entry in self.entries if entry.key == key), None)


Value: TypeAlias = "Scalar | tuple[Node, ...] | Table"


@dataclass(slots=True)
class Node:
    """A value and where it starts (from 1; 0 = not known).

    `value` is a scalar, a tuple of nodes or a `Table`. `quoted` tells that a text was written in quotes (or as a block
    of text), so that it is never taken for a number, a date or a truth value by `plain`.
    """

    value: Value
    line: int = 0
    column: int = 0
    quoted: bool = False


@dataclass(frozen=True, slots=True)
class Document:
    """The file that nodes come from: its path for people, and its lines for excerpts."""

    path: str
    lines: tuple[str, ...] = ()

    @classmethod
    def of(cls, path: str, text: str) -> Document:
        r"""The document of a text whose lines end in "\n"."""
        return cls(path, tuple(text.split("\n")))

    def excerpt(self, line: int) -> str:
        """The line as written, "" when there is no such line."""
        return self.lines[line - 1] if 0 < line <= len(self.lines) else ""

    def problem(self, code: str, message: str, line: int = 0, column: int = 0, hint: str = "") -> Problem:
        """A problem of this document, its excerpt filled in."""
        excerpt = self.excerpt(line)
        return problem(code, self.path, message, line=line, column=column, excerpt=excerpt, hint=hint)


_HOLDING = frozenset((tuple, Table))


def duplicates(node: Node, document: Document) -> Iterator[Problem]:
    """A problem for every key that its table already has, at any depth."""
    if isinstance(node.value, tuple):
        for item in node.value:
            if type(item.value) in _HOLDING:
                yield from duplicates(item, document)
    elif isinstance(node.value, Table):
        seen: dict[str, int] = {}
        for entry in node.value.entries:
            if entry.key in seen:
                message = f"'{entry.key}' is already given on line {seen[entry.key]}"
                yield document.problem("duplicate-key", message, entry.line, entry.column, "keep one of the two")
            seen.setdefault(entry.key, entry.line)
            if type(entry.node.value) in _HOLDING:
                yield from duplicates(entry.node, document)


def plain(node: Node) -> Any:
    """The node as plain values for templates: text, whole and decimal numbers, true/false, None, lists and dicts.

    Unquoted text becomes a number only when the number prints back as it was written (`7`, `1.5`, but not `1.10` or
    `007`), and a truth value only as `true` or `false`. Dates and times stay ISO text.
    """
    value = node.value
    if isinstance(value, Table):
        table: dict[str, Any] = {}
        for entry in value.entries:
            table.setdefault(entry.key, plain(entry.node))
        return table
    if isinstance(value, tuple):
        return [plain(item) for item in value]
    if isinstance(value, str):
        return value if node.quoted else _resolved(value)
    return value.isoformat() if isinstance(value, date | time) else value


def from_plain(value: Any, line: int = 0, column: int = 0) -> Node:
    """Plain values (of a component call, of JSON) as a node, all of it at one place. Dict keys become text."""
    if isinstance(value, dict):
        entries = (Entry(str(key), from_plain(item, line, column), line, column) for key, item in value.items())
        return Node(Table(tuple(entries)), line, column)
    if isinstance(value, list | tuple):
        return Node(tuple(from_plain(item, line, column) for item in value), line, column)
    return Node(value, line, column, quoted=isinstance(value, str))


_NUMBER = re.compile(r"-?(?:0|[1-9][0-9]{0,15})(\.[0-9]{1,15})?")


def _resolved(text: str) -> str | int | float | bool:
    if text in ("true", "false"):
        return text == "true"
    number = _NUMBER.fullmatch(text)
    if number is None or text == "-0":
        return text
    if number[1] is None:
        return int(text)
    return float(text) if repr(float(text)) == text else text


def written(value: Scalar) -> str:
    """A scalar as the text its author wrote, as nearly as the format lets us know."""
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, date | time):
        return value.isoformat()
    return "" if value is None else str(value)
