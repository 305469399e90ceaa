"""TOML text -> a node tree with places. The standard library parses and judges; a small scanner finds the places."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from obverse.problems import Problem
from obverse.schema.node import Document, Entry, Node, Table

Path: TypeAlias = tuple[str | int, ...]

_AT = re.compile(r"\s*\(at (?:line (\d+), column (\d+)|end of document)\)\s*$")


class _Decimal(str):
    """A TOML float as it was written: `1.10` stays `1.10`."""

    __slots__ = ()


def read_toml(text: str, document: Document, code: str, first_line: int = 1) -> tuple[Node | None, tuple[Problem, ...]]:
    r"""The root table of a TOML text (lines ending in "\n"), or None and the problem (of kind `code`) that stops it.

    `first_line` is the line of `document` on which `text` starts.
    """
    import tomllib

    try:
        values = tomllib.loads(text, parse_float=_Decimal)
    except tomllib.TOMLDecodeError as error:
        return None, (_syntax(str(error), text, document, code, first_line),)
    except RecursionError:
        return None, (document.problem(code, "not valid TOML: nested too deep", first_line),)
    places = _Scanner(text, first_line).scan()
    return _node(values, (), places, first_line), ()


def _syntax(message: str, text: str, document: Document, code: str, first_line: int) -> Problem:
    at = _AT.search(message)
    said = _AT.sub("", message)
    said = said[:1].lower() + said[1:]
    if at is not None and at[1] is not None:
        line, column = int(at[1]), int(at[2])
    else:
        lines = text.rstrip("\n").split("\n")
        line, column = len(lines), len(lines[-1]) + 1
    # A line that "ends too early" is reported at the start of the next one: show the line that is wrong.
    return document.problem(code, f"not valid TOML: {said}", line + first_line - 1, column, _mend(said))


def _mend(said: str) -> str:
    if "invalid value" in said:
        return "put text in quotes; write true and false in small letters"
    if "cannot overwrite" in said or "cannot declare" in said or "cannot mutate" in said:
        return "this key or table is already there; keep one of the two"
    if "expected '='" in said:
        return "a setting is written: key = value"
    return ""


def _node(value: Any, path: Path, places: dict[Path, _Place], line: int) -> Node:
    place = places.get(path, _Place(line, 1, line, 1))
    at = (place.value_line, place.value_column)
    if isinstance(value, dict):
        entries = []
        for key, item in value.items():
            spot = places.get((*path, key), place)
            entries.append(Entry(key, _node(item, (*path, key), places, line), spot.line, spot.column))
        return Node(Table(tuple(entries)), *at)
    if isinstance(value, list):
        return Node(tuple(_node(item, (*path, n), places, line) for n, item in enumerate(value)), *at)
    if isinstance(value, _Decimal):
        return Node(str(value), *at)
    return Node(value, *at, quoted=isinstance(value, str))


@dataclass(frozen=True, slots=True)
class _Place:
    """Where a key and its value start."""

    line: int
    column: int
    value_line: int
    value_column: int


_BLANK = re.compile(r"(?:[ \t\n]|#[^\n]*)*")
_SPACE = re.compile(r"[ \t]*")
_PART = re.compile(r"""[A-Za-z0-9_-]+|"(?:[^"\\\n]|\\.)*"|'[^'\n]*'""")
_SCALAR = re.compile(
    r'"""(?:[^"\\]|\\.|"{1,2}(?!"))*"{3,5}'
    r"|'''(?:[^']|'{1,2}(?!'))*'{3,5}"
    r'|"(?:[^"\\\n]|\\.)*"'
    r"|'[^'\n]*'"
    r"|[^\s,\]}#]+(?: \d[^\s,\]}#]*)?",
    re.DOTALL,
)


@dataclass(slots=True)
class _Scanner:
    """Walks a text that is known to be valid TOML and notes where every key and value starts."""

    text: str
    first_line: int
    at: int = 0
    line: int = 0
    line_start: int = 0
    places: dict[Path, _Place] = field(default_factory=dict)
    counts: dict[Path, int] = field(default_factory=dict)

    def scan(self) -> dict[Path, _Place]:
        """All places, by the path of keys and list positions that leads to them."""
        self.line = self.first_line
        table: Path = ()
        self._skip(_BLANK)
        while self.at < len(self.text):
            if self.text[self.at] == "[":
                table = self._header()
            else:
                self._pair(table)
            self._skip(_BLANK)
        return self.places

    def _skip(self, pattern: re.Pattern[str]) -> str:
        match = pattern.match(self.text, self.at)
        found = match.group() if match else self.text[self.at : self.at + 1]
        self.at += len(found)
        newlines = found.count("\n")
        if newlines:
            self.line += newlines
            self.line_start = self.at - (len(found) - found.rindex("\n") - 1)
        return found

    def _here(self) -> tuple[int, int]:
        return self.line, self.at - self.line_start + 1

    def _header(self) -> Path:
        line, column = self._here()
        many = self.text.startswith("[[", self.at)
        self.at += 2 if many else 1
        self._skip(_SPACE)
        keys = self._keys()
        self._skip(_SPACE)
        self.at += 2 if many else 1
        path: Path = ()
        for key, _, _ in keys[:-1]:
            path = self._entered((*path, key))
            self.places.setdefault(path, _Place(line, column, line, column))
        path = (*path, keys[-1][0])
        # The key's place is given by its first appearance; a list of tables also has a place for each table.
        self.places.setdefault(path, _Place(line, column, line, column))
        if many:
            self.counts[path] = self.counts.get(path, -1) + 1
            path = self._entered(path)
            self.places[path] = _Place(line, column, line, column)
        return path

    def _entered(self, path: Path) -> Path:
        return (*path, self.counts[path]) if path in self.counts else path

    def _keys(self) -> list[tuple[str, int, int]]:
        keys = []
        while True:
            line, column = self._here()
            keys.append((_unquoted(self._skip(_PART)), line, column))
            self._skip(_SPACE)
            if not self.text.startswith(".", self.at):
                return keys
            self.at += 1
            self._skip(_SPACE)

    def _pair(self, table: Path) -> None:
        keys = self._keys()
        self.at += 1  # the equals sign
        self._skip(_SPACE)
        value = self._here()
        path = table
        for key, line, column in keys:
            path = (*path, key)
            self.places.setdefault(path, _Place(line, column, *value))
        self._value(path)

    def _value(self, path: Path) -> None:
        opening = self.text[self.at : self.at + 1]
        if opening == "[":
            self._items(path)
        elif opening == "{":
            self._inline(path)
        else:
            self._skip(_SCALAR)

    def _items(self, path: Path) -> None:
        self.at += 1
        self._skip(_BLANK)
        number = 0
        while self.at < len(self.text) and self.text[self.at] != "]":
            self.places[(*path, number)] = _Place(*self._here(), *self._here())
            self._value((*path, number))
            number += 1
            self._comma()
        self.at += 1

    def _inline(self, path: Path) -> None:
        self.at += 1
        self._skip(_BLANK)
        while self.at < len(self.text) and self.text[self.at] != "}":
            self._pair(path)
            self._comma()
        self.at += 1

    def _comma(self) -> None:
        self._skip(_BLANK)
        if self.text.startswith(",", self.at):
            self.at += 1
            self._skip(_BLANK)


def _unquoted(part: str) -> str:
    if part[:1] == "'":
        return part[1:-1]
    if part[:1] == '"':
        import tomllib

        return next(iter(tomllib.loads(f"{part}=0"))) if "\\" in part else part[1:-1]
    return part
