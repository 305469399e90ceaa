r"""Checking: what a visitor sent -> typed values, what is wrong with them, and what the form does not know.

The same rules as the browser's, which the visitor may have been spared or gone around; where the two count differently,
they differ in the visitor's favour: a text has at most as many code points (counted here) as UTF-16 units (counted
there), so `max` counts the former and `min` the latter.

Texts are kept with "\n" for every line break, in Unicode's normal form NFC (unless that alone made a text longer than
its field allows) and without blanks around them; a field of one line has none inside, whatever was sent, so that no
value can begin a new header. Lengths are checked before anything else looks at a text.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from types import MappingProxyType
from typing import Any

from obverse.forms.address import email_key, read_email
from obverse.forms.autocomplete import meaning
from obverse.forms.form import DAYS, NUMBERS, RESERVED, TODAY, Error, Form, FormField
from obverse.forms.kinds import SentFile, labels, spoken_size
from obverse.forms.limits import TYPED, cap
from obverse.forms.pattern import matches
from obverse.forms.when import conditions, holds, names
from obverse.schema import FORBIDDEN, Field, Refused
from obverse.schema.scalar import SCALARS

__all__ = ["Checked", "check", "contact_of", "email_key", "empty"]

# What is kept of fields that the form does not know: names, code points of a name, values of a name, code points of a
# value. What is more is cut.
MOST_NAMES, LONGEST_NAME, MOST_VALUES, LONGEST_VALUE = 50, 64, 20, 2000

# Code points of a number, a day or a truth value, which nobody needs.
_LONGEST_OTHER = 100


@dataclass(frozen=True, slots=True)
class Checked:
    """The answers by field name, what is wrong with them (at most one error a field), and what else was sent.

    A text is a str, and so is a day ("2026-05-31", "2026-05-31 14:30"); a number int or float, choices a tuple of str,
    boolean and consent a bool, files a tuple of their names; an absent or refused answer is
    empty ("", None, () or False). Headings have none.
    """

    values: dict[str, Any]
    errors: tuple[Error, ...]
    extra: dict[str, tuple[str, ...]]


_NO_FILES: Mapping[str, Sequence[SentFile]] = MappingProxyType({})


class _Wrong(Exception):  # noqa: N818 - it reads as the sentence it is: raise _Wrong("too-long", max=20)
    """What is wrong with one answer."""

    def __init__(self, code: str, **params: Any) -> None:
        super().__init__(code)
        self.code = code
        self.params = params


def check(
    form: Form,
    sent: Mapping[str, Sequence[str]],
    files: Mapping[str, Sequence[SentFile]] = _NO_FILES,
    today: date | None = None,
) -> Checked:
    """Judge what was sent for a form: texts by field name, several where the browser sent several; files likewise.

    `today` is the day in UTC, by which bounds are judged that move with the calendar; None judges none of them.
    Names that begin with `RESERVED` are no answers. What the form does not know is kept in `extra`, and so are further
    values of a field that takes one, and what was sent for a field that was not asked: without a script it can be seen
    and filled in. Never raises, whatever the texts are.
    """
    answers = _Answers(form, sent, files, today)
    for name in answers.fields:
        answers.judge(name)
    values = {name: answers.values[name] for name in answers.fields}
    errors = tuple(answers.errors[name] for name in answers.fields if name in answers.errors)
    return Checked(values, errors, _extra(answers.asked, sent))


class _Answers:
    """The answers, judged one after the other; whether a field is asked at all may hang on the answer to another."""

    def __init__(
        self,
        form: Form,
        sent: Mapping[str, Sequence[str]],
        files: Mapping[str, Sequence[SentFile]],
        today: date | None,
    ) -> None:
        self.fields = {one.name: one for one in form.fields if one.type != "heading"}
        self.sent = sent
        self.files = files
        self.today = today
        self.conditions = conditions(form.fields)
        self.values: dict[str, Any] = {}
        self.errors: dict[str, Error] = {}
        self.asked: list[FormField] = []

    def judge(self, name: str) -> None:
        """Find the answer to a field, or what is wrong with it. A field that is not asked has none and cannot err."""
        if name in self.values or name not in self.fields:
            return
        one = self.fields[name]
        self.values[name] = empty(one)  # and so a circle, which no form that was read has, comes to its end
        if name in self.conditions and not self._is_asked(name):
            return
        self.asked.append(one)
        try:
            self.values[name] = self._answer(one)
        except _Wrong as wrong:
            self.errors[name] = Error(name, wrong.code, wrong.params)

    def _answer(self, one: FormField) -> Any:
        if one.type == "file":
            return _files(one, self.files.get(one.name, ()))
        value = _value(one, self.sent.get(one.name, ()))
        if one.type in DAYS and value:
            _in_time(one, value[:10], self.today)
        return value

    def _is_asked(self, name: str) -> bool:
        tree = self.conditions[name]
        if self.files.get(name):  # a file has no place beside the answers, so it is one
            return True
        for other in sorted(names(tree)):
            self.judge(other)
        return holds(tree, self.values)


def empty(one: FormField) -> Any:
    """What stands for no answer to a field."""
    return _EMPTY.get(one.type, "")


_EMPTY: Mapping[str, Any] = {
    **dict.fromkeys(NUMBERS),
    "choices": (),
    "boolean": False,
    "consent": False,
    "file": (),
}


def _value(one: FormField, given: Sequence[str]) -> Any:
    """The answer to one field. Raises `_Wrong`."""
    if one.type == "choices":
        return _choices(one, given)
    first = given[0] if given else ""
    if one.type == "hidden":
        return FORBIDDEN.sub("", _lines(first[: 2 * cap(one)]))[: cap(one)]
    text = _cleaned(one, first) if first else ""
    value = _READERS.get(one.type, _text)(one, text) if text else empty(one)
    if one.required and (not text or value is False):
        raise _Wrong("consent" if one.type == "consent" else "required")
    return value


# --- texts -------------------------------------------------------------------------------------------------------

_BREAK = re.compile("\r\n?|[\x0b\x0c\x85\u2028\u2029]")

# Marks that come along unseen when an address or a number is copied from elsewhere: they are never part of one.
_UNSEEN = re.compile("[\u00ad\u061c\u180e\u200b\u200e\u200f\u202a-\u202e\u2060\u2066-\u2069\ufeff]+")
_DASHES = re.compile("[\u2010-\u2015\u2212]")


def _lines(text: str) -> str:
    return _BREAK.sub("\n", text)


def _cleaned(one: FormField, text: str) -> str:
    """A text as it is kept. Raises `_Wrong` for one that is too long, or holds what no text can."""
    if text.isascii() and text.isprintable():  # as most are, in which the rest finds nothing
        return _normal(one, text.strip())
    text = _lines(text)
    if FORBIDDEN.search(text):
        raise _Wrong("characters")
    if not one.rows:
        text = " ".join(filter(None, (part.strip() for part in text.split("\n"))))
    if one.type in ("email", "tel", "url") or not _UNSEEN.sub("", text).strip():
        text = _UNSEEN.sub("", text)
    return _normal(one, text.strip())


def _normal(one: FormField, text: str) -> str:
    """The text in its normal form, which costs much for long ones: those are refused before."""
    most = cap(one) if one.type in TYPED else max(_LONGEST_OTHER, *map(len, one.options), 0)
    normal = unicodedata.normalize("NFC", text) if len(text) <= most and not text.isascii() else text
    if len(normal) <= most:
        return normal
    if len(text) <= most and one.type == "text":
        return text
    if one.type in TYPED:
        raise _Wrong("too-long", max=most)
    raise _Wrong("number" if one.type in NUMBERS else one.type if one.type in DAYS else "choice")


def _text(one: FormField, text: str) -> str:
    if one.min is not None and len(text.encode("utf-16-le")) // 2 < one.min:
        raise _Wrong("too-short", min=int(one.min))
    if one.pattern and not matches(one.pattern, text):
        raise _Wrong("pattern", help=one.help)
    return text


def _email(one: FormField, text: str) -> str:
    return _text(one, _accepted("email", read_email, text))


def _url(one: FormField, text: str) -> str:
    return _text(one, _accepted("url", _scalar("url"), text))


def _tel(one: FormField, text: str) -> str:
    text = _DASHES.sub("-", text)
    _accepted("tel", _scalar("tel"), text.replace("(+", "+(", 1))  # "(+49) 30 1234" is how many write theirs
    return _text(one, text)


def _scalar(kind: str) -> Callable[[str], Any]:
    """The schema's reader of a type, without a field's bounds: those have codes of their own here."""
    return lambda text: SCALARS[kind](Field(kind), text)


def _accepted(code: str, reader: Callable[[str], Any], text: str) -> Any:
    try:
        return reader(text)
    except Refused:
        raise _Wrong(code) from None


# --- other types -------------------------------------------------------------------------------------------------


def _number(one: FormField, text: str) -> int | float:
    value: int | float = _accepted("number", _scalar("number"), text)
    if one.whole:
        if value != int(value):
            raise _Wrong("whole")
        value = int(value) if abs(value) < 2**53 else value  # 2.0 and 1e3 are whole numbers to a browser
    if one.min is not None and value < one.min:
        raise _Wrong("too-small", min=one.min)
    if one.max is not None and value > one.max:
        raise _Wrong("too-great", max=one.max)
    return value


def _money(one: FormField, text: str) -> int | float:
    value = _number(one, text)
    if round(value, 2) != value:
        raise _Wrong("decimals")
    return value


def _date(_: FormField, text: str) -> str:
    day: date = _accepted("date", _scalar("date"), text)
    return day.isoformat()


def _datetime(_: FormField, text: str) -> str:
    """A day and a time on the clock of who asks and is asked: there is no zone that both would mean."""
    moment: datetime = _accepted("datetime", _scalar("datetime"), text)
    if moment.tzinfo is not None or ":" not in text:
        raise _Wrong("datetime")
    return moment.isoformat(" ", "seconds" if moment.second else "minutes")


def _in_time(one: FormField, day: str, today: date | None) -> None:
    """Raise `_Wrong` for a day out of bounds. Somewhere it is yesterday still, or tomorrow already."""
    if one.earliest == TODAY:
        if today and day < (today - timedelta(days=1)).isoformat():
            raise _Wrong("past")
    elif day < one.earliest:
        raise _Wrong("too-early", min=date.fromisoformat(one.earliest))
    if one.latest == TODAY:
        if today and day > (today + timedelta(days=1)).isoformat():
            raise _Wrong("future")
    elif one.latest and day > one.latest:
        raise _Wrong("too-late", max=date.fromisoformat(one.latest))


def _boolean(_: FormField, text: str) -> bool:
    given: bool = _accepted("choice", _scalar("boolean"), {"1": "true", "0": "false"}.get(text, text))
    return given


def _choice(one: FormField, text: str) -> str:
    if text not in one.options:
        raise _Wrong("choice")
    return text


def _choices(one: FormField, given: Iterable[str]) -> tuple[str, ...]:
    """The chosen values, in the form's order, each once."""
    chosen = {text for text in (_option(one, text) for text in given) if text}
    if one.required and not chosen:
        raise _Wrong("required")
    if chosen and one.min is not None and len(chosen) < one.min:
        raise _Wrong("too-few", min=int(one.min))
    if one.max is not None and len(chosen) > one.max:
        raise _Wrong("too-many", max=int(one.max))
    return tuple(value for value in one.options if value in chosen)


def _option(one: FormField, text: str) -> str:
    text = _cleaned(one, text)
    return _choice(one, text) if text else ""


def _files(one: FormField, given: Sequence[SentFile]) -> tuple[str, ...]:
    """The names of the files, each of a kind, a size and a number that the field takes. Raises `_Wrong`."""
    if one.required and not given:
        raise _Wrong("required")
    if len(given) > one.max_files:
        raise _Wrong("too-many-files", max=one.max_files)
    for file in given:
        if file.size > one.max_size:
            raise _Wrong("file-size", name=file.name, max=spoken_size(one.max_size))
        if not file.size:
            raise _Wrong("file-empty", name=file.name)
        if not file.kinds.intersection(one.accept):
            raise _Wrong("file-kind", name=file.name, kinds=labels(one.accept))
    return tuple(file.name for file in given)


_READERS: dict[str, Callable[[FormField, str], Any]] = {
    "text": _text,
    "email": _email,
    "tel": _tel,
    "url": _url,
    "number": _number,
    "money": _money,
    "date": _date,
    "datetime": _datetime,
    "choice": _choice,
    "boolean": _boolean,
    "consent": _boolean,
}


# --- all else ----------------------------------------------------------------------------------------------------


def _extra(asked: Iterable[FormField], sent: Mapping[str, Sequence[str]]) -> dict[str, tuple[str, ...]]:
    """What no field asked for, cut to bounds. Empty values, and values without a name, say nothing."""
    counts = {"choices": None, "file": 0}
    taken = {one.name: counts.get(one.type, 1) for one in asked}
    found: dict[str, tuple[str, ...]] = {}
    for name, given in sent.items():
        most = taken.get(name, 0)
        if most is None or len(given) <= most or name.startswith(RESERVED):
            continue
        kept = " ".join(_kept(name, 4 * LONGEST_NAME).split())[:LONGEST_NAME]
        if not kept or kept.startswith(RESERVED) or (kept not in found and len(found) >= MOST_NAMES):
            continue
        texts = (_kept(text, LONGEST_VALUE) for text in given[most : 4 * MOST_VALUES])
        if values := (*found.get(kept, ()), *filter(None, texts))[:MOST_VALUES]:
            found[kept] = values
    return found


def _kept(text: str, most: int) -> str:
    """A text cut to `most` code points, line breaks made alike, without what no text can hold."""
    return FORBIDDEN.sub("", _lines(text[: 2 * most])).strip()[:most]


def contact_of(form: Form, values: Mapping[str, Any]) -> tuple[str, str, str]:
    """Name, e-mail address and telephone number of who answered, each "" when not given.

    The first answered e-mail and telephone fields; the first answered text field that a browser would fill with a name,
    or that is called `name`; else given and family name together.
    """
    answered = [one for one in form.fields if isinstance(values.get(one.name), str) and values[one.name]]
    lines = [one for one in answered if one.type == "text" and not one.rows]
    # Backwards, so that the first of several stays.
    by_type = {one.type: values[one.name] for one in reversed(answered)}
    by_meaning = {meaning(one.autocomplete): values[one.name] for one in reversed(lines)}
    by_name = {one.name.lower(): values[one.name] for one in reversed(lines)}
    parts = (by_meaning.get("given-name"), by_meaning.get("family-name"))
    name = by_meaning.get("name") or by_name.get("name") or " ".join(filter(None, parts))
    return name, by_type.get("email", ""), by_type.get("tel", "")
