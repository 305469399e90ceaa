"""E-mail addresses: as typed -> as kept, and -> the key by which one person is known again."""

from __future__ import annotations

import unicodedata

from obverse.schema import Field, Refused
from obverse.schema.scalar import SCALARS

_EMAIL = Field("email")
# What domain names may hold though Unicode calls it punctuation or a mark of format (RFC 5892, contextual rules).
_IN_DOMAINS = frozenset("\u00b7\u0375\u05f3\u05f4\u200c\u200d\u30fb")


def read_email(text: str) -> str:
    """One address, its domain in plain letters where it was written in wide ones. Raises `Refused`.

    A domain in any script is judged by its ASCII form, so that no script is refused; quotes, lists of addresses, names
    in angle brackets and quoted local parts are.
    """
    local, at, domain = text.rpartition("@")
    narrow = _narrow(domain)
    if not at or len(narrow) > len(domain) or _is_foreign(local + narrow):
        raise Refused("must be an e-mail address")
    ascii_form = ascii_domain(narrow)
    if max(map(len, ascii_form.split("."))) > 63:
        raise Refused("must be an e-mail address")
    SCALARS["email"](_EMAIL, f"{local}@{ascii_form}")
    return f"{local}@{narrow}"


def _is_foreign(text: str) -> bool:
    return "\x7f" in text if text.isascii() else any(map(_foreign, text))


def _foreign(char: str) -> bool:
    """Whether a character beyond ASCII is a sign, a blank or a control, as no address has them."""
    return char == "\x7f" or (char > "\x7f" and unicodedata.category(char)[0] in "ZCP" and char not in _IN_DOMAINS)


def _narrow(domain: str) -> str:
    return unicodedata.normalize("NFKC", domain).replace("\u3002", ".")


def ascii_domain(domain: str) -> str:
    """A domain in small letters, labels of other scripts in Punycode (IDNA 2008 without its tables)."""
    if domain.isascii():
        return domain.lower()
    return ".".join(_label(label) for label in _narrow(domain).lower().split("."))


def _label(label: str) -> str:
    if label.isascii():
        return label
    return "xn--" + unicodedata.normalize("NFC", label).encode("punycode").decode("ascii")


def email_key(address: str) -> str:
    """The address as it is compared: letters folded, the domain in ASCII, all else as it is.

    `Ann@EXAMPLE.com` and `ann@example.com` are one person. Dots and plus tags tell people apart: what they mean is
    known to the host of the address alone, and joining two people would be the worse mistake.
    """
    local, at, domain = address.strip().rpartition("@")
    folded = unicodedata.normalize("NFC", unicodedata.normalize("NFD", local).casefold())
    return f"{folded}{at}{ascii_domain(domain)}"
