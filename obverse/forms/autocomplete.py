"""Autocomplete: what a browser may fill in for a field, in the tokens of HTML, and the usual token for a field."""

from __future__ import annotations

import re

from obverse.problems import nearest
from obverse.schema import Refused

# HTML, "Autofilling form controls": what any field may hold, and what belongs to a way of reaching somebody.
TOKENS = frozenset(
    """
    name honorific-prefix given-name additional-name family-name honorific-suffix nickname username new-password
    current-password one-time-code organization-title organization street-address address-line1 address-line2
    address-line3 address-level4 address-level3 address-level2 address-level1 country country-name postal-code cc-name
    cc-given-name cc-additional-name cc-family-name cc-number cc-exp cc-exp-month cc-exp-year cc-csc cc-type
    transaction-currency transaction-amount language bday bday-day bday-month bday-year sex url photo
    """.split()
)
CONTACTS = frozenset(
    """
    tel tel-country-code tel-national tel-area-code tel-local tel-local-prefix tel-local-suffix tel-extension email impp
    """.split()
)
_KINDS = ("home", "work", "mobile", "fax", "pager")

_BY_NAME = {
    "name": "name",
    "full_name": "name",
    "first_name": "given-name",
    "last_name": "family-name",
    "company": "organization",
    "organisation": "organization",
    "organization": "organization",
}


def usual(kind: str, name: str) -> str:
    """The token for a field of a type and a name, "" when there is none that is sure."""
    if kind in ("email", "tel", "url"):
        return kind
    return _BY_NAME.get(name.lower().replace("-", "_"), "") if kind == "text" else ""


def tokens(text: str) -> str:
    """The tokens in small letters, one blank between. Raises `Refused` for what no browser knows."""
    words = text.lower().split()
    if words in (["off"], ["on"]):
        return words[0]
    rest = words[1:] if words and re.fullmatch(r"section-\S+", words[0]) else words
    rest = rest[1:] if rest and rest[0] in ("shipping", "billing") else rest
    known = TOKENS | CONTACTS
    if rest and rest[0] in _KINDS:
        rest, known = rest[1:], CONTACTS
    if len(rest) != 1 or rest[0] not in known:
        hint = nearest(rest[-1], known) if rest else ""
        raise Refused("must be 'off' or an HTML autocomplete token such as 'name' or 'work email'", hint)
    return " ".join(words)


def meaning(text: str) -> str:
    """What a field holds by its tokens: the last of them."""
    last = text.rsplit(maxsplit=1)
    return last[-1] if last else ""
