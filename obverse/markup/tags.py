"""HTML text -> its tags, read as a browser reads them.

Our own, because the library's reader changes with each patch release of Python, and the same text must give the same
site on all of them.
"""

from __future__ import annotations

import html
import re
from typing import NamedTuple

_ATTRIBUTE = r"""=?[^\s/>=][^\s/>=]*+(?:\s*+=\s*+(?:"[^"]*+"|'[^']*+'|[^\s>"'][^\s>]*+)?)?|=[^\s/>=]*+"""
# Tags that hold nothing anyone asks about are passed over by the expression itself, which is what makes it fast: those
# of text, those with nothing but a class, and all closing ones but a table's. Each way begins with one character, by
# which it is tried or not, the frequent ones first.
_CLASSED = r"(?:>|\ class=\"[\w\ -]*+\">)"
_PLAIN = (
    rf"/[a-su-zA-SU-Z][a-zA-Z0-9]*+>|/t[dhr]>|[a-z][a-z]?+>|span{_CLASSED}|strong>|td{_CLASSED}|code{_CLASSED}"
    rf"|/?(?:thead|tbody)>|[bh]r\s?/?>|(?:th|div|a|p|li|ul|ol|tr|pre|sup|abbr|kbd){_CLASSED}"
    r"|(?:blockquote|del|mark|ins|sub|details|summary|section|figure|figcaption)>"
)
# A link with nothing but a destination, as most are, is a match of its own, without the three groups of the others.
TAG = re.compile(
    rf"""<(?!{_PLAIN})
    (?:a\ href="(?P<link>[^"&]++)">|!--(?:-?>|.*?(?:--!?>|\Z))|[!?][^>]*>|(?P<close>/?)(?P<name>[a-zA-Z][^\s/>]*+)
    (?P<attributes>(?:[\s/]++|{_ATTRIBUTE})*)>)""",
    re.VERBOSE | re.DOTALL,
)
_ATTRIBUTES = re.compile(
    r"""(?P<name>=?[^\s/>=][^\s/>=]*+|=[^\s/>=]*+)(?:\s*+=\s*+(?P<value>"[^"]*+"|'[^']*+'|[^\s>"'][^\s>]*+)?)?"""
)
# Most tags are of the first two kinds, which are told apart by one character.
ANY = re.compile(
    r"<(?:[a-zA-Z][a-zA-Z0-9]*+(?:>| [a-z]++=\"[^\"]*+\">)|/[a-zA-Z][a-zA-Z0-9]*+>"
    r"|!--.*?(?:-->|\Z)|/?[a-zA-Z!?](?:[^<>\"']++|\"[^\"]*+\"|'[^']*+')*>)",
    re.DOTALL,
)


class Attribute(NamedTuple):
    """One attribute: name in lower case, value with entities decoded (None: it has no value), and as written."""

    name: str
    value: str | None
    written: str


def attributes(text: str) -> list[Attribute]:
    """The attributes in the text between a tag's name and its `>`."""
    if not text:
        return []
    return [Attribute(one["name"].lower(), _value(one["value"], one[0]), one[0]) for one in _ATTRIBUTES.finditer(text)]


def _value(written: str | None, whole: str) -> str | None:
    if written is None:
        return "" if "=" in whole[1:] else None
    if written[0] in "\"'":
        written = written[1:-1]
    return html.unescape(written) if "&" in written else written


def attribute(name: str, value: str | None) -> str:
    """An attribute as HTML, with the blank before it."""
    return f" {name}" if value is None else f' {name}="{html.escape(value)}"'


def plain(fragment: str) -> str:
    """A fragment of HTML as plain text: tags dropped, entities decoded, white space as single blanks."""
    text = ANY.sub("", fragment) if "<" in fragment else fragment
    return " ".join((html.unescape(text) if "&" in text else text).split())


def without_tags(fragment: str) -> str:
    """A fragment of HTML with its tags dropped and its entities as they are."""
    return "".join(ANY.split(fragment))
