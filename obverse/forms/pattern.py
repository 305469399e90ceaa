r"""Patterns: what the text of a field must look like -> whether it does, in steady time.

A pattern is that small part of regular expressions which browsers (the `v` flag of an input's `pattern`) and Obverse
read alike, and which runs long in neither:

- characters, `.`, classes such as `[A-Za-z0-9 '\-]` and `[^0-9]`, and `\d \D \w \W \s \S`;
- a sign by itself with a backslash before it: `. * + ? ( ) [ ] { } | ^ $ / \`, and within a class also `-`;
- groups `( )` and `(?: )`, `|`, and `* + ? {2} {2,} {2,4}`.

It always has to match the whole text; a `^` at its start and a `$` at its end may be written and say nothing. Refused
are looking ahead or behind, references back, names, flags, lazy and possessive repetition, and repeating what can
itself match in more than one way (`(a+)+`, `(a|b)*`): a browser could think about that for hours.

Matching goes through the text once for each part, with the set of all places where the part may end, so no pattern and
no text can make it slow. `\d` and `\w` are ASCII, as in browsers.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import TypeAlias

from obverse.schema import Refused

LONGEST = 200
_MOST_TIMES = 200
_DEEPEST = 10
_LAST = 0x10FFFF

Ranges: TypeAlias = tuple[tuple[int, int], ...]


@dataclass(frozen=True, slots=True)
class Chars:
    """One character out of ranges of code points, ends included."""

    ranges: Ranges


@dataclass(frozen=True, slots=True)
class Row:
    """Parts one after the other."""

    parts: tuple[Part, ...] = ()


@dataclass(frozen=True, slots=True)
class Either:
    """One of several parts."""

    parts: tuple[Part, ...]


@dataclass(frozen=True, slots=True)
class Repeat:
    """A part again and again: `least` to `most` times, None = no end."""

    part: Part
    least: int
    most: int | None


Part: TypeAlias = Chars | Row | Either | Repeat


def matches(pattern: str, text: str) -> bool:
    """Whether a pattern matches the whole text. One that cannot be read matches all, as it does in a browser."""
    try:
        part = parse(pattern)
    except Refused:
        return True
    return len(text) in _ends(part, [ord(char) for char in text], frozenset((0,)))


@lru_cache(maxsize=256)
def parse(pattern: str) -> Part:
    """The parts of a pattern. Raises `Refused` with what is wrong and how to mend it."""
    if len(pattern) > LONGEST:
        raise Refused(f"must be at most {LONGEST} characters long, not {len(pattern)}")
    reader = _Reader(pattern)
    part = reader.either()
    if reader.at < len(pattern):
        raise Refused("closes a group with ')' that was never opened", "write \\) for the sign itself")
    return part


# --- reading -----------------------------------------------------------------------------------------------------


def _complement(ranges: Ranges) -> Ranges:
    """Every code point that is not in the ranges."""
    found, start = [], 0
    for low, high in sorted(ranges):
        if start < low:
            found.append((start, low - 1))
        start = max(start, high + 1)
    return (*found, (start, _LAST)) if start <= _LAST else tuple(found)


_DIGITS: Ranges = ((0x30, 0x39),)
_WORD: Ranges = ((0x30, 0x39), (0x41, 0x5A), (0x5F, 0x5F), (0x61, 0x7A))
_SPACE: Ranges = (
    *((0x09, 0x0D), (0x20, 0x20), (0xA0, 0xA0), (0x1680, 0x1680), (0x2000, 0x200A), (0x2028, 0x2029)),
    *((0x202F, 0x202F), (0x205F, 0x205F), (0x3000, 0x3000), (0xFEFF, 0xFEFF)),
)
_ANY = Chars(_complement(((0x0A, 0x0A), (0x0D, 0x0D), (0x2028, 0x2029))))
_SETS = {"d": _DIGITS, "w": _WORD, "s": _SPACE} | {
    "D": _complement(_DIGITS),
    "W": _complement(_WORD),
    "S": _complement(_SPACE),
}
_SIGNS = frozenset("^$\\.*+?()[]{}|/")
# What a class lets be escaped besides; what it wants escaped; and what it must not hold twice in a row.
_CLASS_SIGNS = _SIGNS | frozenset("&-!#%,:;<=>@`~")
_CLASS_BARE = frozenset("()[{}/-|")
_DOUBLED = frozenset("&!#$%*+,.:;<=>?@^`~")
_TIMES = re.compile(r"\{([0-9]{1,4})(?:(,)([0-9]{1,4})?)?\}")

_SMALL = "the manual lists what a pattern may hold"


@dataclass(slots=True)
class _Reader:
    """A pattern and how far it was read."""

    text: str
    at: int = 0
    depth: int = 0

    def peek(self) -> str:
        return self.text[self.at : self.at + 1]

    def take(self) -> str:
        char = self.peek()
        self.at += 1
        return char

    def either(self) -> Part:
        """Rows between `|`, up to a `)` or the end."""
        rows = [self.row()]
        while self.peek() == "|":
            self.at += 1
            rows.append(self.row())
        return rows[0] if len(rows) == 1 else Either(tuple(rows))

    def row(self) -> Part:
        parts: list[Part] = []
        while (char := self.peek()) and char not in "|)":
            if self.anchor(char):
                self.at += 1
            else:
                parts.append(self.repeated(self.one()))
        return parts[0] if len(parts) == 1 else Row(tuple(parts))

    def anchor(self, char: str) -> bool:
        """Whether this is the `^` that opens a pattern or the `$` that closes it."""
        return (char == "^" and self.at == 0) or (char == "$" and self.at == len(self.text) - 1)

    def one(self) -> Part:
        char = self.take()
        if char == "(":
            return self.group()
        if char == "[":
            return self.chars()
        if char == "\\":
            return Chars(self.escaped(_SIGNS))
        if char == ".":
            return _ANY
        if char in "*+?{":
            raise Refused(f"repeats nothing with '{char}'", f"write \\{char} for the sign itself")
        if char in "}]":
            raise Refused(f"holds a '{char}' that closes nothing", f"write \\{char} for the sign itself")
        if char in "^$":
            hint = f"it matches the whole text anyway; write \\{char} for the sign itself"
            raise Refused(f"holds '{char}' elsewhere than at its end", hint)
        return Chars(((ord(char), ord(char)),))

    def group(self) -> Part:
        if self.peek() == "?":
            if self.text[self.at : self.at + 2] != "?:":
                raise Refused(f"holds the group '({self.text[self.at : self.at + 3]}'", _SMALL)
            self.at += 2
        self.depth += 1
        if self.depth > _DEEPEST:
            raise Refused("nests groups too deep")
        part = self.either()
        if self.take() != ")":
            raise Refused("opens a group with '(' that is never closed", "write \\( for the sign itself")
        self.depth -= 1
        return part

    def escaped(self, signs: frozenset[str]) -> Ranges:
        char = self.take()
        if char in _SETS:
            return _SETS[char]
        if not char or char not in signs:
            hint = "write - without a backslash outside [ ]" if char == "-" else _SMALL
            raise Refused(f"holds '\\{char}'", hint)
        return ((ord(char), ord(char)),)

    def chars(self) -> Chars:
        negated = self.peek() == "^"
        self.at += negated
        ranges: list[tuple[int, int]] = []
        while self.peek() not in ("]", ""):
            ranges += self.range()
        if self.take() != "]":
            raise Refused("opens a class with '[' that is never closed", "write \\[ for the sign itself")
        if not ranges:
            raise Refused("holds an empty class")
        return Chars(_complement(tuple(ranges)) if negated else tuple(ranges))

    def range(self) -> Ranges:
        r"""`a`, `\d` or `a-z` of a class."""
        low = self.member()
        if self.peek() != "-":
            return low
        self.at += 1
        high = self.member() if self.peek() not in ("]", "") else ()
        if not (len(low) == len(high) == 1 and low[0][0] == low[0][1] <= high[0][0] == high[0][1]):
            raise Refused("holds a '-' in a class that is not between two characters", "write \\- for the sign itself")
        return ((low[0][0], high[0][0]),)

    def member(self) -> Ranges:
        char = self.take()
        if char == "\\":
            return self.escaped(_CLASS_SIGNS)
        if char in _CLASS_BARE:
            raise Refused(f"holds a bare '{char}' in a class", f"write \\{char}")
        if char in _DOUBLED and self.peek() == char:
            raise Refused(f"holds '{char}{char}' in a class, which browsers keep for later", "write it once")
        return ((ord(char), ord(char)),)

    def repeated(self, part: Part) -> Part:
        """The part with the `*`, `+`, `?` or `{}` that follows it, if any."""
        if not self.peek() or self.peek() not in "*+?{":
            return part
        least, most = self.times()
        if self.peek() and self.peek() in "*+?{":
            raise Refused(f"repeats a repetition with '{self.peek()}'", _SMALL)
        if (most is None or most > 1) and _ambiguous(part):
            raise Refused("repeats a group that can match in several ways", "repeat a class such as [ab] instead")
        return Repeat(part, least, most)

    def times(self) -> tuple[int, int | None]:
        char = self.peek()
        if char != "{":
            self.at += 1
            return {"*": (0, None), "+": (1, None), "?": (0, 1)}[char]
        found = _TIMES.match(self.text, self.at)
        if found is None:
            raise Refused("holds a '{' that counts nothing", "write \\{ for the sign itself")
        self.at = found.end()
        least = int(found[1])
        most = None if found[2] and not found[3] else int(found[3] or found[1])
        if max(least, most or 0) > _MOST_TIMES or (most is not None and most < least):
            raise Refused(f"counts with '{found[0]}'", f"from the less to the more, at most {_MOST_TIMES}")
        return least, most


def _ambiguous(part: Part) -> bool:
    """Whether a part can match one text in several ways or in several lengths."""
    if isinstance(part, Repeat):
        return part.least != part.most or _ambiguous(part.part)
    if isinstance(part, Row):
        return any(_ambiguous(one) for one in part.parts)
    return isinstance(part, Either)


# --- matching ----------------------------------------------------------------------------------------------------


def _ends(part: Part, text: list[int], starts: frozenset[int]) -> frozenset[int]:
    """Every place where a part may end that starts at one of `starts`."""
    if isinstance(part, Chars):
        return frozenset(at + 1 for at in starts if at < len(text) and _holds(part.ranges, text[at]))
    if isinstance(part, Row):
        for one in part.parts:
            starts = _ends(one, text, starts)
        return starts
    if isinstance(part, Either):
        return frozenset().union(*(_ends(one, text, starts) for one in part.parts))
    return _repeated(part, text, starts)


def _holds(ranges: Ranges, point: int) -> bool:
    return any(low <= point <= high for low, high in ranges)


def _repeated(repeat: Repeat, text: list[int], starts: frozenset[int]) -> frozenset[int]:
    at = starts
    for _ in range(repeat.least):
        after = _ends(repeat.part, text, at)
        if after == at:  # the part is empty, or nothing is left: more rounds change nothing
            break
        at = after
    reached, count = at, repeat.least
    while at and (repeat.most is None or count < repeat.most):
        at = _ends(repeat.part, text, at) - reached
        reached |= at
        count += 1
    return reached
