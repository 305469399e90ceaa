"""Components: a call in a body -> HTML. Each is a template that declares its arguments, typed, in its first comment."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from obverse.facts import Call
from obverse.links import Target
from obverse.problems import Problem, nearest, problem
from obverse.questions import Picture
from obverse.schema import Document, Entry, Field, Node, Table, plain, read, read_toml
from obverse.view import View

_DECLARATION = re.compile(r"\s*\{#-?(.*?)-?#\}", re.DOTALL)

# What a declaration may say of an argument.
_KEYS = ("type", "required", "options", "max", "min", "help")


@dataclass(frozen=True, slots=True)
class PictureArgument:
    """An argument of type image: prints as its href, and knows its size in CSS pixels (0 when unknown)."""

    url: str
    width: int
    height: int

    def __str__(self) -> str:
        return self.url


def signature(text: str, path: str) -> tuple[dict[str, Field], tuple[Problem, ...]]:
    """The arguments a component's template declares, in their order, and what is wrong with the declaration."""
    declared = _DECLARATION.match(text)
    if declared is None:
        return {}, ()
    first_line = text.count("\n", 0, declared.start(1)) + 1
    node, problems = read_toml(declared[1], Document.of(path, text), "component-signature", first_line)
    table = plain(node) if node is not None else {}
    fields: dict[str, Field] = {}
    found = list(problems)
    for name, keys in table.items():
        try:
            fields[name] = _field(keys)
        except (TypeError, ValueError) as error:
            hint = 'write name = {type = "text", required = true}'
            found.append(problem("component-signature", path, f"the argument '{name}': {error}", line=1, hint=hint))
    return fields, tuple(found)


def _field(keys: Any) -> Field:
    if not isinstance(keys, dict):
        raise TypeError("a table of type, required, options … is wanted")
    unknown = [key for key in keys if key not in _KEYS]
    if unknown:
        raise ValueError(f"unknown key '{unknown[0]}'; {nearest(unknown[0], _KEYS) or 'known are ' + ', '.join(_KEYS)}")
    return Field(**keys)


def bind(call: Call, fields: Mapping[str, Field]) -> tuple[dict[str, Any], tuple[Problem, ...]]:
    """The call's arguments by name, typed; problems have no place of their own, it is the call's."""
    names = list(fields)
    if len(call.positional) > len(names):
        message = f"{call.name}() takes {len(names)} arguments, {len(call.positional)} were given"
        return _empty(fields), (problem("component-arguments", "", message),)
    given = dict(zip(names, call.positional, strict=False))
    twice = [name for name, _ in call.named if name in given]
    if twice:
        message = f"{call.name}() was given '{twice[0]}' twice"
        return _empty(fields), (problem("component-arguments", "", message),)
    given.update(call.named)
    values, problems = read(fields, _node(given), Document(""))
    return values, tuple(replace(one, code="component-arguments", line=0, column=0, excerpt="") for one in problems)


def _empty(fields: Mapping[str, Field]) -> dict[str, Any]:
    return {name: field.empty for name, field in fields.items()}


def _node(value: Any) -> Node:
    """A literal of a call as a document node."""
    if isinstance(value, dict):
        return Node(Table(tuple(Entry(name, _node(one), 0, 0) for name, one in value.items())))
    if isinstance(value, list | tuple):
        return Node(tuple(_node(one) for one in value))
    return Node(value, quoted=isinstance(value, str))


def resolved(
    values: dict[str, Any], fields: Mapping[str, Field], path: str, view: View
) -> tuple[dict[str, Any], tuple[Problem, ...]]:
    """The arguments with references as hrefs and images as `PictureArgument`s, asked from the page at `path`."""
    done, problems = dict(values), []
    for name, field in fields.items():
        if not values[name] or field.type not in {"reference", "image", "file"}:
            continue
        found: Target
        if field.type == "image":
            picture: Picture = view.ask("picture", path, values[name])
            found = picture.target
            done[name] = PictureArgument(found.url, picture.width, picture.height)
        else:
            found = view.ask("link", path, values[name])
            done[name] = found.url
        if found.code:
            problems.append(problem(found.code, "", found.message, hint=found.hint))
    return done, tuple(problems)
