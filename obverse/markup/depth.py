"""Depth: a Markdown text -> whether a line of it may nest lists and quotes deeper than they are read."""

from __future__ import annotations

import re

from obverse.markup import DEEPEST

# What such a line begins with, at the least: a character at the start makes it fast.
_MAYBE = re.compile(rf"\n[ \t>+*.)\d-]{{{DEEPEST + 1}}}")


def maybe_deep(text: str) -> bool:
    """Whether some line may. Nearly every text says no, and then no line need be read."""
    return bool(_MAYBE.search(text) or _MAYBE.match(f"\n{text[: DEEPEST + 1]}"))
