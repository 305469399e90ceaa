"""Declarations: fields that a site declares itself (a component's arguments, a content type, a form) -> `Field`s."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

from obverse.problems import Problem
from obverse.schema.field import EMPTIES, UNSET, Field, Options
from obverse.schema.node import Document, Entry, Node, Table, written
from obverse.schema.read import read, read_value

# What a declaration of one field may say. `default`, `options`, `of` and `fields` depend on the rest: see `_field`.
DECLARATION: dict[str, Field] = {
    "type": Field("choice", default="text", options=tuple(EMPTIES), help="What the value is; text when it is missing."),
    "required": Field("boolean", help="true when it must be given."),
    "max": Field("number", help="The greatest length, number or count."),
    "min": Field("number", help="The least length, number or count."),
    "pattern": Field("hidden", help="A regular expression that the whole text must match."),
    "whole": Field("boolean", help="true for a number without decimals."),
    "commas": Field("boolean", help="true when one text may hold the whole list, between commas."),
    "help": Field(help="One sentence on what it is for."),
}
_DEPENDENT = ("default", "options", "of", "fields")
_ALL = {**DECLARATION, **{key: Field("hidden") for key in _DEPENDENT}}


def read_fields(node: Node, document: Document) -> tuple[dict[str, Field], tuple[Problem, ...]]:
    """The fields a table declares, in its order, each as `name = {type = …}` or `name = "type"`; and what is wrong."""
    if not isinstance(node.value, Table):
        problem = document.problem("bad-value", "fields must be a table of names", node.line, node.column)
        return {}, (problem,)
    fields: dict[str, Field] = {}
    problems: list[Problem] = []
    for entry in node.value.entries:
        declared, found = _field(entry, document)
        fields.setdefault(entry.key, declared)
        problems += found
    return fields, tuple(problems)


def _field(entry: Entry, document: Document) -> tuple[Field, list[Problem]]:
    node = entry.node
    short = Table((Entry("type", node, entry.line, entry.column),))
    table = node.value if isinstance(node.value, Table) else short
    own = tuple(one for one in table.entries if one.key not in _DEPENDENT)
    values, problems = read(_ALL, replace(node, value=Table(own)), document)
    told = list(problems)
    told += _pattern(values["pattern"], node, document)
    declared = Field(**{key: values[key] for key in DECLARATION})
    declared = replace(declared, options=_options(table.get("options"), document, told))
    if (item := table.get("of")) is not None:
        of, found = _field(Entry("of", item, item.line, item.column), document)
        declared, told = replace(declared, of=of), told + found
    if (inner := table.get("fields")) is not None:
        fields, more = read_fields(inner, document)
        declared, told = replace(declared, fields=fields), [*told, *more]
    if declared.type in ("choice", "choices") and not declared.options:
        told.append(document.problem("missing-key", f"'{entry.key}' needs options", entry.line, entry.column))
    return _with_default(declared, table.get("default"), document, told), told


def _pattern(pattern: str, node: Node, document: Document) -> list[Problem]:
    try:
        re.compile(pattern)
    except re.error as error:
        return [
            document.problem("bad-value", f"'pattern' is not a regular expression: {error}", node.line, node.column)
        ]
    return []


def _options(node: Node | None, document: Document, told: list[Problem]) -> Options:
    """Options as values, or as values with their labels."""
    if node is None or node.value is None:
        return ()
    if isinstance(node.value, Table):
        labels = {one.key: one.node.value for one in node.value.entries}
        if not any(isinstance(label, tuple | Table) for label in labels.values()):
            return {key: written(label) for key, label in labels.items()}  # type: ignore[arg-type]
    values, problems = read_value("options", Field("list", of=Field()), node, document)
    told += problems
    options: tuple[str, ...] = values
    return options


def _with_default(declared: Field, node: Node | None, document: Document, told: list[Problem]) -> Field:
    if node is None or node.value is None:
        return declared
    default, problems = read_value("default", replace(declared, default=UNSET), node, document)
    told += problems
    value: Any = default
    return replace(declared, default=value)
