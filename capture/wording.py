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

from capture.themes import THEMES

TABLE = Path(__file__).with_name("wording.bin")
SIZE = 1 << 16
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
    joined = _SPACED.sub(lambda found: re.sub(r"[ .\-_*]", "", found[0]), _LINK.sub(" ", shown(read)))
    return " ".join(_unmasked(word) for word in joined.casefold().split())


def features(read: str, text: str) -> Iterator[tuple[str, str, int]]:
    """What is counted of a text made `plain`, and of how it was written: the word, the feature, how much it counts."""
    before, near, every = "^", list[str](), dict[str, None]()
    for word in _TOKEN.findall(read):
        short = "0" * min(len(word), 5) if word.isdigit() else word[:_LONGEST_WORD]
        themes = themes_of(short)
        yield short, f"w{short}", G["w"]
        yield short, f"p{before} {short}", G["p"]
        yield from ((short, part, G["c"]) for part in _parts(short))
        for theme in themes:
            yield short, f"t{theme}", G["t"]
            yield from ((short, f"n{earlier} {theme}", G["n"]) for earlier in near)
        before, near = short, [*near, *themes][-4:]
        every |= dict.fromkeys(themes)
    shapes = list(_shapes(read, text))
    known = [*every][:16]
    for at, one in enumerate(known):
        yield from (("~", f"b{min(one, other)} {max(one, other)}", G["b"]) for other in known[at + 1 :])
        yield from (("~", f"b{shape} {one}", G["b"]) for shape in shapes)
    yield from (("~", shape, G["s"]) for shape in shapes)


G = dict(w=4, p=2, c=2, t=8, n=4, b=3, s=6)


def themes_of(word: str) -> Sequence[str]:
    """The themes that a word is of."""
    whole, begins, _ = _index()
    if _CONTINUOUS.search(word):
        ends = range(1, 7)
        parts = {word[at : at + size] for size in ends for at in range(len(word) - size + 1)}
        return sorted({theme for part in parts for theme in begins.get(part, ())})
    found = set(whole.get(word, ()))
    for size in range(2, len(word) + 1):
        found.update(begins.get(word[:size], ()))
    return sorted(found)


@cache
def _index():
    whole, begins = {}, {}
    for theme, words in THEMES.items():
        for one in words.split():
            (whole if one.endswith("=") else begins).setdefault(shown(one.rstrip("=")).casefold(), []).append(theme)
    return whole, begins, None


def shown(text: str) -> str:
    """A text in letters without marks above and below, where those are no letters of their own."""
    bare = "".join(one for one in unicodedata.normalize("NFKD", text) if not "\u0300" <= one <= "\u036f")
    return unicodedata.normalize("NFC", "".join(one for one in bare if unicodedata.category(one) != "Cf"))


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
