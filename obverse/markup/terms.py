"""Definition lists for comrak: a text in which it reads them well, and terms apart in its HTML."""

from __future__ import annotations

import re

from obverse.markup.places import mask

# comrak looks through a whole list for each definition that a blank line precedes: more than these stay text.
MOST = 4_000

_MAYBE = re.compile(r"\n[ \t>]*:[ \t]")
_LOOSE = re.compile(r"\n[ \t>]*\n[ \t>]*:[ \t]")
# A definition that goes on after a blank line, right under its term. comrak would glue its paragraphs together.
_LONG = re.compile(
    r"(?<=\S)\n(?P<before>[ \t>]{0,20}):[ \t]+[^\n]+(?:\n[ \t>]*[^\s:>][^\n]*)*"
    r"(?:\n[ \t>]*)?\n(?P=before)[ \t]+\S"
)
_TERM = re.compile(r"<dt>([^<]*\n[^<]*)</dt>")


def listed(text: str) -> bool:
    """Whether a text may hold definition lists, and not so many that reading them takes for ever."""
    return ":" in text and _MAYBE.search(text) is not None and len(_LOOSE.findall(text)) <= MOST


def prepared(text: str) -> str:
    """The text with a blank line before every definition that is more than a paragraph: its paragraphs stay apart."""
    masked = mask(text)
    pieces: list[str] = []
    past = 0
    for found in _LONG.finditer(masked):
        pieces += [text[past : found.start()], "\n", found["before"].rstrip()]
        past = found.start()
    return "".join([*pieces, text[past:]]) if pieces else text


def apart(html: str) -> str:
    """The HTML with every line of a group of terms as a term of its own."""
    return _TERM.sub(lambda found: "\n".join(f"<dt>{line}</dt>" for line in found[1].split("\n")), html)
