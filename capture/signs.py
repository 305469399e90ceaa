"""What somebody wrote -> signs of advertising, each a code of `HELD_REASONS` with a weight. Pure.

No sign but the owner's own rules, a link as a name and code for links holds a text by itself: a customer may well name
three pages, write in a language the site has not, or ask what an offer in their mail was about. How all of it is worded
says most (`capture.wording`). The weights are tuned by `python -m benchmarks.wording --across`; they are code of
capture's, so no page and no release can show them.
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from capture.wording import ends, may_link, nearness

# From this sum of weights on a submission is held.
ENOUGH = 1.0

# Well-known domains of addresses that last for minutes: our own choice, written from memory, so no licence but ours.
DISPOSABLE = frozenset(
    "10minutemail.com 33mail.com discard.email dispostable.com emailondeck.com fakeinbox.com getnada.com "
    "guerrillamail.com guerrillamail.net mailcatch.com maildrop.cc mailinator.com mailnesia.com mintemail.com "
    "mohmal.com sharklasers.com spamgourmet.com temp-mail.org tempmail.com tempr.email throwawaymail.com "
    "trashmail.com trashmail.de wegwerfmail.de yopmail.com yopmail.fr".split()
)

# The script that a language is written in, as the first word of its letters' Unicode names; Latin when not named.
_SCRIPTS: Mapping[str, frozenset[str]] = {
    **dict.fromkeys(("ru", "uk", "bg", "sr", "mk", "be", "kk", "mn"), frozenset({"CYRILLIC"})),
    **dict.fromkeys(("ar", "fa", "ur", "ps"), frozenset({"ARABIC"})),
    **dict.fromkeys(("he", "yi"), frozenset({"HEBREW"})),
    **dict.fromkeys(("hi", "mr", "ne"), frozenset({"DEVANAGARI"})),
    "el": frozenset({"GREEK"}),
    "th": frozenset({"THAI"}),
    "ko": frozenset({"HANGUL", "CJK"}),
    "zh": frozenset({"CJK"}),
    "ja": frozenset({"CJK", "HIRAGANA", "KATAKANA"}),
}

_LINK = re.compile(r"https?://[^\s<>\"']+|\bwww\.[^\s<>\"']+", re.IGNORECASE)
_MARKUP = re.compile(r"<a\s[^>]{0,200}href|\[url\b|\[link\b", re.IGNORECASE)
_BEYOND_LATIN = re.compile(r"[^\0-\u024f]")
_MOST_READ = 10_000  # characters of either end: padding hides nothing, and a judgement must not cost seconds

# Of one link or two; many; hardly anything else.
_LINKED, _LINKS, _ONLY_LINKS = 0.04, 0.21, 0.3
# Of foreign letters; an address that passes.
_FOREIGN, _PASSING = 0.5, 0.5
# The nearness to advertising that holds a text by its wording alone.
_WORDED = 0.65


@dataclass(frozen=True, slots=True)
class Written:
    """What a visitor wrote, and what the site is like: `languages` are its codes, `rules` the owner's own words.

    A rule that begins with `@` is a domain of e-mail addresses, any other a word or several that stand in a text.
    """

    texts: tuple[str, ...] = ()
    name: str = ""
    email: str = ""
    languages: tuple[str, ...] = ()
    rules: tuple[str, ...] = ()


def signs(written: Written, table: Sequence[int] | None = None) -> Mapping[str, float]:
    """The signs that are there, with what each weighs. Another `table` of weights is only for who makes one."""
    text = ends("\n".join(written.texts), _MOST_READ)
    found = {
        "link-name": ENOUGH if may_link(written.name) and _LINK.search(written.name) else 0.0,
        "markup": ENOUGH if ("<" in text or "[" in text) and _MARKUP.search(text) else 0.0,
        "links": _links(text),
        "wording": _wording(text, table),
        "script": _FOREIGN if _is_foreign(text, written.languages) else 0.0,
        "disposable": _PASSING if _under(domain_of(written.email), DISPOSABLE) else 0.0,
        "rule": ENOUGH if _is_ruled_out(text, written) else 0.0,
    }
    return {code: weight for code, weight in found.items() if weight}


def texts_of(values: Mapping[str, Any]) -> tuple[str, ...]:
    """What was written into free fields: every text of the checked answers, lists flattened."""
    return tuple(text for value in values.values() for text in _flat(value))


def domain_of(email: str) -> str:
    """The domain of an address in small letters, "" without one."""
    return email.rpartition("@")[2].strip().rstrip(".").lower()


def _flat(value: Any) -> Sequence[str]:
    if isinstance(value, str):
        return (value,)
    return [text for one in value for text in _flat(one)] if isinstance(value, (list, tuple)) else ()


def _links(text: str) -> float:
    """One link says something, several or hardly anything but links say more."""
    links = _LINK.findall(text) if may_link(text) else ()
    if not links:
        return 0.0
    words = len(_LINK.sub(" ", text).split())
    if len(links) > 1 and words < 3 * len(links):
        return _ONLY_LINKS
    return _LINKS if len(links) > 3 or words < 6 * len(links) else _LINKED


def _wording(text: str, table: Sequence[int] | None) -> float:
    near = nearness(text, table) / _WORDED
    return min(near, ENOUGH) if near > 0.1 else 0.0


def _is_foreign(text: str, languages: Iterable[str]) -> bool:
    """Whether most letters are of a script that none of the site's languages is written in. Latin always is."""
    if text.isascii() or not _BEYOND_LATIN.search(text):
        return False
    home = frozenset({"LATIN"}).union(*(_SCRIPTS.get(one.partition("-")[0].lower(), ()) for one in languages))
    letters = Counter(_script(one) for one in text[:2000] if one.isalpha())
    return sum(letters[one] for one in home) * 2 < letters.total()


@lru_cache(1024)
def _script(letter: str) -> str:
    return unicodedata.name(letter, "").partition(" ")[0]


def _is_ruled_out(text: str, written: Written) -> bool:
    if not written.rules:
        return False
    domains = {one[1:].lower() for one in written.rules if one.startswith("@") and len(one) > 1}
    words = (" ".join(one.split()) for one in written.rules if not one.startswith("@"))
    said = " ".join(f"{written.name}\n{text}".split())
    return _under(domain_of(written.email), domains) or any(
        re.search(rf"(?<!\w){re.escape(one)}(?!\w)", said, re.IGNORECASE) for one in words if one
    )


def _under(domain: str, known: AbstractSet[str]) -> bool:
    """Whether a domain is one of the known or lies below one."""
    labels = domain.split(".")
    return any(".".join(labels[at:]) in known for at in range(len(labels)))
