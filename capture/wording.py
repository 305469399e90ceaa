"""How a text is worded -> how near it is to advertising, by weights learned from letters. Pure, but for its one file.

A linear model over words, pairs of words, parts of words and a few shapes, hashed into a table of small whole numbers:
`wording.bin`, which `python -m benchmarks.wording` makes from `benchmarks/letters/tuned`. The table holds no words, so
that what is told of a text can only be the text's own words. It is read once, by who judges, and is part of no site and
no release.
"""

from __future__ import annotations

import re
import unicodedata
from array import array
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from math import sqrt
from pathlib import Path
from zlib import crc32

TABLE = Path(__file__).with_name("wording.bin")
SIZE = 1 << 15
# A weight of the table is this many steps to the whole.
STEPS = 64

_MOST_READ = 2000  # characters, of either end: padding in the middle hides nothing, and long texts cost no more
_LONGEST_WORD = 24

_LINK = re.compile(r"(?:https?://|www\.)[^\s<>\"'\]]+|\[url|<a\s", re.IGNORECASE)
_TOKEN = re.compile(r"[^\W_]+|[$€£%?!@]")
_SPACED = re.compile(r"(?<!\w)(?:[^\W\d_][ .\-_*]){3,40}[^\W\d_](?!\w)")
_JUMBLED = re.compile(r"\b(?=[A-Za-z0-9]{7,})(?:[A-Z0-9]*[a-z]+[A-Z0-9]+){3}[A-Za-z0-9+/=]*")
_MIXED = re.compile(r"(?=\w*[^\W\d_])(?=\w*[\d@$])[\w@$]{4,30}")

# Letters that look like a Latin one; put in its place where a word has Latin ones too.
_ALIKE = str.maketrans("авекмнорстухіјѕԁɡαβεικνορτυχ", "abekmhopctyxijsdgabeiknoptux")
_DIGITS = str.maketrans("013457@$", "oieastas")
_CONTINUOUS = re.compile(r"[\u0e00-\u0e7f\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]")


def nearness(text: str, table: Sequence[int] | None = None) -> float:
    """How near a text is to advertising: below 0 it is a customer's, and the larger the nearer."""
    weights = learned() if table is None else table
    found = {slot for _, feature in features(plain(text), text) for slot in (slot_of(feature),)}
    return sum(weights[one] for one in found) / (STEPS * sqrt(len(found))) if found else 0.0


def telling(text: str, most: int = 3) -> tuple[str, ...]:
    """The words of a text that speak most for advertising, the strongest first, as they are read."""
    weights, sums = learned(), dict[str, float]()
    for word, feature in features(plain(text), text):
        sums[word] = sums.get(word, 0) + weights[slot_of(feature)]
    said = sorted((word for word in sums if word[0].isalpha() and len(word) > 1 and sums[word] > 0), key=lambda one: -sums[one])
    return tuple(said[:most])


@cache
def learned() -> Sequence[int]:
    """The table that capture brings along."""
    return array("b", TABLE.read_bytes())


def slot_of(feature: str) -> int:
    return crc32(feature.encode("utf-8", "surrogatepass")) % SIZE


def plain(text: str) -> str:
    """A text without what hides words: letters without width, look-alikes, digits for letters, letters set apart."""
    read = text if len(text) <= 2 * _MOST_READ else f"{text[:_MOST_READ]} {text[-_MOST_READ:]}"
    shown = unicodedata.normalize("NFKC", "".join(one for one in read if unicodedata.category(one) not in ("Cf", "Mn")))
    joined = _SPACED.sub(lambda found: re.sub(r"[ .\-_*]", "", found[0]), _LINK.sub(" ", shown))
    return " ".join(_unmasked(word) for word in joined.casefold().split())


def features(read: str, text: str) -> Iterator[tuple[str, str]]:
    """What is counted of a text made `plain`, and of how it was written: the word that it stands in, and the feature."""
    before = "^"
    for word in _TOKEN.findall(read):
        short = word[:_LONGEST_WORD]
        if short.isdigit():
            short = "0" * min(len(short), 5)
        yield short, f"w{short}"
        yield short, f"p{before} {short}"
        before = short
        yield from ((short, part) for part in _parts(short))
    yield from (("~", shape) for shape in _shapes(read, text))


def _parts(word: str) -> Iterator[str]:
    if _CONTINUOUS.search(word):
        yield from (word[at : at + size] for size in (1, 2, 3) for at in range(len(word) - size + 1))
    elif len(word) > 3:
        framed = f"_{word}_"
        yield from (framed[at : at + size] for size in (4, 5) for at in range(len(framed) - size + 1))


def _shapes(read: str, text: str) -> Iterator[str]:
    links, words = len(_LINK.findall(text[: 2 * _MOST_READ])), len(read.split())
    if links:
        yield f"~links {min(links, 4)}"
        yield f"~words a link {min(words // links // 4, 6)}"
    if "?" in text:
        yield "~asks"
    if words and _JUMBLED.search(text[:_MOST_READ]):
        yield "~jumbled"
    yield f"~words {min(words, 60).bit_length()}"


def _unmasked(word: str) -> str:
    if word.isascii():
        latin = word
    else:
        latin = word.translate(_ALIKE) if any("a" <= one <= "z" for one in word) else word
    return _MIXED.sub(lambda found: found[0].translate(_DIGITS), latin) if not latin.isalpha() else latin
