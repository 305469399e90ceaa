"""Reading: a node tree and a schema -> plain typed values, and every problem at once, each at its place."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from obverse.problems import Problem, nearest
from obverse.schema.field import Field, option_values
from obverse.schema.node import Document, Entry, Node, Table, duplicates, plain, written
from obverse.schema.scalar import FORBIDDEN, SCALARS, Refused, one_of

_KINDS = {tuple: "a list", Table: "a table"}


def read(
    fields: Mapping[str, Field],
    node: Node,
    document: Document,
    *,
    loose: bool = False,
    names: Mapping[str, str] | None = None,
) -> tuple[dict[str, Any], tuple[Problem, ...]]:
    """The values of a table, one for every field, and all that is wrong with it.

    What is missing, null or wrong has the field's empty value. `loose` also takes keys in other letters (`Title`,
    `image-alt` for `image_alt`), as front matter written for other generators has them. `names` are the fields by
    all their names, for who has them at hand. The problems' codes: `unknown-key`, `missing-key`, `bad-value`,
    `duplicate-key`.
    """
    reading = _Reading(document, loose)
    values = reading.table(fields, node, "", names)
    return values, (*duplicates(node, document), *reading.problems)


def read_value(name: str, one: Field, node: Node, document: Document) -> tuple[Any, tuple[Problem, ...]]:
    """A single value, called `name` in its problems."""
    reading = _Reading(document, loose=False)
    value = one.empty if node.value is None else reading.value(name, one, node)
    return value, tuple(reading.problems)


def folded(key: str) -> str:
    """A key as it is compared in a loose reading."""
    return key.strip().lower().replace("-", "_")


@dataclass(slots=True)
class _Reading:
    """A document that is being read, and what was found wrong with it so far."""

    document: Document
    loose: bool
    problems: list[Problem] = field(default_factory=list)

    def table(
        self, fields: Mapping[str, Field], node: Node, name: str, names: Mapping[str, str] | None = None
    ) -> dict[str, Any]:
        """The values of a table; `name` is its own key, for messages ("" for the whole document)."""
        values = {key: one.empty for key, one in fields.items()}
        if not isinstance(node.value, Table):
            self._refuse(name, Refused("must be a table of keys and values"), node)
            return values
        given = self._given(fields, node.value, name, names or self._names(fields))
        for key, entry in given.items():
            values[key] = self.value(entry.key, fields[key], entry.node)
        for key, one in fields.items():
            if one.required and (key not in given or values[key] in ("", (), None)):
                self._missing(key, one, name, given[key].node if key in given else node)
        return values

    def _given(
        self, fields: Mapping[str, Field], table: Table, name: str, names: Mapping[str, str]
    ) -> dict[str, Entry]:
        """The entries that hold a value, by the name of their field."""
        given: dict[str, Entry] = {}
        for entry in table.entries:
            key = names.get(folded(entry.key) if self.loose else entry.key)
            if key is None:
                self._unknown(entry, fields, name)
            elif entry.node.value is None:
                continue
            elif key not in given:
                given[key] = entry
            elif given[key].key != entry.key:
                self._twice(entry, given[key])
        return given

    def _names(self, fields: Mapping[str, Field]) -> dict[str, str]:
        change = folded if self.loose else str
        names = {change(other): key for key, one in fields.items() for other in one.also}
        return names | {change(key): key for key in fields}

    def _unknown(self, entry: Entry, fields: Mapping[str, Field], name: str) -> None:
        like = nearest(folded(entry.key) if self.loose else entry.key, self._names(fields))
        where = f" in [{name}]" if name else ""
        message = f"unknown key '{entry.key}'{where}" + (f"; {like}" if like else "")
        hint = "" if like else self._free_hint(fields)
        self.problems.append(self.document.problem("unknown-key", message, entry.line, entry.column, hint))

    def _free_hint(self, fields: Mapping[str, Field]) -> str:
        free = [key for key, one in fields.items() if one.type == "object" and one.fields is None and one.of is None]
        return f"values of your own belong under '{free[0]}'" if free else ""

    def _twice(self, entry: Entry, first: Entry) -> None:
        message = f"'{entry.key}' says the same as '{first.key}' on line {first.line}"
        hint = "keep one of the two"
        self.problems.append(self.document.problem("duplicate-key", message, entry.line, entry.column, hint))

    def _missing(self, key: str, one: Field, name: str, node: Node) -> None:
        where = f" in [{name}]" if name else ""
        message = f"'{key}'{where} is required"
        self.problems.append(self.document.problem("missing-key", message, node.line, node.column, one.help))

    def _refuse(self, name: str, why: Refused, node: Node, one: Field | None = None) -> None:
        message = f"'{name}' {why}" if name else str(why)
        hint = why.hint or (one.help if one else "")
        self.problems.append(self.document.problem("bad-value", message, node.line, node.column, hint))

    def value(self, name: str, one: Field, node: Node) -> Any:
        """The value of one field, or its empty value and a problem."""
        try:
            if one.type == "object":
                return self._object(name, one, node)
            value = self._list(name, one, node) if one.type in ("list", "choices") else _scalar(one, node)
            _checked(one, value, node)
        except Refused as why:
            self._refuse(name, why, node, one)
            return one.empty
        return value

    def _object(self, name: str, one: Field, node: Node) -> Any:
        if not isinstance(node.value, Table):
            raise Refused(f"must be a table of keys and values, not {shown(node)}")
        if one.fields is not None:
            values = self.table(one.fields, node, name)
            _checked(one, values)
            return values | {"line": node.line} if one.placed else values
        if one.of is None:
            return plain(node)
        given = {entry.key: entry for entry in reversed(node.value.entries) if entry.node.value is not None}
        return {key: self.value(key, one.of, given[key].node) for key in reversed(given)}

    def _list(self, name: str, one: Field, node: Node) -> tuple[Any, ...]:
        item = one.of or (Field("choice", options=one.options) if one.type == "choices" else Field())
        before = len(self.problems)
        values = tuple(self.value(name, item, part) for part in _parts(one, node) if part.value is not None)
        if len(self.problems) > before:
            values = tuple(value for value in values if value != item.empty)
        if item.type not in ("object", "list"):
            values = tuple(value for value in dict.fromkeys(values) if value != "")
        if one.max is not None and len(values) > one.max:
            raise Refused(f"holds {len(values)} values; at most {one.max:g} {'is' if one.max == 1 else 'are'} allowed")
        if one.min is not None and len(values) < one.min:
            raise Refused(f"holds {len(values)} values; at least {one.min:g} {'is' if one.min == 1 else 'are'} needed")
        return values


def _checked(one: Field, value: Any, node: Node | None = None) -> None:
    """Let the field's own check have its say; `node` is what the value was written as."""
    complaint = one.check(value) if one.check else ""
    if complaint:
        raise Refused(f"{complaint}, not {shown(node)}" if node else complaint)


def _parts(one: Field, node: Node) -> tuple[Node, ...]:
    """The items of a list; a single value is a list of one, or several between commas where the field says so."""
    if isinstance(node.value, tuple):
        return node.value
    if one.commas and isinstance(node.value, str):
        found = re.finditer(r"[^,\n]*[^,\s][^,\n]*", node.value)
        return tuple(Node(part.group().strip(), node.line, node.column, quoted=True) for part in found)
    return (node,)


def _scalar(one: Field, node: Node) -> Any:
    value = node.value
    if isinstance(value, Table) and one.name_key:
        named = value.get(one.name_key)
        if named is None or isinstance(named.value, tuple | Table):
            raise Refused(f"must be text, or a table with the key '{one.name_key}'")
        value = named.value
    if isinstance(value, tuple | Table):
        raise Refused(f"{_wanted(one)}, not {_KINDS[type(value)]}")
    try:
        return SCALARS[one.type](one, written(value))
    except Refused as why:
        short = "" if ", not " in str(why) else f", not {shown(node)}"
        raise Refused(f"{why}{short}", why.hint) from None


def _wanted(one: Field) -> str:
    """What a scalar field must be, said of a value that is not even a scalar."""
    if one.type == "choice":
        return f"must be {one_of(option_values(one))}"
    words = {"boolean": "true or false", "number": "a number", "date": "a date", "datetime": "a date"}
    return f"must be {words.get(one.type, 'text')}"


def shown(node: Node) -> str:
    """A value for a message: quoted, on one line, not too long."""
    if isinstance(node.value, tuple | Table):
        return _KINDS[type(node.value)]
    text = FORBIDDEN.sub("\ufffd", " ".join(written(node.value).split()))
    return f"'{text}'" if len(text) <= 40 else f"'{text[:39]}…'"
