"""Values -> text -> elements: how HTML is written, with everything escaped."""

from __future__ import annotations

import html
from collections.abc import Mapping
from typing import Any


def texts(value: object) -> tuple[str, ...]:
    """A value of any type as the texts that a form would have sent."""
    if value is None or value is False:
        return ()
    if value is True:
        return ("yes",)
    if isinstance(value, float):
        return (number(value),)
    if isinstance(value, (list, tuple, set, frozenset)):
        return tuple(text for one in value for text in texts(one))
    return (str(value),)


def number(value: float) -> str:
    """2000.0 -> "2000"; 0.5 -> "0.5"."""
    return str(int(value)) if value == value // 1 else repr(float(value))


def element(tag: str, attributes: Mapping[str, Any], content: str | None = None) -> str:
    """One element. `content` is HTML already, None for an element that never has any.

    An attribute that is True has no value, one that is None or False is left out.
    """
    written = "".join(
        f" {name}" if value is True else f' {name}="{escaped(value)}"'
        for name, value in attributes.items()
        if value is not None and value is not False
    )
    return f"<{tag}{written}>" if content is None else f"<{tag}{written}>{content}</{tag}>"


def escaped(text: object) -> str:
    """Text for HTML. What no page can hold (NUL, halves of characters) becomes a mark that something stood there."""
    plain = str(text).replace("\0", "�").encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return html.escape(plain, quote=True)


def limit(value: float | None) -> str | None:
    """A constraint as an attribute's value; None leaves the attribute out."""
    return None if value is None else number(value)
