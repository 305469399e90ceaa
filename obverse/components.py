"""Components: a call in a body -> HTML. Each is a template that declares its arguments, typed, in its first comment."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from obverse.facts import Call
from obverse.links import Target
from obverse.problems import Problem, problem
from obverse.questions import Picture
from obverse.schema import Document, Field, from_plain, read, read_fields, read_toml
from obverse.view import View

_DECLARATION = re.compile(r"\s*\{#-?(.*?)-?#\}", re.DOTALL)


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
    document = Document.of(path, text)
    first_line = text.count("\n", 0, declared.start(1)) + 1
    node, problems = read_toml(declared[1], document, "component-signature", first_line)
    if node is None:
        return {}, problems
    fields, wrong = read_fields(node, document)
    return fields, tuple(replace(one, code="component-signature") for one in wrong)


def bind(call: Call, fields: Mapping[str, Field]) -> tuple[dict[str, Any], tuple[Problem, ...]]:
    """The call's arguments by name, typed; problems have no place of their own, it is the call's."""
    names = list(fields)
    if len(call.positional) > len(names):
        message = f"{call.name}() takes at most {len(names)}, but was given {len(call.positional)}"
        return _empty(fields), (problem("component-arguments", "", message),)
    given = dict(zip(names, call.positional, strict=False))
    twice = [name for name, _ in call.named if name in given]
    if twice:
        message = f"{call.name}() was given '{twice[0]}' twice"
        return _empty(fields), (problem("component-arguments", "", message),)
    given.update(call.named)
    values, problems = read(fields, from_plain(given), Document(""))
    told = ((f"{call.name}(): {one.message}", one.hint) for one in problems)
    return values, tuple(problem("component-arguments", "", message, hint=hint) for message, hint in told)


def _empty(fields: Mapping[str, Field]) -> dict[str, Any]:
    return {name: field.empty for name, field in fields.items()}


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
