"""Rows of values -> a table for a terminal; and texts of strangers made harmless there."""

from __future__ import annotations

import unicodedata
from collections.abc import Collection, Sequence


def harmless(text: object) -> str:
    """The text in one line in which nothing moves a cursor, turns a colour or turns the direction of writing."""
    return "".join(_shown(char) for char in str(text))


def harmless_lines(text: object) -> list[str]:
    """The same for a text whose lines are kept."""
    return [harmless(line) for line in str(text).replace("\r\n", "\n").replace("\r", "\n").split("\n")]


def _shown(char: str) -> str:
    if char.isprintable():
        return char
    if char in "\t\n\r":
        return " "
    # The joiners that scripts and signs are made of change nothing but the letters beside them.
    return char if char in "\u200c\u200d\u00a0\u202f\u3000" else f"\\x{ord(char):02x}"


def width(text: str) -> int:
    """How many columns a text takes."""
    return sum(_columns(char) for char in text)


def _columns(char: str) -> int:
    if unicodedata.combining(char) or char in "\u200c\u200d":
        return 0
    return 2 if unicodedata.east_asian_width(char) in "WF" else 1


def clipped(text: str, limit: int) -> str:
    """The text in at most `limit` columns."""
    if width(text) <= limit:
        return text
    kept, used = "", 1
    for char in text:
        used += _columns(char)
        if used > limit:
            break
        kept += char
    return f"{kept.rstrip()}…"


def aligned(rows: Sequence[Sequence[str]], right: Collection[int] = ()) -> str:
    """The rows under one another, two blanks between columns; those of `right` end in one line, as figures should."""
    widths = [max(map(width, column)) for column in zip(*rows, strict=True)]
    lines = []
    for row in rows:
        cells = [
            " " * (wide - width(text)) + text if number in right else text + " " * (wide - width(text))
            for number, (text, wide) in enumerate(zip(row, widths, strict=True))
        ]
        lines.append("  ".join(cells).rstrip())
    return "\n".join(lines)
