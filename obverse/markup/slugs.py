"""Heading text -> ids that read like it: as GitHub makes them, in every script."""

from __future__ import annotations

import re

_DROPPED = re.compile(r"[^\w\- ]")


def slug(text: str) -> str:
    """The text in lower case, spaces as hyphens, punctuation dropped, letters of every script kept.

    "section" when nothing is left.
    """
    return _DROPPED.sub("", text.strip().lower()).replace(" ", "-").strip("-") or "section"


def unique(wanted: str, taken: dict[str, int]) -> str:
    """`wanted`, or `wanted-1`, `wanted-2` … when it is taken.

    `taken` holds the ids in use, each with the last number tried for it; the one given is added.
    """
    given, number = wanted, taken.get(wanted, 0)
    while given in taken:
        number += 1
        given = f"{wanted}-{number}"
    taken[wanted] = number
    taken[given] = taken.get(given, 0)
    return given


def label(wanted: str, taken: set[str]) -> str:
    """A table's name, made different from those before it: two regions of one name cannot be told apart."""
    wanted = wanted or "Table"
    given, number = wanted, 1
    while given in taken:
        number += 1
        given = f"{wanted} {number}"
    taken.add(given)
    return given
