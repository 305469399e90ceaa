"""A form's thank-you message, and what the visitor wrote -> safe HTML, the same as text, and what to read next."""

from __future__ import annotations

import html
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from capture.setup import PageRow
from obverse.forms.elements import element, escaped, texts
from obverse.forms.form import Form, Slot

# How many pages are offered to read next.
OFFERED = 3

_TAG = re.compile(r"<[^>]*>")
_BLOCK = re.compile(r"</(?:p|li|h[1-6]|blockquote|div)>|<br\s*/?>")
_LOOSE_COMMA = re.compile(r",?\s*\Z")


@dataclass(frozen=True, slots=True)
class Message:
    """A message as safe HTML and as text."""

    html: str
    text: str


def message(form: Form | None, values: Mapping[str, Any] | None, default: str) -> Message:
    """What a visitor is told. Each slot is filled once, escaped; what fills it is never scanned again.

    Without values (the hour has passed, or they are not at hand) a message that needs any gives way to `default`.
    """
    parts = form.thanks if form else ()
    slots = any(isinstance(part, Slot) for part in parts)
    if form is None or not "".join(part for part in parts if isinstance(part, str)).strip() or (slots and not values):
        return Message(element("p", {}, escaped(default)), default)
    filled = _filled(form, parts, values or {})
    return Message(filled, _as_text(filled))


def is_to_confirm(form: Form | None, values: Mapping[str, Any]) -> bool:
    """Whether something was agreed to that counts only once it is confirmed by mail."""
    return any(one.confirm and values.get(one.name) is True for one in (form.fields if form else ()))


def read_next(pages: Iterable[PageRow], lang: str, origin: PageRow | None) -> list[PageRow]:
    """Articles in that language to read next: those that share a tag with `origin` first, and then the newest."""
    tags = frozenset(origin.tags) if origin else frozenset()
    articles = [one for one in pages if one.kind == "article" and one.lang == lang and one != origin]
    newest = sorted(articles, key=lambda one: one.date, reverse=True)
    return sorted(newest, key=lambda one: tags.isdisjoint(one.tags))[:OFFERED]


def _filled(form: Form, parts: Iterable[str | Slot], values: Mapping[str, Any]) -> str:
    """The message as HTML. Where nothing was given, "Thank you, {name}." is "Thank you."."""
    written: list[str] = []
    for part in parts:
        if isinstance(part, str):
            written.append(part)
            continue
        shown = _shown(form, part.field, values.get(part.field))
        if not shown and written:
            written[-1] = _LOOSE_COMMA.sub("", written[-1])
        written.append(escaped(shown))
    return "".join(written)


def _shown(form: Form, name: str, value: Any) -> str:
    """A value as the visitor saw it."""
    field = form.field(name)
    if isinstance(value, bool):
        return ""
    if field and field.type == "money" and value is not None:
        return field.seen(value)
    return ", ".join(field.seen(text) if field else text for text in texts(value))


def _as_text(markup: str) -> str:
    """Safe HTML of our own making as plain text, a block a line."""
    lines = html.unescape(_TAG.sub("", _BLOCK.sub("\n", " ".join(markup.split())))).split("\n")
    return "\n".join(filter(None, (line.strip() for line in lines)))
