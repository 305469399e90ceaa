"""Heading text -> ids that read like it: as GitHub makes them, in every script."""

from __future__ import annotations

import re

_DROPPED = re.compile(r"[^\w\- ]")


def slug(text: str) -> str:
    """The text in lower case, spaces as hyphens, punctuation dropped, letters of every script kept.

    "section" when nothing is left.
    """
    return _DROPPED.sub("", text.strip().lower()).replace(" ", "-").strip("-") or "section"


def unique(wanted: str, taken: set[str]) -> str:
    """`wanted`, or `wanted-1`, `wanted-2` … when it is taken. The one given is added to `taken`."""
    given, number = wanted, 0
    while given in taken:
        number += 1
        given = f"{wanted}-{number}"
    taken.add(given)
    return given
