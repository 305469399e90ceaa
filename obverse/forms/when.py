"""When a field is asked: the text of `when:` -> a tiny tree -> true or false for what was answered.

    budget == "large" and not (country in ["de", "at"] or seats < 10)

The tree is plain data (tuples, strings, numbers, booleans), so that a script can walk the same one. Nothing is
evaluated as code. `not` binds closest, then `and`, then `or`. Standard library only.
"""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from obverse.forms.form import NUMBERS, FormField
from obverse.problems import nearest
from obverse.schema import Refused

# A tree is ("or" | "and", tree, tree), ("not", tree), or (comparison, name, literal); with "in" the literal is a tuple.
Tree = tuple[Any, ...]
Literal = str | int | float | bool

# Deeper or longer than this no person writes; a parser that calls itself must not be led to the end of its stack.
DEEPEST = 20
LONGEST = 1000

_TOKEN = re.compile(
    r"""\s*(?:(?P<text>"[^"]*"|'[^']*')|(?P<number>-?[0-9]+(?:\.[0-9]+)?)|(?P<word>[^\W\d][\w-]*)"""
    r"""|(?P<sign>==|!=|<=|>=|[<>()\[\],]))"""
)
_KEYWORDS = frozenset({"and", "or", "not", "in", "true", "false"})
_ORDER: dict[str, Callable[[Any, Any], bool]] = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}
_COMPARISONS = frozenset({"==", "!=", *_ORDER})


def parse(text: str) -> Tree:
    """The tree of an expression.

    Raises Refused with a sentence for whoever wrote it.
    """
    if len(text) > LONGEST:
        raise Refused(f"is longer than {LONGEST} characters")
    reading = _Reading(list(_tokens(text)))
    tree = reading.either(0)
    if reading.kind:
        raise Refused(f"ends before {reading.shown()}: is an `and` or an `or` missing?")
    return tree


def names(tree: Tree) -> frozenset[str]:
    """The names of the fields that a tree asks for."""
    if tree[0] in ("and", "or", "not"):
        return frozenset[str]().union(*(names(part) for part in tree[1:]))
    return frozenset({tree[1]})


def fit(tree: Tree, fields: Mapping[str, FormField]) -> None:
    """Let a tree pass that can be true of the answers to a form, whose fields are given by name.

    Raises Refused for an unknown name, a heading, a value the field never has, and an order of what is no number.
    """
    if tree[0] in ("and", "or", "not"):
        for part in tree[1:]:
            fit(part, fields)
        return
    sign, name, given = tree
    one = fields.get(name)
    if one is None or one.type == "heading":
        near = nearest(name, [other.name for other in fields.values() if other.type != "heading"])
        raise Refused(f"asks for '{name}', which is no field", near)
    if sign in _ORDER and one.type not in NUMBERS:
        raise Refused(f"puts '{name}' in an order with `{sign}`; only a field of type 'number' or 'money' has one")
    for literal in given if sign == "in" else [given]:
        _fit_literal(one, literal)


def _fit_literal(one: FormField, literal: Literal) -> None:
    kinds = {"boolean": "true or false", "consent": "true or false"}
    kind = "a number" if one.type in NUMBERS else kinds.get(one.type, "text in quotes")
    is_kind = {"a number": _is_number(literal), "true or false": isinstance(literal, bool)}
    if not is_kind.get(kind, isinstance(literal, str)):
        raise Refused(f"compares '{one.name}', a field of type '{one.type}', with what is not {kind}")
    if one.options and literal not in one.options:
        raise Refused(f"compares '{one.name}' with '{literal}', which is none of its options")


def conditions(fields: Iterable[FormField]) -> dict[str, Tree]:
    """The tree of each field that is not always asked, by name; its heading's is part of it."""
    found: dict[str, Tree] = {}
    above: Tree = ()
    for one in fields:
        if one.type == "heading":
            above = one.when
        elif tree := ("and", above, one.when) if above and one.when else above or one.when:
            found[one.name] = tree
    return found


def circle(trees: Mapping[str, Tree]) -> tuple[str, ...]:
    """The fields of a circle, each of which waits for the next, () when there is none; `trees` are by field name."""
    clear: set[str] = set()
    for start in trees:
        path: dict[str, Iterator[str]] = {start: iter(sorted(names(trees[start])))}
        while path:
            last = next(reversed(path))
            asked = next(path[last], None)
            if asked is None:
                clear.add(last)
                del path[last]
            elif asked in path:
                order = list(path)
                return tuple(order[order.index(asked) :])
            elif asked in trees and asked not in clear:
                path[asked] = iter(sorted(names(trees[asked])))
    return ()


def holds(tree: Tree, values: Mapping[str, Any]) -> bool:
    """Whether a tree is true of the answers; a field without an answer equals nothing and is in no order.

    A field of several answers (a tuple or a list) equals a literal when it holds it.
    """
    match tree:
        case ("and", *parts):
            return all(holds(part, values) for part in parts)
        case ("or", *parts):
            return any(holds(part, values) for part in parts)
        case ("not", part):
            return not holds(part, values)
        case (sign, name, literal):
            return _compared(sign, values.get(name), literal)
    raise ValueError(f"no tree: {tree!r}")


def _compared(sign: str, value: Any, literal: Any) -> bool:
    match sign:
        case "in":
            return any(_equal(value, one) for one in literal)
        case "==":
            return _equal(value, literal)
        case "!=":
            return not _equal(value, literal)
    return _ordered(sign, value, literal)


def _equal(value: Any, literal: Literal) -> bool:
    if isinstance(value, tuple | list):
        return any(_equal(one, literal) for one in value)
    # True is 1 in Python, and is not in the browser.
    return isinstance(value, bool) == isinstance(literal, bool) and bool(value == literal)


def _ordered(sign: str, value: Any, literal: Literal) -> bool:
    return _is_number(value) and _is_number(literal) and _ORDER[sign](value, literal)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _tokens(text: str) -> Iterator[tuple[str, str]]:
    text, at = text.rstrip(), 0
    while at < len(text):
        found = _TOKEN.match(text, at)
        if found is None:
            raise Refused(f"cannot be read from `{text[at:].lstrip()[:20]}` on")
        kind = str(found.lastgroup)
        yield ("sign" if found[kind] in _KEYWORDS else kind), found[kind]
        at = found.end()


class _Reading:
    """The tokens of one expression and how far they are read."""

    def __init__(self, tokens: list[tuple[str, str]]) -> None:
        self.tokens = [*tokens, ("", "")]
        self.at = 0

    @property
    def kind(self) -> str:
        return self.tokens[self.at][0]

    def shown(self) -> str:
        return f"`{self.tokens[self.at][1]}`" if self.kind else "its end"

    def took(self, sign: str) -> bool:
        if self.tokens[self.at] != ("sign", sign):
            return False
        self.at += 1
        return True

    def need(self, sign: str) -> None:
        if not self.took(sign):
            raise Refused(f"needs `{sign}` before {self.shown()}")

    def take(self) -> str:
        self.at += 1
        return self.tokens[self.at - 1][1]

    def either(self, depth: int) -> Tree:
        tree = self.both(depth)
        while self.took("or"):
            tree = ("or", *(tree[1:] if tree[0] == "or" else (tree,)), self.both(depth))
        return tree

    def both(self, depth: int) -> Tree:
        tree = self.single(depth)
        while self.took("and"):
            tree = ("and", *(tree[1:] if tree[0] == "and" else (tree,)), self.single(depth))
        return tree

    def single(self, depth: int) -> Tree:
        if depth > DEEPEST:
            raise Refused(f"is nested deeper than {DEEPEST}")
        if self.took("not"):
            return ("not", self.single(depth + 1))
        if self.took("("):
            tree = self.either(depth + 1)
            self.need(")")
            return tree
        return self.comparison()

    def comparison(self) -> Tree:
        if self.kind != "word":
            raise Refused(f"needs the name of a field before {self.shown()}")
        name = self.take()
        if self.took("in"):
            return ("in", name, self.several())
        if self.tokens[self.at][1] not in _COMPARISONS or self.kind != "sign":
            raise Refused(f"needs a comparison after `{name}`, such as `{name} == true`")
        return (self.take(), name, self.literal())

    def several(self) -> tuple[Literal, ...]:
        self.need("[")
        found = [self.literal()]
        while self.took(","):
            found.append(self.literal())
        self.need("]")
        return tuple(found)

    def literal(self) -> Literal:
        if self.took("true"):
            return True
        if self.took("false"):
            return False
        if self.kind == "text":
            return self.take()[1:-1]
        if self.kind == "number":
            number = self.take()
            return float(number) if "." in number else int(number)
        raise Refused(f"needs a value (text in quotes, a number, true or false) before {self.shown()}")
