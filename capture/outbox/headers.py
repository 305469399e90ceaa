"""What people typed -> what may stand in a mail's header: one line, no controls, an address that is one address."""

from __future__ import annotations

import re
import unicodedata
from email.headerregistry import Address

# Line ends of every kind, controls, surrogates, and the marks that turn the direction of what is around them.
_UNFIT = {"Cc", "Cs", "Zl", "Zp"}
_TURNING = re.compile("[\u061c\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff]")

# What lays out a text.
_LAID_OUT = dict.fromkeys(map(ord, "\n\t"))

# The local part that every mail server takes: no quotes, no comments.
_LOCAL = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+(\.[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*")
_HOST = re.compile(r"[A-Za-z0-9-]{1,63}(\.[A-Za-z0-9-]{1,63})*")

# Letters that the older rule for names, which Python follows, turns into others: another domain, another receiver.
_DEVIATING = re.compile("[\u00df\u1e9e\u03c2\u200c\u200d]")

# What means something in a header of addresses. Python has folded some of these wrongly; a name does without them.
_SPECIAL = re.compile(r'[()<>\[\]:;@\\,"]')


def line(text: str, limit: int = 150) -> str:
    """The text on one line of at most `limit` characters, an ellipsis where it was cut.

    What looks like the mark of an encoded word is taken apart: Python would decode it, line ends and all.
    """
    fit = text[: limit * 4]
    if not fit.isprintable():  # what is has neither kind
        fit = _TURNING.sub("", "".join(" " if unicodedata.category(one) in _UNFIT else one for one in fit))
    short = " ".join(fit.replace("=?", "= ?").split())
    return short if len(short) <= limit else short[: limit - 1].rstrip() + "…"


def block(text: str) -> str:
    """The text with plain line ends and no controls, for the body of a mail."""
    plain = text.replace("\r\n", "\n").replace("\r", "\n")
    if plain.translate(_LAID_OUT).isprintable():
        return plain
    return "".join(one if one in "\n\t" or unicodedata.category(one) not in {"Cc", "Cs"} else " " for one in plain)


def ascii_domain(domain: str) -> str:
    """The domain as mail servers know it ("xn--…"), "" when it has no such form."""
    if _DEVIATING.search(domain):
        return ""
    try:
        plain = domain.encode("idna").decode("ascii")
    except UnicodeError:
        return ""
    return plain if _HOST.fullmatch(plain) and len(plain) <= 253 else ""


def ascii_address(address: str) -> str:
    """The address in ASCII; "" when it is not exactly one address that any mail server takes."""
    local, at, domain = address.strip().rpartition("@")
    plain = ascii_domain(domain)
    fit = at and plain and len(local) <= 64 and _LOCAL.fullmatch(local)
    return f"{local}@{plain}" if fit else ""


def mailbox(name: str, address: str) -> Address:
    """A name and an address (of `ascii_address`) for a header."""
    local, _, domain = address.rpartition("@")
    return Address(line(_SPECIAL.sub(" ", name), 60), local, domain)
