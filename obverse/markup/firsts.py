"""Firsts: a regular expression -> the characters that a match can begin with, as far as that can be told.

Python's own reader of expressions takes it apart. Only ASCII is spoken of, and what is not sure counts as possible.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from typing import Any

from obverse import compiled

ASCII = frozenset(map(chr, range(128)))
# The empty text stands for the end: whatever can match nothing can do so there.
ANYTHING = ASCII | {""}

# What is found is kept from process to process under this name: another way of finding needs another number.
_KIND = "firsts 1"
_INSIDE: dict[str, Callable[[str], bool]] = {
    "DIGIT": str.isdigit,
    "SPACE": str.isspace,
    "WORD": lambda char: char.isalnum() or char == "_",
}
# Space or not: that depends on a flag.
_SEPARATORS = frozenset("\x1c\x1d\x1e\x1f")


def firsts(pattern: str, flags: int) -> frozenset[str]:
    """The ASCII characters that a match can begin with; all of them and "" when it may be empty or nobody knows."""
    found = compiled.kept(_KIND, (flags, pattern), lambda: _found(pattern, flags))
    return ANYTHING if found is None else frozenset(found)


def _found(pattern: str, flags: int) -> str | None:
    reader: Any = getattr(re, "_parser", None)
    if reader is None:
        return None
    parsed = reader.parse(pattern, flags)
    chars, empty = _of_sequence(parsed, parsed.state.flags)
    return None if empty else "".join(sorted(chars))


_Firsts = tuple[frozenset[str], bool]
"""What something can begin with, and whether it can be empty."""


def _of_sequence(parts: Iterable[tuple[Any, Any]], flags: int) -> _Firsts:
    chars: frozenset[str] = frozenset()
    for kind, value in parts:
        more, empty = _of_part(str(kind), value, flags)
        chars |= more
        if not empty:
            return chars, False
    return chars, True


def _of_part(kind: str, value: Any, flags: int) -> _Firsts:
    rule = _RULES.get(kind)
    return rule(value, flags) if rule else (ASCII, True)


def _of_repeat(value: Any, flags: int) -> _Firsts:
    least, _, parts = value
    chars, empty = _of_sequence(parts, flags)
    return chars, empty or least == 0


def _of_group(value: Any, flags: int) -> _Firsts:
    _, added, taken, parts = value
    return _of_sequence(parts, (flags | added) & ~taken)


def _of_branch(value: Any, flags: int) -> _Firsts:
    ways = [_of_sequence(parts, flags) for parts in value[1]]
    return frozenset().union(*(chars for chars, _ in ways)), any(empty for _, empty in ways)


_RULES: dict[str, Callable[[Any, int], _Firsts]] = {
    "LITERAL": lambda code, flags: (_of_literal(code, flags), False),
    "IN": lambda items, flags: (_of_set(items, flags), False),
    **dict.fromkeys(("ANY", "NOT_LITERAL"), lambda _value, _flags: (ASCII, False)),
    **dict.fromkeys(("MAX_REPEAT", "MIN_REPEAT", "POSSESSIVE_REPEAT"), _of_repeat),
    "SUBPATTERN": _of_group,
    "ATOMIC_GROUP": _of_sequence,
    "BRANCH": _of_branch,
    **dict.fromkeys(("AT", "ASSERT", "ASSERT_NOT"), lambda _value, _flags: (frozenset(), True)),
}


def _of_literal(code: int, flags: int) -> frozenset[str]:
    char = chr(code)
    if not flags & re.IGNORECASE:
        return frozenset((char,)) & ASCII
    # Some letters beyond ASCII are the same as one of ASCII when case is ignored.
    return frozenset((char.lower(), char.upper())) if char in ASCII else ASCII


def _of_set(items: Iterable[tuple[Any, Any]], flags: int) -> frozenset[str]:
    chars: set[str] = set()
    negated = False
    for kind, value in items:
        match str(kind):
            case "NEGATE":
                negated = True
            case "LITERAL" if value < len(ASCII):
                chars |= _of_literal(value, flags)
            case "RANGE" if value[1] < len(ASCII) or not flags & re.IGNORECASE:
                for code in range(value[0], min(value[1] + 1, len(ASCII))):
                    chars |= _of_literal(code, flags)
            case "CATEGORY":
                chars |= _of_category(str(value))
            case _:
                if flags & re.IGNORECASE:
                    return ASCII
    return ASCII - (chars - _SEPARATORS) if negated else frozenset(chars)


def _of_category(name: str) -> frozenset[str]:
    _, _, kind = name.rpartition("_")
    inside = frozenset(filter(_INSIDE[kind], ASCII)) | _SEPARATORS
    return (ASCII - inside) | _SEPARATORS if "_NOT_" in name else inside
