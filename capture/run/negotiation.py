"""What a request's headers ask for -> which coding to send, which part of a file, and whether nothing new is needed."""

from __future__ import annotations

import re
from dataclasses import dataclass

_ETAG = re.compile(r'(?:W/)?("[^"]*")')
_RANGE = re.compile(r"bytes=[ \t]*([0-9]{0,18})-([0-9]{0,18})[ \t]*")


@dataclass(frozen=True, slots=True)
class Part:
    """The bytes `start` to `start + length` of a file. `length` 0: there is no such part."""

    start: int
    length: int


def wants_gzip(accept: str) -> bool:
    """Whether an `Accept-Encoding` allows gzip, and does not like the plain file better."""
    weights = dict(_weights(accept))
    gzip = weights.get("gzip", weights.get("x-gzip", weights.get("*", 0.0)))
    return gzip > 0 and gzip >= weights.get("identity", 0.0)


def is_known(if_none_match: str, etag: str) -> bool:
    """Whether an `If-None-Match` names this ETag. A proxy that recompresses weakens it, so a weak one counts too."""
    return if_none_match.strip() == "*" or etag in _ETAG.findall(if_none_match)


def part_of(asked: str, size: int) -> Part | None:
    """The part a `Range` asks for of a file of `size` bytes; None for the whole file.

    More than one part, another unit, or what is no range at all is answered with the whole, as the standard allows.
    """
    found = _RANGE.fullmatch(asked)
    if not found or not (found[1] or found[2]):
        return None
    if not found[1]:
        length = min(int(found[2]), size)
        return Part(size - length, length)
    first, last = int(found[1]), int(found[2]) if found[2] else size - 1
    if found[2] and last < first:
        return None
    return Part(first, max(0, min(last, size - 1) - first + 1))


def _weights(accept: str) -> list[tuple[str, float]]:
    return [_weight(item) for item in accept.split(",") if item.strip()]


def _weight(item: str) -> tuple[str, float]:
    name, *parameters = (part.strip().lower() for part in item.split(";"))
    for parameter in parameters:
        key, _, value = parameter.partition("=")
        if key.strip() == "q":
            try:
                return name, min(max(float(value), 0.0), 1.0)
            except ValueError:
                return name, 0.0
    return name, 1.0
