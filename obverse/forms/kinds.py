"""The kinds of files that a form may take: one closed table, and what a form file says of sizes.

A kind's name is what an author writes in `accept`. What a file is, capture tells by its content (`capture.uploads`); a
browser is told the extensions and media types, which spare a visitor a vain upload and prove nothing.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

# Bytes of one file and the number of files when a form file says nothing; and the most that it may say. All files of
# one post together are no more than `MOST_BYTES`.
MEGABYTE = 1024 * 1024
USUAL_SIZE, USUAL_FILES = 5 * MEGABYTE, 1
MOST_SIZE, MOST_FILES, MOST_BYTES = 25 * MEGABYTE, 10, 50 * MEGABYTE


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind: what visitors know it by, the extensions it may have (the usual one first), its media type."""

    label: str
    extensions: tuple[str, ...]
    media: str


_OFFICE = "application/vnd.openxmlformats-officedocument"
KINDS: Mapping[str, Kind] = {
    "pdf": Kind("PDF", ("pdf",), "application/pdf"),
    "png": Kind("PNG", ("png",), "image/png"),
    "jpeg": Kind("JPEG", ("jpg", "jpeg", "jpe", "jfif"), "image/jpeg"),
    "webp": Kind("WebP", ("webp",), "image/webp"),
    "gif": Kind("GIF", ("gif",), "image/gif"),
    "docx": Kind("Word", ("docx",), f"{_OFFICE}.wordprocessingml.document"),
    "xlsx": Kind("Excel", ("xlsx",), f"{_OFFICE}.spreadsheetml.sheet"),
    "txt": Kind("TXT", ("txt", "text", "log", "md"), "text/plain"),
    "csv": Kind("CSV", ("csv", "tsv"), "text/csv"),
}
PICTURES = tuple(name for name, kind in KINDS.items() if kind.media.startswith("image/"))


@dataclass(frozen=True, slots=True)
class SentFile:
    """A file that came for a field: its name as its sender wrote it, its bytes, and the kinds that its content fits.

    `doubts` are codes of what about it a person should look at.
    """

    name: str
    size: int
    kinds: frozenset[str] = field(default_factory=frozenset)
    doubts: tuple[str, ...] = ()


def extension(name: str) -> str:
    """What follows the last dot of a name, in small letters; "" for a name without one."""
    _, dot, last = name.rstrip(" .").rpartition(".")
    return last.lower() if dot else ""


def kind_of(kinds: Iterable[str], name: str) -> str:
    """Of the kinds that a content fits, the one that its name speaks of; else the first in the table, "" for none."""
    fitting = [one for one in KINDS if one in set(kinds)]
    return next((one for one in fitting if extension(name) in KINDS[one].extensions), next(iter(fitting), ""))


def accept_attribute(accept: Iterable[str]) -> str:
    """The kinds as the attribute `accept` of HTML lists them."""
    kinds = [KINDS[one] for one in accept]
    return ",".join(text for one in kinds for text in (*(f".{end}" for end in one.extensions), one.media))


def labels(accept: Iterable[str]) -> str:
    """The kinds as a person reads them: "PDF, PNG"."""
    return ", ".join(KINDS[one].label for one in accept if one in KINDS)


_SIZE = re.compile(r"([0-9]{1,6}(?:\.[0-9]{1,3})?)\s*(kB|KB|MB)")


def read_size(text: str) -> int | None:
    """`5 MB` or `500 kB` as bytes, None for anything else.

    A megabyte is 1024 × 1024 bytes here: who counts in thousands is let in as well.
    """
    found = _SIZE.fullmatch(text.strip())
    return round(float(found[1]) * (MEGABYTE if found[2] == "MB" else 1024)) if found else None


def spoken_size(size: int) -> str:
    """Bytes as a person reads them: `5 MB`, `1.4 MB`, `12 kB`; what is less than one is 1 kB."""
    if size < MEGABYTE:
        return f"{max(1, round(size / 1024))} kB"
    return f"{size / MEGABYTE:.1f}".removesuffix(".0") + " MB"
