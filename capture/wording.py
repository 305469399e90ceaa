"""How a text is worded -> how near it is to advertising, by weights learned from letters. Pure, but for its one file.

A linear model over words, pairs of words, parts of words, what words are about (`capture.themes`), which of it is said
and which is asked, and a few shapes, hashed into a table of small whole numbers: `wording.bin`, which
`python -m benchmarks.wording` makes from the letters that are tuned on. The table holds no words, so that what is told
of a text can only be the text's own words. It is read once, by who judges, and is part of no site and no release.
"""

from __future__ import annotations

import re
import unicodedata
from array import array
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from itertools import chain, combinations, pairwise
from math import sqrt
from operator import mul
from pathlib import Path
from zlib import crc32

from capture.themes import THEMES

TABLE = Path(__file__).with_name("wording.bin")
SIZE = 1 << 17
# So many steps of the table are a weight of 1.
STEPS = 48

# Characters of either end that are read: padding hides nothing, and a long text costs no more.
_MOST_READ = 400
# Words of which is remembered what they are made of and about: most of a text is made of the same few thousand.
_REMEMBERED = 6144
_LONGEST_WORD = 24
_MOST_THEMES = 16

# How much a feature counts: a word, a pair, a part of a word, a theme, two themes close by, two in a text, a shape.
_WORD, _PAIR, _PART, _THEME, _NEAR, _BOTH, _SHAPE = 4, 3, 2, 4, 3, 3, 8
# A theme of a sentence, how one begins: apart in those that say and those that ask, as who sells says what others ask.
_SAID, _BEGUN = 4, 3
_WAYS = crc32(b"."), crc32(b"?")
_ASKING = "?？؟"
# What stands before the first word, and no themes before it.
_START, _NONE = crc32(b"^"), tuple[int, ...]()

_LINK = re.compile(r"(?:https?://|www\.)[^\s<>\"'\]]+|\[url|<a\s", re.IGNORECASE)
_LINKING = ("://", "www.", "[url", "<a")  # what each of them has
_TOKEN = re.compile(r"[^\W_]+|[$€£%?!@？؟]")
_SENTENCE = re.compile(r"[^.!?。！？؟]+(?:[.](?=[^\s.!?])[^.!?。！？؟]+)*[!?！？؟]*")
_SPACED = re.compile(r"\b(?:[^\W\d_][ .\-_*]){3,40}[^\W\d_](?!\w)")
_BETWEEN = re.compile(r"[ .\-_*]")
_LONG = re.compile(r"[A-Za-z0-9+/]{10,}")
_MASKED = re.compile(r"[\w@$]{4,30}")
# Marks above and below letters, and what is not seen (category Cf).
_UNSEEN = re.compile(
    "[\u0300-\u036f\u00ad\u0600-\u0605\u061c\u06dd\u070f\u0890\u0891\u08e2\u180e\u200b-\u200f\u202a-\u202e\u2060-\u2064"
    "\u2066-\u206f\ufeff\ufff9-\ufffb\U000110bd\U000110cd\U00013430-\U0001343f\U0001bca0-\U0001bca3"
    "\U0001d173-\U0001d17a\U000e0001\U000e0020-\U000e007f]"
)
_CONTINUOUS = re.compile(r"[\u0e00-\u0e7f\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]")

# Letters that look like a Latin one: it is put in their place where a word has Latin ones too.
_ALIKE = str.maketrans("авекмнорстухіјѕԁɡαβεικνορτυχ", "abekmhopctyxijsdgabeiknoptux")
_FIGURES = str.maketrans("013457@$", "oieastas")


def nearness(text: str, table: Sequence[int] | None = None) -> float:
    """How near a text is to advertising: below 0 it is a customer's, and the larger the nearer."""
    weights = learned() if table is None else table
    found = counted(text)
    length = sqrt(sum(map(mul, found.values(), found.values())) + 1)
    total: int = sum(map(mul, map(weights.__getitem__, found), found.values()))
    return total / (STEPS * length)


def telling(text: str, most: int = 3) -> tuple[str, ...]:
    """The words of a text that speak most for advertising, the strongest first, in small letters."""
    weights, sums = learned(), dict[str, int]()
    for word in map(_word, _TOKEN.findall(plain(text))):
        sums[word.text] = sum(weights[slot] * value for slot, value in word.slots.items())
    said = (word for word, total in sums.items() if total > 0 and len(word) > 1 and word.isalpha())
    return tuple(sorted(said, key=lambda word: -sums[word])[:most])


def counted(text: str) -> Mapping[int, int]:
    """The slots of the table that a text is judged by, with what each counts."""
    read = plain(text)
    found: dict[int, int] = {}
    before, near, every = _START, _NONE, list[int]()
    for words, asks in _sentences(read):
        found |= _begun(words[0], asks)
        for word in words:
            found |= word.slots
            found[crc32(word.coded, before) % SIZE] = _PAIR
            before = word.code
            if word.themes:
                found |= word.said[asks]
                found |= {(31 * earlier + theme) % SIZE: _NEAR for earlier in near for theme in word.small}
                near = (*near, *word.small)[-4:]
                every += word.themes
    shapes = [slot_of(shape) for shape in _shapes(read, ends(text))]
    found |= dict.fromkeys(shapes, _SHAPE)
    themes = sorted(tuple(dict.fromkeys(every))[:_MOST_THEMES])
    return found | dict.fromkeys(_together([one % SIZE for one in themes], shapes), _BOTH)


def slot_of(feature: str) -> int:
    """Where the weight of a feature is in the table; some share theirs."""
    return crc32(feature.encode("utf-8", "surrogatepass")) % SIZE


@cache
def learned() -> Sequence[int]:
    """The table that capture brings along."""
    return array("b", TABLE.read_bytes())


# --- what is read


def plain(text: str) -> str:
    """A text without what hides words: letters without width, look-alikes, digits for letters, letters set apart."""
    joined = _SPACED.sub(lambda found: _BETWEEN.sub("", found[0]), _unlinked(_shown(ends(text))))
    return " ".join(map(_unmasked, joined.casefold().split()))


def ends(text: str, most: int = _MOST_READ) -> str:
    """A text, or so many characters of either end of a longer one."""
    return text if len(text) <= 2 * most else f"{text[:most]} {text[-most:]}"


def _shown(text: str) -> str:
    """A text without marks above and below its letters, and without what nobody sees."""
    if text.isascii():
        return text
    return unicodedata.normalize("NFC", _UNSEEN.sub("", unicodedata.normalize("NFKD", text)))


def _unlinked(text: str) -> str:
    return _LINK.sub(" ", text) if may_link(text) else text


def may_link(text: str) -> bool:
    """Whether a text has anything of a link in it: most have not, and need no closer look."""
    return any(map(text.lower().__contains__, _LINKING))


@lru_cache(_REMEMBERED)
def _unmasked(word: str) -> str:
    latin = word if word.isascii() or not any("a" <= one <= "z" for one in word) else word.translate(_ALIKE)
    return latin if latin.isalpha() else _MASKED.sub(_lettered, latin)


def _lettered(found: re.Match[str]) -> str:
    """Digits between letters read as the letters that they look like; numbers stay."""
    letters = sum(1 for one in found[0] if one.isalpha())
    return found[0].translate(_FIGURES) if 2 * letters >= len(found[0]) else found[0]


# --- what is counted


@dataclass(frozen=True, slots=True, eq=False)
class _Word:
    """A word, what is counted of it, its themes as numbers, and what pairs of words are hashed from.

    `slots` count wherever it stands, `said` are its themes in a sentence that says and in one that asks. `small` are
    its themes as places in the table: numbers of one digit, to Python, are multiplied in half the time.
    """

    text: str
    slots: Mapping[int, int]
    said: tuple[Mapping[int, int], ...]
    themes: tuple[int, ...]
    small: tuple[int, ...]
    coded: bytes
    code: int


@lru_cache(_REMEMBERED)
def _word(token: str) -> _Word:
    text = "0" * min(len(token), 5) if token.isdigit() else token[:_LONGEST_WORD]
    themes = tuple(crc32(f"t{theme}".encode()) for theme in themes_of(text))
    slots = {slot_of(part): _PART for part in _parts(text)}
    slots |= {slot_of(f"w{text}"): _WORD} | {theme % SIZE: _THEME for theme in themes}
    said = tuple({(43 * theme + way) % SIZE: _SAID for theme in themes} for way in _WAYS) if themes else ()
    coded = text.encode("utf-8", "surrogatepass")
    small = tuple(theme % SIZE for theme in themes)
    return _Word(text, slots, said, themes, small, coded, crc32(b" ", crc32(coded)))


@lru_cache(_REMEMBERED)
def _words(piece: str) -> Sequence[_Word]:
    """The words of what stands between two blanks, the marks behind them among them."""
    return tuple(map(_word, _TOKEN.findall(piece)))


@lru_cache(_REMEMBERED // 4)
def _begun(word: _Word, asks: bool) -> Mapping[int, int]:
    """What is counted of the first word of a sentence that says, or asks."""
    way = _WAYS[asks]
    return {(47 * theme + way) % SIZE: _SAID for theme in word.themes} | {crc32(word.coded, way) % SIZE: _BEGUN}


def _sentences(read: str) -> Iterator[tuple[Sequence[_Word], bool]]:
    """The words of each sentence, the mark behind it among them, and whether it asks."""
    for found in _SENTENCE.findall(read):
        if words := list(chain.from_iterable(map(_words, found.split()))):
            yield words, words[-1].text in _ASKING


def _together(themes: Sequence[int], shapes: Sequence[int]) -> Sequence[int]:
    """The slots of any two themes of a text, themes being sorted, and of its shapes with each theme."""
    pairs = [(37 * one + other) % SIZE for one, other in combinations(themes, 2)]
    return pairs + [(41 * shape + theme) % SIZE for shape in shapes for theme in themes]


def _parts(word: str) -> Sequence[str]:
    if _is_continuous(word):
        return [word[at : at + size] for size in (1, 2, 3) for at in range(len(word) - size + 1)]
    framed = f"_{word}_" if len(word) > 3 else ""
    return [framed[at : at + 4] for at in range(len(framed) - 3)]


def _is_continuous(word: str) -> bool:
    """Whether it is of a script that puts no blanks between words."""
    return not word.isascii() and _CONTINUOUS.search(word) is not None


def _shapes(read: str, text: str) -> Iterator[str]:
    """Links, how few words are beside them, whether something is asked, letters at random, how long it is."""
    unlinked, links = _LINK.subn(" ", text) if may_link(text) else (text, 0)
    words = read.count(" ") + bool(read)
    if links:
        yield f"~links {min(links, 4)}"
        yield f"~words a link {min(words // links // 4, 6)}"
    if any(map(text.__contains__, _ASKING)):
        yield "~asks"
    if any(map(_is_jumbled, _LONG.findall(unlinked))):
        yield "~jumbled"
    yield f"~words {min(words, 60).bit_length()}"


def _is_jumbled(word: str) -> bool:
    """Whether large and small letters change too often for a word, as in what machines write."""
    if word[1:].islower():  # as nearly all are
        return False
    letters = [one for one in word if one.isalpha()]
    changes = sum(1 for one, other in pairwise(letters) if one.islower() and other.isupper())
    return changes >= 3 and 4 * changes >= len(letters)


# --- what words are about


def themes_of(word: str) -> Sequence[str]:
    """The themes that a word is of, in the order of the alphabet."""
    whole, begins = _index()
    if _is_continuous(word):
        parts = {word[at : at + size] for size in range(1, 7) for at in range(len(word) - size + 1)}
        return sorted({theme for part in parts for theme in begins.get(part, ())})
    known = (begins[part] for size in range(2, len(word) + 1) if (part := word[:size]) in begins)
    return sorted(set(whole.get(word, ())).union(*known))


@cache
def _index() -> tuple[Mapping[str, Sequence[str]], Mapping[str, Sequence[str]]]:
    """Whole words and beginnings of words, as `plain` would leave them, with their themes."""
    whole: dict[str, list[str]] = {}
    begins: dict[str, list[str]] = {}
    for theme, words in THEMES.items():
        for one in words.split():
            known = whole if one.endswith("=") else begins
            known.setdefault(_shown(one.removesuffix("=")).casefold(), []).append(theme)
    return whole, begins
