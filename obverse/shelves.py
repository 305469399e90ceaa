"""Shelves: lists of articles as sets of bits, so that what several of them share is found without walking along them.

A bit is the place of an article among all of its language, counted from the oldest: a new article at the front moves
none of the others. To find the most related of ten thousand articles costs a few operations on a few long numbers.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence


class Shelf(int):
    """The articles of one list as bits. Its `repr` is short for what it holds: answers are told apart by theirs."""

    __slots__ = ()

    def __repr__(self) -> str:
        """In hexadecimal, which unlike decimal costs no more than it is long."""
        return f"{int(self):x}"


def places(articles: Sequence[str]) -> dict[str, int]:
    """The place of each article, from the oldest; `articles` are in reading order, the newest first."""
    return {path: place for place, path in enumerate(reversed(articles))}


def shelf(listed: Sequence[str], placed: Mapping[str, int]) -> Shelf:
    """A list as bits; nothing for a list of one, which has nothing to relate it to."""
    if len(listed) < 2:
        return Shelf(0)
    bits = bytearray(len(placed) // 8 + 1)
    for path in listed:
        place = placed[path]
        bits[place >> 3] |= 1 << (place & 7)
    return Shelf(int.from_bytes(bits, "little"))


def most_shared(shelves: Iterable[int]) -> Iterator[int]:
    """The places on any of the shelves: those on the most of them first, newer ones first among equals."""
    digits: list[
        int
    ] = []  # how many shelves each place is on, in binary: a number for each digit, a bit for each place
    for one in shelves:
        carried = one
        for position, digit in enumerate(digits):
            digits[position], carried = digit ^ carried, digit & carried
        if carried:
            digits.append(carried)
    anywhere = 0
    for digit in digits:
        anywhere |= digit
    waiting = [(len(digits), anywhere)]  # the last of these are on the most shelves; none is empty
    while waiting:
        undecided, found = waiting.pop()
        if undecided:
            digit = digits[undecided - 1]
            without = found & ~digit
            if without:
                waiting.append((undecided - 1, without))
            if without != found:
                waiting.append((undecided - 1, found & digit))
            continue
        while found:
            newest = found.bit_length() - 1
            yield newest
            found ^= 1 << newest
